"""What an interval strategy is: one for each family of metrics (``metrics.metric.Family``)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from modelyard.core.catalogue import Catalogue
from modelyard.evaluation.test_set import TestSet
from modelyard.metrics.metric import Metric
from modelyard.metrics.predictions import Floats, Predictions
from modelyard.stats.interval import Interval


@dataclass(frozen=True)
class Combination:
    """Sum of ``weights[k]``·metric(``models[k]``) + ``constant`` as one paired quantity.

    ``models`` are in the order of the rows, the challenger first. ``margin`` is how much worse is acceptable, which the
    refusal rule of rankings asks for, ``bound`` what the limits decide against.
    """

    models: Sequence[Predictions]
    weights: Floats | Sequence[float]
    constant: float = 0.0
    margin: float = 0.0
    bound: float = 0.0

    @property
    def shares(self) -> Floats:
        """The weights as an array."""
        return np.asarray(self.weights, dtype=np.float64)

    @property
    def identical(self) -> bool:
        """Whether all of them are one model."""
        return all(self.models[0].same_as(model) for model in self.models[1:])


class Strategy(Protocol):
    """How the levels and contrasts of a family of metrics are estimated."""

    @property
    def name(self) -> str:
        """Return the family."""

    def level(self, metric: Metric, test_set: TestSet, model: Predictions, bounds: Sequence[float]) -> Interval:
        """Return the metric of one model; ``bounds``: values that the limits decide against."""

    def contrast(self, metric: Metric, test_set: TestSet, combination: Combination) -> Interval:
        """Return a contrast of several models."""

    def row_variance(self, shifted: float, estimate: float, variance: float, test_set: TestSet) -> float:
        """Return the variance of one row of a share whose true value is ``shifted``.

        A model that is nearly faultless on all rows has little variance there, and a slice that fails has more.
        """


def share_variance(shifted: float, estimate: float, variance: float) -> float:
    """Return the variance that was seen, scaled as that of a proportion where that is more."""
    return variance * max(1.0, shifted * (1 - shifted) / max(estimate * (1 - estimate), 1e-3))


STRATEGIES: Catalogue[Strategy] = Catalogue("family of metrics", "metric/unknown-family")
