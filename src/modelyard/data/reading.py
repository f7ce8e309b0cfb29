"""Files of one data set as one Polars frame: partitions that agree, or an error that says which file does not."""

import codecs
import csv
import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast
from urllib.parse import unquote

from modelyard.core.errors import DataError, nearest
from modelyard.core.vocabulary import DATA_SUFFIXES
from modelyard.data.types import Decided, Seen, decide_all, declared, fit, inferred

if TYPE_CHECKING:
    import polars as pl


_TYPED = (".parquet", ".jsonl", ".ndjson", ".arrow", ".feather")
"""Kinds of file that tell types."""
_CHUNK = 1 << 20
_PARQUET_MARKS = (b"PAR1", b"PARE")
_FOLDER = re.compile(r"[A-Za-z_]\w*=.+")
_AGAIN = "Fetch or make the file again."


def kind(path: Path) -> str:
    """Return which of ``DATA_SUFFIXES`` a file has; an empty string for any other."""
    return next((suffix for suffix in DATA_SUFFIXES if path.name.lower().endswith(suffix)), "")


def shown(path: Path, root: Path | None) -> str:
    """Return a path as messages show it: relative to the workspace where it lies inside."""
    return path.relative_to(root).as_posix() if root and path.is_relative_to(root) else path.as_posix()


@dataclass
class Loaded:
    """A data set as its files tell it, before the types of all sets are known."""

    paths: tuple[Path, ...]
    places: list[str]
    frames: "list[pl.DataFrame]"
    seen: list[dict[str, Seen]]

    def files(self) -> list[tuple[str, Mapping[str, Seen]]]:
        """Return each file as messages call it, with what was seen of its columns."""
        return list(zip(self.places, self.seen, strict=True))

    def finish(self, decided: Mapping[str, Decided]) -> "pl.DataFrame":
        """Return all rows in the decided types; columns that none was decided for follow the set's own files.

        Raises:
            DataError: the set's own files disagree on one of the others.
        """
        import polars as pl

        known = {**decide_all(self.files(), decided), **decided}
        return pl.concat([self._fitted(index, known) for index in range(len(self.frames))], how="vertical")

    def _fitted(self, index: int, decided: Mapping[str, Decided]) -> "pl.DataFrame":
        import polars as pl

        frame, again = self.frames[index], None
        columns = {}
        for name in self.frames[0].columns:
            found = fit(frame[name], decided[name].dtype)
            if found is None and (not self.paths or self.seen[index][name].declared):
                found = frame[name].cast(pl.String)
            if found is None:
                again = _cells(self.paths[index], self.places[index]) if again is None else again
                found = again[name]
            columns[name] = found
        return pl.DataFrame(columns)


def of_frame(frame: "pl.DataFrame", place: str) -> Loaded:
    """Return rows whose source tells their types."""
    return Loaded((), [place], [frame], [{column.name: declared(column) for column in frame.iter_columns()}])


def read(paths: Sequence[Path], columns: Sequence[str] | None = None, *, root: Path | None = None) -> "pl.DataFrame":
    """Read all rows of one data set, file after file in the given order, typed over its own files.

    CSV types are inferred over all rows of all files: whole numbers beside decimal ones are decimal, a column that is
    empty in one file takes its type from the others, words such as NA are missing among numbers, whole numbers with
    leading zeros are text, and text becomes dates or timestamps where every value is written as ISO 8601 does
    (``2013-01-31``, ``2013-01-31 05:00:00``, with ``Z`` or an offset: UTC). Anything else that looks like a date stays
    text, since 01/02/2013 has two readings. Parquet types are taken as declared, and widened where files differ.

    Args:
        paths: Files of one set, as ``resolve`` returns them.
        columns: Columns to read, in this order; default: all, in the order of the first file.
        root: Workspace, to shorten the paths in messages.

    Returns:
        Frame with one row per row of the files; no rows where files hold a header only.

    Raises:
        DataError: an unreadable or truncated file, text that is not UTF-8, or files that disagree on columns or types.
    """
    return load(paths, columns, root=root).finish({})


def load(paths: Sequence[Path], columns: Sequence[str] | None = None, *, root: Path | None = None) -> Loaded:
    """Read the files of a set, each typed by itself; see ``read``."""
    places = [shown(path, root) for path in paths]
    names = _agreed_names(paths, [_names(path, place) for path, place in zip(paths, places, strict=True)], root)
    wanted = names if columns is None else list(dict.fromkeys(columns))
    for column in wanted:
        if column not in names:
            raise DataError(
                f"{places[0]} has no column {column!r}",
                code="data/missing-column",
                hint=nearest(column, names),
            )
    found = [_read_one(path, wanted, place) for path, place in zip(paths, places, strict=True)]
    return Loaded(tuple(paths), places, [frame for frame, _ in found], [seen for _, seen in found])


