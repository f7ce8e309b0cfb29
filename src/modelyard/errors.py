"""What can go wrong, each kind with the exit code it ends the process with.

    ModelyardError
    ├── ConfigError          2   bad input or configuration
    ├── DataError            3   bad data or model
    ├── PlatformError        4   GitHub, registry or disk
    └── (anything else)     70   a fault of ours

A message says what was found, where, what is allowed, and what to do; the class decides nothing but the code.
"""

from collections.abc import Iterable
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
    """A fault that the user can mend. ``found`` is the message; ``do`` says what to do about it."""

    exit_code: ClassVar[int] = INTERNAL

    def __init__(self, found: str, *, do: str = "", place: Place | None = None) -> None:
        self.found = found
        self.do = do
        self.place = place
        super().__init__(found)

    def __str__(self) -> str:
        """The place, what was found, and what to do, on one line each."""
        head = f"{self.place}: {self.found}" if self.place else self.found
        return f"{head}\n  {self.do}" if self.do else head


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

    def __init__(self, problems: list[ConfigError]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


def nearest(name: str, known: Iterable[str]) -> str:
    """``Did you mean 'x'?`` for the closest known spelling, or an empty string."""
    close = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"Did you mean {close[0]!r}?" if close else ""
