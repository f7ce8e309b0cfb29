"""A look at a repository for ``modelyard init``: its data, scripts, requirements and pointers; nothing is run."""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from modelyard.config.fixed_scripts import Fixed, find_fixed
from modelyard.config.scripts import PREDICT_NAMES, TRAIN_NAMES, Script, read_script
from modelyard.core.errors import ConfigError, ModelyardError
from modelyard.core.vocabulary import DATA_SUFFIXES

TARGETS = (
    "target", "label", "labels", "outcome", "response", "churn", "churned", "is_fraud", "fraud", "converted", "late",
    "survived", "diagnosis", "species", "sentiment", "price", "sales", "demand", "y", "class", "default", "category",
)  # fmt: skip
MAX_ENTRIES = 20_000
MAX_DEPTH = 4
MAX_PEEKS = 12
_SKIPPED = frozenset({"node_modules", "modelyard-run", "__pycache__", "venv", "env", "site-packages", "tests", "test"})
_RESULTS = re.compile(r"predict|submission|result|metric|score|log", re.IGNORECASE)
_LFS = b"version https://git-lfs.github.com/spec/"
_GLOB = frozenset("*?[]{}")


@dataclass(frozen=True)
class Column:
    """One column of the data, and no value of it.

    Attributes:
        name: its name.
        dtype: its type, in Polars' words.
        distinct: how many different values it has, a missing one counted as one.
        missing: how many rows have none.
        rows: how many rows there are.
        whole: all its values are whole numbers.
        counts: they are whole numbers that go up by one from row to row.
        prose: they are text of several words.
        settles: another column that is the same in all rows of one value, where rows of one value stand together.
        even: rows of each value, where every value has as many, as text or in rows that stand together; else 0.
        forms: of text, each way of writing times that all its values follow, such as "%d.%m.%Y".
    """

    name: str
    dtype: str
    distinct: int
    missing: int
    rows: int
    whole: bool = False
    counts: bool = False
    prose: bool = False
    settles: str = ""
    even: int = 0
    forms: tuple[str, ...] = ()

    @property
    def temporal(self) -> bool:
        """It holds dates or times."""
        return self.dtype.lower().startswith(("date", "timestamp")) or len(self.forms) == 1

    @property
    def text(self) -> bool:
        """It holds text that is no time."""
        named = self.dtype.lower().startswith(("str", "utf8", "object", "categorical", "enum"))
        return named and not self.forms

    @property
    def values(self) -> int:
        """Return how many different values are there."""
        return self.distinct - bool(self.missing)

    @property
    def unique(self) -> bool:
        """It is there and different in every row."""
        return not self.missing and 1 < self.rows == self.distinct

    @property
    def usable(self) -> bool:
        """Its name can stand in a configuration."""
        return bool(self.name) and "\0" not in self.name


@dataclass(frozen=True)
class Outline:
    """What a data file is like: its columns, and keys of ``data.read`` that it needs, with their values."""

    columns: Sequence[Column]
    how: Mapping[str, Any] = field(default_factory=dict)


Peek = Callable[[Path], Outline]
"""Looks at a data file."""


@dataclass(frozen=True)
class Source:
    """Files that look like one data set: the path or glob, how many files and bytes, and the columns of one of them."""

    path: str
    files: int
    size: int
    columns: tuple[Column, ...]
    how: Mapping[str, Any] = field(default_factory=dict)
    """How they are read, where that is not as they seem."""

    @property
    def names(self) -> frozenset[str]:
        """Column names."""
        return frozenset(column.name for column in self.columns)


@dataclass(frozen=True)
class Look:
    """What was found. ``data`` is the set to work with; ``test`` is there where a second file holds the test rows."""

    data: Source
    test: Source | None = None
    others: tuple[str, ...] = ()
    pointers: tuple[str, ...] = ()
    train: Script | None = None
    predict: Script | None = None
    fixed: Fixed | None = None
    requirements: str | None = None
    requirements_problem: str = ""
    lock: str | None = None


def look(root: Path, peek: Peek) -> Look:
    """Look at a repository.

    Args:
        root: the folder that the configuration will stand in.
        peek: reads the columns of one data file.

    Raises:
        ConfigError: no data was found, or only pointers to data.
        ModelyardError: what ``peek`` raised, where no data file could be read.
    """
    entries = list(_walk(root))
    pointers, data = [], []
    for path in entries:
        relative = path.relative_to(root).as_posix()
        if path.suffix == ".dvc":
            pointers.append(relative)
        elif path.name.lower().endswith(DATA_SUFFIXES) and _nameable(relative):
            if _is_lfs(path):
                pointers.append(relative)
            elif not _RESULTS.search(path.name):
                data.append(path)
    if not data:
        raise _nothing(entries, pointers)
    ranked = _ranked(_peeked(root, data, peek))
    chosen, test = _train_and_test(ranked)
    requirements, problem = _requirements(root)
    return Look(
        data=chosen,
        test=test,
        others=tuple(source.path for source in ranked if source not in (chosen, test)),
        pointers=tuple(pointers),
        train=_script(root, entries, TRAIN_NAMES),
        predict=_script(root, entries, PREDICT_NAMES),
        fixed=find_fixed(root, entries),
        requirements=requirements,
        requirements_problem=problem,
        lock=next((path.name for path in sorted(root.glob("*.lock")) if path.is_file()), None),
    )


