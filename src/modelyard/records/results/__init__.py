"""What each step found, as data: a file a step, and the catalogue of their kinds. Reports render these alone."""

from modelyard.records.results.detect import DETECT, ColumnType, DataSet, DetectResult, Partition, Reason
from modelyard.records.results.evaluate import (
    EVALUATE,
    BaseRows,
    Calibration,
    ChangedPredictions,
    ChangedSlice,
    CheckResult,
    CurvePoints,
    DiscoveredSlice,
    Estimate,
    EvaluateResult,
    Evaluation,
    GateResult,
    HeldOut,
    MetricRow,
    Reuse,
    RuleChange,
    SliceRow,
    Waived,
    WaiverRow,
    WhyUnreadable,
)
from modelyard.records.results.kind import RESULTS, RecordKind, in_order
from modelyard.records.results.part import CIRCUMSTANCE, Digest, Part, Problem, Scalar
from modelyard.records.results.promote import PROMOTE, PromoteResult, PullRequest
from modelyard.records.results.prove import PROVE, ProofLevel, ProveResult
from modelyard.records.results.report import REPORT, ReportResult
from modelyard.records.results.rollback import ROLLBACK, RollbackResult
from modelyard.records.results.train import TRAIN, CandidateRow, Feature, Signature, TrainResult
from modelyard.records.results.validate import (
    VALIDATE,
    Expectation,
    ExpectationState,
    Note,
    Observed,
    SuiteResult,
    ValidateResult,
)

for _kind in (DETECT, VALIDATE, TRAIN, EVALUATE, REPORT, PROMOTE, PROVE, ROLLBACK):
    RESULTS.register(_kind)

__all__ = [
    "CIRCUMSTANCE",
    "DETECT",
    "EVALUATE",
    "PROMOTE",
    "PROVE",
    "REPORT",
    "RESULTS",
    "ROLLBACK",
    "TRAIN",
    "VALIDATE",
    "BaseRows",
    "Calibration",
    "CandidateRow",
    "ChangedPredictions",
    "ChangedSlice",
    "CheckResult",
    "ColumnType",
    "CurvePoints",
    "DataSet",
    "DetectResult",
    "Digest",
    "DiscoveredSlice",
    "Estimate",
    "EvaluateResult",
    "Evaluation",
    "Expectation",
    "ExpectationState",
    "Feature",
    "GateResult",
    "HeldOut",
    "MetricRow",
    "Note",
    "Observed",
    "Part",
    "Partition",
    "Problem",
    "PromoteResult",
    "ProofLevel",
    "ProveResult",
    "PullRequest",
    "Reason",
    "RecordKind",
    "ReportResult",
    "Reuse",
    "RollbackResult",
    "RuleChange",
    "Scalar",
    "Signature",
    "SliceRow",
    "SuiteResult",
    "TrainResult",
    "ValidateResult",
    "Waived",
    "WaiverRow",
    "WhyUnreadable",
    "in_order",
]
