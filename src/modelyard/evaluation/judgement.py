"""All gates together: the overview of metrics, the verdict, and the sentence that says it."""

from collections.abc import Mapping, Sequence

from modelyard.errors import ConfigError
from modelyard.evaluation import gates, measure
from modelyard.evaluation.gates import Models
from modelyard.evaluation.rules import Rule
from modelyard.evaluation.truth import Truth
from modelyard.metrics import compute
from modelyard.metrics.catalogue import METRICS, Metric, Task
from modelyard.records.results import GateResult, MetricRow
from modelyard.verdict import Verdict, worst

OVERVIEW: Mapping[Task, tuple[str, ...]] = {
    "binary": ("roc_auc", "accuracy", "recall", "log_loss"),
    "multiclass": ("accuracy", "log_loss"),
    "regression": ("root_mean_squared_error", "mean_absolute_error", "r2"),
}
"""Metrics that the report shows of every model, whether gated or not."""


def judge_all(
    rules: Sequence[Rule], truth: Truth, models: Models, columns: Mapping[str, Sequence[object]]
) -> tuple[tuple[GateResult, ...], Verdict]:
    """Every gate with the run's verdict, which is the worst of those that count.

    Raises:
        ConfigError: no gate applies, so that nothing would be judged.
    """
    judged = tuple(gates.judge(rule, at, truth, models, columns) for at, rule in enumerate(rules))
    counted = [gate.verdict for gate in judged if gate.verdict is not Verdict.NOT_APPLICABLE and not gate.allowed]
    if not [gate for gate in judged if gate.verdict is not Verdict.NOT_APPLICABLE]:
        raise ConfigError(
            "no gate applies: every one compares with a champion, and there is none yet",
            do="Add a gate with at_least or at_most, or better_than: baseline, so that a first model is judged too.",
        )
    if not counted:
        raise ConfigError(
            "every gate that applies is inconclusive and allowed to be, so nothing decides",
            do="Take `inconclusive: allow` from at least one gate.",
        )
    return judged, worst(counted)


def overview(rules: Sequence[Rule], primary: Metric, task: Task, truth: Truth, models: Models) -> tuple[MetricRow, ...]:
    """Each model's level on the metrics that a reader wants to see: the primary, the gated, and the usual ones."""
    names = dict.fromkeys([primary.name, *(rule.metric.name for rule in rules), *OVERVIEW[task]])
    rows = []
    for metric in (METRICS[name] for name in names):
        if not models["challenger"].has(metric.needs):
            continue
        champion, baseline = models.get("champion"), models.get("baseline")
        rows.append(
            MetricRow(
                metric=metric.name,
                higher_is_better=metric.higher_is_better,
                challenger=gates.estimate_of(measure.level(metric, truth, models["challenger"]), truth),
                champion=gates.estimate_of(measure.level(metric, truth, champion), truth)
                if champion is not None and champion.has(metric.needs)
                else None,
                baseline=compute.value(metric.name, truth.y, baseline, truth.weight)
                if baseline is not None and baseline.has(metric.needs)
                else None,
            )
        )
    return tuple(rows)
