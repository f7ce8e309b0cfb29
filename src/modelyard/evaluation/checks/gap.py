"""How much better a model is on rows that it learned from than on the test rows."""

from modelyard.core.reasons import Reason, because
from modelyard.core.verdict import Verdict
from modelyard.evaluation.checks.check import Check, Subject


class Gap(Check):
    """The gap; without such rows, or what the metric needs, a gate is an error."""

    name = "train-test-gap"

    def look(self, subject: Subject, *, gate: bool) -> tuple[Verdict, Reason] | None:
        """Return whether the gap is small enough."""
        metric, on_test, most = subject.primary, subject.on_test, subject.settings.gap
        if subject.sample is None or not subject.sample[1].has(metric.needs):
            absent = because("gap-no-rows") if subject.sample is None else because("gap-no-output", needs=metric.needs)
            return (Verdict.ERROR, absent) if gate else None
        on_train = metric.value(*subject.sample)
        if on_train is None or on_test is None:
            return Verdict.INCONCLUSIVE, because("gap-undefined", metric=metric.name)
        difference = (on_train - on_test) * (1 if metric.higher_is_better else -1)
        rows = len(subject.sample[1])
        finding = because(
            "gap-gated" if gate else "gap", metric=metric.name, train=on_train, rows=rows, test=on_test, most=most
        )
        return Verdict.FAIL if gate and not difference <= most else Verdict.PASS, finding
