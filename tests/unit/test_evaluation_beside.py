"""Checks beside the gates that are gates themselves: what cannot be looked at is never taken for a pass."""

import numpy as np
import pytest

from modelyard.config.sections.evaluate import Checks
from modelyard.core.verdict import Verdict
from modelyard.evaluation.checks import beside
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
    _, found = beside.changed(Checks(changed_predictions="gate"), TRUTH, models, {})
    assert found is not None
    assert (found.gate, found.verdict) == (True, verdict)
    if verdict is not Verdict.PASS:
        assert beside.changed(Checks(), TRUTH, models, {}) == (None, None)


@pytest.mark.parametrize(("train", "said"), [(None, "no training row was scored"), (LABELS, "gives no probability")])
def test_a_gap_that_cannot_be_measured_is_an_error_where_it_gates(train: Predictions | None, said: str) -> None:
    found = beside.gap(Checks(train_test_gap="gate"), METRICS.get("roc_auc"), 0.8, Y, train)
    assert found is not None
    assert (found.verdict, said in found.said) == (Verdict.ERROR, True)
    assert beside.gap(Checks(), METRICS.get("roc_auc"), 0.8, Y, train) is None
