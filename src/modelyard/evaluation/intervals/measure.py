"""A metric's level or contrast on the test rows, with the interval of its family (docs/statistics.md).

This is the only bridge between what a metric is (``metrics``) and how its uncertainty is known (``stats``).
"""

from collections.abc import Sequence

from modelyard.evaluation.intervals import adjusted, class_area, composed, correlation, direct  # noqa: F401 - they register
from modelyard.evaluation.intervals.strategy import STRATEGIES, Combination, Strategy
from modelyard.evaluation.test_set import TestSet
from modelyard.metrics.metric import Metric
from modelyard.metrics.predictions import Predictions
from modelyard.stats.adjusted import Control
from modelyard.stats.interval import Interval


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
    found = _undefined(metric, test_set, [model]) or strategy_of(metric).level(metric, test_set, model, bounds)
    return found if control is None else adjusted.level(metric, test_set, model, found, control, bounds)


def contrast(metric: Metric, test_set: TestSet, combination: Combination) -> Interval:
    """Return a linear contrast of several models' metric as one paired quantity with its interval."""
    refused = _undefined(metric, test_set, combination.models)
    return refused or strategy_of(metric).contrast(metric, test_set, combination)


def _undefined(metric: Metric, test_set: TestSet, models: Sequence[Predictions]) -> Interval | None:
    """Return why there is no such quantity on these rows; None where there may be."""
    for model in models:
        why = metric.undefined(test_set.y, model, test_set.classes)
        if why is not None:
            return Interval(None, None, None, (), test_set.units, len(test_set.y), refused=why)
    return None
