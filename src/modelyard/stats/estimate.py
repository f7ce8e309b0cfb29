"""The interval for each kind of quantity: which method, with or without units, and when none may be given.

Levels belong to one model; contrasts are Σ wₖ·metricₖ + constant of several models on the same rows, as one paired
quantity. With a unit, no interval is narrower at either end than the row-wise one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from modelyard.core.reasons import because
from modelyard.stats import auc, clusters
from modelyard.stats.bootstrap import Statistic, bca
from modelyard.stats.interval import Interval, refuse, widest
from modelyard.stats.means import mean_interval
from modelyard.stats.proportions import clopper_pearson, proportion, square_and_add, tango

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

FEWEST_DISAGREEING = 10
"""Rows on which models must differ before anything but Tango's interval is tried."""
FEWEST_FOR_MEAN = 100
"""Rows that the level of a mean loss needs."""
FEWEST_OF_A_CLASS = 25
"""Rows of each class that a bootstrap needs."""
SAME = 1e-9
"""Per-row losses closer than this are the same."""
ROUNDING = 1e-12
"""Relative width of an interval below which its ends differ by the order in which numbers were added."""


def level_proportion(
    right: Bools, considered: Bools, *, unit: Ints | None = None, weight: Floats | None = None, lags: int = 0,
    confidence: float = 0.95,
) -> Interval:  # fmt: skip
    """Share of the considered rows that are right; arrays are (n,). ``lags`` > 0: units follow each other in time."""
    kept = right[considered]
    row_wise = proportion(int(kept.sum()), len(kept), confidence)
    if len(kept) == 0 or (unit is None and weight is None):
        return row_wise
    own = np.ones(len(kept)) if weight is None else weight[considered]
    codes = _unit_of(unit, considered)
    if kept.all() or not kept.any():
        return _all_alike(float(kept[0]), own, codes, confidence)
    found = _level_by_unit(kept * own, own, codes, lags, confidence, on_logit=True)
    if weight is not None:
        row_wise = _level_by_unit(kept * own, own, None, 0, confidence, on_logit=True)
    return widest(found, row_wise)


def _all_alike(share: float, own: Floats, unit: Ints | None, confidence: float) -> Interval:
    """Every row right, or every row wrong: exact limits as if each unit, or each row of equal weight, were one row.

    Units whose rows all agree do not vary, so that they say nothing of their own spread; one row a unit is the least
    that they are worth, and Kish's n = (Σw)²/Σw² what weighted rows are.
    """
    groups = _count(unit, len(own))
    if unit is not None and groups < clusters.FEWEST_FOR_LEVEL:
        return _too_few(groups, clusters.FEWEST_FOR_LEVEL, len(own), share)
    worth = float(own.sum() ** 2 / (own**2).sum())
    if unit is not None:
        of_units = np.bincount(clusters.dense(unit)[0], weights=own)
        worth = float(of_units.sum() ** 2 / (of_units**2).sum())
    n = max(int(worth + 1e-9), 1)
    low, high = clopper_pearson(round(n * share), n, confidence)
    return Interval(share, low, high, (because("clopper-pearson-units"),), groups, len(own))


def contrast_proportion(
    right: Bools, considered: Bools, weights: Floats, constant: float, *, unit: Ints | None = None,
    weight: Floats | None = None, lags: int = 0, identical: bool = False, confidence: float = 0.95,
) -> Interval:  # fmt: skip
    """Contrast of proportions; ``right`` is (k, n), the first model's row first. Tango row-wise, square-and-add.

    ``identical``: the models predict the same on every row. Models that merely have the same rows right are not: on few
    rows that is chance, and Tango's limits say how much.
    """
    kept = right[:, considered]
    n = kept.shape[1]
    if n == 0:
        return refuse("no-rows-count", n=0, n_rows=0)
    if identical and _is_zero_contrast(weights, constant):
        return _same(unit, considered, n)
    parts: list[tuple[float, Interval]] = []
    for other, share in zip(kept[1:], weights[1:], strict=True):
        first, second = int((kept[0] & ~other).sum()), int((~kept[0] & other).sum())
        parts.append((-float(share), tango(first, second, n, confidence)))
    rest = float(weights.sum())
    if abs(rest) > 1e-12:
        parts.append((rest, proportion(int(kept[0].sum()), n, confidence)))
    row_wise = square_and_add(parts, constant)
    if unit is None and weight is None:
        return row_wise
    own = np.ones(n) if weight is None else weight[considered]
    both = clusters.combine(weights, kept.astype(np.float64)) * own
    disagreeing = int((kept != kept[0]).any(axis=0).sum())
    codes = _unit_of(unit, considered)
    if weight is not None and disagreeing < FEWEST_DISAGREEING:
        # Tango's limits, which hold with few disagreements, know no weights; a t on so few rows passes too easily.
        return _too_alike(disagreeing, float(both.sum() / own.sum()) + constant, codes, n)
    if weight is None and disagreeing == 0 and _is_zero_contrast(weights, constant):
        # No unit says how much units differ: the limits that as many rows as there are units would have.
        groups = _count(codes, n)
        if groups < clusters.FEWEST_FOR_DIFFERENCE:
            return _too_few(groups, clusters.FEWEST_FOR_DIFFERENCE, n, 0.0)
        return replace(tango(0, 0, groups, confidence), n=groups, n_rows=n)
    found = _difference_by_unit(both, own, constant, codes, confidence, lags)
    if weight is not None:
        row_wise = _difference_by_unit(both, own, constant, None, confidence)
    return widest(found, row_wise)


