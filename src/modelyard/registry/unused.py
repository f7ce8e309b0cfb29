"""Which blobs of a local registry no version uses any more."""

from collections import Counter
from collections.abc import Callable

from modelyard.registry.versions import Versions


class Uses:
    """How many versions use each blob; manifests never change, so each is read once.

    A manifest that cannot be read raises, so that nothing is taken for unused that only looks so.
    """

    def __init__(self, versions: Versions) -> None:
        self._versions = versions
        self._digests: dict[int, frozenset[str]] = {}
        self._counted: set[int] = set()
        self._count: Counter[str] = Counter()

    def load(self, is_removed: Callable[[int], bool]) -> None:
        """Look at the versions as they are now; the caller holds the lock, so that none is being published.

        Raises:
            PlatformError: a manifest cannot be read, or was changed.
        """
        kept = {number for number in self._versions.numbers() if not is_removed(number)}
        for number in kept - self._counted:
            self._count.update(self.of(number))
        for number in self._counted - kept:
            self._count.subtract(self.of(number))
        self._counted = kept

    def of(self, number: int) -> frozenset[str]:
        """The digests of a version's files."""
        if number not in self._digests:
            manifest = self._versions.load(number).manifest
            self._digests[number] = frozenset(file.digest for file in manifest.files)
        return self._digests[number]

    def used(self, digest: str) -> bool:
        """Whether a version that is kept uses this blob."""
        return self._count[digest] > 0
