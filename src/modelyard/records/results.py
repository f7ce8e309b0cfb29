"""What each step found, as data: the report renders these and nothing else."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from modelyard.verdict import Verdict

Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
Scalar = bool | int | float | str | None


class Part(BaseModel):
    """A piece of a record: immutable, unknown keys refused, NaN impossible."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Problem(Part):
    """A fault that ended a step: what a person reads, and the exit code that goes with it."""

    message: str
    do: str = ""
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
    kind: Literal["numeric", "categorical", "boolean", "time"]


class Signature(Part):
    """What a model takes and gives."""

    features: tuple[Feature, ...]
    task: Literal["binary", "multiclass", "regression"]
    classes: tuple[bool | int | str, ...] = ()
    positive: bool | int | str | None = None
    threshold: float | None = None


class CandidateRow(Part):
    """One candidate of the results table; ``score`` is the mean over folds in the metric's natural unit."""

    name: str
    params: dict[str, Scalar | tuple[Scalar, ...]]
    score: float | None
    scores: tuple[float, ...] = ()
    seconds: float
    fits: int
    cached: bool
    winner: bool = False
    problem: str = ""


class TrainResult(Part):
    """How the challenger was made."""

    how: Literal["candidates", "entrypoint", "command", "none"]
    metric: str
    candidates: tuple[CandidateRow, ...] = ()
    folds: int = 0
    folds_follow: Literal["time", "group", "class", "row", ""] = ""
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
    adapter: Literal["sklearn", "command", "predictions"]
    signature: Signature | None = None
    own_metrics: dict[str, Scalar] = Field(default_factory=dict)
    baseline: dict[str, float] = Field(default_factory=dict)


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
    p: float | None = None
    """One-sided, before Holm's correction; 1 where it is above 5 %."""
    rows_needed: int | None = None
    """Rows at which its gate would see a shortfall that matters, where it has fewer."""
    note: str = ""


class GateResult(Part):
    """One gate: what was required, what was observed, what could be seen."""

    id: str
    metric: str
    operator: Literal["at_least", "at_most", "no_worse_than", "better_than"]
    reference: Literal["champion", "baseline", ""] = ""
    bound: float | None = None
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
    reason: str = ""


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


class EvaluateResult(Part):
    """The judgement."""

    test_rows: int
    test_units: int
    unit: str
    unmatched: dict[str, int] = Field(default_factory=dict)
    champion: str | None = None
    champion_note: str = ""
    baseline: str = ""
    metrics: tuple[MetricRow, ...] = ()
    gates: tuple[GateResult, ...] = ()
    curves: tuple[CurvePoints, ...] = ()
    rules: str = "this checkout's own"
    rules_digest: Digest | None = None
    rule_changes: tuple[RuleChange, ...] = ()
    under_own_rules: Verdict | None = None
    """The verdict that the proposal's own rules would give, where they differ and judge the same rows."""
    carried: dict[str, Digest] = Field(default_factory=dict)
    """What a version carries beside model and records: path to digest."""
    headline: str = ""
    reproduce: str = ""


# report, promote


class ReportResult(Part):
    """The rendered files."""

    markdown: str
    html: str
    markdown_digest: Digest
    html_digest: Digest


class PromoteResult(Part):
    """A moved alias."""

    version: str
    alias: str
    previous: str | None
    model_digest: Digest
    evidence: Digest
    actor: str
    reason: str
    journal: int


class RollbackResult(Part):
    """An alias moved back."""

    version: str
    alias: str
    previous: str | None
    actor: str
    reason: str
    journal: int
    proof: str


StepResult = (
    DetectResult | ValidateResult | TrainResult | EvaluateResult | ReportResult | PromoteResult | RollbackResult
)
