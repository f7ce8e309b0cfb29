"""What a local registry's folder holds that no version uses: blobs, and files that killed processes were writing."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from modelyard.registry.blobs import Blobs, reading
from modelyard.registry.local.versions import Versions
from modelyard.registry.protocol import Orphan, OrphanKind


class Uses:
    """How many versions use each blob; manifests never change, so each is read once.

    A manifest that cannot be read raises, so that nothing is taken for unused that only looks so.
    """

    def __init__(self, versions: Versions) -> None:
        self._versions = versions
        self._digests: dict[int, frozenset[str]] = {}
        self._counted: set[int] = set()
        self._removed: set[int] = set()
        self._count: Counter[str] = Counter()

    def load(self, is_removed: Callable[[int], bool]) -> None:
        """Look at the versions as they are now; who is going to delete holds the lock, so that none is being published.

        Raises:
            PlatformError: a manifest cannot be read, or was changed.
        """
        numbers = set(self._versions.numbers())
        kept = {number for number in numbers if not is_removed(number)}
        for number in kept - self._counted:
            self._count.update(self.of(number))
        for number in self._counted - kept:
            self._count.subtract(self.of(number))
        self._counted, self._removed = kept, numbers - kept

    def of(self, number: int) -> frozenset[str]:
        """Return the digests of a version's files."""
        if number not in self._digests:
            manifest = self._versions.load(number).manifest
            self._digests[number] = frozenset(file.digest for file in manifest.files)
        return self._digests[number]

    def used(self, digest: str) -> bool:
        """Return whether a version that is kept uses this blob."""
        return self._count[digest] > 0

    def of_removed(self) -> frozenset[str]:
        """Return the digests of every removed version's files."""
        return frozenset().union(*(self.of(number) for number in self._removed))


def find_orphans(folder: Path, blobs: Blobs, uses: Uses) -> Iterator[Orphan]:
    """Return everything in a registry's folder that no version uses; ``uses`` is loaded.

    Raises:
        PlatformError: the folder cannot be read.
    """
    removed = uses.of_removed()
    for path in _files(blobs.folder):
        digest = f"sha256:{path.name}"
        if not uses.used(digest) and path == blobs.path(digest):
            yield _orphan(folder, path, "removed" if digest in removed else "unnamed")
    for path in _files(blobs.temporary):
        yield _orphan(folder, path, "temporary")
    for place in (folder, folder / "journal", folder / "packs", folder / "versions"):
        for path in _files(place, deep=False):
            # What is being written has such a name until it is whole; .nfs… are open files that a server keeps.
            if path.name.startswith(".") and not path.name.startswith(".nfs"):
                yield _orphan(folder, path, "temporary")


def _files(folder: Path, *, deep: bool = True) -> Iterator[Path]:
    with reading(folder):
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except FileNotFoundError:
            return
    for entry in entries:
        if entry.is_file(follow_symlinks=False):
            yield Path(entry)
        elif deep and entry.is_dir(follow_symlinks=False):
            yield from _files(Path(entry))


def _orphan(folder: Path, path: Path, what: OrphanKind) -> Orphan:
    with reading(path):
        found = path.lstat()
    since = datetime.fromtimestamp(found.st_mtime, UTC)
    return Orphan(path.relative_to(folder).as_posix(), what, found.st_size, since)
