"""Faults of served data are found as such, on frames as a log has them; drift and quiet weeks are none."""

import math
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from modelyard.monitoring.contract import faults
from modelyard.monitoring.profile import Reference, Summary, merge
from modelyard.monitoring.reference import reference_of
from modelyard.monitoring.summary import summarise
from modelyard.records.results.monitor import Fault
from modelyard.report import wording
from tests.statistics.served import (
    DRIFTS,
    FAULTS,
    KEY,
    MONDAY,
    WEEKS,
    facts,
    flights,
    log_of,
    reference,
    summary,
)

NOW = WEEKS + 3
FOUND = {
    "units, × 60": {("dep_delay", "unit-multiplied")},
    "units, × 1000": {("distance", "unit-multiplied")},
    "units, °F to °C": {("temp", "unit-temperature")},
    "units, × 60 in a third of the rows": {("dep_delay", "unit-multiplied")},
    "sign": {("dep_delay", "sign-changed")},
    "time zone": {("hour", "clock-shifted"), ("scheduled", "clock-shifted")},
    "swapped columns, numbers": {("temp", "columns-swapped"), ("wind", "columns-swapped")},
    "swapped columns, text": {("origin", "columns-swapped"), ("dest", "columns-swapped")},
    "nulls": {("dep_delay", "missing-jumped")},
    "duplicated day": {("", "day-volume"), ("", "rows-repeated")},
    "late partition": {("", "day-volume")},
    "renamed category": {("carrier", "categories-renamed")},
    "truncated text": {("dest", "categories-renamed")},
    "wrong join": {("", "associations-lost")},
    "clock skew": {("", "log-clock-shifted")},
    "sampled log": {("", "volume-changed")},
    "stale feature": {("temp", "frozen-days")},
}


@pytest.fixture(scope="module")
def served() -> tuple[Reference, list[Summary], pl.DataFrame]:
    draw = np.random.default_rng(3)
    of = reference(flights(draw, 0, WEEKS))
    before = [summary(log_of(flights(draw, WEEKS + each, 1)), of) for each in range(3)]
    return of, before, flights(draw, NOW, 1)


def look(served: tuple[Reference, list[Summary], pl.DataFrame], frame: pl.DataFrame, **more: Any) -> tuple[Fault, ...]:
    of, before, _ = served
    found = faults(of, summary(frame, of), before=before, expected=facts(NOW, **more))
    for each in found:
        assert wording.because(each.reason) != each.reason.code, each
    return found


def told(found: tuple[Fault, ...]) -> set[tuple[str, str]]:
    return {(each.column, each.reason.code) for each in found}


@pytest.mark.parametrize("name", FAULTS)
def test_an_injected_fault_is_found_and_blocks(
    name: str, served: tuple[Reference, list[Summary], pl.DataFrame]
) -> None:
    found = look(served, log_of(FAULTS[name](served[2], np.random.default_rng(4))))
    assert told(found) == FOUND[name]
    assert all(each.blocks for each in found)
    assert all(0 < each.share <= 1 and each.rows > 0 for each in found)


@pytest.mark.parametrize("name", DRIFTS)
def test_quiet_weeks_and_drift_are_no_faults(name: str, served: tuple[Reference, list[Summary], pl.DataFrame]) -> None:
    draw = np.random.default_rng(5)
    for _ in range(4):
        assert look(served, log_of(flights(draw, NOW, 1, change=DRIFTS[name]))) == ()


def test_the_factor_and_the_share_of_rows_are_told(served: tuple[Reference, list[Summary], pl.DataFrame]) -> None:
    (found,) = look(served, log_of(FAULTS["units, × 60 in a third of the rows"](served[2], np.random.default_rng(6))))
    assert found.share == pytest.approx(0.33, abs=0.15)
    (found,) = look(served, log_of(FAULTS["units, × 1000"](served[2], np.random.default_rng(6))))
    assert wording.because(found.reason) == "numbers fit the test rows once they are divided by 1,000: another unit"
    assert found.share > 0.95


def test_rows_far_beyond_all_that_was_are_a_fault_whatever_they_are(
    served: tuple[Reference, list[Summary], pl.DataFrame],
) -> None:
    """Temperatures of a warm week where the wind was: neither another unit, nor like the test rows' temperatures."""
    (found,) = look(served, log_of(served[2].with_columns(wind=pl.col("temp") + 25)))
    assert (found.column, found.reason.code, found.blocks) == ("wind", "values-far-outside", True)
    assert found.share > 0.9
    assert found.reason.values == {"found": found.share}
    assert wording.because(found.reason) == (
        "numbers three times as far from 0 as nearly all of the test rows: 97.8% of the rows"
    )
    few = served[2].with_columns(wind=pl.when(pl.int_range(pl.len()) % 25 == 0).then(900.0).otherwise("wind"))
    assert look(served, log_of(few)) == ()


