"""Suggested margins: from folds alone, rounded to the side that can be resolved, never above a tenth of the gain."""

from typing import Any

import numpy as np
import pytest

from modelyard.cli.gates import told
from modelyard.evaluation.suggest import suggest
from modelyard.files import sha256_bytes
from modelyard.records.results import CandidateRow, TrainResult


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
        "baseline": {"share_0": 0.7, "share_1": 0.3},
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
    found = suggest(trained(CLOSE, test_rows=40))
    assert found is not None
    assert found.resolvable is not None
    assert found.worth is not None
    assert found.resolvable > found.worth == found.margin
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
    ("metric", "baseline"),
    [("accuracy", 0.7), ("log_loss", 0.6109), ("brier_score", 0.21), ("average_precision", 0.3), ("f1", None)],
)
def test_baselines_come_from_the_record(metric: str, baseline: float | None) -> None:
    found = suggest(trained(CLOSE, metric=metric))
    assert found is not None
    assert found.baseline == (None if baseline is None else pytest.approx(baseline, abs=1e-4))


def test_without_folds_there_is_nothing_to_say() -> None:
    assert suggest(trained([])) is None
    assert suggest(trained(CLOSE, test_rows=0)) is None
    alone = suggest(trained(CLOSE[:1]))
    assert alone is not None
    assert alone.resolvable is None
