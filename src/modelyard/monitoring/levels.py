"""What a metric is watched by: bounded values of what is independent, whose mean is the metric, or becomes it.

A mean loss is watched by its losses, accuracy and recall by rights and wrongs of the rows that count, precision by
those of the rows called positive, an AUC by those of small blocks of rows. With units each unit counts once, as the
mean of its values, so that the quantity is the mean over units: of days, that of an average day. A version's test rows
are looked at in the same way, once, when it is evaluated: ``Level`` is what is kept of them.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from modelyard.metrics.metric import Composed, Family, MeanLoss, Metric, Proportion, Ranking
from modelyard.metrics.predictions import Bools, Floats, Ints, Predictions
from modelyard.records.results.part import Part
from modelyard.stats import auc
from modelyard.stats.interval import t_value
from modelyard.stats.proportions import proportion
from modelyard.stats.sequences import auc_blocks

FEWEST_VALUES = 10
"""Values of the test rows that say how far these can be trusted."""
BEYOND = 4.0
"""A loss without a limit counts as so many times the 99 % quantile of the test rows' at most."""
WITHIN = 3.0
"""Deviations of units' values around their mean on the test rows, within which they count."""
MANY = 3_000
"""Rows of the rarer class from which blocks of an AUC hold three of them."""


class Level(Part):
    """A metric on a version's test rows, as it is watched: a mean of values."""

    metric: str
    slice: str = ""
    rows: int
    values: int
    """How many: units, blocks or rows."""
    mean: float
    deviation: float
    """Of the values."""
    indicator: bool
    """Each value is 0 or 1."""
    effect: float = 1.0
    """How many times more than independent ones the values vary together, where they follow each other in time."""
    most: float | None = None
    """What a loss counts as at most, where it has no limit of its own."""
    baseline: float | None = None
    """The best constant's metric on these rows."""
    band: tuple[float, float] | None = None
    """Of units: within what a unit's value counts; one further out counts as the nearer end."""

    @property
    def by_unit(self) -> bool:
        """Whether its values are those of units, so that only units can be held to it."""
        return self.band is not None

    def limits(self, confidence: float) -> tuple[float, float] | None:
        """Return the limits of the mean; None of too few values."""
        if self.values < FEWEST_VALUES:
            return None
        if self.indicator:
            found = proportion(round(self.mean * self.values), self.values, confidence)
            return (found.low, found.high) if found.low is not None and found.high is not None else None
        error = self.deviation * math.sqrt(self.effect / self.values)
        half = t_value(confidence, max(self.values / self.effect - 1, 1.0)) * error
        return self.mean - half, self.mean + half


@dataclass(frozen=True)
class Rows:
    """Rows as they are watched.

    Attributes:
        y: (n,) as metrics take it.
        predictions: of these rows.
        unit: (n,) what is independent; None: rows.
        seed: of blocks that rows are dealt to; from what is fixed before labels come.
        most: what a loss without a limit counts as at most.
    """

    y: Ints | Floats
    predictions: Predictions
    unit: Any = None
    seed: int = 0
    most: float | None = None


@dataclass(frozen=True)
class Values:
    """What a metric is watched by on some rows.

    Attributes:
        found: (b,) one for each unit, block or row, in the order in which they came.
        names: (b,) their units; None without units.
        rows: that count for the metric.
        indicator: each is 0 or 1.
    """

    found: Floats
    names: Any
    rows: int
    indicator: bool


class Watched(ABC):
    """How a metric is watched: by which values of rows, and what their mean says of it."""

    lowest = 0.0
    """The least that a value can be."""
    highest: float | None = 1.0
    """The most; None where the test rows have to say."""

    @abstractmethod
    def values(self, rows: Rows) -> Values:
        """Return the values of some rows."""

    def known(self, _rows: Rows, found: Floats, /) -> tuple[float, float]:
        """Return the mean of the values that were found, and their deviation, from which its error follows."""
        return float(found.mean()), float(found.std(ddof=1)) if len(found) > 1 else 0.0

    def shown(self, mean: float) -> float:
        """Return the metric from the values' mean; it rises with it."""
        return mean

    def hidden(self, metric: float) -> float:
        """Return the values' mean from the metric."""
        return metric


