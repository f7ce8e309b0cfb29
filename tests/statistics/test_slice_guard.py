"""Slices as guards, by simulation: how often a good model is accused, and how often a bad slice is found."""

from typing import Any

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from modelyard.core.reasons import because
from modelyard.core.verdict import Verdict
from modelyard.evaluation.gates.slices import holm
from tests.statistics import guards
from tests.statistics.cases import allowed
from tests.statistics.guards import NAMES, ROWS, SLICES, N, accused, judged, rule


def test_holm_is_holm() -> None:
    draw = np.random.default_rng(1)
    for _ in range(40):  # the reference takes 60 ms a call
        p = list(draw.random(draw.integers(1, 12)) ** 4)
        assert holm(p) == list(multipletests(p, alpha=0.05, method="holm")[0])


def held(line: guards.Line) -> None:
    print(line)
    if line.at_most is not None:
        assert line.share <= allowed(line.at_most, line.runs), line
    if line.at_least is not None:
        assert line.share >= line.at_least - (allowed(line.at_least, line.runs) - line.at_least), line


def test_thirty_good_slices_are_rarely_accused() -> None:
    held(guards.at_the_bound(200))
    held(guards.equally_good(100))


def test_days_that_correlate_accuse_no_good_slice() -> None:
    held(guards.with_days(100))


def test_three_slices_that_are_ten_points_worse_are_each_called() -> None:
    for line in guards.three_are_worse(100):
        held(line)


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
    assert found.reason == because("slices-below", slices=("part = 7",), more=0, tested=30)


def test_slices_without_power_leave_the_gate_open_and_say_what_they_need(y: Any) -> None:
    share = right(0.81, 1)
    found = judged(rule(metric="accuracy", at_least=0.8, slice_drop=0.01), y, challenger=share)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reason == because("no-powered-slice", slices=30)
    assert all(row.rows_needed and row.rows_needed > 10_000 for row in found.slices)
    note = found.slices[0].note
    assert note is not None
    assert (note.code, note.values["rows"], note.values["drop"]) == ("underpowered", 400, 0.01)
    assert found.slices[0].share == 1 / SLICES


def test_the_power_of_a_slice_does_not_hang_on_the_level_of_the_intervals(y: Any) -> None:
    models = {"challenger": right(0.9, 1), "champion": right(0.9, 2)}
    gate = rule(metric="accuracy", no_worse_than="champion", margin=0.01, slice_drop=0.05)
    needed = [judged(gate, y, level=level, **models).slices[0].rows_needed for level in (0.5, 0.95, 0.99)]
    assert needed == pytest.approx([needed[1]] * 3, rel=0.02)


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
    assert (few.verdict, few.note) == (Verdict.NOT_APPLICABLE, because("too-few-units", units=12, fewest=30))
    assert found.verdict is Verdict.PASS


def test_a_slice_without_power_is_judged_where_its_own_interval_decides(y: Any) -> None:
    share = right(0.9, 1)
    found = judged(rule(metric="accuracy", at_least=0.8, slice_drop=0.01), y, challenger=share)
    assert found.verdict is Verdict.PASS
    assert {row.verdict for row in found.slices} == {Verdict.PASS}
    strict = judged(rule(metric="accuracy", at_least=0.8, slice_drop=0.01, by=[{"part": 3}]), y, challenger=share)
    assert strict.verdict is Verdict.PASS, "named, and it has shown what it needed to"


def test_areas_of_crossed_curves_accuse_no_good_slice() -> None:
    held(guards.crossed_areas(100))


@pytest.mark.parametrize("against", ["", "champion"])
def test_stores_of_unequal_size_accuse_no_good_region(against: str) -> None:
    held(guards.unequal_stores(150, against=against))
