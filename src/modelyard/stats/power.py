"""What a test set can see, and how many more units would decide."""

import math
from dataclasses import dataclass

Z_BOTH = 1.960 + 0.842
"""Two-sided 5 % and 80 % power."""
NOT_REALISTIC = 20
"""Times today's units above which no number is named."""


@dataclass(frozen=True)
class Needed:
    """Units that would decide if today's estimate held, and which way; or why there is no number."""

    units: int | None
    direction: str = ""
    reason: str = ""


def smallest_visible_difference(standard_error: float) -> float:
    """The true difference that such a test set calls with 80 % power."""
    return Z_BOTH * standard_error


def units_to_decide(estimate: float, bound: float, standard_error: float, n: int, *, minimum: int = 0) -> Needed:
    """Units at which an interval about today's estimate no longer holds the bound; above the bound passes.

    Args:
        estimate: today's.
        bound: what it is decided against.
        standard_error: today's.
        n: today's units.
        minimum: units below which nothing is decided.
    """
    gap = abs(estimate - bound)
    needed = math.inf if gap == 0 else n * (1.960 * standard_error / gap) ** 2
    if needed > NOT_REALISTIC * n:
        return Needed(None, reason="no realistic number")
    return Needed(max(minimum, math.ceil(needed)), "pass" if estimate > bound else "fail")
