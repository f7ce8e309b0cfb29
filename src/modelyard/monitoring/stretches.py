"""What rows of a stretch of time have in common, beyond chance: of an hour, a day, a week."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from modelyard.monitoring.columns import moments_of, present

if TYPE_CHECKING:
    import polars as pl

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
FEWEST_STRETCHES = 8
"""Of one length, of which it is told what they have in common."""
_STRETCHES = 5_000
_HOUR_US = 3_600_000_000
DAY_US = 24 * _HOUR_US
_HOURS = (1, 2, 3, 6, 12, 24, 48, 84, 168, 336, 672, 1344, 2688)
"""Stretches of the clock: hours, parts of a day, days and weeks."""


@dataclass(frozen=True)
class Stretches:
    """Rows that follow each other: the shortest stretches, and how many of them longer ones are made of."""

    block: Ints
    """(n,) the shortest stretch that a row lies in."""
    together: tuple[int, ...]
    lengths: tuple[float, ...]
    day: Ints
    """(n,) its day; all the same where times are not known."""
    days: float | None


def stretches_of(rows: int, unit: ArrayLike | None, time: "pl.Series | None") -> Stretches:
    """Divide rows into stretches: of the clock where times are known, else of so many rows."""
    if time is not None:
        moments = moments_of(time).to_physical().to_numpy()
        days = float(moments.max() - moments.min()) / DAY_US
        shortest = next((hours for hours in (1, 6, 24) if days * 24 <= hours * _STRETCHES), 168)
        block = moments // (shortest * _HOUR_US)
        block -= block.min() // 168 * 168  # whole weeks, so that longer stretches begin at midnight
        lengths = [hours for hours in _HOURS if hours % shortest == 0 and days * 24 >= FEWEST_STRETCHES * hours]
        told = tuple(each / 24 for each in lengths)
        return Stretches(block, tuple(each // shortest for each in lengths), told, moments // DAY_US, days)
    order = np.arange(rows) if unit is None else np.argsort(np.asarray(unit), kind="stable")
    shortest = max(4, -(-rows // _STRETCHES))
    together = tuple(2**each for each in range(20) if rows >= FEWEST_STRETCHES * shortest * 2**each)
    block = np.empty(rows, dtype=np.int64)
    block[order] = np.arange(rows) // shortest
    lengths_in_rows = tuple(float(each * shortest) for each in together)
    return Stretches(block, together, lengths_in_rows, np.zeros(rows, dtype=np.int64), None)


def spread_of(codes: Ints, classes: int, stretches: Stretches, *, ordered: bool) -> tuple[float, ...]:
    """Return what stretches of each length have in common: the variance of shares over that of one row, p(1 - p).

    The mean over shares at or below each class where classes are ordered; else the sum over classes, each over p alone:
    the trace of Rao and Scott's design. Independent rows have 0 in common, rows that are alike within a stretch 1.
    Times the length it grows with the length, wherever stretches do not alternate, so that the largest so far is taken.
    ``codes`` has each row's class, from 0; -1 counts for nothing.
    """
    if not stretches.lengths or classes < 2:
        return ()
    counted = codes >= 0
    blocks = int(stretches.block.max()) + 1
    cells = stretches.block * classes
    cells += codes
    table = np.bincount(present(cells, counted), minlength=blocks * classes)
    table = table.reshape(blocks, classes).astype(np.float64)
    found, most = [], 0.0
    for together, length in zip(stretches.together, stretches.lengths, strict=True):
        joined = np.add.reduceat(table, np.arange(0, blocks, together), axis=0)
        rows = joined.sum(axis=1)
        total, there = float(rows.sum()), int((rows > 0).sum())
        share = joined.sum(axis=0) / max(total, 1)
        away = joined - rows[:, None] * share  # each stretch's influence on the shares, times all rows
        if ordered:
            away, share = np.cumsum(away, axis=1)[:, :-1], np.cumsum(share)[:-1]
            weight, degrees = 1.0 / max(float((share * (1 - share)).sum()), 1e-12), 1
        else:
            weight, degrees = 1.0 / np.maximum(share, 1e-12), int((share > 0).sum()) - 1
        if there > 1 and total:
            seen = float(((away**2) * weight).sum()) * there / (there - 1)
            most = max(most, length * (seen - degrees * total) / float((rows**2).sum()))
        found.append(float(f"{most / length:.3g}"))
    return tuple(found)
