"""Read the partitions of a log, complete ones and those that are written to, and complete one as Parquet or CSV."""

import csv
import io
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from modelyard.core.errors import DataError
from modelyard.core.files import sha256_bytes, writing
from modelyard.log.layouts import as_series
from modelyard.log.schema import FORMATS, LABELS, OF_LABELS, OPEN, PARTITION, is_of_log
from modelyard.log.source import Part, Want

if TYPE_CHECKING:
    import polars as pl

T = TypeVar("T")
_TIME = "%Y-%m-%dT%H:%M:%S%.fZ"
_TRIES = 10
_CHUNK = 8 << 20
"""Bytes of JSON lines that are read at once by whoever follows a log."""


def partitions(folder: Path) -> dict[str, str]:
    """Return the kind of every partition of a folder by its stem, while writers may be at work."""
    # A rename while the folder is listed may hide a partition from one listing, but not from two.
    stems: dict[str, str] = {}
    for _ in range(2):
        for path in folder.iterdir():
            if found := PARTITION.fullmatch(path.name):
                stems[found["stem"]] = found["kind"]
    return dict(sorted(stems.items()))


def find(folder: Path, stem: str, look: Callable[[Path], T]) -> T:
    """Look at a partition under whichever name it has; the complete file goes before the one it was made from.

    Raises:
        DataError: it is gone.
    """
    for _ in range(_TRIES):
        for suffix in (*(f".{each}" for each in FORMATS), OPEN):
            with suppress(FileNotFoundError):
                return look(folder / f"{stem}{suffix}")
    raise DataError(
        f"{folder / stem}: the partition went away while it was read",
        code="log/gone",
        hint="Do not remove partitions while the log is read.",
    )


def read_partition(path: Path, kind: str, want: Want) -> Part:
    """Read a partition.

    Raises:
        DataError: it is damaged, or has a column that a log does not have.
        FileNotFoundError: it has another name by now.
    """
    import polars as pl

    lines = path.suffix not in (".parquet", ".csv")
    begin = want.offset or 0 if lines else 0
    data, more = _bytes(path, begin, _CHUNK if lines and want.offset is not None else None)
    torn, end = False, 0
    if lines:
        whole = data[: data.rfind(b"\n") + 1]
        torn, end = not more and len(whole) < len(data), begin + len(whole)
        if torn and not path.name.endswith(OPEN):
            raise DataError(
                f"{path.name}: a complete partition breaks off in its last line",
                code="log/damaged",
                hint="Fetch the file again.",
            )
        data, frame = whole, json_lines(whole, path.name)
    else:
        frame = _parquet(data, path.name) if path.suffix == ".parquet" else _csv(path, data)
    if not lines or want.offset is None:
        more = want.rows is not None and len(frame) > want.rows
        frame = frame[want.after :] if want.rows is None else frame[want.after : want.rows]
    rows = typed(frame, kind, path.name)
    if kind == LABELS and not rows.is_empty():
        rows = rows.rename({"time": "label_time"})
    if want.only is not None:
        rows = rows.select(name for name in rows.columns if name in want.only)
    nothing = pl.DataFrame()
    return Part(
        place=path.name,
        predictions=nothing if kind == LABELS else rows,
        labels=rows if kind == LABELS else nothing,
        rows=len(frame),
        torn=torn,
        digest=sha256_bytes(data) if want.digest else "",
        end=end,
        more=more,
    )


def _bytes(path: Path, begin: int, most: int | None) -> tuple[bytes, bool]:
    """Return bytes from somewhere on, at least a line, and whether there are more."""
    try:
        with path.open("rb") as file:
            file.seek(begin)
            if most is None:
                return file.read(), False
            data = file.read(most)
            while b"\n" not in data and (some := file.read(most)):
                data += some
            return data, bool(file.read(1))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise DataError(
            f"{path.name}: it cannot be read ({error.strerror})", code="log/unreadable", hint="Check its permissions."
        ) from error


