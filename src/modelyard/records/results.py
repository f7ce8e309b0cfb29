"""What each step found, as data: the report renders these and nothing else."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from modelyard.core.verdict import Verdict
from modelyard.core.vocabulary import (
    Adapter,
    ColumnKind,
    FoldsFollow,
    Operator,
    Reference,
    RuleChangeKind,
    Task,
    TrainingWay,
    WaiverState,
)

Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
Scalar = bool | int | float | str | None


class Part(BaseModel):
    """A piece of a record: immutable, unknown keys refused, NaN impossible."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Problem(Part):
    """A fault that ended a step: what a person reads, and the exit code that goes with it."""

    message: str
    hint: str = ""
    exit_code: int


# detect


class Partition(Part):
    """One file of a data set."""

    path: str
    digest: Digest
    size: int


class DataSet(Part):
    """The fingerprint of a named data set, and what changed in it since the champion."""

    name: str
    source: str
    digest: Digest
    partitions: tuple[Partition, ...]
    added: tuple[str, ...] = ()
    modified: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


Reason = Literal["first-run", "data", "code", "configuration", "packages"]


class DetectResult(Part):
    """What differs from what the champion was made from."""

    changed: bool
    reasons: tuple[Reason, ...]
    sets: tuple[DataSet, ...]
    champion: str | None
    code_digest: Digest
    config_digest: Digest
    packages_digest: Digest
    registry: str
    details: dict[Reason, tuple[str, ...]] = Field(default_factory=dict)


# validate

ExpectationState = Literal["passed", "failed", "errored", "vacuous"]


class Expectation(Part):
    """How one expectation of a suite ended; observed and expected hold no raw values of rows."""

    index: int
    type: str
    subject: str
    expected: str
    state: ExpectationState
    observed: str = ""
    unexpected: int | None = None
    evaluated: int | None = None
    note: str = ""
    line: int | None = None


class SuiteResult(Part):
    """One suite on one data set."""

    set: str
    suite: str
    rows: int
    engine: str
    verdict: Verdict
    expectations: tuple[Expectation, ...]


class ValidateResult(Part):
    """All suites."""

    suites: tuple[SuiteResult, ...]


# train


class Feature(Part):
    """One column of a model's signature."""

    name: str
    kind: ColumnKind


class Signature(Part):
    """What a model takes and gives."""

    features: tuple[Feature, ...]
    task: Task
    classes: tuple[bool | int | str, ...] = ()
    positive: bool | int | str | None = None
    threshold: float | None = None


class CandidateRow(Part):
    """One candidate of the results table; ``score`` is the mean over folds in the metric's natural unit."""

    name: str
    params: dict[str, Scalar | tuple[Scalar, ...]]
    score: float | None
    scores: tuple[float, ...] = ()
    error: float | None = None
    """Standard error of ``score`` with Nadeau and Bengio's correction: of the procedure, and never for a gate."""
    seconds: float
    fits: int
    cached: bool
    winner: bool = False
    problem: str = ""


class TrainResult(Part):
    """How the challenger was made."""

    how: Literal[TrainingWay, "none"]
    metric: str
    candidates: tuple[CandidateRow, ...] = ()
    folds: int = 0
    folds_follow: Literal[FoldsFollow, ""] = ""
    fits: int = 0
    fits_from_cache: int = 0
    train_rows: int
    train_digest: Digest
    test_digest: Digest | None = None
    test_rows: int = 0
    split: str = ""
    dropped_missing_target: int = 0
    seed: int
    model_digest: Digest | None = None
    model_size: int = 0
    adapter: Adapter
    signature: Signature | None = None
    own_metrics: dict[str, Scalar] = Field(default_factory=dict)
    baseline: dict[str, float] = Field(default_factory=dict)
    baseline_score: float | None = None
    """The baseline's ``metric`` on the training rows; for planning, and never for a gate."""


# evaluate

GateState = Verdict
GateKind = Literal["level", "difference"]


