"""Intervals where units, not rows, are independent: from how far leaving each unit out moves the estimate.

The variance is the jackknife's over units, (G − 1)/G · Σ (θ̂ − θ̂₍g₎)², which for means and ratios of sums is the
cluster-robust CR3 (Bell & McCaffrey, Survey Methodology 2002; MacKinnon, Nielsen & Webb, Journal of Applied
Econometrics 2023), with Satterthwaite's degrees of freedom: units of unequal size are worth fewer than they are. Where
units follow each other in time, Newey and West's weights add the covariances of neighbours (Econometrica 1987), with
fixed-b critical values for the Bartlett kernel (Kiefer & Vogelsang, Econometric Theory 2005) and a bandwidth that grows
with the memory (Andrews, Econometrica 1991).
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from modelyard.core.reasons import Reason, because
from modelyard.stats.interval import Interval, hall, refuse, t_value, widest, z_value

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FEWEST_FOR_LEVEL = 30
FEWEST_FOR_DIFFERENCE = 10
"""Effective units below which no interval is given."""
STRONGEST_MEMORY = 0.7
"""Correlation of a unit with the one before above which no interval holds its level (tests/statistics)."""
SKEWED, MOST_SKEWED = 0.1, 0.4
"""Skewness of an estimate from which Hall's corrected limits are taken where they are wider; beyond the second they run
away."""
WIDEST_BAND = 4
"""Covariances are added over at most a quarter of the units."""


@dataclass(frozen=True)
class Moved:
    """How far leaving out each of G units moves an estimate.

    Attributes:
        estimate: on all rows.
        by: (G,) the estimate less that without the unit, in the units' order.
        share: (G,) each unit's share of what the estimate is made of; sums to 1.
        n_rows: rows.
    """

    estimate: float
    by: Floats
    share: Floats
    n_rows: int

    @property
    def groups(self) -> int:
        """Units."""
        return len(self.by)

    @property
    def effective(self) -> float:
        """Units of equal size that these are worth: (Σm)²/Σm² (Kish)."""
        return effective(self.share)

    @property
    def error(self) -> float:
        """Standard error of the estimate."""
        return math.sqrt((self.groups - 1) / self.groups * float((self.by**2).sum()))

    @property
    def skew(self) -> float:
        """Skewness of the estimate."""
        square = float((self.by**2).sum())
        return float((self.by**3).sum()) / square**1.5 if square > 0 else 0.0

    @property
    def memory(self) -> float:
        """Correlation of a unit with the one before; its downward bias in short series is taken off (Kendall 1954)."""
        square = float((self.by**2).sum())
        seen = float((self.by[1:] * self.by[:-1]).sum()) / square if square > 0 else 0.0
        return min(seen + (1 + 3 * seen) / self.groups, 0.99)

    def shifted(self, constant: float) -> "Moved":
        """Return the same of the estimate plus a constant."""
        return replace(self, estimate=self.estimate + constant)


def effective(share: Floats) -> float:
    """Units of equal size that units of these sizes are worth: (Σm)²/Σm² (Kish, Survey Sampling 1965)."""
    square = float((share**2).sum())
    return float(share.sum()) ** 2 / square if square > 0 else 0.0


def sizes(unit: Ints | None, own: Floats) -> Floats:
    """Return the summed weight of each unit, (G,), or the rows' own weights where rows are the units."""
    return own if unit is None else np.asarray(np.bincount(dense(unit)[0], weights=own), dtype=np.float64)


def whole(worth: float) -> int:
    """Return an effective number as the nearest whole one."""
    return math.floor(worth + 0.5)


def worth(unit: Ints | None, own: Floats) -> int:
    """Return the units of equal size, or rows where there are none, that these are worth with their weights (n,)."""
    return whole(effective(sizes(unit, own)))


def combine(weights: Floats, values: Floats) -> Floats:
    """Σ weights[k] · values[k] over (k, n), bit for bit the same wherever it runs, which a threaded BLAS is not."""
    return np.asarray((weights[:, None] * values).sum(axis=0), dtype=np.float64)


def dense(unit: Ints) -> tuple[Ints, int]:
    """Codes 0 … G−1 in the order of the given codes, and G."""
    names, codes = np.unique(unit, return_inverse=True)
    return codes.astype(np.int64), len(names)


