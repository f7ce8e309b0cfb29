"""What only a fault of the data explains: told before drift, and no retraining helps.

Each check asks for something that a change of the world hardly does: a column that is gone or of another type, values
missing or stuck, numbers that fit once they are divided by 60, two columns that fit each other's past, days with half
or twice their rows. Whatever moves a distribution a little, or much but otherwise, is drift.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import combinations
from statistics import median

import numpy as np
from numpy.typing import NDArray

from modelyard.core.reasons import Reason, because
from modelyard.log.schema import FEATURE, PROBABILITY
from modelyard.monitoring.associations import correlations
from modelyard.monitoring.drift import FEWEST, Worth, days_of, distance, worth
from modelyard.monitoring.profile import Column, Counted, Kind, Numbers, Reference, Summary, code_of, value_of
from modelyard.records.results.monitor import PREDICTION_COLUMN, Fault
from modelyard.stats.proportions import wilson

Floats = NDArray[np.float64]

JUMP = 0.05
"""By how much the share of missing values or new categories has to rise for certain."""
CERTAIN = 0.999
"""Confidence of limits: many columns are looked at, in many windows."""
FACTORS = (24.0, 60.0, 100.0, 1_000.0, 3_600.0, 86_400.0, 1e6)
"""Of units that are taken for each other; smaller ones cannot be told from a change of scale."""
_OFFSETS = ((1.8, 32.0), (1 / 1.8, -32 / 1.8), (1.0, 273.15), (1.0, -273.15))
"""Factor and offset from Celsius to Fahrenheit and to Kelvin, and back."""
_UNITS = (
    *((factor, 0.0, because("unit-multiplied", factor=factor)) for factor in FACTORS),
    *((1 / factor, 0.0, because("unit-divided", factor=factor)) for factor in FACTORS),
    (-1.0, 0.0, because("sign-changed")),
    *((factor, offset, because("unit-temperature", factor=factor, offset=offset)) for factor, offset in _OFFSETS),
)
_TWO_CLOCK_HOURS = 2
"""By so much at least a clock in UTC has to be off: local habits move by an hour when clocks change."""
_FEWEST_BINS = 4
_GONE = 0.01
"""Share of the reference's rows whose categories have to be gone."""
_FAR = 0.15
"""Distance from its own past from which a column may be another one."""
_ELSEWHERE = 0.9
"""Distance from which on nearly all rows are where none were."""
_NOISE = 1.95
"""Times the root of what rows are worth, Kolmogorov and Smirnov's distance is below it in 999 cases of 1,000."""
_FELL, _ROSE = 0.5, 1.8
_MANY_BINS = 20
_FEWEST_TOGETHER, _TOGETHER, _NAMED = 100, 0.2, 6
"""Rows and correlation from which columns are known to move together, and how many of them are named."""
_AWAY = 3
"""Standard deviations by which a correlation that is lost is off."""
_MUCH, _NEIGHBOURS = 0.1, 2
"""Share of rows that one value may have, and bins of the sketch beside it that have to have far fewer."""


@dataclass(frozen=True)
class WindowFacts:
    """What is known of a window beside its rows.

    Attributes:
        begin: first moment, in UTC.
        end: the moment after the last one, in UTC.
        whole: all predictions of the stretch are this version's, and no number of rows ended it; else its volume says
            nothing.
        ahead: rows of the log that are later than the moment of looking.
        since: end of the version's window before, where there was one.
    """

    begin: datetime
    end: datetime
    whole: bool = True
    ahead: int = 0
    since: datetime | None = None


@dataclass
class _Found:
    """Faults, and what is known of columns that have one already."""

    faults: list[Fault] = field(default_factory=list)
    columns: set[str] = field(default_factory=set)

    def add(self, rows: float, of: int, reason: Reason, *columns: str, blocks: bool = True) -> None:
        share = min(max(rows / of, 0.0), 1.0) if of else 1.0
        for column in columns or ("",):
            self.faults.append(Fault(column=column, reason=reason, rows=round(rows), share=share, blocks=blocks))
        self.columns.update(columns)


