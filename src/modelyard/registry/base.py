"""What all registries share: a kind adds a view of its state and a few primitives, and is a whole registry.

A kind implements ``_view`` (what the registry says now), ``_append`` (compare-and-swap of the journal), ``_put`` and
``_get`` (bytes in and out), ``_drop``, ``entries``, ``orphans`` and ``discard``. Everything else is written here once.
"""

import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

from modelyard.core.errors import DataError, PlatformError
from modelyard.core.files import disk_errors
from modelyard.records.chain import Broken
from modelyard.records.manifest import FileEntry
from modelyard.records.results import Decided, Evaluation
from modelyard.registry import operations
from modelyard.registry import reference as ref
from modelyard.registry.journal import JournalEntry, Move, State
from modelyard.registry.protocol import Bundle, Decisions, Orphan, Version, VersionRemoved


class View(ABC):
    """A registry at one moment."""

    @property
    @abstractmethod
    def journal(self) -> State:
        """What the journal adds up to."""

    @abstractmethod
    def numbers(self) -> Sequence[int]:
        """Return the number of every version, removed ones too, ascending."""

    @abstractmethod
    def load(self, number: int) -> Version:
        """Return a version that there is, whether or not its bytes were removed.

        Raises:
            PlatformError: its manifest cannot be read, or was changed.
        """

    @abstractmethod
    def newest_first(self) -> Iterator[JournalEntry]:
        """Iterate over the journal, newest entry first, each checked.

        Raises:
            PlatformError: an entry is missing or was changed.
        """

    def has(self, number: int) -> bool:
        """Return whether there is such a version."""
        return number in self.numbers()

    def with_model(self, prefix: str) -> list[tuple[int, str]]:
        """Return number and model digest of the versions whose model digest begins so."""
        pairs = ((number, self.load(number).manifest.model_digest) for number in self.numbers())
        return [(number, digest) for number, digest in pairs if digest.startswith(prefix)]

    def kept_numbers(self) -> list[int]:
        """Return the number of every version that was not removed, ascending."""
        return [number for number in self.numbers() if not self.journal.is_removed(number)]

    def refuse_removed(self, number: int) -> None:
        """Refuse a version whose bytes were removed.

        Raises:
            VersionRemoved: they were.
        """
        if self.journal.is_removed(number):
            raise operations.removed_error(f"v{number}", self.newest_first())

    def kept(self, number: int) -> Version:
        """Return a version that was not removed.

        Raises:
            ConfigError: there is no such version; the nearest that exists is named.
            VersionRemoved: its bytes were removed.
        """
        if not self.has(number):
            raise ref.unknown_number(number, self.numbers())
        self.refuse_removed(number)
        return self.load(number)


@contextmanager
def working_folder(scratch: Path) -> Iterator[Path]:
    """Make a folder for one operation, gone with it."""
    with disk_errors(scratch):
        scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        yield Path(folder)


V = TypeVar("V", bound=View)


