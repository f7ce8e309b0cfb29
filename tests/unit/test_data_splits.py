"""Splits: every row on exactly one side, nothing that belongs together cut, boundaries where a calendar has them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard.config.sections.data import Columns, Split, UnitColumn, UnitEvery
from modelyard.core.errors import ConfigError, DataError
from modelyard.data.splits import SplitRows, drop_missing_target, split, unit_codes

START = datetime(2013, 1, 1)


def columns(**given: Any) -> Columns:
    return Columns(**({"target": "y"} | given))


def rule(by: str, test: Any, **more: Any) -> Split:
    return Split(of="all", by=by, test=test, **more)


def frame_of(times: list[datetime], zone: str = "UTC") -> pl.DataFrame:
    when = pl.Series("when", times, dtype=pl.Datetime("us")).dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    return pl.DataFrame({"row": range(len(times)), "when": when, "y": [row % 2 for row in range(len(times))]})


def hourly(first: datetime, last: datetime, step: int = 1) -> list[datetime]:
    hours = int((last - first).total_seconds() // 3600)
    return [first + timedelta(hours=hour) for hour in range(0, hours + 1, step)]


def attempt(frame: pl.DataFrame, wanted: Split, declared: Columns) -> SplitRows | str:
    """The split, or what is said against it."""
    try:
        return split(frame, wanted, declared)
    except DataError as error:
        return str(error)


def first_test_row(rows: SplitRows) -> datetime:
    found = rows.test["when"].min()
    assert isinstance(found, datetime)
    return found


times = st.lists(
    st.integers(0, 60 * 24 * 400).map(lambda minutes: START + timedelta(minutes=minutes)), min_size=2, max_size=80
)
stretches = st.sampled_from(["hour", "day", "week", "month"])
zones = st.sampled_from(["UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Havana"])
tests = st.one_of(
    st.floats(0.05, 0.95),
    st.builds(
        lambda count, every: f"{count} {every}s",
        st.integers(1, 20),
        st.sampled_from(["hour", "day", "week", "month"]),
    ),
)


@settings(max_examples=300, deadline=None)
@given(times, stretches, zones, tests)
def test_a_time_split_puts_every_row_on_one_side_and_cuts_no_unit(
    when: list[datetime], every: str, zone: str, test: Any
) -> None:
    frame = frame_of(when)
    declared = columns(time="when", unit={"every": every, "zone": zone})
    codes, name, in_order = unit_codes(frame, declared)
    assert (name, in_order) == (every, True)
    assert codes is not None
    rows = attempt(frame, rule("time", test), declared)
    if isinstance(rows, str):
        assert "no training rows" in rows or "all rows lie in one" in rows
        return
    train, held_out = rows.train["row"].to_list(), rows.test["row"].to_list()
    assert sorted(train + held_out) == list(range(len(frame)))
    assert train
    assert held_out
    assert max(codes[train]) < min(codes[held_out])
    assert frame["when"][train].max() < frame["when"][held_out].min()  # type: ignore[operator]  # Polars types min and max as any literal


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=60), st.floats(0.1, 0.9), st.integers(0, 5))
def test_a_hash_split_keeps_every_group_on_one_side(groups: list[int], share: float, seed: int) -> None:
    frame = pl.DataFrame({"row": range(len(groups)), "g": groups, "y": groups})
    rows = attempt(frame, rule("hash", share, seed=seed), columns(group="g"))
    if isinstance(rows, str):
        assert "no training rows" in rows or "no test rows" in rows
        return
    assert sorted(rows.train["row"].to_list() + rows.test["row"].to_list()) == list(range(len(groups)))
    assert not set(rows.train["g"]) & set(rows.test["g"])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from("abc"), min_size=2, max_size=90), st.floats(0.05, 0.95), st.integers(0, 5))
def test_a_stratified_split_takes_the_same_share_of_every_class(labels: list[str], share: float, seed: int) -> None:
    frame = pl.DataFrame({"row": range(len(labels)), "y": labels})
    rows = attempt(frame, rule("stratified", share, seed=seed), columns())
    if isinstance(rows, str):
        assert "no test rows" in rows
        assert max(labels.count(label) for label in "abc") == 1
        return
    assert sorted(rows.train["row"].to_list() + rows.test["row"].to_list()) == list(range(len(labels)))
    for label in set(labels):
        size, held_out = labels.count(label), rows.test["y"].to_list().count(label)
        assert abs(held_out - share * size) <= 1
        assert size == 1 or 0 < held_out < size


def test_three_months_are_calendar_months_with_the_newest_row_in_the_last() -> None:
    frame = frame_of(hourly(START, datetime(2013, 9, 30, 23), step=5))
    rows = split(frame, rule("time", "3 months"), columns(time="when"))
    assert rows.test["when"].min() >= datetime(2013, 7, 1, tzinfo=UTC)  # type: ignore[operator]  # Polars types min and max as any literal
    assert rows.train["when"].max() < datetime(2013, 7, 1, tzinfo=UTC)  # type: ignore[operator]  # Polars types min and max as any literal
    assert rows.description == "time: test = 2013-07-01 .. 2013-09-30 (3 months), train before"


@pytest.mark.parametrize(
    ("test", "last", "first"),
    [
        ("3 months", datetime(2013, 9, 12, 7), datetime(2013, 7, 1)),
        ("1 month", datetime(2013, 9, 1, 0), datetime(2013, 9, 1)),
        ("12 months", datetime(2013, 12, 31, 23), datetime(2013, 1, 1)),
        ("14 days", datetime(2013, 9, 30, 1), datetime(2013, 9, 17)),
        ("2 weeks", datetime(2013, 9, 30, 1), datetime(2013, 9, 23)),
        ("48 hours", datetime(2013, 9, 30, 23, 30), datetime(2013, 9, 29)),
        ("48 hours", datetime(2013, 9, 30, 12), datetime(2013, 9, 28)),
    ],
)
def test_a_stretch_counts_back_from_the_end_of_the_stretch_with_the_newest_row(
    test: str, last: datetime, first: datetime
) -> None:
    frame = frame_of([*hourly(datetime(2012, 10, 1), last), last])
    rows = split(frame, rule("time", test), columns(time="when"))
    assert first_test_row(rows).replace(tzinfo=None) == first


def test_the_boundary_lies_at_midnight_of_the_units_zone() -> None:
    frame = frame_of(hourly(START, datetime(2013, 10, 1, 3)))
    rows = split(
        frame,
        rule("time", "3 months"),
        columns(time="when", unit=UnitEvery(every="day", zone="America/New_York")),
    )
    assert first_test_row(rows) == datetime(2013, 7, 1, 4, tzinfo=UTC)
    assert "2013-07-01 .. 2013-09-30" in rows.description


def test_the_time_columns_own_zone_counts_where_the_unit_names_none() -> None:
    frame = frame_of(hourly(START, datetime(2013, 10, 1, 3)), zone="America/New_York")
    for unit in (None, "day", UnitEvery(every="day")):
        rows = split(frame, rule("time", "3 months"), columns(time="when", unit=unit))
        assert first_test_row(rows).isoformat() == "2013-07-01T00:00:00-04:00"


def test_dates_are_calendar_days_that_no_zone_moves() -> None:
    days = [date(2013, 1, 1) + timedelta(day) for day in range(100)]
    frame = pl.DataFrame({"when": days, "y": [0, 1] * 50})
    declared = columns(time="when", unit=UnitEvery(every="day", zone="America/New_York"))
    rows = split(frame, rule("time", "10 days"), declared)
    assert rows.test["when"].to_list() == days[-10:]


def test_a_boundary_inside_a_unit_moves_back_to_its_start() -> None:
    frame = frame_of(hourly(START, datetime(2013, 9, 30, 23)))
    rows = split(frame, rule("time", "2 days"), columns(time="when", unit="week"))
    assert first_test_row(rows).replace(tzinfo=None) == datetime(2013, 9, 23)
    assert "2 days, from the start of the week" in rows.description


def test_a_share_takes_whole_units_closest_to_it() -> None:
    frame = frame_of(hourly(START, START + timedelta(days=10, hours=-1)))
    rows = split(frame, rule("time", 0.22), columns(time="when"))
    assert len(rows.test) == 48
    assert "20 % of the rows" in rows.description


def test_a_stretch_longer_than_the_data_leaves_nothing_to_train_on() -> None:
    frame = frame_of(hourly(START, START + timedelta(days=40)))
    for test in ("12 months", "999999 months", "999999 weeks"):
        with pytest.raises(DataError, match="no training rows"):
            split(frame, rule("time", test), columns(time="when"))


def test_no_rows_are_not_split() -> None:
    with pytest.raises(DataError, match="no rows"):
        split(frame_of([]), rule("time", 0.2), columns(time="when"))


def test_text_where_times_should_be_is_refused_with_the_way_to_write_them() -> None:
    frame = pl.DataFrame({"when": ["01/02/2013", "02/02/2013"], "y": [0, 1]})
    with pytest.raises(DataError, match="'when' is String, not a timestamp") as caught:
        split(frame, rule("time", 0.5), columns(time="when"))
    assert "2013-01-31 05:00:00" in caught.value.hint
    assert "01/02" not in str(caught.value)


def test_rows_without_a_time_are_counted() -> None:
    frame = pl.DataFrame({"when": [START, None, None], "y": [0, 1, 0]})
    with pytest.raises(DataError, match="2 of 3 rows have no 'when'"):
        split(frame, rule("time", 0.5), columns(time="when"))


def test_a_time_split_refuses_to_cut_a_group_or_a_unit_of_a_column() -> None:
    frame = frame_of(hourly(START, START + timedelta(days=9))).with_columns(store=pl.col("row") % 3)
    for declared in (columns(time="when", group="store"), columns(time="when", unit=UnitColumn(column="store"))):
        with pytest.raises(DataError, match="3 values of 'store' would have rows on both sides") as caught:
            split(frame, rule("time", "2 days"), declared)
        assert "{by: random}" in caught.value.hint


def test_a_unit_of_a_column_that_ends_before_the_boundary_is_fine() -> None:
    frame = frame_of(hourly(START, START + timedelta(days=9))).with_columns(trip=pl.col("when").dt.date())
    rows = split(frame, rule("time", "2 days"), columns(time="when", unit=UnitColumn(column="trip")))
    assert not set(rows.train["trip"]) & set(rows.test["trip"])


def test_a_hash_split_by_another_column_may_not_cut_a_group() -> None:
    frame = pl.DataFrame({"row": range(100), "g": [row % 4 for row in range(100)], "y": [0, 1] * 50})
    with pytest.raises(DataError, match="4 values of 'g'"):
        split(frame, rule("hash", 0.5, column="row"), columns(group="g"))


def test_a_value_keeps_its_side_when_rows_are_added() -> None:
    frame = pl.DataFrame({"id": range(500), "y": [0, 1] * 250})
    small = split(frame.head(200), rule("hash", 0.3), columns(id="id"))
    large = split(frame, rule("hash", 0.3), columns(id="id"))
    assert set(small.test["id"]) == {row for row in large.test["id"] if row < 200}
    assert 0.25 < len(large.test) / 500 < 0.35
    assert set(large.test["id"]) != set(split(frame, rule("hash", 0.3, seed=1), columns(id="id")).test["id"])


def test_a_hash_split_needs_a_column() -> None:
    with pytest.raises(ConfigError, match="needs a column") as caught:
        split(pl.DataFrame({"y": [0, 1]}), rule("hash", 0.5), columns())
    assert "data.split.column" in caught.value.hint


def test_a_stratified_split_would_cut_groups_and_says_what_does_not() -> None:
    frame = pl.DataFrame({"g": [1, 1, 2, 2], "y": [0, 1, 0, 1]})
    with pytest.raises(ConfigError, match="would cut the groups") as caught:
        split(frame, rule("stratified", 0.5), columns(group="g"))
    assert "by: random" in caught.value.hint


def test_a_stratified_split_follows_ids_not_the_order_of_rows() -> None:
    frame = pl.DataFrame({"id": [f"r{row}" for row in range(60)], "y": [0, 1, 1] * 20})
    once = split(frame, rule("stratified", 0.25), columns(id="id"))
    again = split(frame.reverse(), rule("stratified", 0.25), columns(id="id"))
    assert set(once.test["id"]) == set(again.test["id"])
    assert once.test["y"].to_list().count(1) == 10


# units


def test_the_day_is_the_unit_wherever_time_is_declared_and_the_row_elsewhere() -> None:
    frame = frame_of([START + timedelta(days=3), START, START + timedelta(hours=5)])
    codes, name, in_order = unit_codes(frame, columns(time="when"))
    assert codes is not None
    assert (codes.tolist(), name, in_order) == ([1, 0, 0], "day", True)
    assert unit_codes(frame, columns()) == (None, "row", False)


def test_units_of_a_column_are_numbered_by_first_appearance() -> None:
    frame = pl.DataFrame({"store": ["b", "a", "b", "c"], "y": [0, 1, 0, 1]})
    for unit in ("store", UnitColumn(column="store")):
        codes, name, in_order = unit_codes(frame, columns(unit=unit))
        assert codes is not None
        assert codes.dtype == np.int64
        assert (codes.tolist(), name, in_order) == ([0, 1, 0, 2], "store", False)


def test_a_bare_unit_that_reads_both_ways_is_refused_with_both_ways_to_write_it() -> None:
    frame = frame_of([START]).with_columns(day=1)
    with pytest.raises(ConfigError, match="a stretch of time and a column") as caught:
        unit_codes(frame, columns(time="when", unit="day"))
    assert "{every: day}" in caught.value.hint
    assert "{column: day}" in caught.value.hint
    assert unit_codes(frame, columns(time="when", unit=UnitColumn(column="day")))[1:] == ("day", False)
    assert unit_codes(frame, columns(time="when", unit=UnitEvery(every="day")))[1:] == ("day", True)


def test_a_bare_unit_that_is_nothing_gets_the_nearest_spelling() -> None:
    with pytest.raises(ConfigError, match="neither a column") as caught:
        unit_codes(pl.DataFrame({"store": [1], "y": [0]}), columns(unit="stroe"))
    assert "'store'" in caught.value.hint


def test_a_stretch_without_a_time_column_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"needs data\.columns\.time"):
        unit_codes(pl.DataFrame({"y": [0]}), columns(unit="week"))


def test_a_missing_unit_column_or_value_is_bad_data() -> None:
    frame = pl.DataFrame({"store": [1, None], "y": [0, 1]})
    with pytest.raises(DataError, match="1 of 2 rows have no 'store'"):
        unit_codes(frame, columns(unit="store"))
    with pytest.raises(DataError, match=r"no column 'shop' \(named by data\.columns\.unit\)"):
        unit_codes(frame, columns(unit=UnitColumn(column="shop")))


def test_the_hour_that_comes_twice_when_clocks_go_back_is_two_units() -> None:
    twice = [datetime(2013, 11, 3, hour, 30) for hour in (4, 5, 6, 7)]
    codes, _, _ = unit_codes(
        frame_of(twice), columns(time="when", unit=UnitEvery(every="hour", zone="America/New_York"))
    )
    assert codes is not None
    assert codes.tolist() == [0, 1, 2, 3]


def test_weeks_begin_on_monday() -> None:
    frame = frame_of([datetime(2013, 9, 29, 23), datetime(2013, 9, 30, 1)])
    codes, _, _ = unit_codes(frame, columns(time="when", unit="week"))
    assert codes is not None
    assert codes.tolist() == [0, 1]


# targets


def test_rows_without_a_target_are_refused_with_their_count_and_the_way_to_drop_them() -> None:
    frame = pl.DataFrame({"y": [1.0, None, float("nan")]})
    with pytest.raises(DataError, match="2 of 3 rows have no target") as caught:
        drop_missing_target(frame, "y", "error")
    assert "data.missing_target: drop" in caught.value.hint
    kept, dropped = drop_missing_target(frame, "y", "drop")
    assert (kept["y"].to_list(), dropped) == ([1.0], 2)


def test_dropping_every_row_is_refused() -> None:
    with pytest.raises(DataError, match="2 of 2 rows have no target"):
        drop_missing_target(pl.DataFrame({"y": [None, None]}), "y", "drop")


@pytest.mark.parametrize("every", ["day", "week", "month"])
@pytest.mark.parametrize("classes", [True, False])
def test_a_random_split_keeps_every_stretch_of_time_on_one_side(every: str, classes: bool) -> None:
    frame = frame_of(hourly(START, START + timedelta(days=700), 7))
    rows = split(frame, rule("random", 0.3), columns(time="when", unit={"every": every}), classes=classes)
    sides = [
        set(part["when"].dt.truncate({"day": "1d", "week": "1w", "month": "1mo"}[every]))
        for part in (rows.train, rows.test)
    ]
    assert not sides[0] & sides[1]
    assert 0.1 < len(rows.test) / len(frame) < 0.5
    assert f"of the {every}s" in rows.description


def test_a_random_split_with_a_time_keeps_the_days_that_are_the_default_unit() -> None:
    frame = frame_of(hourly(START, START + timedelta(days=60)))
    rows = split(frame, rule("random", 0.3), columns(time="when"), classes=True)
    assert not set(rows.train["when"].dt.date()) & set(rows.test["when"].dt.date())


@pytest.mark.parametrize(("by", "more"), [("hash", {"column": "row"}), ("stratified", {})])
def test_a_split_that_cuts_a_declared_stretch_is_refused_with_one_that_does_not(by: str, more: Any) -> None:
    frame = frame_of(hourly(START, START + timedelta(days=20)))
    declared = columns(time="when", unit={"every": "day"})
    with pytest.raises(DataError, match=r"\d+ days would have rows on both sides of the split") as caught:
        split(frame, rule(by, 0.3, **more), declared)
    assert caught.value.code == "data/rows-on-both-sides"
    assert "by: random" in caught.value.hint
    assert len(split(frame, rule("random", 0.3), declared).test)


def test_a_split_by_hash_of_the_day_itself_cuts_no_day() -> None:
    frame = frame_of(hourly(START, START + timedelta(days=40))).with_columns(day=pl.col("when").dt.date())
    rows = split(frame, rule("hash", 0.3, column="day"), columns(time="when", unit={"every": "day"}))
    assert not set(rows.train["day"]) & set(rows.test["day"])
