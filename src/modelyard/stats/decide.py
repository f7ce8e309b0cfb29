"""The operators: from an interval and a bound to a verdict. The interval that is printed is the one that decides."""

from modelyard.core.verdict import Verdict
from modelyard.stats.interval import Interval


def at_least(found: Interval, bound: float) -> Verdict:
    """Pass where the lower limit reaches the bound, fail where the upper one does not."""
    if found.low is None or found.high is None:
        return Verdict.INCONCLUSIVE
    if found.low >= bound:
        return Verdict.PASS
    return Verdict.FAIL if found.high < bound else Verdict.INCONCLUSIVE


def at_most(found: Interval, bound: float) -> Verdict:
    """Pass where the upper limit stays at or below the bound, fail where the lower one is above it."""
    if found.low is None or found.high is None:
        return Verdict.INCONCLUSIVE
    if found.high <= bound:
        return Verdict.PASS
    return Verdict.FAIL if found.low > bound else Verdict.INCONCLUSIVE


def between(found: Interval, low: float, high: float) -> Verdict:
    """Pass where the whole interval lies between, fail where all of it lies outside."""
    if found.low is None or found.high is None:
        return Verdict.INCONCLUSIVE
    if low <= found.low and found.high <= high:
        return Verdict.PASS
    return Verdict.FAIL if found.high < low or found.low > high else Verdict.INCONCLUSIVE


def no_worse_than(found: Interval, margin: float) -> Verdict:
    """Of a difference of which more is better: pass where it lies above −margin, fail where it lies below."""
    if found.identical:
        return Verdict.PASS
    if found.low is None or found.high is None:
        return Verdict.INCONCLUSIVE
    if found.low > -margin:
        return Verdict.PASS
    return Verdict.FAIL if found.high < -margin else Verdict.INCONCLUSIVE


def better_than(found: Interval, margin: float) -> Verdict:
    """Of a difference of which more is better: pass where it lies above the margin, fail where below or at it."""
    if found.identical:
        return Verdict.FAIL
    if found.low is None or found.high is None:
        return Verdict.INCONCLUSIVE
    if found.low > margin:
        return Verdict.PASS
    return Verdict.FAIL if found.high <= margin else Verdict.INCONCLUSIVE
