"""What every registry does alike: which manifest a bundle makes, how an alias may move, and what a reference means."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from modelyard.core.errors import ConfigError, DataError, PlatformError
from modelyard.records.chain import verify_carried
from modelyard.records.manifest import NO_EVIDENCE, Content, FileEntry, Manifest, why
from modelyard.records.results import Decided, Evaluation
from modelyard.registry import reference as ref
from modelyard.registry.journal import JournalEntry, Kind, Move, State, format_time, one_line
from modelyard.registry.protocol import AliasMoved, DecisionOvertaken, Version, VersionRemoved
from modelyard.registry.records import records_of

_MADE = "Run `modelyard run`, and promote what it made."


def manifest_of(
    content: Content, files: Sequence[FileEntry], number: int, now: datetime, read: Callable[[FileEntry], bytes]
) -> Manifest:
    """Return the manifest of bytes that are at hand, where they and the content agree.

    Raises:
        DataError: they do not.
    """
    try:
        manifest = Manifest(
            **content.model_dump(),
            number=number,
            created=format_time(now),
            size=sum(file.size for file in files),
            files=tuple(files),
        )
    except ValueError as error:
        raise DataError(
            f"this cannot be published: {why(error)}", code="registry/not-publishable", hint=_MADE
        ) from error
    if broken := verify_carried(manifest, records_of(manifest, read)):
        raise DataError(f"this cannot be published: {broken[0]}", code="registry/not-publishable", hint=_MADE)
    return manifest


def move(
    state: State,
    alias: str,
    target: Version,
    *,
    seen: str | None,
    kind: Move,
    evidence: str,
    now: datetime,
    by: dict[str, str],
) -> JournalEntry:
    """Return the next entry of a journal, which moves an alias from the version that was seen.

    Raises:
        AliasMoved: it points elsewhere by now.
        ConfigError: adopting where there is one already, or the version was removed since it was looked at.
    """
    if state.is_removed(target.number):
        raise ConfigError(
            f"{target.name} was removed in the meantime", code="registry/removed", hint="Name a version that is kept."
        )
    found = state.aliases.get(alias)
    if kind == "adopted" and found is not None and seen is None:
        raise ConfigError(
            f"{alias} points at {found} already",
            code="registry/alias-exists",
            hint="Adopt a model where there is none yet, or in the place of the one that was seen there.",
        )
    if found != seen:
        raise AliasMoved(alias, seen=seen, now=found)
    return JournalEntry(
        seq=state.head + 1,
        previous=state.head_digest,
        kind=kind,
        at=format_time(now),
        alias=alias,
        from_=seen,
        to=target.name,
        to_digest=target.digest,
        evidence=evidence,
        **by,
    )


def removal(state: State, target: Version, *, now: datetime, by: dict[str, str]) -> JournalEntry:
    """Return the next entry of a journal, which says that a version's bytes go.

    Raises:
        ConfigError: an alias points at it.
    """
    pointing = sorted(alias for alias, name in state.aliases.items() if name == target.name)
    if pointing:
        raise ConfigError(
            f"{target.name} cannot be removed: {' and '.join(pointing)} {'point' if pointing[1:] else 'points'} at it",
            code="registry/version-in-use",
            hint="Promote another version, or roll back, first.",
        )
    return JournalEntry(
        seq=state.head + 1,
        previous=state.head_digest,
        kind="removed",
        at=format_time(now),
        to=target.name,
        to_digest=target.digest,
        **by,
    )


def removed_error(name: str, entries: Iterable[JournalEntry]) -> VersionRemoved:
    """Return what to say of a version that the state calls removed.

    Raises:
        PlatformError: no entry says so.
    """
    for entry in entries:
        if entry.kind == "removed" and entry.to == name:
            return VersionRemoved(entry)
    raise PlatformError(f"{name} is called removed, and no entry of the journal says so", code="registry/broken-state")


def note(state: State, *, now: datetime, by: dict[str, str], evaluation: Evaluation | None = None) -> JournalEntry:
    """Return the next entry of a journal, which moves nothing."""
    kind: Kind = "note" if evaluation is None else "evaluated"
    return JournalEntry(
        seq=state.head + 1,
        previous=state.head_digest,
        kind=kind,
        at=format_time(now),
        evaluation=evaluation,
        **by,
    )


def decision(
    state: State,
    entries: Iterable[JournalEntry],
    decided: Decided,
    *,
    seen: int | None,
    now: datetime,
    by: dict[str, str],
) -> JournalEntry:
    """Return the next entry of a journal, which holds a decision.

    Args:
        state: what the journal adds up to.
        entries: the journal, newest first.
        decided: the decision.
        seen: the newest entry that it was made on, if that matters.
        now: today.
        by: who, why and how.

    Raises:
        DecisionOvertaken: an alias moved, or something was decided, since.
    """
    if seen is not None:
        for entry in entries:
            if entry.seq <= seen:
                break
            if entry.kind == "decided" or entry.alias is not None:
                raise DecisionOvertaken(entry)
    return JournalEntry(
        seq=state.head + 1,
        previous=state.head_digest,
        kind="decided",
        at=format_time(now),
        decided=decided,
        **by,
    )


def attribution(actor: str, reason: str, command: str) -> dict[str, str]:
    """Return who, why and how, as the journal takes them.

    Raises:
        ConfigError: too long, or control characters.
    """
    pairs = (("actor", actor), ("reason", reason), ("command", command))
    return {name: one_line(text, name) for name, text in pairs}


def refuse_unfounded(target: Version, *, evidence: str, kind: Move) -> None:
    """Refuse a promotion on other evidence than its version carries, and an adoption on any.

    Raises:
        ConfigError: it does not.
    """
    carried = target.manifest.evidence
    if kind == "promoted" and evidence == NO_EVIDENCE:
        raise ConfigError(
            f"{target.name} would be promoted without evidence",
            code="registry/no-evidence",
            hint="Evaluate it first, or adopt it.",
        )
    if kind == "adopted" and evidence != NO_EVIDENCE:
        raise ConfigError(
            "a model that is adopted has no evidence", code="registry/unexpected-evidence", hint="Promote it instead."
        )
    if kind != "rolled-back" and evidence != carried:
        raise ConfigError(
            f"{target.name} stands on the evidence {carried}, not on {evidence}",
            code="registry/other-evidence",
            hint="Evaluate again, and promote what that run evaluated.",
        )


def served(entries: Iterable[JournalEntry], alias: str, until: datetime, now: datetime, known: Iterable[str]) -> str:
    """Return the version that an alias pointed at at a moment.

    Args:
        entries: newest first.
        alias: which.
        until: the moment.
        now: today.
        known: all aliases, for the nearest spelling.

    Raises:
        ConfigError: the future, or before its first move.
    """
    if until.date() > now.date():
        raise ConfigError(f"{until:%Y-%m-%d} lies in the future", code="input/future-date")
    first: JournalEntry | None = None
    for entry in entries:
        if entry.alias == alias and entry.to is not None:
            if entry.time <= until:
                return entry.to
            first = entry
    if first is None:
        raise ref.unknown_alias(alias, known)
    raise ConfigError(
        f"there was no {alias} on {until:%Y-%m-%d}",
        code="registry/unknown-alias",
        hint=f"The first was {first.to}, at {first.at}.",
    )


def serving(
    entries: Sequence[JournalEntry], alias: str, until: datetime, now: datetime
) -> tuple[JournalEntry, JournalEntry | None]:
    """Return the move that made an alias point where it did at a moment, and the one that ended it.

    Args:
        entries: oldest first.
        alias: which.
        until: the moment.
        now: today.

    Raises:
        ConfigError: the future, or before its first move.
    """
    own = [entry for entry in entries if entry.alias == alias]
    served(reversed(own), alias, until, now, {entry.alias for entry in entries if entry.alias})
    at = max(at for at, entry in enumerate(own) if entry.time <= until)
    return own[at], own[at + 1] if at + 1 < len(own) else None


def one_of(prefix: str, found: Sequence[tuple[int, str]], numbers: Sequence[int]) -> int:
    """Return the newest version with one model digest that begins so.

    Args:
        prefix: ``sha256:`` and 12 hex digits or more.
        found: number and model digest of the versions that fit.
        numbers: of all versions, ascending.

    Raises:
        ConfigError: none, or several models.
    """
    digests = sorted({digest for _, digest in found})
    if len(digests) > 1:
        raise ConfigError(
            f"{len(digests)} model digests begin with {prefix}",
            code="registry/ambiguous-digest",
            hint=f"Write more of it: {', '.join(digests)}",
        )
    if not found:
        newest = f"The newest version is v{numbers[-1]}." if numbers else "Nothing was published yet."
        raise ConfigError(
            f"no version has a model digest that begins with {prefix}", code="registry/unknown-version", hint=newest
        )
    return max(number for number, _ in found)
