"""How columns move together: correlations of their ranks, and how these vary."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelyard.data.profile import FEWEST
from modelyard.monitoring.profile import Reference, Summary
from modelyard.monitoring.stretches import FEWEST_STRETCHES, Stretches

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_MOST_STRETCHES, _AT_MOST = 52, 10_000
_AT_ONCE = 1 << 12


def table_of(scores: "Sequence[NDArray[np.int8] | None]", rows: int) -> NDArray[np.int8]:
    """Return (columns, rows); zeros of a column that is not there."""
    found = np.zeros((len(scores), rows), dtype=np.int8)
    for at, each in enumerate(scores):
        if each is not None:
            found[at] = each
    return found


def products_of(table: NDArray[np.int8], day: Ints, days: int) -> tuple[Ints, Ints]:
    """Return the sums of scores by day, and those of products of each two: whole numbers below 2⁵³, so exact."""
    count = len(table)
    sums = np.zeros((days, count), dtype=np.int64)
    if days == 1:
        sums[0] = table.sum(axis=1, dtype=np.int64)
    else:
        for at in range(count):
            sums[:, at] = np.bincount(day, weights=table[at], minlength=days)
    products = np.zeros((count, count))
    for begin in range(0, table.shape[1], _AT_ONCE):
        some = table[:, begin : begin + _AT_ONCE].astype(np.float32)
        products += some @ some.T  # of 4,096 rows below 2²⁴, so exact
    return sums, products[np.triu_indices(count)].astype(np.int64)


def correlations(summary: Summary, reference: Reference) -> Floats:
    """Return the correlations of a window's scores, in the order of ``Reference.correlations``; NaN of constants.

    Within days where the reference knows times, so that what whole days have in common does not count.
    """
    sums = np.array([summary.sums[day] for day in sorted(summary.sums)], dtype=np.int64)
    rows = np.array([summary.days.get(day, summary.rows) for day in sorted(summary.sums)])
    if reference.days is None:
        sums, rows = sums.sum(axis=0, keepdims=True), rows.sum(keepdims=True)
    return _correlation(sums, np.array(summary.products, dtype=np.int64), rows)


def _correlation(sums: Ints, products: Ints, rows: Ints) -> Floats:
    """Return correlations within groups, from sums by group (groups, columns), of products, and the groups' rows."""
    count = sums.shape[1]
    table = np.zeros((count, count))
    table[np.triu_indices(count)] = products
    table -= (sums / np.maximum(rows, 1)[:, None]).T @ sums
    own = np.maximum(np.diag(table), 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = table / np.sqrt(np.outer(own, own))
    return np.asarray(np.where(np.isfinite(found), found, np.nan)[np.triu_indices(count, 1)], dtype=np.float64)


def associations_of(table: NDArray[np.int8], stretches: Stretches) -> dict[str, Any]:
    """Return correlations of scores, and how they vary over weeks, or the longest stretches that are eight at least."""
    day = stretches.day
    told: dict[str, Any] = {"correlations": _thousandths(_within(table, day))}
    short = [each for each, length in enumerate(stretches.lengths) if length <= 7 or stretches.days is None]
    if not short or len(table) < 2:
        return told
    stretch = stretches.block // stretches.together[short[-1]]
    order = np.argsort(stretch, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(stretch[order])) + 1)
    parts = [part[:_AT_MOST] for part in parts[-_MOST_STRETCHES:] if len(part) >= FEWEST]
    found = [_within(table[:, part], day[part]) for part in parts]
    if len(found) >= FEWEST_STRETCHES - 1:
        varied = np.std(np.nan_to_num(found), axis=0, ddof=1)
        told |= {"varied": _thousandths(varied), "varied_over": stretches.lengths[short[-1]]}
    return told


def _within(table: NDArray[np.int8], day: Ints) -> Floats:
    groups, codes, rows = np.unique(day, return_inverse=True, return_counts=True)
    return _correlation(*products_of(table, codes, len(groups)), rows)


def _thousandths(values: Floats) -> tuple[float, ...]:
    return tuple(np.round(np.nan_to_num(values), 3).tolist())
