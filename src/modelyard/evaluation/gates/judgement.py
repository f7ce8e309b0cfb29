"""All gates together: the overview of metrics, and the verdict."""

import math
from collections.abc import Mapping, Sequence

from modelyard.core.errors import ConfigError
from modelyard.core.verdict import Verdict
from modelyard.core.vocabulary import Task
from modelyard.evaluation.gates.decision import Models, baseline_for
from modelyard.evaluation.gates.judge import NO_CONTROLS, Columns, estimate_of, judge
from modelyard.evaluation.gates.rules import Rule
from modelyard.evaluation.intervals import measure
from modelyard.evaluation.intervals.strategy import Combination
from modelyard.evaluation.test_set import TestSet
from modelyard.metrics.catalogue import METRICS, OVERVIEW
from modelyard.metrics.metric import Metric
from modelyard.records.results import CheckResult, GateResult, MetricRow
from modelyard.records.results.evaluate import verdict_of as combined
from modelyard.stats.adjusted import Control


def judge_all(
    rules: Sequence[Rule], test_set: TestSet, models: Models, columns: Columns,
    controls: Mapping[str, Control] = NO_CONTROLS,
) -> tuple[GateResult, ...]:  # fmt: skip
    """Judge every gate.

    Raises:
        ConfigError: no gate applies, so that nothing would be judged.
    """
    judged = tuple(judge(rule, test_set, models, columns, controls) for rule in rules)
    refuse_nothing(judged)
    return judged


def refuse_nothing(judged: Sequence[GateResult]) -> None:
    """Refuse gates of which none applies.

    Raises:
        ConfigError: nothing would be judged.
    """
    if not [gate for gate in judged if gate.verdict is not Verdict.NOT_APPLICABLE]:
        raise ConfigError(
            "no gate applies: every one compares with a champion, and there is none yet",
            code="evaluate/no-applicable-gate",
            hint="Add a gate with at_least or at_most, or better_than: baseline, so that a first model is judged too.",
        )


def verdict_of(judged: Sequence[GateResult], checks: Sequence[CheckResult] = ()) -> Verdict:
    """Return the verdict of the gates, and of the checks that are gates.

    Raises:
        ConfigError: nothing counts.
    """
    applying = [gate for gate in judged if gate.verdict is not Verdict.NOT_APPLICABLE]
    if all(gate.allowed and not gate.waived for gate in applying):
        raise ConfigError(
            "all applicable gates are inconclusive and marked `inconclusive: allow`, so there is no verdict",
            code="evaluate/nothing-decides",
            hint="Remove `inconclusive: allow` from at least one gate.",
        )
    return combined(judged, checks)


def equal_chance(judged: Sequence[GateResult]) -> float | None:
    """Return the chance that a model as good as the champion passes all gates, were those of two metrics independent.

    Gates of one metric look at the same difference, so that the hardest of them counts. None where nothing is known, or
    where a gate that decides has no interval on these rows, so that nothing passes it.
    """
    deciding = [gate for gate in judged if not gate.allowed and gate.verdict is not Verdict.NOT_APPLICABLE]
    if any(gate.estimate.refused for gate in deciding):
        return None
    hardest: dict[str, float] = {}
    for gate in deciding:
        if gate.equal_chance is not None:
            hardest[gate.metric] = min(gate.equal_chance, hardest.get(gate.metric, 1.0))
    return math.prod(hardest.values()) if hardest else None


def overview(
    rules: Sequence[Rule], primary: Metric, task: Task, test_set: TestSet, models: Models
) -> tuple[MetricRow, ...]:
    """Return each model's level on the metrics of the report: the primary, the gated, and the usual ones."""
    wanted = [primary, *(rule.metric for rule in rules), *(METRICS.get(name) for name in OVERVIEW[task])]
    rows = []
    for metric in {metric.name: metric for metric in wanted}.values():
        if not models["challenger"].has(metric.needs):
            continue
        champion, baseline = models.get("champion"), baseline_for(metric, models).get("baseline")
        rows.append(
            MetricRow(
                metric=metric.name,
                higher_is_better=metric.higher_is_better,
                aim=metric.aim,
                challenger=estimate_of(measure.level(metric, test_set, models["challenger"]), test_set),
                champion=estimate_of(measure.level(metric, test_set, champion), test_set)
                if champion is not None and champion.has(metric.needs)
                else None,
                difference=estimate_of(
                    measure.contrast(metric, test_set, Combination([models["challenger"], champion], [1.0, -1.0])),
                    test_set,
                )
                if champion is not None and champion.has(metric.needs)
                else None,
                baseline=metric.value(test_set.y, baseline, test_set.weight)
                if baseline is not None and baseline.has(metric.needs)
                else None,
            )
        )
    return tuple(rows)
