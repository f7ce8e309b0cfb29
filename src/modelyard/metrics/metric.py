"""What a metric is: its facts, its value, what of a row counts, and which family of intervals fits it.

Values are in natural units, so a loss is positive and lower is better. A class of this module is a kind of metric; the
metrics themselves are in ``binary``, ``multiclass``, ``regression`` and ``shared``, one class each. Nothing heavy is
imported here: facts are asked for by commands that compute nothing.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from modelyard.core.reasons import Reason, because
from modelyard.core.vocabulary import PredictionKind, Task

if TYPE_CHECKING:
    from modelyard.metrics.predictions import Bools, Floats, Ints, Predictions, Statistic

CLASSES: frozenset[Task] = frozenset({"binary", "multiclass"})
BINARY: frozenset[Task] = frozenset({"binary"})
MULTICLASS: frozenset[Task] = frozenset({"multiclass"})
REGRESSION: frozenset[Task] = frozenset({"regression"})


class Family(StrEnum):
    """How levels and contrasts of a metric are estimated; ``evaluation.intervals`` has a strategy for each."""

    PROPORTION = "proportion"
    SHARE = "share"
    """Made of one proportion whose rows depend on the model: precision, F1."""
    BY_CLASS = "by-class"
    """A mean of proportions of different rows."""
    MACRO = "macro"
    """A mean of proportions whose rows depend on the model."""
    AUC = "auc"
    CLASS_AREA = "class-area"
    """A ranking metric of one class of several against the others."""
    RANKING = "ranking"
    """Other statistics of the order of the scores."""
    CORRELATION = "correlation"
    """The correlation of class and label, read from the confusion table."""
    MEAN = "mean"
    ROOT_MEAN = "root-mean"
    STATISTIC = "statistic"
    """Anything else, by bootstrap."""


class Effect(StrEnum):
    """What one unit of a rate counts; the report has the words."""

    NONE = ""
    ERROR = "error"
    MISS = "miss"
    FALSE_ALARM = "false-alarm"
    FALSE_CALL = "false-call"
    WRONG_RANKING = "wrong-ranking"
    FAILED_CASE = "failed-case"


@dataclass(frozen=True, kw_only=True)
class Metric(ABC):
    """A metric: facts that gates need, and its value as a function of row weights."""

    name: str
    """scikit-learn's scorer name without ``neg_``, or the user's own."""
    tasks: frozenset[Task]
    needs: PredictionKind
    higher_is_better: bool
    perfect: float | None
    """Value of a faultless model, where one exists."""
    lowest: float | None = None
    highest: float | None = None
    maxed_by_positive: bool = False
    """All-positive predictions reach the perfect value, so a baseline gate would mean nothing."""
    aim: float | None = None
    """What a good model has, where neither more nor less is better: it is held to bounds, and not compared."""
    baseline: str = "mean"
    """What the best constant is for it, of a regression, by its name in ``training.baseline``."""
    effect: Effect = Effect.NONE
    called_rows: bool = False
    """It looks at the rows that a model gives a class, which have to be enough too."""
    also_called: tuple[str, ...] = ()
    """Other libraries' names, which no measure of spelling would find."""

    family: ClassVar[Family] = Family.STATISTIC
    share: ClassVar[bool] = False
    """It lies between 0 and 1, and 1 is perfect."""
    custom: ClassVar[bool] = False
    """The configuration defines it."""
    of_all_rows: ClassVar[bool] = False
    """It is a mean of one number of each row, so that a column of all rows can adjust it."""
    every_class: ClassVar[bool] = False
    """It is undefined where a class has no row."""

    def undefined(self, y: "Ints | Floats", predictions: "Predictions", classes: Sequence[str] = ()) -> Reason | None:
        """Return why it has no value on such rows, whatever their weights; None where it may have one.

        Args:
            y: (n,) as for ``statistic``.
            predictions: the model's.
            classes: names of the classes in the order of their codes; the codes themselves where there are none.
        """
        if not self.every_class:
            return None
        import numpy as np

        counts = np.bincount(y.astype(np.int64, copy=False), minlength=predictions.classes)
        absent = [int(code) for code in np.flatnonzero(counts == 0)]
        names = tuple(classes[code] if code < len(classes) else str(code) for code in absent)
        return because("classes-absent", classes=names) if names else None

    @abstractmethod
    def statistic(self, y: "Ints | Floats", predictions: "Predictions") -> "Statistic":
        """Return the metric as a function of row weights (bootstrap counts, or the user's weights).

        Args:
            y: (n,) class codes 0 … k−1 (binary: 1 is the positive class), or values of a regression.
            predictions: the model's, in the order of the rows.
        """

    def value(self, y: "Ints | Floats", predictions: "Predictions", weight: "Floats | None" = None) -> float | None:
        """Return the metric on all rows; None where it is undefined or not finite, such as one class for an AUC."""
        import numpy as np

        with np.errstate(over="ignore", invalid="ignore"):
            found = self.statistic(y, predictions)(np.ones(len(y)) if weight is None else weight)
        return found if found is None or np.isfinite(found) else None


