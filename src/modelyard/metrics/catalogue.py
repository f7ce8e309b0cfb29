"""The catalogue of metrics, without computing or importing anything heavy: docs/statistics.md has their intervals.

A new metric is a class in one of the families' modules, one entry in that module's ``METRICS``, and its scikit-learn
peer in the tests.
"""

from collections.abc import Mapping
from types import MappingProxyType

from modelyard.core.catalogue import Catalogue
from modelyard.core.vocabulary import Task
from modelyard.metrics import binary, multiclass, regression
from modelyard.metrics.metric import Metric
from modelyard.metrics.shared import LOG_LOSS

METRICS: Catalogue[Metric] = Catalogue("metric", "metric/unknown-metric")
for _metric in (*binary.METRICS, *multiclass.METRICS, LOG_LOSS, *regression.METRICS):
    METRICS.register(_metric)

PRIMARY: Mapping[Task, str] = MappingProxyType(
    {"binary": "roc_auc", "multiclass": "log_loss", "regression": "root_mean_squared_error"}
)
"""The metric of the default gates where the configuration names none."""
OVERVIEW: Mapping[Task, tuple[str, ...]] = MappingProxyType(
    {
        "binary": ("roc_auc", "accuracy", "recall", "log_loss"),
        "multiclass": ("accuracy", "log_loss"),
        "regression": ("root_mean_squared_error", "mean_absolute_error", "r2"),
    }
)
"""Metrics that the report shows of every model, whether gated or not."""


def fitting(task: Task) -> list[str]:
    """Return the names of the metrics of a task."""
    return [metric.name for metric in METRICS if task in metric.tasks]
