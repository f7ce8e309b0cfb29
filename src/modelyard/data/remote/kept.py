"""Objects kept here by their contents: fetched once, checked while they come in, and remembered by their metadata."""

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelyard.core.canonical import digest
from modelyard.core.errors import DataError
from modelyard.core.files import disk_errors, read_json, sha256_file, write_atomic
from modelyard.data.remote import failures
from modelyard.data.remote.objects import Object, Store
from modelyard.data.source import Location
from modelyard.records.results import Partition

AT_ONCE = 8
"""Objects that are fetched at the same time."""
LARGEST = 256 << 30
"""Bytes that one data set may have."""
_SPARE = 256 << 20
"""Bytes that stay free on the disk."""
_WEEK = 7 * 24 * 3600.0


@dataclass
class Kept:
    """What is kept of one place, under ``.modelyard/remote``.

    Attributes:
        location: the data set.
        store: where its objects are.
        folder: where they are kept.
    """

    location: Location
    store: Store
    folder: Path

    def remembered(self) -> dict[str, Partition]:
        """Return what was seen of this place's objects when their contents were read, by key."""
        return _load(self._memory)

    def remember(self, partitions: Iterable[Partition]) -> None:
        """Add what was seen; what was known of other keys stays."""
        known = _load(self._memory) | {part.path: part for part in partitions}
        kept = {key: part.model_dump(mode="json", exclude_none=True) for key, part in known.items()}
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomic(self._memory, json.dumps({"version": 1, "objects": kept}, sort_keys=True).encode())

    @property
    def _memory(self) -> Path:
        endpoints = {name: value for name, value in os.environ.items() if "ENDPOINT" in name or "BASE_URL" in name}
        return self.folder / f"seen-{digest([self.store.place, endpoints])[7:23]}.json"

    def fetch(self, wanted: Iterable[Object]) -> dict[str, str]:
        """Fetch objects, several at a time; return key to digest.

        Raises:
            DataError: an object changed meanwhile, or broke off.
            PlatformError: the store or the disk would not do it, or there is no room.
        """
        objects = list(wanted)
        if not objects:
            return {}
        self._refuse_too_much(objects)
        with disk_errors(self.folder), ThreadPoolExecutor(min(AT_ONCE, len(objects))) as pool:
            (self.folder / "objects").mkdir(parents=True, exist_ok=True)
            found = list(pool.map(self._fetch, objects))
        return {each.key: own for each, own in zip(objects, found, strict=True)}

    def _refuse_too_much(self, objects: Iterable[Object]) -> None:
        size = sum(each.size or 0 for each in objects)
        if size > LARGEST:
            raise failures.too_large(self.location, size, LARGEST)
        free = shutil.disk_usage(self.location.root).free - _SPARE
        if size > free:
            raise failures.too_large(self.location, size, max(free, 0), free=True)

    def _fetch(self, wanted: Object) -> str:
        """Fetch one object into a file named by its contents; no more comes in than was announced."""
        own, got = hashlib.sha256(), 0
        handle, name = tempfile.mkstemp(dir=self.folder / "objects", prefix=".part-")
        part = Path(name)
        try:
            with os.fdopen(handle, "wb") as out, self.store.read(wanted) as reading:
                if not reading.object.is_same_answer(wanted):
                    raise failures.changed_while_read(self.location, wanted.key)
                size = reading.object.size if wanted.size is None else wanted.size
                for data in reading.parts:
                    own.update(data)
                    got += len(data)
                    if got > (LARGEST if size is None else size):
                        raise failures.changed_while_read(self.location, wanted.key)
                    with disk_errors(part):
                        out.write(data)
            if size is not None and got < size:
                raise failures.truncated(self.location, wanted.key, f"after {got:,} of {size:,} bytes")
            if not got:
                raise DataError(
                    f"{self.location.key}: {wanted.key} is empty (0 bytes)",
                    code="data/empty-file",
                    hint="Make the file again, or leave it out.",
                )
            part.replace(self._path(f"sha256:{own.hexdigest()}"))
        finally:
            part.unlink(missing_ok=True)
        return f"sha256:{own.hexdigest()}"

    def _path(self, own: str) -> Path:
        return self.folder / "objects" / own.removeprefix("sha256:")

    def size_of(self, own: str) -> int:
        """Return the size of contents that are here."""
        return self._path(own).stat().st_size

    def holds(self, part: Partition) -> bool:
        """Return whether an object's contents are here, whole."""
        path = self._path(part.digest)
        if not path.is_file() or path.is_symlink() or path.stat().st_size != part.size:
            return False
        return sha256_file(path) == part.digest

    def view(self, partitions: Mapping[str, Partition]) -> Path:
        """Return a folder in which each of these objects, which are held, is a file at the path that its key is."""
        name = digest([self.store.place, sorted((key, part.digest) for key, part in partitions.items())])[7:23]
        view = self.folder / "views" / name
        with disk_errors(view):
            for key, part in partitions.items():
                _put(self._path(part.digest), view / key)
            os.utime(view)  # it was used
            self._forget_old(view)
        return view

    def _forget_old(self, used: Path) -> None:
        """Remove what no run has asked for in a week: folders of files, and contents that are in none of them."""
        before = time.time() - _WEEK
        for view in (self.folder / "views").iterdir():
            if view != used and view.stat().st_mtime < before:
                shutil.rmtree(view, ignore_errors=True)
        for path in (self.folder / "objects").iterdir():
            known = path.stat()
            if known.st_nlink == 1 and known.st_ctime < before:
                path.unlink(missing_ok=True)


def _put(kept: Path, path: Path) -> None:
    """Make a file be these contents; one that is them already stays, since another process may read it."""
    if path.exists() and path.samefile(kept):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    os.close(handle)
    part = Path(name)
    part.unlink()
    try:
        os.link(kept, part)
    except OSError:  # a file system without links
        shutil.copyfile(kept, part)
    part.replace(path)


def _load(path: Path) -> dict[str, Partition]:
    try:
        content: Any = read_json(path, limit=256 << 20)
        found = content["objects"] if content.get("version") == 1 else {}
        return {key: Partition.model_validate(part) for key, part in found.items()}
    except (OSError, ValueError, KeyError, AttributeError, RecursionError):
        return {}