def faults(
    reference: Reference, summary: Summary, *, before: Sequence[Summary], expected: WindowFacts
) -> tuple[Fault, ...]:
    """Find what is wrong with a window.

    Args:
        reference: of the version that predicted.
        summary: of the window.
        before: of the version's earlier windows without faults, oldest first; what depends on habit (volume, days,
            stuck values) is not looked at without.
        expected: what is known beside.
    """
    found = _Found()
    _log(found, reference, summary, before, expected)
    if summary.features:
        for name, of in reference.features.items():
            was = any(name in each.features for each in before)
            _shape(found, name, of, summary.features.get(name), summary.rows, was=was)
        context = _Context(reference, summary, before)
        _swapped(found, context)
        for name, of in reference.features.items():
            if name not in found.columns and name in summary.features:
                _content(found, name, of, summary.features[name], context)
    for name, of in reference.outputs.items():
        _scores(
            found, name, of, summary.outputs.get(name), summary.rows, was=any(name in each.outputs for each in before)
        )
    _apart(found, reference, summary, before)
    return tuple(found.faults)


@dataclass(frozen=True)
class _Context:
    reference: Reference
    summary: Summary
    before: Sequence[Summary]

    def earlier(self, name: str) -> list[Counted]:
        return [each.features[name] for each in self.before if name in each.features]

    def worth(self, spread: Sequence[float], n: int, there: int) -> Worth:
        return worth(self.reference, spread, self.summary, n, there)


# the log as a whole


def _log(
    found: _Found, reference: Reference, summary: Summary, before: Sequence[Summary], expected: WindowFacts
) -> None:
    rows = summary.rows
    if len(summary.models) > 1:
        found.add(rows - max(summary.models.values()), rows, because("models-mixed", models=tuple(summary.models)))
    if expected.ahead:
        told = because("clock-ahead", rows=expected.ahead)
        found.add(expected.ahead, rows, told, blocks=expected.ahead > 0.01 * rows)
    if summary.early_labels > 0.01 * max(summary.labelled, 1):
        found.add(summary.early_labels, rows, because("labels-before-predictions", rows=summary.early_labels))
    _volume(found, summary, before, expected)
    _clock(found, reference, summary, before)
    _repeated(found, reference, summary, before)


def _volume(found: _Found, summary: Summary, before: Sequence[Summary], expected: WindowFacts) -> None:
    length = expected.end - expected.begin
    if expected.since is not None and expected.begin - expected.since >= length:
        lost = (expected.begin - expected.since) // length
        found.add(0, summary.rows, because("windows-without-rows", windows=lost, since=expected.since.isoformat()))
    if not before:
        if expected.whole and summary.rows >= FEWEST and summary.last is not None:
            quiet = expected.end - datetime.fromisoformat(summary.last)
            if quiet > length / 2:
                found.add(0, summary.rows, because("log-ends-early", last=summary.last, end=expected.end.isoformat()))
        return
    kept, usual_share = _kept(summary), median(map(_kept, before))
    if abs(kept - usual_share) > 0.2 * usual_share:
        found.add(summary.rows, summary.rows, because("sample-changed", was=usual_share, found=kept))
    if not expected.whole:
        return
    scaled = summary.rows / kept
    usual = [each.rows / _kept(each) for each in before]
    middle = median(usual)
    several = len(before) > 1
    fell = scaled < middle * (_FELL if several else 1 / 3) and scaled < 0.6 * min(usual)
    rose = scaled > middle * (_ROSE if several else 3) and scaled > max(usual) / 0.6
    if (fell or rose) and middle >= FEWEST:
        told = because("volume-changed", rows=summary.rows, usual=round(middle * kept))
        found.add(abs(summary.rows - middle * kept), max(summary.rows, round(middle * kept)), told)
    else:
        _by_day(found, summary, before, expected)


def _kept(summary: Summary) -> float:
    """Return the share of predictions that was kept."""
    if not summary.sampled:
        return 1.0
    return summary.rows / sum(rows / max(float(share), 1e-9) for share, rows in summary.sampled.items())


