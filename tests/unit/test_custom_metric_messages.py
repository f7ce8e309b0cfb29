"""What a custom metric prints or raises may hold values of rows: it is in its log alone."""

from pathlib import Path

import numpy as np
import pytest

from modelyard.config.sections.evaluate import OwnMetric
from modelyard.core.errors import DataError
from modelyard.metrics.custom import functions
from modelyard.metrics.predictions import Predictions


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (
            "def cost(y, p):\n    print('4711')\n    raise ValueError(f'salary {y[0]}')\n",
            "metric.py: ValueError, line 3",
        ),
        ("def cost(y, p):\n    return {y[0]: 1}['none']\n", "metric.py: KeyError, line 2"),
        ("import no_such_library\n", "No module named 'no_such_library'"),
    ],
)
def test_the_kind_and_the_line_are_told(tmp_path: Path, code: str, told: str) -> None:
    (tmp_path / "metric.py").write_text(code, "utf-8")
    own = OwnMetric.model_validate({"function": "metric:cost", "higher_is_better": False, "needs": "value"})
    files, logs = {"cost": tmp_path / "metric.py"}, tmp_path / "logs"
    truth = np.array([4711.0, 2.0])
    with (
        pytest.raises(DataError) as caught,
        functions.opened({"cost": own}, files, task="regression", classes=(), logs=logs) as found,
    ):
        found["cost"].statistic(truth, Predictions(value=truth))(np.ones(2))
    assert caught.value.code == "metric/failed"
    assert told in caught.value.message
    assert "4711" not in f"{caught.value.message} {caught.value.hint}"
    assert str(logs / "metric-cost.log") in caught.value.hint
    assert (logs / "metric-cost.log").read_text("utf-8").strip()
