"""Levels of means over all rows, adjusted by a control variate (stats.adjusted)."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from modelyard.evaluation.test_set import TestSet
from modelyard.metrics.metric import Family, MeanLoss, Metric, Proportion
from modelyard.metrics.predictions import Floats, Predictions
from modelyard.stats import estimate
from modelyard.stats.adjusted import Control, adjusted
from modelyard.stats.interval import Interval


def level(
    metric: Metric, test_set: TestSet, model: Predictions, plain: Interval, control: Control, bounds: Sequence[float]
) -> Interval:
    """Return a metric's level adjusted by a control variate, no wider at either end than the plain one."""
    root = metric.family == Family.ROOT_MEAN
    if isinstance(metric, MeanLoss):
        values = metric.losses(test_set.y, model)
    else:
        assert isinstance(metric, Proportion)  # noqa: S101 - of_all_rows says so
        values = metric.events(test_set.y, model)[0].astype(np.float64)

    def mean(each: Floats) -> Interval:
        return estimate.level_mean(
            each, unit=test_set.unit, weight=test_set.weight, lags=test_set.lags, seed=test_set.seed,
            bounds=[bound**2 for bound in bounds] if root else bounds, confidence=test_set.confidence,
        )  # fmt: skip

    before = _turned(plain, 2.0) if root else plain
    found = adjusted(
        values, control, before, mean, unit=test_set.unit, weight=test_set.weight, seed=test_set.seed,
        confidence=test_set.confidence,
    )  # fmt: skip
    if found is before:
        return plain
    return _within(metric, _turned(found, 0.5) if root else found)


def _turned(found: Interval, power: float) -> Interval:
    ends = [None if each is None else max(each, 0.0) ** power for each in (found.estimate, found.low, found.high)]
    return replace(found, estimate=ends[0], low=ends[1], high=ends[2])


def _within(metric: Metric, found: Interval) -> Interval:
    """Return the interval within the metric's range."""
    least = -np.inf if metric.lowest is None else metric.lowest
    most = np.inf if metric.highest is None else metric.highest
    ends = [None if each is None else min(max(each, least), most) for each in (found.estimate, found.low, found.high)]
    return replace(found, estimate=ends[0], low=ends[1], high=ends[2])
