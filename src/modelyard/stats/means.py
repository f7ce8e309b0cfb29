"""Intervals for a mean of per-row values or differences."""

import math

import numpy as np
from numpy.typing import NDArray

from modelyard.stats.bootstrap import bca
from modelyard.stats.interval import Interval, refuse, t_value

SKEWED = 0.1
"""|skewness|/√n from which Student's interval is left for the bootstrap."""


def mean_interval(values: NDArray[np.float64], *, seed: int = 0, confidence: float = 0.95) -> Interval:
    """Student's interval of a mean where |skewness|/√n is under 0.1, else BCa.

    Args:
        values: (n,) finite.
        seed: of the bootstrap.
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
    return bca(lambda weight: float((weight * values).sum() / weight.sum()), n, seed, confidence=confidence)
