"""The area under the ROC curve: one model, and linear contrasts of several on the same rows."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit, logit

from modelyard.core.reasons import because
from modelyard.stats.interval import Interval, hall, refuse, widest, z_value

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Placed = tuple[Floats, Floats]
"""Of positives (n₁,) and of negatives (n₀,); see ``placements``."""

FEWEST_ERRORS = 2.5
"""min(n₁, n₀)·(1 − champion's AUC + margin) below which a paired interval is refused."""
FEWEST_OF_A_CLASS, FEWEST_FOR_CONTRAST = 3, 5
"""Rows of either class below which intervals of one AUC and of contrasts miss their level (benchmarks/coverage.py)."""


def placements(y: Ints, score: Floats) -> Placed:
    """Each positive's share of negatives below it, (n₁,), and each negative's share of positives above it, (n₀,).

    Ties count half. O(n log n) by one sort (Sun & Xu, IEEE Signal Processing Letters 2014).
    """
    positive = y == 1
    order = np.argsort(score)
    ranked, hit = score[order], positive[order]
    hits, others = (np.concatenate(([0], np.cumsum(each))) for each in (hit, ~hit))
    first, last = np.arange(len(y)), np.arange(1, len(y) + 1)
    starts = np.flatnonzero(ranked[1:] != ranked[:-1]) + 1
    if len(starts) < len(y) - 1:
        edges = np.concatenate(([0], starts, [len(y)]))
        counts = np.diff(edges)
        first, last = np.repeat(edges[:-1], counts), np.repeat(edges[1:], counts)
    against = np.where(hit, others[first] + others[last], hits[first] + hits[last])
    below = np.empty(len(y), dtype=np.float64)
    below[order] = against
    n1 = int(hits[-1])
    return below[positive] / (2.0 * max(len(y) - n1, 1)), 1.0 - below[~positive] / (2.0 * max(n1, 1))


def auc(y: Ints, score: Floats) -> float | None:
    """AUC with ties at half; None with one class."""
    positives = int((y == 1).sum())
    if positives in (0, len(y)):
        return None
    return float(placements(y, score)[0].mean())


def one_model(estimate: float, n1: int, n0: int, confidence: float = 0.95) -> Interval:
    """Hanley and McNeil's variance solved at each limit (Newcombe, Statistics in Medicine 2006, method 5)."""
    z = z_value(confidence)

    def error(theta: float) -> float:
        return z * math.sqrt(max(variance(theta, n1, n0), 0.0))

    # At 0 and 1 the variance vanishes, so that each is a root by itself; the limits are the roots inside.
    low = _root(lambda theta: estimate - theta - error(theta), 1e-12, min(estimate, 1 - 1e-9), at_edge=0.0)
    high = _root(lambda theta: theta - estimate - error(theta), max(estimate, 1e-9), 1 - 1e-12, at_edge=1.0)
    return Interval(estimate, low, high, (because("newcombe"),), n1 + n0, n1 + n0)


def level(placed: Placed, confidence: float = 0.95) -> Interval:
    """Limits of one AUC from its placements: at each end the wider of Newcombe's method 5 and a logit DeLong interval.

    The first supposes that scores are spread alike in both classes: with positives three times as dispersed, or 6 % of
    them far below, 8 to 10 % of its limits miss on either side at any n. The second sees that, and knows nothing where
    hardly an error was seen, which the first does (tests/statistics).
    """
    n1, n0 = map(len, placed)
    estimate = float(placed[0].mean())
    parametric = one_model(estimate, n1, n0, confidence)
    spread = sum(float(side.var(ddof=1)) / len(side) for side in placed)
    if not 0 < estimate < 1 or spread <= 0:
        return parametric
    half = z_value(confidence) * math.sqrt(spread) / (estimate * (1 - estimate))
    centre, method = float(logit(estimate)), (because("newcombe"), because("delong-logit"))
    found = Interval(estimate, float(expit(centre - half)), float(expit(centre + half)), method, n1 + n0, n1 + n0)
    return widest(found, parametric)


def variance(theta: float, n1: int, n0: int) -> float:
    """Hanley and McNeil's variance of an AUC of ``theta``, as Newcombe's method 5 takes it."""
    shared = (n1 + n0) / 2 - 1
    spread = 1 + shared * (1 - theta) / (2 - theta) + shared * theta / (1 + theta)
    return theta * (1 - theta) * spread / max(n1 * n0, 1)


def _root(function: Callable[[float], float], low: float, high: float, *, at_edge: float) -> float:
    if low >= high or function(low) * function(high) >= 0:
        return at_edge
    return float(brentq(function, low, high, xtol=1e-12))


def contrast(placed: Sequence[Placed], weights: Sequence[float], constant: float, confidence: float = 0.95) -> Interval:
    """Interval of Σ wₖ·AUCₖ + constant on the same rows, from each model's placements.

    DeLong, DeLong & Clarke-Pearson (Biometrics 1988), and its skewness-corrected form (Hall, JRSS B 1992); at each end
    the wider of both.
    """
    first, second = (_combined([each[side] for each in placed], weights) for side in (0, 1))
    n1, n0 = len(first), len(second)
    estimate = float(first.mean()) + constant
    n = n1 + n0
    if min(n1, n0) < FEWEST_FOR_CONTRAST:
        return refuse("too-few-of-a-class", fewest=5, n=n, n_rows=n, estimate=estimate)
    (squares1, cubes1), (squares0, cubes0) = _moments(first), _moments(second)
    variance = squares1 / (n1 * (n1 - 1)) + squares0 / (n0 * (n0 - 1))
    if variance <= 0:
        return refuse("equal-rankings", n=n, n_rows=n, estimate=estimate)
    error = math.sqrt(variance)
    third = cubes1 / n1**3 + cubes0 / n0**3
    skew = float(third / error**3)
    z = z_value(confidence)
    low, high = estimate - z * error, estimate + z * error
    low = min(low, estimate - error * hall(z, skew))
    high = max(high, estimate - error * hall(-z, skew))
    return Interval(estimate, low, high, (because("delong"),), n, n)


def _combined(parts: Sequence[Floats], weights: Sequence[float]) -> Floats:
    total = weights[0] * parts[0]
    for part, weight in zip(parts[1:], weights[1:], strict=True):
        total += weight * part
    return total


def _moments(values: Floats) -> tuple[float, float]:
    """Return the sums of squares and of cubes about the mean."""
    away = values - values.mean()
    square = away * away
    total = float(square.sum())
    square *= away
    return total, float(square.sum())