def ratio_influence(over: Floats, under: Floats, codes: Ints, groups: int) -> tuple[float, Floats]:
    """Return Σ over / Σ under, (n,) each, and each unit's influence on it to first order (G,)."""
    total = float(under.sum())
    estimate = float(over.sum()) / total
    return estimate, np.bincount(codes, weights=over - estimate * under, minlength=groups) / total


def of_ratio(over: Floats, under: Floats, codes: Ints, groups: int) -> Moved:
    """Σ over / Σ under, (n,) each, and how far each unit moves it; a unit without any ``under`` moves nothing."""
    estimate, influence = ratio_influence(over, under, codes, groups)
    share = np.bincount(codes, weights=under, minlength=groups) / float(under.sum())
    kept = share > 0
    share, influence = share[kept], influence[kept]
    with np.errstate(divide="ignore", invalid="ignore"):
        moved = np.where(share < 1, influence / (1 - share), 0.0)
    return Moved(estimate, moved, share, len(over))


def of_auc(y: Ints, placed: tuple[Floats, Floats], codes: Ints, groups: int, score: Floats) -> Moved | None:
    """An AUC, and how far each unit moves it by leaving it out; None where that leaves one class alone.

    Wins of all pairs, less those with the unit's positives, less those with its negatives, plus those within: exact,
    and O(n log n). A unit's share is that of its rows, each class by its part of DeLong's variance.
    """
    positive = y == 1
    n1, n0 = int(positive.sum()), int((~positive).sum())
    of_positives, of_negatives = (np.bincount(codes[side], minlength=groups) for side in (positive, ~positive))
    if (of_positives >= n1).any() or (of_negatives >= n0).any():
        return None
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
    total = float(placed[0].sum()) * n0
    left_out = (total - wins - lost + within) / ((n1 - of_positives) * (n0 - of_negatives))
    estimate = total / (n1 * n0)
    parts = [float(side.var()) / len(side) for side in placed]
    weight = np.array(parts) / sum(parts) if sum(parts) > 0 else np.array([0.5, 0.5])
    share = weight[0] * of_positives / n1 + weight[1] * of_negatives / n0
    return Moved(estimate, np.asarray(estimate - left_out, dtype=np.float64), share, len(y))


def degrees(share: Floats) -> float:
    """Satterthwaite's degrees of freedom of the jackknife's variance, for units of these shares (G,).

    The smaller of those under two working models of the units' sums: independent rows, with variances as the shares,
    and rows of a unit that move as one, with variances as their squares (Bell & McCaffrey 2002; Imbens & Kolesár,
    Review of Economics and Statistics 2016). G − 1 where the shares are equal.
    """
    share = share[share > 0]
    if len(share) < 2 or float(share.max()) >= 1:
        return 1.0
    lever = 1 / (1 - share)
    return max(min(satterthwaite(share, lever, share), satterthwaite(share, lever, share**2)), 1.0)


def satterthwaite(share: Floats, lever: Floats, variance: Floats) -> float:
    """(E V)² · 2 / Var V of V = Σ lever²·(s_g − share·Σs)², where the sums s_g have these variances."""
    total = float(variance.sum())
    diagonal, u, v = lever**2 * variance, lever * share, lever * variance
    w = total / 2 * u - v  # the rest of the covariance matrix is u wᵀ + w uᵀ
    expected = float((diagonal + 2 * u * w).sum())
    uw, uu, ww = float((u * w).sum()), float((u * u).sum()), float((w * w).sum())
    square = float((diagonal**2).sum()) + 4 * float((diagonal * u * w).sum()) + 2 * (uw**2 + uu * ww)
    return expected**2 / square


def interval(
    moved: Moved, *, method: Reason, fewest: int, lags: int = 0, confidence: float = 0.95, on_logit: bool = False
) -> Interval:
    """Return the interval of an estimate from how far its units move it.

    Args:
        moved: the estimate and its units, in time order where there are ``lags``.
        method: what the interval over units is called.
        fewest: effective units below which none is given.
        lags: units in a week, over which units may depend on each other; 0 where they have no order.
        confidence: two-sided level.
        on_logit: compute on the logit scale, for one model's share.
    """
    units = whole(moved.effective)
    if units < fewest:
        return _told(too_few(units, fewest, moved.groups, moved.n_rows, moved.estimate), moved)
    if not (moved.by != 0).any():
        refused = refuse("constant-units", n=moved.groups, n_rows=moved.n_rows, estimate=moved.estimate)
        return _told(refused, moved)
    found = cluster_t(moved, method=method, confidence=confidence, on_logit=on_logit)
    if lags:
        if moved.memory > STRONGEST_MEMORY:
            refused = refuse("remembered", memory=round(moved.memory, 2), most=STRONGEST_MEMORY, n=moved.groups,
                             n_rows=moved.n_rows, estimate=moved.estimate)  # fmt: skip
            return _told(refused, moved, ordered=True)
        found = widest(newey_west(moved, lags=lags, confidence=confidence, on_logit=on_logit), found)
    return _told(found, moved, ordered=bool(lags))