def level_mean(
    values: Floats, *, unit: Ints | None = None, weight: Floats | None = None, lags: int = 0, seed: int = 0,
    bounds: Sequence[float] = (), confidence: float = 0.95,
) -> Interval:  # fmt: skip
    """Mean of (n,) per-row values.

    Over rows at least 100 are asked for: of 50 lognormal losses (σ 1.2) every interval that was tried ends below their
    mean in 7 % of samples, of squared errors with Student's 6 degrees in 6 %. To refuse only where the sample is skewed
    makes it worse, since the samples that lack the large losses remain.
    """
    if weight is not None:
        found = _level_by_unit(values * weight, weight, unit, lags, confidence, on_logit=False)
        return widest(found, _level_by_unit(values * weight, weight, None, 0, confidence, on_logit=False))
    if unit is None and len(values) < FEWEST_FOR_MEAN:
        return refuse("too-few-rows", rows=len(values), fewest=FEWEST_FOR_MEAN, n=len(values), n_rows=len(values),
                      estimate=float(values.mean()) if len(values) else None)  # fmt: skip
    row_wise = mean_interval(values, seed=seed, bounds=bounds, confidence=confidence)
    if unit is None:
        return row_wise
    return widest(_level_by_unit(values, np.ones(len(values)), unit, lags, confidence, on_logit=False), row_wise)


def contrast_mean(
    values: Floats, weights: Floats, constant: float, *, unit: Ints | None = None, weight: Floats | None = None,
    lags: int = 0, identical: bool = False, seed: int = 0, bounds: Sequence[float] = (), confidence: float = 0.95,
) -> Interval:  # fmt: skip
    """Contrast of means of (k, n) per-row values; ``identical``: the models predict the same on every row."""
    n = values.shape[1]
    if identical and _is_zero_contrast(weights, constant):
        return _same(unit, None, n)
    disagreeing = int((np.abs(values - values[0]) > SAME).any(axis=0).sum())
    combined = clusters.combine(weights, values)
    if disagreeing < FEWEST_DISAGREEING:
        return _too_alike(disagreeing, float(combined.mean()) + constant, unit, n)
    if weight is not None:
        found = _difference_by_unit(combined * weight, weight, constant, unit, confidence, lags)
        return widest(found, _difference_by_unit(combined * weight, weight, constant, None, confidence))
    shifted = [bound - constant for bound in bounds]
    row_wise = mean_interval(combined, seed=seed, bounds=shifted, confidence=confidence).scaled(1.0, constant)
    if unit is None:
        return row_wise
    return widest(_difference_by_unit(combined, np.ones(n), constant, unit, confidence, lags), row_wise)


def level_auc(y: Ints, score: Floats, *, unit: Ints | None = None, lags: int = 0, confidence: float = 0.95) -> Interval:
    """AUC of one model: Newcombe row-wise, jackknife-t over units."""
    value = auc.auc(y, score)
    if value is None:
        return refuse("one-class", n=_count(unit, len(y)), n_rows=len(y))
    positives = int((y == 1).sum())
    if min(positives, len(y) - positives) < auc.FEWEST_OF_A_CLASS:
        return refuse(
            "too-few-of-a-class", fewest=auc.FEWEST_OF_A_CLASS, n=_count(unit, len(y)), n_rows=len(y), estimate=value
        )
    row_wise = auc.one_model(value, positives, len(y) - positives, confidence)
    if unit is None:
        return row_wise
    codes, groups = clusters.dense(unit)
    if groups < clusters.FEWEST_FOR_LEVEL:
        return _too_few(groups, clusters.FEWEST_FOR_LEVEL, len(y), value)
    influence = clusters.auc_influence(y, auc.placements(y, score), codes, groups, score)
    if influence is None:
        return refuse("class-in-one-unit", n=groups, n_rows=len(y), estimate=value)
    found = clusters.cluster_t(value, influence, len(y), method=because("jackknife-t"), confidence=confidence)
    if lags:
        found = widest(clusters.newey_west(value, influence, len(y), lags=lags, confidence=confidence), found)
    return widest(found, row_wise)


