"""Whether columns, and what a model says, are spread otherwise than on its test rows: significant, and large.

A p value alone finds any difference on many rows, and a distance alone is mostly noise on few: an alarm needs both, the
distance less what chance gives. Numbers are compared by Kolmogorov and Smirnov's distance over the reference's bins,
categories by total variation (with Pearson's χ² as its test), missing values by their share. The p values of a window
are adjusted by Benjamini and Hochberg (JRSS B 1995), so that a window without drift ends in an alarm in at most one
case of twenty.

Rows that follow each other are worth fewer than they are. How much fewer is measured on the reference, by how far
shares move between stretches as long as the window (batch means; for categories as Rao & Scott, Annals of Statistics
1984, scale χ²), which covers memory, shocks of a day and the week's rhythm alike.
"""

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtrc, chdtrc, fdtrc, gammaln, kolmogorov

from modelyard.monitoring.profile import Column, Counted, Reference, Summary
from modelyard.records.results.monitor import PREDICTION_COLUMN, Drift

Floats = NDArray[np.float64]
Statistic = Literal["kolmogorov-smirnov", "total-variation", "missing-share"]

RATE = 0.05
"""Share of windows without drift that may end in an alarm."""
LARGE: dict[Statistic, float] = {"kolmogorov-smirnov": 0.1, "total-variation": 0.05, "missing-share": 0.01}
"""From which effect on drift is large: 0.1 is a shift of a quarter of a standard deviation, 0.05 of total variation a
twentieth of the rows in another category."""
FEWEST = 30
"""Rows of a window that are compared at all."""
_EXPECTED = 10
"""Rows that a category should have on either side; rarer ones are taken together."""
_MANY = 1e6
"""Degrees of freedom from which F's tail is that of χ²."""
_SQUARE = math.pi**2 / 12
"""Mean square of Kolmogorov's distribution."""


@dataclass(frozen=True)
class Worth:
    """How many rows two sides have, and what rows that follow each other have in common.

    Attributes:
        rows: of the window and of the reference.
        common: variance of a share of either beyond that of independent rows, over p(1 - p).
        stretches: from how many stretches of the reference that is known; 0 where rows are taken for independent.
    """

    rows: tuple[float, float]
    common: tuple[float, float] = (0.0, 0.0)
    stretches: int = 0

    @property
    def window(self) -> float:
        """Return how many independent rows the window's are worth."""
        return self.over(1)[0]

    @property
    def both(self) -> float:
        """Return the size of one sample that would vary as much as the difference of both."""
        return 1 / sum(1 / each for each in self.over(1))

    def over(self, degrees: int) -> tuple[float, float]:
        """Return how many independent rows either side is worth, where what is common is one of so many degrees."""
        first, second = (1 / (1 / n + common / degrees) for n, common in zip(self.rows, self.common, strict=True))
        return first, second


def drift(reference: Reference, summary: Summary, *, ignore: Collection[str] = ()) -> tuple[Drift, ...]:
    """Compare a window with the reference, column by column.

    Args:
        reference: of the version that predicted.
        summary: of the window, counted in the reference's bins.
        ignore: features that are not watched.

    Returns:
        What was compared, in the reference's order and then what the model says; columns that cannot be compared (gone,
        personal, categories without the key, under 30 rows) are not among them.
    """
    found: list[Drift] = []
    for name, of in reference.features.items():
        if name not in ignore and name in summary.features:
            found.extend(_column(reference, summary, name, of, summary.features[name], "feature"))
    for name, of in reference.outputs.items():
        if name in summary.outputs:
            found.extend(_column(reference, summary, PREDICTION_COLUMN, of, summary.outputs[name], "prediction"))
    adjusted = benjamini_hochberg([each.p for each in found])
    return tuple(
        each.model_copy(update={"adjusted": value, "alarm": value <= RATE and each.corrected >= each.limit})
        for each, value in zip(found, adjusted, strict=True)
    )


def persistent(windows: Sequence[tuple[Drift, ...]], alarms: int, of: int) -> tuple[Drift, ...]:
    """Return the last window's drift, with what alarmed in it and in ``alarms`` of the last ``of`` windows marked."""
    if not windows:
        return ()
    seen = [{_key(each) for each in window if each.alarm} for window in windows[-of:]]
    return tuple(
        each.model_copy(update={"persistent": each.alarm and sum(_key(each) in window for window in seen) >= alarms})
        for each in windows[-1]
    )


