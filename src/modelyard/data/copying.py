"""Copies of data files that hold some of their rows, in the format, types and order of the original."""

import gzip
import importlib.util
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from modelyard.config.sections.data import AS_USUAL, ReadAs
from modelyard.core.errors import DataError
from modelyard.core.files import disk_errors
from modelyard.data import reading
from modelyard.data.opened import kind as kind_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LINES = (".jsonl", ".ndjson")
_ARROW = (".arrow", ".feather")


@dataclass(frozen=True)
class FileCopy:
    """A file of a data set as a user's script is to find it.

    Attributes:
        path: the file, under the name that its set has for it.
        keep: (n,) whether each of its rows stays; None keeps the file as it is.
        how: how it is read.
        like: another file of the list that stands in its place, since none of its own rows may be seen.
    """

    path: Path
    keep: "NDArray[Any] | None" = None
    like: Path | None = None
    how: ReadAs = AS_USUAL

    @property
    def hides(self) -> bool:
        """Return whether the original holds rows that the copy does not."""
        return self.like is not None or (self.keep is not None and not bool(self.keep.all()))


def copy_rows(source: Path, target: Path, keep: "NDArray[Any] | None", shown: str, how: ReadAs = AS_USUAL) -> None:
    """Write a copy of a data file with some of its rows.

    CSV and JSON lines are copied as text, record by record, so that quotation, line ends and the writing of every value
    stay; Parquet and Arrow keep their types.

    Args:
        source: the file.
        target: the copy.
        keep: (n,) whether each row stays; None copies the file as it is.
        shown: what messages call the file.
        how: how it is read.

    Raises:
        DataError: the copy would not read back as exactly those rows.
        PlatformError: the disk would not take it.
    """
    kind = kind_of(source)
    with disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        if keep is None or bool(keep.all()):
            shutil.copyfile(source, target)
            return
        if kind == ".parquet":
            _copy_parquet(source, target, keep)
        elif kind in _ARROW:
            import polars as pl

            pl.read_ipc(source).filter(pl.Series(keep)).write_ipc(target)
        else:
            _copy_text(source, target, keep, how, quoted=kind not in _LINES)
    if not _reads_back(source, target, keep, how):
        raise DataError(
            f"{shown}: a copy of its training rows does not read back as these rows",
            code="data/not-copied",
            hint="Records of the file cannot be told apart by its line ends and quotation marks. Save it as Parquet, "
            "or as CSV that quotes what holds a line end or a quotation mark.",
        )


def _copy_parquet(source: Path, target: Path, keep: "NDArray[Any]") -> None:
    """Filter with pyarrow where it is, which keeps what pandas writes into the footer, such as an index."""
    if importlib.util.find_spec("pyarrow") is not None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pq.ParquetFile(source).read().filter(pa.array(keep)), target)
        return
    import polars as pl

    frame = pl.read_parquet(source, glob=False, hive_partitioning=False)
    frame.filter(pl.Series(keep)).write_parquet(target)


def _copy_text(source: Path, target: Path, keep: "NDArray[Any]", how: ReadAs, *, quoted: bool) -> None:
    with _open(source, "rb") as stream:
        blank = [not record.strip() for record in _records(stream, quoted=quoted) if not _is_comment(record, how)]
    header = 1 if quoted and how.header else 0
    skip_blank = len(blank) - header != len(keep)  # blank lines are no rows, or there would be too many
    wanted = iter(keep)
    with _open(source, "rb") as stream, _open(target, "wb") as out:
        for record in _records(stream, quoted=quoted):
            if _is_comment(record, how):
                out.write(record)
                continue
            if skip_blank and not record.strip():
                continue
            if header:
                out.write(record)
                header = 0
            elif next(wanted, False):
                out.write(record)


def _is_comment(record: bytes, how: ReadAs) -> bool:
    return how.comment is not None and record.startswith(how.comment.encode())


def _open(path: Path, mode: str) -> BinaryIO:
    return cast("BinaryIO", gzip.open(path, mode) if path.name.lower().endswith(".gz") else path.open(mode))


def _records(stream: BinaryIO, *, quoted: bool) -> Iterator[bytes]:
    """Yield the lines of a file, where quotation marks hold several together as one record."""
    parts: list[bytes] = []
    inside = False
    for line in stream:
        parts.append(line)
        inside ^= quoted and line.count(b'"') % 2 == 1
        if not inside:
            yield b"".join(parts)
            parts.clear()
    if parts:
        yield b"".join(parts)


def _reads_back(source: Path, target: Path, keep: "NDArray[Any]", how: ReadAs) -> bool:
    import polars as pl

    if not keep.any() and kind_of(source) in _LINES:
        return target.stat().st_size == 0
    before, after = _values([source], how), _values([target], how)
    return bool(before.filter(pl.Series(keep)).equals(after))


def _values(paths: Sequence[Path], how: ReadAs) -> Any:
    """Return the cells as they are written, or the values of files that tell types."""
    first = reading.load(paths, how=how).frames[0]
    cells = reading.text(paths, first.columns, how=how)
    return first if cells is None else cells
