"""Metrics of multiclass tasks: means over classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, ClassVar

from modelyard.core.reasons import Reason, because
from modelyard.core.vocabulary import PredictionKind
from modelyard.metrics.metric import MULTICLASS, Area, Composed, Effect, Family, Metric, Proportion, Ranking
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


class MeanOfAreas(Ranking):
    """A mean of areas under ROC curves."""

    def statistic(self, y: "Ints | Floats", predictions: "Predictions") -> "Statistic":
        """Return the mean of the weighted areas."""
        from modelyard.metrics.statistics import area, mean_of

        codes, classes = y.astype("int64"), predictions.classes
        parts = [area(each.side, each.score) for each in self.areas(codes, predictions.probabilities)]
        return mean_of(parts, lambda weight: self.shares(codes, weight, classes))


@dataclass(frozen=True, kw_only=True)
class OneVersusRest(MeanOfAreas):
    """The mean over classes of the area of each class against the others."""

    by_frequency: bool = False
    """Classes count by their rows."""

    def areas(self, y: "Ints", probability: "Floats") -> Sequence[Area]:
        """Return the area of each class."""
        return [Area((y == code).astype("int64"), score) for code, score in enumerate(probability.T)]

    def shares(self, y: "Ints", weight: "Floats", classes: int) -> "Floats":
        """Return 1 for each class, or its rows."""
        import numpy as np

        if not self.by_frequency:
            return np.ones(classes)
        return np.asarray(np.bincount(y, weights=weight, minlength=classes), dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class OneVersusOne(MeanOfAreas):
    """The mean over pairs of classes of both areas of the pair (Hand & Till, Machine Learning 2001)."""

    by_frequency: bool = False
    """Pairs count by their rows."""

    def areas(self, y: "Ints", probability: "Floats") -> Sequence[Area]:
        """Return both areas of each pair: of the one class by its score, and of the other by its own."""
        import numpy as np

        def side(own: int, other: int) -> "Ints":
            return np.where(y == own, 1, np.where(y == other, 0, -1)).astype(np.int64)

        pairs = combinations(range(probability.shape[1]), 2)
        both = [pair for first, second in pairs for pair in ((first, second), (second, first))]
        return [Area(side(own, other), probability[:, own]) for own, other in both]

    def shares(self, y: "Ints", weight: "Floats", classes: int) -> "Floats":
        """Return 1 for each area, or the rows of its pair."""
        import numpy as np

        rows = np.bincount(y, weights=weight, minlength=classes)
        pairs = np.repeat(np.array(list(combinations(range(classes), 2))), 2, axis=0)
        return rows[pairs].sum(axis=1) if self.by_frequency else np.ones(len(pairs))


@dataclass(frozen=True, kw_only=True)
class OfClass(Ranking):
    """A ranking metric of one class of several, against the others."""

    inner: Ranking
    """The metric of two classes."""
    code: int
    """The class that is the positive one."""

    family: ClassVar[Family] = Family.CLASS_AREA

    def undefined(self, y: "Ints | Floats", predictions: "Predictions", classes: Sequence[str] = ()) -> Reason | None:
        """Return that the class has no row, or the others none."""
        own = y == self.code
        if own.any() and not own.all():
            return None
        name = classes[self.code] if self.code < len(classes) else str(self.code)
        return because("one-class") if own.any() else because("classes-absent", classes=(name,))

    def of_two(self, y: "Ints | Floats", predictions: "Predictions") -> "tuple[Ints, Predictions]":
        """Return truth and scores of the class against the others."""
        from modelyard.metrics.predictions import Predictions

        score = predictions.probabilities[:, self.code]
        return (y == self.code).astype("int64"), Predictions(2, probability=score, model=predictions.model)

    def statistic(self, y: "Ints | Floats", predictions: "Predictions") -> "Statistic":
        """Return the inner metric of the class against the others."""
        return self.inner.statistic(*self.of_two(y, predictions))


@dataclass(frozen=True, kw_only=True)
class TopK(Proportion):
    """Share of the rows whose own class is among the k that are given the most; of ties the last, as scikit-learn."""

    needs: PredictionKind = "probability"
    k: int = 2

    of_all_rows: ClassVar[bool] = True

    def considered(self, y: "Ints") -> "Bools":
        """Return every row."""
        import numpy as np

        return np.ones(len(y), dtype=np.bool_)

    def events(self, y: "Ints | Floats", predictions: "Predictions") -> "tuple[Bools, Bools]":
        """Return whose own class is among the first k, and every row."""
        import numpy as np

        codes = y.astype(np.int64)
        first = np.argsort(predictions.probabilities, axis=1, kind="stable")[:, ::-1][:, : self.k]
        return (first == codes[:, None]).any(axis=1), self.considered(codes)


METRICS: tuple[Metric, ...] = (
    MacroPrecision(name="precision_macro", tasks=MULTICLASS, called_rows=True),
    ByClass(name="recall_macro", tasks=MULTICLASS),
    MacroF1(name="f1_macro", tasks=MULTICLASS),
    OneVersusRest(name="roc_auc_ovr", tasks=MULTICLASS),
    OneVersusRest(name="roc_auc_ovr_weighted", tasks=MULTICLASS, by_frequency=True),
    OneVersusOne(name="roc_auc_ovo", tasks=MULTICLASS),
    OneVersusOne(name="roc_auc_ovo_weighted", tasks=MULTICLASS, by_frequency=True),
    TopK(name="top_k_accuracy", tasks=MULTICLASS, effect=Effect.ERROR),
)
