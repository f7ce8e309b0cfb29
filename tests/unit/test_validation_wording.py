"""Expectations in words, and what cannot fail."""

from typing import Any

import pytest

from modelyard.records.results.validate import Expectation, Observed
from modelyard.report import expectations as wording
from modelyard.validation.engine import Outcome
from modelyard.validation.engines.gx import _observed
from modelyard.validation.judge import _recorded
from modelyard.validation.suite import Item
from modelyard.validation.vacuity import cannot_fail


def item(kind: str, **kwargs: Any) -> Item:
    return Item(index=0, type=kind, kwargs=kwargs, severity="critical", line=1)


def recorded(one: Item, **outcome: Any) -> Expectation:
    return _recorded(one, Outcome("passed", **outcome))


@pytest.mark.parametrize(
    ("one", "subject", "expected"),
    [
        (
            item("expect_column_values_to_be_between", column="hour", min_value=0, max_value=24, mostly=0.99),
            "hour",
            "between 0 and 24, mostly 99%",
        ),
        (
            item("expect_column_values_to_be_between", column="x", min_value=0, strict_min=True, row_condition="y > 1"),
            "x",
            "above 0, where y > 1",
        ),
        (item("expect_column_mean_to_be_between", column="x", max_value=1.5), "x", "mean at most 1.5"),
        (item("expect_table_row_count_to_be_between", min_value=75000), "table", "row count at least 75,000"),
        (item("expect_column_values_to_not_be_null", column="x"), "x", "never missing"),
        (item("expect_column_values_to_be_in_set", column="x", value_set=["a", True, 3]), "x", "in set a, true, 3"),
        (
            item("expect_table_columns_to_match_set", column_set=[f"c{at}" for at in range(20)]),
            "table",
            "columns to match set c0, c1, c2, c3, c4, c5, c6, c7, … (20 in all)",
        ),
        (item("expect_compound_columns_to_be_unique", column_list=["a", "b"]), "a, b", "unique together"),
        (item("expect_multicolumn_sum_to_equal", column_list=["a", "b"], sum_total=6), "a, b", "sum to equal 6"),
        (
            item("expect_column_pair_values_a_to_be_greater_than_b", column_A="end", column_B="start", or_equal=True),
            "end, start",
            "end at least start",
        ),
        (
            item(
                "expect_column_quantile_values_to_be_between",
                column="x",
                quantile_ranges={"quantiles": [0.5, 0.95], "value_ranges": [[-5, 5], [None, 150]]},
            ),
            "x",
            "quantile 0.5 between -5 and 5; quantile 0.95 at most 150",
        ),
    ],
)
def test_what_is_expected_reads_like_a_sentence(one: Item, subject: str, expected: str) -> None:
    assert (wording.subject(recorded(one)), wording.expected(recorded(one))) == (subject, expected)


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0, "0%"),
        (1, "100%"),
        (0.5, "50%"),
        (0.99, "99%"),
        (0.12345, "12.3%"),
        (12 / 336_776, "0.00356%"),
        (1 - 12 / 336_776, "99.99644%"),
        (1e-12, "0.0000000001%"),
    ],
)
def test_a_share_never_looks_like_none_or_all_unless_it_is(share: float, said: str) -> None:
    assert wording.percent(share) == said


def test_rows_that_broke_an_expectation_are_counted() -> None:
    between = item("expect_column_values_to_be_between", column="x", min_value=0)
    found = recorded(between, evaluated=336_776, unexpected=12, missing=24)
    assert wording.observed(found) == "12 of 336,776 rows outside (0.00356%); 24 missing, not judged"


@pytest.mark.parametrize(("hidden", "said"), [(False, "52.5"), (True, "not shown: the column is personal")])
def test_of_personal_columns_not_even_the_mean_is_shown(hidden: bool, said: str) -> None:
    mean = item("expect_column_mean_to_be_between", column="age", max_value=70)
    measured = _observed(mean, {"observed_value": 52.5}, hidden=hidden)
    assert hidden or measured == Observed(value=52.5)
    assert wording.observed(recorded(mean, observed=measured)) == said


@pytest.mark.parametrize(
    ("kind", "value"),
    [("expect_column_most_common_value_to_be_in_set", ["Ada"]), ("expect_column_max_to_be_between", "Ada")],
)
def test_a_text_value_of_the_data_is_never_recorded(kind: str, value: Any) -> None:
    assert _observed(item(kind, column="name"), {"observed_value": value}, hidden=False) == Observed(hidden="value")


@pytest.mark.parametrize(
    "arguments",
    [
        {"quantile_ranges": {"quantiles": ["x"], "value_ranges": [3]}, "mostly": "all"},
        {"quantile_ranges": [1], "mostly": -3},
        {"quantile_ranges": {"quantiles": [{}], "value_ranges": [[[], {}]]}, "mostly": 7.5},
    ],
)
def test_a_record_from_elsewhere_breaks_no_sentence(arguments: Any) -> None:
    for kind in ("expect_column_quantile_values_to_be_between", "expect_column_values_to_be_between", "x"):
        odd = Expectation(index=0, type=kind, arguments=arguments, state="failed", unexpected=9, evaluated=3)
        assert wording.expected(odd) is not None
        assert "9 of 3" in wording.observed(odd)


@pytest.mark.parametrize(
    ("kind", "kwargs"),
    [
        ("expect_column_values_to_not_be_null", {"column": "x", "mostly": 0}),
        ("expect_column_values_to_be_between", {"column": "x"}),
        ("expect_column_mean_to_be_between", {"column": "x", "min_value": None, "strict_min": True}),
        ("expect_table_row_count_to_be_between", {}),
        (
            "expect_column_quantile_values_to_be_between",
            {"column": "x", "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[None, None]]}},
        ),
        ("expect_column_values_to_not_be_in_set", {"column": "x", "value_set": []}),
        ("expect_column_values_to_be_in_type_list", {"column": "x", "type_list": None}),
        ("expect_table_columns_to_match_set", {"column_set": [], "exact_match": False}),
        ("expect_table_columns_to_match_ordered_list", {}),
        ("expect_column_kl_divergence_to_be_less_than", {"column": "x", "partition_object": {}}),
        ("expect_column_values_to_match_regex", {"column": "x", "regex": ""}),
    ],
)
def test_an_expectation_that_cannot_fail_is_found_from_its_arguments(kind: str, kwargs: dict[str, Any]) -> None:
    assert cannot_fail(kind, kwargs)


@pytest.mark.parametrize(
    ("kind", "kwargs"),
    [
        ("expect_column_values_to_be_between", {"column": "x", "min_value": 0}),
        ("expect_column_values_to_not_be_null", {"column": "x", "mostly": 0.01}),
        ("expect_column_values_to_be_in_type_list", {"column": "x", "type_list": ["int64"]}),
        ("expect_column_to_exist", {"column": "x"}),
    ],
)
def test_an_expectation_that_can_fail_is_left_alone(kind: str, kwargs: dict[str, Any]) -> None:
    assert not cannot_fail(kind, kwargs)