def _by_day(found: _Found, summary: Summary, before: Sequence[Summary], expected: WindowFacts) -> None:
    """Compare each whole day with the same weekdays before."""
    habits: dict[int, list[float]] = {}
    for each in before:
        for name in list(each.days)[1:-1]:
            habits.setdefault(date.fromisoformat(name).weekday(), []).append(each.days[name] / _kept(each))
    day = expected.begin.date() + timedelta(days=expected.begin.time() != datetime.min.time())
    kept = _kept(summary)
    while datetime.combine(day, datetime.min.time(), expected.end.tzinfo) + timedelta(days=1) <= expected.end:
        usual, rows = habits.get(day.weekday(), []), summary.days.get(str(day), 0)
        if len(usual) > 1 and kept * median(usual) >= FEWEST:
            middle = kept * median(usual)
            thin = rows < min(0.5 * middle, 0.6 * kept * min(usual))
            if thin or rows > max(1.7 * middle, 1.4 * kept * max(usual)):
                told = because("day-volume", day=str(day), rows=rows, usual=round(middle))
                found.add(abs(rows - middle), summary.rows, told)
        day += timedelta(days=1)


def _clock(found: _Found, reference: Reference, summary: Summary, before: Sequence[Summary]) -> None:
    usual = np.sum([each.hours for each in before], axis=0) if before else np.array(reference.hours or ())
    if len(usual) == 24 and usual.sum() >= FEWEST and summary.rows >= FEWEST:
        hours = _rotation(np.array(summary.hours), usual)
        if abs(hours) >= _TWO_CLOCK_HOURS:
            found.add(summary.rows, summary.rows, because("log-clock-shifted", hours=hours))


def _rotation(seen: NDArray[np.int64], usual: NDArray[np.int64]) -> int:
    """Return by how many hours a day's profile is moved: 0 unless it fits badly as it is, and well once moved."""
    ours, theirs = seen / max(seen.sum(), 1), usual / max(usual.sum(), 1)
    off = [0.5 * float(np.abs(np.roll(theirs, hours) - ours).sum()) for hours in range(24)]
    best = int(np.argmin(off))
    noise = 0.5 * math.sqrt(24 / max(seen.sum(), 1))
    if off[0] < 0.1 + noise or off[best] > 0.35 * off[0]:
        return 0
    return best if best <= 12 else best - 24


def _repeated(found: _Found, reference: Reference, summary: Summary, before: Sequence[Summary]) -> None:
    """Rows that are there more than once, where rows seldom are."""
    if summary.rows < FEWEST or not summary.hashes or not summary.features:
        return
    usual = max([reference.repeated, *(_repeats(each) for each in before)])
    kept = len(summary.hashes)
    low, _ = wilson(_repeats(summary) * kept, kept, CERTAIN)
    if usual < 0.2 and low > usual + 0.02:
        more = sum(rows - 1 for rows in summary.repeats) / sum(summary.repeats)
        found.add(more * summary.rows, summary.rows, because("rows-repeated", share=more, usual=usual))


def _repeats(summary: Summary) -> float:
    return sum(rows > 1 for rows in summary.repeats) / len(summary.repeats) if summary.repeats else 0.0


# one column


def _shape(found: _Found, name: str, of: Column, seen: Counted | None, rows: int, *, was: bool) -> None:
    """Whether it is there, and of its type; one that was never logged is told, and blocks nothing."""
    if seen is None:
        found.add(rows, rows, because("column-gone"), name, blocks=was)
        return
    other = {each: count for each, count in seen.types.items() if _kind(each) not in (of.kind, None)}
    if of.type != "Null" and other:
        told = because("type-changed", was=of.type, found=tuple(other))
        found.add(sum(other.values()), rows, told, name)


def _kind(type_name: str) -> Kind | None:
    """Return what is counted of a type; None of a column without any value."""
    if type_name == "Null":
        return None
    if type_name == "Boolean":
        return "truth"
    if type_name.startswith(("Int", "UInt", "Float", "Decimal")):
        return "number"
    if type_name in ("String", "Categorical", "Enum"):
        return "text"
    return "time" if type_name.startswith("Date") else "other"


