"""All gates together: the overview of metrics, the verdict, and the sentence that says it."""

import math
from collections.abc import Sequence

from modelyard.core.errors import ConfigError
from modelyard.core.verdict import Verdict, worst
from modelyard.core.vocabulary import Task
from modelyard.evaluation.gates import judge as gates
from modelyard.evaluation.gates.judge import Columns, Models
from modelyard.evaluation.gates.rules import Rule
from modelyard.evaluation.intervals import measure
from modelyard.evaluation.test_set import TestSet
from modelyard.metrics.catalogue import METRICS, OVERVIEW
from modelyard.metrics.metric import Metric
from modelyard.records.results import CheckResult, GateResult, MetricRow


def judge_all(rules: Sequence[Rule], truth: TestSet, models: Models, columns: Columns) -> tuple[GateResult, ...]:
    """Every gate.

    Raises:
        ConfigError: no gate applies, so that nothing would be judged.
    """
    judged = tuple(gates.judge(rule, at, truth, models, columns) for at, rule in enumerate(rules))
    if not [gate for gate in judged if gate.verdict is not Verdict.NOT_APPLICABLE]:
        raise ConfigError(
            "no gate applies: every one compares with a champion, and there is none yet",
            hint="Add a gate with at_least or at_most, or better_than: baseline, so that a first model is judged too.",
        )
    return judged


def verdict_of(judged: Sequence[GateResult], checks: Sequence[CheckResult] = ()) -> Verdict:
    """The worst of what counts: gates that are neither waived nor allowed to be open, and checks that are gates.

    Raises:
        ConfigError: nothing counts.
    """
    applying = [gate for gate in judged if gate.verdict is not Verdict.NOT_APPLICABLE]
    deciding = [gate.verdict for gate in applying if not gate.allowed and not gate.waived]
    if not deciding and not any(gate.waived for gate in applying):
        raise ConfigError(
            "every gate that applies is inconclusive and allowed to be, so nothing decides",
            hint="Take `inconclusive: allow` from at least one gate.",
        )
    deciding += [check.verdict for check in checks if check.gate and check.verdict is not Verdict.NOT_APPLICABLE]
    return worst(deciding) if deciding else Verdict.PASS


def equal_chance(judged: Sequence[GateResult]) -> float | None:
    """Chance that a model as good as the champion passes all gates of which it is known, were they independent.

    None where nothing is known, or where a gate that decides has no interval on these rows, so that nothing passes it.
    """
    deciding = [gate for gate in judged if not gate.allowed and gate.verdict is not Verdict.NOT_APPLICABLE]
    if any(gate.estimate.refused for gate in deciding):
        return None
    known = [gate.equal_chance for gate in deciding if gate.equal_chance is not None]
    return math.prod(known) if known else None


def overview(
    rules: Sequence[Rule], primary: Metric, task: Task, truth: TestSet, models: Models
) -> tuple[MetricRow, ...]:
    """Each model's level on the metrics that a reader wants to see: the primary, the gated, and the usual ones."""
    wanted = [primary, *(rule.metric for rule in rules), *(METRICS.get(name) for name in OVERVIEW[task])]
    rows = []
    for metric in {metric.name: metric for metric in wanted}.values():
        if not models["challenger"].has(metric.needs):
            continue
        champion, baseline = models.get("champion"), gates.baseline_for(metric, models).get("baseline")
        rows.append(
            MetricRow(
                metric=metric.name,
                higher_is_better=metric.higher_is_better,
                challenger=gates.estimate_of(measure.level(metric, truth, models["challenger"]), truth),
                champion=gates.estimate_of(measure.level(metric, truth, champion), truth)
                if champion is not None and champion.has(metric.needs)
                else None,
                baseline=metric.value(truth.y, baseline, truth.weight)
                if baseline is not None and baseline.has(metric.needs)
                else None,
            )
        )
    return tuple(rows)