def false_alarms(alarms: int, of: int, rate: float = RATE) -> float:
    """Return the share of windows in which chance alone would end in a persistent alarm.

    Supposes that windows are independent of each other given the reference, and that the same column alarms each time,
    which is the most there can be: that share is smaller where chance picks among several columns. A reference that is
    small beside the windows is off for all of them, and its alarms persist more often.
    """
    return float(rate * bdtrc(alarms - 2, of - 1, rate)) if alarms > 1 else rate


def benjamini_hochberg(p: Sequence[float]) -> list[float]:
    """Return adjusted p values: at or below a level exactly where the procedure rejects at that level."""
    order = np.argsort(p, kind="stable")
    n = len(order)
    scaled = np.array(p, dtype=np.float64)[order] * n / np.arange(1, n + 1)
    adjusted = np.empty(n)
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return [float(each) for each in adjusted]


def worth(reference: Reference, spread: Sequence[float], summary: Summary, n: int, there: int) -> Worth:
    """Return how many independent rows n of the window, and so many of the reference, are worth for one column.

    A share's variance over p(1 - p) is 1/n, and what stretches as long as the window have in common. Beyond the longest
    one that was measured, it falls as their number rises.
    """
    if not spread:
        return Worth((n, there))
    span = days_of(summary)
    length, whole = float(n), float(reference.rows)
    if reference.days is not None:
        length, whole = span or reference.lengths[0], max(reference.days, reference.lengths[-1])
    common = _common(length, reference.lengths, spread)
    measured = min(max(length, reference.lengths[0]), reference.lengths[-1])
    return Worth((n, there), (common, _common(whole, reference.lengths, spread)), int(whole / measured))


def _common(length: float, lengths: Sequence[float], spread: Sequence[float]) -> float:
    if length <= lengths[0]:
        return spread[0]
    scaled = np.array(lengths) * np.array(spread)
    return float(np.interp(math.log(length), np.log(lengths), scaled)) / length


def days_of(summary: Summary) -> float | None:
    """Return the days from the first row of a window to its last, None where it has no times."""
    if summary.first is None or summary.last is None:
        return None
    return (datetime.fromisoformat(summary.last) - datetime.fromisoformat(summary.first)).total_seconds() / 86_400


def distance(window: Sequence[float], reference: Sequence[float]) -> float:
    """Return Kolmogorov and Smirnov's distance of two counts over the same bins."""
    ours, theirs = (np.cumsum(each) / max(np.sum(each), 1) for each in (window, reference))
    return float(np.abs(ours - theirs).max()) if len(ours) else 0.0


# one column


def _key(each: Drift) -> tuple[str, str, str]:
    return each.of, each.column, each.statistic


def _column(
    reference: Reference,
    summary: Summary,
    name: str,
    of: Column,
    seen: Counted,
    what: Literal["feature", "prediction"],
) -> Iterator[Drift]:
    ours, theirs = _counts(of, seen)
    if sum(ours) >= FEWEST and sum(theirs) >= FEWEST:
        n = sum(ours)
        worth_it = worth(reference, of.spread, summary, n, sum(theirs))
        compare = _numbers if of.kind == "number" else _shares
        yield compare(name, what, ours, theirs, worth_it, n)
    lost = (seen.missing + seen.nan, of.missing + of.nan)
    if any(lost) and seen.rows >= FEWEST:
        worth_it = worth(reference, of.missing_spread, summary, seen.rows, of.rows)
        yield _missing(name, what, lost, (seen.rows, of.rows), worth_it)


def _counts(of: Column, seen: Counted) -> tuple[Sequence[int], Sequence[int]]:
    """Return the window's and the reference's rows by bin or category; nothing where they cannot be compared."""
    if of.numbers is not None:
        return seen.bins, of.numbers.rows
    if of.categories is None or not (seen.levels or seen.others):
        return (), ()
    own = of.categories.names
    others = seen.others + sum(seen.levels.values()) - sum(seen.levels.get(name, 0) for name in own)
    return (*(seen.levels.get(name, 0) for name in own), others), (*of.categories.rows, of.categories.merged_rows)


def _drift(
    name: str, what: Literal["feature", "prediction"], statistic: Statistic, n: int, effective: float, effect: float,
    chance: float, p: float, divergence: float | None = None,
) -> Drift:  # fmt: skip
    return Drift(
        column=name,
        of=what,
        statistic=statistic,
        n=n,
        effective=float(f"{effective:.4g}") if effective < 0.95 * n else None,
        effect=effect,
        corrected=math.sqrt(max(effect**2 - chance, 0.0)),
        limit=LARGE[statistic],
        p=p,
        adjusted=1.0,
        alarm=False,
        divergence=divergence,
    )


