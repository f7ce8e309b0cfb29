"""Files of one data set as one Polars frame: partitions that agree, or an error that says which file does not."""

import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from modelyard.config.sections.data import AS_USUAL, ReadAs
from modelyard.core.errors import ConfigError, DataError, nearest
from modelyard.data import text_files
from modelyard.data.opened import AGAIN, kind, readable, shown
from modelyard.data.stated import as_stated, guessed, states
from modelyard.data.types import Decided, Seen, decide_all, declared, fit

if TYPE_CHECKING:
    import polars as pl


_TYPED = (".parquet", ".jsonl", ".ndjson", ".arrow", ".feather")
"""Kinds of file that tell types."""
_PARQUET_MARKS = (b"PAR1", b"PARE")
_FOLDER = re.compile(r"[A-Za-z_]\w*=.+")


@dataclass
class Loaded:
    """A data set as its files tell it, before the types of all sets are known."""

    paths: tuple[Path, ...]
    places: list[str]
    frames: "list[pl.DataFrame]"
    seen: list[dict[str, Seen]]
    how: ReadAs = AS_USUAL

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
        columns = {}  # by name: a list would give a nameless one another
        for name in self.frames[0].columns:
            found = fit(frame[name], decided[name].dtype)
            if found is None and (not self.paths or self.seen[index][name].declared):
                found = frame[name].cast(pl.String)
            if found is None:
                again = _cells(self.paths[index], self.places[index], self.how) if again is None else again
                found = again[name]
            columns[name] = found
        return pl.DataFrame(columns)


def of_frame(frame: "pl.DataFrame", place: str) -> Loaded:
    """Return rows whose source tells their types."""
    return Loaded((), [place], [frame], [{column.name: declared(column) for column in frame.iter_columns()}])


