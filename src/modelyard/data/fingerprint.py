"""Fingerprints of data sets: sha256 per file and per set, and what changed since another fingerprint.

A file is not read again while its status tells that it is the same: the stat cache follows git's rule for its index,
under which a file that was changed shortly before it was read is never trusted.
"""

import json
import re
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from modelyard.core.canonical import digest
from modelyard.core.errors import DataError
from modelyard.core.files import read_json, sha256_file, write_atomic
from modelyard.records.results import DataSet, Partition

_RACY_NS = 2_000_000_000
"""Coarsest clock of a common file system (FAT: 2 s); a later change within it may leave the same status."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|md5:[0-9a-f]{32}")

Status = tuple[int, int, int, int]
"""Size, modification time, change time (both in ns), inode."""


def fingerprint(
    name: str,
    source: str,
    paths: Sequence[Path],
    root: Path,
    *,
    cache: Path | None,
    clock: Callable[[], int] = time.time_ns,
) -> DataSet:
    """Digest every file of a data set and the set.

    Args:
        name: Name of the set.
        source: The set's path or glob, as configured.
        paths: Its files, as ``sources.resolve`` returns them.
        root: Workspace; partitions are named relative to it.
        cache: File that remembers digests between runs; unreadable, it is ignored and written anew.
        clock: Nanoseconds since the epoch, as file times count them.

    Returns:
        The set; its digest is over the sorted list of (path, digest) alone.

    Raises:
        DataError: a file cannot be read, or changes while it is.
        PlatformError: the cache cannot be written.
    """
    memory, top = Memory(cache, clock), root.resolve()
    partitions = []
    for path in paths:
        relative = path.relative_to(top).as_posix()
        found, size = memory.digest(path, relative, relative, sha256_file)
        partitions.append(Partition(path=relative, digest=found, size=size))
    memory.save()
    partitions.sort(key=lambda part: part.path)
    return DataSet(
        name=name,
        source=source,
        digest=digest([[part.path, part.digest] for part in partitions]),
        partitions=tuple(partitions),
    )


class Memory:
    """Digests that are remembered between runs, each by a key, for as long as the file's status says it is the same."""

    def __init__(self, cache: Path | None, clock: Callable[[], int] = time.time_ns) -> None:
        self._cache, self._clock = cache, clock
        self._known = _load(cache)
        self._fresh: dict[str, list[Any]] = {}

    def digest(self, path: Path, name: str, key: str, compute: Callable[[Path], str]) -> tuple[str, int]:
        """Return a file's digest and its size; it is read where nothing is remembered of it.

        Raises:
            DataError: it cannot be read, or changes while it is.
        """
        try:
            status = status_of(path)
            found = _remembered(self._known.get(key), status)
            if found is None:
                started = self._clock()
                found = compute(path)
                if status_of(path) != status:
                    raise DataError(
                        f"{name} changed while it was read",
                        code="data/changed-while-read",
                        hint="Run again once nothing writes to it.",
                    )
                self._fresh[key] = [*status, started, found]
        except OSError as error:
            raise DataError(f"{name} cannot be read: {error.strerror}", code="data/unreadable") from error
        return found, status[0]

    def save(self) -> None:
        """Write what was read anew.

        Raises:
            PlatformError: it cannot be written.
        """
        if self._cache is not None and self._fresh:
            content = {"version": 1, "files": self._known | self._fresh}
            write_atomic(self._cache, json.dumps(content, sort_keys=True).encode())


def compare(now: DataSet, then: DataSet | None) -> DataSet:
    """Return ``now`` with the partitions added, modified and removed since ``then``; None: nothing was there.

    Of these, told apart: a removed and an added one of the same contents are renamed; one is late that was added before
    others that were there, in the order of names; modified ones are reordered where they swapped contents.
    """
    before = {part.path: part.digest for part in then.partitions} if then else {}
    today = {part.path: part.digest for part in now.partitions}
    added = [path for path in today if path not in before]
    modified = tuple(path for path in today if path in before and today[path] != before[path])
    removed = tuple(path for path in before if path not in today)
    left: dict[str, list[str]] = defaultdict(list)
    for path in reversed(removed):
        left[before[path]].append(path)
    renamed = [(left[today[path]].pop(), path) for path in added if left[today[path]]]
    moved = {path for _, path in renamed}
    last = max(before, default="")
    given_up = {before[path] for path in modified}
    return now.model_copy(
        update={
            "added": tuple(added),
            "modified": modified,
            "removed": removed,
            "renamed": tuple(renamed),
            "late": tuple(path for path in added if path < last and path not in moved),
            "reordered": tuple(path for path in modified if today[path] in given_up),
        }
    )


def status_of(path: Path) -> Status:
    """Return what tells that a file is the same."""
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


def _load(cache: Path | None) -> dict[str, list[Any]]:
    if cache is None:
        return {}
    try:
        content = read_json(cache)
    except (OSError, ValueError, RecursionError):
        return {}
    files = content.get("files") if isinstance(content, dict) and content.get("version") == 1 else None
    if not isinstance(files, dict):
        return {}
    return {path: entry for path, entry in files.items() if _is_entry(entry)}


def _is_entry(entry: object) -> bool:
    return (
        isinstance(entry, list)
        and len(entry) == 6
        and all(type(number) is int for number in entry[:5])
        and isinstance(entry[5], str)
        and _DIGEST.fullmatch(entry[5]) is not None
    )


def _remembered(entry: list[Any] | None, status: Status) -> str | None:
    """Return the digest in a cache entry, if the status is the one it was read under and was old enough by then."""
    return None if entry is None or not unchanged(entry[:4], entry[4], status) else str(entry[5])


def unchanged(then: Sequence[int], read: int, now: Status) -> bool:
    """Say whether a file is what it was when it was read: its status is the same, and was old enough by then.

    Args:
        then: its status before it was read.
        read: when that was, in nanoseconds since the epoch.
        now: its status today.
    """
    return tuple(then) == now and max(now[1], now[2]) + _RACY_NS < read
