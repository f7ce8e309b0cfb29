"""The interval for each kind of quantity: which method, with or without units, and when none may be given.

Levels belong to one model; contrasts are Σ wₖ·metricₖ + constant of several models on the same rows, as one paired
quantity. With a unit, no interval is narrower at either end than the row-wise one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from modelyard.core.reasons import because
from modelyard.stats import auc, clusters
from modelyard.stats.bootstrap import Statistic, bca
from modelyard.stats.interval import Interval, refuse, widest
from modelyard.stats.means import mean_interval
from modelyard.stats.proportions import clopper_pearson, joint_score, proportion, tango

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

FEWEST_DISAGREEING = 10
"""Rows on which models must differ before anything but Tango's interval is tried."""
FEWEST_FOR_MEAN = 100
"""Rows that the level of a mean loss needs."""
FEWEST_OF_A_CLASS = 25
"""Rows of each class that a bootstrap needs."""
MOST_LEFT_OUT = 500
"""Units that are left out one by one; of more, stretches of neighbours."""
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
    found = _by_unit(kept * own, own, codes, clusters.FEWEST_FOR_LEVEL, lags, confidence, on_logit=True)
    if weight is not None:
        row_wise = _by_unit(kept * own, own, None, clusters.FEWEST_FOR_LEVEL, 0, confidence, on_logit=True)
    return _both(found, row_wise)


def _all_alike(share: float, own: Floats, unit: Ints | None, confidence: float) -> Interval:
    """Every row right, or every row wrong: exact limits as if each unit, or each row of equal weight, were one row.

    Units whose rows all agree do not vary, so that they say nothing of their own spread; one row a unit is the least
    that they are worth, and Kish's n = (Σw)²/Σw² what weighted rows are.
    """
    sizes = clusters.sizes(unit, own)
    groups, n = _count(unit, len(own)), clusters.whole(clusters.effective(sizes))
    if n < clusters.FEWEST_FOR_LEVEL:
        return clusters.too_few(n, clusters.FEWEST_FOR_LEVEL, groups, len(own), share)
    low, high = clopper_pearson(round(n * share), n, confidence)
    found = Interval(share, low, high, (because("clopper-pearson-units"),), groups, len(own))
    return replace(found, effective=clusters.effective(sizes), largest=float(sizes.max() / sizes.sum()))


def contrast_proportion(
    right: Bools, considered: Bools, weights: Floats, constant: float, *, unit: Ints | None = None,
    weight: Floats | None = None, lags: int = 0, identical: bool = False, confidence: float = 0.95,
) -> Interval:  # fmt: skip
    """Contrast of proportions; ``right`` is (k, n), the first model's first. Row-wise Tango's, else a joint score.

    ``identical``: the models predict the same on every row. Models that merely have the same rows right are not: on few
    rows that is chance, and Tango's limits say how much.
    """
    kept = right[:, considered]
    n = kept.shape[1]
    if n == 0:
        return refuse("no-rows-count", n=0, n_rows=0)
    if identical and _is_zero_contrast(weights, constant):
        return _same(unit, considered, n)
    if len(kept) == 2 and abs(float(weights.sum())) <= 1e-12:
        first, second = int((kept[0] & ~kept[1]).sum()), int((~kept[0] & kept[1]).sum())
        row_wise = tango(first, second, n, confidence).scaled(float(weights[0]), constant)
    else:
        row_wise = joint_score(kept, weights, constant, confidence)
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
        sizes = clusters.sizes(codes, own)
        groups, worth = _count(codes, n), clusters.whole(clusters.effective(sizes))
        if worth < clusters.FEWEST_FOR_DIFFERENCE:
            return clusters.too_few(worth, clusters.FEWEST_FOR_DIFFERENCE, groups, n, 0.0)
        return replace(tango(0, 0, worth, confidence), n=groups, n_rows=n, effective=clusters.effective(sizes))
    fewest = clusters.FEWEST_FOR_DIFFERENCE
    found = _by_unit(both, own, codes, fewest, lags, confidence, constant=constant)
    if weight is not None:
        row_wise = _by_unit(both, own, None, fewest, 0, confidence, constant=constant)
    return _both(found, row_wise)


