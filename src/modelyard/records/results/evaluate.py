"""The judgement: metrics, gates, slices, checks."""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from modelyard.core.reasons import Reason
from modelyard.core.verdict import Verdict, worst
from modelyard.core.vocabulary import Keeps, Operator, Reference, RuleChangeKind, WaiverState
from modelyard.records.results.diagnostics import Diagnostics
from modelyard.records.results.estimate import Estimate
from modelyard.records.results.kind import RecordKind
from modelyard.records.results.part import CIRCUMSTANCE, Digest, Part


class Waived(Part):
    """By whom, until when and why something may be missed."""

    until: str
    owner: str
    reason: str
    slice: str = ""


class SliceRow(Part):
    """One slice of a gate, reported."""

    column: str
    value: str
    challenger: Estimate
    reference: Estimate | None = None
    difference: Estimate | None = None
    verdict: Verdict
    share: float | None = None
    """Of all test rows."""
    p: float | None = None
    """One-sided, before Holm's correction; 1 where it is above 5 %."""
    rows_needed: int | None = None
    """Rows at which its gate would see a shortfall that matters, where it has fewer."""
    note: Reason | None = None
    waived: Waived | None = None
    named: bool = False
    """The gate names this slice by its value, so that it must be judged."""


class GateResult(Part):
    """One gate: what was required, what was observed, what could be seen."""

    id: str
    metric: str
    operator: Operator
    reference: Literal[Reference, ""] = ""
    bound: float | None = None
    upper: float | None = None
    """The other end of ``between``."""
    margin: float | None = None
    relative: str = ""
    """A margin in percent, as it was written."""
    keeps: Keeps = ""
    """What a default gate holds the challenger to."""
    effect: str = ""
    """What one unit of a rate counts; empty where it counts nothing that people know."""
    default: bool = False
    line: int | None = None
    verdict: Verdict
    allowed: bool = False
    estimate: Estimate
    challenger: Estimate
    reference_level: Estimate | None = None
    higher_is_better: bool
    smallest_visible: float | None = None
    units_to_decide: int | None = None
    """Units at which a true value like today's would be decided four times in five."""
    units_for_equal: int | None = None
    """Units at which a model exactly as good as the reference passes four times in five."""
    units_if_held: int | None = None
    """Units at which today's estimate itself would decide, were it seen again; half the time it is not."""
    would_decide: Literal["pass", "fail", "unrealistic", ""] = ""
    """Which way that many units would decide; unrealistic: no number of them that anybody has."""
    slices: tuple[SliceRow, ...] = ()
    every_slice: bool = False
    """Each slice has to reach the bound on its own."""
    slices_left_out: int = 0
    """Values beyond the 200 most frequent of a column, which were not judged."""
    reason: Reason | None = None
    on_all_rows: Verdict | None = None
    """The verdict before slices had their say."""
    waived: Waived | None = None
    """By whom, until when and why this gate may be missed; it then holds nothing back."""
    equal_chance: float | None = None
    """Chance that a model exactly as good as the reference passes this gate on such rows."""

    @property
    def counted(self) -> Verdict:
        """The verdict as it counts: a waived gate, and one that may be inconclusive and is, hold nothing back."""
        return Verdict.PASS if self.waived or (self.allowed and self.verdict is Verdict.INCONCLUSIVE) else self.verdict


def verdict_of(gates: Iterable[GateResult], checks: Iterable["CheckResult"] = ()) -> Verdict:
    """Return the verdict of gates, and of the checks that are gates: the worst that counts; none at all is an error."""
    counted = worst(gate.counted for gate in gates)
    return worst([counted, *(check.verdict for check in checks if check.gate)])


class MetricRow(Part):
    """A metric of every model on the same test rows, for the overview table."""

    metric: str
    higher_is_better: bool
    aim: float | None = None
    """What a good model has, where neither more nor less is better."""
    challenger: Estimate
    champion: Estimate | None = None
    difference: Estimate | None = None
    """Challenger minus champion on the same rows, in the metric's own direction."""
    baseline: float | None = None


class CurvePoints(Part):
    """A curve for a chart: at most 200 points, no rows."""

    kind: Literal["roc", "precision_recall", "calibration"]
    model: Literal["challenger", "champion"]
    x: tuple[float, ...]
    y: tuple[float, ...]


class RuleChange(Part):
    """One rule that a proposal would change; an empty text is "not there"."""

    rule: str
    old: str
    new: str
    kind: RuleChangeKind = "changed"


class CheckResult(Part):
    """A check beside the gates; one that is a gate counts like one."""

    name: str
    """Which check: a code."""
    subject: str = ""
    """Of which there are several: the behaviour test, or the waived gate."""
    gate: bool
    verdict: Verdict
    finding: Reason


class Calibration(Part):
    """Whether a model's probabilities are observed shares."""

    model: Literal["challenger", "champion"]
    slope: Estimate
    intercept: Estimate
    error: Estimate


class ChangedSlice(Part):
    """Labels of one slice that became wrong, or right."""

    column: str
    value: str
    rows: int
    right_to_wrong: int
    wrong_to_right: int