class RegistryBase(ABC, Generic[V]):
    """The versions, aliases and history of one model; see ``protocol.Registry`` for what each method promises."""

    kind: ClassVar[str]
    shares_bytes: ClassVar[bool] = False
    restore_hint: ClassVar[str] = ""
    """What to do where something that must be there is gone."""

    def __init__(self, model: str, scratch: Path, now: Callable[[], datetime]) -> None:
        self.model = model
        self._scratch = scratch
        self._now = now

    # what a kind implements

    @abstractmethod
    def _view(self) -> V:
        """Return the registry as it is now."""

    @abstractmethod
    def _append(self, follow: Callable[[V], JournalEntry]) -> JournalEntry:
        """Add to the journal the entry that follows a view; ask again after a lost race. ``follow`` may raise."""

    @abstractmethod
    def _put(self, bundle: Bundle) -> Version:
        """Store a version under the next number, visible last, or return the same one that is there already."""

    @abstractmethod
    def _get(self, view: V, version: Version, file: FileEntry, target: Path) -> None:
        """Write one file of a version to a new place, checked."""

    @abstractmethod
    def _drop(self, number: int) -> None:
        """Delete the bytes of a version that the journal calls removed; doing it twice is the same as once."""

    @abstractmethod
    def entries(self) -> tuple[JournalEntry, ...]:
        """Return the whole journal, oldest first, each entry read again and checked."""

    @abstractmethod
    def orphans(self) -> tuple[Orphan, ...]:
        """Return bytes that no version needs."""

    @abstractmethod
    def discard(self, orphans: Iterable[Orphan]) -> None:
        """Delete orphans."""

    # what a kind may refine

    def _view_of(self, alias: str) -> V:  # noqa: ARG002 - for kinds that show aliases in a second place
        """Return the registry as it is now, for a question about where an alias points."""
        return self._view()

    def _moved(self, alias: str) -> None:
        """Show an alias that was moved where else a kind shows it."""

    def _get_all(self, view: V, version: Version, home: Path) -> None:
        """Write every file of a version below a new folder, each checked."""
        for file in version.manifest.files:
            self._get(view, version, file, home / file.path)

    def _read(self, view: V, version: Version, file: FileEntry) -> bytes:
        """Return one file of a version, checked."""
        with working_folder(self._scratch) as folder:
            self._get(view, version, file, folder / "file")
            return (folder / "file").read_bytes()

    def _require_present(self, version: Version) -> None:
        """Refuse to point an alias at a version of which something is gone, as far as a look without reading tells."""

    # what all kinds share

    def publish(self, bundle: Bundle) -> Version:
        """Store a version; it becomes visible last."""
        if bundle.content.model != self.model:
            raise DataError(
                f"a version of {bundle.content.model} cannot be published as one of {self.model}",
                code="registry/wrong-model",
            )
        return self._put(bundle)

    def resolve(self, reference: str) -> Version:
        """Return the version that a reference means."""
        match ref.parse(reference):
            case ref.ByNumber(number):
                return self._view().kept(number)
            case ref.ByDigest(prefix):
                view = self._view()
                found = view.with_model(prefix)
                kept = [pair for pair in found if not view.journal.is_removed(pair[0])]
                return view.kept(operations.one_of(prefix, kept or found, [] if found else view.numbers()))
            case ref.ByAlias(alias):
                view = self._view_of(alias)
                if alias not in view.journal.aliases:
                    raise ref.unknown_alias(alias, view.journal.aliases)
                return self._promised(view, view.journal.aliases[alias])
            case ref.ByMoment(alias, until):
                view = self._view()
                name = operations.served(view.newest_first(), alias, until, self._now(), view.journal.aliases)
                return self._promised(view, name)

    def find(self, alias: str) -> Version | None:
        """Return the version that an alias points at now, if any."""
        view = self._view_of(alias)
        name = view.journal.aliases.get(alias)
        return None if name is None else self._promised(view, name)

    def previous(self, alias: str) -> Version | None:
        """Return the version that an alias pointed at before its last move, if any."""
        view = self._view()
        name = view.journal.previous.get(alias)
        return None if name is None else self._promised(view, name)

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
        """Move an alias by compare-and-swap."""
        ref.check_alias(alias)
        target = self.resolve(version)
        operations.refuse_unfounded(target, evidence=evidence, kind=kind)
        self._require_present(target)
        by = operations.attribution(actor, reason, command)
        entry = self._append(
            lambda view: operations.move(
                view.journal, alias, target, seen=seen, kind=kind, evidence=evidence, now=self._now(), by=by
            )
        )
        self._moved(alias)
        return entry

    def remove(self, version: str, *, actor: str, reason: str, command: str = "") -> JournalEntry:
        """Remove a version's bytes: the journal says so first, then they go."""
        by = operations.attribution(actor, reason, command)

        def follow(view: V) -> JournalEntry:
            view.refuse_removed(target.number)  # by somebody else, since it was looked at
            return operations.removal(view.journal, target, now=self._now(), by=by)

        try:
            target = self.resolve(version)
            entry = self._append(follow)
        except VersionRemoved as before:
            entry = before.entry
        self._drop(int((entry.to or "v0").removeprefix("v")))
        return entry

    def append(
        self, *, actor: str, reason: str, command: str = "", evaluation: Evaluation | None = None
    ) -> JournalEntry:
        """Add a note, or one evaluation on a test set, to the journal."""
        by = operations.attribution(actor, reason, command)
        return self._append(lambda view: operations.note(view.journal, now=self._now(), by=by, evaluation=evaluation))

    def decisions(self, *, newest: int = 20, days: int = 60) -> Decisions:
        """Return what was decided lately, with the moves of aliases in between."""
        view, since, found, known = self._view(), self._now() - timedelta(days=days), [], 0
        for entry in view.newest_first():
            if known >= newest and entry.time < since:
                break
            if entry.kind == "decided" or entry.alias is not None:
                found.append(entry)
                known += entry.kind == "decided"
        return Decisions(view.journal.head, tuple(found))

    def decide(self, decided: Decided, *, seen: int | None, actor: str, command: str = "") -> JournalEntry:
        """Add a decision, or what became of one, to the journal."""
        reason = f"{decided.decision.action}: {decided.decision.reason.code}, {decided.state}"
        by = operations.attribution(actor, reason, command)
        return self._append(
            lambda view: operations.decision(
                view.journal, view.newest_first(), decided, seen=seen, now=self._now(), by=by
            )
        )

    def list(self) -> tuple[Version, ...]:
        """Return every version that was not removed, oldest first."""
        view = self._view()
        return tuple(view.load(number) for number in view.kept_numbers())

    def removed(self) -> tuple[Version, ...]:
        """Return every version whose bytes were removed, oldest first."""
        view = self._view()
        return tuple(view.load(number) for number in view.numbers() if view.journal.is_removed(number))

    def history(self, alias: str | None = None, *, newest: int | None = None) -> tuple[JournalEntry, ...]:
        """Return the moves of one alias or of all, oldest first."""
        moves = (entry for entry in self._view().newest_first() if entry.alias and alias in (None, entry.alias))
        return tuple(islice(moves, newest))[::-1]

    def fetch(self, version: Version, target: Path) -> None:
        """Copy a version's files into a new folder, whole or not at all."""
        if target.exists() or target.is_symlink():
            raise PlatformError(
                f"{target} is there already", code="disk/exists", hint="Name a folder that does not exist yet."
            )
        view = self._view()
        view.refuse_removed(version.number)
        with disk_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            home = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
        try:
            self._get_all(view, version, home)
            with disk_errors(target):
                home.chmod(0o755)
                home.rename(target)
        finally:
            shutil.rmtree(home, ignore_errors=True)

    def read(self, version: Version, path: str) -> bytes:
        """Return one file of a version, checked."""
        view = self._view()
        view.refuse_removed(version.number)
        for file in version.manifest.files:
            if file.path == path:
                return self._read(view, version, file)
        raise PlatformError(f"{version.name} has no file {path!r}", code="registry/unknown-file")

    def damaged(self, version: Version) -> tuple[Broken, ...]:
        """Return the files of a version that are missing or not what its manifest says."""
        broken = []
        for file in version.manifest.files:
            try:
                self.read(version, file.path)
            except PlatformError as error:
                broken.append(Broken(f"{version.name} {file.path}", error.message))
        return tuple(broken)

    def _promised(self, view: V, name: str) -> Version:
        """Return a version that the journal speaks of: where it is gone, that is damage and not a typing mistake."""
        number = int(name.removeprefix("v"))
        if not view.has(number):
            raise PlatformError(
                f"the journal names {name}, which is gone from the registry",
                code="registry/version-missing",
                hint=self.restore_hint,
            )
        return view.kept(number)
