"""Roles and splits that cannot leak: a group is a unit and a unit a group, in every split; random for every task."""

from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from modelyard.config.sections.data import Columns, Data, Split
from modelyard.core.errors import ConfigError, DataError
from modelyard.data.folds import folds
from modelyard.data.splits import split, unit_codes
from modelyard.evaluation.session import may_be_named

ROWS = 300
FRAME = pl.DataFrame(
    {
        "row": range(ROWS),
        "shop": [f"s{row % 30}" for row in range(ROWS)],
        "at": [datetime(2024, 1, 1) + timedelta(hours=row) for row in range(ROWS)],
        "y": [row % 3 % 2 for row in range(ROWS)],
    }
)
WHOLE = [{"group": "shop"}, {"unit": {"column": "shop"}}, {"unit": "shop"}]


def columns(**given: Any) -> Columns:
    return Columns.model_validate({"target": "y", **given})


@pytest.mark.parametrize("given", WHOLE)
def test_the_one_without_the_other_is_the_unit_of_intervals(given: Any) -> None:
    codes, name, _ = unit_codes(FRAME, columns(**given))
    assert name == "shop"
    assert codes is not None
    assert len(set(codes.tolist())) == 30


def test_a_group_is_the_unit_also_where_time_is_declared() -> None:
    assert unit_codes(FRAME, columns(group="shop", time="at"))[1] == "shop"
    assert unit_codes(FRAME, columns(group="shop", time="at", unit={"every": "day"}))[1] == "day"


@pytest.mark.parametrize("given", WHOLE)
@pytest.mark.parametrize("by", ["hash", "random"])
@pytest.mark.parametrize("classes", [True, False])
def test_no_split_and_no_fold_cuts_it(given: Any, by: str, classes: bool) -> None:
    declared = columns(id="row", **given)
    parts = split(FRAME, Split(of="all", by=by, test=0.3), declared, classes=classes)
    assert not set(parts.train["shop"]) & set(parts.test["shop"])
    made, follow = folds(FRAME, declared, 3, 0, classes)
    assert follow == "group"
    for train, valid in made:
        assert not set(FRAME["shop"][train]) & set(FRAME["shop"][valid])


@pytest.mark.parametrize("given", WHOLE)
@pytest.mark.parametrize(
    "rule", [{"by": "stratified"}, {"by": "time"}, {"by": "hash", "column": "row"}], ids=lambda rule: rule["by"]
)
def test_a_split_that_would_cut_it_is_refused_with_one_that_does_not(given: Any, rule: Any) -> None:
    with pytest.raises((ConfigError, DataError)) as caught:
        split(FRAME, Split.model_validate({"of": "all", **rule}), columns(id="row", time="at", **given))
    assert caught.value.code in {"config/split-option", "data/rows-on-both-sides"}
    assert "by: random" in caught.value.hint


@pytest.mark.parametrize("given", [{}, {"id": "row"}])
def test_numbers_are_split_at_random_without_a_column_to_hash(given: Any) -> None:
    frame = FRAME.with_columns(y=pl.Series(np.random.default_rng(0).normal(size=ROWS)))
    parts = split(frame, Split(of="all", by="random", test=0.2), columns(**given))
    assert (len(parts.train), len(parts.test)) == (240, 60)
    assert sorted([*parts.train["row"], *parts.test["row"]]) == list(range(ROWS))
    assert parts.test["row"].to_list() != list(range(60))
    again = split(frame, Split(of="all", by="random", test=0.2), columns(**given))
    assert parts.test.equals(again.test)


def test_a_random_split_holds_the_same_share_of_every_class() -> None:
    parts = split(FRAME, Split(of="all", by="random", test=0.2), columns(), classes=True)
    assert parts.test["y"].value_counts().sort("y")["count"].to_list() == [40, 20]


@pytest.mark.parametrize("by", ["hash"])
def test_the_target_is_never_hashed(by: str) -> None:
    with pytest.raises(ValidationError, match="hash of the target"):
        Data.model_validate(
            {"sets": {"all": "a.csv"}, "columns": {"target": "y"}, "split": {"of": "all", "by": by, "column": "y"}}
        )


@pytest.mark.parametrize(
    ("numbers", "last"),
    [
        ([2011, 2012, 2013], date(2013, 1, 1)),
        ([201111, 201112, 201201], date(2012, 1, 1)),
        ([20111230, 20111231, 20120101], date(2012, 1, 1)),
    ],
)
def test_whole_numbers_that_are_years_months_or_days_are_times(numbers: list[int], last: date) -> None:
    frame = pl.DataFrame({"when": numbers * 4, "y": [0, 1] * 6})
    for typed in (frame, frame.cast({"when": pl.Float64})):  # a file may hold 2013.0
        parts = split(typed, Split(of="all", by="time", test=0.3), columns(time="when"), classes=True)
        assert parts.test["when"].unique().to_list() == [numbers[-1]]
        assert f"{last:%Y-%m-%d}" in parts.description


@pytest.mark.parametrize("numbers", [[1, 2, 3], [201113, 201101, 201102], [20110230, 20110101, 20110102]])
def test_other_numbers_are_no_times(numbers: list[int]) -> None:
    with pytest.raises(DataError, match="not a timestamp"):
        split(
            pl.DataFrame({"when": numbers, "y": [0, 1, 0]}),
            Split(of="all", by="time", test=0.3),
            columns(time="when"),
        )


def test_a_time_split_whose_test_lacks_a_class_says_which_would_not() -> None:
    frame = FRAME.with_columns(y=pl.Series([row % 2 if row < 200 else 0 for row in range(ROWS)]))
    with pytest.raises(DataError) as caught:
        split(frame, Split(of="all", by="time", test=0.2), columns(time="at"), classes=True)
    assert caught.value.code == "data/one-class"
    assert "data.split.test: 0.4 has both" in caught.value.hint


def test_classes_one_after_another_in_time_are_told_to_be_split_at_random() -> None:
    frame = FRAME.with_columns(y=pl.Series([int(row >= 150) for row in range(ROWS)]))
    with pytest.raises(DataError) as caught:
        split(frame, Split(of="all", by="time", test=0.2), columns(time="at"), classes=True)
    assert "by: random" in caught.value.hint
    with pytest.raises(DataError) as caught:
        folds(frame, columns(time="at"), 5, 0, True)
    assert caught.value.code == "data/one-class"
    assert "by: random" in caught.value.hint


def test_folds_that_lack_a_class_say_how_many_would_not() -> None:
    frame = FRAME.with_columns(y=pl.Series([row % 2 if row >= 60 else 0 for row in range(ROWS)]))
    with pytest.raises(DataError) as caught:
        folds(frame, columns(time="at"), 5, 0, True)
    assert "Set train.search.folds to 3" in caught.value.hint
    assert len(folds(frame, columns(time="at"), 3, 0, True)[0]) == 3


@pytest.mark.parametrize("given", WHOLE)
def test_no_slice_is_made_of_what_names_or_groups_rows(given: Any) -> None:
    assert may_be_named(FRAME, columns(id="row", time="at", **given), "row").columns == []