def json_lines(data: bytes, place: str) -> "pl.DataFrame":
    """Return lines of JSON objects as a frame; columns with objects, or with values of several kinds, as text.

    Raises:
        DataError: names the first line that is no object.
    """
    import polars as pl

    if not data.strip():
        return pl.DataFrame()
    try:
        frame = pl.read_ndjson(io.BytesIO(data), infer_schema_length=None)
        return frame.with_columns(
            pl.col(name).struct.json_encode() for name, dtype in frame.schema.items() if dtype == pl.Struct
        )
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        rows = _objects(data, place)
    columns: dict[str, list[Any]] = {name: [row.get(name) for row in rows] for name in _names(rows)}
    return pl.DataFrame({name: as_series(name, values) for name, values in columns.items()})


def _names(rows: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _objects(data: bytes, place: str) -> list[dict[str, Any]]:
    rows = []
    for number, line in enumerate(data.split(b"\n"), 1):
        if line.strip():
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                row = None
            if not isinstance(row, dict):
                raise DataError(
                    f"{place}: line {number} is not a JSON object",
                    code="log/damaged",
                    hint="Fetch the file again, or remove the line.",
                )
            rows.append(row)
    return rows


def _parquet(data: bytes, place: str) -> "pl.DataFrame":
    import polars as pl

    try:
        return pl.read_parquet(io.BytesIO(data))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise DataError(
            f"{place}: the Parquet file is damaged", code="log/damaged", hint="Fetch the file again."
        ) from error


def _csv(path: Path, data: bytes) -> "pl.DataFrame":
    from modelyard.config.sections.data import ReadAs
    from modelyard.data.reading import read

    header = next(csv.reader(io.StringIO(data.decode("utf-8", "replace"))), [])
    texts = {name: "text" for name in ("id", "model") if name in header}
    return read([path], header, root=path.parent, how=ReadAs.model_validate({"types": texts}))


def typed(frame: "pl.DataFrame", kind: str, place: str) -> "pl.DataFrame":
    """Return rows with times in UTC, of columns that a log has."""
    import polars as pl

    if frame.is_empty():
        return pl.DataFrame()
    for name in frame.columns:
        if name not in OF_LABELS if kind == LABELS else not is_of_log(name):
            raise DataError(
                f"{place}: a partition of {kind} has a column {name[:60]!r}",
                code="log/unknown-column",
                hint="Read files of another layout with columns=, which says what is what.",
            )
    missing = [name for name in ("id", "time", *(("label",) if kind == LABELS else ("model",))) if name not in frame]
    if missing:
        raise DataError(
            f"{place}: a partition of {kind} without the column {missing[0]!r}",
            code="log/missing-column",
            hint="Read files of another layout with columns=, which says what is what.",
        )
    if frame["time"].dtype == pl.String:
        times = frame["time"].str.to_datetime(_TIME, time_unit="us", strict=False)
        if times.null_count() > frame["time"].null_count():
            raise DataError(
                f"{place}: a time that is not written as 2026-01-31T05:00:00.000000Z",
                code="log/bad-time",
                hint="Read files of another layout with columns=, which says what is what.",
            )
        frame = frame.with_columns(times.dt.replace_time_zone("UTC"))
    return frame


def convert(path: Path, final: Path) -> None:
    """Write a partition of JSON lines anew, whole or not at all, by the suffix of its final name, and remove it.

    Raises:
        PlatformError: the disk would not take it; the partition stays as it is.
    """
    with writing(final) as stream:
        if final.suffix == ".csv":
            stream.write(_as_csv(_objects(path.read_bytes(), path.name)))
        else:
            kind = final.name.partition("-")[0]
            typed(json_lines(path.read_bytes(), path.name), kind, path.name).write_parquet(stream)
    path.unlink()


def _as_csv(rows: list[dict[str, Any]]) -> bytes:
    names = _names(rows)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_cell(row.get(name)) for name in names] for row in rows)
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)
