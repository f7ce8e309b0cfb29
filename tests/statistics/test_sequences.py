"""Confidence sequences hold at every look; benchmarks/sequences.py has the long runs."""

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from modelyard.core.errors import DataError
from modelyard.stats import sequences
from modelyard.stats.sequences import State, auc_blocks, interval, start, update
from tests.statistics.sequences import STREAMS, Stream, coverage, missed, widths

RUNS = 400


@pytest.mark.parametrize("stream", [each for each in STREAMS if not each.limit], ids=lambda each: each.name)
def test_the_mean_is_left_out_at_any_of_a_thousand_looks_in_one_run_of_twenty_at_most(stream: Stream) -> None:
    above, below = coverage(stream, RUNS, 2_000, 1_000)
    print(f"{stream.name}: above {above:.1%}, below {below:.1%}")
    for share in (above, below):
        assert share <= 0.025 + 3 * math.sqrt(0.025 * 0.975 / RUNS)


def test_days_that_remember_the_day_before_are_a_known_limit() -> None:
    (stream,) = (each for each in STREAMS if each.limit)
    assert sum(coverage(stream, 100, 2_000, 1_000)) > 0.05


def test_a_fixed_interval_looked_at_a_thousand_times_is_no_such_thing() -> None:
    draw, runs = np.random.default_rng(2), 200
    values = (draw.random((runs, 2_000)) < 0.5).astype(float)
    n = np.arange(1, 2_001)
    mean = np.cumsum(values, axis=1) / n
    off = np.abs(mean - 0.5) > 1.96 * np.sqrt(mean * (1 - mean) / n)
    assert off[:, 30:].any(axis=1).mean() > 0.3


@pytest.mark.parametrize("stream", [STREAMS[0], STREAMS[1], STREAMS[6]], ids=lambda each: each.name)
def test_limits_leave_out_no_more_than_the_bets_do(stream: Stream) -> None:
    """At a shifted truth, which the bets do find: limits from chords find it too, and never before."""
    draw = np.random.default_rng(3)
    state = fresh = start(stream.lowest, stream.highest, around=None if stream.lowest == 0 else 0.0)
    for wrong in (stream.mean, stream.mean + 0.02):
        values, state = stream.draw(draw, 4_000), fresh
        for begin in range(0, 4_000, 200):
            state = update(state, values[begin : begin + 200])
            above, below = missed(replace(stream, mean=wrong), values[: begin + 200], 200)
            assert above or state.low <= wrong
            assert below or state.high >= wrong
    assert state.high < stream.mean + 0.1


def test_a_sequence_goes_on_where_it_was_saved() -> None:
    values = np.random.default_rng(4).beta(2, 5, 3_000)
    whole = state = start(0, 1)
    for begin in range(0, 3_000, 1_000):
        whole = update(whole, values[begin : begin + 1_000])
        state = State.of(json.loads(json.dumps(update(state, values[begin : begin + 1_000]).as_data())))
    assert state == whole
    assert len(json.dumps(state.as_data())) < 20_000
    look = interval(state)
    assert (look.n, look.units, look.moved) == (3_000, 3_000, False)
    assert look.mean == pytest.approx(values.mean())
    assert look.low < 2 / 7 < look.high
    at_once = interval(update(start(0, 1), values))
    assert (look.low, look.high) == pytest.approx((at_once.low, at_once.high), abs=2e-3)


def test_widths_are_some_way_above_those_of_a_fixed_n() -> None:
    for width, ratio in widths(STREAMS[0], (100, 1_000, 10_000), 2):
        assert 1.2 < ratio < 2.0, width


def test_the_scale_is_the_values_own() -> None:
    values = np.random.default_rng(5).random(500)
    plain, scaled = interval(update(start(0, 1), values)), interval(update(start(-10, 30), 40 * values - 10))
    assert (scaled.low, scaled.high) == pytest.approx((40 * plain.low - 10, 40 * plain.high - 10))