@dataclass(frozen=True)
class _Shares(Watched):
    """A share of the rows that count: accuracy, recall, precision."""

    of: Callable[[Ints | Floats, Predictions], tuple[Bools, Bools]]

    def values(self, rows: Rows) -> Values:
        right, considered = self.of(rows.y, rows.predictions)
        unit = None if rows.unit is None else rows.unit[considered]
        return _by_unit(right[considered].astype(np.float64), unit, shares=True)


class _F1(_Shares):
    """F1 = 2J/(1 + J), of the share J of the rows that have the class or are given it."""

    def shown(self, mean: float) -> float:
        return 2 * mean / (1 + mean)

    def hidden(self, metric: float) -> float:
        return metric / (2 - metric)


@dataclass(frozen=True)
class _Losses(Watched):
    """A mean loss."""

    metric: MeanLoss

    def __post_init__(self) -> None:
        object.__setattr__(self, "highest", self.metric.most)

    def values(self, rows: Rows) -> Values:
        losses = self.metric.losses(rows.y, rows.predictions)
        return _by_unit(losses if rows.most is None else np.minimum(losses, rows.most), rows.unit, shares=False)


class _RootLosses(_Losses):
    """The root of a mean loss."""

    def shown(self, mean: float) -> float:
        return math.sqrt(max(mean, 0.0))

    def hidden(self, metric: float) -> float:
        return metric**2


@dataclass(frozen=True)
class _Areas(Watched):
    """An area under the ROC curve, by those of blocks of rows."""

    metric: Ranking

    def values(self, rows: Rows) -> Values:
        area = self.metric.areas(rows.y.astype(np.int64), rows.predictions.probabilities)[0]
        kept = area.side >= 0
        side, unit = area.side[kept], None if rows.unit is None else rows.unit[kept]
        rare = min(int((side == 1).sum()), int((side == 0).sum()))
        found = auc_blocks(side, area.score[kept], unit=unit, size=3 if rare >= MANY else 1, seed=rows.seed)
        return Values(found.values[0], found.unit, len(side), indicator=False)

    def known(self, rows: Rows, found: Floats, /) -> tuple[float, float]:
        # Of rows the area of all pairs is known better than by blocks: DeLong's error, as that of so many values.
        if rows.unit is not None:
            return super().known(rows, found)
        area = self.metric.areas(rows.y.astype(np.int64), rows.predictions.probabilities)[0]
        kept = area.side >= 0
        placed = auc.placements(area.side[kept], area.score[kept])
        variance = sum(float(side.var(ddof=1)) / len(side) for side in placed if len(side) > 1)
        return float(placed[0].mean()), math.sqrt(variance * len(found))


class _ByClass(Watched):
    """The mean of the recalls, by blocks of a row of each class, or by units."""

    def values(self, rows: Rows) -> Values:
        codes, classes = rows.y.astype(np.int64), rows.predictions.classes
        right = (rows.predictions.labels == codes).astype(np.float64)
        if rows.unit is None:
            draw = np.random.default_rng(rows.seed)
            of_class = [draw.permutation(np.flatnonzero(codes == code)) for code in range(classes)]
            blocks = min(map(len, of_class))
            found = np.mean([right[own[:blocks]] for own in of_class], axis=0) if blocks else np.zeros(0)
            return Values(found, None, blocks * classes, indicator=False)
        names, first, of_row = np.unique(rows.unit, return_index=True, return_inverse=True)
        cell = of_row * classes + codes
        counts = np.bincount(cell, minlength=len(names) * classes).reshape(-1, classes)
        hits = np.bincount(cell, weights=right, minlength=len(names) * classes).reshape(-1, classes)
        order = np.argsort(first, kind="stable")
        order = order[(counts[order] > 0).all(axis=1)]
        return Values(
            (hits[order] / counts[order]).mean(axis=1), names[order], int(counts[order].sum()), indicator=False
        )


def watched(metric: Metric) -> Watched | None:
    """Return how a metric is watched; None where it is no mean of anything bounded, such as a median or R²."""
    how = _FAMILIES.get(metric.family)
    return None if how is None else how(metric)


