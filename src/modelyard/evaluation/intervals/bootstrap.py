"""Levels and contrasts of statistics that only a bootstrap knows, and when it must not be tried."""

from collections.abc import Sequence

import numpy as np

from modelyard.evaluation.test_set import Truth
from modelyard.metrics import compute
from modelyard.metrics.catalogue import Metric
from modelyard.metrics.compute import Floats, Ints, Predictions
from modelyard.stats import auc, estimate
from modelyard.stats.interval import Interval

PRECISIONS = ("precision", "precision_macro")
"""Metrics that look at the rows a model calls a class, which have to be enough too."""


def level(metric: Metric, truth: Truth, predictions: Predictions, *, bounds: Sequence[float] = ()) -> Interval:
    """A statistic of one model by BCa bootstrap, over rows or units."""
    return estimate.level_statistic(
        compute.statistic(metric, truth.y, predictions),
        len(truth.y),
        seed=truth.seed,
        unit=truth.unit,
        weight=truth.weight,
        bounds=bounds,
        class_counts=class_counts(truth, [predictions], called=metric.name in PRECISIONS),
        confidence=truth.confidence,
    )


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
    """A linear contrast of a statistic by paired BCa bootstrap; refused where models differ on fewer than 10 rows."""
    return estimate.contrast_statistic(
        [compute.statistic(metric, truth.y, model) for model in models],
        weights,
        constant,
        len(truth.y),
        seed=truth.seed,
        unit=truth.unit,
        weight=truth.weight,
        bounds=(bound,),
        class_counts=class_counts(truth, models, called=metric.name in PRECISIONS),
        identical=identical,
        disagreeing=disagreeing(metric, truth.y, models),
        confidence=truth.confidence,
    )


def disagreeing(metric: Metric, y: Ints | Floats, models: Sequence[Predictions]) -> int:
    """Rows on which the models differ in what the metric looks at: labels, placements among the others, or values."""
    differs = np.zeros(len(y), dtype=bool)
    for model in models[1:]:
        if metric.needs == "label":
            differs |= _label(models[0]) != _label(model)
        elif metric.needs == "value" or metric.function is not None:
            first, other = (each.value if metric.needs == "value" else each.probability for each in (models[0], model))
            assert first is not None  # noqa: S101 - callers ask has() first
            assert other is not None  # noqa: S101 - both give what the metric needs
            apart = np.abs(first - other) > estimate.SAME
            differs |= apart if apart.ndim == 1 else apart.any(axis=1)
        else:
            differs |= _placed_apart(y.astype(np.int64), models[0], model)
    return int(differs.sum())


def _label(model: Predictions) -> Ints:
    assert model.label is not None  # noqa: S101 - callers ask has() first
    return model.label


def _placed_apart(y: Ints, first: Predictions, second: Predictions) -> compute.Bools:
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
    assert model.probability is not None  # noqa: S101 - callers ask has() first
    return model.probability if model.probability.ndim == 2 else model.probability[:, None]


def class_counts(truth: Truth, models: Sequence[Predictions], *, called: bool = False) -> tuple[int, ...]:
    """Rows of each class; with ``called`` also the rows that each model gives each class (binary: the positive one)."""
    first = models[0]
    if first.value is not None:
        return ()
    counts = [int(count) for count in np.bincount(truth.y.astype(np.int64), minlength=first.classes)]
    if called:
        for model in models:
            given = np.bincount(_label(model), minlength=first.classes)[: first.classes]
            counts += [int(count) for count in (given[1:] if first.classes == 2 else given)]
    return tuple(counts)
