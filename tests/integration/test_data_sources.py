"""Data sets as files: what a path or glob finds, what is refused and with which words, and what is read."""

import gzip
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from modelyard.core.errors import ConfigError, DataError, ModelyardError
from modelyard.data.reading import read, require_columns, schema
from modelyard.data.source import Location
from modelyard.data.sources import open_source
from modelyard.data.sources.files import resolve

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "work" / "data").mkdir(parents=True)
    return tmp_path / "work"


def put(path: Path, content: bytes | str = "a,b\n1,x\n2,y\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def put_frame(path: Path, **columns: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(columns).write_parquet(path)
    return path


def found(root: Path, source: str) -> list[str]:
    return list(open_source(Location("all", source, root, root)).list())


# what is found


def test_a_glob_finds_files_in_order_and_a_double_star_goes_down(root: Path) -> None:
    for name in ("data/b.csv", "data/a.csv", "data/2013/c.csv", "data/.hidden.csv", "data/.cache/d.csv"):
        put(root / name)
    assert found(root, "data/*.csv") == ["data/a.csv", "data/b.csv"]
    assert found(root, "data/**/*.csv") == ["data/2013/c.csv", "data/a.csv", "data/b.csv"]
    assert found(root, "data/**") == ["data/2013/c.csv", "data/a.csv", "data/b.csv"]
    assert found(root, "data/[a]?csv") == ["data/a.csv"]


def test_a_path_is_relative_to_the_configuration(root: Path) -> None:
    put(root / "data/a.csv")
    (root / "sub").mkdir()
    assert resolve(root, root / "sub", "all", "../data/a.csv") == ((root / "data/a.csv").resolve(),)
    assert resolve(root, root / "sub", "all", str(root / "data/*.csv")) == ((root / "data/a.csv").resolve(),)


def test_a_file_whose_name_looks_like_a_glob_is_that_file(root: Path) -> None:
    put(root / "data/day[1].csv")
    assert found(root, "data/day[1].csv") == ["data/day[1].csv"]


def test_a_file_and_a_link_to_it_count_once(root: Path) -> None:
    put(root / "data/2013.csv")
    (root / "data/1-latest.csv").symlink_to("2013.csv")
    assert found(root, "data/*.csv") == ["data/2013.csv"]


def test_a_link_into_a_cache_inside_the_workspace_keeps_its_own_name(root: Path) -> None:
    put(root / ".dvc/cache/files/md5/ab/cdef")
    (root / "data/train.csv").symlink_to("../.dvc/cache/files/md5/ab/cdef")
    assert found(root, "data/train.csv") == found(root, "data/*.csv") == ["data/train.csv"]


# what is refused


def refused(root: Path, source: str) -> ModelyardError:
    with pytest.raises((ConfigError, DataError)) as caught:
        open_source(Location("all", source, root, root)).list()
    assert caught.value.message.startswith("data.sets.all: ")
    return caught.value


@pytest.mark.parametrize(
    "source", ["../out/a.csv", "../out/*.csv", "data/../../out/*.csv", "data/out/a.csv", "data/**"]
)
def test_a_path_out_of_the_workspace_is_refused_by_dots_and_by_links(root: Path, source: str) -> None:
    put(root.parent / "out/a.csv")
    (root / "data/out").symlink_to(root.parent / "out")
    (root / "data/b.csv").symlink_to(root.parent / "out/a.csv")
    with pytest.raises(ConfigError, match="leads outside the workspace"):
        open_source(Location("all", source, root, root)).list()


def test_an_absolute_path_out_of_the_workspace_is_refused(root: Path) -> None:
    with pytest.raises(ConfigError, match="leads outside the workspace"):
        resolve(root, root, "all", str(put(root.parent / "out/a.csv")))


@pytest.mark.parametrize(
    ("source", "said", "hint"),
    [
        ("data/flight.csv", "'data/flight.csv' is not there; looked in 'data'", "Did you mean 'flights.csv'?"),
        ("dta/flights.csv", "is not there; looked in '.'", "Did you mean 'data'?"),
        ("data/*.parquet", "'data/*.parquet' matches no file; looked in 'data'", "It holds flights.csv."),
        ("data/x/*.csv", "looked in 'data'", "It holds flights.csv."),
        ("empty/*.csv", "looked in 'empty'", "It is empty."),
        ("data", "'data' is a folder", "data/*.parquet"),
        ("ftp://host/*.parquet", "unknown data source 'ftp://'", "Known: a path or glob without a scheme, "),
        ("s4://bucket/x.csv", "unknown data source 's4://'", "s3://, gs://, az://, https://"),
        ("file:///etc/passwd", "unknown data source", "copy the data"),
        ("data/**x/*.csv", "data/**x/*.csv", "data"),
        (" ", "names no file", "data/*.parquet"),
    ],
)
def test_what_matches_nothing_is_said_with_where_and_what_is_near(
    root: Path, source: str, said: str, hint: str
) -> None:
    put(root / "data/flights.csv")
    (root / "empty").mkdir()
    error = refused(root, source)
    assert isinstance(error, ConfigError)
    assert said in error.message
    assert hint in error.hint


@pytest.mark.parametrize(
    ("pointer", "source"),
    [
        ("data/train.csv.dvc", "data/train.csv"),
        ("data/train.csv.dvc", "data/*.csv"),
        ("data/train.csv.dvc", "data/**/*.csv"),
        ("data/other.parquet.dvc", "data/*.csv"),
        ("raw.dvc", "raw/2013/train.csv"),
        ("raw.dvc", "raw/*.csv"),
    ],
)
def test_a_dvc_pointer_without_its_data_says_dvc_pull(root: Path, pointer: str, source: str) -> None:
    put(root / pointer, "outs:\n- md5: ab\n  path: train.csv\n")
    error = refused(root, source)
    assert isinstance(error, DataError)
    assert error.hint == "Put `dvc pull` before this step."


def test_dvcs_own_folder_is_no_pointer(root: Path) -> None:
    put(root / ".dvc/config", "")
    assert isinstance(refused(root, "*.csv"), ConfigError)


def test_a_dvc_pointer_beside_its_data_is_no_matter(root: Path) -> None:
    put(root / "data/train.csv")
    put(root / "data/train.csv.dvc")
    assert found(root, "data/train.csv") == found(root, "data/*") == ["data/train.csv"]


def test_one_partition_that_was_not_pulled_is_not_left_out_silently(root: Path) -> None:
    put(root / "data/2013-01.csv")
    put(root / "data/2013-02.csv.dvc")
    assert "data/2013-02.csv is not here" in refused(root, "data/*.csv").message


def test_the_missing_output_of_a_dvc_stage_says_dvc_pull(root: Path) -> None:
    put(root / "dvc.lock", "stages:\n  prepare:\n    outs:\n    - path: prepared/train.csv\n      md5: ab\n")
    assert refused(root, "prepared/train.csv").hint == "Put `dvc pull` before this step."
    assert isinstance(refused(root, "prepared/test.csv"), ConfigError)


def test_a_git_lfs_pointer_says_git_lfs_pull(root: Path) -> None:
    put(root / "data/a.parquet", LFS)
    error = refused(root, "data/*.parquet")
    assert isinstance(error, DataError)
    assert "data/a.parquet is a Git LFS pointer" in error.message
    assert "git lfs pull" in error.hint


def test_a_link_to_nothing_and_an_empty_file_are_bad_data(root: Path) -> None:
    (root / "data/a.csv").symlink_to("gone.csv")
    assert "a link to a file that is not there" in refused(root, "data/*.csv").message
    (root / "data/a.csv").unlink()
    put(root / "data/a.csv", b"")
    error = refused(root, "data/*.csv")
    assert isinstance(error, DataError)
    assert "data/a.csv is empty" in error.message


def test_other_kinds_of_file_and_mixed_kinds_are_refused(root: Path) -> None:
    put(root / "data/a.csv")
    put(root / "data/notes.md", "notes")
    assert "data/notes.md is not a kind of file" in refused(root, "data/*").message
    (root / "data/notes.md").unlink()
    put_frame(root / "data/a.parquet", a=[1])
    assert "several kinds of file" in refused(root, "data/*").message


# what is read


def test_partitions_are_read_one_after_the_other_by_column_name(root: Path) -> None:
    paths = [
        put_frame(root / "data/1.parquet", a=[1, 2], b=["x", "y"]),
        put_frame(root / "data/2.parquet", b=["z"], a=[3]),
    ]
    assert read(paths).to_dict(as_series=False) == {"a": [1, 2, 3], "b": ["x", "y", "z"]}
    assert read(paths, ["b"]).to_dict(as_series=False) == {"b": ["x", "y", "z"]}
    assert schema(paths) == {"a": pl.Int64, "b": pl.String}


@pytest.mark.parametrize("columns", [None, ["a"]])
def test_a_renamed_column_in_one_partition_is_named_with_the_file(root: Path, columns: list[str] | None) -> None:
    paths = [put_frame(root / f"data/{month}.parquet", a=[1], arr_delay=[1]) for month in (1, 2, 3)]
    paths[0] = put_frame(root / "data/1.parquet", a=[1], arrdelay=[1])
    for attempt in (lambda: read(paths, columns, root=root), lambda: schema(paths, root=root)):
        with pytest.raises(DataError) as caught:
            attempt()
        assert caught.value.message == (
            "data/1.parquet: unlike the other files of its set it has no column 'arr_delay', "
            "and has a column 'arrdelay' that they do not have"
        )
        assert "Did you mean 'arr_delay'?" in caught.value.hint


def test_another_type_in_one_partition_is_named_with_the_file(root: Path) -> None:
    paths = [put_frame(root / f"data/{month}.parquet", a=[1]) for month in (1, 2, 3)]
    paths[1] = put_frame(root / "data/2.parquet", a=["secret"])
    for attempt in (lambda: read(paths, root=root), lambda: schema(paths, root=root)):
        with pytest.raises(DataError, match=r"data/2\.parquet: column 'a' is String, but Int64 in the other"):
            attempt()


def test_the_levels_of_an_enum_are_not_said(root: Path) -> None:
    levels = pl.Series(["secret"], dtype=pl.Enum(["secret"]))
    paths = [put_frame(root / "data/1.parquet", a=levels), put_frame(root / "data/2.parquet", a=[1])]
    with pytest.raises(DataError) as caught:
        read(paths)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("keep", [3, 8, 200, -1, -4, -9])
def test_a_truncated_parquet_file_is_bad_data_that_names_the_file(root: Path, keep: int) -> None:
    path = put_frame(root / "data/a.parquet", a=list(range(1000)))
    put(path, path.read_bytes()[:keep])
    for attempt in (lambda: read([path], root=root), lambda: schema([path], root=root)):
        with pytest.raises(DataError, match=r"^data/a\.parquet: "):
            attempt()


def test_a_damaged_parquet_file_is_bad_data_that_names_the_file(root: Path) -> None:
    path = put_frame(root / "data/a.parquet", a=[f"secret {row}" for row in range(1000)])
    content = path.read_bytes()
    put(path, content[:20] + bytes(100) + content[120:])
    with pytest.raises(DataError, match=r"data/a\.parquet: the Parquet file is damaged"):
        read([path], root=root)


def test_text_that_is_no_parquet_is_bad_data(root: Path) -> None:
    with pytest.raises(DataError, match="not a Parquet file"):
        read([put(root / "data/a.parquet", "a,b\n1,2\n")])


def test_csv_types_are_inferred_over_all_rows_of_all_files(root: Path) -> None:
    rows = "".join(f"{row},,{row}\n" for row in range(20_000))
    paths = [
        put(root / "data/1.csv", f"a,b,c\n{rows}"),
        put(root / "data/2.csv", f"a,b,c\n{rows}1.5,word,2\n"),
        put(root / "data/3.csv", "a,b,c\n"),
    ]
    assert schema(paths) == {"a": pl.Float64, "b": pl.String, "c": pl.Int64}
    assert len(read(paths)) == 40_001


def test_iso_dates_and_timestamps_in_csv_are_parsed(root: Path) -> None:
    path = put(
        root / "data/a.csv",
        "day,naive,zoned,offset,us\n"
        "2013-01-31,2013-01-31 05:00:00,2013-01-31T05:00:00Z,2013-01-31T05:00:00+02:00,01/02/2013\n"
        "2013-02-01,,2013-02-01T05:00:00.5Z,2013-02-01T05:00:00+00:00,02/03/2013\n",
    )
    row = read([path]).row(0, named=True)
    assert row == {
        "day": date(2013, 1, 31),
        "naive": datetime(2013, 1, 31, 5),
        "zoned": datetime(2013, 1, 31, 5, tzinfo=UTC),
        "offset": datetime(2013, 1, 31, 3, tzinfo=UTC),
        "us": "01/02/2013",
    }


def test_one_value_that_is_no_date_leaves_the_column_text(root: Path) -> None:
    assert schema([put(root / "data/a.csv", "a\n2013-01-31\n2013-02-31\n")]) == {"a": pl.String}
    assert schema([put(root / "data/b.csv", "a\n2013-01-31\n31-01-2013\n")]) == {"a": pl.String}


def test_dates_in_one_csv_and_timestamps_in_another_are_timestamps(root: Path) -> None:
    paths = [put(root / "data/1.csv", "a\n2013-01-31\n"), put(root / "data/2.csv", "a\n2013-01-31 05:00:00\n")]
    assert schema(paths) == {"a": pl.Datetime("us")}


def test_text_in_one_csv_and_numbers_in_the_others_name_the_file(root: Path) -> None:
    paths = [put(root / f"data/{month}.csv", "a\n1\n") for month in (1, 2, 3)]
    put(paths[2], "a\nsecret\n")
    with pytest.raises(DataError, match=r"data/3\.csv: column 'a' is String, but Int64") as caught:
        read(paths, root=root)
    assert "secret" not in str(caught.value)


def test_tab_separated_and_compressed_files_are_read(root: Path) -> None:
    assert read([put(root / "data/a.tsv", "a\tb\n1\tx\n")]).rows() == [(1, "x")]
    assert read([put(root / "data/a.csv.gz", gzip.compress(b"a,b\n1,x\n"))]).rows() == [(1, "x")]


def test_a_header_only_gives_no_rows(root: Path) -> None:
    assert read([put(root / "data/a.csv", "a,b\n")]).shape == (0, 2)


def test_an_all_empty_set_keeps_its_rows(root: Path) -> None:
    paths = [put(root / "data/1.csv", "a,b\n,\n,\n"), put(root / "data/2.csv", "a,b\n,\n")]
    assert read(paths).shape == (3, 2)


@pytest.mark.parametrize("filler", [0, 3 << 20])
def test_latin_1_is_named_by_offset_and_line_with_the_mend(root: Path, filler: int) -> None:
    head = b"a,b\n" + b"1,x\n" * (filler // 4) + b"2,caf"
    path = put(root / "data/a.csv", head + "é\n".encode("latin-1"))
    with pytest.raises(DataError) as caught:
        read([path], root=root)
    assert caught.value.message == (
        f"data/a.csv: not UTF-8: byte 0xe9 at offset {len(head):,}, line {2 + filler // 4:,}"
    )
    assert "UTF-8" in caught.value.hint


@pytest.mark.parametrize(
    ("content", "offset"),
    [("é,b\n1,2\n".encode("latin-1"), 0), ("a,b\n1,é\n".encode("utf-16"), 0), (b"a,b\n1,caf\xc3", 9)],
)
def test_other_encodings_anywhere_are_found(root: Path, content: bytes, offset: int) -> None:
    for name, stored in (("a.csv", content), ("a.csv.gz", gzip.compress(content))):
        with pytest.raises(DataError, match=f"{name}: not UTF-8: byte 0x.. at offset {offset}, line"):
            read([put(root / "data" / name, stored)])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a,b\n1,2\n1,secret,3\n", "line 3 has 3 fields, the header has 2"),
        ('a,b\n1,"secret\n2,3\n', "not readable as CSV"),
        ("a,b,a\n1,2,3\n", "two columns have one name: 'a'"),
        ("\n\n", "not even a header"),
    ],
)
def test_csv_that_is_not_whole_is_bad_data_without_its_cells(root: Path, content: str, said: str) -> None:
    with pytest.raises(DataError) as caught:
        read([put(root / "data/a.csv", content)], root=root)
    assert caught.value.message.startswith("data/a.csv: ")
    assert said in caught.value.message
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("spoil", [lambda data: data[: len(data) // 2], lambda data: b"a,b\n1,2\n"])
def test_damaged_compression_is_bad_data(root: Path, spoil: Any) -> None:
    whole = gzip.compress("".join(["a,b\n", *(f"{row},{row * 7 % 1001}\n" for row in range(50_000))]).encode())
    with pytest.raises(DataError, match="compressed data is truncated or damaged"):
        read([put(root / "data/a.csv.gz", spoil(whole))])


def test_a_column_that_is_not_there_is_named_with_the_nearest(root: Path) -> None:
    with pytest.raises(DataError, match="no column 'targt'") as caught:
        read([put_frame(root / "data/a.parquet", target=[1])], ["targt"])
    assert caught.value.hint == "Did you mean 'target'?"


def test_missing_columns_are_all_named_with_their_keys() -> None:
    needed = {"late": "data.columns.target", "tme": "data.columns.time", "carrier": "evaluate.gates.by"}
    with pytest.raises(DataError) as caught:
        require_columns(["lat", "time", "carrier"], needed, "data set 'all'")
    assert caught.value.message == (
        "data set 'all' has no column 'late' (named by data.columns.target). Did you mean 'lat'?; "
        "no column 'tme' (named by data.columns.time). Did you mean 'time'?"
    )
    require_columns(["a"], {"a": "data.columns.target"}, "data set 'all'")