def level_of(
    metric: Metric, rows: Rows, *, ordered: bool = False, slice_: str = "", baseline: float | None = None
) -> Level | None:
    """Return what is kept of a version's test rows, or of one slice of them; None where there is nothing to keep.

    Args:
        metric: what is watched.
        rows: the test rows; of a slice with what a loss counts as at most on all rows.
        ordered: units follow each other in time, in the order of their codes.
        slice_: ``column = value`` of the rows.
        baseline: the best constant's metric on them.
    """
    how = watched(metric)
    if how is None or len(rows.y) == 0 or not rows.predictions.has(metric.needs):
        return None
    if metric.undefined(rows.y, rows.predictions) is not None:
        return None
    if how.highest is None and rows.most is None:
        rows = replace(rows, most=_most(how.values(replace(rows, unit=None)).found))
    values = how.values(rows)
    found = values.found
    if len(found) == 0 or not np.isfinite(found).all():
        return None
    band, follow = None, ordered and rows.unit is not None
    if rows.unit is not None:
        band = _band(found, how.lowest, rows.most if how.highest is None else how.highest)
        found = np.clip(found, *band)
    mean, deviation = how.known(rows, found)
    return Level(
        metric=metric.name, slice=slice_, rows=values.rows, values=len(found), mean=mean,
        deviation=deviation, indicator=values.indicator,
        effect=varies_together(found[np.argsort(values.names, kind="stable")]) if follow else 1.0,
        most=rows.most, baseline=baseline, band=band,
    )  # fmt: skip


def _band(found: Floats, lowest: float, highest: float | None) -> tuple[float, float]:
    """Return within what the values of units count: three deviations around their mean.

    What can be won by a bet on a value is bounded by how far it can lie on the other side. An average day with an
    accuracy of 0.7 ± 0.05 is known to be worse three times as soon where no day counts as 0 or 1.
    """
    mean, deviation = float(found.mean()), float(found.std(ddof=1)) if len(found) > 1 else 0.0
    top = float(found.max()) if highest is None else highest
    if deviation <= 0:
        return lowest, max(top, lowest + 1e-6)
    return max(mean - WITHIN * deviation, lowest), min(mean + WITHIN * deviation, max(top, mean + deviation))


def varies_together(found: Floats) -> float:
    """Return how many times more than independent ones values vary together that follow each other in time.

    (1 + ρ)/(1 − ρ) of the correlation ρ of a value with the one before, whose downward bias in short series is taken
    off (Kendall, Biometrika 1954); 1 at least.
    """
    centred = found - found.mean()
    square = float((centred**2).sum())
    if len(found) < FEWEST_VALUES or square <= 0:
        return 1.0
    seen = float((centred[1:] * centred[:-1]).sum()) / square
    memory = min(max(seen + (1 + 3 * seen) / len(found), 0.0), 0.9)
    return (1 + memory) / (1 - memory)


def _most(losses: Floats) -> float:
    """Return what a loss without a limit counts as at most."""
    usual = float(np.quantile(losses, 0.99)) or float(losses.max())
    return BEYOND * usual if usual > 0 else 1.0


def _by_unit(values: Floats, unit: Any, *, shares: bool) -> Values:
    """Return the mean of each unit, in the order in which they came."""
    if unit is None:
        return Values(values, None, len(values), indicator=shares)
    names, first, codes = np.unique(unit, return_index=True, return_inverse=True)
    if len(names) == 0:
        return Values(values, names, 0, indicator=False)
    means = np.bincount(codes, weights=values) / np.bincount(codes)
    order = np.argsort(first, kind="stable")
    return Values(means[order], names[order], len(values), indicator=False)


def _shares(metric: Metric) -> Watched | None:
    if isinstance(metric, Proportion):
        return _Shares(metric.events)
    if not isinstance(metric, Composed):
        return None
    composed = metric

    def of(y: Ints | Floats, predictions: Predictions) -> tuple[Bools, Bools]:
        return composed.parts(y.astype(np.int64), predictions.labels, predictions.classes)[0]

    return _F1(of) if composed.f1 else _Shares(of)


def _areas(metric: Metric) -> Watched | None:
    return _Areas(metric) if isinstance(metric, Ranking) else None


def _losses(metric: Metric) -> Watched | None:
    return _Losses(metric) if isinstance(metric, MeanLoss) else None


_FAMILIES: Mapping[Family, Callable[[Metric], Watched | None]] = {
    Family.PROPORTION: _shares,
    Family.SHARE: _shares,
    Family.BY_CLASS: lambda _metric: _ByClass(),
    Family.AUC: _areas,
    Family.CLASS_AREA: _areas,
    Family.MEAN: _losses,
    Family.ROOT_MEAN: lambda metric: _RootLosses(metric) if isinstance(metric, MeanLoss) else None,
}
