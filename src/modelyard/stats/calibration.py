"""Whether predicted probabilities are observed shares: recalibration slope and intercept, and a debiased error.

Slope and intercept are those of a logistic regression of the outcome on the logit of the prediction (Cox, Biometrika
1958); the intercept is that with the slope held at 1, "calibration in the large" (Van Calster et al., BMC Medicine
2019). Standard errors are sandwich ones, summed over units where there are any. The calibration error is the root of
the debiased squared error over bins of equal mass (Kumar, Liang & Ma, NeurIPS 2019): the plug-in error is biased
upward, so that a calibrated model seems not to be one.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import chndtr, expit, logit

from modelyard.core.reasons import because
from modelyard.stats import clusters
from modelyard.stats.interval import Interval, refuse, t_value

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BINS = 15
CLIP = 1e-6
_ROUNDS = 50


def slope_and_intercept(
    y: Ints, probability: Floats, *, unit: Ints | None = None, confidence: float = 0.95
) -> tuple[Interval, Interval]:
    """Slope (1 where calibrated) and intercept at slope 1 (0 where calibrated), with intervals.

    Args:
        y: (n,) 0 or 1.
        probability: (n,) of 1.
        unit: (n,) codes of what is independent; rows where None.
        confidence: two-sided level.
    """
    n, units = len(y), len(y) if unit is None else len(np.unique(unit))
    score = logit(np.clip(probability, CLIP, 1 - CLIP))
    if not 0 < int(y.sum()) < n:
        refused = refuse("one-class", n=units, n_rows=n)
        return refused, refused
    if units < clusters.FEWEST_FOR_LEVEL:
        refused = refuse("too-few-units", units=units, fewest=clusters.FEWEST_FOR_LEVEL, n=units, n_rows=n)
        return refused, refused
    ones = np.ones(n)
    intercept = _fit(y, ones[:, None], score, unit, units, confidence, at=0)
    if float(score.std()) < 1e-9:
        return refuse("constant-predictions", n=units, n_rows=n), intercept
    return _fit(y, np.column_stack([ones, score]), np.zeros(n), unit, units, confidence, at=1), intercept


def _fit(
    y: Ints, design: Floats, offset: Floats, unit: Ints | None, units: int, confidence: float, *, at: int
) -> Interval:
    """Logistic regression by Newton's method; the interval of one coefficient from the sandwich."""
    found = np.zeros(design.shape[1])
    if design.shape[1] == 2:
        found[1] = 1.0
    for _ in range(_ROUNDS):
        fitted = expit(offset + _times(design, found))
        weight = fitted * (1 - fitted)
        bread = _inner(design, design * weight[:, None])
        step = np.linalg.solve(bread + 1e-12 * np.eye(len(found)), _inner(design, (y - fitted)[:, None])[:, 0])
        found = found + step
        if not np.isfinite(found).all() or np.abs(found).max() > 1e3:
            return refuse("separated-classes", n=units, n_rows=len(y))
        if np.abs(step).max() < 1e-10:
            break
    fitted = expit(offset + _times(design, found))
    scores = design * (y - fitted)[:, None]
    if unit is not None:
        codes, groups = clusters.dense(unit)
        scores = np.column_stack([np.bincount(codes, weights=each, minlength=groups) for each in scores.T])
    inverse = np.linalg.inv(_inner(design, design * (fitted * (1 - fitted))[:, None]))
    variance = (inverse @ _inner(scores, scores) @ inverse)[at, at] * units / (units - 1)
    half = t_value(confidence, units - 1) * math.sqrt(max(float(variance), 0.0))
    value = float(found[at])
    return Interval(value, value - half, value + half, (because("logistic-recalibration"),), units, len(y))


def _times(design: Floats, coefficients: Floats) -> Floats:
    # Not `@`: a threaded BLAS changes the last digits with the number of cores.
    return np.asarray((design * coefficients).sum(axis=1), dtype=np.float64)


def _inner(first: Floats, second: Floats) -> Floats:
    columns = [[float((a * b).sum()) for b in second.T] for a in first.T]
    return np.array(columns, dtype=np.float64)