def contrast_auc(
    y: Ints, scores: Floats, weights: Floats, constant: float, *, unit: Ints | None = None, margin: float = 0.0,
    lags: int = 0, identical: bool = False, confidence: float = 0.95,
) -> Interval:  # fmt: skip
    """Contrast of AUCs; ``scores`` is (k, n). A constant score has AUC ½ and no error of its own."""
    n, positives = len(y), int((y == 1).sum())
    if positives in (0, n):
        return refuse("one-class", n=_count(unit, n), n_rows=n)
    varies = [bool((score != score[0]).any()) for score in scores]
    constant += 0.5 * float(sum(weight for weight, moving in zip(weights, varies, strict=True) if not moving))
    moving = np.array(varies)
    scores, weights = scores[moving], weights[moving]
    if len(scores) == 0:
        return _same(unit, None, n) if abs(constant) < SAME else refuse("constant-scores", n=n, n_rows=n)
    if len(scores) == 1:
        found = level_auc(y, scores[0], unit=unit, lags=lags, confidence=confidence)
        return found.scaled(float(weights[0]), constant)
    if identical and _is_zero_contrast(weights, constant):
        return _same(unit, None, n)
    placed = [auc.placements(y, score) for score in scores]
    differs = sum(
        int((np.abs(np.array([part[side] for part in placed]) - placed[0][side]) > SAME).any(axis=0).sum())
        for side in (0, 1)
    )
    estimate = float(sum(weight * part[0].mean() for weight, part in zip(weights, placed, strict=True))) + constant
    if differs < FEWEST_DISAGREEING:
        return _too_alike(differs, estimate, unit, n)
    reference = float(placed[1][0].mean())
    if min(positives, n - positives) * (1 - reference + margin) < auc.FEWEST_ERRORS:
        return refuse("too-few-errors", n=_count(unit, n), n_rows=n, estimate=estimate)
    row_wise = auc.contrast(y, list(scores), list(weights), constant, confidence)
    if unit is None:
        return row_wise
    codes, groups = clusters.dense(unit)
    if groups < clusters.FEWEST_FOR_DIFFERENCE:
        return _too_few(groups, clusters.FEWEST_FOR_DIFFERENCE, n, estimate)
    influences = [
        clusters.auc_influence(y, part, codes, groups, score) for part, score in zip(placed, scores, strict=True)
    ]
    known = [influence for influence in influences if influence is not None]
    if len(known) < len(influences):
        return refuse("class-in-one-unit", n=groups, n_rows=n, estimate=estimate)
    influence = clusters.combine(weights, np.array(known))
    found = clusters.cluster_t(estimate, influence, n, method=because("jackknife-t"), confidence=confidence)
    return widest(found, row_wise)


@dataclass(frozen=True, kw_only=True)
class Resampling:
    """What is drawn from, and what a bootstrap has to know besides.

    ``bounds``: values that the limits decide against; ``class_counts``: rows of each class that enters.
    """

    n: int
    seed: int
    unit: Ints | None = None
    weight: Floats | None = None
    bounds: Sequence[float] = ()
    class_counts: Sequence[int] = ()
    confidence: float = 0.95

    def refusal(self, fewest: int) -> Interval | None:
        """Return a refusal where a class has too few rows, or there are fewer than ``fewest`` units."""
        groups, counts = _count(self.unit, self.n), self.class_counts
        if counts and min(counts) < FEWEST_OF_A_CLASS:
            return refuse("small-class", rows=min(counts), fewest=FEWEST_OF_A_CLASS, n=groups, n_rows=self.n)
        return _too_few(groups, fewest, self.n, None) if groups < fewest else None

    def interval(self, statistic: Statistic, *, beside_t: bool = False) -> Interval:
        """Return BCa limits over units where there are any, and then no narrower at either end than over rows."""

        def over(drawn: Ints | None) -> Interval:
            return _varying(
                bca(
                    statistic, self.n, self.seed, unit=drawn, weight=self.weight, bounds=self.bounds,
                    confidence=self.confidence, beside_t=beside_t,
                )
            )  # fmt: skip

        return over(None) if self.unit is None else widest(over(self.unit), over(None))


def level_statistic(statistic: Statistic, rows: Resampling) -> Interval:
    """Return any statistic of row weights with limits, by bootstrap over rows or units."""
    return rows.refusal(clusters.FEWEST_FOR_LEVEL) or rows.interval(statistic)


