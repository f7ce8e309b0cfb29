"""Labels that differ from the champion's: from right to wrong, and from wrong to right."""

from modelyard.config.sections.evaluate import Checks
from modelyard.core.operators import OPERATORS, Demand
from modelyard.core.reasons import because
from modelyard.core.verdict import Verdict
from modelyard.evaluation.gates.decision import Models
from modelyard.evaluation.gates.judge import Columns
from modelyard.evaluation.test_set import TestSet
from modelyard.records.results import ChangedPredictions, ChangedSlice, CheckResult
from modelyard.stats.proportions import proportion

SLICES = 20
"""Slices of changed predictions that are listed, the most changed first."""


def changed(test_set: TestSet, models: Models, columns: Columns) -> ChangedPredictions | None:
    """Return what changed, in all and by slice; None where there is no champion, or either model gives no labels."""
    new = models["challenger"].label
    old = models["champion"].label if "champion" in models else None
    if new is None or old is None:
        return None
    codes = test_set.codes
    broken, mended = (old == codes) & (new != codes), (old != codes) & (new == codes)
    slices = []
    for column, groups in columns.items():
        for name, rows in groups.largest(len(groups.names)):
            pair = int(broken[rows].sum()), int(mended[rows].sum())
            if sum(pair):
                slices.append(
                    ChangedSlice(
                        column=column, value=name, rows=len(rows), right_to_wrong=pair[0], wrong_to_right=pair[1]
                    )
                )
    slices.sort(key=lambda each: (each.wrong_to_right - each.right_to_wrong, -each.right_to_wrong))
    return ChangedPredictions(
        rows=len(codes),
        changed=int((old != new).sum()),
        right_to_wrong=int(broken.sum()),
        wrong_to_right=int(mended.sum()),
        slices=tuple(slices[:SLICES]),
    )


def check(checks: Checks, found: ChangedPredictions | None, *, champion: bool) -> CheckResult | None:
    """Return it as a check; None where it is off, or reported and unknown.

    Args:
        checks: how it is asked for.
        found: what changed.
        champion: whether there is one.
    """
    gate = checks.changed_predictions == "gate"
    if checks.changed_predictions == "off" or (found is None and not gate):
        return None
    if found is None:
        verdict = Verdict.ERROR if champion else Verdict.NOT_APPLICABLE
        finding = because("changed-labels-absent" if champion else "no-champion")
        return CheckResult(name="changed-predictions", gate=True, verdict=verdict, finding=finding)
    counts = {
        "changed": found.changed,
        "rows": found.rows,
        "right_to_wrong": found.right_to_wrong,
        "wrong_to_right": found.wrong_to_right,
    }
    if not gate:
        finding = because("changed-predictions", **counts)
        return CheckResult(name="changed-predictions", gate=False, verdict=Verdict.PASS, finding=finding)
    share = proportion(found.right_to_wrong, found.rows)
    verdict = OPERATORS.get("at_most").decide(share, Demand(bound=checks.changed_share))
    finding = because("changed-predictions-gated", **counts, most=checks.changed_share)
    return CheckResult(name="changed-predictions", gate=True, verdict=verdict, finding=finding)