def _content(found: _Found, name: str, of: Column, seen: Counted, context: _Context) -> None:
    rows = seen.rows
    if rows < FEWEST:
        return
    worth_it = context.worth(of.missing_spread, rows, of.rows)
    ours = [each / rows for each in (seen.missing, seen.nan, seen.infinite)]
    theirs = [each / of.rows for each in (of.missing, of.nan, of.infinite)]
    told = (
        because("missing-jumped", was=theirs[0], found=ours[0]),
        because("nan-jumped", was=theirs[1], found=ours[1]),
        because("infinite-jumped", was=theirs[2], found=ours[2]),
    )
    for reason, here, there in zip(told, ours, theirs, strict=True):
        if _jumped(here, there, worth_it):
            found.add(here * rows, rows, reason, name)
    if name in found.columns or of.personal:
        return
    _stuck(found, name, of, seen, context)
    if name not in found.columns and of.numbers is not None:
        _number(found, name, of, seen, context)
    if name not in found.columns and of.categories is not None and context.summary.keyed:
        _category(found, name, of, seen, context)
    if name not in found.columns and of.hours is not None and seen.hours is not None:
        hours = _rotation(np.array(seen.hours), np.array(of.hours))
        if abs(hours) >= _TWO_CLOCK_HOURS:
            found.add(rows, rows, because("clock-shifted", hours=hours), name)


def _jumped(ours: float, theirs: float, worth: Worth) -> bool:
    """Whether a share rose by more than 5 points for certain (Newcombe, Statistics in Medicine 1998, method 10)."""
    if ours - theirs <= JUMP:
        return False
    first, second = worth.over(1)
    low, _ = wilson(ours * first, first, CERTAIN)
    _, high = wilson(theirs * second, second, CERTAIN)
    return ours - theirs - math.hypot(ours - low, high - theirs) > JUMP


def _stuck(found: _Found, name: str, of: Column, seen: Counted, context: _Context) -> None:
    """One value in all rows, or in all of a day, or in more rows than its neighbourhood ever had; or a copy."""
    there = seen.rows - seen.missing - seen.nan - seen.infinite
    if there < FEWEST:
        return
    one = sum(seen.bins) == max(seen.bins, default=0) or (seen.levels and len(seen.levels) == 1 and not seen.others)
    masks = list(seen.variety.values())
    if one and masks and all(mask == masks[0] and mask.bit_count() == 1 for mask in masks):
        shares = (
            of.numbers.rows if of.numbers else (*of.categories.rows, of.categories.merged_rows) if of.categories else ()
        )
        worth_it = context.worth(of.spread, there, sum(shares))
        if shares and (max(shares) / sum(shares)) ** worth_it.window < 1 - CERTAIN:
            found.add(there, seen.rows, because("constant"), name)
            return
    earlier = [mask for each in context.earlier(name) for mask in each.variety.values()]
    days = [
        day for day, mask in seen.variety.items()
        if mask.bit_count() == 1 and context.summary.days.get(day, seen.rows) >= FEWEST
    ]  # fmt: skip
    if earlier and days and min(mask.bit_count() for mask in earlier) >= _FEWEST_BINS:
        rows = sum(context.summary.days.get(day, seen.rows) for day in days)
        found.add(rows, seen.rows, because("frozen-days", days=len(days), first=min(days)), name)
        return
    if sum(rows > 0 for rows in seen.bins) >= _MANY_BINS and any(
        (seen.bins, seen.codes, seen.counts) == (each.bins, each.codes, each.counts) for each in context.earlier(name)
    ):
        found.add(there, seen.rows, because("copied-values"), name)
        return
    if of.numbers is not None and len(of.numbers.rows) > _FEWEST_BINS:
        _new_mass(found, name, of.numbers, seen)


def _new_mass(found: _Found, name: str, of: Numbers, seen: Counted) -> None:
    """A tenth of the rows in one value where the reference has next to nothing, such as -999."""
    at = int(np.argmax(seen.counts))
    share, code = seen.counts[at] / sum(seen.counts), seen.codes[at]
    low, high = sorted((value_of(code), value_of(code + 1)))
    first, last = np.searchsorted(np.array(of.edges), (low, high), side="left")
    usual = sum(of.rows[first : last + 1]) / sum(of.rows)
    least, _ = wilson(seen.counts[at], sum(seen.counts), CERTAIN)
    beside = [rows for each, rows in zip(seen.codes, seen.counts, strict=True) if 0 < abs(each - code) <= _NEIGHBOURS]
    if least > _MUCH and share > 5 * usual and seen.counts[at] > 3 * max(beside, default=0):
        found.add(seen.counts[at], seen.rows, because("one-value", share=share, usual=usual), name)


