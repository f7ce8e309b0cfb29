"""Intervals for a proportion, and for the paired difference of two."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from modelyard.core.reasons import because
from modelyard.stats.interval import Interval, refuse, z_value

FEW = 10
"""Events or non-events below which the exact interval is used."""


def wilson(events: float, n: float, confidence: float = 0.95) -> tuple[float, float]:
    """Score limits of a proportion (Wilson, JASA 1927)."""
    z, p = z_value(confidence), events / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def clopper_pearson(events: float, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Exact limits of a proportion (Clopper & Pearson, Biometrika 1934)."""
    tail = (1 - confidence) / 2
    low = 0.0 if events == 0 else float(betaincinv(events, n - events + 1, tail))
    high = 1.0 if events == n else float(betaincinv(events + 1, n - events, 1 - tail))
    return low, high


def proportion(events: int, n: int, confidence: float = 0.95) -> Interval:
    """Wilson's interval; Clopper and Pearson's under 10 events or non-events, where Wilson's lets too much through."""
    if n == 0:
        return refuse("no-rows-count", n=0, n_rows=0)
    exact = min(events, n - events) < FEW
    low, high = (clopper_pearson if exact else wilson)(events, n, confidence)
    return Interval(events / n, low, high, (because("clopper-pearson" if exact else "wilson"),), n, n)


def tango(only_first: float, only_second: float, n: float, confidence: float = 0.95) -> Interval:
    """Score interval of a paired difference of proportions (Tango, Statistics in Medicine 1998).

    Args:
        only_first: rows that the first model alone has right.
        only_second: rows that the second alone has right.
        n: rows.
        confidence: two-sided level.
    """
    from scipy.optimize import brentq

    if n == 0:
        return refuse("no-rows-count", n=0, n_rows=0)
    z = z_value(confidence)
    estimate = (only_first - only_second) / n

    def statistic(delta: float) -> float:
        a = 2.0 * n
        b = -only_first - only_second + (2 * n - only_first + only_second) * delta
        c = -only_second * delta * (1 - delta)
        q = (math.sqrt(max(b * b - 4 * a * c, 0.0)) - b) / (2 * a)
        variance = n * (2 * q + delta * (1 - delta))
        distance = only_first - only_second - n * delta
        if distance == 0:
            return 0.0
        return distance / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, distance)

    def limit(inner: float, outer: float, target: float) -> float:
        if abs(inner - outer) < 1e-12:
            return outer
        if (statistic(outer) - target) * (statistic(inner) - target) > 0:
            return outer
        return float(brentq(lambda delta: statistic(delta) - target, inner, outer, xtol=1e-12))

    edge = 1 - 1e-12
    low = limit(estimate if abs(estimate) < edge else estimate * edge, -edge, z)
    high = limit(estimate if abs(estimate) < edge else estimate * edge, edge, -z)
    return Interval(estimate, low, high, (because("tango"),), int(n), int(n))


def square_and_add(parts: list[tuple[float, Interval]], shift: float = 0.0) -> Interval:
    """Interval of a weighted sum from the intervals of its terms (Zou & Donner, Statistics in Medicine 2008)."""
    estimate, below, above = shift, 0.0, 0.0
    for weight, part in parts:
        turned = part.scaled(weight)
        if turned.estimate is None or turned.low is None or turned.high is None:
            return part
        estimate += turned.estimate
        below += (turned.estimate - turned.low) ** 2
        above += (turned.high - turned.estimate) ** 2
    first = parts[0][1]
    methods = dict.fromkeys(each.code for _, part in parts for each in part.method)
    method = (because("square-and-add", of=tuple(methods)),) if len(parts) > 1 else first.method
    below, above = math.sqrt(below), math.sqrt(above)
    return Interval(estimate, estimate - below, estimate + above, method, first.n, first.n_rows)


def joint_score(
    right: NDArray[np.bool_], weights: NDArray[np.float64], constant: float, confidence: float = 0.95
) -> Interval:
    """Score interval of Σ wₖ·shareₖ + constant of several models on the same rows, as one quantity of the joint table.

    At each value of the contrast the table is fitted to it by maximum likelihood, as Tango does for a difference, which
    is the special case of weights 1 and −1 (Agresti & Min, Statistics in Medicine 2005, for the principle). Adding the
    limits of the parts would ignore that the models are right on the same rows.

    Args:
        right: (k, n) whether each model has each row right.
        weights: (k,) of the models' shares.
        constant: what is added.
        confidence: two-sided level.
    """
    from scipy.optimize import brentq

    k, n = right.shape
    codes = (right * (2 ** np.arange(k))[:, None]).sum(axis=0)
    patterns = (np.arange(2**k)[:, None] >> np.arange(k)) & 1
    values = [float((weights * pattern).sum()) for pattern in patterns]
    counts = [int(count) for count in np.bincount(codes, minlength=2**k)]
    z, least, most = z_value(confidence), min(values), max(values)
    estimate = sum(count * value for count, value in zip(counts, values, strict=True)) / n

    def distance(at: float) -> float:
        variance = _fitted_variance(counts, values, at)
        if estimate == at:
            return 0.0
        return (estimate - at) / math.sqrt(variance / n) if variance > 0 else math.copysign(math.inf, estimate - at)

    def limit(edge: float, target: float) -> float:
        if abs(edge - estimate) < 1e-12 or (distance(edge) - target) * (0 - target) > 0:
            return edge
        return float(brentq(lambda at: distance(at) - target, estimate, edge, xtol=1e-10))

    inside = 1e-12 * (most - least)
    low, high = limit(least + inside, z), limit(most - inside, -z)
    return Interval(estimate + constant, low + constant, high + constant, (because("joint-score"),), n, n)


def _fitted_variance(counts: list[int], values: list[float], at: float) -> float:
    """Variance of one row's value under the likeliest table whose mean value is ``at``.

    pₖ = nₖ / (n·(1 + λ(vₖ − at))), λ being such that the mean holds; where no such λ leaves every pattern possible, the
    pattern at the edge, of which no row was seen, takes what is missing.
    """
    from scipy.optimize import brentq

    n, away = sum(counts), [value - at for value in values]
    low = max((-1 / each for each in away if each > 0), default=-math.inf)
    high = min((-1 / each for each in away if each < 0), default=math.inf)
    if not (math.isfinite(low) and math.isfinite(high)):
        return 0.0

    def slope(multiplier: float) -> float:
        return sum(count * each / (1 + multiplier * each) for count, each in zip(counts, away, strict=True) if count)

    width = (high - low) * 1e-13
    first, last = low + width, high - width
    if slope(first) <= 0:
        multiplier = first
    elif slope(last) >= 0:
        multiplier = last
    else:
        multiplier = float(brentq(slope, first, last, xtol=1e-14 * max(abs(first), abs(last), 1e-300), rtol=1e-12))
    mass = [count / (n * (1 + multiplier * each)) if count else 0.0 for count, each in zip(counts, away, strict=True)]
    rest = 1 - sum(mass)
    if rest > 1e-9:
        edge = min(away) if multiplier > 0 else max(away)
        return sum(share * each**2 for share, each in zip(mass, away, strict=True)) + rest * edge**2
    return sum(share * each**2 for share, each in zip(mass, away, strict=True))
