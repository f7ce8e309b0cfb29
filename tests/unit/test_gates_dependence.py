"""What gates make of units, weights and models that do not flatter them, and what they tell of it."""

from typing import Any

import numpy as np
import pytest

from modelyard.core.reasons import because
from modelyard.core.verdict import Verdict
from modelyard.evaluation.gates import judgement, rules
from modelyard.evaluation.gates.judge import estimate_of, judge
from modelyard.evaluation.intervals import measure
from modelyard.evaluation.intervals.strategy import Combination
from modelyard.evaluation.remarks import remarks
from modelyard.evaluation.test_set import TestSet
from modelyard.metrics.catalogue import METRICS
from modelyard.metrics.predictions import Predictions
from modelyard.report import wording
from modelyard.stats import clusters, estimate


def rows(y: Any, unit: Any = None, weight: Any = None, name: str = "row", *, ordered: bool = False) -> TestSet:
    return TestSet(np.asarray(y), unit, name, ordered, weight, seed=1, confidence=0.95)


def level(metric: str, found: TestSet, model: Predictions) -> Any:
    return measure.level(METRICS.get(metric), found, model)


def test_one_store_with_most_rows_is_not_sixty_one_stores() -> None:
    """440 of 500 rows in one store printed 0.8460 [0.8117, 0.8750], 61 stores, and passed."""
    unit = np.concatenate([np.zeros(440, dtype=np.int64), np.arange(1, 61)])
    right = np.random.default_rng(1).random(500) < 0.846
    found = level("accuracy", rows(np.ones(500, dtype=int), unit), Predictions(2, right.astype(np.int64)))
    assert found.low is None
    assert found.refused is not None
    assert (found.refused.code, found.refused.values["of"]) == ("too-few-effective-units", 61)
    assert found.effective == pytest.approx(500**2 / (440**2 + 60))
    assert found.largest == pytest.approx(0.88)
    assert (
        wording.because(found.refused) == "61 units of unequal size are worth 1 of equal size; at least 30 are needed"
    )


@pytest.mark.parametrize("weight", [np.repeat([1.0, 0.0], [6, 494]), np.eye(1, 500)[0]])
def test_weights_of_nothing_are_no_rows(weight: Any) -> None:
    y = (np.arange(500) % 2).astype(np.int64)
    model = Predictions(2, y.copy(), np.where(y == 1, 0.9, 0.1))
    for metric in ("accuracy", "roc_auc", "log_loss", "f1", "average_precision"):
        found = level(metric, rows(y, weight=weight), model)
        assert found.low is None, metric


def test_no_limit_leaves_the_range_of_its_metric() -> None:
    draw = np.random.default_rng(2)
    y = (draw.random(120) < 0.5).astype(np.int64)
    model = Predictions(2, np.where(draw.random(120) < 0.02, 1 - y, y), np.clip(y * 0.98 + 0.01, 0, 1))
    unit = np.arange(120) // 3
    for metric in ("f1", "roc_auc", "balanced_accuracy", "precision", "matthews_corrcoef"):
        named = METRICS.get(metric)
        for found in (level(metric, rows(y), model), level(metric, rows(y, unit), model)):
            if found.low is not None:
                assert (named.lowest or -1) <= found.low <= found.high <= 1


@pytest.mark.parametrize("metric", ["root_mean_squared_error", "mean_squared_error", "mean_absolute_error", "r2"])
@pytest.mark.parametrize("huge", [1e160, 1e308])
def test_targets_too_large_to_square_refuse_in_words(metric: str, huge: float) -> None:
    y = np.random.default_rng(1).normal(size=300)
    y[3] = huge
    models = {"challenger": Predictions(value=y * 0), "champion": Predictions(value=y * 0 + 1.0)}
    found = measure.contrast(METRICS.get(metric), rows(y), Combination(list(models.values()), [1.0, -1.0]))
    for each in (found, level(metric, rows(y), models["champion"])):
        assert each.low is None or metric == "mean_absolute_error"
        if each.refused is not None:
            assert each.refused.code in ("not-finite", "undefined")
    assert judgement.overview([], METRICS.get(metric), "regression", rows(y), models)[0].challenger.low is None


def test_days_that_hardly_change_refuse_in_words() -> None:
    draw, groups = np.random.default_rng(3), 120
    shock = np.cumsum(draw.normal(size=groups)) / 20
    unit = np.repeat(np.arange(groups), 60)
    values = np.array([shock[unit] + 0.1 * draw.normal(size=len(unit)), np.zeros(len(unit))])
    found = estimate.contrast_mean(values, np.array([1.0, -1.0]), 0.0, unit=unit, lags=7)
    assert found.refused is not None
    assert found.refused.code == "remembered"
    assert "take a longer unit" in wording.because(found.refused)
    assert "{every: week}" in wording.because(found.refused)


