"""How versions are named: champion, v7, 7, sha256:…, champion@2026-05-03."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from modelyard.core.errors import ConfigError, nearest

_ALIAS = re.compile(r"[a-z][a-z0-9-]{0,39}")
_NUMBER = re.compile(r"v?([1-9][0-9]{0,14})")
_LIKE_A_NUMBER = re.compile(r"v-?[0-9]+")
_DIGEST = re.compile(r"sha256:[0-9a-f]{12,64}")
_FORMS = "A version is named champion, v7, sha256:<12 or more hex digits>, or champion@2026-05-03."


@dataclass(frozen=True)
class ByNumber:
    """v7."""

    number: int


@dataclass(frozen=True)
class ByDigest:
    """Begins with this model digest."""

    prefix: str


@dataclass(frozen=True)
class ByAlias:
    """What an alias points at now."""

    alias: str


@dataclass(frozen=True)
class ByMoment:
    """What an alias pointed at when the second ``until`` was over."""

    alias: str
    until: datetime


Reference = ByNumber | ByDigest | ByAlias | ByMoment


def parse(text: str) -> Reference:
    """Read a reference.

    Raises:
        ConfigError: it has none of the forms.
    """
    if found := _NUMBER.fullmatch(text):
        return ByNumber(int(found[1]))
    if _DIGEST.fullmatch(text):
        return ByDigest(text)
    alias, at, moment = text.partition("@")
    if _ALIAS.fullmatch(alias) and not _LIKE_A_NUMBER.fullmatch(alias) and (not at or moment):
        return ByMoment(alias, parse_moment(text, moment)) if at else ByAlias(alias)
    raise ConfigError(f"{text[:80]!r} does not name a version", code="input/bad-reference", hint=_FORMS)


def check_alias(alias: str) -> str:
    """Return an alias that may be set.

    Raises:
        ConfigError: it is no alias name, or reads like a version.
    """
    if not _ALIAS.fullmatch(alias):
        raise ConfigError(
            f"invalid alias {alias[:80]!r}",
            code="input/bad-alias",
            hint="Lower-case letters a to z, digits and hyphens, at most 40, beginning with a letter.",
        )
    if _LIKE_A_NUMBER.fullmatch(alias) or alias == "previous":
        raise ConfigError(
            f"an alias cannot be called {alias!r}, which means a version",
            code="input/bad-alias",
            hint="Example: champion.",
        )
    return alias


def parse_moment(text: str, moment: str) -> datetime:
    """Return the last second that a date or a time means.

    Args:
        text: what it is part of, for the message.
        moment: 2026-05-03, which is that day in UTC, or 2026-05-03T12:00:00+00:00.

    Raises:
        ConfigError: neither.
    """
    try:
        found = datetime.fromisoformat(moment)
        if len(moment) == len("2026-05-03"):
            return found.replace(tzinfo=UTC) + timedelta(days=1, seconds=-1)
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ConfigError(
        f"invalid date in {text[:80]!r}",
        code="input/bad-date",
        hint="Write champion@2026-05-03 or champion@2026-05-03T12:00:00+00:00.",
    )


def unknown_number(number: int, known: Sequence[int]) -> ConfigError:
    """Return the error for a number without a version; the nearest that exists is named."""
    if not known:
        return ConfigError(f"there is no version v{number}: nothing was published yet", code="registry/unknown-version")
    close = min(known, key=lambda other: (abs(other - number), other))
    span = f"v{min(known)}" if len(known) == 1 else f"v{min(known)} to v{max(known)}"
    return ConfigError(
        f"there is no version v{number}",
        code="registry/unknown-version",
        hint=f"The nearest is v{close}; there is {span}.",
    )


def unknown_alias(alias: str, known: Iterable[str]) -> ConfigError:
    """Return the error for an alias that points at nothing; the nearest spelling is named."""
    names = sorted(known)
    hint = nearest(alias, names) or (f"Aliases are {', '.join(names)}." if names else "Promote or adopt a model first.")
    return ConfigError(
        f"there is no {alias}: no version was promoted under this name yet", code="registry/unknown-alias", hint=hint
    )


def best_alias(alias: str) -> str:
    """Return the alias of the best version that was promoted under an alias."""
    return "best-promoted" if alias == "champion" else f"best-{alias}"[:40]
