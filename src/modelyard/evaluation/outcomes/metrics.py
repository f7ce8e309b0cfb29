"""What outcomes are gated by: the pass rate, the mean score, the mean cost.

The cases are independent, attempts at one case are not: they are rows of one unit. Where cases were not tried equally
often, the outcome of a case is the share of its attempts that passed, and the pass rate a mean of those.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from modelyard.core.vocabulary import Direction, PredictionKind, Task
from modelyard.metrics.metric import Effect, MeanLoss, Metric, Proportion

if TYPE_CHECKING:
    from modelyard.metrics.predictions import Bools, Floats, Ints, Predictions

NO_TASK: frozenset[Task] = frozenset()
"""They are of no task that a model is trained for."""
MEASURE_OF: Mapping[str, str] = {"pass_rate": "passed", "mean_score": "score", "mean_cost": "cost"}


class PassRate(Proportion):
    """Share of the cases that passed."""

    def considered(self, y: "Ints") -> "Bools":
        """Return every case."""
        import numpy as np

        return np.ones(len(y), dtype=np.bool_)


@dataclass(frozen=True, kw_only=True)
class Mean(MeanLoss):
    """Mean of a number of each case."""

    needs: PredictionKind = "value"

    def losses(self, y: "Ints | Floats", predictions: "Predictions") -> "Floats":
        """Return the numbers."""
        return predictions.values


class MeanOfShares(Mean):
    """Mean over cases of the share of a case's attempts that passed."""

    share: ClassVar[bool] = True


def metrics(*, averaged: bool, direction: Direction) -> dict[str, Metric]:
    """Return the metrics by name.

    Args:
        averaged: the outcome of a case is a mean over its attempts.
        direction: which scores are better.
    """
    rate: Metric = PassRate(name="pass_rate", tasks=NO_TASK, effect=Effect.FAILED_CASE)
    if averaged:
        rate = MeanOfShares(
            name="pass_rate", tasks=NO_TASK, higher_is_better=True, perfect=1.0, lowest=0.0, highest=1.0,
            effect=Effect.FAILED_CASE,
        )  # fmt: skip
    score = Mean(name="mean_score", tasks=NO_TASK, higher_is_better=direction == "higher", perfect=None, lowest=None)
    return {each.name: each for each in (rate, score, Mean(name="mean_cost", tasks=NO_TASK))}