class Estimate(Part):
    """A number with its interval; ``refused`` says why there is none. ``n`` counts units, ``rows`` counts rows."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    method: str = ""
    n: int = 0
    unit: str = "row"
    rows: int = 0
    approximate: bool = False
    identical: bool = False
    refused: str = ""


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
    note: str = ""
    waived: str = ""
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
    rule: str
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
    would_decide: str = ""
    slices: tuple[SliceRow, ...] = ()
    every_slice: bool = False
    """Each slice has to reach the bound on its own."""
    slices_left_out: int = 0
    """Values beyond the 200 most frequent of a column, which were not judged."""
    reason: str = ""
    on_all_rows: Verdict | None = None
    """The verdict before slices had their say."""
    waived: str = ""
    """By whom, until when and why this gate may be missed; it then holds nothing back."""
    equal_chance: float | None = None
    """Chance that a model exactly as good as the reference passes this gate on such rows."""


class MetricRow(Part):
    """A metric of every model on the same test rows, for the overview table."""

    metric: str
    higher_is_better: bool
    challenger: Estimate
    champion: Estimate | None = None
    baseline: float | None = None


class CurvePoints(Part):
    """A curve for a chart: at most 200 points, no rows."""

    name: str
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
    gate: bool
    verdict: Verdict
    said: str
    details: tuple[str, ...] = ()


class Calibration(Part):
    """Whether a model's probabilities are observed shares."""

    model: Literal["challenger", "champion"]
    slope: Estimate
    intercept: Estimate
    error: float


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


class Wear(Part):
    """How often a test set was looked at, and the chance that luck alone passed somewhere."""

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


class EvaluateResult(Part):
    """The judgement."""

    test_rows: int
    test_units: int
    unit: str
    confidence: float = 0.95
    """Two-sided level of every interval."""
    unmatched: dict[str, int] = Field(default_factory=dict)
    champion: str | None = None
    champion_note: str = ""
    best: str | None = None
    """The best version that was ever promoted."""
    over_best: Estimate | None = None
    """Challenger minus that version on the primary metric, turned so that more is better."""
    baseline: str = ""
    metrics: tuple[MetricRow, ...] = ()
    gates: tuple[GateResult, ...] = ()
    curves: tuple[CurvePoints, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    calibration: tuple[Calibration, ...] = ()
    changed_predictions: ChangedPredictions | None = None
    discovered: tuple[DiscoveredSlice, ...] = ()
    waivers: tuple[WaiverRow, ...] = ()
    label_period: str = ""
    evaluation: Evaluation | None = None
    """What the ledger of the test set is to be told."""
    wear: Wear | None = None
    equal_chance: float | None = None
    """Chance that a model exactly as good as the reference passes every gate that applies, if they were independent."""
    rules: str = "this checkout's own"
    rules_digest: Digest | None = None
    rule_changes: tuple[RuleChange, ...] = ()
    under_own_rules: Verdict | None = None
    """The verdict that the proposal's own rules would give, where they differ and judge the same predictions."""
    own_rules_beyond: str = ""
    """The rule for which that was not looked at."""
    carried: dict[str, Digest] = Field(default_factory=dict)
    """What a version carries beside model and records: path to digest."""
    headline: str = ""
    reproduce: str = ""


# report, promote, prove, rollback


class ReportResult(Part):
    """The rendered files."""

    markdown: str
    html: str
    markdown_digest: Digest
    html_digest: Digest


class PullRequest(Part):
    """The small pull request whose merge moves an alias."""

    number: int
    url: str
    branch: str
    pointer: str
    """Path of the file that it changes."""


class PromoteResult(Part):
    """A moved alias; in a dry run, and while a pull request waits, one that would be moved."""

    version: str
    """Empty in a dry run, where no version was published."""
    alias: str
    previous: str | None
    model_digest: Digest
    evidence: Digest
    actor: str
    reason: str
    journal: int
    """Number of the journal's entry; 0 where nothing was moved."""
    dry_run: bool = False
    pull_request: PullRequest | None = None


ProofLevel = Literal["golden", "loading", "none"]
"""What a rollback rests on: golden predictions reproduced; the model loaded and predicted; nothing but bytes."""


class ProveResult(Part):
    """What was shown of an old version before an alias may go back to it."""

    version: str
    version_digest: Digest
    model_digest: Digest
    alias: str
    seen: str
    """What the alias pointed at."""
    asked: ProofLevel
    shown: ProofLevel
    """none: its files are what was published, and nothing was loaded."""
    reproduced: bool | None = None
    """Whether golden predictions came out again; none where there are no golden rows, or they were not tried."""
    said: str
    rows: int = 0
    exact: int = 0
    """Rows whose every prediction is the same to the last bit."""
    largest: float | None = None
    """Largest difference of a prediction, relative to the recorded one where that is above 1."""
    tolerance: float | None = None
    environment: str = ""
    """Python, platform and packages that it was loaded in."""


class RollbackResult(Part):
    """An alias moved back."""

    version: str
    alias: str
    previous: str | None
    actor: str
    reason: str
    journal: int
    proof: str
    """In words."""
    shown: ProofLevel = "none"
    proof_digest: Digest | None = None
    """Digest of the proof's record."""


StepResult = (
    DetectResult
    | ValidateResult
    | TrainResult
    | EvaluateResult
    | ReportResult
    | PromoteResult
    | ProveResult
    | RollbackResult
)