def read(
    paths: Sequence[Path], columns: Sequence[str] | None = None, *, root: Path | None = None, how: ReadAs = AS_USUAL
) -> "pl.DataFrame":
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
        how: What the configuration says of the files.

    Returns:
        Frame with one row per row of the files; no rows where files hold a header only.

    Raises:
        DataError: an unreadable or truncated file, text that is not UTF-8, or files that disagree on columns or types.
    """
    return load(paths, columns, root=root, how=how).finish({})


def load(
    paths: Sequence[Path], columns: Sequence[str] | None = None, *, root: Path | None = None, how: ReadAs = AS_USUAL
) -> Loaded:
    """Read the files of a set, each typed by itself; see ``read``."""
    places = [shown(path, root) for path in paths]
    if how.about_text and any(kind(path) in _TYPED for path in paths):
        raise ConfigError(
            f"data.read: {how.about_text} is about text files, and {places[0]} is none",
            code="config/read-option",
            hint="Remove the key.",
        )
    names = _agreed_names(paths, [_names(path, place, how) for path, place in zip(paths, places, strict=True)], root)
    require_columns(names, dict.fromkeys([*how.types, *how.dates], "data.read"), places[0])
    wanted = names if columns is None else list(dict.fromkeys(columns))
    for column in wanted:
        if column not in names:
            raise DataError(
                f"{places[0]} has no column {column!r}",
                code="data/missing-column",
                hint=nearest(column, names),
            )
    found = [_read_one(path, wanted, place, how) for path, place in zip(paths, places, strict=True)]
    return Loaded(tuple(paths), places, [frame for frame, _ in found], [seen for _, seen in found], how)


def text(
    paths: Sequence[Path], columns: Sequence[str], *, root: Path | None = None, how: ReadAs = AS_USUAL
) -> "pl.DataFrame | None":
    """Return columns of text files as they are written, file after file; None for files that tell types."""
    import polars as pl

    if any(kind(path) in _TYPED for path in paths):
        return None
    return pl.concat([_cells(path, shown(path, root), how).select(columns) for path in paths], how="vertical")


def schema(paths: Sequence[Path], *, root: Path | None = None, how: ReadAs = AS_USUAL) -> dict[str, "pl.DataType"]:
    """Return column to Polars type, as ``read`` gives them.

    Parquet footers tell it without reading rows; CSV files have to be read.

    Raises:
        DataError: as for ``read``.
    """
    if any(kind(path) != ".parquet" or _folders(path) for path in paths) or how != AS_USUAL:
        return dict(read(paths, root=root, how=how).schema)
    import polars as pl

    places = [shown(path, root) for path in paths]
    footers = [_parquet_schema(path, place) for path, place in zip(paths, places, strict=True)]
    names = _agreed_names(paths, [list(footer) for footer in footers], root)
    seen = []
    for path, place, footer in zip(paths, places, footers, strict=True):
        with readable(place, "the Parquet file is damaged"):
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


def _folders(path: Path) -> dict[str, str | None]:
    """Return the columns that stand in the names of folders, as in ``year=2023``."""
    named = [part.split("=", 1) for part in path.parts[:-1] if _FOLDER.fullmatch(part)]
    return {key: None if value == "__HIVE_DEFAULT_PARTITION__" else unquote(value) for key, value in named}


def _names(path: Path, name: str, how: ReadAs) -> list[str]:
    own = list(_declared_schema(path, name)) if kind(path) in _TYPED else text_files.header(path, name, how)
    return own + [key for key in _folders(path) if key not in own]


def _cells(path: Path, name: str, how: ReadAs) -> "pl.DataFrame":
    """Return the cells of a text file as they are written, and what its folders add."""
    import polars as pl

    frame = text_files.cells(path, name, how)
    return frame.with_columns(
        pl.lit(value, dtype=pl.String).alias(key) for key, value in _folders(path).items() if key not in frame.columns
    )


def _read_one(path: Path, columns: list[str], name: str, how: ReadAs) -> "tuple[pl.DataFrame, dict[str, Seen]]":
    """Return one file's columns in the types that its own values have or were stated, with what was seen of them."""
    import polars as pl

    folders = _folders(path)
    if kind(path) in _TYPED:
        known = _declared_schema(path, name)
        frame = _declared(path, [column for column in columns if column in known], name)
        added = {key: value for key, value in folders.items() if key in columns and key not in known}
        frame = frame.with_columns(pl.lit(value, dtype=pl.String).alias(key) for key, value in added.items())
    else:
        frame, known, added = _cells(path, name, how), {}, folders
    found = {}
    for column in frame.select(columns).iter_columns():
        if states(column.name, how):
            found[column.name] = as_stated(column, how, name)
        elif column.name in known:
            found[column.name] = column, declared(column)
        else:
            series, seen = guessed(column, how)
            found[column.name] = series, replace(seen, folder=column.name in added)
    return pl.DataFrame({key: series for key, (series, _) in found.items()}), {
        key: seen for key, (_, seen) in found.items()
    }


def _declared_schema(path: Path, name: str) -> Mapping[str, "pl.DataType"]:
    return _parquet_schema(path, name) if kind(path) == ".parquet" else _declared(path, None, name).schema


def _declared(path: Path, columns: list[str] | None, name: str) -> "pl.DataFrame":
    """Return columns of a file that tells their types."""
    import polars as pl

    if kind(path) == ".parquet":
        with readable(name, "the Parquet file is damaged"):
            return pl.read_parquet(path, columns=columns, glob=False, hive_partitioning=False)
    if kind(path) in (".arrow", ".feather"):
        with readable(name, "not a whole Arrow file"):
            return pl.read_ipc(path, columns=columns)
    with readable(name, "not readable as JSON lines: one object a line is expected"):
        frame = pl.read_ndjson(path, infer_schema_length=None)
        return frame if columns is None else frame.select(columns)


def _parquet_schema(path: Path, name: str) -> dict[str, "pl.DataType"]:
    import polars as pl

    with readable(name, "the Parquet file is damaged"):
        with path.open("rb") as stream:
            head = stream.read(4)
            size = stream.seek(0, io.SEEK_END)
            stream.seek(max(size - 4, 0))
            tail = stream.read(4)
        if head not in _PARQUET_MARKS:
            raise DataError(f"{name}: not a Parquet file", code="data/not-parquet", hint=AGAIN)
        if size < 12 or tail not in _PARQUET_MARKS:
            message = f"{name}: the Parquet file is truncated; it breaks off after {size:,} bytes"
            raise DataError(message, code="data/truncated", hint=AGAIN)
        return dict(pl.read_parquet_schema(path))


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
