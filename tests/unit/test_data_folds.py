"""Folds: they follow time, keep what belongs together whole, and refuse what cannot be trained on."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard.config.sections.data import Columns
from modelyard.core.errors import DataError
from modelyard.data.splits import folds, unit_codes

START = datetime(2013, 1, 1)


def columns(**given: Any) -> Columns:
    return Columns(**({"target": "y"} | given))


def daily(days: list[int], **more: list[Any]) -> pl.DataFrame:
    return pl.DataFrame(
        {"when": [START + timedelta(day) for day in days], "y": [row % 2 for row in range(len(days))]} | more
    )


def attempt(frame: pl.DataFrame, declared: Columns, n: int, seed: int, *, classes: bool) -> Any:
    """The folds and what they follow, or what is said against them."""
    try:
        return folds(frame, declared, n, seed, target_classes=classes)
    except DataError as error:
        return str(error)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=1, max_size=120), st.integers(2, 6))
def test_folds_follow_time_and_cut_no_unit(days: list[int], n: int) -> None:
    frame, declared = daily(days), columns(time="when")
    found = attempt(frame, declared, n, 0, classes=False)
    if isinstance(found, str):
        assert len(set(days)) < n + 1
        assert f"span {len(set(days))} days" in found
        return
    made, follow = found
    assert follow == "time"
    assert len(made) == n
    codes, _, _ = unit_codes(frame, declared)
    assert codes is not None
    validated = []
    for train, valid in made:
        assert len(train)
        assert codes[train].max() < codes[valid].min()
        assert sorted([*train, *valid]) == np.flatnonzero(codes <= codes[valid].max()).tolist()
        validated += valid.tolist()
    assert len(set(validated)) == len(validated)


def test_time_folds_are_about_equal_in_rows() -> None:
    made, _ = folds(daily([day // 10 for day in range(600)]), columns(time="when"), 5, 0, target_classes=True)
    assert [(len(train), len(valid)) for train, valid in made] == [(100 * fold, 100) for fold in range(1, 6)]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from("ab")), min_size=2, max_size=80),
    st.integers(2, 5),
    st.booleans(),
    st.integers(0, 3),
)
def test_no_group_is_on_both_sides_of_a_fold(rows: list[tuple[int, str]], n: int, classes: bool, seed: int) -> None:
    frame = pl.DataFrame({"g": [group for group, _ in rows], "y": [label for _, label in rows]})
    for declared in (columns(group="g"), columns(unit="g")):
        found = attempt(frame, declared, n, seed, classes=classes)
        if isinstance(found, str):
            assert "groups" in found or "one class only" in found or "every class has fewer" in found
            continue
        made, follow = found
        assert follow == "group"
        groups = frame["g"].to_numpy()
        for train, valid in made:
            assert not set(groups[train]) & set(groups[valid])
        assert sorted(np.concatenate([valid for _, valid in made])) == list(range(len(rows)))


def test_with_time_and_groups_earlier_rows_of_a_validated_group_are_not_trained_on() -> None:
    frame = daily(list(range(60)), visitor=[day if day % 10 else 0 for day in range(60)])
    made, follow = folds(frame, columns(time="when", group="visitor"), 3, 0, target_classes=True)
    assert follow == "time"
    visitors = frame["visitor"].to_numpy()
    for train, valid in made:
        assert train.max() < valid.min()
        assert not set(visitors[train]) & set(visitors[valid])
        assert 0 in visitors[valid]


def test_folds_follow_groups_where_groups_reach_through_all_of_time() -> None:
    frame = daily(list(range(60)), store=[day % 6 for day in range(60)])
    for declared in (columns(time="when", group="store"), columns(time="when", unit="store")):
        made, follow = folds(frame, declared, 3, 0, target_classes=False)
        assert follow == "group"
        assert len(made) == 3


def test_without_time_or_groups_folds_are_drawn_within_classes_and_repeat_with_the_seed() -> None:
    frame = pl.DataFrame({"y": ["late"] * 10 + ["early"] * 40})
    made, follow = folds(frame, columns(), 5, 7, target_classes=True)
    assert follow == "class"
    assert all((frame["y"].to_numpy()[valid] == "late").sum() == 2 for _, valid in made)
    again, _ = folds(frame, columns(), 5, 7, target_classes=True)
    other, _ = folds(frame, columns(), 5, 8, target_classes=True)
    assert [valid.tolist() for _, valid in made] == [valid.tolist() for _, valid in again]
    assert [valid.tolist() for _, valid in made] != [valid.tolist() for _, valid in other]


def test_a_number_is_drawn_row_by_row() -> None:
    made, follow = folds(pl.DataFrame({"y": [0.5, 1.5, 2.5, 3.5]}), columns(), 2, 0, target_classes=False)
    assert follow == "row"
    assert sorted(np.concatenate([valid for _, valid in made])) == [0, 1, 2, 3]


def test_a_rare_class_is_spread_as_far_as_it_goes() -> None:
    frame = pl.DataFrame({"y": ["a"] * 10 + ["b"] * 10 + ["c"] * 2})
    made, _ = folds(frame, columns(), 5, 0, target_classes=True)
    assert len(made) == 5


@pytest.mark.parametrize(
    ("frame", "declared", "said"),
    [
        (pl.DataFrame({"y": [1] * 20}), columns(), "fold 1 of 5 holds training rows of one class only"),
        (pl.DataFrame({"y": [0] * 20 + [1]}), columns(), "training rows of one class only"),
        (pl.DataFrame({"y": [0, 1, 0, 1]}), columns(), "4 training rows, and 5 folds"),
        (pl.DataFrame({"y": list(range(20))}), columns(), "every class has fewer than 5 training rows"),
        (pl.DataFrame({"y": [0, 1] * 9, "g": [0, 1, 2] * 6}), columns(group="g"), "hold 3 groups, and 5 folds"),
        (daily([0, 0, 1, 1, 2, 2, 3, 3]), columns(time="when"), "span 4 days, and 5 folds that follow time need 6"),
        (daily([0]).clear(), columns(time="when"), "span 0 days"),
        (daily(list(range(40))).with_columns(y=pl.Series([0] * 20 + [1] * 20)), columns(time="when"), "one class only"),
        (pl.DataFrame({"y": [0, 1, None] * 9}), columns(), "9 of 27 rows have no 'y'"),
    ],
)
def test_what_cannot_be_folded_is_bad_data(frame: pl.DataFrame, declared: Columns, said: str) -> None:
    with pytest.raises(DataError, match=said):
        folds(frame, declared, 5, 0, target_classes=True)
