"""Intervals for a mean of per-row values or differences."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from modelyard.stats.bootstrap import bca, studentised
from modelyard.stats.interval import Interval, refuse, t_value, widest

SKEWED = 0.1
"""|skewness|/√n from which Student's interval is left for the bootstrap."""


def mean_interval(
    values: NDArray[np.float64], *, seed: int = 0, bounds: Sequence[float] = (), confidence: float = 0.95
) -> Interval:
    """Student's interval of a mean where |skewness|/√n is under 0.1; else at each end the wider of BCa and bootstrap-t.

    BCa alone lets 4 to 5 % through on the side of the long tail of lognormal losses (σ 1.2, n = 200 to 1,000).

    Args:
        values: (n,) finite.
        seed: of the bootstrap.
        bounds: what the limits decide against.
        confidence: two-sided level.
    """
    n = len(values)
    if n < 2:
        return refuse("fewer than two rows", n=n, n_rows=n)
    mean, deviation = float(values.mean()), float(values.std(ddof=1))
    if deviation == 0:
        return refuse("the values do not vary", n=n, n_rows=n, estimate=mean)
    skewness = float((((values - mean) / deviation) ** 3).mean())
    if abs(skewness) / math.sqrt(n) < SKEWED:
        half = t_value(confidence, n - 1) * deviation / math.sqrt(n)
        return Interval(mean, mean - half, mean + half, "Student's t", n, n)
    first = bca(
        lambda weight: float((weight * values).sum() / weight.sum()), n, seed, bounds=bounds, confidence=confidence
    )
    second = studentised(values, seed, bounds=bounds, confidence=confidence)
    if first.low is None or second.low is None:
        return first if first.low is None else second
    return replace(widest(first, second), method=f"{first.method}, and bootstrap-t")
