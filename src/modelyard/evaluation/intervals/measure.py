"""A metric's level or contrast on the test rows, with the interval of its family (docs/statistics.md).

This is the only bridge between what a metric is (``metrics``) and how its uncertainty is known (``stats``).
"""

from collections.abc import Sequence

from modelyard.evaluation.intervals import composed, direct  # noqa: F401 - they register their strategies
from modelyard.evaluation.intervals.strategy import STRATEGIES, Combination, Strategy
from modelyard.evaluation.test_set import TestSet
from modelyard.metrics.metric import Metric
from modelyard.metrics.predictions import Predictions
from modelyard.stats.interval import Interval


def strategy_of(metric: Metric) -> Strategy:
    """Return the interval strategy of a metric's family."""
    return STRATEGIES.get(metric.family)


def level(metric: Metric, test_set: TestSet, model: Predictions, *, bounds: Sequence[float] = ()) -> Interval:
    """Return a metric of one model with its interval, in natural units.

    Args:
        metric: what to measure.
        test_set: the rows.
        model: predictions, in the order of the rows.
        bounds: values that the limits decide against, so that a bootstrap knows where to look closer.
    """
    return strategy_of(metric).level(metric, test_set, model, bounds)


def contrast(metric: Metric, test_set: TestSet, combination: Combination) -> Interval:
    """Return a linear contrast of several models' metric as one paired quantity with its interval."""
    return strategy_of(metric).contrast(metric, test_set, combination)
