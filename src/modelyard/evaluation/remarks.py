"""What is odd about a model that may pass its gates all the same: remarks for the headline, which gate nothing."""

import numpy as np

from modelyard.core.reasons import Reason, because
from modelyard.evaluation.gates.rules import WORTH
from modelyard.evaluation.test_set import TestSet
from modelyard.metrics.predictions import Predictions


def remarks(test_set: TestSet, model: Predictions, *, worth: float = WORTH) -> tuple[Reason, ...]:
    """Return what a reader should know of a challenger.

    Args:
        test_set: the test rows.
        model: the challenger's predictions of them.
        worth: what the default gates ask of a first model.
    """
    found = []
    if worth < WORTH / 5:
        found.append(because("little-worth", worth=worth))
    if model.label is None or model.value is not None:
        return tuple(found)
    weight = np.ones(len(test_set.y)) if test_set.weight is None else test_set.weight
    codes, total = test_set.codes, float(weight.sum())
    if model.classes == 2 and (codes == 1).any() and not (model.label == 1).any():
        found.append(because("no-positives", positives=int((codes == 1).sum())))
    accuracy = float(weight[model.label == codes].sum()) / total
    share = float(np.bincount(codes, weights=weight).max()) / total
    if accuracy < share:
        found.append(because("below-majority", accuracy=accuracy, share=share))
    return tuple(found)
