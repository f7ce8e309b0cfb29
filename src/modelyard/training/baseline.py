"""The baseline: a constant predictor fitted on the training rows."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelyard.core.vocabulary import Task
    from modelyard.metrics.metric import Metric


def fit_baseline(y: "NDArray[Any]", weight: "NDArray[Any] | None", task: "Task", classes: int = 2) -> dict[str, float]:
    """Class shares (``share_0``, ``share_1``, …; binary: 1 is positive), or mean, median and quantiles.

    A regression's are ``mean``, ``median``, ``relative_median``, the constant of the least mean percentage error, and
    ``quantile_05`` … ``quantile_95``, which pinball losses ask for.

    Args:
        y: (n,) class codes, or values for regression.
        weight: (n,) row weights.
        task: what ``y`` holds.
        classes: how many classes there are.
    """
    import numpy as np

    from modelyard.metrics.regression import QUANTILES

    weight = np.ones(len(y)) if weight is None else weight
    total = float(weight.sum())
    if task == "regression":
        order = np.argsort(y, kind="stable")
        sums = np.cumsum(weight[order])
        low, high = np.searchsorted(sums, total / 2), np.searchsorted(sums, total / 2, side="right")
        middle = (y[order[low]] + y[order[min(int(high), len(y) - 1)]]) / 2
        quantiles = {
            f"quantile_{percent:02d}": float(
                y[order[min(int(np.searchsorted(sums, total * percent / 100)), len(y) - 1)]]
            )
            for percent in QUANTILES
        }
        return {
            "mean": float((weight * y).sum() / total),
            "median": float(middle),
            "relative_median": _relative_median(y[order], weight[order], float(middle)),
            **quantiles,
        }
    shares = np.bincount(y, weights=weight, minlength=classes) / total
    return {f"share_{code}": float(share) for code, share in enumerate(shares)}


def _relative_median(ordered: "NDArray[Any]", weight: "NDArray[Any]", median: float) -> float:
    """Return the median of sorted values, each of weight 1/|value|; the plain one where all are 0."""
    import numpy as np

    known = ordered != 0
    if not known.any():
        return median
    sums = np.cumsum(weight[known] / abs(ordered[known]))
    return float(ordered[known][int(np.searchsorted(sums, sums[-1] / 2))])


def baseline_score(
    metric: "Metric", y: "NDArray[Any]", weight: "NDArray[Any] | None", baseline: Mapping[str, float], task: "Task"
) -> float | None:
    """Return the metric of the baseline on its own training rows: from where a model's gain is counted in planning.

    Args:
        metric: any of the catalogue that is for the task.
        y: (n,) class codes, or values for regression.
        weight: (n,) row weights.
        baseline: as ``fit_baseline`` gives it.
        task: what ``y`` holds.
    """
    import numpy as np

    from modelyard.metrics.predictions import Predictions

    n = len(y)
    if task == "regression":
        return metric.value(y, Predictions(value=np.full(n, baseline[metric.baseline])), weight)
    shares = np.array([baseline[f"share_{code}"] for code in range(len(baseline))])
    label = np.full(n, int(np.argmax(shares)), dtype=np.int64)
    probability = np.full(n, shares[1]) if task == "binary" else np.broadcast_to(shares, (n, len(shares)))
    return metric.value(y, Predictions(len(shares), label, probability), weight)
