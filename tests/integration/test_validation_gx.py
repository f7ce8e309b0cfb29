"""Real Great Expectations: every expectation ends in one of four states, and none drags another down."""

import datetime as dt
import json
import logging
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from modelyard.core.verdict import Verdict
from modelyard.records.results import Expectation, SuiteResult
from modelyard.report import expectations
from modelyard.validation.engines.gx import GX
from modelyard.validation.judge import judge_suite
from modelyard.validation.suite import load_suite

Spec = tuple[str, dict[str, Any]]
SECRET = "Ada-Lovelace"
FRAME = pl.DataFrame(
    {
        "n": [1, 2, None, 4],
        "f": [1.0, float("nan"), float("inf"), 2.0],
        "empty": pl.Series([None] * 4, dtype=pl.Float64),
        "name": ["a", SECRET, SECRET, None],
        "at": [dt.datetime(2020, 1, day, tzinfo=dt.UTC) for day in (1, 2, 3, 4)],
        "same": [5, 5, 5, 5],
        "big": [2**53 + 1] * 4,
        "lists": [[1], [2], None, [3]],
        "wealth": [10.0, 20.0, 30.0, 615.25],
    }
)


def run(folder: Path, *specs: Spec, frame: pl.DataFrame = FRAME, severity: tuple[str, ...] = ()) -> SuiteResult:
    severities = severity or ("critical",) * len(specs)
    items = [
        {"type": f"expect_{kind}", "kwargs": kwargs, "severity": level}
        for (kind, kwargs), level in zip(specs, severities, strict=True)
    ]
    (folder / "s.json").write_text(json.dumps({"name": "s", "expectations": items}, indent=1), "utf-8")
    suite = load_suite("s.json", folder, GX)
    return judge_suite(suite, frame, GX, set_name="all", suite_path="s.json", personal=("wealth",))


def one(folder: Path, kind: str, frame: pl.DataFrame = FRAME, **kwargs: Any) -> Expectation:
    [found] = run(folder, (kind, kwargs), frame=frame).expectations
    return found


def test_passed_and_failed_are_said_with_counts_and_lines(tmp_path: Path) -> None:
    result = run(
        tmp_path,
        ("column_values_to_be_between", {"column": "n", "min_value": 0, "max_value": 3}),
        ("column_mean_to_be_between", {"column": "same", "min_value": 4, "max_value": 6}),
    )
    first, second = result.expectations
    assert (first.index, first.state, first.unexpected, first.evaluated, first.line) == (0, "failed", 1, 3, 4)
    assert expectations.observed(first) == "1 of 3 rows outside (33.3%); 1 missing, not judged"
    assert (second.state, expectations.observed(second), expectations.expected(second)) == (
        "passed",
        "5",
        "mean between 4 and 6",
    )
    assert (result.verdict, result.rows, result.set) == (Verdict.FAIL, 4, "all")
    assert result.engine.startswith("great-expectations 1.")


@pytest.mark.parametrize(
    ("kind", "kwargs"),
    [
        ("column_values_to_be_between", {"column": "empty", "min_value": 0}),
        ("column_values_to_be_unique", {"column": "empty"}),
        ("column_sum_to_be_between", {"column": "empty", "min_value": 0}),
        ("column_mean_to_be_between", {"column": "empty", "min_value": 0}),
        ("column_unique_value_count_to_be_between", {"column": "empty", "max_value": 5}),
        ("column_distinct_values_to_be_in_set", {"column": "empty", "value_set": [1]}),
        ("column_sum_to_be_between", {"column": "n", "min_value": 0, "row_condition": "n > 100"}),
        ("column_values_to_be_between", {"column": "n", "min_value": 0, "row_condition": "n > 100"}),
        ("column_pair_values_a_to_be_greater_than_b", {"column_A": "empty", "column_B": "empty"}),
        ("compound_columns_to_be_unique", {"column_list": ["empty", "empty"]}),
        ("column_values_to_not_be_null", {"column": "n", "mostly": 0}),
        ("column_values_to_be_between", {"column": "n"}),
        ("column_mean_to_be_between", {"column": "n"}),
    ],
)
def test_what_is_judged_on_nothing_is_vacuous_and_never_a_pass(
    tmp_path: Path, kind: str, kwargs: dict[str, Any]
) -> None:
    condition = {"condition_parser": "pandas"} if "row_condition" in kwargs else {}
    result = run(tmp_path, (kind, {**kwargs, **condition}))
    assert [found.state for found in result.expectations] == ["vacuous"]
    assert expectations.notes(result.expectations[0])
    assert result.verdict is Verdict.ERROR


