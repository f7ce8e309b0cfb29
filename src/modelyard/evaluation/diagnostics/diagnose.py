"""Diagnose a test set: each task's own view of where challenger and champion err."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from modelyard.core.vocabulary import Task
from modelyard.evaluation.diagnostics import binary, multiclass, regression
from modelyard.evaluation.diagnostics.subject import Subject
from modelyard.evaluation.gates.decision import Models
from modelyard.evaluation.test_set import TestSet
from modelyard.metrics.metric import Metric
from modelyard.metrics.shared import MeanCost
from modelyard.records.results.diagnostics import Diagnostics

_VIEWS: Mapping[Task, Callable[[Subject], Diagnostics]] = {
    "binary": binary.diagnose,
    "multiclass": multiclass.diagnose,
    "regression": regression.diagnose,
}


def diagnose(
    task: Task,
    test_set: TestSet,
    models: Models,
    *,
    threshold: float | None = None,
    times: Any | None = None,
    custom: Sequence[Metric] = (),
    personal: bool = False,
) -> Diagnostics:
    """Return where challenger and champion err on the same rows.

    Args:
        task: what is predicted.
        test_set: the n test rows.
        models: predictions by role.
        threshold: that of the challenger's labels, where its signature has one.
        times: Polars series (n,) of when rows were seen; None without such a column.
        custom: metrics that the configuration defines; the first of costs is shown for each threshold.
        personal: the target is personal data.
    """
    costs = next((each for each in custom if isinstance(each, MeanCost)), None)
    known = {role: models[role] for role in ("challenger", "champion") if role in models}
    return _VIEWS[task](Subject(test_set, known, threshold, times, costs, personal))
