"""Weighted statistics of predictions: the sums behind the metrics, as functions of row weights.

Every quantity agrees with scikit-learn's function of that name to 1e-9.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from modelyard.metrics.predictions import Floats, Ints, Statistic


def total(weight: Floats, values: Any) -> float:
    """Return the weighted sum, bit for bit the same wherever it runs.

    A BLAS product splits long vectors by however many threads it has, so its last digits differ between machines.
    """
    return float(np.einsum("i,i->", weight, values))


def ratio(over: Any, under: Any) -> float | None:
    """Return the quotient; None where nothing is below the line."""
    return float(over / under) if under > 0 else None


def ratio_of_sums(over: Floats, under: Floats) -> Statistic:
    """Return the ratio of two weighted sums."""
    return lambda weight: ratio(total(weight, over), total(weight, under))


def nothing(_: Floats) -> float | None:
    """Return None: the statistic of rows on which a metric is undefined."""
    return None


def mean(values: Floats) -> Statistic:
    """Return the weighted mean."""
    return lambda weight: ratio(total(weight, values), weight.sum())


def root_mean(values: Floats) -> Statistic:
    """Return the square root of the weighted mean."""

    def of(weight: Floats) -> float | None:
        square = ratio(total(weight, values), weight.sum())
        return None if square is None else float(np.sqrt(square))

    return of


def mean_of(parts: Sequence[Statistic], shares: Callable[[Floats], Floats]) -> Statistic:
    """Return the mean of several statistics, weighted by a function of the rows' weights; undefined where one is."""

    def of(weight: Floats) -> float | None:
        values = [part(weight) for part in parts]
        known = [value for value in values if value is not None]
        if not values or len(known) < len(values):
            return None
        return ratio(total(shares(weight), np.array(known)), shares(weight).sum())

    return of


def area(y: Ints, score: Floats) -> Statistic:
    """Return the AUC: for each positive (1) the weight of the negatives (0) below it, ties at half."""
    positive, negative = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
    negative = negative[np.argsort(score[negative], kind="stable")]
    ordered = score[negative]
    below = np.searchsorted(ordered, score[positive], "left")
    up_to = np.searchsorted(ordered, score[positive], "right")
    tied = bool((below != up_to).any())

    def of(weight: Floats) -> float | None:
        sums = np.zeros(len(negative) + 1)
        np.cumsum(weight[negative], out=sums[1:])
        of_positives = weight[positive]
        pairs = float(of_positives.sum()) * float(sums[-1])
        if pairs <= 0:
            return None
        won = total(of_positives, sums[below])
        if tied:
            won = (won + total(of_positives, sums[up_to])) / 2
        return won / pairs

    return of


def average_precision(y: Ints, score: Floats) -> Statistic:
    """Return the average precision: precision at each score, weighted by the recall gained there."""
    order = np.argsort(-score, kind="stable")
    ranked_y = (y[order] == 1).astype(np.float64)
    ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))

    def of(weight: Floats) -> float | None:
        ranked = weight[order]
        true, called = np.cumsum(ranked * ranked_y)[ends], np.cumsum(ranked)[ends]
        if true[-1] <= 0 or true[-1] >= called[-1]:
            return None
        precision = np.divide(true, called, out=np.zeros_like(true), where=called > 0)
        return total(np.diff(np.append(0.0, true)), precision) / float(true[-1])

    return of


def r2(y: Floats, predicted: Floats) -> Statistic:
    """Return the coefficient of determination."""

    def of(weight: Floats) -> float | None:
        all_of_it = weight.sum()
        if all_of_it <= 0:
            return None
        spread = total(weight, (y - total(weight, y) / all_of_it) ** 2)
        return float(1 - total(weight, (y - predicted) ** 2) / spread) if spread > 0 else None

    return of


def median(values: Floats) -> Statistic:
    """Return the weighted median, halfway between two where the weight is split there."""
    order = np.argsort(values, kind="stable")

    def of(weight: Floats) -> float | None:
        sums = np.cumsum(weight[order])
        if len(sums) == 0 or sums[-1] <= 0:
            return None
        half = sums[-1] / 2
        low = int(np.searchsorted(sums, half * (1 - 1e-12)))
        high = int(np.searchsorted(sums, half * (1 + 1e-12), side="right"))
        high = min(high, len(sums) - 1)
        return float((values[order[low]] + values[order[high]]) / 2)

    return of


def confusion(
    y: Ints, label: Ints, classes: int, of_table: Callable[[Floats, Floats, Floats], float | None]
) -> Statistic:
    """Return a function of the confusion table: of its hits, actual rows and called rows, each (k,)."""
    columns = classes + 1  # the last holds a reference's labels that are none of the classes (models/predictions.py)
    cells = y * columns + label

    def of(weight: Floats) -> float | None:
        table = np.bincount(cells, weights=weight, minlength=classes * columns).reshape(classes, columns)
        return of_table(np.diag(table), table.sum(axis=1), table[:, :classes].sum(axis=0))

    return of


def correlation(hit: Floats, actual: Floats, called: Floats) -> float | None:
    """Return Matthews' correlation of a confusion table, as Gorodkin (2004) has it for several classes.

    A model that gives every row one label has 0, as any label drawn at random has on average; rows of one class have
    none.

    Args:
        hit: (k,) rows of each class that are given it.
        actual: (k,) rows of each class.
        called: (k,) rows given each class; those given none of them are the rest.
    """
    rows = float(actual.sum())
    other = rows - float(called.sum())
    of_actual, of_called = rows**2 - float((actual**2).sum()), rows**2 - float((called**2).sum()) - other**2
    if of_actual <= 0:
        return None
    together = float(hit.sum()) * rows - float((actual * called).sum())
    return together / float(np.sqrt(of_actual * of_called)) if of_called > 1e-9 * rows**2 else 0.0
