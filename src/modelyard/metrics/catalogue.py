"""The catalogue of metrics: direction, kind, needs and tasks, without computing or importing anything.

Names are scikit-learn's scorer names without ``neg_``; values are in natural units, so a loss is positive and lower is
better. ``kind`` decides the interval (docs/statistics.md): ``proportion`` (of rows of one class, or of all rows),
``auc``, ``mean`` (of per-row losses), ``root_mean`` (its square root) or ``statistic`` (anything else, by bootstrap).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from modelyard.core.vocabulary import PredictionKind, Task

Kind = Literal["proportion", "auc", "mean", "root_mean", "statistic"]


@dataclass(frozen=True)
class Metric:
    """What the gates need to know of a metric; ``perfect`` is the value of a faultless model, where one exists."""

    name: str
    tasks: frozenset[Task]
    needs: PredictionKind
    higher_is_better: bool
    kind: Kind
    perfect: float | None
    maxed_by_positive: bool = False
    """All-positive predictions reach the perfect value, so a baseline gate would mean nothing."""
    costs: tuple[tuple[float, ...], ...] = ()
    """Of a cost metric: cost of a row by the code of its class, then of the predicted one."""
    baseline: str = "mean"
    """What the best constant is for it, of a regression: ``mean``, ``median`` or ``quantile_<percent>``."""
    quantile: float | None = None
    """Of a pinball loss: the quantile that it asks for."""
    function: Callable[..., Any] | None = None
    """Of a user's own: from the truth and predictions to a function of row weights (``metrics/own.py``)."""


QUANTILES = (5, 10, 25, 50, 75, 90, 95)
"""Percents for which there is a pinball loss, and a baseline: the quantile of the training rows."""


def _entries() -> list[Metric]:
    both: frozenset[Task] = frozenset({"binary", "multiclass"})
    binary: frozenset[Task] = frozenset({"binary"})
    multiclass: frozenset[Task] = frozenset({"multiclass"})
    regression: frozenset[Task] = frozenset({"regression"})
    return [
        Metric("accuracy", both, "label", True, "proportion", 1.0),
        Metric("recall", binary, "label", True, "proportion", 1.0, maxed_by_positive=True),
        Metric("specificity", binary, "label", True, "proportion", 1.0),
        Metric("precision", binary, "label", True, "statistic", 1.0),
        Metric("f1", binary, "label", True, "statistic", 1.0),
        Metric("balanced_accuracy", both, "label", True, "statistic", 1.0),
        Metric("precision_macro", multiclass, "label", True, "statistic", 1.0),
        Metric("recall_macro", multiclass, "label", True, "statistic", 1.0),
        Metric("f1_macro", multiclass, "label", True, "statistic", 1.0),
        Metric("roc_auc", binary, "probability", True, "auc", 1.0),
        Metric("roc_auc_ovr", multiclass, "probability", True, "statistic", 1.0),
        Metric("average_precision", binary, "probability", True, "statistic", 1.0),
        Metric("log_loss", both, "probability", False, "mean", 0.0),
        Metric("brier_score", binary, "probability", False, "mean", 0.0),
        Metric("mean_absolute_error", regression, "value", False, "mean", 0.0, baseline="median"),
        Metric("mean_squared_error", regression, "value", False, "mean", 0.0),
        Metric("root_mean_squared_error", regression, "value", False, "root_mean", 0.0),
        Metric("median_absolute_error", regression, "value", False, "statistic", 0.0, baseline="median"),
        Metric("r2", regression, "value", True, "statistic", 1.0),
        *(
            Metric(f"mean_pinball_loss_{percent:02d}", regression, "value", False, "mean", 0.0,
                   baseline=f"quantile_{percent:02d}", quantile=percent / 100)
            for percent in QUANTILES
        ),
    ]  # fmt: skip


METRICS: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in _entries()})

PRIMARY: Mapping[Task, str] = MappingProxyType(
    {"binary": "roc_auc", "multiclass": "log_loss", "regression": "root_mean_squared_error"}
)
"""The metric of the default gates where the configuration names none."""
