"""Files of one data set as one Polars frame: partitions that agree, or an error that says which file does not."""

import codecs
import csv
import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from modelyard.core.errors import DataError, nearest
from modelyard.core.vocabulary import DATA_SUFFIXES

if TYPE_CHECKING:
    import polars as pl


_CHUNK = 1 << 20
_PARQUET_MARKS = (b"PAR1", b"PARE")
_ISO_DATE = r"^\d{4}-\d{2}-\d{2}$"
_ISO_TIME = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?$"
_ISO_TIME_WITH_ZONE = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)$"
_AGAIN = "Fetch or make the file again."


def kind(path: Path) -> str:
    """Return which of ``DATA_SUFFIXES`` a file has; an empty string for any other."""
    return next((suffix for suffix in DATA_SUFFIXES if path.name.lower().endswith(suffix)), "")


def shown(path: Path, root: Path | None) -> str:
    """Return a path as messages show it: relative to the workspace where it lies inside."""
    return path.relative_to(root).as_posix() if root and path.is_relative_to(root) else path.as_posix()


def type_name(dtype: "pl.DataType") -> str:
    """Return a type without what it may hold of the data: an Enum's text would list its categories."""
    import polars as pl

    told = isinstance(dtype, pl.Datetime | pl.Duration | pl.Decimal)
    return str(dtype) if told else dtype.base_type().__name__


def read(paths: Sequence[Path], columns: Sequence[str] | None = None, *, root: Path | None = None) -> "pl.DataFrame":
    """Read all rows of a data set, file after file in the given order.

    CSV types are inferred over all rows of all files: whole numbers beside decimal ones are decimal, a column that is
    empty in one file takes its type from the others, and text becomes dates or timestamps where every value is
    written as ISO 8601 does (``2013-01-31``, ``2013-01-31 05:00:00``, with ``Z`` or an offset: UTC). Anything else
    that looks like a date stays text, since 01/02/2013 has two readings. Parquet types are taken as declared.

    Args:
        paths: Files of one set, as ``resolve`` returns them.
        columns: Columns to read, in this order; default: all, in the order of the first file.
        root: Workspace, to shorten the paths in messages.

    Returns:
        Frame with one row per row of the files; no rows where files hold a header only.

    Raises:
        DataError: an unreadable or truncated file, text that is not UTF-8, or files that disagree on columns or types.
    """
    import polars as pl

    names = _agreed_names(paths, [_names(path, shown(path, root)) for path in paths], root)
    wanted = names if columns is None else list(dict.fromkeys(columns))
    for column in wanted:
        if column not in names:
            raise DataError(
                f"{shown(paths[0], root)} has no column {column!r}",
                code="data/missing-column",
                hint=nearest(column, names),
            )
    frames = [_read_one(path, wanted, shown(path, root)) for path in paths]
    return pl.concat(_agreed_types(paths, frames, root), how="vertical")


def schema(paths: Sequence[Path], *, root: Path | None = None) -> dict[str, "pl.DataType"]:
    """Return column to Polars type, as ``read`` gives them.

    Parquet footers tell it without reading rows; CSV files have to be read.

    Raises:
        DataError: as for ``read``.
    """
    if any(kind(path) != ".parquet" for path in paths):
        return dict(read(paths, root=root).schema)
    import polars as pl

    footers = [_parquet_schema(path, shown(path, root)) for path in paths]
    names = _agreed_names(paths, [list(footer) for footer in footers], root)
    frames = [pl.DataFrame(schema={name: footer[name] for name in names}) for footer in footers]
    return dict(_agreed_types(paths, frames, root)[0].schema)


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


def _names(path: Path, name: str) -> list[str]:
    return list(_parquet_schema(path, name)) if kind(path) == ".parquet" else _csv_header(path, name)


def _read_one(path: Path, columns: list[str], name: str) -> "pl.DataFrame":
    import polars as pl

    if kind(path) == ".parquet":
        with _readable(name, "the Parquet file is damaged"):
            return pl.read_parquet(path, columns=columns, glob=False, hive_partitioning=False).select(columns)
    try:
        with _readable(name, "not readable as CSV: quotation marks or types do not hold through the file"):
            frame = pl.read_csv(
                path, columns=columns, separator=_separator(path), infer_schema_length=None, glob=False
            ).select(columns)
    except DataError:
        _refuse_other_encoding(path, name)
        _refuse_long_row(path, name)
        raise
    return frame.with_columns(
        _parsed(column) for column in frame.get_columns() if column.dtype == pl.String and len(column)
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


def _parsed(column: "pl.Series") -> "pl.Series":
    """Parse a text column as dates or timestamps, where each of its values is one in ISO 8601's form."""
    values = column.drop_nulls()
    if not len(values):
        return column
    first = values[0]
    if re.match(_ISO_DATE, first):
        parsed = column.str.to_date("%Y-%m-%d", strict=False)
    elif any(re.match(form, first) and values.str.contains(form).all() for form in (_ISO_TIME, _ISO_TIME_WITH_ZONE)):
        parsed = column.str.to_datetime(strict=False, time_unit="us")
    else:
        return column
    return parsed if parsed.null_count() == column.null_count() else column


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


def _agreed_types(paths: Sequence[Path], frames: list["pl.DataFrame"], root: Path | None) -> list["pl.DataFrame"]:
    """Return the frames with one type per column."""
    target: dict[str, pl.DataType] = {}
    for column in frames[0].columns:
        known = [
            frame.schema[column] for path, frame in zip(paths, frames, strict=True) if _tells_type(path, frame[column])
        ]
        types = known or [frame.schema[column] for frame in frames]
        widest = _widest(types) if kind(paths[0]) != ".parquet" else None
        target[column] = widest or Counter(types).most_common(1)[0][0]
        for path, frame in zip(paths, frames, strict=True):
            found, right = frame.schema[column], target[column]
            if found != right and widest is None and _tells_type(path, frame[column]):
                raise DataError(
                    f"{shown(path, root)}: column {column!r} is {type_name(found)}, "
                    f"but {type_name(right)} in the other files of its set",
                    code="data/other-type",
                    hint="Fix that file. Parquet keeps types; in CSV they are guessed from the text.",
                )
    return [_cast(frame, target) for frame in frames]


def _tells_type(path: Path, column: "pl.Series") -> bool:
    """Return whether a column's type says something: a CSV column without any value has none."""
    import polars as pl

    return column.dtype != pl.Null if kind(path) == ".parquet" else column.null_count() < len(column)


def _widest(types: Sequence["pl.DataType"]) -> "pl.DataType | None":
    """Return the type that holds values of all these without loss of meaning; None where there is none."""
    import polars as pl

    if all(found.is_numeric() for found in types):
        return next((found for found in types if found.is_float()), max(types, key=lambda found: found == pl.Int128))
    if {found.base_type() for found in types} == {pl.Date, pl.Datetime}:
        timestamps = {found for found in types if found != pl.Date}
        return timestamps.pop() if len(timestamps) == 1 and pl.Datetime("us") in timestamps else None
    return None


def _cast(frame: "pl.DataFrame", target: dict[str, "pl.DataType"]) -> "pl.DataFrame":
    """Return the frame with its columns in the target's order and types; columns without a value take any type."""
    import polars as pl

    return frame.select(
        pl.repeat(None, len(frame), dtype=dtype).alias(name)
        if frame[name].null_count() == len(frame)
        else pl.col(name).cast(dtype)
        for name, dtype in target.items()
    )
