"""Suggested margins: from folds alone, rounded to the side that can be resolved, never above a tenth of the gain."""

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import mean_pinball_loss

from modelyard.cli.views.margins import lines as told
from modelyard.core.files import sha256_bytes
from modelyard.evaluation.suggest import suggest
from modelyard.metrics.catalogue import METRICS
from modelyard.records.results import CandidateRow, TrainResult
from modelyard.training.baseline import baseline_score, fit_baseline


def trained(scores: list[list[float]], **fields: Any) -> TrainResult:
    rows = tuple(
        CandidateRow(
            name=f"c{at}", params={}, score=float(np.mean(each)), scores=tuple(each), seconds=0, fits=5, cached=False,
            winner=at == 0,
        )
        for at, each in enumerate(scores)
    )  # fmt: skip
    told_of = {
        "how": "candidates", "metric": "roc_auc", "candidates": rows, "folds": 5, "folds_follow": "row",
        "train_rows": 5000, "train_digest": sha256_bytes(b""), "test_rows": 1000, "seed": 0, "adapter": "sklearn",
        "baseline_score": 0.5,
    }  # fmt: skip
    return TrainResult(**(told_of | fields))


CLOSE = [[0.80, 0.82, 0.81, 0.79, 0.83], [0.79, 0.815, 0.802, 0.786, 0.82]]


def test_a_margin_that_can_be_resolved_is_suggested() -> None:
    found = suggest(trained(CLOSE))
    assert found is not None
    assert found.baseline == 0.5
    assert found.worth == pytest.approx(0.031)
    assert found.resolvable is not None
    assert found.margin == found.resolvable
    assert found.worth is not None
    assert found.resolvable < found.worth
    assert any("write       {metric: roc_auc, no_worse_than: champion, margin: 0.0" in line for line in told(found))


def test_no_margin_is_suggested_above_a_tenth_of_the_gain() -> None:
    found = suggest(trained(CLOSE, test_rows=40, baseline_score=0.4945))
    assert found is not None
    assert found.resolvable is not None
    assert found.worth is not None
    assert found.resolvable > found.worth
    assert found.margin == 0.031, "a tenth of 0.3155, rounded down"
    assert any("times the test rows" in line for line in told(found))


def test_the_estimate_is_near_the_truth() -> None:
    """Differences with a known spread: the suggested margin is at least 80 % of the time not below the true one."""
    draw, enough = np.random.default_rng(1), 0
    for _ in range(400):
        base = 0.8 + 0.01 * draw.normal(size=5)
        found = suggest(trained([list(base), list(base - 0.005 + 0.004 * draw.normal(size=5))]))
        assert found is not None
        assert found.resolvable is not None
        enough += found.resolvable >= 2.802 * 0.004
    assert enough / 400 >= 0.74


@pytest.mark.parametrize(
    ("metric", "expected"),
    [("roc_auc", 0.5), ("accuracy", 0.7), ("log_loss", 0.6109), ("brier_score", 0.21), ("average_precision", 0.3),
     ("f1", 0.0)],
)  # fmt: skip
def test_a_classifier_is_counted_from_shares_and_the_majority(metric: str, expected: float) -> None:
    y = (np.arange(1000) < 300).astype(np.int64)
    shares = fit_baseline(y, None, "binary", 2)
    assert baseline_score(METRICS.get(metric), y, None, shares, "binary") == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("metric", ["root_mean_squared_error", "mean_absolute_error", "r2", "mean_pinball_loss_90"])
def test_a_regression_is_counted_from_the_constant_that_is_hardest_to_beat(metric: str) -> None:
    y = np.random.default_rng(1).exponential(size=2000)
    peers = {
        "root_mean_squared_error": y.std(), "mean_absolute_error": np.abs(y - np.median(y)).mean(), "r2": 0.0,
        "mean_pinball_loss_90": mean_pinball_loss(y, np.full(2000, np.quantile(y, 0.9)), alpha=0.9),
    }  # fmt: skip
    found = baseline_score(METRICS.get(metric), y, None, fit_baseline(y, None, "regression"), "regression")
    assert found == pytest.approx(peers[metric], abs=1e-4)


def test_multiclass_is_counted_too() -> None:
    y = np.random.default_rng(1).integers(0, 3, 900)
    shares = fit_baseline(y, None, "multiclass", 3)
    entropy = -sum(share * np.log(share) for share in shares.values())
    assert baseline_score(METRICS.get("log_loss"), y, None, shares, "multiclass") == pytest.approx(entropy)
    assert baseline_score(METRICS.get("roc_auc_ovr"), y, None, shares, "multiclass") == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("score", "metric", "said"),
    [(None, "roc_auc", "not known"), (0.9, "roc_auc", "nothing: the best"), (0.5, "log_loss", "nothing: the best")],
)
def test_without_a_gain_no_margin_is_written(score: float | None, metric: str, said: str) -> None:
    found = suggest(trained(CLOSE, baseline_score=score, metric=metric))
    assert found is not None
    assert found.margin is None
    lines = list(told(found))
    assert any(said in line for line in lines)
    assert not any("write" in line for line in lines)


def test_without_folds_there_is_nothing_to_say() -> None:
    assert suggest(trained([])) is None
    assert suggest(trained(CLOSE, test_rows=0)) is None
    alone = suggest(trained(CLOSE[:1]))
    assert alone is not None
    assert alone.resolvable is None
