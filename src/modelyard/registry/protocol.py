"""What every registry offers: publish, resolve, move an alias by compare-and-swap, fetch, and a history."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from modelyard.core.errors import ConfigError, PlatformError
from modelyard.records.chain import Broken
from modelyard.records.manifest import Content, Manifest
from modelyard.records.results import Decided, Evaluation
from modelyard.registry.journal import JournalEntry, Move


@dataclass(frozen=True)
class Version:
    """A published version."""

    manifest: Manifest
    digest: str
    """Digest of the manifest."""

    @property
    def name(self) -> str:
        """``v7``."""
        return self.manifest.name

    @property
    def number(self) -> int:
        """7."""
        return self.manifest.number


@dataclass(frozen=True)
class Bundle:
    """What is to be published: what is said of the model, and path in the version → the file that has its bytes."""

    content: Content
    files: Mapping[str, Path]


OrphanKind = Literal["temporary", "draft", "unnamed", "removed"]


@dataclass(frozen=True)
class Orphan:
    """Bytes in a registry that no version needs any more, or not yet."""

    name: str
    """Where they are, as the registry knows it."""
    what: OrphanKind
    """removed: of a version whose removal was cut off; the others are what a killed publication left, or one that is
    still going on: files on their way, a draft release, bytes that no version names."""
    size: int
    """Bytes."""
    since: datetime
    """The last sign of life."""


class AliasMoved(PlatformError):  # noqa: N818 - it says what happened
    """Somebody else moved the alias since it was looked at; it was left alone.

    ``published`` is the version that it was to point at, where that was published for the purpose.
    """

    def __init__(self, alias: str, *, seen: str | None, now: str | None, published: str = "") -> None:
        self.alias = alias
        self.seen = seen
        self.now = now
        left = f"{published} stays published, and nothing serves it: `modelyard gc` lists it." if published else ""
        super().__init__(
            f"{alias} was moved in the meantime: it pointed at {seen or 'nothing'}, and now at {now or 'nothing'}",
            code="registry/alias-moved",
            hint=f"{left or 'Nothing was changed.'} To promote, evaluate again{f' against {now}' if now else ''}.",
        )


class DecisionOvertaken(PlatformError):  # noqa: N818 - it says what happened
    """Somebody else decided, or moved an alias, since this decision was prepared; nothing was added."""

    def __init__(self, entry: JournalEntry) -> None:
        self.entry = entry
        super().__init__(
            f"the registry changed in the meantime: entry {entry.seq}, {entry.kind} by {entry.actor} at {entry.at}",
            code="registry/decision-overtaken",
            hint="Nothing was added. Decide again.",
        )


@dataclass(frozen=True)
class Decisions:
    """The newest part of the journal as decisions see it."""

    head: int
    """The newest entry of all."""
    entries: tuple[JournalEntry, ...]
    """Of kind decided, and moves of aliases; newest first."""


class VersionRemoved(ConfigError):  # noqa: N818 - it says what happened
    """The version's bytes were removed; its manifest and its history remain."""

    def __init__(self, entry: JournalEntry) -> None:
        self.entry = entry
        reason = entry.reason or "no reason given"
        super().__init__(
            f"{entry.to} was removed on {entry.at[:10]} by {entry.actor}: {reason}",
            code="registry/version-removed",
            hint=f"Its manifest and its history remain: modelyard show {entry.to}. Name a version that is kept.",
        )


