"""The local registry: blobs, versions and journal in ``.modelyard/registry/<model>/``, and nothing half written."""

import shutil
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from modelyard.core.errors import PlatformError
from modelyard.core.files import disk_errors, self_ignoring, sync_folder
from modelyard.records.chain import Broken
from modelyard.records.manifest import FileEntry
from modelyard.registry import operations
from modelyard.registry.base import RegistryBase, View
from modelyard.registry.blobs import RESTORE, Blobs
from modelyard.registry.journal import JournalEntry, State
from modelyard.registry.local.journal_files import JournalFiles
from modelyard.registry.local.orphans import Uses, find_orphans
from modelyard.registry.local.versions import Versions
from modelyard.registry.protocol import Bundle, Orphan, Version

_ATTEMPTS = 1000
"""Lost races in a row before giving up; each one means that somebody else got through."""


@dataclass(frozen=True)
class LocalView(View):
    """The journal's state at one moment, and the versions in the folder."""

    state: State
    files: JournalFiles
    versions: Versions

    @property
    def journal(self) -> State:
        """What the journal adds up to."""
        return self.state

    def numbers(self) -> Sequence[int]:
        """Return the number of every version."""
        return self.versions.numbers()

    def has(self, number: int) -> bool:
        """Return whether there is such a version."""
        return self.versions.has(number)

    def load(self, number: int) -> Version:
        """Return a version."""
        return self.versions.load(number)

    def newest_first(self) -> Iterator[JournalEntry]:
        """Iterate over the journal, newest entry first."""
        return self.files.newest_first(state=self.state)

    def with_model(self, prefix: str) -> list[tuple[int, str]]:
        """Return number and model digest of the versions whose model digest begins so, by the index."""
        return [(each.number, each.manifest.model_digest) for each in self.versions.with_model(prefix)]


