"""Metrics of binary and multiclass tasks alike."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from modelyard.core.vocabulary import PredictionKind
from modelyard.metrics.metric import CLASSES, Composed, Effect, Family, MeanLoss, Metric, Proportion

if TYPE_CHECKING:
    from modelyard.metrics.predictions import Bools, Floats, Ints, Predictions, Statistic

CLIP = 1e-6
"""Log loss clips probabilities here, so that one certain mistake cannot decide a gate."""


class Accuracy(Proportion):
    """Share of all rows that are right."""

    of_all_rows: ClassVar[bool] = True

    def considered(self, y: "Ints") -> "Bools":
        """Return every row."""
        import numpy as np

        return np.ones(len(y), dtype=np.bool_)


class ByClass(Composed):
    """The mean over classes of the share of a class's rows that are right."""

    family: ClassVar[Family] = Family.BY_CLASS
    every_class: ClassVar[bool] = True

    def parts(self, y: "Ints", label: "Ints", classes: int) -> "list[tuple[Bools, Bools]]":
        """Return the rows of each class, and which of them are right."""
        return [((y == code) & (label == code), y == code) for code in range(classes)]

    def of_table(self, hit: "Floats", actual: "Floats", called: "Floats") -> float | None:
        """Return the mean of the recalls; undefined where a class has no row."""
        present = actual > 0
        return float((hit[present] / actual[present]).mean()) if present.all() else None


@dataclass(frozen=True, kw_only=True)
class Matthews(Metric):
    """Matthews' correlation of class and label; of several classes Gorodkin's."""

    needs: PredictionKind = "label"
    higher_is_better: bool = True
    perfect: float | None = 1.0
    lowest: float | None = -1.0
    highest: float | None = 1.0

    family: ClassVar[Family] = Family.CORRELATION

    def statistic(self, y: "Ints | Floats", predictions: "Predictions") -> "Statistic":
        """Return the correlation of the weighted confusion table."""
        from modelyard.metrics.statistics import confusion, correlation

        return confusion(y.astype("int64"), predictions.labels, predictions.classes, correlation)


@dataclass(frozen=True, kw_only=True)
class LogLoss(MeanLoss):
    """Mean of −log of the probability that a row's own class was given."""

    needs: PredictionKind = "probability"

    @property
    def most(self) -> float | None:
        """Return −log of where probabilities are clipped."""
        return -math.log(CLIP)

    def losses(self, y: "Ints | Floats", predictions: "Predictions") -> "Floats":
        """Return −log p of each row's class, clipped."""
        import numpy as np

        of_truth = self._of_truth(y, predictions)
        return np.asarray(-np.log(np.clip(of_truth, CLIP, 1.0 - CLIP)), dtype=np.float64)

    def unseen(self, y: "Ints | Floats", predictions: "Predictions") -> "tuple[Bools, Floats] | None":
        """Return the rows whose class was not the likeliest, and what a change of class would cost each."""
        import numpy as np

        probability, of_truth = predictions.probabilities, self._of_truth(y, predictions)
        other = 1.0 - of_truth
        if probability.ndim > 1:
            rest = probability.copy()
            rest[np.arange(len(rest)), y.astype(np.int64)] = -1.0
            other = rest.max(axis=1)
        cost = -np.log(np.clip(other, CLIP, 1.0 - CLIP)) + np.log(np.clip(of_truth, CLIP, 1.0 - CLIP))
        return other >= of_truth, np.asarray(cost, dtype=np.float64)

    def _of_truth(self, y: "Ints | Floats", predictions: "Predictions") -> "Floats":
        import numpy as np

        probability, codes = predictions.probabilities, y.astype(np.int64)
        if probability.ndim == 1:
            return np.asarray(np.where(codes == 1, probability, 1.0 - probability), dtype=np.float64)
        return np.asarray(probability[np.arange(len(codes)), codes], dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class MeanCost(MeanLoss):
    """Mean cost of a row, by its class and the predicted one."""

    needs: PredictionKind = "label"
    costs: tuple[tuple[float, ...], ...]
    """Cost of a row by the code of its class, then of the predicted one."""

    custom: ClassVar[bool] = True

    @property
    def most(self) -> float | None:
        """Return the highest cost."""
        return max(max(row) for row in self.costs)

    def losses(self, y: "Ints | Floats", predictions: "Predictions") -> "Floats":
        """Return the cost of each row."""
        import numpy as np

        return np.array(self.costs, dtype=np.float64)[y.astype(np.int64), predictions.labels]


ACCURACY: Metric = Accuracy(name="accuracy", tasks=CLASSES, effect=Effect.ERROR, also_called=("acc",))
BALANCED_ACCURACY: Metric = ByClass(name="balanced_accuracy", tasks=CLASSES)
MATTHEWS: Metric = Matthews(name="matthews_corrcoef", tasks=CLASSES, also_called=("mcc", "phi"))
LOG_LOSS: Metric = LogLoss(name="log_loss", tasks=CLASSES, also_called=("logloss",))