@pytest.mark.parametrize(
    ("kind", "kwargs", "said"),
    [
        ("column_values_to_not_be_null", {"column": "nmae"}, "no column 'nmae'. Did you mean 'name'?"),
        ("compound_columns_to_be_unique", {"column_list": ["n", "nam"]}, "no column 'nam'. Did you mean 'name'?"),
        ("column_values_to_be_between", {"column": "name", "max_value": 3}, "types that do not compare"),
        ("column_stdev_to_be_between", {"column": "name", "max_value": 3}, "this needs numbers"),
        ("column_max_to_be_between", {"column": "at", "max_value": "2021-01-01T00:00:00"}, "bound with a zone"),
        (
            "column_values_to_be_between",
            {"column": "at", "max_value": "2021-01-01T00:00:00"},
            "write the bound with a zone",
        ),
        (
            "column_values_to_not_be_in_set",
            {"column": "at", "value_set": ["2020-01-01T00:00:00"]},
            "no value could ever match",
        ),
        ("column_values_to_not_be_in_set", {"column": "n", "value_set": ["1"]}, "no value could ever match"),
        ("column_value_z_scores_to_be_less_than", {"column": "f", "threshold": 3, "double_sided": True}, "infinite"),
        (
            "column_values_to_be_between",
            {"column": "n", "max_value": 3, "row_condition": "zork > 3", "condition_parser": "pandas"},
            "row_condition names a column that is not there",
        ),
        (
            "column_kl_divergence_to_be_less_than",
            {"column": "name", "partition_object": {"values": [], "weights": []}, "threshold": 0.1},
            "partition_object is not a partition",
        ),
    ],
)
def test_what_cannot_be_judged_is_errored_with_its_cause_and_stops_nothing_else(
    tmp_path: Path, kind: str, kwargs: dict[str, Any], said: str
) -> None:
    good: Spec = ("column_values_to_not_be_null", {"column": "same"})
    result = run(tmp_path, good, (kind, kwargs), good)
    assert [found.state for found in result.expectations] == ["passed", "errored", "passed"]
    assert said in expectations.notes(result.expectations[1])
    assert result.verdict is Verdict.ERROR


def test_two_quantile_expectations_on_one_column_keep_their_own_values(tmp_path: Path) -> None:
    frame = pl.DataFrame({"x": list(range(101))})
    specs: list[Spec] = [
        (
            "column_quantile_values_to_be_between",
            {"column": "x", "quantile_ranges": {"quantiles": [level], "value_ranges": [[bound, bound]]}},
        )
        for level, bound in ((0.5, 50), (0.9, 90))
    ]
    result = run(tmp_path, *specs, frame=frame)
    assert [expectations.observed(found) for found in result.expectations] == ["quantile 0.5: 50", "quantile 0.9: 90"]
    assert result.verdict is Verdict.PASS


def test_no_rows_are_an_error_even_where_great_expectations_succeeds(tmp_path: Path) -> None:
    result = run(tmp_path, ("column_values_to_not_be_null", {"column": "n"}), frame=FRAME.clear())
    assert (result.verdict, result.rows) == (Verdict.ERROR, 0)
    assert [(found.state, expectations.notes(found)) for found in result.expectations] == [
        ("vacuous", "the set holds no rows")
    ]


def test_a_failed_warning_is_listed_and_does_not_fail_the_suite(tmp_path: Path) -> None:
    missing: Spec = ("column_values_to_not_be_null", {"column": "n"})
    fine: Spec = ("column_values_to_not_be_null", {"column": "same"})
    result = run(tmp_path, fine, missing, severity=("critical", "warning"))
    assert [found.state for found in result.expectations] == ["passed", "failed"]
    assert "does not fail the suite" in expectations.notes(result.expectations[1])
    assert result.verdict is Verdict.PASS
    broken: Spec = ("column_values_to_not_be_null", {"column": "zork"})
    assert run(tmp_path, fine, broken, severity=("critical", "info")).verdict is Verdict.ERROR


def test_an_absent_column_fails_the_expectation_that_asks_for_it(tmp_path: Path) -> None:
    found = one(tmp_path, "column_to_exist", column="nmae")
    assert (found.state, expectations.notes(found)) == ("failed", "no column 'nmae'. Did you mean 'name'?")
    assert one(tmp_path, "column_to_exist", column="name").state == "passed"


def test_no_value_of_a_row_and_nothing_of_a_personal_column_leaves(tmp_path: Path) -> None:
    specs: list[Spec] = [
        ("column_values_to_be_in_set", {"column": "name", "value_set": ["a"]}),
        ("column_distinct_values_to_equal_set", {"column": "name", "value_set": ["a", "b"]}),
        ("column_most_common_value_to_be_in_set", {"column": "name", "value_set": ["a"]}),
        ("column_values_to_be_unique", {"column": "name"}),
        ("column_max_to_be_between", {"column": "name", "max_value": 3}),
        ("column_values_to_be_json_parseable", {"column": "name"}),
        ("column_values_to_be_between", {"column": "name", "max_value": 3}),
        ("column_values_to_match_strftime_format", {"column": "name", "strftime_format": "%Y"}),
        ("column_max_to_be_between", {"column": "wealth", "max_value": 3}),
        ("column_values_to_be_between", {"column": "wealth", "max_value": 3}),
        (
            "column_kl_divergence_to_be_less_than",
            {"column": "name", "partition_object": {"values": ["a"], "weights": [1.0]}, "threshold": 0.1},
        ),
    ]
    text = run(tmp_path, *specs).model_dump_json()
    assert SECRET not in text
    assert "615" not in text


def test_columns_that_no_model_takes_are_judged_all_the_same(tmp_path: Path) -> None:
    found = one(tmp_path, "column_values_to_not_be_null", column="lists")
    assert (found.state, found.unexpected) == ("failed", 1)
    assert one(tmp_path, "table_column_count_to_equal", value=len(FRAME.columns)).state == "passed"


def test_great_expectations_prints_nothing_and_our_log_goes_on(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    one(tmp_path, "column_values_to_be_between", column="name", max_value=3)
    logging.getLogger("modelyard").info("ours")
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")
    assert [record.message for record in caplog.records] == ["ours"]
    theirs = logging.getLogger("great_expectations")
    assert (theirs.propagate, theirs.handlers) == (True, [])