def text(paths: Sequence[Path], columns: Sequence[str], *, root: Path | None = None) -> "pl.DataFrame | None":
    """Return columns of text files as they are written, file after file; None for files that tell types."""
    import polars as pl

    if any(kind(path) in _TYPED for path in paths):
        return None
    return pl.concat([_cells(path, shown(path, root)).select(columns) for path in paths], how="vertical")


def schema(paths: Sequence[Path], *, root: Path | None = None) -> dict[str, "pl.DataType"]:
    """Return column to Polars type, as ``read`` gives them.

    Parquet footers tell it without reading rows; CSV files have to be read.

    Raises:
        DataError: as for ``read``.
    """
    if any(kind(path) != ".parquet" or _folders(path) for path in paths):
        return dict(read(paths, root=root).schema)
    import polars as pl

    places = [shown(path, root) for path in paths]
    footers = [_parquet_schema(path, place) for path, place in zip(paths, places, strict=True)]
    names = _agreed_names(paths, [list(footer) for footer in footers], root)
    seen = []
    for path, place, footer in zip(paths, places, footers, strict=True):
        with _readable(place, "the Parquet file is damaged"):
            rows = pl.scan_parquet(path, glob=False, hive_partitioning=False).select(pl.len()).collect().item()
        seen.append(
            {name: Seen(None if footer[name] == pl.Null else footer[name], rows, declared=True) for name in names}
        )
    return {name: each.dtype for name, each in decide_all(list(zip(places, seen, strict=True))).items()}


def require_columns(found: Iterable[str], needed: dict[str, str], where: str) -> None:
    """Check that columns are there.

    Args:
        found: Columns of the data.
        needed: Column to the configuration key that names it.
        where: What was looked at, such as ``data set 'all'``.

    Raises:
        DataError: names every missing column, the key that asks for it, and the nearest spelling.
    """
    known = list(found)
    missing = {column: key for column, key in needed.items() if column not in known}
    if missing:
        each = [
            " ".join(filter(None, (f"{column!r} (named by {key}).", nearest(column, known))))
            for column, key in missing.items()
        ]
        raise DataError(
            f"{where} has no column {'; no column '.join(each)}",
            code="data/missing-column",
            hint=f"Its columns: {', '.join(known)}. Fix the name in the configuration, or the data.",
        )


# one file


@contextmanager
def _readable(name: str, what: str) -> Iterator[None]:
    """Turn what Polars and the disk raise into a ``DataError``; Polars' own words quote cells, so they are left out."""
    import polars as pl

    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise DataError(f"{name}: {what}", code="data/unreadable", hint=_AGAIN) from error
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None)
        why = f"it cannot be read ({reason})" if reason else "its compressed data is truncated or damaged"
        raise DataError(f"{name}: {why}", code="data/unreadable", hint=_AGAIN) from error


def _folders(path: Path) -> dict[str, str | None]:
    """Return the columns that stand in the names of folders, as in ``year=2023``."""
    named = [part.split("=", 1) for part in path.parts[:-1] if _FOLDER.fullmatch(part)]
    return {key: None if value == "__HIVE_DEFAULT_PARTITION__" else unquote(value) for key, value in named}


def _names(path: Path, name: str) -> list[str]:
    own = list(_declared_schema(path, name)) if kind(path) in _TYPED else _csv_header(path, name)
    return own + [key for key in _folders(path) if key not in own]


def _read_one(path: Path, columns: list[str], name: str) -> "tuple[pl.DataFrame, dict[str, Seen]]":
    """Return one file's columns in the types that its own values have, with what was seen of them."""
    import polars as pl

    if kind(path) not in _TYPED:
        frame = _cells(path, name)
        typed = {column: inferred(frame[column]) for column in columns}
        return pl.DataFrame({key: series for key, (series, _) in typed.items()}), {
            key: seen for key, (_, seen) in typed.items()
        }
    known = _declared_schema(path, name)
    own = [column for column in columns if column in known]
    frame = _declared(path, own, name)
    seen = {column: declared(frame[column]) for column in own}
    for key, value in _folders(path).items():
        if key in columns and key not in known:
            series, seen[key] = inferred(pl.repeat(value, len(frame), dtype=pl.String, eager=True).alias(key))
            frame = frame.with_columns(series)
    return frame.select(columns), seen


def _declared_schema(path: Path, name: str) -> Mapping[str, "pl.DataType"]:
    return _parquet_schema(path, name) if kind(path) == ".parquet" else _declared(path, None, name).schema


def _declared(path: Path, columns: list[str] | None, name: str) -> "pl.DataFrame":
    """Return columns of a file that tells their types."""
    import polars as pl

    if kind(path) == ".parquet":
        with _readable(name, "the Parquet file is damaged"):
            return pl.read_parquet(path, columns=columns, glob=False, hive_partitioning=False)
    if kind(path) in (".arrow", ".feather"):
        with _readable(name, "not a whole Arrow file"):
            return pl.read_ipc(path, columns=columns)
    with _readable(name, "not readable as JSON lines: one object a line is expected"):
        frame = pl.read_ndjson(path, infer_schema_length=None)
        return frame if columns is None else frame.select(columns)


