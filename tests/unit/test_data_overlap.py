"""Named training and test sets are apart, or the run is refused with counts."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from modelyard.config.configuration import Config
from modelyard.core.errors import DataError
from modelyard.steps import rows

START = datetime(2024, 1, 1)


def config(overlap: Any = None, sets: Any = None, **columns: Any) -> Config:
    return Config.model_validate(
        {
            "model": {"name": "m", "task": "binary"},
            "data": {
                "sets": sets or {"train": "a.csv", "test": "b.csv"},
                "columns": {"target": "y", **columns},
                "overlap": overlap,
            },
            "train": {"candidates": [{"estimator": "a.B"}]},
        }
    )


def frame(first: int, n: int, **more: Any) -> pl.DataFrame:
    draw = np.random.default_rng(first)
    return pl.DataFrame({"uid": range(first, first + n), "x": draw.normal(size=n), "y": draw.integers(0, 2, n)} | more)


def load(train: pl.DataFrame, test: pl.DataFrame, **given: Any) -> rows.Rows:
    return rows.split(config(**given), {"train": train, "test": test}.__getitem__)


def refused(train: pl.DataFrame, test: pl.DataFrame, **given: Any) -> str:
    with pytest.raises(DataError) as caught:
        load(train, test, **given)
    assert caught.value.code == "data/sets-overlap"
    assert load(train, test, overlap={"allow": "a fixture"}, **given).split.endswith("overlap allowed: a fixture")
    return str(caught.value)


def test_sets_that_are_apart_are_taken() -> None:
    assert len(load(frame(0, 90), frame(90, 30), id="uid").test) == 30


@pytest.mark.parametrize("columns", [{"id": "uid"}, {}])
def test_a_copy_of_the_training_set_is_refused(columns: dict[str, str]) -> None:
    whole = frame(0, 80)
    assert "80 of the 80 test rows are training rows too" in refused(whole, whole.clone(), **columns)


def test_some_rows_of_the_training_set_are_refused_with_their_count() -> None:
    train = frame(0, 200)
    said = refused(train, pl.concat([frame(500, 50), train[:7]]))
    assert "7 of the 57 test rows are training rows too" in said


def test_rows_are_the_same_under_new_ids_and_in_another_type() -> None:
    train = frame(0, 100).with_columns(n=pl.int_range(100))
    copied = train.with_columns(pl.col("uid") + 5000, pl.col("n").cast(pl.Float64))
    assert "100 of the 100 test rows are training rows too" in refused(train, copied, id="uid")


def test_data_of_few_values_repeats_itself_and_is_taken() -> None:
    draw = np.random.default_rng(0)
    train, test = (pl.DataFrame({"x": draw.integers(0, 3, n), "y": draw.integers(0, 2, n)}) for n in (400, 100))
    assert len(load(train, test).test) == 100


def test_shared_ids_are_refused_also_where_one_set_holds_them_as_text() -> None:
    train, test = frame(0, 100), frame(95, 40)
    assert "5 ids ('uid') have rows in both, 5 of the 40 test rows" in refused(train, test, id="uid")
    as_text = test.with_columns(pl.col("uid").cast(pl.String))
    assert "5 ids ('uid') have rows in both" in refused(train, as_text, id="uid")


@pytest.mark.parametrize(("role", "what"), [("group", "groups"), ("unit", "units")])
def test_shared_groups_and_units_are_refused(role: str, what: str) -> None:
    train = frame(0, 100, shop=[f"s{row % 10}" for row in range(100)])
    test = frame(100, 40, shop=[f"s{8 + row % 4}" for row in range(40)])
    given: Any = "shop" if role == "group" else {"column": "shop"}
    assert f"2 {what} ('shop') have rows in both, 20 of the 40 test rows" in refused(train, test, **{role: given})


def timed(first: int, n: int, start: datetime) -> pl.DataFrame:
    return frame(first, n, at=[start + timedelta(hours=row) for row in range(n)])


def test_a_test_older_than_the_training_is_refused() -> None:
    train, older = timed(0, 96, START), timed(96, 48, START - timedelta(days=9))
    assert "48 of the 48 test rows are older than the newest training row ('at')" in refused(train, older, time="at")


def test_a_day_with_training_rows_is_no_test_day() -> None:
    train, test = timed(0, 90, START), timed(90, 48, START + timedelta(hours=90))
    assert "6 of the 48 test rows lie in a day that has training rows" in refused(train, test, time="at")
    assert len(load(train, timed(90, 48, START + timedelta(hours=96)), time="at").test) == 48


def test_the_same_file_twice_is_refused_without_reading_it() -> None:
    with pytest.raises(ValueError, match="the same file"):
        config(sets={"train": "a.csv", "test": "a.csv"})
    assert config({"allow": "a smoke test"}, sets={"train": "a.csv", "test": "a.csv"}).data.overlap


def test_repeated_ids_are_told_to_be_a_group() -> None:
    whole = frame(0, 50).with_columns(uid=pl.col("uid") // 2)
    with pytest.raises(DataError) as caught:
        load(whole, frame(90, 20), id="uid")
    assert "group: uid" in caught.value.hint
