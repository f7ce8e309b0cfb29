"""A margin in percent of a reference at or below zero is a share of its size, or inconclusive with words."""

from typing import Any

import numpy as np
import pytest

from modelyard.config.sections.gate import Gate
from modelyard.core.verdict import Verdict
from modelyard.evaluation.gates import rules
from modelyard.evaluation.gates.judge import judge
from modelyard.evaluation.test_set import TestSet
from modelyard.metrics.predictions import Predictions
from modelyard.records.results import GateResult
from modelyard.report.wording import because as worded

Y = np.random.default_rng(3).normal(size=800)
TEST = TestSet(Y, None, "row", False, None, seed=7, confidence=0.95)
MEAN = Predictions(value=np.zeros(len(Y)))


def model(error: float, seed: int) -> Predictions:
    """Predict with noise; an error of 1 is an R² of 0, of 1.41 one of −1."""
    return Predictions(value=Y + error * np.random.default_rng(seed).normal(size=len(Y)))


def judged(challenger: float, champion: float, **gate: Any) -> GateResult:
    rule = rules.from_config((Gate(**gate),), "regression", lambda _: 1, "m.yml")[0]
    models = {"challenger": model(challenger, 1), "champion": model(champion, 2), "baseline": MEAN}
    return judge(rule, TEST, {**models, "baseline:mean": MEAN}, {})


@pytest.mark.parametrize("champion", [1.42, 1.8, 3.0])
def test_as_good_as_a_reference_below_zero_is_no_worse(champion: float) -> None:
    assert judged(champion, champion, metric="r2", no_worse_than="champion", margin="40 %").verdict is Verdict.PASS


def test_much_worse_than_a_reference_below_zero_fails() -> None:
    assert judged(2.0, 1.42, metric="r2", no_worse_than="champion", margin="40 %").verdict is Verdict.FAIL


def test_better_by_a_share_of_a_reference_below_zero_is_better_and_not_worse() -> None:
    gate = {"metric": "r2", "better_than": "champion", "margin": "40 %"}
    assert judged(1.42, 1.42, **gate).verdict is Verdict.FAIL
    assert judged(1.5, 1.42, **gate).verdict is Verdict.FAIL
    assert judged(1.0, 1.42, **gate).verdict is Verdict.PASS


@pytest.mark.parametrize("operator", ["no_worse_than", "better_than"])
def test_a_share_of_a_reference_at_zero_is_inconclusive_in_words(operator: str) -> None:
    found = judged(0.5, 1.02, metric="r2", margin="20 %", **{operator: "champion"})
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reason is not None
    assert found.reason.code == "share-of-zero"
    assert "metric's own unit" in worded(found.reason)


@pytest.mark.parametrize("operator", ["no_worse_than", "better_than"])
@pytest.mark.parametrize("metric", ["r2", "root_mean_squared_error"])
@pytest.mark.parametrize("champion", [1.005, 1.5])
def test_a_share_of_no_gain_is_inconclusive_in_words(operator: str, metric: str, champion: float) -> None:
    found = judged(champion, champion, metric=metric, margin="20 % of gain", **{operator: "champion"})
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reason is not None
    assert found.reason.code == "share-of-no-gain"


@pytest.mark.parametrize("margin", ["20 %", "20 % of gain"])
@pytest.mark.parametrize("metric", ["r2", "root_mean_squared_error"])
def test_references_above_zero_are_judged_as_ever(margin: str, metric: str) -> None:
    gate = {"metric": metric, "margin": margin}
    assert judged(0.5, 0.5, no_worse_than="champion", **gate).verdict is Verdict.PASS
    assert judged(0.9, 0.5, no_worse_than="champion", **gate).verdict is Verdict.FAIL
    assert judged(0.5, 0.5, better_than="champion", **gate).verdict is Verdict.FAIL
