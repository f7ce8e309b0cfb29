"""Levels and contrasts of statistics that only a bootstrap knows, and when it must not be tried."""

from collections.abc import Sequence

import numpy as np

from modelyard.evaluation.intervals.strategy import STRATEGIES, Combination, share_variance
from modelyard.evaluation.test_set import TestSet
from modelyard.metrics.metric import Family, Metric, Ranking
from modelyard.metrics.predictions import Bools, Floats, Ints, Predictions
from modelyard.stats import auc, clusters, estimate
from modelyard.stats.interval import Interval, refuse


class Bootstrapped:
    """BCa over rows or units; contrasts paired, and refused where models differ on fewer than 10 rows."""

    name: str = Family.STATISTIC

    def level(self, metric: Metric, test_set: TestSet, model: Predictions, bounds: Sequence[float]) -> Interval:
        """Return the statistic of one model; of values such as R² needs as many rows as a mean loss does."""
        rows = len(test_set.y)
        if metric.family is Family.STATISTIC and model.value is not None and rows < estimate.FEWEST_FOR_MEAN:
            seen = metric.value(test_set.y, model, test_set.weight)
            return refuse("too-few-rows", rows=rows, fewest=estimate.FEWEST_FOR_MEAN, n=test_set.units, n_rows=rows,
                          estimate=seen)  # fmt: skip
        return estimate.level_statistic(
            metric.statistic(test_set.y, model),
            _resampling(metric, test_set, [model], bounds),
            beside_t=metric.family is Family.STATISTIC,
        )

    def contrast(self, metric: Metric, test_set: TestSet, combination: Combination) -> Interval:
        """Return the paired contrast."""
        models = combination.models
        return estimate.contrast_statistic(
            [metric.statistic(test_set.y, model) for model in models],
            combination.shares,
            combination.constant,
            _resampling(metric, test_set, models, (combination.bound,)),
            identical=combination.identical,
            disagreeing=disagreeing(metric, test_set, models),
        )

    def row_variance(self, shifted: float, estimate: float, variance: float, test_set: TestSet) -> float:
        """Return the variance that was seen, scaled."""
        return share_variance(shifted, estimate, variance)


def _resampling(
    metric: Metric, test_set: TestSet, models: Sequence[Predictions], bounds: Sequence[float]
) -> estimate.Resampling:
    return estimate.Resampling(
        n=len(test_set.y),
        seed=test_set.seed,
        unit=test_set.unit,
        weight=test_set.weight,
        lags=test_set.lags,
        bounds=bounds,
        class_counts=class_counts(test_set, models, called=metric.called_rows),
        confidence=test_set.confidence,
    )


def disagreeing(metric: Metric, test_set: TestSet, models: Sequence[Predictions]) -> int:
    """Return the rows on which the models differ in what the metric looks at: outputs, or placements of a ranking."""
    differs = np.zeros(len(test_set.y), dtype=bool)
    for model in models[1:]:
        if isinstance(metric, Ranking):
            differs |= _placed_apart(test_set.codes, models[0], model)
            continue
        first, other = (each.given(metric.needs) for each in (models[0], model))
        apart = np.abs(first - other) > estimate.SAME
        differs |= apart if apart.ndim == 1 else apart.any(axis=1)
    return int(differs.sum())


def _placed_apart(y: Ints, first: Predictions, second: Predictions) -> Bools:
    differs = np.zeros(len(y), dtype=bool)
    tables = [_columns(each) for each in (first, second)]
    for code in range(tables[0].shape[1]):
        own = (y == (1 if tables[0].shape[1] == 1 else code)).astype(np.int64)
        if own.all() or not own.any():
            continue
        for side, chosen in enumerate((own == 1, own == 0)):
            one, other = (auc.placements(own, table[:, code])[side] for table in tables)
            differs[chosen] |= np.abs(one - other) > estimate.SAME
    return differs


def _columns(model: Predictions) -> Floats:
    probability = model.probabilities
    return probability if probability.ndim == 2 else probability[:, None]


def class_counts(test_set: TestSet, models: Sequence[Predictions], *, called: bool = False) -> tuple[int, ...]:
    """Return the rows of each class; with ``called`` also those that each model gives each (binary: the positive)."""
    first = models[0]
    if first.value is not None:
        return ()
    counts = _worth(test_set.codes, first.classes, test_set)
    if called:
        for model in models:
            given = _worth(model.labels, first.classes, test_set)
            counts += given[1:] if first.classes == 2 else given
    return tuple(counts)


def _worth(codes: Ints, classes: int, test_set: TestSet) -> list[int]:
    """Rows of each class; weighted ones count as Kish's (Σw)²/Σw² of equal weight."""
    if test_set.weight is None:
        return [int(count) for count in np.bincount(codes, minlength=classes)[:classes]]
    return [clusters.whole(clusters.effective(test_set.weight[codes == code])) for code in range(classes)]


STRATEGIES.register(Bootstrapped())
