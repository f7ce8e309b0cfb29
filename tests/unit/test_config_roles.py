"""What `modelyard init` takes the columns of real tables for, by values first and by names second, and what it says."""

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from modelyard.config.discovery import Source
from modelyard.config.roles import Asked, Roles, find_roles
from modelyard.data.outline import outline

N = 120
DRAW = np.random.default_rng(3)
X = DRAW.normal(size=N).round(3)
Y = DRAW.integers(0, 2, N)
DAYS = [date(2024, 1, 1) + timedelta(days=row) for row in range(N)]
CODES = [f"c{row * 37 % N:03}" for row in range(N)]


def roles(folder: Path, table: Mapping[str, Any], **asked: Any) -> Roles:
    path = folder / "table.csv"
    pl.DataFrame(table).write_csv(path)
    return find_roles(Source("table.csv", 1, 1, tuple(outline(path).columns)), Asked(**asked))


def name_of(role: Any) -> str | None:
    return None if role is None else role.name


# indexes


@pytest.mark.parametrize("name", ["", "Unnamed: 0"])
@pytest.mark.parametrize("index", [range(N), [row % 40 for row in range(N)], CODES], ids=["counts", "repeats", "text"])
def test_an_index_without_a_name_is_left_out_whatever_it_holds(name: str, index: Any, tmp_path: Path) -> None:
    found = roles(tmp_path, {name: index, "x": X, "y": Y})
    assert found.out == {name: "an index without a name, as pandas and R write it"}
    assert (found.id, found.group, found.target.name) == (None, None, "y")
    assert f"left out: {name!r} (an index without a name, as pandas and R write it)" in found.told()


def test_times_without_a_name_are_left_out_with_what_to_do(tmp_path: Path) -> None:
    found = roles(tmp_path, {"": DAYS, "x": X, "y": Y})
    assert found.time is None
    assert "give it one in the header" in found.out[""]


def test_a_column_called_row_is_a_column(tmp_path: Path) -> None:
    found = roles(tmp_path, {"row": [row % 7 for row in range(N)], "x": X, "y": Y})
    assert (found.id, found.group, found.out) == (None, None, {})


# ids


@pytest.mark.parametrize("name", ["OBS", "sample", "n", "Sr.No"])
def test_whole_numbers_that_count_the_rows_are_an_id_whatever_they_are_called(name: str, tmp_path: Path) -> None:
    found = roles(tmp_path, {"x": X, name: range(1, N + 1), "y": Y})
    assert name_of(found.id) == name
    assert f"id: {name!r} (different in every row)" in found.told()


@pytest.mark.parametrize("name", ["humid", "paid", "amount_paid", "citric acid", "population"])
def test_whole_numbers_that_differ_by_chance_are_a_feature(name: str, tmp_path: Path) -> None:
    values = [row * 7919 % 100_003 for row in range(N)]
    found = roles(tmp_path, {"x": X, name: values, "y": Y})
    assert (found.id, found.group, found.out) == (None, None, {})


def test_whole_numbers_in_the_first_column_that_never_repeat_are_an_id(tmp_path: Path) -> None:
    found = roles(tmp_path, {"pidnum": [row * 7919 % 100_003 for row in range(N)], "x": X, "y": Y})
    assert name_of(found.id) == "pidnum"


def test_names_of_rows_are_an_id_and_further_ones_are_left_out(tmp_path: Path) -> None:
    found = roles(tmp_path, {"code": CODES, "x": X, "label of it": CODES[::-1], "y": Y})
    assert name_of(found.id) == "code"
    assert found.out == {"label of it": "different in every row"}


def test_what_somebody_wrote_is_no_id(tmp_path: Path) -> None:
    reviews = [f"the film number {row} was not as good as I had hoped" for row in range(N)]
    found = roles(tmp_path, {"review": reviews, "sentiment": Y})
    assert (found.id, found.out, found.target.name) == (None, {}, "sentiment")


def test_the_target_is_never_the_id(tmp_path: Path) -> None:
    found = roles(tmp_path, {"x": X, "target": range(N)}, target="target")
    assert (found.id, found.task) == (None, "regression")


# groups and times


@pytest.mark.parametrize("name", ["patient_id", "patient", "customer", "userid", "subject_nr"])
def test_ids_that_repeat_are_a_group(name: str, tmp_path: Path) -> None:
    found = roles(tmp_path, {name: [row * 7 % 40 for row in range(N)], "x": X, "y": Y})
    assert (name_of(found.group), found.id) == (name, None)
    assert f"group: {name!r} (an id whose values repeat)" in found.told()


