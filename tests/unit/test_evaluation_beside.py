"""Checks beside the gates that are gates themselves: what cannot be looked at is never taken for a pass."""

import numpy as np
import pytest

from modelyard.config.sections.evaluate import Checks
from modelyard.core.verdict import Verdict
from modelyard.evaluation.checks import changed, gap
from modelyard.evaluation.test_set import TestSet
from modelyard.metrics.catalogue import METRICS
from modelyard.metrics.predictions import Predictions

Y = (np.arange(100) % 2).astype(np.int64)
TRUTH = TestSet(Y, None, "row", False, None, seed=1, confidence=0.95)
LABELS, SCORES = Predictions(2, label=Y), Predictions(2, probability=np.linspace(0, 1, 100))


@pytest.mark.parametrize(
    ("models", "verdict"),
    [
        ({"challenger": LABELS}, Verdict.NOT_APPLICABLE),
        ({"challenger": LABELS, "champion": SCORES}, Verdict.ERROR),
        ({"challenger": LABELS, "champion": LABELS}, Verdict.PASS),
    ],
)
def test_changed_predictions_as_a_gate_always_have_a_verdict(models: dict[str, Predictions], verdict: Verdict) -> None:
    seen = changed.changed(TRUTH, models, {})
    found = changed.check(Checks(changed_predictions="gate"), seen, champion="champion" in models)
    assert found is not None
    assert (found.gate, found.verdict) == (True, verdict)
    if verdict is not Verdict.PASS:
        assert changed.check(Checks(), seen, champion="champion" in models) is None


@pytest.mark.parametrize(("train", "code"), [(None, "gap-no-rows"), (LABELS, "gap-no-output")])
def test_a_gap_that_cannot_be_measured_is_an_error_where_it_gates(train: Predictions | None, code: str) -> None:
    found = gap.check(Checks(train_test_gap="gate"), METRICS.get("roc_auc"), 0.8, Y, train)
    assert found is not None
    assert (found.verdict, found.finding.code) == (Verdict.ERROR, code)
    assert gap.check(Checks(), METRICS.get("roc_auc"), 0.8, Y, train) is None
