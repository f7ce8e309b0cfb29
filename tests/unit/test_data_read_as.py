"""Files that are not as they seem: read as the configuration says, or refused with what they are."""

import gzip
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from modelyard.config.sections.data import Data, ReadAs
from modelyard.core.errors import ConfigError, DataError
from modelyard.data.reading import read, text


def written(folder: Path, content: str | bytes, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def as_said(path: Path, **how: Any) -> pl.DataFrame:
    return read((path,), how=ReadAs(**how))


@pytest.mark.parametrize(
    ("content", "how"),
    [
        ("a;b\n1,5;x\n-,25;y\n", {"separator": ";", "decimal": ","}),
        ("a\tb\n1.5\tx\n-.25\ty\n", {"separator": "\t"}),
        ("a|b\n1.5|x\n-.25|y\n", {"separator": "|"}),
        ("a, b\n1.5,   x\n-.25,\ty\n", {"separator": ", "}),
        ("a   b\n 1.5 x \n-.25\t y\n", {"separator": "blanks"}),
        ('a "b"\n1.5 "x"\n-.25 "y"\n', {"separator": " "}),
        ("1.5,x\n-.25,y\n", {"header": False, "names": ["a", "b"]}),
        ("1.5  x\n-.25  y\n", {"separator": "blanks", "header": False, "names": ["a", "b"]}),
        ("# made by hand\na,b\n1.5,x\n# more\n-.25,y\n", {"comment": "#"}),
        ("a,b\r\n1.5,x\r\n-.25,y\r\n", {}),
        ("a;b\n1.5;x\n-.25;y\n".encode("utf-16"), {"separator": ";", "encoding": "utf-16"}),
    ],
)
def test_every_layout_gives_the_same_rows(tmp_path: Path, content: str | bytes, how: dict[str, Any]) -> None:
    assert as_said(written(tmp_path, content), **how).to_dicts() == [{"a": 1.5, "b": "x"}, {"a": -0.25, "b": "y"}]


def test_a_compressed_file_is_read_as_said_too(tmp_path: Path) -> None:
    path = written(tmp_path, gzip.compress("a;b\n1,5;ä\n".encode("latin-1")), "a.csv.gz")
    found = as_said(path, separator=";", decimal=",", encoding="latin-1")
    assert found.to_dicts() == [{"a": 1.5, "b": "ä"}]


def test_blanks_between_quotation_marks_are_kept(tmp_path: Path) -> None:
    path = written(tmp_path, 'a b\n"two  words" 1\n')
    assert as_said(path, separator="blanks").row(0) == ("two  words", 1)


def test_without_names_a_headerless_file_has_numbered_columns(tmp_path: Path) -> None:
    assert as_said(written(tmp_path, "1,x\n2,y\n"), header=False).columns == ["column_1", "column_2"]


def test_what_is_declared_missing_is_missing_in_text_too(tmp_path: Path) -> None:
    found = as_said(written(tmp_path, "a,b\n1,x\n-999,unknown\n"), null=["-999", "unknown"])
    assert found.to_dicts() == [{"a": 1, "b": "x"}, {"a": None, "b": None}]


def test_points_in_numbers_with_a_decimal_comma_are_never_decimals(tmp_path: Path) -> None:
    found = as_said(written(tmp_path, "a;b\n1.234;1,5\n5.678;2\n"), separator=";", decimal=",")
    assert (found["a"].to_list(), found["b"].to_list()) == (["1.234", "5.678"], [1.5, 2.0])


def test_codes_and_times_beside_decimal_commas_stay_what_they_are(tmp_path: Path) -> None:
    path = written(tmp_path, "a;b;c\n007;2013-01-31 05:00:00.5;x,y\n")
    found = as_said(path, separator=";", decimal=",")
    assert found.row(0) == ("007", datetime(2013, 1, 31, 5, 0, 0, 500_000), "x,y")


@pytest.mark.parametrize(
    ("kind", "cells", "values"),
    [
        ("text", ["1", "NA"], ["1", "NA"]),
        ("integer", ["1", "NA"], [1, None]),
        ("integer", ["1", str(2**64)], [1, 2**64]),
        ("decimal", ["1", "?"], [1.0, None]),
        ("boolean", ["true", "FALSE"], [True, False]),
        ("date", ["2013-01-31", ""], [date(2013, 1, 31), None]),
        ("time", ["NA", "2013-01-31 05:00:00"], [None, datetime(2013, 1, 31, 5)]),
    ],
)
def test_a_stated_type_holds(tmp_path: Path, kind: str, cells: list[str], values: list[Any]) -> None:
    path = written(tmp_path, "a,b\n" + "".join(f"{cell},1\n" for cell in cells))
    assert as_said(path, types={"a": kind})["a"].to_list() == values


@pytest.mark.parametrize(
    ("form", "cell", "value"),
    [
        ("%d.%m.%Y", "31.01.2013", date(2013, 1, 31)),
        ("%m/%d/%Y", "01/31/2013", date(2013, 1, 31)),
        ("%d %b %Y %H:%M", "31 Jan 2013 05:00", datetime(2013, 1, 31, 5)),
        ("%Y%m%d", "20130131", date(2013, 1, 31)),
    ],
)
def test_dates_are_read_as_they_are_said_to_be_written(tmp_path: Path, form: str, cell: str, value: Any) -> None:
    assert as_said(written(tmp_path, f"a,b\n{cell},1\n"), dates={"a": form})["a"].to_list() == [value]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"types": {"a": "integer"}}, "2 of 3 values are not whole numbers"),
        ({"types": {"a": "decimal"}}, "1 of 3 values are not numbers"),
        ({"dates": {"a": "%d.%m.%Y"}}, "3 of 3 values are not written as %d.%m.%Y"),
    ],
)
def test_values_of_another_type_than_stated_are_counted_and_not_shown(
    tmp_path: Path, how: dict[str, Any], said: str
) -> None:
    with pytest.raises(DataError, match=said) as caught:
        as_said(written(tmp_path, "a,b\n1,1\n1.5,1\njane.roe,1\n"), **how)
    assert caught.value.code == "data/other-than-stated"
    assert "jane" not in str(caught.value)