def _walk(root: Path) -> Iterator[Path]:
    """Files below a folder in a fixed order, without hidden, installed and generated ones, up to a limit."""
    seen = 0
    for folder, folders, names in os.walk(root):
        depth = len(Path(folder).relative_to(root).parts)
        folders[:] = sorted(
            name for name in folders if depth < MAX_DEPTH and name[0] != "." and name.lower() not in _SKIPPED
        )
        for name in sorted(names):
            seen += 1
            if seen > MAX_ENTRIES:
                return
            path = Path(folder, name)
            if path.is_file() and path.resolve().is_relative_to(root.resolve()):
                yield path


def _nameable(path: str) -> bool:
    """Return whether the path is plain text and would not be read as a glob."""
    return path.isprintable() and not _GLOB & set(path)


def _is_lfs(path: Path) -> bool:
    if path.stat().st_size > 1024:
        return False
    with path.open("rb") as stream:
        return stream.read(len(_LFS)) == _LFS


def _nothing(entries: Sequence[Path], pointers: Sequence[str]) -> ConfigError:
    if pointers:
        some = ", ".join(pointers[:3]) + (f" and {len(pointers) - 3} more" if len(pointers) > 3 else "")
        return ConfigError(
            f"there are pointers to data ({some}) and no data",
            code="data/pointers-alone",
            hint="Fetch it first: `dvc pull`, or `git lfs pull`; then run `modelyard init` again.",
        )
    return ConfigError(
        f"found no data: looked for {', '.join(DATA_SUFFIXES)}, .dvc and Git LFS pointers in {len(entries):,} files, "
        f"up to {MAX_DEPTH} folders deep",
        code="data/none-found",
        hint="Run `modelyard init` where the data is, or write modelyard.yml by hand from the example in the README.",
    )


def _peeked(root: Path, data: Sequence[Path], peek: Peek) -> list[Source]:
    """Files grouped into sources, the largest first, with the columns of the last file of each."""
    groups: dict[tuple[str, str], list[Path]] = {}
    for path in data:
        groups.setdefault((_folders(root, path), re.sub(r"\d+", "#", path.name)), []).append(path)
    sized = sorted(groups.values(), key=lambda group: -sum(path.stat().st_size for path in group))
    found: list[Source] = []
    failed: ModelyardError | None = None
    for group in sized[:MAX_PEEKS]:
        try:
            outline = peek(group[-1])
        except ModelyardError as error:
            failed = failed or error
            continue
        if any(column.usable for column in outline.columns):
            size = sum(path.stat().st_size for path in group)
            name = _pattern(root, group, data)
            found.append(Source(name, len(group), size, tuple(outline.columns), outline.how))
    if not found:
        raise failed or ConfigError(
            "the data files here have no columns", code="data/no-columns", hint="Name a header line in the first row."
        )
    return found


def _pattern(root: Path, group: Sequence[Path], data: Sequence[Path]) -> str:
    """One path, or the glob that matches the files of a group and no other data file."""
    first = group[0]
    if len(group) == 1:
        return first.relative_to(root).as_posix()
    folder = _folders(root, first)
    beside = [path for path in data if _folders(root, path) == folder and path.suffix == first.suffix]
    name = f"*{first.suffix}" if len(beside) == len(group) else re.sub(r"\d+", "*", first.name)
    return (PurePosixPath(folder) / name).as_posix()


def _folders(root: Path, path: Path) -> str:
    """Return the folder of a file, with any value in names such as ``year=2023``."""
    parts = path.relative_to(root).parts[:-1]
    return PurePosixPath(*(re.sub(r"(?<=\w=).*", "*", part) for part in parts)).as_posix()


def _ranked(sources: Sequence[Source]) -> list[Source]:
    """Sort sources: those that name a target first; then those under a folder of data; then the larger."""

    def rank(source: Source) -> tuple[bool, bool, int]:
        named = any(column.name.lower() in TARGETS for column in source.columns)
        return (not named, not source.path.startswith("data"), -source.size)

    return sorted(sources, key=rank)


def _train_and_test(ranked: Sequence[Source]) -> tuple[Source, Source | None]:
    """Return the set to use, and its test set where two files of the same columns are named train and test."""
    named = {PurePosixPath(source.path).stem.lower(): source for source in ranked}
    train = named.get("train")
    test = named.get("test")
    if train and test and train.names == test.names:
        return train, test
    return train or ranked[0], None


def _script(root: Path, entries: Sequence[Path], names: Sequence[str]) -> Script | None:
    found = [path for path in entries if path.name in names]
    found.sort(key=lambda path: (len(path.relative_to(root).parts), names.index(path.name)))
    scripts = (read_script(path, path.relative_to(root).as_posix()) for path in found)
    return next((script for script in scripts if script and script.path.isprintable()), None)


def _requirements(root: Path) -> tuple[str | None, str]:
    """Return the requirements file, and why it cannot be used as it is, or nothing."""
    found = sorted(path for path in root.glob("requirements*.txt") if path.is_file() and path.name.isprintable())
    if not found:
        return None, ""
    path = next((path for path in found if path.name == "requirements.txt"), found[0])
    try:
        lines = path.read_text("utf-8").replace("\\\n", " ").splitlines()
    except (OSError, UnicodeDecodeError):
        return path.name, "it is not text in UTF-8"
    for number, line in enumerate(lines, 1):
        plain = re.sub(r"(^|\s)#.*$", "", line)
        plain = re.sub(r"\s--hash=\S+", "", plain).strip()
        if plain.startswith("-"):
            return path.name, f"line {number} is an option, and only names, versions, markers and hashes are allowed"
        try:
            if plain and Requirement(plain).url:
                return path.name, f"line {number} is an address, and only names and versions are allowed"
        except InvalidRequirement:
            return path.name, f"line {number} is no requirement"
    return path.name, ""
