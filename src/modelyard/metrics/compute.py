"""Metrics of predictions against the truth: per row where a metric has rows, as a function of row weights where not.

Truth ``y`` is an int code 0 … k−1 per row (binary: 1 is the positive class) or a float (regression); arrays are (n,).
Every quantity agrees with scikit-learn's function of that name to 1e-9, but for log loss, whose probabilities are
clipped at 1e-6 so that one certain mistake cannot decide a gate.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelyard.metrics.catalogue import METRICS, Metric

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

CLIP = 1e-6
FEWEST_SCORES = 10


@dataclass(frozen=True)
class Predictions:
    """One model's predictions for n rows: what it gave, and the labels that follow from it.

    ``label``: (n,) class codes. ``probability``: (n,) of the positive class, or (n, k). ``value``: (n,) regression.
    """

    classes: int = 2
    label: Ints | None = None
    probability: Floats | None = None
    value: Floats | None = None
    model: str = ""
    """The model's digest, where it is known: two with one digest are one model."""

    def __len__(self) -> int:
        """Number of rows."""
        given = [part for part in (self.label, self.probability, self.value) if part is not None]
        return len(given[0])

    def take(self, rows: Bools | Ints) -> "Predictions":
        """The predictions of some rows."""
        return Predictions(
            self.classes,
            None if self.label is None else self.label[rows],
            None if self.probability is None else self.probability[rows],
            None if self.value is None else self.value[rows],
            self.model,
        )

    def same_as(self, other: "Predictions") -> bool:
        """Whether both are one model: by its digest, or because they score every row the same.

        Labels, or fewer than ten different scores, do not tell: on 200 rows a third of all models that differ on 0.5 %
        of the rows agree everywhere.
        """
        if self.model and self.model == other.model:
            return True
        pairs = ((self.label, other.label), (self.probability, other.probability), (self.value, other.value))
        alike = all(
            (one is None) == (two is None) and (one is None or two is None or np.array_equal(one, two))
            for one, two in pairs
        )
        scores = self.probability if self.value is None else self.value
        return alike and scores is not None and len(np.unique(scores)) >= FEWEST_SCORES

    def has(self, needs: str) -> bool:
        """Whether a metric with these needs can be computed."""
        return {"label": self.label, "probability": self.probability, "value": self.value}[needs] is not None


def _label(predictions: Predictions) -> Ints:
    assert predictions.label is not None  # noqa: S101 - callers ask has() first
    return predictions.label


def _probability(predictions: Predictions) -> Floats:
    assert predictions.probability is not None  # noqa: S101 - callers ask has() first
    return predictions.probability


def _value(predictions: Predictions) -> Floats:
    assert predictions.value is not None  # noqa: S101 - callers ask has() first
    return predictions.value


def events(name: str, y: Ints, predictions: Predictions) -> tuple[Bools, Bools]:
    """Which rows are right, and which rows count, for a metric of kind ``proportion``; both (n,)."""
    right = _label(predictions) == y
    considered = {"accuracy": np.ones(len(y), dtype=bool), "recall": y == 1, "specificity": y == 0}[name]
    return right, considered


def losses(metric: str | Metric, y: Ints | Floats, predictions: Predictions) -> Floats:
    """Per-row losses (n,) of a metric of kind ``mean`` or ``root_mean`` (there: squared errors)."""
    metric = _known(metric)
    name = metric.name
    if metric.costs:
        return np.array(metric.costs, dtype=np.float64)[y.astype(np.int64), _label(predictions)]
    if name == "log_loss":
        probability = _probability(predictions)
        codes = y.astype(np.int64)
        if probability.ndim == 1:
            of_truth = np.where(codes == 1, probability, 1.0 - probability)
        else:
            of_truth = probability[np.arange(len(codes)), codes]
        return np.asarray(-np.log(np.clip(of_truth, CLIP, 1.0 - CLIP)), dtype=np.float64)
    if name == "brier_score":
        return np.asarray((_probability(predictions) - y) ** 2, dtype=np.float64)
    error = _value(predictions) - y
    if metric.quantile is not None:
        return np.maximum(-metric.quantile * error, (1 - metric.quantile) * error)
    return np.abs(error) if name == "mean_absolute_error" else error**2


def total(weight: Floats, values: Any) -> float:
    """The weighted sum, bit for bit the same wherever it runs.

    A BLAS product splits long vectors by however many threads it has, so its last digits differ between machines.
    """
    return float(np.einsum("i,i->", weight, values))


Statistic = Callable[[Floats], float | None]
"""A metric as a function of row weights (n,); None where it is undefined on the weighted rows."""


def _known(metric: str | Metric) -> Metric:
    return METRICS[metric] if isinstance(metric, str) else metric


