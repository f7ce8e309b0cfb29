"""What gc may remove, and what keeps each version: one pure function of versions, journal, policy and time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import MappingProxyType
from typing import Literal

from modelyard.registry.journal import JournalEntry
from modelyard.registry.protocol import Orphan, Version

APPROVAL = timedelta(days=30)
"""How long a promotion may wait for an approval after the evaluation that it stands on."""
STALE = timedelta(days=1)
"""How long what no version names may be part of something that is still going on."""

Rule = Literal["alias", "previous", "served", "approval"]


@dataclass(frozen=True)
class Policy:
    """How much of the history keeps its bytes: the last versions that served, and all that served in the last days."""

    versions: int
    days: int


@dataclass(frozen=True)
class Reason:
    """One rule that keeps a version, and how it applies."""

    rule: Rule
    said: str


@dataclass(frozen=True)
class Kept:
    """A version that stays, and everything that keeps it."""

    version: Version
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Removable:
    """A version that nothing keeps, and what is known of it."""

    version: Version
    said: str


@dataclass(frozen=True)
class Plan:
    """What would stay and what would go."""

    kept: tuple[Kept, ...]
    remove: tuple[Removable, ...]
    discard: tuple[Orphan, ...]
    wait: tuple[Orphan, ...]
    """Orphans that are too young: they may belong to something that is still going on."""
    freed: int
    """Bytes that removing and discarding would free."""


@dataclass(frozen=True)
class _Service:
    """A span of time in which an alias pointed at a version; ``until`` is None while it still does."""

    alias: str
    version: str
    since: datetime
    until: datetime | None
    seq: int


def plan(
    versions: Sequence[Version],
    entries: Sequence[JournalEntry],
    orphans: Iterable[Orphan],
    policy: Policy,
    now: datetime,
    *,
    shared: bool,
    proposed: Mapping[str, str] = MappingProxyType({}),
) -> Plan:
    """Decide what gc removes.

    A version stays while an alias points at it or pointed at it before its last move; while it is one of the last
    ``policy.versions`` that served, or served within ``policy.days``; while an evaluation of the last 30 days may need
    it, since a promotion may wait that long for its approval: it was published, was looked at, or was what challengers
    were compared with in that time; and while a pull request proposes it, which may wait longer. Moments that lie in
    the future count as now, so that a clock that is wrong keeps more, not less.

    Args:
        versions: those that were not removed.
        entries: the whole journal, oldest first.
        orphans: bytes that no version names.
        policy: how much history keeps its bytes.
        now: the moment that spans are counted back from.
        shared: versions share the bytes of equal files, so that only what the last of them used is freed.
        proposed: version to where a promotion by pull request names it.
    """
    reasons: dict[str, list[Reason]] = {version.name: [] for version in versions}
    services = _services(entries)
    _by_aliases(reasons, services)
    _by_history(reasons, services, policy, now)
    _by_approvals(reasons, versions, services, entries, now)
    for name, said in proposed.items():
        _note(reasons, name, Reason("approval", said))
    kept = tuple(Kept(version, tuple(reasons[version.name])) for version in versions if reasons[version.name])
    gone = [version for version in versions if not reasons[version.name]]
    last = {service.version: service for service in services}
    remove = tuple(Removable(version, _known_of(version, last.get(version.name))) for version in gone)
    found = sorted(orphans, key=lambda orphan: orphan.name)
    discard = tuple(each for each in found if each.what == "removed" or now - each.since > STALE)
    wait = tuple(each for each in found if each not in discard)
    freed = _freed(gone, [each.version for each in kept], shared=shared) + sum(each.size for each in discard)
    return Plan(kept, remove, discard, wait, freed)


def _services(entries: Sequence[JournalEntry]) -> list[_Service]:
    """Return every span, ordered by the move that began it."""
    moves: dict[str, list[JournalEntry]] = {}
    for entry in entries:
        if entry.alias is not None:
            moves.setdefault(entry.alias, []).append(entry)
    found = []
    for alias, own in moves.items():
        ends = [*(later.time for _, later in pairwise(own)), None]
        found += [
            _Service(alias, entry.to or "", entry.time, until, entry.seq)
            for entry, until in zip(own, ends, strict=True)
        ]
    return sorted(found, key=lambda service: service.seq)


def _by_aliases(reasons: Mapping[str, list[Reason]], services: Sequence[_Service]) -> None:
    spans: dict[str, list[_Service]] = {}
    for service in services:
        spans.setdefault(service.alias, []).append(service)
    for alias, own in sorted(spans.items()):
        _note(reasons, own[-1].version, Reason("alias", f"{alias} points at it"))
        if own[1:] and own[-2].version != own[-1].version:
            _note(reasons, own[-2].version, Reason("previous", f"{alias} pointed at it before"))


def _by_history(
    reasons: Mapping[str, list[Reason]], services: Sequence[_Service], policy: Policy, now: datetime
) -> None:
    newest_first = list(dict.fromkeys(service.version for service in reversed(services)))
    within = {each.version for each in services if each.until and _ago(each.until, now) < timedelta(days=policy.days)}
    for at, name in enumerate(newest_first):
        if at < policy.versions:
            said = "the last version that served" if at == 0 else f"one of the last {policy.versions} that served"
            _note(reasons, name, Reason("served", said))
        elif name in within:
            _note(reasons, name, Reason("served", f"served within the last {policy.days} days"))


def _by_approvals(
    reasons: Mapping[str, list[Reason]],
    versions: Sequence[Version],
    services: Sequence[_Service],
    entries: Sequence[JournalEntry],
    now: datetime,
) -> None:
    looked_at = {entry.evaluation.model for entry in entries if entry.evaluation and _ago(entry.time, now) <= APPROVAL}
    compared = {each.version for each in services if each.until and _ago(each.until, now) <= APPROVAL}
    wait = f"an approval may wait {APPROVAL.days} days"
    for version in versions:
        created = datetime.fromisoformat(version.manifest.created)
        if _ago(created, now) <= APPROVAL:
            said = f"published {_days(_ago(created, now))} ago, and {wait}"
        elif version.manifest.model_digest in looked_at:
            said = f"evaluated within {APPROVAL.days} days, and {wait}"
        elif version.name in compared:
            said = f"challengers were compared with it within {APPROVAL.days} days, and {wait}"
        else:
            continue
        _note(reasons, version.name, Reason("approval", said))


def _note(reasons: Mapping[str, list[Reason]], name: str, reason: Reason) -> None:
    if name in reasons:
        reasons[name].append(reason)


def _known_of(version: Version, service: _Service | None) -> str:
    if service is None:
        return f"published on {version.manifest.created[:10]}, never served"
    return f"last served as {service.alias}, until {service.until:%Y-%m-%d}"


def _freed(gone: Sequence[Version], kept: Sequence[Version], *, shared: bool) -> int:
    if not shared:
        return sum(version.manifest.size for version in gone)
    needed = {file.digest for version in kept for file in version.manifest.files}
    sizes = {file.digest: file.size for version in gone for file in version.manifest.files}
    return sum(size for digest, size in sizes.items() if digest not in needed)


def _ago(moment: datetime, now: datetime) -> timedelta:
    """Return how long ago; nothing for what lies in the future."""
    return max(timedelta(0), now - moment.astimezone(UTC))


def _days(span: timedelta) -> str:
    return f"{span.days} day{'' if span.days == 1 else 's'}"
