"""Complete partitions: those of a writer that is done, and those that a killed process left."""

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from modelyard.core import platforms
from modelyard.core.errors import ConfigError, DataError, nearest
from modelyard.core.files import disk_errors, sync_folder
from modelyard.log.schema import FORMATS, OPEN, PARTITION

_CHUNK = 1 << 16


@dataclass(frozen=True)
class Tidied:
    """What became of the partitions of a log that had no writer any more.

    Attributes:
        completed: how many are complete now.
        empty: how many held no whole line and were removed.
        torn_lines: last lines that were not whole, and were cut off.
        busy: how many are left because a process still writes to them, wrote a short while ago, or may do so for all
            that can be told: where the file system has no locks.
        damaged: how many are left because they could not be written anew in the format.
    """

    completed: int
    empty: int
    torn_lines: int
    busy: int
    damaged: int


def complete(path: Path, format_: str) -> None:
    """Give an open partition its final name and format, whole or not at all.

    Raises:
        OSError: the disk would not take it; the partition stays as it is.
        PlatformError: the same.
        DataError: its lines cannot be written in that format.
    """
    final = path.with_name(f"{path.name.removesuffix(OPEN)}.{format_}")
    if format_ == "jsonl":
        path.rename(final)
    else:
        from modelyard.log.partitions import convert

        convert(path, final)
    sync_folder(path.parent)


def tidy(folder: str | Path, *, format: str = "jsonl", idle: timedelta = timedelta(hours=1)) -> Tidied:  # noqa: A002 - as of Writer
    """Complete what killed processes left in a log: ``.open`` partitions without a writer, and half-made files.

    A writer holds a lock on its partition, and the end of its process ends that, however it comes. Several may tidy a
    log at once, and others may read it or write to it.

    Args:
        folder: of the log.
        format: of the complete partitions, as of ``Writer``.
        idle: how long nothing must have been written to a partition, for file systems whose locks another machine does
            not see.

    Returns:
        What was done.

    Raises:
        ConfigError: an unknown format.
        DataError: no such folder.
        PlatformError: the disk would not take it; nothing is lost.
    """
    if format not in FORMATS:
        raise ConfigError(
            f"unknown format {format!r}; allowed: {', '.join(FORMATS)}",
            code="log/unknown-format",
            hint=nearest(str(format), FORMATS),
        )
    home = Path(folder)
    if not home.is_dir():
        raise DataError(
            f"{home!s:.200} is not a folder of a log",
            code="log/no-folder",
            hint="Name the folder that Writer wrote to.",
        )
    counts = dict.fromkeys(("completed", "empty", "torn_lines", "busy", "damaged"), 0)
    before = time.time() - idle.total_seconds()
    with disk_errors(home):
        for path in sorted(home.iterdir()):
            if path.name.endswith(OPEN) and PARTITION.fullmatch(path.name):
                with suppress(FileNotFoundError):  # another was faster
                    for name, count in _one(path, format, before).items():
                        counts[name] += count
            elif path.name.startswith(".") and PARTITION.match(path.name[1:]):
                with suppress(FileNotFoundError):
                    if path.stat().st_mtime < before:
                        path.unlink()
    return Tidied(**counts)


def _one(path: Path, format_: str, before: float) -> dict[str, int]:
    descriptor = os.open(path, os.O_RDWR | platforms.BINARY)
    try:
        status = os.fstat(descriptor)
        if status.st_mtime > before or not platforms.try_lock(descriptor):
            return {"busy": 1}
        if not os.path.samestat(os.fstat(descriptor), path.stat()):
            return {}
        stem = path.name.removesuffix(OPEN)
        if any(path.with_name(f"{stem}.{each}").exists() for each in FORMATS):
            path.unlink()  # killed between writing it anew and removing this one
            return {"completed": 1}
        size, whole = status.st_size, _whole(descriptor, status.st_size)
        os.ftruncate(descriptor, whole)
        torn = int(whole < size)
        if not whole:
            path.unlink()
            return {"empty": 1, "torn_lines": torn}
        os.fsync(descriptor)
        try:
            complete(path, format_)
        except DataError:
            return {"damaged": 1, "torn_lines": torn}
        return {"completed": 1, "torn_lines": torn}
    finally:
        os.close(descriptor)


def _whole(descriptor: int, size: int) -> int:
    """Return how many bytes the whole lines are."""
    end = size
    while end > 0:
        begin = max(0, end - _CHUNK)
        at = os.pread(descriptor, end - begin, begin).rfind(b"\n")
        if at >= 0:
            return begin + at + 1
        end = begin
    return 0
