"""Metrics of binary tasks; class code 1 is the positive class."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from modelyard.core.vocabulary import PredictionKind
from modelyard.metrics.metric import (
    BINARY,
    Area,
    Composed,
    Effect,
    Family,
    MeanLoss,
    Metric,
    Proportion,
    Ranking,
)
from modelyard.metrics.shared import ACCURACY, BALANCED_ACCURACY, MATTHEWS

if TYPE_CHECKING:
    from modelyard.metrics.predictions import Bools, Floats, Ints, Predictions, Statistic


@dataclass(frozen=True, kw_only=True)
class Recall(Proportion):
    """Share of the rows of a class, the positive one, that are given it."""

    code: int = 1

    def considered(self, y: "Ints") -> "Bools":
        """Return the class's rows."""
        own: Bools = y == self.code
        return own


class Specificity(Proportion):
    """Share of the negative rows that are called negative."""

    def considered(self, y: "Ints") -> "Bools":
        """Return the negative rows."""
        negative: Bools = y == 0
        return negative


@dataclass(frozen=True, kw_only=True)
class Precision(Composed):
    """Share of the rows given a class, the positive one, that have it."""

    code: int = 1

    family: ClassVar[Family] = Family.SHARE

    def parts(self, y: "Ints", label: "Ints", classes: int) -> "list[tuple[Bools, Bools]]":
        """Return the rows given the class, and which of them have it."""
        return [((y == self.code) & (label == self.code), label == self.code)]

    def of_table(self, hit: "Floats", actual: "Floats", called: "Floats") -> float | None:
        """Return hits over called; undefined where nothing is given the class."""
        return float(hit[self.code] / called[self.code]) if called[self.code] > 0 else None


@dataclass(frozen=True, kw_only=True)
class F1(Composed):
    """F1 = 2J/(1 + J), where J = TP/(TP + FP + FN) is a share of the rows that have the class or are given it."""

    code: int = 1

    family: ClassVar[Family] = Family.SHARE
    f1: ClassVar[bool] = True

    def parts(self, y: "Ints", label: "Ints", classes: int) -> "list[tuple[Bools, Bools]]":
        """Return the rows that have the class or are given it, and which are both."""
        own, called = y == self.code, label == self.code
        return [(own & called, own | called)]

    def of_table(self, hit: "Floats", actual: "Floats", called: "Floats") -> float | None:
        """Return 2 TP over actual and called; undefined where there is neither."""
        under = actual[self.code] + called[self.code]
        return float(2 * hit[self.code] / under) if under > 0 else None


class RocAuc(Ranking):
    """Chance that a positive row is ranked above a negative one, ties at half."""

    family: ClassVar[Family] = Family.AUC

    def areas(self, y: "Ints", probability: "Floats") -> Sequence[Area]:
        """Return its one area."""
        return (Area(y, probability),)

    def shares(self, y: "Ints", weight: "Floats", classes: int) -> "Floats":
        """Return 1."""
        import numpy as np

        return np.ones(1)

    def statistic(self, y: "Ints | Floats", predictions: "Predictions") -> "Statistic":
        """Return the weighted area."""
        from modelyard.metrics.statistics import area

        return area(y.astype("int64"), predictions.probabilities)


class AveragePrecision(Ranking):
    """Precision at each score, weighted by the recall that is gained there."""

    def fewest(self, counts: "Ints") -> int:
        """Return the positives, which it is a mean over."""
        return int(counts[1])

    def statistic(self, y: "Ints | Floats", predictions: "Predictions") -> "Statistic":
        """Return the weighted average precision."""
        from modelyard.metrics.statistics import average_precision

        return average_precision(y.astype("int64"), predictions.probabilities)


@dataclass(frozen=True, kw_only=True)
class Brier(MeanLoss):
    """Mean squared error of the probability."""

    needs: PredictionKind = "probability"

    @property
    def most(self) -> float | None:
        """Return 1."""
        return 1.0

    def losses(self, y: "Ints | Floats", predictions: "Predictions") -> "Floats":
        """Return the squared error of each row."""
        import numpy as np

        return np.asarray((predictions.probabilities - y) ** 2, dtype=np.float64)

    def unseen(self, y: "Ints | Floats", predictions: "Predictions") -> "tuple[Bools, Floats] | None":
        """Return the rows on the wrong side of a half, and what a change of class would cost each."""
        import numpy as np

        off = np.abs(predictions.probabilities - y)
        return off >= 0.5, np.asarray((1.0 - off) ** 2 - off**2, dtype=np.float64)


METRICS: tuple[Metric, ...] = (
    ACCURACY,
    Recall(name="recall", tasks=BINARY, maxed_by_positive=True, effect=Effect.MISS, also_called=("sensitivity",)),
    Specificity(name="specificity", tasks=BINARY, effect=Effect.FALSE_ALARM),
    Precision(name="precision", tasks=BINARY, effect=Effect.FALSE_CALL, called_rows=True),
    F1(name="f1", tasks=BINARY),
    BALANCED_ACCURACY,
    MATTHEWS,
    RocAuc(name="roc_auc", tasks=BINARY, effect=Effect.WRONG_RANKING, also_called=("auc",)),
    AveragePrecision(name="average_precision", tasks=BINARY, also_called=("aucpr",)),
    Brier(name="brier_score", tasks=BINARY, also_called=("brier",)),
)