# units of numbers


def _cumulated(of: Numbers, points: Floats) -> Floats:
    """Return the reference's share of rows at or below each point, straight lines between edges."""
    edges, below = list(of.edges), list(np.cumsum(of.rows) / sum(of.rows))
    if of.top is not None:
        edges.append(of.top)
    else:
        below[-1:] = []
    if not edges:
        return np.zeros(len(points))
    if of.whole:
        points = np.floor(points + 1e-9)
    return np.asarray(np.interp(points, edges, below[: len(edges)], left=0.0, right=1.0), dtype=np.float64)


def _seen_below(seen: Counted, points: Floats) -> Floats:
    """Return the window's share of rows in bins of the sketch up to that of each point."""
    below = np.append(0, np.cumsum(seen.counts)) / max(sum(seen.counts), 1)
    at = np.searchsorted(np.array(seen.codes), code_of(points), side="right")
    return np.asarray(below[at], dtype=np.float64)


def _number(found: _Found, name: str, of: Column, seen: Counted, context: _Context) -> None:
    numbers = of.numbers
    if numbers is None or sum(seen.bins) < FEWEST:
        return
    there = sum(seen.bins)
    if numbers.whole and seen.fractions > 0.05 * there and seen.fractions >= 10:
        found.add(seen.fractions, seen.rows, because("no-longer-whole"), name)
        return
    hours = _clock_face(numbers, seen)
    if hours:
        found.add(there, seen.rows, because("clock-shifted", hours=hours), name)
        return
    if len(numbers.rows) < _FEWEST_BINS:
        return
    off = distance(seen.bins, numbers.rows)
    earlier = context.earlier(name)[-1:]
    if any(distance(seen.bins, each.bins) < 0.5 * off for each in earlier if sum(each.bins) >= FEWEST):
        return  # it came by and by, as no change of units does
    noise = 0.1 + _NOISE / math.sqrt(context.worth(of.spread, there, sum(numbers.rows)).both)
    low, high = numbers.edges[0], numbers.edges[-1]
    far = 3 * max(abs(low), abs(high))
    gone = _outside(seen, -far, far)
    beyond, outside = gone > JUMP, _outside(seen, low, high) > _MUCH
    # Rows outside of all that the reference had need no other proof than that they fit.
    if off > noise or beyond or outside:
        fits = [each for each in _units(numbers, seen, beyond=beyond, outside=outside) if each.left < noise]
        if fits:
            best = min(fits, key=lambda each: each.square)
            found.add(best.share * there, seen.rows, best.told, name)
            return
    # Of the test rows next to none are as far outside.
    if beyond and _jumped(gone, 0.0, context.worth(of.spread, there, sum(numbers.rows))):
        found.add(gone * there, seen.rows, because("values-far-outside", found=gone * there / seen.rows), name)


def _outside(seen: Counted, low: float, high: float) -> float:
    """Return the window's share of rows outside of two points."""
    inside = _seen_below(seen, np.array([low, high], dtype=np.float64))
    return 1 - float(inside[1] - inside[0])


@dataclass(frozen=True)
class _Unit:
    """A share of a window's rows taken to be in another unit.

    Attributes:
        told: which.
        share: of the rows.
        left: distance from the reference that this leaves.
        square: mean square of what it leaves.
    """

    told: Reason
    share: float
    left: float
    square: float


def _units(of: Numbers, seen: Counted, *, beyond: bool, outside: bool) -> Iterator[_Unit]:
    """Yield the units that explain most of how far a window is off, each with the share of rows that fits best."""
    edges = np.array(of.edges)
    for factor, offset, told in _UNITS:
        points = np.concatenate((edges, factor * edges + offset))
        plain, other = _cumulated(of, points), _cumulated(of, (points - offset) / factor)
        if factor < 0:
            other = 1 - other
        away, towards = _seen_below(seen, points) - plain, other - plain
        weight = float((towards**2).sum())
        if weight <= 0:
            continue
        share = min(max(float((away * towards).sum()) / weight, 0.0), 1.0)
        left, apart = np.abs(away - share * towards), float(np.abs(towards).max())
        # A part of the rows can be told by those far beyond all that was; else nearly all have to fit.
        most = (0.45 if beyond or outside else 0.25) * float(np.abs(away).max())
        if share >= (0.1 if beyond else 0.75) and apart > (0.2 if outside else 0.4) and left.max() < most:
            yield _Unit(told, share, float(left.max()), float((left**2).mean()))


