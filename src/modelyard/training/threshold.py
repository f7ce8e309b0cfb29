"""The probability from which a row is called positive, chosen on training folds: never on a test row."""

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from modelyard.core.errors import DataError
from modelyard.core.vocabulary import ThresholdGoal
from modelyard.training.candidates import Choice
from modelyard.training.search import Rows, fit

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST = 1_000
"""Thresholds that are tried: quantiles of the probabilities where there are more of them."""
ROUNDED = 6


def choose(
    choice: Choice,
    rows: Rows,
    folds: "Sequence[tuple[NDArray[Any], NDArray[Any]]]",
    goal: ThresholdGoal,
    costs: Mapping[tuple[int, int], float],
) -> float:
    """Return the threshold that is best on rows which each fold's model had not seen, all folds together.

    Args:
        choice: the winner of the search.
        rows: all training rows.
        folds: row numbers to fit on and to score on.
        goal: what is maximised; of a cost, its negative.
        costs: cost of a row by the codes of its class and of the called one.

    Raises:
        DataError: the model gives no probabilities, or the folds hold one class.
    """
    import numpy as np

    seen, probability = [], []
    for train, valid in folds:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # as in the search: what a fit warns of shows in its score
            model = fit(choice, rows, train)
            if not hasattr(model, "predict_proba"):
                raise DataError(
                    f"{choice.name} has no predict_proba, so a threshold cannot be tuned",
                    code="train/no-probabilities",
                    hint="Remove model.threshold, or take an estimator with predict_proba.",
                )
            given = np.asarray(model.predict_proba(rows.frame.iloc[valid]), dtype=np.float64)
        known = model.classes_.tolist()
        positive = rows.classes[1]
        probability.append(given[:, known.index(positive)] if positive in known else np.zeros(len(valid)))
        seen.append(valid)
    at = np.concatenate(seen)
    weight = np.ones(len(at)) if rows.weight is None else rows.weight[at]
    return best(rows.codes[at], np.concatenate(probability), weight, goal, costs)


def best(
    y: "NDArray[Any]",
    probability: "NDArray[Any]",
    weight: "NDArray[Any]",
    goal: ThresholdGoal,
    costs: Mapping[tuple[int, int], float],
) -> float:
    """Return the best threshold of some predictions; ties go to the one nearest to one half.

    Args:
        y: (n,) 0 or 1.
        probability: (n,) of 1.
        weight: (n,).
        goal: what is maximised.
        costs: as for ``choose``.

    Raises:
        DataError: one class only.
    """
    import numpy as np

    ones, zeros = float(weight[y == 1].sum()), float(weight[y == 0].sum())
    if ones <= 0 or zeros <= 0:
        raise DataError(
            "the folds hold one class, so a threshold cannot be tuned",
            code="train/one-class-in-folds",
            hint="Bring more rows.",
        )
    tried = np.unique(np.round(probability, ROUNDED))
    if len(tried) > MOST:
        tried = np.unique(np.round(np.quantile(probability, np.linspace(0, 1, MOST)), ROUNDED))
    tried = np.unique(np.append(tried[(tried > 0) & (tried < 1)], 0.5))
    order = np.argsort(probability, kind="stable")
    at = np.searchsorted(probability[order], tried, "left")
    of_ones = np.append(0.0, np.cumsum((weight * (y == 1))[order]))
    of_zeros = np.append(0.0, np.cumsum((weight * (y == 0))[order]))
    hit, false = ones - of_ones[at], zeros - of_zeros[at]
    miss, right = ones - hit, zeros - false
    if goal == "f1":
        value = 2 * hit / (2 * hit + miss + false)
    elif goal == "balanced_accuracy":
        value = (hit / ones + right / zeros) / 2
    else:
        cells = {(1, 1): hit, (1, 0): miss, (0, 1): false, (0, 0): right}
        value = -sum((cost * cells[cell] for cell, cost in costs.items()), np.zeros(len(tried)))
    top = np.flatnonzero(value >= value.max() - 1e-12)
    return float(tried[top[np.argmin(np.abs(tried[top] - 0.5))]])
