"""A metric's level or contrast on the test rows, with the interval that its kind calls for (docs/statistics.md).

This is the only bridge between what a metric is (``metrics``) and how its uncertainty is known (``stats``).
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from modelyard.evaluation.intervals import bootstrap, composed, nearly_perfect
from modelyard.evaluation.test_set import Truth
from modelyard.metrics import compute
from modelyard.metrics.catalogue import Metric
from modelyard.metrics.compute import Predictions
from modelyard.stats import estimate
from modelyard.stats.interval import Interval, refuse


def level(metric: Metric, truth: Truth, predictions: Predictions, *, bounds: Sequence[float] = ()) -> Interval:
    """A metric of one model with its interval, in natural units.

    Args:
        metric: what to measure.
        truth: the rows.
        predictions: the model's, in the order of the rows.
        bounds: values that the limits decide against, so that a bootstrap knows where to look closer.
    """
    kind, codes = metric.kind, truth.y.astype(np.int64)
    if kind == "proportion":
        right, considered = compute.events(metric.name, codes, predictions)
        return estimate.level_proportion(
            right, considered, unit=truth.unit, weight=truth.weight, lags=truth.lags, confidence=truth.confidence
        )
    if kind == "auc" and truth.weight is None and predictions.probability is not None:
        return estimate.level_auc(
            codes, predictions.probability, unit=truth.unit, lags=truth.lags, confidence=truth.confidence
        )
    if metric.name in composed.NAMES:
        return composed.level(metric, truth, predictions, bounds=bounds)
    if kind in ("mean", "root_mean"):
        found = estimate.level_mean(
            compute.losses(metric, truth.y, predictions),
            unit=truth.unit,
            weight=truth.weight,
            lags=truth.lags,
            seed=truth.seed,
            bounds=bounds if kind == "mean" else [bound**2 for bound in bounds],
            confidence=truth.confidence,
        )
        return found if kind == "mean" else _root(found)
    found = bootstrap.level(metric, truth, predictions, bounds=bounds)
    return nearly_perfect.level(metric, truth, predictions, found)


def contrast(
    metric: Metric,
    truth: Truth,
    models: Sequence[Predictions],
    weights: Sequence[float],
    *,
    constant: float = 0.0,
    margin: float = 0.0,
    bound: float = 0.0,
    constant_reference: bool = False,
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
        constant_reference: every other model is constant, so that the contrast moves with the days as a level does.
    """
    kind, codes, shares = metric.kind, truth.y.astype(np.int64), np.asarray(weights, dtype=np.float64)
    identical = all(models[0].same_as(model) for model in models[1:])
    lags = truth.lags if constant_reference else 0
    if kind == "proportion":
        parts = [compute.events(metric.name, codes, model) for model in models]
        return estimate.contrast_proportion(
            np.array([right for right, _ in parts]),
            parts[0][1],
            shares,
            constant,
            unit=truth.unit,
            weight=truth.weight,
            lags=lags,
            identical=identical,
            confidence=truth.confidence,
        )
    if metric.name in composed.NAMES:
        return composed.contrast(metric, truth, models, shares, constant, bound=bound, identical=identical)
    if kind == "auc" and truth.weight is None:
        scores = np.array([model.probability for model in models])
        return estimate.contrast_auc(
            codes, scores, shares, constant, unit=truth.unit, margin=margin, lags=lags, identical=identical,
            confidence=truth.confidence,
        )  # fmt: skip
    if kind in ("mean", "root_mean"):
        values = np.array([compute.losses(metric, truth.y, model) for model in models])
        if kind == "root_mean":
            # First order about today's estimates: RMSE is near MSE / (2·RMSE) + RMSE / 2.
            weight = np.ones(values.shape[1]) if truth.weight is None else truth.weight
            roots = np.sqrt((values * weight).sum(axis=1) / weight.sum())
            if not (roots > 0).all():
                return refuse("a model makes no error at all", n=truth.units, n_rows=len(truth.y))
            constant += float(shares @ roots / 2) if (values != values[0]).any() else 0.0
            shares = shares / (2 * roots)
        return estimate.contrast_mean(
            values,
            shares,
            constant,
            unit=truth.unit,
            weight=truth.weight,
            lags=lags,
            identical=identical,
            seed=truth.seed,
            bounds=(bound,),
            confidence=truth.confidence,
        )
    if not identical and nearly_perfect.refuses(metric, truth, models[1], margin):
        return refuse("too few errors to tell", n=truth.units, n_rows=len(truth.y))
    return bootstrap.contrast(metric, truth, models, shares, constant, bound=bound, identical=identical)


def _root(found: Interval) -> Interval:
    def root(value: float | None) -> float | None:
        return None if value is None else float(np.sqrt(max(value, 0.0)))

    return replace(found, estimate=root(found.estimate), low=root(found.low), high=root(found.high))
