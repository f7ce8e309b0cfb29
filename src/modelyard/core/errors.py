"""What can go wrong, each kind with the exit code it ends the process with.

    ModelyardError
    ├── ConfigError          2   bad input or configuration
    ├── DataError            3   bad data or model
    ├── PlatformError        4   GitHub, registry or disk
    └── (anything else)     70   a fault of ours

A message says what was found, where, what is allowed, and what to do; the class decides nothing but the code.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import ClassVar

OK = 0
NOT_PASSED = 1
INTERNAL = 70
INTERRUPTED = 130


@dataclass(frozen=True)
class Place:
    """Where a mistake stands: a file, and where known the line (1-based) and the key."""

    file: str
    line: int | None = None
    key: str | None = None

    def __str__(self) -> str:
        """``file:line: key``, with the parts that are known."""
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{where}: {self.key}" if self.key else where


class ModelyardError(Exception):
    """An error that the user can fix.

    Args:
        message: What was found, and what is allowed.
        code: What to search for: ``<area>/<kind>`` in kebab case, listed in ``docs/errors.md``.
        hint: What to do about it; may be empty.
        place: Where the mistake stands, where it is known.
    """

    exit_code: ClassVar[int] = INTERNAL

    def __init__(self, message: str, *, code: str = "", hint: str = "", place: Place | None = None) -> None:
        self.message = message
        self.code = code
        self.hint = hint
        self.place = place
        super().__init__(message)

    @property
    def problems(self) -> "tuple[ModelyardError, ...]":
        """Return the mistakes of which this error tells: itself, unless it was collected."""
        return (self,)

    def as_data(self) -> dict[str, str | int | None]:
        """Return the error as plain data: file, line, key, message, code and hint."""
        place = self.place or Place("")
        return {
            "file": place.file or None,
            "line": place.line,
            "key": place.key,
            "message": self.message,
            "code": self.code,
            "hint": self.hint,
        }

    def __str__(self) -> str:
        """Return the place, the message and its code on one line, and the hint on the next."""
        head = f"{self.place}: {self.message}" if self.place else self.message
        if self.code:
            head = f"{head} [{self.code}]"
        return f"{head}\n  hint: {self.hint}" if self.hint else head


class ConfigError(ModelyardError):
    """Bad input or configuration."""

    exit_code = 2


class DataError(ModelyardError):
    """Bad data, a bad model, or a user's command that failed."""

    exit_code = 3


class PlatformError(ModelyardError):
    """GitHub, the registry or the disk would not do it."""

    exit_code = 4


class CollectedConfigError(ConfigError):
    """Several configuration errors found in one pass, shown together."""

    def __init__(self, problems: Sequence[ConfigError]) -> None:
        self._problems = tuple(problems)
        super().__init__("\n".join(map(str, problems)), code="config/several-problems")

    @property
    def problems(self) -> tuple[ConfigError, ...]:
        """Return the errors, in the order in which they are shown."""
        return self._problems

    def __str__(self) -> str:
        """Return every error, one after the other."""
        return self.message


def closest(name: str, known: Iterable[str]) -> str:
    """Return the closest known spelling, or an empty string."""
    close = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return close[0] if close else ""


def such_columns(missing: Sequence[str]) -> str:
    """Return `` (3 such columns)`` for what is said after the first of several, or an empty string."""
    return f" ({len(missing)} such columns)" if len(missing) > 1 else ""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``Did you mean 'x'?`` for the closest known spelling, or an empty string."""
    close = closest(name, known)
    return f"Did you mean {close!r}?" if close else ""
