"""Checks beside the gates that are gates themselves: what cannot be looked at is never taken for a pass."""

from typing import Any

import numpy as np
import pytest

from modelyard.config.sections.evaluate import Checks
from modelyard.core.verdict import Verdict
from modelyard.evaluation.checks.catalogue import CHECKS
from modelyard.evaluation.checks.check import Check, Subject
from modelyard.evaluation.test_set import TestSet
from modelyard.metrics.catalogue import METRICS
from modelyard.metrics.predictions import Predictions

Y = (np.arange(100) % 2).astype(np.int64)
TRUTH = TestSet(Y, None, "row", False, None, seed=1, confidence=0.95)


def subject(settings: Checks, models: dict[str, Predictions], sample: Any = None) -> Subject:
    return Subject(settings, METRICS.get("roc_auc"), 0.8, TRUTH, models, sample)


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
    check = CHECKS.get("changed-predictions")
    found = check.judge(subject(Checks(changed_predictions="gate"), models))
    assert found is not None
    assert (found.gate, found.verdict) == (True, verdict)
    if verdict is not Verdict.PASS:
        assert check.judge(subject(Checks(), models)) is None


@pytest.mark.parametrize(("train", "code"), [(None, "gap-no-rows"), (LABELS, "gap-no-output")])
def test_a_gap_that_cannot_be_measured_is_an_error_where_it_gates(train: Predictions | None, code: str) -> None:
    check, sample = CHECKS.get("train-test-gap"), None if train is None else (Y, train)
    found = check.judge(subject(Checks(train_test_gap="gate"), {}, sample))
    assert found is not None
    assert (found.verdict, found.finding.code) == (Verdict.ERROR, code)
    assert check.judge(subject(Checks(), {}, sample)) is None


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_a_check_that_gates_always_has_a_verdict_and_one_that_is_off_none(check: Check) -> None:
    key = check.name.replace("-", "_")
    nothing: dict[str, Predictions] = {"challenger": Predictions(2)}
    result = check.judge(subject(Checks(**{key: "gate"}), nothing))
    assert result is not None
    assert result.verdict is not Verdict.PASS
    assert check.judge(subject(Checks(**{key: "off"}), {"challenger": LABELS, "champion": LABELS})) is None