def contrast_statistic(
    statistics: Sequence[Statistic], weights: Floats, constant: float, rows: Resampling, *,
    identical: bool = False, disagreeing: int | None = None,
) -> Interval:  # fmt: skip
    """Return a contrast of any statistics with limits, by paired bootstrap.

    ``identical``: the models predict the same on every row; ``disagreeing``: rows on which they do not.
    """
    if identical and _is_zero_contrast(weights, constant):
        return _same(rows.unit, None, rows.n)
    refused = rows.refusal(clusters.FEWEST_FOR_DIFFERENCE)
    if refused is not None:
        return refused

    def combined(counts: Floats) -> float | None:
        total = constant
        for statistic, share in zip(statistics, weights, strict=True):
            value = statistic(counts)
            if value is None:
                return None
            total += float(share) * value
        return total

    if disagreeing is not None and disagreeing < FEWEST_DISAGREEING:
        values = [statistic(np.ones(rows.n) if rows.weight is None else rows.weight) for statistic in statistics]
        known = [value for value in values if value is not None]
        estimate = float(np.dot(weights, known)) + constant if len(known) == len(values) else None
        return _too_alike(disagreeing, estimate, rows.unit, rows.n)
    return rows.interval(combined, beside_t=True)


def _varying(found: Interval) -> Interval:
    """Return a bootstrap's interval, or a refusal where its resamples differ by rounding alone."""
    if found.low is None or found.high is None or found.high - found.low > ROUNDING * max(-found.low, found.high):
        return found
    return refuse("constant-resamples", n=found.n, n_rows=found.n_rows, estimate=found.estimate)


def _level_by_unit(
    over: Floats, under: Floats, unit: Ints | None, lags: int, confidence: float, *, on_logit: bool
) -> Interval:
    codes, groups = clusters.dense(np.arange(len(over)) if unit is None else unit)
    estimate, influence = clusters.ratio_influence(over, under, codes, groups)
    if groups < clusters.FEWEST_FOR_LEVEL:
        return _too_few(groups, clusters.FEWEST_FOR_LEVEL, len(over), estimate)
    if not (influence != 0).any():
        return refuse("constant-units", n=groups, n_rows=len(over), estimate=estimate)
    found = clusters.cluster_t(
        estimate, influence, len(over), method=because("cluster-t"), confidence=confidence, on_logit=on_logit
    )
    if lags:
        wide = clusters.newey_west(estimate, influence, len(over), lags=lags, confidence=confidence, on_logit=on_logit)
        found = widest(wide, found)
    return found


def _difference_by_unit(
    over: Floats, under: Floats, constant: float, unit: Ints | None, confidence: float, lags: int = 0
) -> Interval:
    codes, groups = clusters.dense(np.arange(len(over)) if unit is None else unit)
    estimate, influence = clusters.ratio_influence(over, under, codes, groups)
    if groups < clusters.FEWEST_FOR_DIFFERENCE:
        return _too_few(groups, clusters.FEWEST_FOR_DIFFERENCE, len(over), estimate + constant)
    if not (influence != 0).any():
        return refuse("constant-units", n=groups, n_rows=len(over), estimate=estimate + constant)
    found = clusters.cluster_t(
        estimate + constant, influence, len(over), method=because("cluster-t"), confidence=confidence
    )
    if not lags:
        return found
    wide = clusters.newey_west(estimate + constant, influence, len(over), lags=lags, confidence=confidence)
    return widest(wide, found)


def _is_zero_contrast(weights: Floats, constant: float) -> bool:
    return abs(float(weights.sum())) < 1e-12 and abs(constant) < 1e-12


def _same(unit: Ints | None, considered: Bools | None, n: int) -> Interval:
    groups = _count(unit if unit is None or considered is None else unit[considered], n)
    return Interval(0.0, 0.0, 0.0, (because("identical"),), groups, n, identical=True)


def _too_alike(rows: int, estimate: float | None, unit: Ints | None, n: int) -> Interval:
    return refuse("too-alike", rows=rows, fewest=FEWEST_DISAGREEING, n=_count(unit, n), n_rows=n, estimate=estimate)


def _too_few(groups: int, fewest: int, n_rows: int, estimate: float | None) -> Interval:
    return refuse("too-few-units", units=groups, fewest=fewest, n=groups, n_rows=n_rows, estimate=estimate)


def _count(unit: Ints | None, n: int) -> int:
    return n if unit is None else len(np.unique(unit))


def _unit_of(unit: Ints | None, considered: Bools) -> Ints | None:
    return None if unit is None else unit[considered]