class LocalRegistry(RegistryBase[LocalView]):
    """The versions, aliases and history of one model in a folder.

    Args:
        state: the ``.modelyard`` folder; it is created, ignoring itself in git, by the first write.
        model: name of the model.
        now: the clock.
        patience: seconds to wait for another process that is publishing or removing.
    """

    kind = "local"
    shares_bytes = True
    restore_hint = RESTORE

    def __init__(
        self,
        state: Path,
        model: str,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        patience: float = 600,
    ) -> None:
        self.folder = state / "registry" / model
        super().__init__(model, self.folder / "tmp", now)
        self._state_folder = state
        self._blobs = Blobs(self.folder / "blobs", self._scratch)
        self._versions = Versions(self.folder, model)
        self._journal = JournalFiles(self.folder)
        self._uses = Uses(self._versions)
        self._patience = patience

    def _view(self) -> LocalView:
        return LocalView(self._journal.state(), self._journal, self._versions)

    def _put(self, bundle: Bundle) -> Version:
        with self._alone():
            files = tuple(self._blobs.add(path, source) for path, source in sorted(bundle.files.items()))
            while True:
                number = max(self._versions.numbers(), default=0) + 1
                manifest = operations.manifest_of(bundle.content, files, number, self._now(), self._blobs.read)
                removed = self._journal.state().is_removed
                for known in self._versions.with_model(manifest.model_digest):
                    if known.manifest.identity == manifest.identity and not removed(known.number):
                        return known
                if version := self._versions.add(manifest):
                    self._put_back(version, bundle)
                    return version

    def _put_back(self, version: Version, bundle: Bundle) -> None:
        """Store again what a gc on another machine took, where a shared folder's locks do not reach the other."""
        for file in version.manifest.files:
            if not self._blobs.present(file):
                self._blobs.add(file.path, bundle.files[file.path])

    def _get(self, view: LocalView, version: Version, file: FileEntry, target: Path) -> None:  # noqa: ARG002 - unused
        try:
            self._blobs.copy_out(file, target)
        except PlatformError:
            self._view().refuse_removed(version.number)  # it may have been removed while it was copied
            raise

    def _read(self, view: LocalView, version: Version, file: FileEntry) -> bytes:  # noqa: ARG002 - unused
        return self._blobs.read(file)

    def remove(self, version: str, *, actor: str, reason: str, command: str = "") -> JournalEntry:
        """Remove a version's bytes, but not what another version uses."""
        with self._alone():
            self._uses.load(self._journal.state().is_removed)  # what cannot be read stops it before the journal
            return super().remove(version, actor=actor, reason=reason, command=command)

    def _drop(self, number: int) -> None:
        """Remove the blobs that only this version used; the lock is held, and the journal calls it removed."""
        self._uses.load(self._journal.state().is_removed)
        for digest in self._uses.of(number):
            if not self._uses.used(digest):
                self._blobs.drop(digest)

    def orphans(self) -> tuple[Orphan, ...]:
        """Return bytes that no version uses."""
        self._uses.load(self._journal.state().is_removed)
        return tuple(find_orphans(self.folder, self._blobs, self._uses))

    def discard(self, orphans: Iterable[Orphan]) -> None:
        """Delete what no version uses."""
        names = {orphan.name for orphan in orphans}
        if not names:
            return
        with self._alone():
            for orphan in self.orphans():  # looked for again, now that the lock is held
                if orphan.name in names:
                    with disk_errors(self.folder / orphan.name), suppress(FileNotFoundError):
                        (self.folder / orphan.name).unlink()

    def entries(self) -> tuple[JournalEntry, ...]:
        """Return the whole journal, oldest first, each entry read from its own file and checked."""
        return tuple(self._journal.newest_first(packs=False))[::-1]

    def damaged(self, version: Version) -> tuple[Broken, ...]:
        """Return the files of a version that are missing or not what its manifest says."""
        problems = [(file, self._blobs.check(file)) for file in version.manifest.files]
        return tuple(Broken(f"{version.name} {file.path}", problem) for file, problem in problems if problem)

    def _require_present(self, version: Version) -> None:
        """Refuse a version of which a blob is gone or cut."""
        for file in version.manifest.files:
            if not self._blobs.present(file):
                raise PlatformError(
                    f"{file.path} of {version.name} is gone from the registry",
                    code="registry/file-missing",
                    hint=RESTORE,
                )

    def _append(self, follow: Callable[[LocalView], JournalEntry]) -> JournalEntry:
        self._prepare()
        for _ in range(_ATTEMPTS):
            view = self._view()
            entry = follow(view)
            if self._journal.append(entry, view.journal):
                return entry
        raise PlatformError(
            f"the journal of {self.model} is being written without pause",
            code="registry/busy",
            hint="Run again later.",
        )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Take the lock: nothing is published twice, or removed while it is published.

        The lock is the kernel's (flock), so it dies with its holder, and over NFS it is the server's. Files that are
        locks by being there are not used instead: whoever is killed would leave one behind.
        """
        from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

        self._prepare()
        lock: BaseFileLock = FileLock(self.folder / "publish.lock", timeout=self._patience)
        with disk_errors(self.folder), warnings.catch_warnings(action="ignore"):
            try:
                lock.acquire()
            except Timeout as error:
                raise PlatformError(
                    f"another process has been publishing or removing versions of {self.model} "
                    f"for {self._patience:g} seconds",
                    code="registry/locked",
                    hint="Wait for it to end, then run again.",
                ) from error
        try:
            if isinstance(lock, SoftFileLock):  # what filelock turns into where there is no flock
                raise PlatformError(
                    f"the file system of {self.folder} has no locks, so nothing can be published there safely",
                    code="registry/no-locks",
                    hint="Mount it with locks (NFS: without nolock), or put the registry's folder on another disk.",
                )
            shutil.rmtree(self._scratch, ignore_errors=True)  # what a killed publication left
            yield
        finally:
            lock.release()

    def _prepare(self) -> None:
        self_ignoring(self._state_folder)
        with disk_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            sync_folder(self.folder.parent)