def _clock_face(of: Numbers, seen: Counted) -> int:
    """Return by how many hours a column that tells the time of day, as 14, 1430 or 870, is moved."""
    if not of.whole or len(of.rows) < 12 or of.edges[0] < 0:
        return 0
    last = of.top if of.top is not None else of.edges[-1]
    minutes = all(round(edge) % 100 <= 60 for edge in of.edges)  # edges may be rounded to tens
    hour = 1 if last <= 24 else 100 if 1200 < last <= 2400 and minutes else 60 if 720 < last <= 1440 else 0
    if not hour:
        return 0
    bounds = np.arange(25, dtype=np.float64) * hour - 0.5
    usual = np.diff(_cumulated(of, bounds))
    ours = np.diff(_seen_below(seen, bounds))
    return _rotation(np.rint(ours * sum(seen.counts)).astype(np.int64), np.rint(usual * 1e6).astype(np.int64))


# categories


def _category(found: _Found, name: str, of: Column, seen: Counted, context: _Context) -> None:
    categories = of.categories
    there = sum(seen.levels.values()) + seen.others
    if categories is None or there < FEWEST or not categories.names:
        return
    rows = sum(categories.rows) + categories.merged_rows
    worth_it = context.worth(of.spread, there, rows)
    known = sum(seen.levels.get(level, 0) for level in categories.names)
    new, merged = (there - known) / there, categories.merged_rows / rows
    gone = [
        count / rows for level, count in zip(categories.names, categories.rows, strict=True)
        if not seen.levels.get(level) and (1 - count / rows) ** worth_it.window < 1 - CERTAIN
    ]  # fmt: skip
    if gone and sum(gone) > _GONE and new - merged > 0.5 * sum(gone):
        told = because("categories-renamed", levels=len(gone), share=sum(gone))
        found.add(new * there, seen.rows, told, name)
    elif _jumped(new, merged, worth_it):
        found.add(new * there, seen.rows, because("categories-new", was=merged, found=new), name)


# several columns


def _swapped(found: _Found, context: _Context) -> None:
    """Two columns that are each far from their own past and close to each other's."""
    reference, summary = context.reference, context.summary
    off: dict[str, float] = {}
    for name, of in reference.features.items():
        if name in summary.features and name not in found.columns:
            own = _from(of, summary.features[name])
            if own is not None and own > _FAR:
                off[name] = own
    for first, second in combinations(off, 2):
        one, other = reference.features[first], reference.features[second]
        ends = [_ends(_from(other, summary.features[first]), _from(one, summary.features[second]))]
        if min(off[first], off[second]) > _ELSEWHERE:
            # The other's past is also that of lately: of a cold week, say.
            ends += [
                _ends(_between(summary.features[first], each[1]), _between(summary.features[second], each[0]))
                for each in zip(context.earlier(first), context.earlier(second), strict=False)
            ]
        across = min(ends)
        worth_it = [context.worth(each.spread, summary.rows, reference.rows).both for each in (one, other)]
        if across < 0.05 + _NOISE / math.sqrt(min(worth_it)) and across < 0.5 * min(off[first], off[second]):
            for column, to in ((first, second), (second, first)):
                found.add(summary.rows, summary.rows, because("columns-swapped", other=to), column)


def _ends(one: float | None, other: float | None) -> float:
    """Return the larger of two distances; infinite where one is of columns that are unlike."""
    return math.inf if one is None or other is None else max(one, other)


def _between(seen: Counted, earlier: Counted) -> float | None:
    """Return the distance of the numbers of two windows by their sketches; None where either has too few."""
    if min(sum(seen.counts), sum(earlier.counts)) < FEWEST:
        return None
    codes = np.union1d(seen.codes, earlier.codes).astype(np.int64)
    shares = []
    for each in (seen, earlier):
        below = np.append(0, np.cumsum(each.counts)) / sum(each.counts)
        shares.append(below[np.searchsorted(np.array(each.codes), codes, side="right")])
    return float(np.abs(shares[0] - shares[1]).max())


