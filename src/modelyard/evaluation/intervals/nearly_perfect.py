"""Rankings with hardly an error: what a bootstrap, which sees only the errors that occurred, does not know of them."""

from dataclasses import replace

import numpy as np

from modelyard.evaluation.test_set import Truth
from modelyard.metrics import compute
from modelyard.metrics.catalogue import Metric
from modelyard.metrics.compute import Floats, Predictions
from modelyard.stats import auc
from modelyard.stats.interval import Interval, widest
from modelyard.stats.proportions import FEW, clopper_pearson, square_and_add

RANKINGS = ("average_precision", "roc_auc_ovr", "roc_auc")


def level(metric: Metric, truth: Truth, model: Predictions, found: Interval) -> Interval:
    """A bootstrapped interval, widened where a ranking has fewer than 10 expected errors; others as they are.

    Average precision is a mean over positives of numbers between 0 and 1, whose spread is at most a proportion's: the
    exact limits of that share of the positives. One area, or the mean of one-versus-rest areas: Newcombe's limits of
    each, squared and added. Weighted rows count as Kish's (Σw)²/Σw² of equal weight.
    """
    if metric.name not in RANKINGS or metric.function is not None:
        return found
    codes, probability = truth.y.astype(np.int64), model.probability
    value = compute.value(metric, truth.y, model, truth.weight)
    if value is None or probability is None or np.bincount(codes, minlength=model.classes).min() < 25:
        return found
    weight = np.ones(len(codes)) if truth.weight is None else truth.weight
    if metric.name == "average_precision":
        positives = _worth(weight[codes == 1])
        if positives * (1 - value) >= FEW:
            return found
        low, high = clopper_pearson(min(value, 1.0) * positives, positives, truth.confidence)
        wide = Interval(value, low, high, "exact, as a share of the positives", truth.units, len(codes))
    else:
        scores = {1: probability} if probability.ndim == 1 else dict(enumerate(probability.T))
        known = []
        for code, score in scores.items():
            own = codes == code
            area = compute.value("roc_auc", own * 1, Predictions(2, None, score), truth.weight)
            if area is not None:
                known.append((min(area, 1.0), _worth(weight[own]), _worth(weight[~own])))
        if min(count * (1 - area) for area, count, _ in known) >= FEW:
            return found
        each = [auc.one_model(area, count, others, truth.confidence) for area, count, others in known]
        wide = square_and_add([(1 / len(each), one) for one in each])
    if found.low is None:
        return found if found.n < 30 else replace(wide, n=found.n, n_rows=found.n_rows)
    return widest(found, wide)


def _worth(weight: Floats) -> int:
    return max(int(weight.sum() ** 2 / (weight**2).sum() + 1e-9), 1)


def refuses(metric: Metric, truth: Truth, reference: Predictions, margin: float) -> bool:
    """Whether a difference of rankings has too few expected errors to be told by resampling, as for AUCs."""
    if metric.name not in RANKINGS or reference.probability is None:
        return False
    counts = np.bincount(truth.y.astype(np.int64), minlength=reference.classes)
    value = compute.value(metric, truth.y, reference, truth.weight)
    constant = np.ptp(reference.probability, axis=0).max() == 0
    fewest = int(counts[1]) if metric.name == "average_precision" else int(counts.min())
    return value is not None and not constant and fewest * (1 - value + margin) < auc.FEWEST_ERRORS
