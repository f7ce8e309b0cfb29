"""Suite files as people have them, checked against Great Expectations' own registry."""

import json
from pathlib import Path
from typing import Any

import pytest

from modelyard.core.errors import CollectedConfigError, ConfigError
from modelyard.validation.engines.gx import GX
from modelyard.validation.suite import load_suite

NOT_NULL = {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "x"}}
OFF = {"parse_strings_as_datetimes": False, "auto": False, "profiler_config": None}
IN_SET = "expect_column_values_to_be_in_set"


def refused(folder: Path, raw: Any) -> str:
    """What a user reads when this suite is loaded."""
    (folder / "suite.json").write_text(raw if isinstance(raw, str) else json.dumps(raw, indent=1), "utf-8")
    with pytest.raises(ConfigError) as caught:
        load_suite("suite.json", folder, GX)
    assert caught.value.exit_code == 2
    return str(caught.value)


def suite_of(*expectations: Any, **rest: Any) -> dict[str, Any]:
    return {"name": "s", "expectations": list(expectations), **rest}


def test_a_suite_of_1x_is_read_with_lines_and_severity(tmp_path: Path) -> None:
    suite = suite_of(
        NOT_NULL,
        {
            "type": "expect_table_row_count_to_be_between",
            "kwargs": {"min_value": 1, "result_format": "COMPLETE", "batch_id": "b"},
            "severity": "warning",
            "meta": {"why": "because"},
            "id": "6f2c1f0e-0000-4000-8000-000000000000",
        },
        meta={"great_expectations_version": "1.24.1"},
        id=None,
    )
    (tmp_path / "suite.json").write_text("\ufeff" + json.dumps(suite, indent=1), "utf-8")
    loaded = load_suite(tmp_path / "suite.json", tmp_path, GX)
    first, second = loaded.items
    assert loaded.name == "s"
    assert (first.type, first.severity, first.line) == ("expect_column_values_to_not_be_null", "critical", 4)
    assert (second.index, second.severity) == (1, "warning")
    assert second.kwargs == {"min_value": 1}


def test_a_suite_of_0x_means_the_same(tmp_path: Path) -> None:
    old = {
        "data_asset_type": "Dataset",
        "expectation_suite_name": "old",
        "ge_cloud_id": None,
        "evaluation_parameters": {"most": 24},
        "expectations": [
            {
                "expectation_type": "expect_column_values_to_be_between",
                "kwargs": {"column": "hour", "min_value": 0, "max_value": {"$PARAMETER": "most"}, **OFF},
                "meta": {"profiler_details": {}},
                "success_on_last_run": True,
            }
        ],
        "meta": {"great_expectations_version": "0.15.50"},
    }
    (tmp_path / "old.json").write_text(json.dumps(old), "utf-8")
    loaded = load_suite("old.json", tmp_path, GX)
    assert loaded.name == "old"
    [item] = loaded.items
    assert (item.type, item.kwargs) == (
        "expect_column_values_to_be_between",
        {"column": "hour", "min_value": 0, "max_value": 24},
    )


def test_parameters_come_from_the_suite_from_beside_and_from_arithmetic(tmp_path: Path) -> None:
    values = [{"$PARAMETER": "n"}, {"$PARAMETER": "n * 2"}, {"$PARAMETER": "gone", "$PARAMETER.gone": 7}]
    items = [{"type": "expect_table_row_count_to_be_between", "kwargs": {"max_value": value}} for value in values]
    (tmp_path / "s.json").write_text(json.dumps(suite_of(*items, suite_parameters={"n": 5})), "utf-8")
    assert [item.kwargs["max_value"] for item in load_suite("s.json", tmp_path, GX).items] == [5, 10, 7]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ('{\n"expectations": [\n', "suite.json:3: not valid JSON"),
        ([1], "a suite is a JSON object"),
        ({"name": "s", "expectations": []}, "holds no expectations"),
        ({"name": "s"}, "holds no expectations"),
        ({"name": "s", "expectation": [NOT_NULL]}, "Did you mean 'expectations'?"),
        (suite_of({**NOT_NULL, "type": "expect_column_values_to_not_be_nul"}), "'expect_column_values_to_not_be_null'"),
        (suite_of({"kwargs": {}}), "unknown expectation None"),
        (suite_of({**NOT_NULL, "mostly": 0.5}), "expectations[0].mostly: unknown key 'mostly'"),
        (suite_of({**NOT_NULL, "kwargs": {"column": "x", "mostyl": 0.5}}), "Did you mean 'mostly'?"),
        (suite_of({**NOT_NULL, "kwargs": {"column": "x", "mostly": 1.5}}), "expectations[0].kwargs.mostly"),
        (suite_of({**NOT_NULL, "kwargs": {}}), "expectations[0].kwargs.column"),
        (suite_of({**NOT_NULL, "severity": "fatal"}), "unknown severity 'fatal'"),
        (suite_of({**NOT_NULL, "severity": "info"}), "this suite could never fail"),
        (suite_of({**NOT_NULL, "kwargs": {"column": {"$PARAMETER": "colum"}}}), "$PARAMETER 'colum' has no value"),
        (
            suite_of({"type": IN_SET, "kwargs": {"column": "x", "value_set": [{"$PARAMETER": "a"}]}}),
            "only understood as a whole argument",
        ),
        (
            suite_of({"type": "expect_column_values_to_match_regex", "kwargs": {"column": "x", "regex": "(a"}}),
            "not a regular expression",
        ),
        (
            suite_of({"type": "expect_column_mean_to_be_between", "kwargs": {"column": "x", "max_value": "inf"}}),
            "'inf' is not a bound",
        ),
        (
            suite_of({"type": "expect_column_max_to_be_between", "kwargs": {"column": "x", "max_value": 2**53 + 1}}),
            "beyond 2^53",
        ),
        (
            '{"name": "s", "expectations": [\n{"type": "t", "kwargs": {"mostly": NaN}}]}',
            "kwargs.mostly: NaN",
        ),
    ],
)
def test_a_mistake_in_a_suite_names_file_line_and_mend(tmp_path: Path, raw: Any, said: str) -> None:
    message = refused(tmp_path, raw)
    assert said in message
    assert "suite.json" in message


def test_all_mistakes_of_a_suite_come_at_once_each_with_its_line(tmp_path: Path) -> None:
    bad = [{**NOT_NULL, "type": "expect_column_values_to_be_uniqe"}, NOT_NULL, {**NOT_NULL, "kwargs": {"colum": "x"}}]
    message = refused(tmp_path, suite_of(*bad))
    assert "suite.json:5: expectations[0].type" in message
    assert "suite.json:19: expectations[2].kwargs.colum" in message
    with pytest.raises(CollectedConfigError):
        load_suite("suite.json", tmp_path, GX)


def test_a_suite_that_is_not_there_or_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "flights.json").write_bytes('{"name": "Zürich"}'.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"flights\.json:1: not a text file in UTF-8"):
        load_suite("flights.json", tmp_path, GX)
    with pytest.raises(ConfigError) as caught:
        load_suite("flihgts.json", tmp_path, GX)
    assert "Did you mean 'flights.json'?" in str(caught.value)
    with pytest.raises(ConfigError, match="outside the workspace"):
        load_suite("../elsewhere.json", tmp_path, GX)
