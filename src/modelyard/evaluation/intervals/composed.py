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

from modelyard.evaluation.intervals import bootstrap
from modelyard.evaluation.test_set import Truth
from modelyard.metrics.catalogue import Metric
from modelyard.metrics.compute import Bools, Floats, Predictions
from modelyard.stats import estimate
from modelyard.stats.interval import Interval, widest
from modelyard.stats.proportions import FEW, proportion, square_and_add

BY_CLASS = ("balanced_accuracy", "recall_macro")
NAMES = ("precision", "f1", "precision_macro", "f1_macro", *BY_CLASS)
Part = tuple[Bools, Bools]
"""Which rows are right, and which count; both (n,)."""


def parts(metric: Metric, truth: Truth, model: Predictions) -> list[Part]:
    """The proportions that a metric is made of."""
    y, label = truth.y.astype(np.int64), model.label
    assert label is not None  # noqa: S101 - callers ask has() first
    binary = metric.name in ("precision", "f1")
    found: list[Part] = []
    for code in (1,) if binary else range(model.classes):
        actual, called = y == code, label == code
        considered = actual | called if "f1" in metric.name else called if "precision" in metric.name else actual
        found.append((actual & called, considered))
    return found


def level(metric: Metric, truth: Truth, model: Predictions, *, bounds: Sequence[float] = ()) -> Interval:
    """The metric of one model with its interval."""
    known = parts(metric, truth, model)
    if metric.name in ("precision", "f1"):
        ((right, considered),) = known
        found = estimate.level_proportion(
            right, considered, unit=truth.unit, weight=truth.weight, lags=truth.lags, confidence=truth.confidence
        )
        return _f1(found) if metric.name == "f1" else found
    plain = _mean(metric, known, truth.confidence)
    if metric.name in BY_CLASS and truth.unit is None and truth.weight is None:
        return plain
    found = bootstrap.level(metric, truth, model, bounds=bounds)
    if truth.weight is not None or (metric.name not in BY_CLASS and not _few(known)):
        return found
    return widest(found, plain)


def contrast(
    metric: Metric,
    truth: Truth,
    models: Sequence[Predictions],
    weights: Floats,
    constant: float,
    *,
    bound: float,
    identical: bool,
) -> Interval:
    """A linear contrast of several models' metric with its interval."""
    known = [parts(metric, truth, model) for model in models]
    by_class = metric.name in BY_CLASS and not identical
    if by_class and truth.unit is None and truth.weight is None:
        return _by_class(known, weights, constant, truth.confidence)
    found = bootstrap.contrast(metric, truth, models, weights, constant, bound=bound, identical=identical)
    if identical or truth.weight is not None or found.low is None:
        return found
    if by_class:
        return widest(found, _by_class(known, weights, constant, truth.confidence))
    if any(_few(each) for each in known):
        levels = [_mean(metric, each, truth.confidence) for each in known]
        apart = square_and_add([(float(w), one) for w, one in zip(weights, levels, strict=True)], constant)
        return replace(widest(found, apart), method=f"{found.method}, and square-and-add for few events")
    return found


def _by_class(known: Sequence[Sequence[Part]], weights: Floats, constant: float, confidence: float) -> Interval:
    classes = len(known[0])
    differences = [
        estimate.contrast_proportion(
            np.array([model[code][0] for model in known]), known[0][code][1], weights, 0.0, confidence=confidence
        )
        for code in range(classes)
    ]
    found = square_and_add([(1 / classes, each) for each in differences], constant)
    rows = len(known[0][0][0])
    return replace(found, n=rows, n_rows=rows)


def _mean(metric: Metric, known: Sequence[Part], confidence: float) -> Interval:
    levels = [proportion(int(right.sum()), int(considered.sum()), confidence) for right, considered in known]
    if "f1" in metric.name:
        levels = [_f1(each) for each in levels]
    found = square_and_add([(1 / len(levels), each) for each in levels])
    rows = len(known[0][0])
    return replace(found, n=rows, n_rows=rows)


def _few(known: Sequence[Part]) -> bool:
    counts = [(int(right.sum()), int(considered.sum())) for right, considered in known]
    return any(min(events, n - events) < FEW for events, n in counts)


def _f1(found: Interval) -> Interval:
    def of(share: float | None) -> float | None:
        return None if share is None else 2 * share / (1 + share)

    return replace(found, estimate=of(found.estimate), low=of(found.low), high=of(found.high))