def statistic(metric: str | Metric, y: Ints | Floats, predictions: Predictions) -> Statistic:
    """Any metric as a function of row weights (bootstrap counts, or the user's weights)."""
    metric = _known(metric)
    kind, name = metric.kind, metric.name
    if metric.function is not None:
        found: Statistic = metric.function(y, predictions)
        return found
    if kind == "proportion":
        right, considered = events(name, y.astype(np.int64), predictions)
        hit, counted = (right & considered).astype(np.float64), considered.astype(np.float64)
        return lambda weight: _ratio(total(weight, hit), total(weight, counted))
    if kind in ("mean", "root_mean"):
        loss = losses(metric, y, predictions)
        if kind == "mean":
            return lambda weight: _ratio(total(weight, loss), weight.sum())
        return lambda weight: _root(_ratio(total(weight, loss), weight.sum()))
    if name == "roc_auc":
        return _area(y.astype(np.int64), _probability(predictions))
    if name == "average_precision":
        return _average_precision(y.astype(np.int64), _probability(predictions))
    if name == "roc_auc_ovr":
        probability = _probability(predictions)
        codes = y.astype(np.int64)
        parts = [_area((codes == code).astype(np.int64), probability[:, code]) for code in range(predictions.classes)]
        return lambda weight: _mean_or_none([part(weight) for part in parts])
    if name in ("r2", "median_absolute_error"):
        return _regression_statistic(name, y.astype(np.float64), _value(predictions))
    return _confusion_statistic(name, y.astype(np.int64), _label(predictions), predictions.classes)


def value(
    metric: str | Metric, y: Ints | Floats, predictions: Predictions, weight: Floats | None = None
) -> float | None:
    """A metric on all rows, in natural units; None where it is undefined there, such as one class for an AUC."""
    return statistic(metric, y, predictions)(np.ones(len(y)) if weight is None else weight)


def _ratio(over: Any, under: Any) -> float | None:
    return float(over / under) if under > 0 else None


def _root(square: float | None) -> float | None:
    return None if square is None else float(np.sqrt(square))


def _mean_or_none(parts: list[float | None]) -> float | None:
    known = [part for part in parts if part is not None]
    return float(np.mean(known)) if parts and len(known) == len(parts) else None


def _area(y: Ints, score: Floats) -> Statistic:
    """AUC: for each positive the weight of the negatives below it, ties at half."""
    positive, negative = np.flatnonzero(y == 1), np.flatnonzero(y != 1)
    negative = negative[np.argsort(score[negative], kind="stable")]
    ordered = score[negative]
    below = np.searchsorted(ordered, score[positive], "left")
    up_to = np.searchsorted(ordered, score[positive], "right")
    tied = bool((below != up_to).any())

    def of(weight: Floats) -> float | None:
        sums = np.zeros(len(negative) + 1)
        np.cumsum(weight[negative], out=sums[1:])
        of_positives = weight[positive]
        pairs = float(of_positives.sum()) * float(sums[-1])
        if pairs <= 0:
            return None
        won = total(of_positives, sums[below])
        if tied:
            won = (won + total(of_positives, sums[up_to])) / 2
        return won / pairs

    return of


def _average_precision(y: Ints, score: Floats) -> Statistic:
    order = np.argsort(-score, kind="stable")
    ranked_y = (y[order] == 1).astype(np.float64)
    ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))

    def of(weight: Floats) -> float | None:
        ranked = weight[order]
        true, called = np.cumsum(ranked * ranked_y)[ends], np.cumsum(ranked)[ends]
        if true[-1] <= 0 or true[-1] >= called[-1]:
            return None
        precision = np.divide(true, called, out=np.zeros_like(true), where=called > 0)
        return total(np.diff(np.append(0.0, true)), precision) / float(true[-1])

    return of


def _regression_statistic(name: str, y: Floats, predicted: Floats) -> Statistic:
    def r2(weight: Floats) -> float | None:
        all_of_it = weight.sum()
        if all_of_it <= 0:
            return None
        spread = total(weight, (y - total(weight, y) / all_of_it) ** 2)
        return float(1 - total(weight, (y - predicted) ** 2) / spread) if spread > 0 else None

    error = np.abs(y - predicted)
    order = np.argsort(error, kind="stable")

    def median(weight: Floats) -> float | None:
        sums = np.cumsum(weight[order])
        if len(sums) == 0 or sums[-1] <= 0:
            return None
        half = sums[-1] / 2
        low = int(np.searchsorted(sums, half * (1 - 1e-12)))
        high = int(np.searchsorted(sums, half * (1 + 1e-12), side="right"))
        high = min(high, len(sums) - 1)
        return float((error[order[low]] + error[order[high]]) / 2)

    return r2 if name == "r2" else median


def _confusion_statistic(name: str, y: Ints, label: Ints, classes: int) -> Statistic:
    columns = classes + 1  # the last holds a reference's labels that are none of the classes (models/predictions.py)
    cells = y * columns + label

    def of(weight: Floats) -> float | None:
        table = np.bincount(cells, weights=weight, minlength=classes * columns).reshape(classes, columns)
        hit, actual, called = np.diag(table), table.sum(axis=1), table[:, :classes].sum(axis=0)
        if name == "precision":
            return _ratio(hit[1], called[1])
        if name == "f1":
            return _ratio(2 * hit[1], actual[1] + called[1])
        present = actual > 0
        if name in ("balanced_accuracy", "recall_macro"):
            return float(np.mean(hit[present] / actual[present])) if present.all() else None
        either = (actual + called) > 0
        if not either.all():
            return None
        if name == "precision_macro":
            return float(np.mean(np.divide(hit, called, out=np.zeros(classes), where=called > 0)))
        return float(np.mean(2 * hit / (actual + called)))

    return of
