"""Slices as guards, by simulation: how often a good model is accused, and how often a bad slice is found."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from modelyard.config.models import Gate
from modelyard.evaluation import rules
from modelyard.evaluation.gates import judge
from modelyard.evaluation.guard import holm
from modelyard.evaluation.truth import Groups, Truth
from modelyard.metrics.compute import Predictions
from modelyard.records.results import GateResult
from modelyard.verdict import Verdict
from tests.statistics.test_coverage import allowed

SLICES, ROWS = 30, 400
N = SLICES * ROWS
NAMES = np.repeat(np.arange(SLICES), ROWS)


def rule(**fields: Any) -> rules.Rule:
    gate = Gate(**{"by": ["part"], **fields})
    return rules.from_config((gate,), "binary", lambda _: None, "modelyard.yml")[0]


def labels(right: Any, y: Any) -> Predictions:
    return Predictions(2, np.where(right, y, 1 - y), None)


def judged(gate: rules.Rule, y: Any, unit: Any = None, **right: Any) -> GateResult:
    truth = Truth(y, unit, "row" if unit is None else "day", False, None, seed=1, confidence=0.95)
    models = {role: replace(labels(each, y), model=str(hash(each.tobytes()))) for role, each in right.items()}
    return judge(gate, 0, truth, models, {"part": Groups.of(NAMES)})


def accused(found: GateResult) -> list[str]:
    return [row.value for row in found.slices if row.verdict is Verdict.FAIL]


def test_holm_is_holm() -> None:
    draw = np.random.default_rng(1)
    for _ in range(200):
        p = list(draw.random(draw.integers(1, 12)) ** 4)
        assert holm(p) == list(multipletests(p, alpha=0.05, method="holm")[0])


def test_thirty_good_slices_are_rarely_accused() -> None:
    """Every slice exactly at its bound, the hardest case of no shortfall: at most 5 % of the gates."""
    draw, runs = np.random.default_rng(2), 200
    y = (draw.random(N) < 0.5).astype(np.int64)
    gate = rule(metric="accuracy", at_least=0.8)
    wrong = sum(bool(accused(judged(gate, y, challenger=draw.random(N) < 0.8))) for _ in range(runs))
    assert wrong / runs <= allowed(0.05, runs)


def test_days_that_correlate_accuse_no_good_slice() -> None:
    """Rows of a day share a shock of 15 points; row-wise p alone would accuse nearly always."""
    draw, runs = np.random.default_rng(3), 100
    y = (draw.random(N) < 0.5).astype(np.int64)
    gate = rule(metric="accuracy", at_least=0.75)
    unit = np.tile(np.arange(ROWS) % 80, SLICES)
    wrong = 0
    for _ in range(runs):
        shock = draw.uniform(-0.15, 0.15, (SLICES, 80))[NAMES, unit]
        wrong += bool(accused(judged(gate, y, unit, challenger=draw.random(N) < 0.75 + shock)))
    assert wrong / runs <= allowed(0.05, runs)


def test_three_slices_that_are_ten_points_worse_are_each_called() -> None:
    """Challenger against champion, disagreement 20 %, margin 0.01: each of the three in at least 80 % of the runs."""
    draw, runs = np.random.default_rng(4), 100
    y = (draw.random(N) < 0.5).astype(np.int64)
    gate = rule(metric="accuracy", no_worse_than="champion", margin=0.01)
    found = dict.fromkeys(("0", "1", "2"), 0)
    falsely = 0
    for _ in range(runs):
        worse = np.where(NAMES < 3, 0.15, 0.10)
        draws = draw.random(N)
        only_champion, only_challenger = draws < worse, draws > 1 - (0.20 - worse)
        both = ~only_champion & ~only_challenger & (draw.random(N) < 0.85)
        names = accused(judged(gate, y, challenger=both | only_challenger, champion=both | only_champion))
        for name in names:
            if name in found:
                found[name] += 1
        falsely += bool(set(names) - set(found))
    assert min(found.values()) / runs >= 0.8 - 2 * (0.8 * 0.2 / runs) ** 0.5, found
    assert falsely / runs <= allowed(0.05, runs)


@pytest.fixture(scope="module")
def y() -> Any:
    return (np.random.default_rng(5).random(N) < 0.5).astype(np.int64)


def right(share: Any, seed: int) -> Any:
    """Right in exactly this share of each slice."""
    order = np.concatenate([np.random.default_rng((seed, part)).permutation(ROWS) for part in range(SLICES)])
    return order < np.broadcast_to(share, SLICES)[NAMES] * ROWS


def test_a_slice_far_below_its_bound_fails_the_gate_and_is_named(y: Any) -> None:
    share = np.full(SLICES, 0.9)
    share[7] = 0.6
    found = judged(rule(metric="accuracy", at_least=0.8), y, challenger=right(share, 1))
    assert found.verdict is Verdict.FAIL
    assert accused(found) == ["7"]
    assert found.reason == "part = 7 is below the bound, beyond chance among 30 slices"


def test_slices_without_power_leave_the_gate_open_and_say_what_they_need(y: Any) -> None:
    share = right(0.9, 1)
    found = judged(rule(metric="accuracy", at_least=0.8, slice_drop=0.01), y, challenger=share)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reason == "none of the 30 slices has rows enough to show a shortfall that matters"
    assert all(row.rows_needed and row.rows_needed > 10_000 for row in found.slices)
    assert "400 rows; to see a shortfall of 0.01 it takes about" in found.slices[0].note


def test_every_slice_must_reach_the_bound_where_that_is_asked(y: Any) -> None:
    share = right(0.9, 1)
    assert judged(rule(metric="accuracy", at_least=0.88), y, challenger=share).verdict is Verdict.PASS
    strict = judged(rule(metric="accuracy", at_least=0.88, require="every"), y, challenger=share)
    assert strict.verdict is Verdict.INCONCLUSIVE


def test_identical_models_have_no_slice_that_is_worse(y: Any) -> None:
    same = right(0.9, 1)
    found = judged(rule(metric="accuracy", no_worse_than="champion", margin=0.01), y, challenger=same, champion=same)
    assert accused(found) == []
    assert found.verdict is Verdict.PASS


def test_a_slice_of_few_units_is_listed_and_never_accused(y: Any) -> None:
    share = np.full(SLICES, 0.9)
    share[7] = 0.3
    unit = np.where(NAMES == 7, np.arange(N) % 12, np.arange(N) % 90)
    found = judged(rule(metric="accuracy", at_least=0.5), y, unit, challenger=right(share, 1))
    (few,) = [row for row in found.slices if row.value == "7"]
    assert (few.verdict, few.note) == (Verdict.NOT_APPLICABLE, "12 units, and at least 30 are judged")
    assert found.verdict is Verdict.PASS