def level_mean(
    values: Floats, *, unit: Ints | None = None, weight: Floats | None = None, lags: int = 0, seed: int = 0,
    bounds: Sequence[float] = (), confidence: float = 0.95,
) -> Interval:  # fmt: skip
    """Mean of (n,) per-row values.

    Over rows at least 100 are asked for: of 50 lognormal losses (σ 1.2) every interval that was tried ends below their
    mean in 7 % of samples, of squared errors with Student's 6 degrees in 6 %. To refuse only where the sample is skewed
    makes it worse, since the samples that lack the large losses remain.
    """
    if not np.isfinite(values).all():
        return refuse("not-finite", n=_count(unit, len(values)), n_rows=len(values))
    own, level = np.ones(len(values)) if weight is None else weight, clusters.FEWEST_FOR_LEVEL
    worth = clusters.whole(clusters.effective(own))
    if (unit is None or weight is not None) and worth < FEWEST_FOR_MEAN:
        return refuse("too-few-rows", rows=worth, fewest=FEWEST_FOR_MEAN, n=_count(unit, len(values)),
                      n_rows=len(values), estimate=_mean(values, own))  # fmt: skip
    if weight is not None:
        row_wise = _by_unit(values * weight, weight, None, level, 0, confidence)
        return _both(_by_unit(values * weight, weight, unit, level, lags, confidence), row_wise)
    row_wise = mean_interval(values, seed=seed, bounds=bounds, confidence=confidence)
    if unit is None:
        return row_wise
    return _both(_by_unit(values, own, unit, level, lags, confidence), row_wise)


def contrast_mean(
    values: Floats, weights: Floats, constant: float, *, unit: Ints | None = None, weight: Floats | None = None,
    lags: int = 0, identical: bool = False, seed: int = 0, bounds: Sequence[float] = (), confidence: float = 0.95,
) -> Interval:  # fmt: skip
    """Contrast of means of (k, n) per-row values; ``identical``: the models predict the same on every row."""
    n = values.shape[1]
    if identical and _is_zero_contrast(weights, constant):
        return _same(unit, None, n)
    if not np.isfinite(values).all():
        return refuse("not-finite", n=_count(unit, n), n_rows=n)
    disagreeing = int((np.abs(values - values[0]) > SAME).any(axis=0).sum())
    combined = clusters.combine(weights, values)
    own, fewest = np.ones(n) if weight is None else weight, clusters.FEWEST_FOR_DIFFERENCE
    if disagreeing < FEWEST_DISAGREEING:
        return _too_alike(disagreeing, _mean(combined, own, constant), unit, n)
    if weight is not None:
        row_wise = _by_unit(combined * weight, weight, None, fewest, 0, confidence, constant=constant)
        found = _by_unit(combined * weight, weight, unit, fewest, lags, confidence, constant=constant)
        return _both(found, row_wise)
    shifted = [bound - constant for bound in bounds]
    row_wise = mean_interval(combined, seed=seed, bounds=shifted, confidence=confidence).scaled(1.0, constant)
    if unit is None:
        return row_wise
    return _both(_by_unit(combined, own, unit, fewest, lags, confidence, constant=constant), row_wise)


def level_auc(
    y: Ints, score: Floats, *, unit: Ints | None = None, lags: int = 0, confidence: float = 0.95,
    placed: auc.Placed | None = None,
) -> Interval:  # fmt: skip
    """AUC of one model: row-wise the wider of Newcombe's and a logit DeLong interval; jackknife-t over units.

    ``placed``: its placements, where they are known.
    """
    if not 0 < int((y == 1).sum()) < len(y):
        return refuse("one-class", n=_count(unit, len(y)), n_rows=len(y))
    placed = auc.placements(y, score) if placed is None else placed
    value = float(placed[0].mean())
    if min(map(len, placed)) < auc.FEWEST_OF_A_CLASS:
        return refuse(
            "too-few-of-a-class", fewest=auc.FEWEST_OF_A_CLASS, n=_count(unit, len(y)), n_rows=len(y), estimate=value
        )
    row_wise = auc.level(placed, confidence)
    if unit is None:
        return row_wise
    codes, groups = clusters.dense(unit)
    moved = clusters.of_auc(y, placed, codes, groups, score)
    if moved is None:
        return refuse("class-in-one-unit", n=groups, n_rows=len(y), estimate=value)
    found = clusters.interval(moved, method=because("jackknife-t"), fewest=clusters.FEWEST_FOR_LEVEL, lags=lags,
                              confidence=confidence, on_logit=True)  # fmt: skip
    return _both(found, row_wise)


