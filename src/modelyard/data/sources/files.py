"""Files and globs in the workspace as a data source: found, kept inside it, and judged fit to be read."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from modelyard.core.errors import ConfigError, DataError, nearest
from modelyard.core.files import inside
from modelyard.core.vocabulary import DATA_SUFFIXES
from modelyard.data import fingerprint, pointed, reading
from modelyard.data.opened import kind, shown
from modelyard.data.source import Location, RowFormat
from modelyard.records.results import DataSet

if TYPE_CHECKING:
    import polars as pl

_LFS_MARK = b"version https://git-lfs.github.com/spec/v1"
_PULL = "Put `dvc pull` before this step."


@dataclass
class FileSource:
    """A data set of files; implements ``Source``."""

    location: Location

    @cached_property
    def paths(self) -> tuple[Path, ...]:
        """Find the files, once."""
        where = self.location
        return resolve(where.root, where.base, where.set, where.source)

    def list(self) -> tuple[str, ...]:
        """Name the files, relative to the workspace."""
        root = self.location.root.resolve()
        return tuple(path.relative_to(root).as_posix() for path in self.paths)

    def fingerprint(self) -> DataSet:
        """Digest every file; one whose status is known is not read again."""
        where = self.location
        if where.pinned:
            pointed.refuse_stale(self.paths, where.root.resolve(), where.key, where.cache)
        return fingerprint.fingerprint(where.set, where.source, self.paths, where.root, cache=where.cache)

    def read(self, columns: Sequence[str] | None = None) -> "pl.DataFrame":
        """Read the files, one after the other."""
        return reading.read(self.paths, columns, root=self.location.root, how=self.location.how)

    def load(self) -> reading.Loaded:
        """Read the files, each typed by itself, for types that are decided over all sets."""
        return reading.load(self.paths, root=self.location.root, how=self.location.how)

    def text(self, columns: Sequence[str]) -> "pl.DataFrame | None":
        """Read the cells of columns; None where the files tell types."""
        return reading.text(self.paths, columns, root=self.location.root, how=self.location.how)

    def describe(self) -> "dict[str, pl.DataType]":
        """Return column to type; Parquet footers tell it without reading rows."""
        return reading.schema(self.paths, root=self.location.root, how=self.location.how)

    def row_format(self) -> RowFormat:
        """Return the format of the files; every kind of CSV counts as CSV."""
        return ".parquet" if kind(self.paths[0]) == ".parquet" else ".csv"


class FileSources:
    """Paths and globs; implements ``SourceKind``."""

    name = "file"

    def open(self, location: Location) -> FileSource:
        """Return the data set of a path or glob."""
        return FileSource(location)


FILES = FileSources()


def resolve(root: Path, base: Path, name: str, source: str) -> tuple[Path, ...]:
    """Find the files of one data set, sorted; never empty.

    Hidden files are not matched by a glob, folders are not followed through links, and a file that is reached under
    two names counts once.

    Args:
        root: Workspace; no file may lie outside it, neither by ``..`` nor through a link.
        base: Folder of the configuration file, which the source is relative to.
        name: Name of the set, for messages.
        source: Path or glob; ``**`` stands for any number of folders.

    Raises:
        ConfigError: nothing matches, an address instead of a path, a kind of file that cannot be read, several kinds
            in one set, or a path out of the workspace.
        DataError: a DVC or Git LFS pointer stands where data should be, a broken link, or an empty file.
    """
    where = f"data.sets.{name}"
    if not source.strip() or "\0" in source:
        raise ConfigError(
            f"{where}: {source!r} names no file",
            code="data/bad-path",
            hint="Write a path or a glob such as data/*.parquet.",
        )
    root = root.resolve()
    inside(root, base / source, what=where)
    if (base / source).is_dir():
        raise ConfigError(
            f"{where}: {source!r} is a folder",
            code="data/bad-path",
            hint=f"Name its files, such as {source.rstrip('/')}/*.parquet.",
        )
    if (base / source).is_file() or not is_glob(source):
        found = _one_file(root, base, where, source)
    else:
        found = _matches(root, base, where, source)
    check_kinds(root, where, found)
    for path in found:
        _check_content(root, where, path)
    return tuple(found)


def is_glob(source: str) -> bool:
    """Return whether a path or a part of one has a wildcard."""
    return any(mark in source for mark in "*?[")


def _one_file(root: Path, base: Path, where: str, source: str) -> list[Path]:
    path = base / source
    if not path.is_file():
        _refuse_pointer(root, where, path)
        _nothing_there(root, where, source, path)
    return [_named(path)]


def _matches(root: Path, base: Path, where: str, source: str) -> list[Path]:
    folder, pattern = _fixed_part(base, source)
    seen: dict[Path, Path] = {}
    for match in _glob(folder, pattern, where, source):
        target = inside(root, match, what=where)
        if match.is_symlink() and not match.exists():
            raise DataError(
                f"{where}: {shown(_named(match), root)} is a link to a file that is not there",
                code="data/broken-link",
                hint="Fetch the data (`dvc pull`, `git annex get`) before this step, or remove the link.",
            )
        if match.is_file() and match.suffix != ".dvc" and (target not in seen or seen[target].is_symlink()):
            seen[target] = _named(match)
    for pointer in _glob(folder, f"{pattern}.dvc", where, source):
        data = _named(pointer.with_suffix(""))
        if not data.exists():
            raise DataError(
                f"{where}: {shown(data, root)} is not here; only its DVC pointer is", code="data/pointer", hint=_PULL
            )
    if not seen:
        if any(pointer.is_file() for pointer in folder.glob("*.dvc")):
            raise DataError(
                f"{where}: {source!r} matches nothing, but its folder holds DVC pointers",
                code="data/pointer",
                hint=_PULL,
            )
        _refuse_pointer(root, where, folder)
        _nothing_there(root, where, source, folder / pattern)
    return sorted(seen.values())


def _fixed_part(base: Path, source: str) -> tuple[Path, str]:
    parts = Path(source).parts
    first = next(index for index, part in enumerate(parts) if is_glob(part))
    rest = parts[first:] if parts[-1] != "**" else (*parts[first:], "*")
    return base.joinpath(*parts[:first]), "/".join(rest)


def _glob(folder: Path, pattern: str, where: str, source: str) -> list[Path]:
    try:
        found = list(folder.glob(pattern))
    except (ValueError, NotImplementedError) as error:
        raise ConfigError(
            f"{where}: {source!r} is not a glob: {error}",
            code="data/bad-path",
            hint="Write a glob such as data/**/*.parquet.",
        ) from error
    hidden_meant = any(part.startswith(".") and part != ".." for part in pattern.split("/"))
    return [
        path
        for path in found
        if hidden_meant or not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]


def _named(path: Path) -> Path:
    """Return the path under its own name in its real folder, so that a link keeps the suffix that it is known by."""
    return path.parent.resolve() / path.name


def _refuse_pointer(root: Path, where: str, path: Path) -> None:
    """Say so where DVC knows the missing path, or a folder above it, by a pointer or in a ``dvc.lock``."""
    expected = _named(path)
    for part in (expected, *expected.parents):
        if not part.is_relative_to(root) or part == root:
            break
        if part.with_name(f"{part.name}.dvc").is_file() and not part.is_file():
            raise DataError(
                f"{where}: {shown(part, root)} is not here; only its DVC pointer is", code="data/pointer", hint=_PULL
            )
        lock = part.parent / "dvc.lock"
        if lock.is_file() and not part.exists():
            outputs = re.findall(r"^\s*(?:-\s+)?path:\s*(\S+)\s*$", lock.read_text("utf-8", "replace"), re.MULTILINE)
            if any(expected.is_relative_to(part.parent / output) for output in outputs):
                raise DataError(
                    f"{where}: {shown(part, root)} is not here; DVC knows it as the output of a stage",
                    code="data/pointer",
                    hint=_PULL,
                )


def _nothing_there(root: Path, where: str, source: str, path: Path) -> None:
    """Raise for a path or glob that leads to nothing, with the folder looked in and the nearest name there."""
    folder, missing = path.parent, path.name
    while not folder.is_dir():
        folder, missing = folder.parent, folder.name
    names = sorted(entry.name for entry in folder.iterdir())
    hint = nearest(missing, names)
    holds = f"It holds {', '.join(names[:6])}{', …' if len(names) > 6 else ''}." if names else "It is empty."
    matches = "matches no file" if is_glob(source) else "is not there"
    raise ConfigError(
        f"{where}: {source!r} {matches}; looked in {shown(folder.resolve(), root)!r}",
        code="data/no-such-file",
        hint=" ".join(filter(None, (hint, holds, "Fix the path, or fetch the data before this step."))),
    )


def check_kinds(root: Path, where: str, found: Sequence[Path]) -> None:
    """Refuse files of a kind that cannot be read, and several kinds in one set.

    Raises:
        ConfigError: they are.
    """
    kinds: dict[str, Path] = {}
    for path in found:
        try:
            path.as_posix().encode()
        except UnicodeEncodeError as error:
            raise ConfigError(
                f"{where}: a file name is not UTF-8: {path.name!a}", code="data/bad-file-name", hint="Rename the file."
            ) from error
        if not kind(path):
            raise ConfigError(
                f"{where}: {shown(path, root)} is not a kind of file that can be read",
                code="data/unknown-file-kind",
                hint=f"Readable are {', '.join(DATA_SUFFIXES)}; name them, as in data/*.parquet.",
            )
        kinds.setdefault(kind(path), path)
    if len(kinds) > 1:
        examples = " and ".join(shown(path, root) for path in kinds.values())
        raise ConfigError(
            f"{where}: one set holds several kinds of file: {examples}",
            code="data/mixed-file-kinds",
            hint="Name one kind, as in data/*.parquet; the same rows in two kinds would be counted twice.",
        )


def _check_content(root: Path, where: str, path: Path) -> None:
    try:
        with path.open("rb") as stream:
            head = stream.read(len(_LFS_MARK))
    except OSError as error:
        raise DataError(
            f"{where}: {shown(path, root)} cannot be opened: {error.strerror}", code="data/unreadable"
        ) from error
    if not head:
        raise DataError(
            f"{where}: {shown(path, root)} is empty (0 bytes)",
            code="data/empty-file",
            hint="Make the file again, or leave it out.",
        )
    if head == _LFS_MARK:
        raise DataError(
            f"{where}: {shown(path, root)} is a Git LFS pointer, not the data",
            code="data/pointer",
            hint="Put `git lfs pull` before this step (in Actions: `lfs: true` on actions/checkout).",
        )


def is_lfs_pointer(content: bytes) -> bool:
    """Return whether a file's bytes are a pointer of Git LFS."""
    return content.startswith(_LFS_MARK)
