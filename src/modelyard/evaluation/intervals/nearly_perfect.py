"""Rankings by bootstrap, and what it does not know of those with hardly an error: it sees only errors that occurred."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from modelyard.core.reasons import because
from modelyard.evaluation.intervals.bootstrap import Bootstrapped, class_counts
from modelyard.evaluation.intervals.strategy import STRATEGIES, Combination
from modelyard.evaluation.test_set import TestSet
from modelyard.metrics.metric import Family, Metric, Ranking
from modelyard.metrics.predictions import Bools, Floats, Predictions
from modelyard.metrics.statistics import area
from modelyard.stats import auc, clusters
from modelyard.stats.interval import Interval, refuse, widest
from modelyard.stats.proportions import FEW, clopper_pearson, square_and_add


class Rankings(Bootstrapped):
    """A bootstrap, widened where a ranking has fewer than 10 expected errors, and refused for differences of few."""

    name: str = Family.RANKING

    def level(self, metric: Metric, test_set: TestSet, model: Predictions, bounds: Sequence[float]) -> Interval:
        """Return the metric of one model.

        Average precision is a mean over positives of numbers between 0 and 1, whose spread is at most a proportion's:
        the exact limits of that share of the positives. One area, or the mean of one-versus-rest areas: Newcombe's
        limits of each, squared and added. Weighted rows count as Kish's (Σw)²/Σw² of equal weight.
        """
        assert isinstance(metric, Ranking)  # noqa: S101 - the family says so
        found = super().level(metric, test_set, model, bounds)
        value = metric.value(test_set.y, model, test_set.weight)
        if value is None or min(class_counts(test_set, [model])) < 25:
            return found
        wide = _wide(metric, test_set, model, value)
        if wide is None:
            return found
        if found.low is None:
            return found if test_set.effective_units < 30 else replace(wide, n=found.n, n_rows=found.n_rows)
        return widest(found, wide)

    def contrast(self, metric: Metric, test_set: TestSet, combination: Combination) -> Interval:
        """Return the paired contrast, or a refusal where there are too few expected errors, as for AUCs."""
        assert isinstance(metric, Ranking)  # noqa: S101 - the family says so
        if not combination.identical and _too_few(metric, test_set, combination.models[1], combination.margin):
            return refuse("too-few-errors", n=test_set.units, n_rows=len(test_set.y))
        return super().contrast(metric, test_set, combination)


def _wide(metric: Ranking, test_set: TestSet, model: Predictions, value: float) -> Interval | None:
    """Return exact limits where fewer than 10 errors are expected."""
    codes = test_set.codes
    weight = np.ones(len(codes)) if test_set.weight is None else test_set.weight
    parts = metric.areas(codes, model.probabilities)
    if not parts:
        positives = _worth(weight[codes == 1])
        if positives * (1 - value) >= FEW:
            return None
        low, high = clopper_pearson(min(value, 1.0) * positives, positives, test_set.confidence)
        return Interval(value, low, high, (because("exact-of-positives"),), test_set.units, len(codes))
    known = []
    for part in parts:
        found = area(part.side, part.score)(weight)
        if found is None:
            return None
        known.append((min(found, 1.0), _worth(weight[part.side == 1]), _worth(weight[part.side == 0])))
    if min(count * (1 - found) for found, count, _ in known) >= FEW:
        return None
    shares = metric.shares(codes, weight, model.classes)
    each = [auc.one_model(found, count, others, test_set.confidence) for found, count, others in known]
    return square_and_add([(float(share), one) for share, one in zip(shares / shares.sum(), each, strict=True)])


def with_unseen(found: Interval, errors: tuple[Bools, Floats] | None, test_set: TestSet) -> Interval:
    """Return the interval of a mean loss, its upper limit no lower than errors that were not seen allow.

    With fewer than 10 wrong rows the losses seen say little of those to come: 300 rows at a log loss of 0.001 without a
    wrong one have limits of 0.001014 and 0.001026, and the next error costs 7. As many errors as the exact upper limit
    of their share allows, each at what a change of class would cost a row on average, are added.
    """
    if errors is None or found.estimate is None or found.high is None:
        return found
    wrong, cost = errors
    rows, seen = len(wrong), int(wrong.sum())
    if seen >= FEW or seen == rows:
        return found
    n = test_set.effective_units
    share = clopper_pearson(seen / rows * n, n, test_set.confidence)[1]
    high = found.estimate + (share - seen / rows) * max(float(cost[~wrong].mean()), 0.0)
    if high <= found.high:
        return found
    return replace(found, high=high, method=(*found.method, because("errors-not-seen")))


def _worth(weight: Floats) -> int:
    return max(int(clusters.effective(weight) + 1e-9), 1)


def _too_few(metric: Ranking, test_set: TestSet, reference: Predictions, margin: float) -> bool:
    if reference.probability is None:
        return False
    counts = np.bincount(test_set.codes, minlength=reference.classes)
    value = metric.value(test_set.y, reference, test_set.weight)
    constant = np.ptp(reference.probability, axis=0).max() == 0
    return value is not None and not constant and metric.fewest(counts) * (1 - value + margin) < auc.FEWEST_ERRORS


STRATEGIES.register(Rankings())