def _numbers(
    name: str, what: Literal["feature", "prediction"], seen: Sequence[int], of: Sequence[int], worth: Worth, n: int
) -> Drift:
    effect = distance(seen, of)
    p = float(kolmogorov(math.sqrt(worth.both) * effect))
    tenths = np.minimum(10 * (np.cumsum(of) - 1) // sum(of), 9)
    ours, theirs = (np.bincount(tenths, weights=each, minlength=10) for each in (seen, of))
    return _drift(
        name, what, "kolmogorov-smirnov", n, worth.window, effect, _SQUARE / worth.both, p, _divergence(ours, theirs)
    )


def _shares(
    name: str, what: Literal["feature", "prediction"], seen: Sequence[int], of: Sequence[int], worth: Worth, n: int
) -> Drift:
    ours, theirs = (np.array(each, dtype=np.float64) / max(sum(each), 1) for each in (seen, of))
    effect = 0.5 * float(np.abs(ours - theirs).sum())
    degrees = max(int(((ours + theirs) > 0).sum()) - 1, 1)
    first, second = worth.over(degrees)
    pooled = (first * ours + second * theirs) / (first + second)
    # Mean of |difference| of each share by the normal's, and so of their sum.
    variance = pooled * (1 - pooled) * (1 / first + 1 / second)
    chance = 0.5 * math.sqrt(2 / math.pi) * float(np.sqrt(variance).sum())
    p = _chi2(ours, theirs, pooled, min(first, second), worth)
    return _drift(name, what, "total-variation", n, first, effect, chance**2, p, _divergence(ours, theirs))


def _chi2(ours: Floats, theirs: Floats, pooled: Floats, least: float, worth: Worth) -> float:
    """Return the p value of Pearson's χ² of two samples whose rows have something in common.

    That may move all categories along one line, as a shift of an ordinal does. One eigenvalue of the design is then
    larger than the others, and Satterthwaite's degrees of freedom are fewer.
    """
    rare = pooled * least < _EXPECTED
    parts = [np.append(each[~rare], each[rare].sum()) for each in (ours, theirs, pooled)]
    if parts[2][-1] * least < _EXPECTED and len(parts[2]) > 1:
        to = int(parts[2][:-1].argmin())
        for each in parts:
            each[to] += each[-1]
        parts = [each[:-1] for each in parts]
    first, second, share = parts
    degrees = int((share > 0).sum()) - 1
    if degrees < 1:
        return 1.0
    square = float(((first - second) ** 2 / np.maximum(share, 1e-12)).sum())
    single, common = sum(1 / n for n in worth.rows), sum(worth.common)
    expected = degrees * single + common
    fewer = expected**2 / (degrees * single**2 + 2 * single * common + common**2)
    # Of the variance only what is common was measured, on so many stretches.
    measured = (worth.stretches - 1) * (expected / common) ** 2 if common > 0 else math.inf
    if worth.stretches < 2 or measured > _MANY:
        return float(chdtrc(fewer, square / expected * fewer))
    return float(fdtrc(fewer, measured, square / expected))


def _missing(
    name: str, what: Literal["feature", "prediction"], lost: tuple[int, int], rows: tuple[int, int], worth: Worth
) -> Drift:
    ours, theirs = lost[0] / rows[0], lost[1] / rows[1]
    first, second = (max(round(each), 1) for each in worth.over(1))
    mine, others = round(ours * first), round(theirs * second)
    p = _exact(mine, first, others, second)
    pooled = (mine + others) / (first + second)
    return _drift(
        name, what, "missing-share", rows[0], worth.window, abs(ours - theirs), pooled * (1 - pooled) / worth.both, p
    )


def _exact(mine: int, first: int, others: int, second: int) -> float:
    """Return twice the smaller tail of Fisher's exact test that two shares are the same."""
    lost = mine + others
    counts = np.arange(max(0, lost - second), min(lost, first) + 1)
    ways = _log_ways(first, counts) + _log_ways(second, lost - counts) - _log_ways(first + second, np.array(lost))
    chance = np.exp(ways)
    return min(1.0, 2 * min(float(chance[counts <= mine].sum()), float(chance[counts >= mine].sum())))


def _log_ways(n: int, k: NDArray[np.int64]) -> Floats:
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1), dtype=np.float64)


def _divergence(ours: ArrayLike, theirs: ArrayLike) -> float:
    """Return Jensen and Shannon's divergence of two counts, in bits."""
    first, second = (np.asarray(each, dtype=np.float64) / max(float(np.sum(each)), 1e-300) for each in (ours, theirs))
    middle = (first + second) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [np.where(each > 0, each * np.log2(each / middle), 0.0).sum() / 2 for each in (first, second)]
    return float(f"{max(sum(parts), 0.0):.6g}")
