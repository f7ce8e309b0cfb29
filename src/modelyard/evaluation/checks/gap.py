"""How much better a model is on rows that it learned from than on the test rows."""

from modelyard.config.sections.evaluate import Checks
from modelyard.core.reasons import because
from modelyard.core.verdict import Verdict
from modelyard.metrics.metric import Metric
from modelyard.metrics.predictions import Floats, Ints, Predictions
from modelyard.records.results import CheckResult


def check(
    checks: Checks, metric: Metric, on_test: float | None, y: Floats | Ints | None, train: Predictions | None
) -> CheckResult | None:
    """Return the gap as a check; without such rows, or what the metric needs, a gate is an error, a report left out."""
    gate = checks.train_test_gap == "gate"
    if y is None or train is None or not train.has(metric.needs):
        why = because("gap-no-rows") if train is None else because("gap-no-output", needs=metric.needs)
        return CheckResult(name="train-test-gap", gate=True, verdict=Verdict.ERROR, finding=why) if gate else None
    on_train = metric.value(y, train)
    if on_train is None or on_test is None:
        verdict, finding = Verdict.INCONCLUSIVE, because("gap-undefined", metric=metric.name)
        return CheckResult(name="train-test-gap", gate=gate, verdict=verdict, finding=finding)
    difference = (on_train - on_test) * (1 if metric.higher_is_better else -1)
    verdict = Verdict.PASS if not gate or difference <= checks.gap else Verdict.FAIL
    finding = because(
        "gap-gated" if gate else "gap",
        metric=metric.name,
        train=on_train,
        rows=len(train),
        test=on_test,
        most=checks.gap,
    )
    return CheckResult(name="train-test-gap", gate=gate, verdict=verdict, finding=finding)