def too_few(units: int, fewest: int, groups: int, n_rows: int, estimate: float | None) -> Interval:
    """Return a refusal of units that are worth fewer than ``fewest`` of equal size."""
    if units == groups:
        return refuse("too-few-units", units=units, fewest=fewest, n=groups, n_rows=n_rows, estimate=estimate)
    return refuse("too-few-effective-units", units=units, of=groups, fewest=fewest, n=groups, n_rows=n_rows,
                  estimate=estimate)  # fmt: skip


def _told(found: Interval, moved: Moved, *, ordered: bool = False) -> Interval:
    return replace(found, effective=moved.effective, largest=float(moved.share.max()) if moved.groups else None,
                   memory=moved.memory if ordered else None)  # fmt: skip


def cluster_t(moved: Moved, *, method: Reason, confidence: float = 0.95, on_logit: bool = False) -> Interval:
    """Return Student's interval with Satterthwaite's degrees of freedom."""
    critical = t_value(confidence, degrees(moved.share))
    found = _interval(moved, moved.error, critical, method, on_logit=on_logit)
    skew = min(max(moved.skew, -MOST_SKEWED), MOST_SKEWED)
    if on_logit or abs(skew) < SKEWED:
        return found
    ends = [moved.estimate - moved.error * hall(sign * critical, skew) for sign in (1, -1)]
    return widest(found, replace(found, low=ends[0], high=ends[1]))


def bandwidth(moved: Moved, least: int) -> int:
    """Return how many units apart covariances are added.

    At least a week and 1.3·√G (Lazarus, Lewis, Stock & Watson, JBES 2018), which also holds where the rows of a unit
    hide its memory; more where units remember longer, by Andrews' plug-in for a memory of one step; at most a quarter
    of the units, since critical values grow with the band.
    """
    memory = min(max(moved.memory, 0.0), 0.95)
    strength = 4 * memory**2 / ((1 - memory) ** 2 * (1 + memory) ** 2)
    plugged = 1.1447 * math.cbrt(strength * moved.groups)
    asked = math.ceil(max(1.3 * math.sqrt(moved.groups), plugged))
    return min(max(least, asked), moved.groups // WIDEST_BAND)


def newey_west(moved: Moved, *, lags: int, confidence: float = 0.95, on_logit: bool = False) -> Interval:
    """Return the interval of units in time order, with the covariances of units up to ``lags`` or more apart."""
    groups, by = moved.groups, moved.by
    lags = bandwidth(moved, lags)
    variance = float((by**2).sum())
    for lag in range(1, lags + 1):
        variance += 2 * (1 - lag / (lags + 1)) * float((by[lag:] * by[:-lag]).sum())
    error = math.sqrt(max(variance, 0.0) * (groups - 1) / groups)
    b = (lags + 1) / groups
    # The published polynomial is for 97.5 % a side; other levels are scaled from it, and unequal units by Student's t.
    critical = (1.9600 + 2.9694 * b + 0.4160 * b**2 - 0.5324 * b**3) * z_value(confidence) / z_value(0.95)
    critical *= t_value(confidence, degrees(moved.share)) / t_value(confidence, max(groups - 1, 1))
    found = _interval(moved, error, critical, because("newey-west", lags=lags), on_logit=on_logit)
    return replace(found, approximate=True)


def _interval(moved: Moved, error: float, critical: float, method: Reason, *, on_logit: bool) -> Interval:
    estimate, groups, n_rows = moved.estimate, moved.groups, moved.n_rows
    if not on_logit or not 0 < estimate < 1:
        return Interval(estimate, estimate - critical * error, estimate + critical * error, (method,), groups, n_rows)
    centre, half = float(logit(estimate)), critical * error / (estimate * (1 - estimate))
    return Interval(estimate, float(expit(centre - half)), float(expit(centre + half)), (method,), groups, n_rows)
