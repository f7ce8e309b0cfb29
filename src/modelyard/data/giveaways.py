"""Columns that give the target away: one that tells it alone, or numbers whose weighted sum it is."""

from collections.abc import Sequence
from math import comb
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

_BY_CHANCE = 1_000_000
"""Ways to place the rarest class, for each column, under which one may tell the classes by chance."""
_FEW = 10
"""Numbers of fewer different values may rise together by chance."""
_EXACT, _NEARLY, _PART = 1e-9, 0.03, 0.1
"""Shares of the target's standard deviation: what is left of it where a sum is the target, is nearly that, and what a
number adds that is named then."""


def determining(frame: "pl.DataFrame", target: str, features: Sequence[str], *, classes: bool) -> list[str]:
    """Return the features that alone tell the target, by more than chance.

    A class is told by values that each have one class, or by thresholds with one class on each side; a number by one
    that rises or falls with it in every row, in another unit perhaps, or as its logarithm.
    """
    truth = frame[target]
    if truth.n_unique() < 2:
        return []
    if classes:
        rarest = min(truth.value_counts()["count"])
        if comb(len(truth), rarest) < _BY_CHANCE * len(features):
            return []
        return [name for name in features if _tells_class(frame[name], truth)]
    if truth.n_unique() < _FEW:
        return []
    return [name for name in features if _rises_with(frame[name], truth)]


def summing(frame: "pl.DataFrame", target: str, features: Sequence[str]) -> tuple[list[str], bool]:
    """Return numbers whose weighted sum is the target, or nearly, and whether it is that in every row."""
    import numpy as np

    names = [name for name in features if frame[name].dtype.is_numeric() and not frame[name].null_count()]
    names = [name for name in names if frame[name].n_unique() > 1]
    if not names or len(frame) < 3 * (len(names) + 1):
        return [], False
    x, y = frame.select(names).to_numpy().astype(float), frame[target].to_numpy().astype(float)
    x, y = (x - x.mean(0)) / x.std(0), y - y.mean()
    weights, *_ = np.linalg.lstsq(x, y, rcond=None)
    spread = float(y.std())
    rest = float((y - x @ weights).std())
    if not spread > 0 or rest > _NEARLY * spread:
        return [], False
    exact = rest <= _EXACT * spread
    least = (_EXACT if exact else _PART) * spread
    return [name for name, weight in zip(names, weights.tolist(), strict=True) if abs(weight) > least], exact


def _rises_with(values: "pl.Series", truth: "pl.Series") -> bool:
    """Return whether two numbers rise together, or one falls as the other rises, in every row."""
    if not values.dtype.is_numeric() or values.null_count() or values.n_unique() != truth.n_unique():
        return False
    ranks, others = values.rank("dense"), truth.rank("dense")
    return bool((ranks == others).all() or (ranks + others == truth.n_unique() + 1).all())


def _tells_class(values: "pl.Series", truth: "pl.Series") -> bool:
    import polars as pl

    pair = pl.DataFrame({"value": values, "class": truth})
    by_value = pair.group_by("value").agg(pl.col("class").n_unique().alias("classes"))
    if (by_value["classes"] > 1).any():
        return False
    if len(by_value) * 5 <= len(pair):
        return True  # few values, each of one class
    if not values.dtype.is_numeric():
        return False
    return int(pair.sort("value")["class"].rle_id()[-1]) == truth.n_unique() - 1
