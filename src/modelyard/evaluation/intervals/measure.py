"""A metric's level or contrast on the test rows, with the interval of its family (docs/statistics.md).

This is the only bridge between what a metric is (``metrics``) and how its uncertainty is known (``stats``).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from modelyard.evaluation.intervals import adjusted, class_area, composed, correlation, direct  # noqa: F401 - they register
from modelyard.evaluation.intervals.strategy import STRATEGIES, Combination, Strategy
from modelyard.evaluation.test_set import TestSet
from modelyard.metrics.metric import Metric
from modelyard.metrics.predictions import Predictions
from modelyard.stats.adjusted import Control
from modelyard.stats.interval import Interval, refuse


def strategy_of(metric: Metric) -> Strategy:
    """Return the interval strategy of a metric's family."""
    return STRATEGIES.get(metric.family)


def level(
    metric: Metric,
    test_set: TestSet,
    model: Predictions,
    *,
    bounds: Sequence[float] = (),
    control: Control | None = None,
) -> Interval:
    """Return a metric of one model with its interval, in natural units.

    Args:
        metric: what to measure.
        test_set: the rows.
        model: predictions, in the order of the rows.
        bounds: values that the limits decide against, so that a bootstrap knows where to look closer.
        control: a control variate, of a metric of all rows.
    """
    refused = _undefined(metric, test_set, [model])
    if refused is not None:
        return refused

    def interval() -> Interval:
        found = strategy_of(metric).level(metric, test_set, model, bounds)
        return found if control is None else adjusted.level(metric, test_set, model, found, control, bounds)

    return _within(_computed(test_set, interval), metric.lowest, metric.highest)


def contrast(metric: Metric, test_set: TestSet, combination: Combination) -> Interval:
    """Return a linear contrast of several models' metric as one paired quantity with its interval."""
    refused = _undefined(metric, test_set, combination.models)
    if refused is not None:
        return refused
    found = _computed(test_set, lambda: strategy_of(metric).contrast(metric, test_set, combination))
    if metric.lowest is None or metric.highest is None:
        return found
    ends = [(share * metric.lowest, share * metric.highest) for share in combination.shares]
    least, most = (sum(each) + combination.constant for each in (map(min, ends), map(max, ends)))
    return _within(found, least, most)


def _computed(test_set: TestSet, interval: Callable[[], Interval]) -> Interval:
    """Return the interval, or a refusal where numbers are too large to compute with."""
    with np.errstate(over="ignore", invalid="ignore"):
        try:
            found = interval()
        except OverflowError:
            found = None
    if found is not None:
        known = (found.estimate, found.low, found.high)
        if all(each is None or math.isfinite(each) for each in known):
            return found
    return refuse("not-finite", n=test_set.units, n_rows=len(test_set.y))


def _within(found: Interval, least: float | None, most: float | None) -> Interval:
    """Return the interval, its limits no further out than the quantity can be."""
    if found.low is None or found.high is None:
        return found
    low = found.low if least is None else max(found.low, least)
    high = found.high if most is None else min(found.high, most)
    return replace(found, low=low, high=high)


def _undefined(metric: Metric, test_set: TestSet, models: Sequence[Predictions]) -> Interval | None:
    """Return why there is no such quantity on these rows; None where there may be."""
    for model in models:
        y = test_set.y if model.value is not None else test_set.codes
        why = metric.undefined(y, model, test_set.classes)
        if why is not None:
            return Interval(None, None, None, (), test_set.units, len(test_set.y), refused=why)
    return None
