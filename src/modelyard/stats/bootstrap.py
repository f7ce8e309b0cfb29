"""The BCa bootstrap (Efron, JASA 1987) of any statistic of row weights, over rows or over units.

Not stratified: the classes' shares vary as they would in new rows. Resamples on which the statistic is undefined are
drawn again and counted. Memory holds one resample at a time.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from modelyard.stats.interval import Interval, refuse, z_value

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Statistic = Callable[[Floats], float | None]

RESAMPLES = 2_000
MORE_RESAMPLES = 10_000
JACKKNIFE_GROUPS = 200
"""Rows are left out in at most this many groups; a delete-a-group jackknife has the same acceleration."""


def bca(
    statistic: Statistic,
    n: int,
    seed: int,
    *,
    unit: Ints | None = None,
    weight: Floats | None = None,
    bounds: Sequence[float] = (),
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
) -> Interval:
    """Bias-corrected and accelerated interval.

    Args:
        statistic: value on rows weighted by an (n,) array, or None where undefined.
        n: rows.
        seed: of the resamples.
        unit: (n,) codes 0 … G−1 of what is independent; rows where None.
        weight: (n,) the rows' own weights.
        bounds: what the limits decide against; 10,000 resamples where a limit is within 3 Monte Carlo errors of one.
        confidence: two-sided level.
        resamples: how many to draw at first.
    """
    own: Floats = np.ones(n) if weight is None else weight
    codes: Ints = np.arange(n) if unit is None else np.unique(unit, return_inverse=True)[1].astype(np.int64)
    groups = int(codes.max()) + 1 if n else 0
    estimate = statistic(own)
    if estimate is None:
        return refuse("undefined on these rows", n=groups, n_rows=n)
    left_out = _jackknife(statistic, own, codes, groups, seed)
    if left_out is None:
        return refuse("undefined when a part of the rows is left out", n=groups, n_rows=n, estimate=estimate)
    draw = np.random.default_rng(seed)
    drawn: list[float] = []
    ordered, shares, wanted = np.zeros(0), (0.0, 1.0), resamples
    while len(drawn) < wanted:
        if not _draw(statistic, own, codes, groups, draw, drawn, wanted):
            return refuse("undefined on most resamples", n=groups, n_rows=n, estimate=estimate)
        ordered = np.sort(np.array(drawn))
        found = _shares(ordered, estimate, left_out, confidence)
        if found is None:
            return refuse("all resamples lie on one side", n=groups, n_rows=n, estimate=estimate)
        shares = found
        if _close(ordered, shares, bounds):
            wanted = MORE_RESAMPLES
    low, high = (float(np.quantile(ordered, share)) for share in shares)
    if not low < high:
        return refuse("the resamples do not vary", n=groups, n_rows=n, estimate=estimate)
    method = "BCa bootstrap" if unit is None else "cluster BCa bootstrap"
    return Interval(estimate, low, high, f"{method}, {len(drawn):,} resamples", groups, n,
                    approximate=unit is not None)  # fmt: skip


def _draw(
    statistic: Statistic,
    own: Floats,
    codes: Ints,
    groups: int,
    draw: np.random.Generator,
    drawn: list[float],
    wanted: int,
) -> bool:
    undefined = 0
    while len(drawn) < wanted:
        counts = np.bincount(draw.integers(0, groups, groups), minlength=groups)
        value = statistic(own * counts[codes])
        if value is None:
            undefined += 1
            if undefined > wanted:
                return False
        else:
            drawn.append(value)
    return True


def _jackknife(statistic: Statistic, own: Floats, codes: Ints, groups: int, seed: int) -> Floats | None:
    blocks = min(groups, JACKKNIFE_GROUPS)
    if blocks < 2:
        return None
    block = np.random.default_rng(seed).permutation(groups) % blocks if blocks < groups else np.arange(groups)
    found = [statistic(np.where(block[codes] == one, 0.0, own)) for one in range(blocks)]
    if any(value is None for value in found):
        return None
    return np.array(found, dtype=np.float64)


def _shares(ordered: Floats, estimate: float, left_out: Floats, confidence: float) -> tuple[float, float] | None:
    below = (np.sum(ordered < estimate) + np.sum(ordered == estimate) / 2) / len(ordered)
    if not 0 < below < 1:
        return None
    bias = float(ndtri(below))
    away = left_out.mean() - left_out
    spread = float((away**2).sum())
    acceleration = float((away**3).sum()) / (6 * spread**1.5) if spread > 0 else 0.0
    z = z_value(confidence)
    ends = []
    for quantile in (-z, z):
        moved = bias + quantile
        if acceleration * moved >= 1:
            return None
        ends.append(float(ndtr(bias + moved / (1 - acceleration * moved))))
    return ends[0], ends[1]


def _close(ordered: Floats, shares: tuple[float, float], bounds: Sequence[float]) -> bool:
    if len(ordered) >= MORE_RESAMPLES:
        return False
    for share in shares:
        error = 3 * math.sqrt(share * (1 - share) / len(ordered))
        low, high = np.quantile(ordered, [max(share - error, 0.0), min(share + error, 1.0)])
        if any(low <= bound <= high for bound in bounds):
            return True
    return False
