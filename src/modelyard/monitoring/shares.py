"""Shares of rows that are watched as they come: those below a decile of the reference, or those of one category.

Each has detectors (``stats.change``) of a share that moved by more than what is large, beyond what the reference is
unsure of. They share the error, so that all of them together hold at every look.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.special import ndtri

from modelyard.monitoring.drift import LARGE, worth
from modelyard.monitoring.profile import Column, Counted, Reference, Summary
from modelyard.stats import change

ALPHA = 0.05
"""Chance of a false alarm of drift, ever, of a version, over all columns, sets and looks. Half of it is for what the
reference is unsure of."""
_CUTS, _LEVELS, _FEWEST = 9, 10, 100


@dataclass(frozen=True)
class Set:
    """Values of a column whose share is watched.

    Attributes:
        of: ``features`` or ``outputs``.
        name: the column's.
        below: bins up to this one; None for a category or for missing values.
        level: the category; None for bins and for missing values.
        share: of the reference.
        slack: by how much it may move.
    """

    of: str
    name: str
    below: int | None
    level: str | None
    share: float
    slack: float

    def counted(self, summary: Summary) -> tuple[int, int]:
        """Return how many rows of a summary are in the set, and of how many."""
        counted: Counted | None = getattr(summary, self.of).get(self.name)
        if counted is None:
            return 0, 0
        absent = counted.missing + counted.nan
        if self.below is not None:
            return sum(counted.bins[: self.below + 1]), sum(counted.bins)
        if self.level is not None:
            return counted.levels.get(self.level, 0), counted.rows - absent
        return absent, counted.rows


@dataclass
class Shares:
    """The shares of one version's columns, and how far their detectors came."""

    sets: tuple[Set, ...]
    detectors: list[tuple[change.Detector, ...]]

    @classmethod
    def of(cls, reference: Reference | None, *, by_day: bool) -> Self:
        """Return those of a reference, without rows so far; none of a version without one.

        Args:
            reference: of the version.
            by_day: values are days, whose rows have something in common.
        """
        sets = () if reference is None else _sets(reference, by_day=by_day)
        return cls(sets, [_begun(each, ALPHA / 4 / len(sets)) for each in sets])

    def look(self, summary: Summary, *, one_value: bool) -> dict[str, bool]:
        """Show the detectors some rows, each a value, or all together one; return which columns drift, as it seems."""
        seen: dict[str, bool] = {}
        for at, each in enumerate(self.sets):
            inside, of = each.counted(summary)
            if of:
                values = np.array([inside / of]) if one_value else np.repeat([1.0, 0.0], [inside, of - inside])
                self.detectors[at] = tuple(change.look(one, values) for one in self.detectors[at])
            seen[each.name] = seen.get(each.name, False) or any(map(change.fell, self.detectors[at]))
        return seen

    def as_data(self) -> list[list[dict[str, Any]]]:
        """Return the detectors as JSON has them."""
        return [[one.as_data() for one in each] for each in self.detectors]

    def resume(self, data: Sequence[Sequence[Any]]) -> None:
        """Go on from detectors that were saved."""
        self.detectors = [tuple(change.Detector.of(one) for one in each) for each in data]


def _sets(reference: Reference, *, by_day: bool) -> tuple[Set, ...]:
    """Return the sets of values that are watched, with what their shares may move by."""
    found = [
        (of, name, *each)
        for of in ("features", "outputs")
        for name, column in getattr(reference, of).items()
        for each in _of_column(column)
    ]
    z = -float(ndtri(ALPHA / 4 / max(len(found), 1)))
    sets = []
    for of, name, below, level, share, limit, rows, spread in found:
        known = worth(reference, spread if by_day else (), Summary(), 1, rows).over(1)[1]
        unsure = math.sqrt(max(share * (1 - share), 1 / known) / known)
        sets.append(Set(of, name, below, level, share, limit + z * unsure))
    return tuple(sets)


def _of_column(column: Column) -> Iterator[tuple[int | None, str | None, float, float, int, tuple[float, ...]]]:
    there = column.rows - column.missing - column.nan
    if column.rows >= _FEWEST:
        absent = (column.missing + column.nan) / column.rows
        yield None, None, absent, LARGE["missing-share"], column.rows, column.missing_spread
    if there < _FEWEST or column.personal:
        return
    if column.numbers is not None and len(column.numbers.rows) > 1:
        shares = np.cumsum(column.numbers.rows) / sum(column.numbers.rows)
        cuts = {int(np.argmin(np.abs(shares[:-1] - at / (_CUTS + 1)))) for at in range(1, _CUTS + 1)}
        for cut in sorted(cuts):
            yield cut, None, float(shares[cut]), LARGE["kolmogorov-smirnov"], there, column.spread
    if column.categories is not None:
        for level, rows in list(zip(column.categories.names, column.categories.rows, strict=True))[:_LEVELS]:
            yield None, level, rows / there, LARGE["total-variation"], there, column.spread


def _begun(each: Set, alpha: float) -> tuple[change.Detector, ...]:
    """Return detectors of a share that rose and of one that fell, where it can."""
    found = []
    if each.share + each.slack < 1:
        found.append(change.begin(0, 1, each.share + each.slack, above=True, alpha=alpha))
    if each.share - each.slack > 0:
        found.append(change.begin(0, 1, each.share - each.slack, alpha=alpha))
    return tuple(found)