def test_blocks_of_rows_that_share_another_column_are_a_group(tmp_path: Path) -> None:
    household = [row // 4 for row in range(N)]
    income = [str(at * 13 % 50) for at in household]
    found = roles(tmp_path, {"mode": [row % 4 for row in range(N)], "hh": household, "income": income, "y": Y})
    assert name_of(found.group) == "hh"
    assert "'income' is the same in all of a block" in found.why["group"]


def test_values_that_all_have_as_many_rows_are_a_group(tmp_path: Path) -> None:
    table = {"state": [f"state {row % 30}" for row in range(N)], "quarter": [f"Q{row // 30}" for row in range(N)]}
    found = roles(tmp_path, {**table, "rate": X})
    assert (name_of(found.group), found.why["group"]) == ("state", "each of its 30 values has 4 rows")
    hours = roles(tmp_path, {"hour": [row % 24 for row in range(N)], "x": X, "y": Y})
    assert hours.group is None


def test_text_that_differs_in_most_rows_is_left_out(tmp_path: Path) -> None:
    names = [f"car {row * 7 % 90}" for row in range(N)]
    found = roles(tmp_path, {"Name": names, "x": X, "y": Y})
    assert found.out == {"Name": "text that differs in 90 of 120 rows"}
    assert found.id is None


def test_sorted_rows_alone_make_no_group(tmp_path: Path) -> None:
    found = roles(tmp_path, {"age": sorted(row * row % 47 for row in range(N)), "x": X, "y": Y})
    assert found.group is None


@pytest.mark.parametrize("name", ["birth_date", "dob", "date of birth"])
def test_a_date_of_birth_is_not_when_a_row_happened(name: str, tmp_path: Path) -> None:
    found = roles(tmp_path, {name: DAYS, "x": X, "y": Y})
    assert found.time is None
    both = roles(tmp_path, {name: DAYS, "visit": DAYS, "x": X, "y": Y})
    assert name_of(both.time) == "visit"


@pytest.mark.parametrize("years", [range(1900, 2020), np.arange(1900.0, 2020.0)], ids=["whole", "float"])
def test_years_are_a_time_whatever_number_they_are(years: Any, tmp_path: Path) -> None:
    found = roles(tmp_path, {"YEAR": years, "x": X, "y": Y})
    assert (name_of(found.time), found.id) == ("YEAR", None)


@pytest.mark.parametrize(
    ("form", "written"), [("%Y/%m/%d", "%Y/%m/%d"), ("%d.%m.%Y", "%d.%m.%Y"), ("%b %d %Y", "%b %d %Y")]
)
def test_text_that_can_be_read_as_times_in_one_way_is_a_time(form: str, written: str, tmp_path: Path) -> None:
    found = roles(tmp_path, {"date": [day.strftime(form) for day in DAYS], "x": X, "y": Y})
    assert (name_of(found.time), found.dates, found.id) == ("date", {"date": written}, None)
    assert f"dates: 'date' (written as {written})" in found.told()


def test_text_that_can_be_read_as_times_in_two_ways_is_left_out_with_what_to_say(tmp_path: Path) -> None:
    days = [f"{1 + row % 12:02}/{1 + row // 12:02}/2024" for row in range(N)]
    found = roles(tmp_path, {"date": days, "x": X, "y": Y})
    assert (found.time, found.dates, found.id) == (None, {}, None)
    assert found.out == {"date": "times in 2 readings, %d/%m/%Y or %m/%d/%Y; say which in data.read"}


# targets and tasks


@pytest.mark.parametrize(
    ("table", "target"),
    [
        ({"x": X, "category": Y, "z": X, "refunded": Y}, "refunded"),
        ({"class": Y, "x": X, "survived": Y}, "survived"),
        ({"class": Y, "x": X, "z": X}, "class"),
        ({"a": X, "x": X, "class": Y}, "class"),
        ({"x": X, "y": X, "outcome": Y}, "outcome"),
        ({"x": X, "b": Y, "comment": CODES}, "b"),
        ({"x": X, "b": Y, "mostly": [None] * 100 + [1] * 10 + [2] * 10}, "b"),
        ({"x": X, "b": Y, "always": [1] * N}, "b"),
        ({"x": X, "b": Y, "day": DAYS}, "b"),
    ],
)
def test_the_target_by_name_position_and_type(table: dict[str, Any], target: str, tmp_path: Path) -> None:
    assert roles(tmp_path, table).target.name == target


@pytest.mark.parametrize(
    ("values", "task"),
    [
        ([1, 2] * 60, "binary"),
        ([0.0, 1.0] * 60, "binary"),
        ([0, 1, None] * 40, "binary"),
        (["yes", "no", None] * 40, "binary"),
        ([3, 4, 5, 6, 7, 8] * 20, "multiclass"),
        ([1.5, 2.5, 3.5] * 40, "regression"),
        ([row * 3 for row in range(18)] + [None] * 10, "regression"),
        (["a", "b", "c"] * 40, "multiclass"),
    ],
)
def test_the_task_by_the_values_that_are_there(values: list[Any], task: str, tmp_path: Path) -> None:
    table = {"x": X[: len(values)], "goal": values}
    assert roles(tmp_path, table, target="goal").task == task


@pytest.mark.parametrize("last", ["minute", "dep_hour", "day_of_week", "weekday", "month"])
def test_a_part_of_a_time_is_the_target_only_where_nothing_else_can_be(last: str, tmp_path: Path) -> None:
    part = [row % 12 for row in range(N)]
    assert roles(tmp_path, {"a": X, "distance": X[::-1] + 1, last: part}).target.name == "distance"
    assert roles(tmp_path, {"name": CODES, last: part}).target.name == last
    assert roles(tmp_path, {"a": X, last: part}, target=last).target.name == last