def _cells(path: Path, name: str) -> "pl.DataFrame":
    """Return the cells of a text file as they are written, and what its folders add."""
    import polars as pl

    try:
        with _readable(name, "not readable as CSV: quotation marks do not hold through the file"):
            frame = pl.read_csv(path, separator=_separator(path), infer_schema=False, glob=False)
    except DataError:
        _refuse_other_encoding(path, name)
        _refuse_long_row(path, name)
        raise
    return frame.with_columns(
        pl.lit(value, dtype=pl.String).alias(key) for key, value in _folders(path).items() if key not in frame.columns
    )


def _parquet_schema(path: Path, name: str) -> dict[str, "pl.DataType"]:
    import polars as pl

    with _readable(name, "the Parquet file is damaged"):
        with path.open("rb") as stream:
            head = stream.read(4)
            size = stream.seek(0, io.SEEK_END)
            stream.seek(max(size - 4, 0))
            tail = stream.read(4)
        if head not in _PARQUET_MARKS:
            raise DataError(f"{name}: not a Parquet file", code="data/not-parquet", hint=_AGAIN)
        if size < 12 or tail not in _PARQUET_MARKS:
            message = f"{name}: the Parquet file is truncated; it breaks off after {size:,} bytes"
            raise DataError(message, code="data/truncated", hint=_AGAIN)
        return dict(pl.read_parquet_schema(path))


def _separator(path: Path) -> str:
    return "\t" if kind(path) == ".tsv" else ","


def _open_bytes(path: Path) -> BinaryIO:
    return cast("BinaryIO", gzip.open(path, "rb")) if kind(path) == ".csv.gz" else path.open("rb")


def _csv_header(path: Path, name: str) -> list[str]:
    try:
        with _readable(name, "not readable as CSV"), _open_bytes(path) as stream:
            text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
            header = next((row for row in csv.reader(text, delimiter=_separator(path)) if row), [])
    except UnicodeDecodeError:
        _refuse_other_encoding(path, name)
        raise
    except csv.Error as error:
        raise DataError(f"{name}: not readable as CSV: {error}", code="data/not-csv", hint=_AGAIN) from error
    if not header:
        raise DataError(f"{name}: holds nothing, not even a header", code="data/empty-file", hint=_AGAIN)
    repeated = [column for column, count in Counter(header).items() if count > 1]
    if repeated:
        raise DataError(
            f"{name}: two columns have one name: {', '.join(map(repr, repeated))}",
            code="data/duplicate-column",
            hint="Rename one in the header.",
        )
    return header


def _refuse_other_encoding(path: Path, name: str) -> None:
    """Raise where the file is not UTF-8, with the first bad byte's offset (from 0) and line (from 1)."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    offset, line = 0, 1
    with _readable(name, "not readable"), _open_bytes(path) as stream:
        while True:
            chunk = stream.read(_CHUNK)
            pending = len(decoder.getstate()[0])
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                line += error.object[: error.start].count(b"\n")
                place = offset - pending + error.start
                likely = "utf-16" if error.object[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "latin1"
                raise DataError(
                    f"{name}: not UTF-8: byte 0x{error.object[error.start]:02x} at offset {place:,}, line {line:,}",
                    code="data/not-utf8",
                    hint=f"Save it as UTF-8, for example: iconv -f {likely} -t utf-8 OLD > NEW.",
                ) from error
            if not chunk:
                return
            offset += len(chunk)
            line += chunk.count(b"\n")


def _refuse_long_row(path: Path, name: str) -> None:
    """Raise where a row has more fields than the header, with its line."""
    with _readable(name, "not readable"), _open_bytes(path) as stream:
        rows = csv.reader(io.TextIOWrapper(stream, encoding="utf-8-sig", newline=""), delimiter=_separator(path))
        width = 0
        try:
            for row in rows:
                width = width or len(row)
                if len(row) > width:
                    raise DataError(
                        f"{name}: line {rows.line_num:,} has {len(row)} fields, the header has {width}",
                        code="data/long-row",
                        hint="Quote values that hold the separator, or fix that line.",
                    )
        except csv.Error:
            return


# several files


def _agreed_names(paths: Sequence[Path], names: list[list[str]], root: Path | None) -> list[str]:
    """Return the columns that all files have; the most common set of them is taken as the right one."""
    usual, _ = Counter(frozenset(each) for each in names).most_common(1)[0]
    for path, each in zip(paths, names, strict=True):
        missing = [column for column in sorted(usual) if column not in each]
        extra = [column for column in each if column not in usual]
        if missing or extra:
            differences = [f"has no column {column!r}" for column in missing] + [
                f"has a column {column!r} that they do not have" for column in extra
            ]
            hints = [nearest(column, missing) for column in extra]
            raise DataError(
                f"{shown(path, root)}: unlike the other files of its set it {', and '.join(differences)}",
                code="data/other-columns",
                hint=" ".join([*filter(None, hints), "Fix the file, or name the files that belong together."]),
            )
    return next(each for each in names if frozenset(each) == usual)