def contrast_auc(
    y: Ints, scores: Sequence[Floats] | Floats, weights: Floats, constant: float, *, unit: Ints | None = None,
    margin: float = 0.0, lags: int = 0, identical: bool = False, confidence: float = 0.95,
    placed: Sequence[auc.Placed] = (),
) -> Interval:  # fmt: skip
    """Contrast of AUCs; ``scores`` are k of (n,). A constant score has AUC ½ and no error of its own.

    ``placed``: their placements, where they are known.
    """
    n, positives = len(y), int((y == 1).sum())
    if positives in (0, n):
        return refuse("one-class", n=_count(unit, n), n_rows=n)
    varies = [bool((score != score[0]).any()) for score in scores]
    constant += 0.5 * float(sum(weight for weight, moving in zip(weights, varies, strict=True) if not moving))
    moving = np.array(varies)
    known = list(placed) or [auc.placements(y, score) for score in scores]
    scores = [score for score, moves in zip(scores, varies, strict=True) if moves]
    placed, weights = [each for each, moves in zip(known, varies, strict=True) if moves], weights[moving]
    if len(scores) == 0:
        if abs(constant) < SAME:
            return _same(unit, None, n)
        return Interval(constant, constant, constant, (because("constant-scores"),), _count(unit, n), n)
    if len(scores) == 1:
        found = level_auc(y, scores[0], unit=unit, lags=lags, confidence=confidence, placed=placed[0])
        return found.scaled(float(weights[0]), constant)
    if identical and _is_zero_contrast(weights, constant):
        return _same(unit, None, n)
    differs = sum(
        int(np.any([np.abs(part[side] - placed[0][side]) > SAME for part in placed[1:]], axis=0).sum())
        for side in (0, 1)
    )
    estimate = float(sum(weight * part[0].mean() for weight, part in zip(weights, placed, strict=True))) + constant
    if differs < FEWEST_DISAGREEING:
        return _too_alike(differs, estimate, unit, n)
    reference = float(placed[1][0].mean())
    if min(positives, n - positives) * (1 - reference + margin) < auc.FEWEST_ERRORS:
        return refuse("too-few-errors", n=_count(unit, n), n_rows=n, estimate=estimate)
    row_wise = auc.contrast(placed, list(weights), constant, confidence)
    if unit is None:
        return row_wise
    codes, groups = clusters.dense(unit)
    each = [clusters.of_auc(y, part, codes, groups, score) for part, score in zip(placed, scores, strict=True)]
    all_moved = [moved for moved in each if moved is not None]
    if len(all_moved) < len(each):
        return refuse("class-in-one-unit", n=groups, n_rows=n, estimate=estimate)
    by = clusters.combine(weights, np.array([moved.by for moved in all_moved]))
    share = np.mean([moved.share for moved in all_moved], axis=0)
    found = clusters.interval(clusters.Moved(estimate, by, share, n), method=because("jackknife-t"), lags=lags,
                              fewest=clusters.FEWEST_FOR_DIFFERENCE, confidence=confidence)  # fmt: skip
    return _both(found, row_wise)


@dataclass(frozen=True, kw_only=True)
class Resampling:
    """What is drawn from, and what a bootstrap has to know besides.

    ``bounds``: values that the limits decide against; ``class_counts``: rows of each class that enters, weighted ones
    as Kish counts them; ``lags``: units in a week, where units follow each other in time.
    """

    n: int
    seed: int
    unit: Ints | None = None
    weight: Floats | None = None
    lags: int = 0
    bounds: Sequence[float] = ()
    class_counts: Sequence[int] = ()
    confidence: float = 0.95

    @property
    def own(self) -> Floats:
        """The rows' weights; (n,)."""
        return np.ones(self.n) if self.weight is None else self.weight

    def refusal(self, fewest: int) -> Interval | None:
        """Return a refusal where a class has too few rows, or the units are worth fewer than ``fewest``."""
        groups, counts = _count(self.unit, self.n), self.class_counts
        if counts and min(counts) < FEWEST_OF_A_CLASS:
            return refuse("small-class", rows=min(counts), fewest=FEWEST_OF_A_CLASS, n=groups, n_rows=self.n)
        worth = clusters.worth(self.unit, self.own)
        return clusters.too_few(worth, fewest, groups, self.n, None) if worth < fewest else None

    def interval(self, statistic: Statistic, fewest: int, *, beside_t: bool = False) -> Interval:
        """Return BCa limits over units where there are any, no narrower at either end than over rows.

        Over units also no narrower than the jackknife's, or Newey and West's where units follow each other in time.
        """

        def over(drawn: Ints | None) -> Interval:
            return _varying(
                bca(
                    statistic, self.n, self.seed, unit=drawn, weight=self.weight, bounds=self.bounds,
                    confidence=self.confidence, beside_t=beside_t,
                )
            )  # fmt: skip

        by_row = over(None)
        if self.unit is None:
            return replace(by_row, effective=None if self.weight is None else clusters.effective(self.own))
        found = over(self.unit)
        if found.low is None or found.estimate is None:
            return found
        moved = self._moved(statistic, found.estimate)
        if moved is None:
            return refuse("undefined-in-parts", n=found.n, n_rows=self.n, estimate=found.estimate)
        beside = clusters.interval(moved, method=because("jackknife-t"), fewest=min(fewest, moved.groups),
                                   lags=self._lags(moved.groups), confidence=self.confidence)  # fmt: skip
        if beside.refused is not None and beside.refused.code == "remembered":
            return beside
        told = replace(widest(found, by_row), effective=beside.effective, largest=beside.largest, memory=beside.memory)
        return widest(told, beside)

    def _lags(self, blocks: int) -> int:
        """Lags in blocks of units that follow each other."""
        return math.ceil(self.lags * blocks / _count(self.unit, self.n)) if self.lags else 0

    def _moved(self, statistic: Statistic, estimate: float) -> clusters.Moved | None:
        """Return how far leaving out each unit, or each of 500 stretches of units, moves the statistic."""
        codes, groups = clusters.dense(np.arange(self.n) if self.unit is None else self.unit)
        if groups > MOST_LEFT_OUT:
            codes, groups = codes * MOST_LEFT_OUT // groups, MOST_LEFT_OUT
        own = self.own
        left = [statistic(np.where(codes == one, 0.0, own)) for one in range(groups)]
        known = [value for value in left if value is not None]
        if len(known) < groups:
            return None
        share = np.bincount(codes, weights=own, minlength=groups) / own.sum()
        return clusters.Moved(estimate, estimate - np.array(known), share, self.n)