class ChangedPredictions(Part):
    """Labels that differ from the champion's."""

    rows: int
    changed: int
    right_to_wrong: int
    wrong_to_right: int
    slices: tuple[ChangedSlice, ...] = ()


class WaiverRow(Part):
    """A waiver and what it did."""

    gate: str
    slice: str
    reason: str
    owner: str
    expires: str
    state: WaiverState


class HeldOut(Part):
    """The test rows without any of their values: how many, a digest, and the smallest hashes of their ids."""

    rows: int
    digest: Digest
    sketch: tuple[Annotated[str, Field(pattern=r"^[0-9a-f]{10}$")], ...] = ()


class Evaluation(Part):
    """One look at a test set, as the ledger keeps it."""

    test_set: HeldOut
    model: Digest
    rules: Digest


class Reuse(Part):
    """How often a test set was evaluated on, and the chance that luck alone passed somewhere."""

    evaluations: int
    at_least: bool
    chance: float


class DiscoveredSlice(Part):
    """A slice that nobody named in which the challenger loses; reported, never gating."""

    columns: tuple[str, ...]
    values: tuple[str, ...]
    rows: int
    units: int
    """Of the half that judged it."""
    excess: float
    """Mean loss of its rows less that of the others; with a champion, of what is lost against it."""
    p: float
    """One-sided, on the half of the units that had no say in finding it."""


WhyUnreadable = Literal["pointer", "not-in-git", "too-large", "damaged", "trained-on", "predictions", "not-scored"]
"""Why nothing was judged on the base's test rows."""


class BaseRows(Part):
    """The base's test rows beside those of the change: how they differ, and what the rules say on them.

    Attributes:
        why: why nothing was judged on them; empty where it was.
        rows: those that were judged on.
        trained_on: those that are training rows of the change, and count for nothing.
        added: rows that only the change has.
        changed: rows of one id with other values.
        removed: rows that only the base has.
        verdict: of the gates and checks on them; the worse one of the two counts.
        gates: on them.
        metric: the primary metric.
        champion_then: the champion on them.
        champion_now: the champion on the change's own test rows.
    """

    why: WhyUnreadable | Literal[""] = ""
    rows: int = 0
    trained_on: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0
    verdict: Verdict | None = None
    gates: tuple[GateResult, ...] = ()
    metric: str = ""
    champion_then: Estimate | None = None
    champion_now: Estimate | None = None


class EvaluateResult(Part):
    """The judgement."""

    test_rows: int
    test_units: int
    unit: str
    confidence: float = 0.95
    """Two-sided level of every interval."""
    unmatched: dict[str, int] = Field(default_factory=dict)
    champion: str | None = None
    champion_adopted: bool = False
    """It came in without evidence."""
    best: str | None = None
    """The best version that was ever promoted."""
    over_best: Estimate | None = None
    """Challenger minus that version on the primary metric, turned so that more is better."""
    walked: Estimate | None = None
    """Champion minus that version on the primary metric, turned so that more is better; None where it is the best."""
    baseline: Literal["averages", "classes", ""] = ""
    """What it is made of."""
    metrics: tuple[MetricRow, ...] = ()
    gates: tuple[GateResult, ...] = ()
    curves: tuple[CurvePoints, ...] = ()
    diagnostics: Diagnostics | None = None
    """Where the models err: counts and rates of many rows, never of one."""
    checks: tuple[CheckResult, ...] = ()
    calibration: tuple[Calibration, ...] = ()
    remarks: tuple[Reason, ...] = ()
    """What is odd about a model that passes, such as that it calls no row positive."""
    changed_predictions: ChangedPredictions | None = None
    discovered: tuple[DiscoveredSlice, ...] = ()
    waivers: tuple[WaiverRow, ...] = ()
    labels_from: str = ""
    labels_to: str = ""
    evaluation: Evaluation | None = None
    """What the ledger of the test set is to be told."""
    reuse: Annotated[Reuse | None, CIRCUMSTANCE] = None
    equal_chance: float | None = None
    """Chance that a model exactly as good as the reference passes every gate that applies, if they were independent."""
    base: str = ""
    """The base's commit; its rules judged, unless it has none yet (``proposal``). Empty: the checkout's own judged."""
    rules_digest: Digest | None = None
    rule_changes: tuple[RuleChange, ...] = ()
    under_own_rules: Verdict | None = None
    """The verdict that the proposal's own rules would give, where they differ and judge the same predictions."""
    own_rules_beyond: str = ""
    """The rule for which that was not looked at."""
    carried: Annotated[dict[str, Digest], CIRCUMSTANCE] = Field(default_factory=dict)
    """What a version carries beside model and records: path to digest."""
    proposal: bool = False
    """The base has no rules yet: these are the change's own."""
    base_rows: BaseRows | None = None
    """What the base's test rows say, where the change brings other ones."""
    reproduce: str = ""


EVALUATE = RecordKind("evaluate", 40, EvaluateResult, judges=True)