@dataclass(frozen=True, kw_only=True)
class Share(Metric):
    """A metric between 0 and 1, of which 1 is perfect."""

    higher_is_better: bool = True
    perfect: float | None = 1.0
    lowest: float | None = 0.0
    highest: float | None = 1.0

    share: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class Proportion(Share):
    """A share of rows that are right, of rows that do not depend on the model."""

    needs: PredictionKind = "label"

    family: ClassVar[Family] = Family.PROPORTION

    @abstractmethod
    def considered(self, y: "Ints") -> "Bools":
        """Return which rows count; (n,)."""

    def events(self, y: "Ints | Floats", predictions: "Predictions") -> "tuple[Bools, Bools]":
        """Return which rows are right, and which rows count; both (n,)."""
        codes = y.astype("int64")
        return predictions.labels == codes, self.considered(codes)

    def statistic(self, y: "Ints | Floats", predictions: "Predictions") -> "Statistic":
        """Return the share of the rows that count that are right."""
        from modelyard.metrics.statistics import ratio_of_sums

        right, considered = self.events(y, predictions)
        return ratio_of_sums((right & considered).astype("float64"), considered.astype("float64"))


@dataclass(frozen=True, kw_only=True)
class Composed(Share):
    """A metric that is made of proportions, read from the confusion table."""

    needs: PredictionKind = "label"
    f1: ClassVar[bool] = False
    """Its parts are TP/(TP + FP + FN), of which F1 = 2J/(1 + J) is made."""

    @abstractmethod
    def parts(self, y: "Ints", label: "Ints", classes: int) -> "list[tuple[Bools, Bools]]":
        """Return the proportions: which rows are right, and which count; both (n,)."""

    @abstractmethod
    def of_table(self, hit: "Floats", actual: "Floats", called: "Floats") -> float | None:
        """Return the metric of a confusion table: its hits, actual rows and called rows, each (k,)."""

    def statistic(self, y: "Ints | Floats", predictions: "Predictions") -> "Statistic":
        """Return the metric of the weighted confusion table."""
        from modelyard.metrics.statistics import confusion

        return confusion(y.astype("int64"), predictions.labels, predictions.classes, self.of_table)


@dataclass(frozen=True)
class Area:
    """One area under a ROC curve; ``side`` (n,) is 1 for its positives, 0 for its negatives, −1 for other rows."""

    side: "Ints"
    score: "Floats"


@dataclass(frozen=True, kw_only=True)
class Ranking(Share):
    """A statistic of the order of the scores."""

    needs: PredictionKind = "probability"

    family: ClassVar[Family] = Family.RANKING
    every_class: ClassVar[bool] = True

    def areas(self, y: "Ints", probability: "Floats") -> Sequence[Area]:
        """Return the areas that it is a mean of; none for other kinds."""
        return ()

    def shares(self, y: "Ints", weight: "Floats", classes: int) -> "Floats":
        """Return the weight of each area in the mean (k,), which need not sum to 1."""
        raise NotImplementedError

    def fewest(self, counts: "Ints") -> int:
        """Return the rows that an error costs most of, from the rows of each class."""
        return int(counts.min())


@dataclass(frozen=True, kw_only=True)
class MeanLoss(Metric):
    """A mean of losses per row."""

    higher_is_better: bool = False
    perfect: float | None = 0.0
    lowest: float | None = 0.0

    family: ClassVar[Family] = Family.MEAN
    of_all_rows: ClassVar[bool] = True

    @abstractmethod
    def losses(self, y: "Ints | Floats", predictions: "Predictions") -> "Floats":
        """Return the loss of each row; (n,)."""

    @property
    def most(self) -> float | None:
        """Return the most that one row can lose; None where there is no limit."""
        return self.highest

    def unseen(self, y: "Ints | Floats", predictions: "Predictions") -> "tuple[Bools, Floats] | None":
        """Return which rows are wrong, and what each would lose more were its class the next likely one; (n,) each.

        None where a loss has no such errors, which a nearly perfect model has not shown yet.
        """
        return None

    def statistic(self, y: "Ints | Floats", predictions: "Predictions") -> "Statistic":
        """Return the mean loss."""
        from modelyard.metrics.statistics import mean, nothing

        return nothing if self.undefined(y, predictions) else mean(self.losses(y, predictions))
