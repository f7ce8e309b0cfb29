"""Rankings with hardly an error: what a bootstrap, which sees only the errors that occurred, does not know of them."""

from dataclasses import replace

import numpy as np

from modelyard.evaluation.truth import Truth
from modelyard.metrics import compute
from modelyard.metrics.catalogue import Metric
from modelyard.metrics.compute import Predictions
from modelyard.stats import auc
from modelyard.stats.interval import Interval, widest
from modelyard.stats.proportions import FEW, clopper_pearson, square_and_add

RANKINGS = ("average_precision", "roc_auc_ovr", "roc_auc")


def level(metric: Metric, truth: Truth, model: Predictions, found: Interval) -> Interval:
    """A bootstrapped interval, widened where a ranking has fewer than 10 expected errors; others as they are.

    Average precision is a mean over positives of numbers between 0 and 1, whose spread is at most a proportion's: the
    exact limits of that share of the positives. The mean of one-versus-rest areas: Newcombe's limits of each, squared
    and added.
    """
    if metric.name not in RANKINGS or truth.weight is not None or metric.function is not None:
        return found
    codes, probability = truth.y.astype(np.int64), model.probability
    counts = np.bincount(codes, minlength=model.classes)
    value = compute.value(metric, truth.y, model)
    if value is None or probability is None or counts.min() < 25:
        return found
    if metric.name == "average_precision":
        positives = int(counts[1])
        if positives * (1 - value) >= FEW:
            return found
        low, high = clopper_pearson(value * positives, positives, truth.confidence)
        wide = Interval(value, low, high, "exact, as a share of the positives", truth.units, len(codes))
    else:
        areas = [compute.value("roc_auc", (codes == code) * 1, Predictions(2, None, probability[:, code]))
                 for code in range(model.classes)]  # fmt: skip
        known = [(int(count), area) for count, area in zip(counts, areas, strict=True) if area is not None]
        if min(count * (1 - area) for count, area in known) >= FEW:
            return found
        each = [auc.one_model(area, count, len(codes) - count, truth.confidence) for count, area in known]
        wide = square_and_add([(1 / len(each), one) for one in each])
    if found.low is None:
        return found if found.n < 30 else replace(wide, n=found.n, n_rows=found.n_rows)
    return widest(found, wide)


def refuses(metric: Metric, truth: Truth, reference: Predictions, margin: float) -> bool:
    """Whether a difference of rankings has too few expected errors to be told by resampling, as for AUCs."""
    if metric.name not in RANKINGS or reference.probability is None:
        return False
    counts = np.bincount(truth.y.astype(np.int64), minlength=reference.classes)
    value = compute.value(metric, truth.y, reference, truth.weight)
    constant = np.ptp(reference.probability, axis=0).max() == 0
    fewest = int(counts[1]) if metric.name == "average_precision" else int(counts.min())
    return value is not None and not constant and fewest * (1 - value + margin) < auc.FEWEST_ERRORS
