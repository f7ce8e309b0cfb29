"""One attempt at a case, and what a value of a file says of it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from modelyard.core.documents import shown
from modelyard.core.errors import DataError

_PASSED = frozenset({"pass", "passed", "true", "success", "successful"})
_FAILED = frozenset({"fail", "failed", "false", "failure"})
_NONE = frozenset({"", "error"})


@dataclass(frozen=True)
class Attempt:
    """What a harness found of one case, once.

    Attributes:
        case: what names the case.
        repeat: what tells it from other attempts at the case; empty where the file does not say.
        passed: whether it passed; None where it has only a score, or no outcome.
        score: its score; None where it has none.
        cost: what it cost; None where that is not known.
        tags: by name.
    """

    case: str
    repeat: str = ""
    passed: bool | None = None
    score: float | None = None
    cost: float | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def known(self) -> bool:
        """Whether it has an outcome."""
        return self.passed is not None or self.score is not None


def outcome_of(value: Any, where: str) -> tuple[bool | None, float | None]:
    """Return whether a value says that a case passed, and its score; neither for one that says nothing.

    Args:
        value: a boolean, a number, or a word.
        where: what messages call it.

    Raises:
        DataError: any other value.
    """
    if isinstance(value, str):
        word = value.strip().lower()
        if word in _NONE:
            return None, None
        if word not in _PASSED | _FAILED:
            raise DataError(
                f"{where}: {shown(value)} is no outcome",
                code="outcomes/unknown-outcome",
                hint="Outcomes are true or false, pass or fail, or a number; an attempt without one is empty or error.",
            )
        value = word in _PASSED
    if value is None:
        return None, None
    if isinstance(value, bool):
        return value, float(value)
    number = number_of(value, where)
    return (None if number is None or number not in (0.0, 1.0) else bool(number)), number


def number_of(value: Any, where: str) -> float | None:
    """Return a number; None for NaN and nothing.

    Raises:
        DataError: no number, or an infinite one.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isinf(value):
        raise DataError(
            f"{where}: {shown(value)} is no finite number",
            code="outcomes/not-a-number",
            hint="Scores and costs are finite numbers.",
        )
    return None if math.isnan(value) else float(value)
