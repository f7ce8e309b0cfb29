"""Metrics that take a parameter: k of top-k accuracy, the power of a deviance, one class of several."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from modelyard.core.catalogue import Catalogue
from modelyard.core.vocabulary import Task
from modelyard.metrics.binary import F1, AveragePrecision, Precision, Recall, RocAuc
from modelyard.metrics.metric import BINARY, MULTICLASS, Effect, Metric, Ranking
from modelyard.metrics.multiclass import OfClass, TopK
from modelyard.metrics.regression import Tweedie


@dataclass(frozen=True, kw_only=True)
class Template:
    """A metric that ``evaluate.metrics`` makes.

    Attributes:
        name: scikit-learn's.
        parameter: the one key that it takes; ``positive`` is handed over as the code of the class.
        task: what it is for.
        example: of the parameter.
        make: returns the metric, from the name that gates call it and the parameter.
        problem: returns what is wrong with a value of the parameter; nothing where it will do.
    """

    name: str
    parameter: str
    task: Task
    example: str
    make: Callable[[str, Any], Metric]
    problem: Callable[[Any], str] = lambda _: ""

    @property
    def hint(self) -> str:
        """Return how it is declared."""
        return f"evaluate.metrics: {{my_name: {{metric: {self.name}, {self.parameter}: {self.example}}}}}"


def _power(value: float) -> str:
    inside = 0 < value < 1
    return f"no deviance has the power {value:g}; it is at most 0, or at least 1" if inside else ""


def _ranking(inner: Ranking) -> Callable[[str, int], Metric]:
    return lambda name, code: OfClass(name=name, tasks=MULTICLASS, inner=inner, code=code, effect=inner.effect)


_OF_CLASS: dict[str, Callable[[str, int], Metric]] = {
    "roc_auc": _ranking(RocAuc(name="roc_auc", tasks=BINARY, effect=Effect.WRONG_RANKING)),
    "average_precision": _ranking(AveragePrecision(name="average_precision", tasks=BINARY)),
    "recall": lambda name, code: Recall(
        name=name, tasks=MULTICLASS, code=code, maxed_by_positive=True, effect=Effect.MISS
    ),
    "precision": lambda name, code: Precision(
        name=name, tasks=MULTICLASS, code=code, effect=Effect.FALSE_CALL, called_rows=True
    ),
    "f1": lambda name, code: F1(name=name, tasks=MULTICLASS, code=code),
}

TEMPLATES: Catalogue[Template] = Catalogue("metric with a parameter", "metric/unknown-template")
for _template in (
    Template(
        name="top_k_accuracy", parameter="k", task="multiclass", example="3",
        make=lambda name, k: TopK(name=name, tasks=MULTICLASS, k=k, effect=Effect.ERROR),
    ),
    Template(
        name="mean_tweedie_deviance", parameter="power", task="regression", example="1.5",
        make=lambda name, power: Tweedie(name=name, power=power), problem=_power,
    ),
    *(
        Template(name=each, parameter="positive", task="multiclass", example="a_class", make=make)
        for each, make in _OF_CLASS.items()
    ),
):  # fmt: skip
    TEMPLATES.register(_template)