@pytest.mark.parametrize(
    ("name", "run"), [("swapped columns, numbers", 41), ("units, × 60 in a third of the rows", 87)]
)
def test_weeks_in_which_a_fault_was_once_missed(name: str, run: int) -> None:
    """Of 100 runs of the benchmark with seed 17."""
    draw = np.random.default_rng((17, run))
    of = reference(flights(draw, 0, WEEKS))
    before = [summary(log_of(each), of) for each in [flights(draw, WEEKS + at, 1) for at in range(3)]]
    frames = {}
    for each in FAULTS:
        frames[each] = FAULTS[each](flights(draw, NOW, 1), draw)
        if each == name:
            break
    assert faults(of, summary(log_of(frames[name]), of), before=before, expected=facts(NOW))


def test_a_column_that_is_gone_or_of_another_type(served: tuple[Reference, list[Summary], pl.DataFrame]) -> None:
    frame = log_of(served[2])
    assert ("wind", "column-gone") in told(look(served, frame.drop("feature_wind")))
    assert ("wind", "type-changed") in told(look(served, frame.with_columns(pl.col("feature_wind").cast(pl.String))))
    assert told(look(served, frame.with_columns(pl.col("feature_flight").cast(pl.Float32)))) == set()


def test_a_log_without_features_has_no_column_gone(served: tuple[Reference, list[Summary], pl.DataFrame]) -> None:
    assert look(served, log_of(served[2]).select("time", "probability", "model")) == ()


def test_what_was_never_logged_blocks_nothing(served: tuple[Reference, list[Summary], pl.DataFrame]) -> None:
    of, _, now = served
    some = summary(log_of(now).drop("feature_wind", "probability"), of)
    found = faults(of, some, before=(), expected=facts(NOW))
    assert [(each.column, each.reason.code, each.blocks) for each in found] == [("wind", "column-gone", False)]
    assert faults(of, some, before=[some], expected=facts(NOW))[0].blocks is False


def test_columns_of_any_kind_and_no_rows_at_all_are_looked_at() -> None:
    n = 300
    draw = np.random.default_rng(11)
    frame = pl.DataFrame(
        {
            "nothing": pl.Series([None] * n),
            "empty": pl.Series([None] * n, dtype=pl.String),
            "huge": draw.random(n) * 1e38,
            "list": [[1, 2]] * n,
            "infinite": [math.inf] * n,
            "nan": [math.nan] * n,
            "constant": [3] * n,
            "long": pl.Series([2**63 - 1] * n),
            "coded": pl.Series(["a", "b", "c"] * 100, dtype=pl.Categorical),
            "lasted": pl.Series([timedelta(days=1)] * n),
        }
    )
    said = pl.DataFrame({"prediction": draw.normal(size=n)})
    of = reference_of(frame, said, None, task="regression", key=KEY)
    rows = frame.rename(lambda name: f"feature_{name}").hstack(said).with_columns(time=pl.lit(MONDAY))
    for some in (rows, rows.head(0), rows.head(1), rows.select("time"), rows.select("prediction")):
        seen = summarise(some, of, key=KEY)
        assert Summary.model_validate_json(seen.model_dump_json()) == seen
        assert merge(seen, Summary()) == merge(Summary(), seen) == (seen if len(some) else Summary())
        assert faults(of, seen, before=(), expected=facts(0, whole=False)) == ()
    texts = summarise(rows.with_columns(prediction=pl.lit("x"), feature_huge=pl.lit("y")), of, key=KEY)
    found = faults(of, texts, before=(), expected=facts(0, whole=False))
    assert told(found) >= {("huge", "type-changed"), ("prediction", "type-changed")}


@pytest.mark.parametrize("labels", [[1, 0] * 50, [1.0, 0.0] * 50, ["1", "0"] * 50])
def test_labels_are_the_same_in_any_type(labels: list[Any]) -> None:
    frame = pl.DataFrame({"x": np.arange(100.0)})
    of = reference_of(frame, pl.DataFrame({"prediction": ["1", "0"] * 50}), None, task="binary", positive=1)
    seen = summarise(frame.rename({"x": "feature_x"}).with_columns(prediction=pl.Series(labels)), of)
    assert seen.outputs["prediction"].levels == {"0": 50, "1": 50}
    assert faults(of, seen, before=(), expected=facts(0, whole=False)) == ()


def test_scores_that_are_none(served: tuple[Reference, list[Summary], pl.DataFrame]) -> None:
    frame = log_of(served[2])
    nan = look(served, frame.with_columns(probability=pl.when(pl.int_range(len(frame)) % 20 == 0).then(math.nan)
                                          .otherwise("probability")))  # fmt: skip
    assert ("prediction", "predictions-lost") in told(nan)
    assert nan[-1].blocks
    few = look(served, frame.with_columns(probability=pl.when(pl.int_range(len(frame)) == 0).then(None)
                                          .otherwise("probability")))  # fmt: skip
    assert [each.blocks for each in few] == [False]
    outside = look(served, frame.with_columns(pl.col("probability") + 0.4))
    assert ("prediction", "probabilities-outside") in told(outside)
    assert told(look(served, frame.drop("probability"))) == {("prediction", "column-gone")}


