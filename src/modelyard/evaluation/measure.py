"""A metric's level or contrast on the test rows, with the interval that its kind calls for (docs/statistics.md, methods).

This is the only bridge between what a metric is (``metrics``) and how its uncertainty is known (``stats``).
"""

from collections.abc import Sequence

import numpy as np

from modelyard.evaluation.truth import Truth
from modelyard.metrics import compute
from modelyard.metrics.catalogue import Metric
from modelyard.metrics.compute import Predictions
from modelyard.stats import estimate
from modelyard.stats.interval import Interval

MINIMUM_OF_A_CLASS = 25
"""Rows of each class that a bootstrap needs."""


def level(metric: Metric, truth: Truth, predictions: Predictions, *, bounds: Sequence[float] = ()) -> Interval:
    """A metric of one model with its interval, in natural units.

    Args:
        metric: what to measure.
        truth: the rows.
        predictions: the model's, in the order of the rows.
        bounds: values that the limits decide against, so that a bootstrap knows where to look closer.
    """
    options = {"unit": truth.unit, "weight": truth.weight, "confidence": truth.confidence}
    if metric.kind == "proportion":
        right, considered = compute.events(metric.name, truth.y.astype(np.int64), predictions)
        return estimate.level_proportion(right, considered, ordered_units=truth.in_time_order, **options)
    if metric.kind == "auc" and truth.weight is None:
        assert predictions.probability is not None  # noqa: S101 - asked before
        return estimate.level_auc(
            truth.y.astype(np.int64), predictions.probability, unit=truth.unit, ordered_units=truth.in_time_order,
            confidence=truth.confidence,
        )  # fmt: skip
    if metric.kind in ("mean", "root_mean"):
        losses = compute.losses(metric.name, truth.y, predictions)
        found = estimate.level_mean(losses, ordered_units=truth.in_time_order, **options)
        return found if metric.kind == "mean" else _root(found)
    return estimate.level_statistic(
        compute.statistic(metric.name, truth.y, predictions), len(truth.y), seed=truth.seed, bounds=bounds,
        class_counts=_class_counts(truth, predictions), **options,
    )  # fmt: skip


def contrast(
    metric: Metric,
    truth: Truth,
    models: Sequence[Predictions],
    weights: Sequence[float],
    *,
    constant: float = 0.0,
    margin: float = 0.0,
    bound: float = 0.0,
) -> Interval:
    """Sum of ``weights[k]``·metric(``models[k]``) + ``constant`` as one paired quantity with its interval.

    Args:
        metric: what to measure.
        truth: the rows.
        models: predictions of each model, in the order of the rows; the challenger first.
        weights: (k,) one weight a model.
        constant: added to the sum.
        margin: how much worse is acceptable, which the AUC's refusal rule asks for.
        bound: what the limits decide against.
    """
    options = {"unit": truth.unit, "weight": truth.weight, "confidence": truth.confidence}
    if metric.kind == "proportion":
        parts = [compute.events(metric.name, truth.y.astype(np.int64), model) for model in models]
        return estimate.contrast_proportion(
            np.array([right for right, _ in parts]), parts[0][1], np.asarray(weights), constant, **options
        )
    if metric.kind == "auc" and truth.weight is None:
        scores = np.array([model.probability for model in models])
        return estimate.contrast_auc(
            truth.y.astype(np.int64), scores, np.asarray(weights), constant, unit=truth.unit, margin=margin,
            confidence=truth.confidence,
        )  # fmt: skip
    if metric.kind in ("mean", "root_mean"):
        values = np.array([compute.losses(metric.name, truth.y, model) for model in models])
        scale = np.asarray(weights, dtype=float)
        if metric.kind == "root_mean":
            # First order about today's estimates: RMSE is near MSE / (2·RMSE) + RMSE / 2.
            mean = values.mean(axis=1) if truth.weight is None else values @ truth.weight / truth.weight.sum()
            roots = np.sqrt(mean)
            if not (roots > 0).all():
                return Interval(
                    None, None, None, "", truth.units, len(truth.y), refused="a model makes no error at all"
                )
            constant += float(scale @ roots / 2)
            scale = scale / (2 * roots)
        return estimate.contrast_mean(values, scale, constant, **options)
    statistics = [compute.statistic(metric.name, truth.y, model) for model in models]
    return estimate.contrast_statistic(
        statistics, np.asarray(weights), constant, len(truth.y), seed=truth.seed, bounds=(bound,),
        class_counts=_class_counts(truth, models[0]), **options,
    )  # fmt: skip


def _root(found: Interval) -> Interval:
    def root(value: float | None) -> float | None:
        return None if value is None else float(np.sqrt(max(value, 0.0)))

    return Interval(
        root(found.estimate), root(found.low), root(found.high), found.method, found.n, found.n_rows, found.refused,
        found.approximate, found.identical,
    )  # fmt: skip


def _class_counts(truth: Truth, predictions: Predictions) -> tuple[int, ...]:
    if predictions.value is not None:
        return ()
    return tuple(int(count) for count in np.bincount(truth.y.astype(np.int64), minlength=predictions.classes))
