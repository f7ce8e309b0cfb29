"""Labels that differ from the champion's: from right to wrong, and from wrong to right."""

from modelyard.core.operators import OPERATORS, Demand
from modelyard.core.reasons import Reason, because
from modelyard.core.verdict import Verdict
from modelyard.evaluation.checks.check import Check, Subject
from modelyard.evaluation.gates.decision import Models
from modelyard.evaluation.gates.judge import Columns
from modelyard.evaluation.test_set import TestSet
from modelyard.records.results import ChangedPredictions, ChangedSlice
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


class Changed(Check):
    """The changes; as a gate, at most so many rows may go from right to wrong."""

    name = "changed-predictions"

    def look(self, subject: Subject, *, gate: bool) -> tuple[Verdict, Reason] | None:
        """Return the counts, and whether they are small enough."""
        seen, champion = changed(subject.test_set, subject.models, {}), "champion" in subject.models
        if seen is None:
            verdict = Verdict.ERROR if champion else Verdict.NOT_APPLICABLE
            return (verdict, because("changed-labels-absent" if champion else "no-champion")) if gate else None
        counts = seen.model_dump(exclude={"slices"})
        if not gate:
            return Verdict.PASS, because("changed-predictions", **counts)
        most, share = subject.settings.changed_share, proportion(seen.right_to_wrong, seen.rows)
        verdict = OPERATORS.get("at_most").decide(share, Demand(bound=most))
        return verdict, because("changed-predictions-gated", **counts, most=most)
