"""Metrics of multiclass tasks: means over classes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from modelyard.metrics.metric import MULTICLASS, Composed, Family, Metric, Ranking
from modelyard.metrics.shared import ByClass

if TYPE_CHECKING:
    from modelyard.metrics.predictions import Bools, Floats, Ints, Predictions, Statistic


class MacroPrecision(Composed):
    """The mean over classes of the share of the rows given a class that have it."""

    family: ClassVar[Family] = Family.MACRO

    def parts(self, y: "Ints", label: "Ints", classes: int) -> "list[tuple[Bools, Bools]]":
        """Return the rows given each class, and which of them have it."""
        return [((y == code) & (label == code), label == code) for code in range(classes)]

    def of_table(self, hit: "Floats", actual: "Floats", called: "Floats") -> float | None:
        """Return the mean precision; undefined where a class is neither there nor given."""
        import numpy as np

        if not ((actual + called) > 0).all():
            return None
        return float(np.mean(np.divide(hit, called, out=np.zeros(len(hit)), where=called > 0)))


class MacroF1(Composed):
    """The mean over classes of F1."""

    family: ClassVar[Family] = Family.MACRO
    f1: ClassVar[bool] = True

    def parts(self, y: "Ints", label: "Ints", classes: int) -> "list[tuple[Bools, Bools]]":
        """Return the rows that have or are given each class, and which are both."""
        return [((y == code) & (label == code), (y == code) | (label == code)) for code in range(classes)]

    def of_table(self, hit: "Floats", actual: "Floats", called: "Floats") -> float | None:
        """Return the mean F1; undefined where a class is neither there nor given."""
        either = actual + called
        return float((2 * hit / either).mean()) if (either > 0).all() else None


class OneVersusRest(Ranking):
    """The mean over classes of the area of each class against the others."""

    def areas(self, y: "Ints", probability: "Floats") -> "Sequence[tuple[Bools, Floats]]":
        """Return the area of each class."""
        return [(y == code, score) for code, score in enumerate(probability.T)]

    def statistic(self, y: "Ints | Floats", predictions: "Predictions") -> "Statistic":
        """Return the mean of the weighted areas."""
        from modelyard.metrics.statistics import area, mean_of

        codes, probability = y.astype("int64"), predictions.probabilities
        return mean_of(
            [area((codes == code).astype("int64"), probability[:, code]) for code in range(predictions.classes)]
        )


METRICS: tuple[Metric, ...] = (
    MacroPrecision(name="precision_macro", tasks=MULTICLASS, called_rows=True),
    ByClass(name="recall_macro", tasks=MULTICLASS),
    MacroF1(name="f1_macro", tasks=MULTICLASS),
    OneVersusRest(name="roc_auc_ovr", tasks=MULTICLASS),
)
