"""Read the history of aliases: what served when, who decided, and on what evidence."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from modelyard.registry.journal import JournalEntry
from modelyard.registry.operations import serving
from modelyard.registry.protocol import Registry, VersionRemoved
from modelyard.registry.reference import check_alias, parse_moment


@dataclass(frozen=True)
class Service:
    """What an alias pointed at at a moment, from the journal alone: its bytes may be gone.

    Attributes:
        alias: the alias.
        entry: the move that made it point there.
        next: the move that ended it; None while it still points there.
        removed: who removed the version and when, as a sentence; empty while it is kept.
    """

    alias: str
    entry: JournalEntry
    next: JournalEntry | None
    removed: str = ""


def moves(registry: Registry, alias: str | None, *, newest: int | None = None) -> Sequence[JournalEntry]:
    """Return the moves of an alias, or of all with what was removed, oldest first; ``newest`` keeps the last ones.

    Raises:
        ConfigError: not the name of an alias.
        PlatformError: the history cannot be read, or was changed.
    """
    if alias is not None:
        return registry.history(check_alias(alias), newest=newest)
    return [entry for entry in registry.entries() if entry.to is not None][-(newest or 0) :]


def served_on(registry: Registry, alias: str, moment: str, now: datetime) -> Service:
    """Return what an alias pointed at at the end of a day or second.

    Raises:
        ConfigError: not a date, not an alias, or nothing served then.
        PlatformError: the history cannot be read, or was changed.
    """
    until = parse_moment(f"{check_alias(alias)}@{moment}", moment)
    entry, later = serving(registry.history(), alias, until, now)
    return Service(alias, entry, later, _removed(registry, entry.to or ""))


def _removed(registry: Registry, name: str) -> str:
    try:
        registry.resolve(name)
    except VersionRemoved as gone:
        return gone.message
    return ""
