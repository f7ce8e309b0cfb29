"""Intervals where units, not rows, are independent: from each unit's influence on the estimate.

An influence eᵍ says how far unit g moves the estimate; the estimate's error is about Σ eᵍ. Cluster-t uses
G/(G−1)·Σ e² with G−1 degrees of freedom (Cameron & Miller, Journal of Human Resources 2015); where units follow each
other in time, Newey and West's weights add the covariances of neighbours (Econometrica 1987), with fixed-b critical
values for the Bartlett kernel (Kiefer & Vogelsang, Econometric Theory 2005).
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from modelyard.core.reasons import Reason, because
from modelyard.stats.interval import Interval, t_value, z_value

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FEWEST_FOR_LEVEL = 30
FEWEST_FOR_DIFFERENCE = 10


def combine(weights: Floats, values: Floats) -> Floats:
    """Σ weights[k] · values[k] over (k, n), bit for bit the same wherever it runs, which a threaded BLAS is not."""
    return np.asarray((weights[:, None] * values).sum(axis=0), dtype=np.float64)


def dense(unit: Ints) -> tuple[Ints, int]:
    """Codes 0 … G−1 in the order of the given codes, and G."""
    names, codes = np.unique(unit, return_inverse=True)
    return codes.astype(np.int64), len(names)


def ratio_influence(over: Floats, under: Floats, codes: Ints, groups: int) -> tuple[float, Floats]:
    """Σ over / Σ under, (n,) each, and each unit's influence on it (G,)."""
    total = float(under.sum())
    estimate = float(over.sum()) / total
    return estimate, np.bincount(codes, weights=over - estimate * under, minlength=groups) / total


def auc_influence(y: Ints, placed: tuple[Floats, Floats], codes: Ints, groups: int, score: Floats) -> Floats | None:
    """Each unit's influence on an AUC by leaving it out (G,); None where that leaves one class alone.

    Wins of all pairs, less those with the unit's positives, less those with its negatives, plus those within: exact,
    and O(n log n).
    """
    positive = y == 1
    n1, n0 = int(positive.sum()), int((~positive).sum())
    wins = np.bincount(codes[positive], weights=placed[0], minlength=groups) * n0
    lost = np.bincount(codes[~positive], weights=placed[1], minlength=groups) * n1
    within = np.zeros(groups)
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(groups + 1))
    for group in range(groups):
        rows = order[starts[group] : starts[group + 1]]
        here, there = np.sort(score[rows][positive[rows]]), score[rows][~positive[rows]]
        if len(here) and len(there):
            above = 2 * len(here) - np.searchsorted(here, there, "left") - np.searchsorted(here, there, "right")
            within[group] = above.sum() / 2.0
    kept1 = n1 - np.bincount(codes[positive], minlength=groups)
    kept0 = n0 - np.bincount(codes[~positive], minlength=groups)
    if (kept1 <= 0).any() or (kept0 <= 0).any():
        return None
    left_out = (placed[0].sum() * n0 - wins - lost + within) / (kept1 * kept0)
    return np.asarray((left_out.mean() - left_out) * (groups - 1) / groups, dtype=np.float64)


def cluster_t(
    estimate: float, influence: Floats, n_rows: int, *, method: Reason, confidence: float = 0.95, on_logit: bool = False
) -> Interval:
    """Interval from unit influences with G−1 degrees of freedom; on the logit scale for one model's proportion."""
    groups = len(influence)
    error = math.sqrt(groups / (groups - 1) * float((influence**2).sum()))
    return _interval(estimate, error, t_value(confidence, groups - 1), groups, n_rows, method, on_logit=on_logit)


def newey_west(
    estimate: float, influence: Floats, n_rows: int, *, lags: int, confidence: float = 0.95, on_logit: bool = False
) -> Interval:
    """Interval from unit influences in time order, with the covariances of units up to ``lags`` apart."""
    groups = len(influence)
    lags = min(lags, groups // 2)
    variance = float((influence**2).sum())
    for lag in range(1, lags + 1):
        variance += 2 * (1 - lag / (lags + 1)) * float((influence[lag:] * influence[:-lag]).sum())
    error = math.sqrt(max(variance, 0.0) * groups / (groups - 1))
    b = (lags + 1) / groups
    # The published polynomial is for 97.5 % a side; other levels are scaled from it.
    critical = (1.9600 + 2.9694 * b + 0.4160 * b**2 - 0.5324 * b**3) * z_value(confidence) / z_value(0.95)
    found = _interval(estimate, error, critical, groups, n_rows, because("newey-west", lags=lags), on_logit=on_logit)
    return Interval(found.estimate, found.low, found.high, found.method, groups, n_rows, approximate=True)


def _interval(
    estimate: float, error: float, critical: float, groups: int, n_rows: int, method: Reason, *, on_logit: bool
) -> Interval:
    if not on_logit or not 0 < estimate < 1:
        return Interval(estimate, estimate - critical * error, estimate + critical * error, (method,), groups, n_rows)
    centre, half = float(logit(estimate)), critical * error / (estimate * (1 - estimate))
    return Interval(estimate, float(expit(centre - half)), float(expit(centre + half)), (method,), groups, n_rows)