def test_clocks_labels_models_and_samples(served: tuple[Reference, list[Summary], pl.DataFrame]) -> None:
    frame = log_of(served[2])
    assert told(look(served, frame, ahead=400)) == {("", "clock-ahead")}
    early = frame.with_columns(label=pl.lit(value=True), label_time=pl.col("time") - pl.duration(hours=1))
    assert told(look(served, early)) == {("", "labels-before-predictions")}
    mixed = frame.with_columns(model=pl.Series(["v1", "v2"] * len(frame)).head(len(frame)))
    assert told(look(served, mixed)) == {("", "models-mixed")}
    sampled = frame.filter(pl.int_range(len(frame)) % 10 == 0).with_columns(sample=0.1)
    assert told(look(served, sampled)) == {("", "sample-changed")}
    gap = look(served, frame, since=MONDAY + timedelta(weeks=NOW - 2))
    assert told(gap) == {("", "windows-without-rows")}


def test_a_part_of_a_stretch_has_no_usual_volume(served: tuple[Reference, list[Summary], pl.DataFrame]) -> None:
    part = log_of(served[2]).filter(pl.col("time") < MONDAY + timedelta(weeks=NOW, days=2))
    assert ("", "volume-changed") in told(look(served, part))
    assert look(served, part, whole=False) == ()


def test_stuck_values(served: tuple[Reference, list[Summary], pl.DataFrame]) -> None:
    frame = log_of(served[2])
    assert told(look(served, frame.with_columns(feature_pressure=1013.0))) == {("pressure", "constant")}
    assert told(look(served, frame.with_columns(feature_carrier=pl.lit("UA")))) == {("carrier", "constant")}
    seldom = pl.int_range(len(frame)) % 5 == 0
    stuck = frame.with_columns(feature_temp=pl.when(seldom).then(-999.0).otherwise("feature_temp"))
    assert told(look(served, stuck)) == {("temp", "one-value")}


def test_new_categories_without_any_gone(served: tuple[Reference, list[Summary], pl.DataFrame]) -> None:
    frame = log_of(served[2])
    new = frame.with_columns(
        feature_origin=pl.when(pl.int_range(len(frame)) % 6 == 0).then(pl.lit("HPN")).otherwise("feature_origin")
    )
    assert told(look(served, new)) == {("origin", "categories-new")}


def test_whole_numbers_with_fractions(served: tuple[Reference, list[Summary], pl.DataFrame]) -> None:
    frame = log_of(served[2]).with_columns(pl.col("feature_distance") * 1.01)
    assert ("distance", "no-longer-whole") in told(look(served, frame))


def test_values_copied_from_an_earlier_window(served: tuple[Reference, list[Summary], pl.DataFrame]) -> None:
    of, before, now = served
    earlier = flights(np.random.default_rng(8), NOW - 1, 1)
    size = min(len(earlier), len(now))
    copied = log_of(now.head(size).with_columns(earlier["pressure"].head(size)))
    found = faults(
        of, summary(copied, of), before=[*before, summary(log_of(earlier.head(size)), of)],
        expected=facts(NOW, whole=False),
    )  # fmt: skip
    assert told(found) == {("pressure", "copied-values")}


@pytest.mark.parametrize("n", [1, 3])
def test_three_rows_are_judged_by_their_shape_alone(
    n: int, served: tuple[Reference, list[Summary], pl.DataFrame]
) -> None:
    frame = log_of(served[2]).head(n)
    assert look(served, frame, whole=False) == ()
    assert ("wind", "column-gone") in told(look(served, frame.drop("feature_wind"), whole=False))


def test_faults_of_parts_are_those_of_the_whole(served: tuple[Reference, list[Summary], pl.DataFrame]) -> None:
    of, before, now = served
    frame = log_of(FAULTS["units, × 60"](now, np.random.default_rng(9)))
    parts = [summary(frame.filter(pl.int_range(len(frame)) % 3 == each), of) for each in range(3)]
    together = merge(merge(parts[2], parts[0]), parts[1])
    assert faults(of, together, before=before, expected=facts(NOW)) == look(served, frame)


def test_a_hundred_thousand_categories_are_no_fault() -> None:
    draw = np.random.default_rng(10)

    def frame(first: int) -> pl.DataFrame:
        tails = [f"N{each}" for each in draw.integers(first, first + 100_000, 20_000)]
        return pl.DataFrame({"feature_tail": tails, "prediction": draw.normal(size=20_000)})

    rows = frame(0)
    of = reference_of(rows.select(tail="feature_tail"), rows.select("prediction"), None, task="regression", key=KEY)
    assert faults(of, summarise(frame(100_000), of, key=KEY), before=(), expected=facts(NOW)) == ()
