"""The local registry: blobs, versions and journal in ``.modelyard/registry/<model>/``, and nothing half written."""

import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from modelyard.core.errors import DataError, PlatformError
from modelyard.core.files import disk_errors, self_ignoring, sync_folder
from modelyard.records.chain import Broken
from modelyard.records.results import Evaluation
from modelyard.registry import operations
from modelyard.registry import reference as ref
from modelyard.registry.blobs import RESTORE, Blobs
from modelyard.registry.journal import JournalEntry, Move, State
from modelyard.registry.local.journal_files import JournalFiles
from modelyard.registry.local.orphans import Uses, find_orphans
from modelyard.registry.local.versions import Versions
from modelyard.registry.protocol import Bundle, Orphan, Version, VersionRemoved

_ATTEMPTS = 1000
"""Lost races in a row before giving up; each one means that somebody else got through."""


class LocalRegistry:
    """The versions, aliases and history of one model in a folder.

    Args:
        state: the ``.modelyard`` folder; it is created, ignoring itself in git, by the first write.
        model: name of the model.
        now: the clock.
        patience: seconds to wait for another process that is publishing or removing.
    """

    kind = "local"

    def __init__(
        self,
        state: Path,
        model: str,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        patience: float = 600,
    ) -> None:
        self.model = model
        self.folder = state / "registry" / model
        self._state_folder = state
        self._temporary = self.folder / "tmp"
        self._blobs = Blobs(self.folder / "blobs", self._temporary)
        self._versions = Versions(self.folder, model)
        self._journal = JournalFiles(self.folder)
        self._uses = Uses(self._versions)
        self._now = now
        self._patience = patience

    def publish(self, bundle: Bundle) -> Version:
        """Store a version; it becomes visible last. See ``Registry.publish``."""
        if bundle.content.model != self.model:
            raise DataError(f"a version of {bundle.content.model} cannot be published as one of {self.model}")
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

    def resolve(self, reference: str) -> Version:
        """The version that a reference means. See ``Registry.resolve``."""
        match ref.parse(reference):
            case ref.ByNumber(number):
                return self._kept(number)
            case ref.ByDigest(prefix):
                return self._by_digest(prefix)
            case ref.ByAlias(alias):
                aliases = self._journal.state().aliases
                if alias not in aliases:
                    raise ref.unknown_alias(alias, aliases)
                return self._promised(aliases[alias])
            case ref.ByMoment(alias, until):
                return self._promised(self._served(alias, until))

    def find(self, alias: str) -> Version | None:
        """The version that an alias points at now, if any."""
        name = self._journal.state().aliases.get(alias)
        return None if name is None else self._promised(name)

    def previous(self, alias: str) -> Version | None:
        """The version that an alias pointed at before its last move, if any."""
        name = self._journal.state().previous.get(alias)
        return None if name is None else self._promised(name)

    def set_alias(
        self,
        alias: str,
        version: str,
        *,
        seen: str | None,
        actor: str,
        reason: str,
        evidence: str,
        kind: Move,
        command: str = "",
    ) -> JournalEntry:
        """Move an alias by compare-and-swap. See ``Registry.set_alias``."""
        ref.check_alias(alias)
        target = self.resolve(version)
        operations.refuse_unfounded(target, evidence=evidence, kind=kind)
        self._refuse_incomplete(target)
        told = operations.said(actor, reason, command)
        return self._append(
            lambda state: operations.move(
                state, alias, target, seen=seen, kind=kind, evidence=evidence, now=self._now(), said=told
            )
        )

    def remove(self, version: str, *, actor: str, reason: str, command: str = "") -> JournalEntry:
        """Remove a version's bytes, but not what another version uses. See ``Registry.remove``."""
        told = operations.said(actor, reason, command)
        with self._alone():
            try:
                target = self.resolve(version)
            except VersionRemoved as before:
                entry, number = before.entry, int((before.entry.to or "v0")[1:])
            else:
                self._uses.load(self._journal.state().is_removed)  # what cannot be read stops it before the journal
                entry = self._append(lambda state: operations.removal(state, target, now=self._now(), said=told))
                number = target.number
            self._drop(number)
        return entry

    def removed(self) -> tuple[Version, ...]:
        """Every version whose bytes were removed, oldest first."""
        removed = self._journal.state().is_removed
        return tuple(self._versions.load(number) for number in self._versions.numbers() if removed(number))

    def orphans(self) -> tuple[Orphan, ...]:
        """Bytes that no version uses. See ``Registry.orphans``."""
        self._uses.load(self._journal.state().is_removed)
        return tuple(find_orphans(self.folder, self._blobs, self._uses))

    def discard(self, orphans: Iterable[Orphan]) -> None:
        """Delete what no version uses. See ``Registry.discard``."""
        names = {orphan.name for orphan in orphans}
        if not names:
            return
        with self._alone():
            self._uses.load(self._journal.state().is_removed)
            for found in find_orphans(self.folder, self._blobs, self._uses):  # looked at again, now that it is ours
                if found.name in names:
                    with disk_errors(self.folder / found.name), suppress(FileNotFoundError):
                        (self.folder / found.name).unlink()

    def append(
        self, *, actor: str, reason: str, command: str = "", evaluation: Evaluation | None = None
    ) -> JournalEntry:
        """Add a note, or one look at a test set, to the journal."""
        told = operations.said(actor, reason, command)
        return self._append(lambda state: operations.note(state, now=self._now(), said=told, evaluation=evaluation))

    def history(self, alias: str | None = None, *, newest: int | None = None) -> tuple[JournalEntry, ...]:
        """The moves of one alias or of all, oldest first. See ``Registry.history``."""
        found: list[JournalEntry] = []
        for entry in self._journal.newest_first():
            if newest is not None and len(found) >= newest:
                break
            if entry.alias is not None and alias in (None, entry.alias):
                found.append(entry)
        return tuple(reversed(found))

    def entries(self) -> tuple[JournalEntry, ...]:
        """The whole journal, oldest first, each entry read from its own file and checked."""
        return tuple(self._journal.newest_first(packs=False))[::-1]

    def fetch(self, version: Version, target: Path) -> None:
        """Copy a version's files into a new folder, whole or not at all. See ``Registry.fetch``."""
        if target.exists() or target.is_symlink():
            raise PlatformError(f"{target} is there already", hint="Name a folder that does not exist yet.")
        self._refuse_removed(version)
        with disk_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            home = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
        try:
            for file in version.manifest.files:
                self._blobs.copy_out(file, home / file.path)
            with disk_errors(target):
                home.chmod(0o755)
                home.rename(target)
        except PlatformError:
            self._refuse_removed(version)  # it may have been removed while it was copied
            raise
        finally:
            shutil.rmtree(home, ignore_errors=True)

    def read(self, version: Version, path: str) -> bytes:
        """One file of a version, checked."""
        self._refuse_removed(version)
        for file in version.manifest.files:
            if file.path == path:
                return self._blobs.read(file)
        raise PlatformError(f"{version.name} has no file {path!r}")

    def damaged(self, version: Version) -> tuple[Broken, ...]:
        """Files of a version that are missing or not what its manifest says."""
        problems = [(file, self._blobs.check(file)) for file in version.manifest.files]
        return tuple(Broken(f"{version.name} {file.path}", problem) for file, problem in problems if problem)

    def list(self) -> tuple[Version, ...]:
        """Every version that was not removed, oldest first."""
        removed = self._journal.state().is_removed
        return tuple(self._versions.load(number) for number in self._versions.numbers() if not removed(number))

    def _promised(self, name: str) -> Version:
        """A version that the journal speaks of, so that its absence is damage and not a typing mistake."""
        number = int(name.removeprefix("v"))
        if not self._versions.has(number):
            raise PlatformError(f"the journal names {name}, which is gone from the registry", hint=RESTORE)
        return self._kept(number)

    def _kept(self, number: int) -> Version:
        if not self._versions.has(number):
            raise ref.unknown_number(number, self._versions.numbers())
        version = self._versions.load(number)
        self._refuse_removed(version)
        return version

    def _by_digest(self, prefix: str) -> Version:
        removed = self._journal.state().is_removed
        found = [(version.number, version.manifest.model_digest) for version in self._versions.with_model(prefix)]
        kept = [pair for pair in found if not removed(pair[0])]
        return self._kept(operations.one_of(prefix, kept or found, [] if found else self._versions.numbers()))

    def _put_back(self, version: Version, bundle: Bundle) -> None:
        """What a gc on another machine took, where a shared folder's locks do not reach from one to the other."""
        for file in version.manifest.files:
            if not self._blobs.present(file):
                self._blobs.add(file.path, bundle.files[file.path])

    def _refuse_removed(self, version: Version) -> None:
        if self._journal.state().is_removed(version.number):
            raise operations.removed_error(version.name, self._journal.newest_first())

    def _drop(self, number: int) -> None:
        """Remove the blobs that only this version used; the lock is held, and the journal calls it removed."""
        self._uses.load(self._journal.state().is_removed)
        for digest in self._uses.of(number):
            if not self._uses.used(digest):
                self._blobs.drop(digest)

    def _served(self, alias: str, until: datetime) -> str:
        aliases = self._journal.state().aliases
        return operations.served(self._journal.newest_first(), alias, until, self._now(), aliases)

    def _refuse_incomplete(self, target: Version) -> None:
        gone = [file.path for file in target.manifest.files if not self._blobs.present(file)]
        if gone:
            raise PlatformError(f"{gone[0]} of {target.name} is gone from the registry", hint=RESTORE)

    def _append(self, follow: Callable[[State], JournalEntry]) -> JournalEntry:
        self._prepare()
        for _ in range(_ATTEMPTS):
            state = self._journal.state()
            entry = follow(state)
            if self._journal.append(entry, state):
                return entry
        raise PlatformError(f"the journal of {self.model} is being written without pause", hint="Run again later.")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One publication or removal at a time, so that nothing is published twice, or removed while it is published.

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
                    hint="Wait for it to end, then run again.",
                ) from error
        try:
            if isinstance(lock, SoftFileLock):  # what filelock turns into where there is no flock
                raise PlatformError(
                    f"the file system of {self.folder} has no locks, so nothing can be published there safely",
                    hint="Mount it with locks (NFS: without nolock), or put the registry's folder on another disk.",
                )
            shutil.rmtree(self._temporary, ignore_errors=True)  # what a killed publication left
            yield
        finally:
            lock.release()

    def _prepare(self) -> None:
        self_ignoring(self._state_folder)
        with disk_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            sync_folder(self.folder.parent)
