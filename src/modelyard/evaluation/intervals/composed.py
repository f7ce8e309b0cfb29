"""Metrics that are made of proportions: precision, F1, balanced accuracy, and the macro means.

Their resampled intervals fail where a part has few errors: of 30 rows that are all right no resample holds an error. So
what is a proportion is judged as one:

* precision is the share of the rows called positive that are;
* F1 = 2J/(1 + J), where J = TP/(TP + FP + FN) is a share of the rows that are positive or called so, and rises with it;
* balanced accuracy and macro recall are means of shares of different rows, whose limits combine by square-and-add.

Differences of precision and F1, and the other macro means, are bootstrapped; where a model has fewer than 10 events or
non-events in a part, never narrower than square-and-add of the models' own limits, which takes them for independent.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from modelyard.core.reasons import because
from modelyard.evaluation.intervals.bootstrap import Bootstrapped
from modelyard.evaluation.intervals.strategy import STRATEGIES, Combination
from modelyard.evaluation.test_set import TestSet
from modelyard.metrics.metric import Composed, Family, Metric
from modelyard.metrics.predictions import Bools, Predictions
from modelyard.stats import estimate
from modelyard.stats.interval import Interval, widest
from modelyard.stats.proportions import FEW, proportion, square_and_add

Part = tuple[Bools, Bools]
"""Which rows are right, and which count; both (n,)."""


class Macro(Bootstrapped):
    """Means of shares whose rows depend on the model: a bootstrap, beside square-and-add where events are few."""

    name: str = Family.MACRO

    def level(self, metric: Metric, test_set: TestSet, model: Predictions, bounds: Sequence[float]) -> Interval:
        """Return the metric of one model."""
        parts = _parts(metric, test_set, model)
        found = super().level(metric, test_set, model, bounds)
        if test_set.weight is not None or not _few(parts):
            return found
        return widest(found, _mean(metric, parts, test_set.confidence))

    def contrast(self, metric: Metric, test_set: TestSet, combination: Combination) -> Interval:
        """Return the paired contrast."""
        found = super().contrast(metric, test_set, combination)
        if combination.identical or test_set.weight is not None or found.low is None:
            return found
        parts = [_parts(metric, test_set, model) for model in combination.models]
        if not any(_few(each) for each in parts):
            return found
        levels = [_mean(metric, each, test_set.confidence) for each in parts]
        weighted = [(float(w), one) for w, one in zip(combination.shares, levels, strict=True)]
        apart = square_and_add(weighted, combination.constant)
        return replace(widest(found, apart), method=(*found.method, because("square-and-add-few")))


class OneShare(Macro):
    """One share whose rows depend on the model, such as precision: its own limits, without a bootstrap."""

    name: str = Family.SHARE

    def level(self, metric: Metric, test_set: TestSet, model: Predictions, bounds: Sequence[float]) -> Interval:
        """Return the metric of one model."""
        ((right, considered),) = _parts(metric, test_set, model)
        found = estimate.level_proportion(
            right, considered, unit=test_set.unit, weight=test_set.weight, lags=test_set.lags,
            confidence=test_set.confidence,
        )  # fmt: skip
        return _as_f1(found) if _composed(metric).f1 else found


class ByClass(Bootstrapped):
    """Means of shares of different rows, class by class; with units or weights beside a bootstrap."""

    name: str = Family.BY_CLASS

    def level(self, metric: Metric, test_set: TestSet, model: Predictions, bounds: Sequence[float]) -> Interval:
        """Return the metric of one model."""
        plain = _mean(metric, _parts(metric, test_set, model), test_set.confidence)
        if test_set.unit is None and test_set.weight is None:
            return plain
        found = super().level(metric, test_set, model, bounds)
        return found if test_set.weight is not None else widest(found, plain)

    def contrast(self, metric: Metric, test_set: TestSet, combination: Combination) -> Interval:
        """Return the paired contrast."""
        if combination.identical:
            return super().contrast(metric, test_set, combination)
        plain = test_set.unit is None and test_set.weight is None
        found = None if plain else super().contrast(metric, test_set, combination)
        if found is not None and (test_set.weight is not None or found.low is None):
            return found
        parts = [_parts(metric, test_set, model) for model in combination.models]
        by_class = _paired(parts, combination, test_set.confidence)
        return by_class if found is None else widest(found, by_class)


def _composed(metric: Metric) -> Composed:
    assert isinstance(metric, Composed)  # noqa: S101 - the family says so
    return metric


def _parts(metric: Metric, test_set: TestSet, model: Predictions) -> list[Part]:
    return _composed(metric).parts(test_set.codes, model.labels, model.classes)


def _paired(known: Sequence[Sequence[Part]], combination: Combination, confidence: float) -> Interval:
    classes = len(known[0])
    differences = [
        estimate.contrast_proportion(
            np.array([model[code][0] for model in known]),
            known[0][code][1],
            combination.shares,
            0.0,
            confidence=confidence,
        )
        for code in range(classes)
    ]
    found = square_and_add([(1 / classes, each) for each in differences], combination.constant)
    rows = len(known[0][0][0])
    return replace(found, n=rows, n_rows=rows)


def _mean(metric: Metric, known: Sequence[Part], confidence: float) -> Interval:
    levels = [proportion(int(right.sum()), int(considered.sum()), confidence) for right, considered in known]
    if _composed(metric).f1:
        levels = [_as_f1(each) for each in levels]
    found = square_and_add([(1 / len(levels), each) for each in levels])
    rows = len(known[0][0])
    return replace(found, n=rows, n_rows=rows)


def _few(known: Sequence[Part]) -> bool:
    counts = [(int(right.sum()), int(considered.sum())) for right, considered in known]
    return any(min(events, n - events) < FEW for events, n in counts)


def _as_f1(found: Interval) -> Interval:
    def of(share: float | None) -> float | None:
        return None if share is None else 2 * share / (1 + share)

    return replace(found, estimate=of(found.estimate), low=of(found.low), high=of(found.high))


for _strategy in (Macro(), OneShare(), ByClass()):
    STRATEGIES.register(_strategy)
