"""The test rows as the gates see them: truth, what is independent, weights; and the baseline's constant predictions."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from modelyard.metrics.compute import Bools, Floats, Ints, Predictions
from modelyard.records.results import Signature

LAGS = {"hour": 168, "day": 7, "week": 1, "month": 1}
"""Units of each kind in a week, and at least one."""


@dataclass(frozen=True)
class Truth:
    """n test rows. ``y``: (n,) class codes (binary: 1 is positive) or values. ``unit``: (n,) codes, or None for rows.

    ``in_time_order``: the units are equal stretches of time, numbered in their order. ``seed`` comes from the digests
    of the test rows and both models, so that a second run cannot draw other resamples.
    """

    y: Ints | Floats
    unit: Ints | None
    unit_name: str
    in_time_order: bool
    weight: Floats | None
    seed: int
    confidence: float

    def take(self, rows: Bools) -> "Truth":
        """The truth of some rows."""
        return Truth(
            self.y[rows],
            None if self.unit is None else self.unit[rows],
            self.unit_name,
            self.in_time_order,
            None if self.weight is None else self.weight[rows],
            self.seed,
            self.confidence,
        )

    @property
    def lags(self) -> int:
        """Units in a week, over which levels are allowed to depend on each other; 0 where units have no order."""
        return LAGS.get(self.unit_name, 0) if self.in_time_order else 0

    @property
    def units(self) -> int:
        """How many independent units there are."""
        return len(self.y) if self.unit is None else len(np.unique(self.unit))


def baseline_predictions(baseline: Mapping[str, float], signature: Signature, rows: int, metric: str) -> Predictions:
    """What a model without features says, fitted on training rows: class shares, majority class, mean or median.

    Args:
        baseline: ``share_<code>`` per class (binary: ``share_1`` is the positive class), or ``mean`` and ``median``.
        signature: the task and its classes.
        rows: number of test rows.
        metric: decides between mean and median for regression.
    """
    if signature.task == "regression":
        name = "median" if metric in ("mean_absolute_error", "median_absolute_error") else "mean"
        return Predictions(value=np.full(rows, baseline[name]))
    shares = np.array([baseline[f"share_{code}"] for code in range(len(signature.classes))])
    label = np.full(rows, int(np.argmax(shares)), dtype=np.int64)
    if signature.task == "binary":
        return Predictions(2, label=label, probability=np.full(rows, shares[1]))
    return Predictions(len(shares), label=label, probability=np.tile(shares, (rows, 1)))