def _from(of: Column, seen: Counted) -> float | None:
    """Return the distance of a window's column from a reference's, which may be another's; None if they are unlike."""
    if of.numbers is not None and sum(seen.counts) >= FEWEST and len(of.numbers.edges) > 1:
        edges = np.array(of.numbers.edges)
        plain = np.cumsum(of.numbers.rows)[:-1] / sum(of.numbers.rows)
        return float(np.abs(_seen_below(seen, edges) - plain).max())
    there = sum(seen.levels.values()) + seen.others
    if of.categories is not None and of.categories.names and there >= FEWEST:
        rows = sum(of.categories.rows) + of.categories.merged_rows
        shares = [
            abs(seen.levels.get(level, 0) / there - count / rows)
            for level, count in zip(of.categories.names, of.categories.rows, strict=True)
        ]
        known = sum(seen.levels.get(level, 0) for level in of.categories.names)
        return 0.5 * (sum(shares) + abs((there - known) / there - of.categories.merged_rows / rows))
    return None


def _apart(found: _Found, reference: Reference, summary: Summary, before: Sequence[Summary]) -> None:
    """Columns that always moved together and no longer do, as where rows were joined with others' values."""
    count = len(reference.associated)
    if summary.rows < _FEWEST_TOGETHER or not summary.sums or not reference.correlations:
        return
    usual, now = np.array(reference.correlations), correlations(summary, reference)
    lasting = np.min([np.abs(usual), *(np.abs(correlations(each, reference)) for each in before if each.sums)], axis=0)
    away = np.abs(now - usual) / np.hypot(_deviation(reference, summary), 1 / math.sqrt(summary.rows))
    broken = (lasting >= _TOGETHER) & (np.abs(now) < 0.4 * lasting) & (away > _AWAY)
    bad = found.columns | ({PREDICTION_COLUMN} if found.columns else set())
    pairs = {
        pair: far for pair, lost, far in zip(combinations(range(count), 2), broken, away, strict=True)
        if lost and not {_plain(reference.associated[each]) for each in pair} & bad
    }  # fmt: skip
    if sum(sorted(pairs.values())[-2:]) > 2 * _AWAY + 1 and (len(pairs) > 1 or max(pairs.values()) > 2 * _AWAY):
        names = tuple(sorted({_plain(reference.associated[each]) for pair in pairs for each in pair}))
        told = because("associations-lost", columns=names[:_NAMED], pairs=len(pairs))
        found.add(summary.rows, summary.rows, told)


def _deviation(reference: Reference, summary: Summary) -> Floats:
    """Return the standard deviation of each correlation from one stretch as long as the window to another."""
    if not reference.varied:
        return np.zeros(len(reference.correlations))
    length = days_of(summary) if reference.days is not None else float(summary.rows)
    shorter = max((reference.varied_over or 1.0) / max(length or 1.0, 1 / 24), 1.0)
    return np.array(reference.varied) * math.sqrt(shorter)


def _plain(name: str) -> str:
    return name.removeprefix(FEATURE) if name.startswith(FEATURE) else PREDICTION_COLUMN


def _scores(found: _Found, name: str, of: Column, seen: Counted | None, rows: int, *, was: bool) -> None:
    """What the model says; a log may have labels and no probabilities, if it always had."""
    if seen is None:
        if was:
            found.add(rows, rows, because("column-gone"), PREDICTION_COLUMN)
        return
    other = {each: count for each, count in seen.types.items() if _kind(each) not in (of.kind, None)}
    if other:
        found.add(
            sum(other.values()), rows, because("type-changed", was=of.type, found=tuple(other)), PREDICTION_COLUMN
        )
        return
    lost = seen.missing + seen.nan + seen.infinite
    if lost > of.missing + of.nan:
        found.add(lost, rows, because("predictions-lost", rows=lost), PREDICTION_COLUMN, blocks=lost > 0.01 * rows)
    if name == PROBABILITY:
        outside = sum(
            count for code, count in zip(seen.codes, seen.counts, strict=True) if code < 0 or value_of(code) > 1
        )
        if outside:
            found.add(outside, rows, because("probabilities-outside", rows=outside), PREDICTION_COLUMN)
