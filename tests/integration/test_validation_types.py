"""Suites judge large whole numbers exactly, and how times are written by what stands in the file."""

import json
from pathlib import Path
from typing import Any

import polars as pl

from modelyard.data import reading
from modelyard.validation.engines import default_engine
from modelyard.validation.judge import judge_suite
from modelyard.validation.suite import load_suite


def judged(folder: Path, path: Path, *expectations: tuple[str, dict[str, Any]]) -> list[tuple[str, int | None]]:
    items = [{"type": kind, "kwargs": kwargs} for kind, kwargs in expectations]
    (folder / "s.json").write_text(json.dumps({"name": "s", "expectations": items}), "utf-8")
    engine = default_engine()
    result = judge_suite(
        load_suite("s.json", folder, engine),
        reading.read((path,)),
        engine,
        set_name="all",
        suite_path="s.json",
        text_of=lambda columns: reading.text((path,), columns),
    )
    return [(each.state, each.unexpected) for each in result.expectations]


def test_large_whole_numbers_with_missing_ones_are_exact(tmp_path: Path) -> None:
    numbers = [2**53 + n for n in range(9)] + [None]
    path = tmp_path / "a.parquet"
    pl.DataFrame({"a": pl.Series(numbers, dtype=pl.Int64)}).write_parquet(path)
    even = [number for number in numbers[:-1] if number is not None and number % 2 == 0]
    unique = ("expect_column_values_to_be_unique", {"column": "a"})
    member = ("expect_column_values_to_be_in_set", {"column": "a", "value_set": even})
    assert judged(tmp_path, path, unique, member) == [("passed", 0), ("failed", 4)]


def test_ids_of_twenty_digits_are_exact(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    ids = [184467440737095516150 + n for n in range(8)]
    path.write_text("a\n" + "".join(f"{each}\n" for each in [*ids, ids[0]]), "utf-8")
    unique = ("expect_column_values_to_be_unique", {"column": "a"})
    present = ("expect_column_values_to_not_be_null", {"column": "a"})
    assert judged(tmp_path, path, unique, present) == [("failed", 2), ("passed", 0)]


def test_how_times_are_written_is_judged_by_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("day\n2024-01-31\n2024-02-01\nNA\n", "utf-8")
    assert judged(
        tmp_path,
        path,
        ("expect_column_values_to_match_strftime_format", {"column": "day", "strftime_format": "%Y-%m-%d"}),
        ("expect_column_values_to_match_strftime_format", {"column": "day", "strftime_format": "%d.%m.%Y"}),
        ("expect_column_values_to_be_dateutil_parseable", {"column": "day"}),
        ("expect_column_values_to_be_of_type", {"column": "day", "type_": "str"}),
        ("expect_column_values_to_match_regex", {"column": "day", "regex": "^2024"}),
        ("expect_column_values_to_not_be_null", {"column": "day"}),
    ) == [("passed", 0), ("failed", 2), ("passed", 0), ("passed", None), ("passed", 0), ("failed", 1)]