def test_parquet_columns_take_a_stated_type_too(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame({"zip": [7, 8], "share": [1.5, 2.0]}).write_parquet(path)
    assert read((path,), how=ReadAs(types={"zip": "text"}))["zip"].to_list() == ["7", "8"]
    with pytest.raises(DataError, match="1 of 2 values are not whole numbers"):
        read((path,), how=ReadAs(types={"share": "integer"}))
    with pytest.raises(ConfigError, match=r"data\.read: separator is about text files"):
        read((path,), how=ReadAs(separator=";"))


def test_a_suite_gets_the_cells_as_they_are_written(tmp_path: Path) -> None:
    path = written(tmp_path, "a;b\n31.01.2013;1\n")
    found = text((path,), ["a"], how=ReadAs(separator=";", dates={"a": "%d.%m.%Y"}))
    assert found is not None
    assert found["a"].to_list() == ["31.01.2013"]


@pytest.mark.parametrize(
    ("name", "content", "code", "said", "advice"),
    [
        ("a.csv", "a;b\n1,5;2\n", "data/other-separator", "a semicolon", 'separator: ";", decimal: ","'),
        ("a.csv", "a;b\n1.5;2\n", "data/other-separator", "a semicolon", '{separator: ";"}'),
        ("a.csv", "a\tb\n1\t2\n", "data/other-separator", "a tab", 'separator: "\\t"'),
        ("a.csv", "a|b|c\n1|2|3\n", "data/other-separator", "a bar", 'separator: "|"'),
        ("a.tsv", "a,b\n1,2\n", "data/other-separator", "a comma", 'separator: ","'),
        ("a.csv", "a  b\n1  2\n", "data/other-separator", "blanks", "separator: blanks"),
        ("a.csv", "# of 2013\na,b\n1,2\n", "data/comment-line", "line 1 is a comment", 'comment: "#"'),
        ("a.csv", "a,b\n1,2\n# end\n", "data/comment-line", "1 lines are comments", 'comment: "#"'),
        ("a.csv", "a, b\n1, 2\n", "data/blanks-after-separator", "blanks follow", 'separator: ", "'),
        ("a.csv", "0.5,1,x\n0.7,2,y\n", "data/no-header", "no header", "header: false"),
        ("a.csv", "1,1,x\n2,2,y\n", "data/no-header", "no header", "header: false"),
    ],
)
def test_another_layout_is_called_what_it_is(
    tmp_path: Path, name: str, content: str, code: str, said: str, advice: str
) -> None:
    with pytest.raises(DataError, match=said) as caught:
        read((written(tmp_path, content, name),))
    assert caught.value.code == code
    assert advice in caught.value.hint


@pytest.mark.parametrize("content", ["#id,a\n1,2\n", "2019,2020\n1,2\n", "a\nx y\n", "a b,c\n1,2\n", "a,b\n#7,2\n"])
def test_odd_but_sound_files_are_read(tmp_path: Path, content: str) -> None:
    assert len(read((written(tmp_path, content),))) == 1


def test_a_short_row_is_filled_up_whatever_the_separator(tmp_path: Path) -> None:
    assert as_said(written(tmp_path, "a;b\n1\n"), separator=";").to_dicts() == [{"a": 1, "b": None}]


@pytest.mark.parametrize(
    ("content", "code"), [("a;b\nä;1\n".encode("latin-1"), "data/not-utf8"), (b"a;b\n1;2;3\n", "data/long-row")]
)
def test_what_is_said_of_the_separator_changes_no_refusal(tmp_path: Path, content: bytes, code: str) -> None:
    with pytest.raises(DataError) as caught:
        as_said(written(tmp_path, content), separator=";")
    assert caught.value.code == code


def test_another_encoding_than_said_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not ascii: byte 0xc3 at offset 2") as caught:
        as_said(written(tmp_path, "a\nä\n"), encoding="ascii")
    assert caught.value.code == "data/not-utf8"


@pytest.mark.parametrize(
    ("read", "code"),
    [
        ({"al": {}}, "config/unknown-data-set"),
        ({"all": {"names": ["a"]}}, "config/read-option"),
        ({"all": {"header": False, "names": ["a", "a"]}}, "config/read-option"),
        ({"all": {"types": {"a": "text"}, "dates": {"a": "%Y"}}}, "config/read-option"),
        ({"all": {"encoding": "latin-11"}}, "config/unknown-encoding"),
        ({"all": {"encoding": "base64"}}, "config/unknown-encoding"),
    ],
)
def test_what_contradicts_itself_is_refused_by_the_configuration(read: Any, code: str) -> None:
    raw = {"sets": {"all": "a.csv"}, "columns": {"target": "y"}, "split": {"of": "all", "by": "random"}, "read": read}
    with pytest.raises(ValidationError) as caught:
        Data.model_validate(raw)
    assert caught.value.errors()[0]["ctx"]["code"] == code


@pytest.mark.parametrize("raw", [{"seperator": ";"}, {"separator": "ab"}, {"decimal": ";"}, {"types": {"a": "int"}}])
def test_wrong_keys_and_values_are_refused(raw: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ReadAs.model_validate(raw)
