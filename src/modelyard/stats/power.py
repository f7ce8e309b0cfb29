"""What a test set can see, and how many more units would decide."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import betaincinv
from scipy.stats import binom

from modelyard.stats.interval import z_value
from modelyard.stats.proportions import tango

Z_POWER = 0.842
"""Of 80 % power."""
Z_BOTH = 1.960 + Z_POWER
"""Two-sided 5 % and 80 % power."""
NOT_REALISTIC = 20
"""Times today's units above which no number is named."""


@dataclass(frozen=True)
class Needed:
    """Units that decide a true value like today's four times in five, and which way; or that no number is realistic.

    ``if_held``: the units at which today's estimate would decide if it were seen again, which it is half the time.
    """

    units: int | None
    direction: Literal["pass", "fail", "unrealistic"]
    if_held: int | None = None


def smallest_visible_difference(standard_error: float, confidence: float = 0.95) -> float:
    """Return the true difference that such a test set calls with 80 % power."""
    return (z_value(confidence) + Z_POWER) * standard_error


def units_to_decide(
    estimate: float, bound: float, standard_error: float, n: int, *, minimum: int = 0, confidence: float = 0.95
) -> Needed:
    """Units at which a true value like today's estimate is told from the bound four times in five.

    Args:
        estimate: today's.
        bound: what it is decided against.
        standard_error: today's.
        n: today's units.
        minimum: units below which nothing is decided.
        confidence: two-sided level of the interval.
    """
    gap, z = abs(estimate - bound), z_value(confidence)
    planned, held = (math.inf if gap == 0 else n * (reach * standard_error / gap) ** 2 for reach in (z + Z_POWER, z))
    if planned > NOT_REALISTIC * n:
        return Needed(None, direction="unrealistic")
    units, if_held = (max(minimum, math.ceil(each)) for each in (planned, held))
    return Needed(units, "pass" if estimate > bound else "fail", if_held)


FEW_DISAGREEING = 100
"""Disagreeing rows below which normal approximations of power are left for exact sums."""
_POWER = 0.8
_MOST_ROWS = 50_000_000


def upper_share(count: int, n: int, level: float = 0.8) -> float:
    """Upper one-sided bound of a share that a pilot saw (Clopper & Pearson): planning with the estimate is too bold."""
    return 1.0 if count >= n else float(betaincinv(count + 1, n - count, level))


def chance_above(n: int, disagreement: float, difference: float, bound: float, confidence: float = 0.95) -> float:
    """Exact chance that Tango's lower limit lies above ``bound``.

    Args:
        n: rows.
        disagreement: true share of rows that exactly one model has right.
        difference: true difference of the shares that the models have right; at most ``disagreement``.
        bound: what the interval must lie above, such as minus the margin.
        confidence: two-sided level of the interval.
    """
    z = z_value(confidence)
    better = min(max((disagreement + difference) / (2 * disagreement), 0.0), 1.0)
    spread = 6 * math.sqrt(n * disagreement * (1 - disagreement)) + 6
    fewest, most = max(0, int(n * disagreement - spread)), min(n, int(n * disagreement + spread) + 1)
    total = np.arange(fewest, most + 1)
    # Above some thousands the sum is over every few totals: the chance is smooth there.
    step = max(1, len(total) // 200)
    picked = total[::step]
    weights = binom.pmf(picked, n, disagreement)
    chance = 0.0
    for count, weight in zip(picked, weights / weights.sum(), strict=True):
        chance += float(weight) * float(binom.sf(_most_that_fail(int(count), n, bound, z), count, better))
    return chance


def _most_that_fail(total: int, n: int, bound: float, z: float) -> int:
    """Largest number of rows, of those that disagree, that the first model may win without passing; −1: none."""
    wins = np.arange(total + 1)
    losses = total - wins
    b = -wins - losses + (2 * n - wins + losses) * bound
    c = -losses * bound * (1 - bound)
    q = (np.sqrt(np.maximum(b * b - 8.0 * n * c, 0.0)) - b) / (4.0 * n)
    variance = n * (2 * q + bound * (1 - bound))
    passes = (wins - losses - n * bound) > z * np.sqrt(np.maximum(variance, 1e-300))
    return int(np.argmax(passes)) - 1 if passes.any() else total


def rows_to_pass(margin: float, disagreement: float) -> int:
    """Rows at which a model exactly as good passes ``no_worse_than`` with this margin four times in five.

    Args:
        margin: of a share such as accuracy.
        disagreement: share of rows that exactly one of both models has right, as it truly is or at most.

    Raises:
        ValueError: not shares above 0, or more rows than anybody has.
    """
    if not 0 < margin < 1 or not 0 < disagreement <= 1:
        raise ValueError("margin and disagreement are shares above 0")
    n = max(10, math.ceil(disagreement * (Z_BOTH / margin) ** 2 / 4))
    while n <= _MOST_ROWS:
        if chance_above(n, disagreement, 0.0, -margin) >= _POWER:
            return n
        n = math.ceil(n * 1.05)
    raise ValueError("more than 50 million rows")


def rows_to_decide_with_few(
    only_first: int, only_second: int, n: int, bound: float, *, minimum: int = 0, confidence: float = 0.95
) -> Needed:
    """Rows at which a true difference like today's is decided four times in five, by exact sums.

    The rows on which the models disagree are few, so that their true share is planned with at its upper 80 % bound.
    """
    difference = (only_first - only_second) / n
    direction: Literal["pass", "fail"] = "pass" if difference > bound else "fail"
    turned = (difference, bound) if direction == "pass" else (-difference, -bound)
    share = max(upper_share(only_first + only_second, n), abs(difference))

    def planned(times: float) -> bool:
        return chance_above(math.ceil(n * times), share, *turned, confidence) >= _POWER

    def held(times: float) -> bool:
        found = tango(only_first * times, only_second * times, n * times, confidence)
        assert found.low is not None  # noqa: S101 - there are rows
        assert found.high is not None  # noqa: S101 - as above
        return found.low > bound if direction == "pass" else found.high < bound

    units, if_held = (_least_times(decides) for decides in (planned, held))
    if units is None or if_held is None:
        return Needed(None, direction="unrealistic")
    rows, again = (max(minimum, math.ceil(n * times)) for times in (units, if_held))
    return Needed(rows, direction, again)


def _least_times(decides: Callable[[float], bool]) -> float | None:
    """Times today's rows from which it is decided; None where 20 times are not enough."""
    low, high = 1.0, float(NOT_REALISTIC)
    if not decides(high):
        return None
    while high - low > 1e-3 * low:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if decides(middle) else (middle, high)
    return high


def visible_with_few(n: int, disagreeing: int, bound: float, confidence: float = 0.95) -> float:
    """Return the smallest true difference from the bound that such a test set calls with 80 % power, by exact sums.

    Args:
        n: rows.
        disagreeing: rows that exactly one model has right, in this pilot.
        bound: what the interval must lie above.
        confidence: two-sided level of the interval.
    """
    share = upper_share(disagreeing, n)
    low, high = 0.0, 1.0
    for _ in range(20):
        middle = (low + high) / 2
        true = bound + middle
        if chance_above(n, min(max(share, abs(true), 1e-9), 1.0), min(true, 1.0), bound, confidence) < _POWER:
            low = middle
        else:
            high = middle
    return high
