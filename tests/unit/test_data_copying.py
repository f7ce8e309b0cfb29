"""Copies of data files with some of their rows: every format keeps its writing, types and order."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from modelyard.data.copying import FileCopy, copy_rows

KEEP = np.array([True, False, True])


def copied(source: Path, keep: "np.ndarray[tuple[int], np.dtype[np.bool_]] | None" = KEEP) -> Path:
    target = source.parent / "copy" / source.name
    copy_rows(source, target, keep, source.name)
    return target


def text(folder: Path, name: str, content: bytes) -> bytes:
    (folder / name).write_bytes(content)
    return copied(folder / name).read_bytes()


@pytest.mark.parametrize(
    ("name", "content", "wanted"),
    [
        ("a.csv", b"id,x\n01,1.50\n02,2\n03,3e0\n", b"id,x\n01,1.50\n03,3e0\n"),
        ("crlf.csv", b'id,x\r\n1,"a"\r\n2,b\r\n3,"c"\r\n', b'id,x\r\n1,"a"\r\n3,"c"\r\n'),
        ("bom.csv", b"\xef\xbb\xbfid,x\n1,a\n2,b\n3,c", b"\xef\xbb\xbfid,x\n1,a\n3,c"),
        ("lines.csv", b'id,x\n1,"a\nb ""q"""\n2,"two\nlines"\n3,c\n', b'id,x\n1,"a\nb ""q"""\n3,c\n'),
        ("a.tsv", b"id\tx\n1\ta,b\n2\tb\n3\tc\n", b"id\tx\n1\ta,b\n3\tc\n"),
        ("a.jsonl", b'{"id":1,"x":"a\\"b"}\n{"id":2,"x":"b"}\n{"id":3,"x":"c"}\n',
         b'{"id":1,"x":"a\\"b"}\n{"id":3,"x":"c"}\n'),
    ],
)  # fmt: skip
def test_text_is_copied_record_by_record(tmp_path: Path, name: str, content: bytes, wanted: bytes) -> None:
    assert text(tmp_path, name, content) == wanted


def test_a_compressed_file_stays_compressed(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"id,x\n1,a\n2,b\n3,c\n"))
    assert gzip.decompress(copied(tmp_path / "a.csv.gz").read_bytes()) == b"id,x\n1,a\n3,c\n"


def test_parquet_keeps_its_types_its_categories_and_the_index_of_pandas(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"n": np.array([1, 2, 3], "int8"), "c": pd.Categorical(["b", "a", "b"]), "t": pd.date_range("2024", periods=3)},
        index=pd.Index([7, 8, 9], name="key"),
    )
    frame.to_parquet(tmp_path / "a.parquet")
    found = pd.read_parquet(copied(tmp_path / "a.parquet"))
    pd.testing.assert_frame_equal(found, frame.iloc[[0, 2]])


def test_parquet_keeps_its_types_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    frame = pl.DataFrame({"n": pl.Series([1, None, 3], dtype=pl.Int16), "f": pl.Series([1, 2, 3], dtype=pl.Float32)})
    frame.write_parquet(tmp_path / "a.parquet")
    assert pl.read_parquet(copied(tmp_path / "a.parquet")).equals(frame.filter(pl.Series(KEEP)))


def test_arrow_keeps_its_types(tmp_path: Path) -> None:
    frame = pl.DataFrame({"n": pl.Series([1, None, 3], dtype=pl.UInt8), "s": ["a", "b", "c"]})
    frame.write_ipc(tmp_path / "a.feather")
    assert pl.read_ipc(copied(tmp_path / "a.feather")).equals(frame.filter(pl.Series(KEEP)))


def test_a_file_may_keep_every_row_or_none(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"id,x\n1,a\n2,b\n3,c\n")
    assert copied(tmp_path / "a.csv", None).read_bytes() == b"id,x\n1,a\n2,b\n3,c\n"
    assert copied(tmp_path / "a.csv", np.zeros(3, bool)).read_bytes() == b"id,x\n"


def test_a_copy_says_whether_it_hides_rows() -> None:
    path = Path("a.csv")
    assert FileCopy(path, KEEP).hides
    assert FileCopy(path, like=path).hides
    assert not FileCopy(path).hides
    assert not FileCopy(path, np.ones(3, bool)).hides