def level_statistic(statistic: Statistic, rows: Resampling, *, beside_t: bool = False) -> Interval:
    """Return any statistic of row weights with limits, by bootstrap over rows or units.

    ``beside_t``: never narrower than Student's, for statistics without bounds such as R², of whose errors the largest
    may not have been seen.
    """
    fewest = clusters.FEWEST_FOR_LEVEL
    return rows.refusal(fewest) or rows.interval(statistic, fewest, beside_t=beside_t)


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
    return rows.interval(combined, clusters.FEWEST_FOR_DIFFERENCE, beside_t=True)


def _varying(found: Interval) -> Interval:
    """Return a bootstrap's interval, or a refusal where its resamples differ by rounding alone."""
    if found.low is None or found.high is None or found.high - found.low > ROUNDING * max(-found.low, found.high):
        return found
    return refuse("constant-resamples", n=found.n, n_rows=found.n_rows, estimate=found.estimate)


def _by_unit(
    over: Floats, under: Floats, unit: Ints | None, fewest: int, lags: int, confidence: float, *, constant: float = 0.0,
    on_logit: bool = False,
) -> Interval:  # fmt: skip
    """Return the interval of Σ over / Σ under + constant over units, or over rows as units where there are none."""
    codes, groups = clusters.dense(np.arange(len(over)) if unit is None else unit)
    moved = clusters.of_ratio(over, under, codes, groups).shifted(constant)
    return clusters.interval(
        moved, method=because("cluster-t"), fewest=fewest, lags=lags, confidence=confidence, on_logit=on_logit
    )


def _both(found: Interval, row_wise: Interval) -> Interval:
    """Return the interval over units, no narrower than over rows; a refusal of either stands."""
    if found.low is None or row_wise.low is not None or row_wise.refused is None:
        return widest(found, row_wise)
    return replace(row_wise, n=found.n, n_rows=found.n_rows, effective=found.effective, largest=found.largest)


def _mean(values: Floats, own: Floats, constant: float = 0.0) -> float | None:
    return float((values * own).sum() / own.sum()) + constant if len(values) else None


def _is_zero_contrast(weights: Floats, constant: float) -> bool:
    return abs(float(weights.sum())) < 1e-12 and abs(constant) < 1e-12


def _same(unit: Ints | None, considered: Bools | None, n: int) -> Interval:
    groups = _count(unit if unit is None or considered is None else unit[considered], n)
    return Interval(0.0, 0.0, 0.0, (because("identical"),), groups, n, identical=True)


def _too_alike(rows: int, estimate: float | None, unit: Ints | None, n: int) -> Interval:
    return refuse("too-alike", rows=rows, fewest=FEWEST_DISAGREEING, n=_count(unit, n), n_rows=n, estimate=estimate)


def _count(unit: Ints | None, n: int) -> int:
    return n if unit is None else len(np.unique(unit))


def _unit_of(unit: Ints | None, considered: Bools) -> Ints | None:
    return None if unit is None else unit[considered]
