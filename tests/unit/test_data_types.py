"""Types of columns are decided once over all files of all sets, and what is missing among numbers is missing."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from modelyard.core.errors import DataError
from modelyard.data.reading import load, read, schema
from modelyard.data.types import decide_all, described
from modelyard.report import columns as words


def csv(folder: Path, name: str, *cells: str, header: str = "a") -> Path:
    path = folder / name
    path.write_text("\n".join(["row," + header, *(f"r{n},{cell}" for n, cell in enumerate(cells))]) + "\n", "utf-8")
    return path


def parquet(folder: Path, name: str, values: pl.Series) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame({"a": values}).write_parquet(path)
    return path


def together(*sets: Path, personal: tuple[str, ...] = ()) -> tuple[list[pl.Series], Any]:
    """Column ``a`` of each set in the types decided over all of them, and what the record says of it."""
    loaded = [load((path,)) for path in sets]
    decided = decide_all([each for one in loaded for each in one.files()])
    return [one.finish(decided)["a"] for one in loaded], described(decided["a"], personal)


@pytest.mark.parametrize("word", ["", '""', "NA", "N/A", "NULL", "null", "None", "nan", "NaN", "?", "-", " NA "])
@pytest.mark.parametrize(("cell", "dtype"), [("1.5", pl.Float64), ("3", pl.Int64), ("true", pl.Boolean)])
def test_words_for_missing_among_values_are_missing(tmp_path: Path, word: str, cell: str, dtype: Any) -> None:
    found = read([csv(tmp_path, "a.csv", cell, word, cell)])["a"]
    assert (found.dtype, found.null_count()) == (dtype, 1)


def test_words_for_missing_in_text_stay_and_are_told(tmp_path: Path) -> None:
    [found], told = together(csv(tmp_path, "a.csv", "NA", "GB", "DE"))
    assert found.to_list() == ["NA", "GB", "DE"]
    assert (told.why, told.missing, told.missing_words) == ("words", 0, 1)


def test_a_number_column_with_words_left_over_says_how_many_and_which(tmp_path: Path) -> None:
    cells = [f"{n}.5" for n in range(60)] + ["unknown"] * 12 + ["jane.roe@example.org"]
    path = csv(tmp_path, "a.csv", *cells)
    _, told = together(path)
    assert words.why(told) == "text: 13 of 73 values are no number, such words as unknown"
    _, told = together(path, personal=("a",))
    assert words.why(told) == "text: 13 of 73 values are no number"


@pytest.mark.parametrize(("one", "other"), [(["X9", "01"], ["01", "03"]), (["007", "8"], ["9", "10"]), (["1"], ["01"])])
def test_codes_with_leading_zeros_are_text_in_every_set(tmp_path: Path, one: list[str], other: list[str]) -> None:
    found, told = together(csv(tmp_path, "1.csv", *one), csv(tmp_path, "2.csv", *other))
    assert [each.to_list() for each in found] == [one, other]
    assert told.why == "codes"


def test_zero_and_decimals_that_begin_with_it_are_numbers(tmp_path: Path) -> None:
    assert read([csv(tmp_path, "1.csv", "0", "0.5", "-0.25")])["a"].dtype == pl.Float64
    assert read([csv(tmp_path, "2.csv", "0", "10")])["a"].dtype == pl.Int64


def test_truth_values_beside_text_in_another_set_are_one_type(tmp_path: Path) -> None:
    found, _ = together(csv(tmp_path, "1.csv", "True", "unknown"), csv(tmp_path, "2.csv", "True", "False"))
    assert [each.to_list() for each in found] == [["True", "unknown"], ["True", "False"]]


def test_dates_in_one_set_and_other_text_in_another_are_text(tmp_path: Path) -> None:
    found, _ = together(csv(tmp_path, "1.csv", "2024-01-31"), csv(tmp_path, "2.csv", "soon"))
    assert [each.to_list() for each in found] == [["2024-01-31"], ["soon"]]


def test_whole_and_decimal_numbers_and_nothing_over_sets_are_decimal(tmp_path: Path) -> None:
    paths = csv(tmp_path, "1.csv", "1"), csv(tmp_path, "2.csv", "1.5"), csv(tmp_path, "3.csv", "NA")
    found, told = together(*paths)
    assert {each.dtype for each in found} == {pl.Float64()}
    assert (told.missing, told.missing_words) == (1, 1)


def test_text_in_one_set_where_another_holds_numbers_is_refused_without_its_values(tmp_path: Path) -> None:
    paths = csv(tmp_path, "1.csv", "1.5", "2"), csv(tmp_path, "2.csv", "1", "ask jane.roe@example.org")
    with pytest.raises(DataError, match=r"2\.csv: column 'a' is String \(1 of 2 values are not numbers\)") as caught:
        together(*paths)
    assert caught.value.code == "data/other-type"
    assert "jane" not in str(caught.value) + caught.value.hint


@pytest.mark.parametrize("last", ["9007199254740993", "184467440737095516151", ""])
def test_large_whole_numbers_are_exact_with_and_without_missing_ones(tmp_path: Path, last: str) -> None:
    found = read([csv(tmp_path, "a.csv", "9007199254740992", "9007199254740993", last)])["a"]
    assert [None if value is None else str(value) for value in found] == [
        "9007199254740992", "9007199254740993", last or None,
    ]  # fmt: skip


def test_more_digits_than_any_number_holds_stay_text(tmp_path: Path) -> None:
    cells = ["1" * 45, "2" * 45]
    assert read([csv(tmp_path, "a.csv", *cells)])["a"].to_list() == cells


MOMENT = datetime(2024, 1, 1)


@pytest.mark.parametrize(
    ("one", "other", "dtype"),
    [
        (pl.Series([1], dtype=pl.Int32), pl.Series([2], dtype=pl.Int64), pl.Int64),
        (pl.Series([1], dtype=pl.Int64), pl.Series([0.5]), pl.Float64),
        (pl.Series([1], dtype=pl.UInt64), pl.Series([-2], dtype=pl.Int8), pl.Int128),
        (pl.Series([1.0], dtype=pl.Float32), pl.Series([0.5]), pl.Float64),
        (pl.Series([MOMENT], dtype=pl.Datetime("ns")), pl.Series([MOMENT], dtype=pl.Datetime("us")), pl.Datetime("ns")),
        (pl.Series(["x"], dtype=pl.Categorical), pl.Series(["y"]), pl.String),
        (pl.Series([Decimal("1.5")]), pl.Series([Decimal("2.25")]), pl.Decimal),
        (pl.Series([], dtype=pl.Null), pl.Series([1]), pl.Int64),
        (pl.Series([None, None]), pl.Series(["x"]), pl.String),
    ],
)
def test_parquet_partitions_widen(tmp_path: Path, one: pl.Series, other: pl.Series, dtype: Any) -> None:
    paths = [parquet(tmp_path, "1.parquet", one), parquet(tmp_path, "2.parquet", other)]
    for order in (paths, paths[::-1]):
        found = read(order)["a"]
        assert (found.dtype, len(found)) == (dtype, len(one) + len(other))
        assert schema(order)["a"] == found.dtype


def test_a_parquet_file_of_no_rows_takes_no_part(tmp_path: Path) -> None:
    paths = [
        parquet(tmp_path, "1.parquet", pl.Series([], dtype=pl.String)), parquet(tmp_path, "2.parquet", pl.Series([1])),
    ]  # fmt: skip
    assert read(paths)["a"].dtype == pl.Int64


def test_codes_as_text_in_parquet_make_those_of_a_csv_text(tmp_path: Path) -> None:
    found, _ = together(parquet(tmp_path, "1.parquet", pl.Series(["01"])), csv(tmp_path, "2.csv", "02"))
    assert found[1].to_list() == ["02"]


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_folders_named_by_key_and_value_are_columns(tmp_path: Path, suffix: str) -> None:
    paths = []
    for year in ("2023", "2024"):
        folder = tmp_path / f"year={year}" / "land=C%C3%B4te"
        folder.mkdir(parents=True)
        paths.append(folder / f"part{suffix}")
        frame = pl.DataFrame({"a": [1]})
        frame.write_csv(paths[-1]) if suffix == ".csv" else frame.write_parquet(paths[-1])
    found = read(paths)
    assert found.to_dict(as_series=False) == {"a": [1, 1], "year": [2023, 2024], "land": ["Côte", "Côte"]}
    assert schema(paths) == dict(found.schema)


@pytest.mark.parametrize("suffix", [".jsonl", ".ndjson", ".arrow", ".feather", ".tsv"])
def test_other_kinds_of_file_read_alike(tmp_path: Path, suffix: str) -> None:
    frame = pl.DataFrame({"a": [1, 2], "b": [0.5, None], "c": ["x", "01"]})
    path = tmp_path / f"rows{suffix}"
    if suffix == ".tsv":
        frame.write_csv(path, separator="\t")
    else:
        frame.write_ndjson(path) if suffix in (".jsonl", ".ndjson") else frame.write_ipc(path)
    assert read([path]).equals(frame)


@pytest.mark.parametrize("suffix", [".jsonl", ".arrow"])
def test_a_file_of_another_kind_that_is_not_one_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"
    path.write_text("secret,1\n", "utf-8")
    with pytest.raises(DataError) as caught:
        read([path])
    assert caught.value.code == "data/unreadable"
    assert "secret" not in str(caught.value)
