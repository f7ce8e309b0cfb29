"""What a format of outcomes is: it reads a file into attempts."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from modelyard.core.errors import ConfigError, DataError, nearest
from modelyard.core.vocabulary import OutcomeFormat
from modelyard.evaluation.outcomes.attempts import Attempt

LARGEST = 1 << 30
"""Bytes of a file."""


@dataclass(frozen=True)
class Ask:
    """What is to be read of a file; see ``config.sections.outcomes``."""

    case: str = ""
    outcome: str = ""
    repeat: str = ""
    cost: str = ""
    tags: tuple[str, ...] = ()
    only: Mapping[str, str] = field(default_factory=dict)


class Format(ABC):
    """One way to write outcomes."""

    name: ClassVar[OutcomeFormat]
    suffixes: ClassVar[tuple[str, ...]] = ()
    """Of the files that are read so where no format is named."""
    takes: ClassVar[tuple[str, ...]] = ()
    """Which of ``case``, ``outcome``, ``repeat`` and ``cost`` may be named."""
    selects: ClassVar[tuple[str, ...]] = ()
    """What ``only`` may name."""

    @abstractmethod
    def read(self, path: Path, ask: Ask, where: str) -> list[Attempt]:
        """Read a file.

        Args:
            path: the file.
            ask: what of it.
            where: what messages call it.

        Raises:
            DataError: it is not such a file, or says something that is no outcome.
        """


def text_of(path: Path, where: str) -> str:
    """Return the text of a file.

    Raises:
        DataError: missing, too large, or not UTF-8.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise DataError(f"{where}: larger than 1 GiB", code="outcomes/unreadable", hint="Split the run.")
        return path.read_text("utf-8-sig")
    except FileNotFoundError as error:
        raise DataError(
            f"{where}: no such file", code="outcomes/no-file", hint="Run the harness first, and name what it wrote."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{where}: cannot be read as UTF-8 text", code="outcomes/unreadable", hint="Name the file of results."
        ) from error


def json_of(path: Path, where: str) -> dict[str, Any]:
    """Return a file of one JSON object.

    Raises:
        DataError: it is none.
    """
    try:
        found = json.loads(text_of(path, where))
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{where}: not JSON, or cut short", code="outcomes/unreadable", hint="Write the results again."
        ) from error
    if not isinstance(found, dict):
        raise other_shape(where, "a JSON object")
    return found


def rows_of(found: Any, where: str, what: str) -> list[dict[str, Any]]:
    """Return a list of JSON objects.

    Raises:
        DataError: something else.
    """
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise other_shape(where, what)
    return found


def other_shape(where: str, what: str) -> DataError:
    """Return the error of a file in which something is not where its format has it."""
    return DataError(
        f"{where}: there is not {what} where this format has it",
        code="outcomes/other-format",
        hint="Name the format that the file is written in: format: table, promptfoo, deepeval, inspect or junit.",
    )


def chosen(known: Iterable[str], asked: str, key: str, where: str) -> str:
    """Return the one of several that is meant; empty where there is nothing to choose from.

    Raises:
        ConfigError: several and none is named, or none has this name.
    """
    names = list(dict.fromkeys(known))
    if asked and asked not in names:
        raise ConfigError(
            f"{where}: there is no {key} {asked!r}",
            code="outcomes/unknown-selection",
            hint=nearest(asked, names) or f"There are {', '.join(map(repr, names[:10])) or 'none'}.",
        )
    if not asked and len(names) > 1:
        raise ConfigError(
            f"{where}: results of {len(names)} {key}s, and only one can be judged: {', '.join(map(repr, names[:10]))}",
            code="outcomes/several-results",
            hint=f"Choose one: only: {{{key}: {names[0]}}}.",
        )
    return asked or (names[0] if names else "")


def fingerprint(value: Any) -> str:
    """Return 12 hexadecimal digits that name a case by what it asks."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def at(found: Any, path: str) -> Any:
    """Return what stands at a dotted path; None where nothing does."""
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def tags_of(sources: Sequence[Any], names: Iterable[str]) -> dict[str, str]:
    """Return the tags of an attempt, each from the first source that has it."""
    found: dict[str, str] = {}
    for name in names:
        value = next((each[name] for each in sources if isinstance(each, dict) and each.get(name) is not None), None)
        if value is not None:
            found[name] = str(value)
    return found


def numbered(attempts: Sequence[Attempt]) -> list[Attempt]:
    """Return attempts of which one case may come several times, numbered in the order of the file."""
    seen: Counter[str] = Counter()
    found = []
    for each in attempts:
        seen[each.case] += 1
        found.append(replace(each, repeat=str(seen[each.case])))
    return found