def test_memory_and_size_are_told_where_they_matter() -> None:
    draw = np.random.default_rng(4)
    unit = np.repeat(np.arange(90), draw.integers(1, 40, 90))
    moved = clusters.of_ratio(draw.normal(size=len(unit)), np.ones(len(unit)), *clusters.dense(unit))
    found = clusters.interval(moved, method=because("cluster-t"), fewest=10, lags=7)
    told = wording.dependence(estimate_of(found, rows(draw.normal(size=3), name="day", ordered=True)))
    assert told == f"90 days of unequal size are worth {moved.effective:.0f} of equal size"
    assert found.memory is not None


def test_a_first_model_has_to_be_worth_something() -> None:
    """A useless score is better than none by a hair on many rows: 0.5 + 0.02 on 40,000."""
    draw = np.random.default_rng(5)
    y = (draw.random(40_000) < 0.5).astype(np.int64)
    models = {
        "challenger": Predictions(2, None, 1 / (1 + np.exp(-(draw.normal(size=len(y)) + 0.06 * y)))),
        "baseline": Predictions(2, None, np.full(len(y), 0.5)),
    }
    primary = METRICS.get("roc_auc")
    plain, first = (
        rules.defaults(primary, champion_gains=True, best_gains=False, first=asked)[0] for asked in (False, True)
    )
    assert plain.id == first.id, "a waiver of one names the other"
    assert judge(plain, rows(y), models, {}).verdict is Verdict.PASS
    found = judge(first, rows(y), models, {})
    assert found.verdict is Verdict.FAIL
    assert wording.rule(found) == "roc_auc goes 5% of the way from the baseline to a perfect score"


def test_the_gates_of_one_metric_are_not_counted_as_independent() -> None:
    """Two gates on one difference said 0.35 where half of equally good models passed."""
    draw, passed, said = np.random.default_rng(6), [], []
    primary = METRICS.get("roc_auc")
    made = rules.defaults(primary, champion_gains=True, best_gains=False)
    for at in range(60):
        y = (draw.random(400) < 0.5).astype(np.int64)
        score = 3 * (2 * y - 1) + 2.4 * draw.normal(size=400)
        models = {
            role: Predictions(2, None, 1 / (1 + np.exp(-(score + 0.9 * draw.normal(size=400)))))
            for role in ("challenger", "champion")
        }
        models["baseline"] = Predictions(2, None, np.full(400, 0.5))
        test_set = TestSet(y, None, "row", False, None, seed=at, confidence=0.95)
        gates = [judge(rule, test_set, models, {}) for rule in made]
        passed.append(all(gate.verdict is Verdict.PASS for gate in gates))
        said.append(judgement.equal_chance(gates) or 0.0)
    assert 0.1 < np.mean(passed) < 0.98, "a case that tells nothing"
    assert np.mean(said) == pytest.approx(np.mean(passed), abs=0.12)


def test_a_model_that_calls_nothing_positive_gets_a_remark() -> None:
    y = np.repeat([1, 0], [20, 180])
    told = remarks(rows(y), Predictions(2, np.zeros(200, dtype=np.int64), np.full(200, 0.1)))
    assert [each.code for each in told] == ["no-positives"]
    worse = np.where(np.arange(200) < 60, 1, 0)
    told = remarks(rows(y), Predictions(2, worse))
    assert [each.code for each in told] == ["below-majority"]
    assert wording.because(told[0]) == "its accuracy of 0.8 is below the 0.9 of always calling the commonest class"
    assert remarks(rows(y), Predictions(2, y)) == ()
    assert [each.code for each in remarks(rows(y), Predictions(2, y), worth=0.0)] == ["little-worth"]


@pytest.mark.parametrize("metric", ["log_loss", "brier_score"])
def test_a_nearly_perfect_model_has_room_for_errors_not_seen(metric: str) -> None:
    """300 rows without a wrong one printed 0.001020 [0.001014, 0.001026]."""
    draw = np.random.default_rng(7)
    truth, inside = 0.004, 0
    cost = {"log_loss": -np.log(0.001) * truth - np.log(0.999) * (1 - truth), "brier_score": 0.999**2 * truth + 1e-6}
    for _ in range(200):
        y = (draw.random(300) < 0.5).astype(np.int64)
        called = np.where(draw.random(300) < truth, 1 - y, y)
        found = level(metric, rows(y), Predictions(2, None, np.where(called == 1, 0.999, 0.001)))
        assert found.low is None or found.low < found.high
        inside += found.high is None or found.high >= cost[metric]
    assert inside >= 200 * (0.965 - 0.035)
