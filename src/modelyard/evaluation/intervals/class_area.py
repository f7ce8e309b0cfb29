"""Ranking metrics of one class of several: judged as those of two classes, the class against the others."""

from collections.abc import Sequence
from dataclasses import replace

from modelyard.evaluation.intervals.strategy import STRATEGIES, Combination
from modelyard.evaluation.test_set import TestSet
from modelyard.metrics.metric import Family, Metric
from modelyard.metrics.multiclass import OfClass
from modelyard.metrics.predictions import Predictions
from modelyard.stats.interval import Interval


class OneClass:
    """The strategy of the metric of two classes, on the class against the others."""

    name: str = Family.CLASS_AREA

    def level(self, metric: Metric, test_set: TestSet, model: Predictions, bounds: Sequence[float]) -> Interval:
        """Return the metric of one model."""
        of = _of_class(metric)
        y, two = of.of_two(test_set.y, model)
        return STRATEGIES.get(of.inner.family).level(of.inner, replace(test_set, y=y), two, bounds)

    def contrast(self, metric: Metric, test_set: TestSet, combination: Combination) -> Interval:
        """Return the paired contrast."""
        of = _of_class(metric)
        pairs = [of.of_two(test_set.y, model) for model in combination.models]
        over = replace(combination, models=[two for _, two in pairs])
        return STRATEGIES.get(of.inner.family).contrast(of.inner, replace(test_set, y=pairs[0][0]), over)

    def row_variance(self, shifted: float, estimate: float, variance: float, test_set: TestSet) -> float:
        """Return the variance that was seen, scaled."""
        return STRATEGIES.get(Family.RANKING).row_variance(shifted, estimate, variance, test_set)


def _of_class(metric: Metric) -> OfClass:
    assert isinstance(metric, OfClass)  # noqa: S101 - the family says so
    return metric


STRATEGIES.register(OneClass())
