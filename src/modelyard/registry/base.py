"""What every registry does, and the errors that all of them share."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from modelyard.errors import ConfigError, PlatformError, nearest
from modelyard.records.manifest import Manifest
from modelyard.registry.journal import Entry, Kind

ALIAS = re.compile(r"[a-z][a-z0-9-]{0,39}")


@dataclass(frozen=True)
class Version:
    """A published version: its number, which never changes meaning, and its manifest."""

    number: int
    manifest: Manifest

    @property
    def name(self) -> str:
        """``v7``."""
        return f"v{self.number}"


class AliasMovedError(PlatformError):
    """Somebody else moved the alias since it was looked at; nothing was changed."""

    def __init__(self, alias: str, seen: str | None, now: str | None) -> None:
        super().__init__(
            f"{alias} points at {now or 'nothing'} now, not at {seen or 'nothing'} as it did when this was decided",
            do=f"Evaluate again against {now}." if now else "Look at the history and decide again.",
        )


class Registry(Protocol):
    """Versions by content, aliases by compare-and-swap, and a journal of every move."""

    @property
    def kind(self) -> str:
        """local, github or mlflow."""

    def publish(self, manifest: Manifest, files: Mapping[str, Path | bytes]) -> Version:
        """Store a version; it becomes visible last. The same manifest content twice is one version."""

    def versions(self) -> Sequence[int]:
        """Numbers of all versions, ascending."""

    def version(self, number: int) -> Version:
        """One version, its manifest checked."""

    def find(self, alias: str) -> Version | None:
        """What an alias points at."""

    def previous(self, alias: str) -> Version | None:
        """What an alias pointed at before."""

    def set_alias(
        self, alias: str, to: str, *, seen: str | None, actor: str, reason: str, evidence: str, kind: Kind
    ) -> Entry:
        """Move an alias, if it still points at ``seen``."""

    def entries(self) -> Sequence[Entry]:
        """The whole journal, in order, its chain checked."""

    def read(self, version: Version, path: str) -> bytes:
        """One file of a version, its digest checked."""

    def fetch(self, version: Version, target: Path) -> None:
        """All files of a version into a folder that appears whole or not at all."""


def resolve(registry: Registry, reference: str) -> Version:
    """A version by ``v7``, ``7``, an alias, or ``sha256:…`` of its model (at least 12 hex digits).

    Raises:
        ConfigError: nothing of that name; the nearest is named.
    """
    numbers = registry.versions()
    found = re.fullmatch(r"v?(\d{1,9})", reference)
    if found:
        number = int(found[1])
        if number in numbers:
            return registry.version(number)
        known = f"the newest is v{numbers[-1]}" if numbers else "there are no versions yet"
        closest = min(numbers, key=lambda other: abs(other - number)) if numbers else None
        raise ConfigError(
            f"there is no version v{number}; {known}", do=f"The nearest is v{closest}." if closest else "Promote one."
        )
    if re.fullmatch(r"sha256:[0-9a-f]{12,64}", reference):
        matching = [one for one in map(registry.version, numbers) if one.manifest.model_digest.startswith(reference)]
        if matching:
            return matching[-1]
        raise ConfigError(f"no version has the model {reference}", do="`modelyard history` lists what was promoted.")
    check_alias(reference)
    version = registry.find(reference)
    if version is None:
        aliases = sorted({entry.alias for entry in registry.entries()})
        raise ConfigError(
            f"no version or alias is called {reference!r}. {nearest(reference, aliases)}".strip(),
            do="Name a version (v7), an alias, or a model digest.",
        )
    return version


def history(registry: Registry, alias: str | None = None) -> list[Entry]:
    """Every move of an alias, or of all, oldest first."""
    return [entry for entry in registry.entries() if alias is None or entry.alias == alias]


def check_alias(name: str) -> None:
    """Refuse what is no alias.

    Raises:
        ConfigError: anything but lower-case ASCII letters, digits and hyphens, beginning with a letter.
    """
    if not ALIAS.fullmatch(name):
        raise ConfigError(
            f"{name[:60]!r} is no alias", do="Allowed: a-z, 0-9 and hyphens, beginning with a letter, at most 40."
        )
