"""What a predict command names outside the configuration's folder goes into the version, or is refused."""

from pathlib import Path

import pytest

from modelyard.core.errors import ConfigError
from modelyard.steps.outside_code import command_of_version, outside_folders


@pytest.fixture
def base(tmp_path: Path) -> Path:
    (tmp_path / "models" / "churn").mkdir(parents=True)
    (tmp_path / "libs").mkdir()
    (tmp_path / "libs" / "predict.py").write_text("", "utf-8")
    return tmp_path / "models" / "churn"


def test_a_version_runs_it_from_within(base: Path) -> None:
    command = "python ../../libs/predict.py --config=../../libs/a.yml {model_dir} ./x/../y"
    assert command_of_version(command) == (
        "python outside-2/libs/predict.py --config=outside-2/libs/a.yml {model_dir} ./x/../y"
    )
    root = base.parents[1]
    assert outside_folders(command, base, root) == {"outside-2/libs": root / "libs"}


@pytest.mark.parametrize("command", ["python predict.py {rows}", "Rscript R/predict.R", "python -m pkg.predict"])
def test_a_command_that_stays_inside_is_left_as_it_is(base: Path, command: str) -> None:
    assert command_of_version(command) == command
    assert outside_folders(command, base, base.parents[1]) == {}


def test_what_no_version_can_carry_is_refused(base: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        outside_folders("python ../../../predict.py", base, base.parents[1])
    assert caught.value.code == "command/outside-workspace"
    with pytest.raises(ConfigError) as caught:
        outside_folders(f"python {base}/predict.py", base, base.parents[1])
    assert caught.value.code == "command/absolute-path"