class Registry(Protocol):
    """Versions, aliases and their history of one model."""

    @property
    def kind(self) -> str:
        """local, github or mlflow."""
        ...

    @property
    def model(self) -> str:
        """Name of the model."""
        ...

    @property
    def shares_bytes(self) -> bool:
        """Whether versions share the bytes of equal files, so that only the last of them frees them."""
        ...

    def publish(self, bundle: Bundle) -> Version:
        """Store a version under the next number; it becomes visible last.

        The same model on the same evidence is the same version: it is returned, and not stored again, unless it was
        removed; then it becomes a new version.

        Raises:
            DataError: the bytes are not those that the content or the records speak of, or a file is a link.
            PlatformError: the registry would not take it; its state is as before.
        """
        ...

    def resolve(self, reference: str) -> Version:
        """Return the version that a reference means: champion, v7, 7, sha256:<12 or more hex>, champion@2026-05-03.

        A date is the end of that day in UTC; a time such as champion@2026-05-03T12:00:00+00:00 is that second.

        Raises:
            ConfigError: there is none; the nearest that exists is named.
            VersionRemoved: there was one, and its bytes are gone.
            PlatformError: the registry cannot be read, or was changed by hand.
        """
        ...

    def find(self, alias: str) -> Version | None:
        """Return the version that an alias points at now, if any."""
        ...

    def previous(self, alias: str) -> Version | None:
        """Return the version that an alias pointed at before its last move, if any.

        Raises:
            VersionRemoved: there was one, and its bytes are gone.
        """
        ...

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
        """Move an alias from the version that was seen, and no other, to a version.

        Raises:
            AliasMoved: it points elsewhere by now.
            ConfigError: no such version, not an alias name, or evidence that the version does not carry.
            PlatformError: the registry would not do it.
        """
        ...

    def remove(self, version: str, *, actor: str, reason: str, command: str = "") -> JournalEntry:
        """Remove the bytes of a version that no alias points at; its manifest and its history stay.

        The journal says so first, then the bytes go. What is killed in between is removed already for every reader,
        and the same call, or the next gc, finishes it. A version that was removed before gives the entry of then.

        Args:
            version: a reference that ``resolve`` takes, or the number of a version that was removed before.
            actor: who decided.
            reason: why.
            command: the command that did it.

        Raises:
            ConfigError: no such version, or an alias points at it.
            PlatformError: the registry would not do it.
        """
        ...

    def removed(self) -> tuple[Version, ...]:
        """Return every version whose bytes were removed, oldest first; only its manifest remains."""
        ...

    def history(self, alias: str | None = None, *, newest: int | None = None) -> tuple[JournalEntry, ...]:
        """Return the moves of one alias or of all, oldest first; ``newest`` keeps that many of the last ones."""
        ...

    def decisions(self, *, newest: int = 20, days: int = 60) -> "Decisions":
        """Return what was decided lately, with the moves of aliases in between.

        Args:
            newest: how many entries of decisions are wanted at most, but for those of the last days.
            days: all of these are returned.
        """
        ...

    def decide(self, decided: Decided, *, seen: int | None, actor: str, command: str = "") -> JournalEntry:
        """Add a decision, or what became of one, to the journal.

        Args:
            decided: what is added.
            seen: ``Decisions.head`` on which it was made; None where it does not matter what came since.
            actor: who did it.
            command: the command that did it.

        Raises:
            DecisionOvertaken: another decision was made, or an alias moved, since ``seen``; nothing was added.
            PlatformError: the registry would not take it.
        """
        ...

    def orphans(self) -> tuple[Orphan, ...]:
        """Return bytes that no version needs, young ones too; ``registry.retention`` says which may go."""
        ...

    def discard(self, orphans: Iterable[Orphan]) -> None:
        """Delete orphans; what is gone by now, or was taken up by a version, is passed over.

        Raises:
            PlatformError: the registry would not do it.
        """
        ...

    def append(
        self, *, actor: str, reason: str, command: str = "", evaluation: Evaluation | None = None
    ) -> JournalEntry:
        """Add to the journal what moves nothing: a note, or one look at a test set."""
        ...

    def entries(self) -> tuple[JournalEntry, ...]:
        """Return the whole journal, oldest first, checked link by link against what is stored."""
        ...

    def fetch(self, version: Version, target: Path) -> None:
        """Copy a version's files into a new folder, each checked on the way; it appears whole or not at all.

        Raises:
            VersionRemoved: its bytes are gone.
            PlatformError: a file is missing or damaged, the folder exists already, or the disk would not take it.
        """
        ...

    def read(self, version: Version, path: str) -> bytes:
        """Return one file of a version, checked.

        Raises:
            VersionRemoved: the version's bytes are gone.
            PlatformError: it is not part of the version, missing, or damaged.
        """
        ...

    def damaged(self, version: Version) -> tuple[Broken, ...]:
        """Return files of a version that are missing or not what its manifest says."""
        ...

    def list(self) -> tuple[Version, ...]:
        """Return every version that was not removed, oldest first."""
        ...
