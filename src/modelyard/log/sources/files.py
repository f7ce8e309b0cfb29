"""Files of any layout: Parquet, JSON lines and CSV, of which every file is a piece."""

import glob
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modelyard.core.errors import DataError
from modelyard.core.files import sha256_bytes, sha256_file
from modelyard.data.fingerprint import status_of
from modelyard.log.layouts import Layout
from modelyard.log.partitions import json_lines
from modelyard.log.schema import PARTITION
from modelyard.log.source import Address, LogSource, Part, Piece, Want
from modelyard.log.sources.own import OwnFolder

if TYPE_CHECKING:
    import polars as pl

_LINES = (".jsonl", ".ndjson")


@dataclass(frozen=True)
class Files:
    """Files of one layout.

    Attributes:
        name: the path or pattern, as it is named in the configuration.
        root: the folder that it is relative to.
        layout: what their columns are.
    """

    name: str
    root: Path
    layout: Layout

    def pieces(self) -> list[Piece]:
        """List the files."""
        from modelyard.core.vocabulary import DATA_SUFFIXES
        from modelyard.data.opened import kind

        found = self._paths()
        unknown = next((path for path in found if not kind(path)), None)
        if unknown is not None:
            raise DataError(
                f"{unknown.name}: no known kind of file; known: {', '.join(DATA_SUFFIXES)}",
                code="log/unknown-kind",
                hint="Name the files of the log alone.",
            )
        return [Piece(str(path), status_of(path), path) for path in found]

    def read(self, piece: Piece, want: Want) -> Part:
        """Read a file."""
        from modelyard.data.opened import kind

        path: Path = piece.at
        torn, digest = False, ""
        if kind(path) in _LINES:
            frame, torn, data = _growing(path)
            digest = sha256_bytes(data) if want.digest else ""
            if not frame.is_empty():
                self._require(frame.columns, want, path)
        else:
            frame = self._whole(path, want)
            digest = sha256_file(path) if want.digest else ""
            if piece.status is not None and status_of(path) != piece.status:
                raise DataError(
                    f"{path.name} changed while it was read",
                    code="log/changed-while-read",
                    hint="Only JSON lines may be written to while they are read; write other files under another name.",
                )
        more = want.rows is not None and len(frame) > want.rows
        frame = frame[want.after :] if want.rows is None else frame[want.after : want.rows]
        if frame.is_empty():
            return Part(path.name, frame.clear(), frame.clear(), 0, torn, digest=digest)
        predictions, labels, failed = self.layout.rows(frame, path.name)
        return Part(path.name, predictions, labels, len(frame), torn, failed, digest, more=more)

    def _paths(self) -> list[Path]:
        path = self.root / self.name
        if path.is_dir():
            found = sorted(inner for inner in path.iterdir() if inner.is_file() and not inner.name.startswith("."))
        elif path.is_file():
            found = [path]
        else:
            found = sorted(map(Path, glob.glob(str(path), recursive=True)))  # noqa: PTH207 - absolute patterns too
        if not found:
            raise DataError(
                f"{self.name:.200}: no such file", code="log/no-file", hint="Check the path or the pattern."
            )
        return [inner for inner in found if inner.is_file()]

    def _whole(self, path: Path, want: Want) -> "pl.DataFrame":
        import polars as pl

        from modelyard.config.sections.data import ReadAs
        from modelyard.data.opened import kind, readable
        from modelyard.data.reading import read, schema

        wanted = self.layout.wanted(want.only)
        if kind(path) != ".parquet":
            typed = kind(path) in (".arrow", ".feather")
            texts = {} if typed or (wanted and self.layout.id not in wanted) else {self.layout.id: "text"}
            return read([path], wanted, how=ReadAs.model_validate({"types": texts}))
        there = schema([path]) if want.begin is not None else {}
        time = self.layout.time_in(list(there), path.name) if there else ""
        if want.begin is None or not _with_zone(there.get(time)):
            return read([path], wanted)
        self._require(list(there), want, path)
        moment = pl.col(time)
        with readable(path.name, "the Parquet file is damaged"):
            some = pl.scan_parquet(path, glob=False, hive_partitioning=False)
            some = some.filter(moment.is_null() | moment.is_between(want.begin, want.end, closed="left"))
            return some.select(wanted or pl.all()).collect()

    def _require(self, there: Sequence[str], want: Want, path: Path) -> None:
        from modelyard.data.reading import require_columns

        require_columns(there, dict.fromkeys(self.layout.wanted(want.only) or (), "columns"), path.name)


def _with_zone(dtype: "pl.DataType | None") -> bool:
    return getattr(dtype, "time_zone", None) is not None


def _growing(path: Path) -> "tuple[pl.DataFrame, bool, bytes]":
    """Return the rows of JSON lines that may be written to just now: a last line that is not whole is left out."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path.name}: it cannot be read ({error.strerror})", code="log/unreadable", hint="Check its permissions."
        ) from error
    at = data.rfind(b"\n") + 1
    try:
        whole = not data[at:].strip() or isinstance(json.loads(data[at:]), dict)
    except ValueError:
        whole = False
    data = data if whole else data[:at]
    return json_lines(data, path.name), not whole, data


class FilesKind:
    """Paths and patterns."""

    name = "file"

    def open(self, address: Address) -> LogSource:
        """Return a folder of partitions, or files of a layout."""
        folder = address.root / address.source
        if address.layout is None:
            return OwnFolder(address.source, folder)
        if address.layout.brings_labels or not _has_labels(folder):
            return Files(address.source, address.root, address.layout)
        return OwnFolder(address.source, folder)


def _has_labels(folder: Path) -> bool:
    """Say whether ``Writer`` wrote labels into a folder, for predictions that something else logs."""
    return folder.is_dir() and any(
        (found := PARTITION.fullmatch(path.name)) and found["kind"] == "labels" for path in folder.iterdir()
    )


FILES = FilesKind()
