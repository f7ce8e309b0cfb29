"""Matthews' correlation: a bootstrap, widened where a class has few hits or errors.

A resample holds no error that did not occur. So where a class has fewer than 10 rows right, or fewer than 10 wrong,
each class's share that is right moves to its exact limits with the others held, and the changes of the correlation are
squared and added (Zou & Donner 2008): no interval is narrower than that.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from modelyard.core.reasons import because
from modelyard.evaluation.intervals.bootstrap import Bootstrapped
from modelyard.evaluation.intervals.strategy import STRATEGIES, Combination
from modelyard.evaluation.test_set import TestSet
from modelyard.metrics.metric import Family, Metric
from modelyard.metrics.predictions import Floats, Predictions
from modelyard.metrics.statistics import correlation
from modelyard.stats.interval import Interval, widest
from modelyard.stats.proportions import FEW, clopper_pearson, square_and_add


class Correlation(Bootstrapped):
    """BCa, never narrower than exact limits where a class has few hits or errors."""

    name: str = Family.CORRELATION

    def level(self, metric: Metric, test_set: TestSet, model: Predictions, bounds: Sequence[float]) -> Interval:
        """Return the correlation of one model."""
        found = super().level(metric, test_set, model, bounds)
        wide = None if test_set.weight is not None else _by_class(test_set, model)
        if wide is None:
            return found
        if found.low is None and found.estimate is not None and test_set.unit is None:
            return wide
        return widest(found, wide)

    def contrast(self, metric: Metric, test_set: TestSet, combination: Combination) -> Interval:
        """Return the paired contrast."""
        found = super().contrast(metric, test_set, combination)
        if combination.identical or test_set.weight is not None or found.low is None:
            return found
        levels = [_by_class(test_set, model) for model in combination.models]
        if not any(levels):
            return found
        known = [
            level or super(Correlation, self).level(metric, test_set, model, ())
            for level, model in zip(levels, combination.models, strict=True)
        ]
        apart = square_and_add(
            [(float(share), one) for share, one in zip(combination.shares, known, strict=True)], combination.constant
        )
        return replace(widest(found, apart), method=(*found.method, because("square-and-add-few")))


def _by_class(test_set: TestSet, model: Predictions) -> Interval | None:
    """Return limits from each class's exact ones; None where every class has 10 hits and 10 errors."""
    classes = model.classes
    cells = test_set.codes * (classes + 1) + model.labels
    table = np.bincount(cells, minlength=classes * (classes + 1)).reshape(classes, classes + 1).astype(np.float64)
    rows, hit = table.sum(axis=1), np.diag(table)
    value = _value(table)
    constant = bool((table.sum(axis=0) == rows.sum()).any())
    if value is None or constant or min(*hit, *(rows - hit)) >= FEW:
        return None
    below = above = 0.0
    for code in range(classes):
        ends = clopper_pearson(float(hit[code]), int(rows[code]), test_set.confidence)
        moved = [each for end in ends for each in _moved(table, code, end)]
        below += (value - min([value, *moved])) ** 2
        above += (max([value, *moved]) - value) ** 2
    low, high = max(value - below**0.5, -1.0), min(value + above**0.5, 1.0)
    return Interval(value, low, high, (because("exact-by-class"),), test_set.units, len(test_set.y))


def _moved(table: Floats, code: int, share: float) -> list[float]:
    """Return the correlation where another share of a class is right, its errors as they were, or all of one label."""
    rows, errors = table[code].sum(), table[code].copy()
    errors[code] = 0.0
    kinds = [errors] if errors.sum() else [np.eye(table.shape[1])[at] for at in range(len(table)) if at != code]
    found = []
    for each in kinds:
        changed = table.copy()
        changed[code] = rows * (1 - share) * each / each.sum()
        changed[code, code] = rows * share
        value = _value(changed)
        found += [] if value is None else [value]
    return found


def _value(table: Floats) -> float | None:
    return correlation(np.diag(table), table.sum(axis=1), table.sum(axis=0)[: len(table)])


STRATEGIES.register(Correlation())