def bins(y: Ints, probability: Floats, most: int = BINS) -> tuple[Floats, Floats, Ints]:
    """Mean prediction, observed share and rows of at most ``most`` bins of equal mass; ties stay together."""
    order = np.argsort(probability, kind="stable")
    ranked = probability[order]
    cuts = np.arange(1, min(most, len(y))) * len(y) // most
    edges = np.searchsorted(ranked, ranked[cuts], "left")
    ends = np.unique(np.append(edges, [0, len(y)]))
    counts = np.diff(ends)
    said = np.add.reduceat(ranked, ends[:-1]) / counts
    seen = np.add.reduceat(y[order].astype(np.float64), ends[:-1]) / counts
    return said, seen, counts


def debiased_error(y: Ints, probability: Floats) -> float:
    """Root of the debiased mean squared calibration error; 0 where chance alone explains what is seen."""
    said, seen, counts = bins(y, probability)
    own = np.where(counts > 1, seen * (1 - seen) / np.maximum(counts - 1, 1), 0.0)
    squared = float((counts / len(y) * ((said - seen) ** 2 - own)).sum())
    return math.sqrt(max(squared, 0.0))


def error_interval(y: Ints, probability: Floats, *, unit: Ints | None = None, confidence: float = 0.95) -> Interval:
    """Root of the debiased mean squared calibration error, with limits.

    The binned squared error of n rows is about a scaled χ² with a non-centrality of n times the true one, its scale and
    degrees of freedom those of the bins' own variances (Satterthwaite, Biometrics 1946). The upper limit is the error
    at which one as small as what was seen has 2.5 % of the chance that it has under no error at all, so that it is
    above 0 however well the bins agree. With units the scale is also taken with their design effect, and the wider
    limits hold.

    Args:
        y: (n,) 0 or 1.
        probability: (n,) of 1.
        unit: (n,) codes of what is independent; rows where None.
        confidence: two-sided level.
    """
    n, units = len(y), len(y) if unit is None else len(np.unique(unit))
    if units < clusters.FEWEST_FOR_LEVEL:
        return refuse("too-few-units", units=units, fewest=clusters.FEWEST_FOR_LEVEL, n=units, n_rows=n)
    said, seen, counts = bins(y, probability)
    share = counts / n
    variance = share * np.maximum(np.maximum(said * (1 - said), seen * (1 - seen)), CLIP) / counts
    scale = float((variance**2).sum() / variance.sum())
    degrees, squared = float(variance.sum() / scale), float((share * (said - seen) ** 2).sum())
    ends = [
        _noncentral(squared / (scale * by), degrees, confidence, scale * by) for by in _effects(y, probability, unit)
    ]
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    return Interval(debiased_error(y, probability), low, high, (because("noncentral-chi2"),), units, n)


def _effects(y: Ints, probability: Floats, unit: Ints | None) -> list[float]:
    """Design effects of the mean residual: 1, and that of the units."""
    if unit is None:
        return [1.0]
    residual = y - probability
    moved = clusters.of_ratio(residual, np.ones(len(y)), *clusters.dense(unit))
    return [1.0, max(1.0, moved.error**2 / max(float((residual**2).sum()) / len(y) ** 2, 1e-300))]


def _noncentral(seen: float, degrees: float, confidence: float, scale: float) -> tuple[float, float]:
    """Limits of the root of scale times the non-centrality of a χ² of which ``seen`` was drawn."""
    tail = (1 - confidence) / 2
    central = float(chndtr(seen, degrees, 0.0))
    top = max(4 * seen, 40.0)
    while chndtr(seen, degrees, top) > tail * central:
        top *= 2
    high = float(brentq(lambda at: chndtr(seen, degrees, at) - tail * central, 0, top))
    low = 0.0
    if central > 1 - tail:
        low = float(brentq(lambda at: chndtr(seen, degrees, at) - (1 - tail), 0, top))
    return math.sqrt(low * scale), math.sqrt(high * scale)