def test_a_unit_counts_once_and_comes_whole() -> None:
    draw = np.random.default_rng(6)
    day, values = np.repeat(np.arange(40), 25), draw.random(1_000)
    by_hand = update(start(0, 1), values.reshape(40, 25).mean(axis=1))
    found = update(start(0, 1), values, unit=[f"2026-01-{each:02d}" for each in day])
    assert (found.low, found.high, found.units, found.values) == (by_hand.low, by_hand.high, 40, 1_000)
    with pytest.raises(DataError, match="goes on in another look") as caught:
        update(found, [0.5], unit=["2026-01-39"])
    assert caught.value.code == "data/unit-goes-on"
    assert update(found, [0.5], unit=["2026-01-40"]).units == 41


def test_a_mean_that_moves_is_told() -> None:
    draw = np.random.default_rng(7)
    state = update(start(0, 1), (draw.random(3_000) < 0.2).astype(float))
    for _ in range(40):
        state = update(state, (draw.random(500) < 0.6).astype(float))
    assert interval(state).moved


@pytest.mark.parametrize("values", [[0.2, 1.5], [0.2, float("nan")], [-0.1], [[0.1]]])
def test_values_outside_the_bounds_are_refused(values: Any) -> None:
    with pytest.raises(DataError) as caught:
        update(start(0, 1), values)
    assert caught.value.code == "data/outside-bounds"


def test_bounds_and_states_that_are_none_are_refused() -> None:
    for lowest, highest, confidence in ((1, 0, 0.95), (0, math.inf, 0.95), (0, 1, 1.0)):
        with pytest.raises(DataError) as caught:
            start(lowest, highest, confidence=confidence)
        assert caught.value.code == "data/bad-bounds"
    good = start(0, 1).as_data()
    wealth = [[[math.nan] * 60] * 3] * 2
    for bad in (
        {},
        {"low": 1},
        good | {"below": []},
        good | {"more": 1},
        good | {"below": wealth},
        good | {"low": "x"},
    ):
        with pytest.raises(DataError) as caught:
            State.of(bad)
        assert caught.value.code == "data/no-sequence"


def test_no_value_says_nothing() -> None:
    state = update(start(-1, 1, around=0), [])
    look = interval(state)
    assert (look.low, look.high, look.mean, look.units) == (-1.0, 1.0, None, 0)


def test_blocks_of_rows_have_the_auc_of_all_as_their_mean() -> None:
    draw = np.random.default_rng(8)
    y = (draw.random(90) < 0.3).astype(np.int64)
    scores = np.round(np.array([draw.normal(size=90) + y, draw.normal(size=90) + 0.5 * y]), 1)
    for truth, table in ((y, scores), (1 - y, scores)):
        for size in (1, 2, 5):
            deals = [auc_blocks(truth, table, size=size, seed=seed).values.mean(axis=1) for seed in range(400)]
            expected = [roc_auc_score(truth, score) for score in table]
            error = np.std(deals, axis=0) / 20
            assert np.all(np.abs(np.mean(deals, axis=0) - expected) < 4 * error)
    assert auc_blocks(y, scores[0], size=1_000).values[0, 0] == pytest.approx(roc_auc_score(y, scores[0]))
    assert auc_blocks(np.zeros(5), np.ones(5)).values.shape == (1, 0)


def test_with_units_a_block_is_a_unit() -> None:
    draw = np.random.default_rng(9)
    day, y = np.repeat(np.arange(6), 20), (draw.random(120) < 0.4).astype(np.int64)
    y[day == 3] = 0
    score = np.round(draw.normal(size=120) + y, 1)
    found = auc_blocks(y, score, unit=day)
    assert found.left_out == 1
    assert found.unit is not None
    assert list(found.unit) == [0, 1, 2, 4, 5]
    expected = [roc_auc_score(y[day == each], score[day == each]) for each in found.unit]
    assert found.values[0] == pytest.approx(expected)
    assert auc_blocks(np.zeros(120), score, unit=day).values.shape == (1, 0)


def test_nothing_but_numpy_is_imported() -> None:
    import subprocess
    import sys

    heavy = ("scipy", "polars", "sklearn", "pydantic")
    asked = f"import sys; import {sequences.__name__}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
