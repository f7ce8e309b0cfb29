"""Profiles: small, equal for equal rows, JSON, and no raw value in them."""

import json
from datetime import datetime

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard.core.canonical import canonical
from modelyard.data.profile import QUANTILES, profile

KEY = b"a key"


def flights(rows: int = 400) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "carrier": ["UA", "B6", "EV", None] * (rows // 4),
            "distance": [float(row * 3 % 2500) for row in range(rows)],
            "passenger": [f"person {row}" for row in range(rows)],
            "late": [row % 5 == 0 for row in range(rows)],
            "when": [datetime(2013, 1, 1 + row % 28) for row in range(rows)],
        }
    )


def test_a_profile_tells_type_rows_missing_and_distinct_of_every_column() -> None:
    told = profile(flights(), (), None)
    assert told["rows"] == 400
    carrier = told["columns"]["carrier"]
    assert carrier == {"type": "String", "rows": 400, "missing": 100, "distinct": 3}
    assert told["columns"]["when"]["distinct"] == 28


def test_numbers_have_mean_spread_and_twenty_rounded_quantiles_without_the_extremes() -> None:
    numbers = profile(pl.DataFrame({"x": [float(x) for x in range(1, 10001)]}), (), None)["columns"]["x"]
    assert numbers["mean"] == 5000.5
    assert numbers["std"] == 2886.9
    assert len(numbers["quantiles"]) == 20
    assert numbers["quantiles"][0] == 251
    assert numbers["quantiles"][-1] == 9750
    assert (min(QUANTILES), max(QUANTILES)) == (0.025, 0.975)


def test_of_a_personal_column_only_type_rows_and_missing_are_told() -> None:
    told = profile(flights(), ["passenger", "distance"], KEY)["columns"]
    assert told["passenger"] == {"type": "String", "rows": 400, "missing": 0}
    assert told["distance"] == {"type": "Float64", "rows": 400, "missing": 0}


def test_categories_are_named_by_hmac_and_need_a_key() -> None:
    with_key = profile(flights(), (), KEY)["columns"]
    assert "categories" not in profile(flights(), (), None)["columns"]["carrier"]
    assert [rows for _, rows in with_key["carrier"]["categories"]] == [100, 100, 100]
    assert all(len(name) == 64 for name, _ in with_key["carrier"]["categories"])
    other_key = profile(flights(), (), b"another")["columns"]
    assert with_key["carrier"]["categories"] != other_key["carrier"]["categories"]


def test_one_value_has_different_names_in_two_columns() -> None:
    told = profile(pl.DataFrame({"a": ["x"] * 20, "b": ["x"] * 20}), (), KEY)["columns"]
    assert told["a"]["categories"][0][0] != told["b"]["categories"][0][0]


def test_categories_of_fewer_than_ten_rows_are_merged() -> None:
    told = profile(pl.DataFrame({"a": ["many"] * 10 + ["few"] * 9 + ["rare"]}), (), KEY)["columns"]["a"]
    assert [rows for _, rows in told["categories"]] == [10]
    assert told["merged"] == {"levels": 2, "rows": 10}
    assert profile(flights(), (), KEY)["columns"]["passenger"]["merged"] == {"levels": 400, "rows": 400}


def test_numbers_of_fewer_than_ten_rows_are_withheld() -> None:
    told = profile(pl.DataFrame({"salary": [91234.0] * 9 + [None]}), (), KEY)["columns"]["salary"]
    assert told["mean"] is told["std"] is told["quantiles"] is None


def test_no_category_or_enum_level_appears_in_plain() -> None:
    frame = flights().with_columns(
        kind=pl.col("carrier").cast(pl.Enum(["UA", "B6", "EV"])), named=pl.col("carrier").cast(pl.Categorical)
    )
    text = json.dumps(profile(frame, (), KEY))
    assert not [level for level in ("UA", "B6", "EV", "person") if f'"{level}' in text or f"'{level}" in text]
    assert profile(frame, (), KEY)["columns"]["kind"]["type"] == "Enum"


def test_odd_columns_are_told_by_type_rows_and_missing() -> None:
    frame = pl.DataFrame({"l": [[1], [2]], "s": [{"a": 1}, None], "n": [None, None], "b": [b"x", b"y"]})
    told = profile(frame, (), KEY)["columns"]
    assert list(told) == ["l", "s", "n", "b"]
    assert all(set(about) == {"type", "rows", "missing"} for about in told.values())
    canonical(profile(frame.clear(), (), KEY))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True)), max_size=40))
def test_any_numbers_give_canonical_json_that_repeats(values: list[float | None]) -> None:
    frame = pl.DataFrame({"x": pl.Series(values, dtype=pl.Float64)})
    assert canonical(profile(frame, (), KEY)) == canonical(profile(frame, (), KEY))
