"""Names that several floors share, each defined once: tasks, operators, adapters, units of time, file suffixes.

A catalogue on a higher floor holds the objects behind some of these names (operators, registries …); a contract test
holds that vocabulary and catalogue agree.
"""

from typing import Literal, get_args

Task = Literal["binary", "multiclass", "regression"]
TASKS: tuple[Task, ...] = get_args(Task)

Operator = Literal["at_least", "at_most", "between", "no_worse_than", "better_than"]
"""What a gate demands of a metric."""
OPERATORS: tuple[Operator, ...] = get_args(Operator)

Keeps = Literal["", "gain", "shortfall", "worth"]
"""What a default gate against a reference holds the challenger to."""

Reference = Literal["champion", "best-promoted", "baseline"]
"""What a gate compares the challenger with."""
REFERENCES: tuple[Reference, ...] = get_args(Reference)

Adapter = Literal["sklearn", "command", "predictions", "pyfunc", "lightgbm", "xgboost", "catboost", "onnx"]
"""How a stored model is turned into predictions."""
ADAPTERS: tuple[Adapter, ...] = get_args(Adapter)

Format = Literal["skops", "joblib"]
"""How a Python model is stored."""
FORMATS: tuple[Format, ...] = get_args(Format)

TrainingWay = Literal["candidates", "entrypoint", "command"]
"""How a challenger is made."""
TRAINING_WAYS: tuple[TrainingWay, ...] = get_args(TrainingWay)

ThresholdGoal = Literal["f1", "balanced_accuracy", "cost"]
"""What a threshold is chosen to be best at."""
THRESHOLD_GOALS: tuple[ThresholdGoal, ...] = get_args(ThresholdGoal)

PredictionKind = Literal["label", "probability", "value"]
"""What a metric is computed from."""
PREDICTION_KINDS: tuple[PredictionKind, ...] = get_args(PredictionKind)

ColumnKind = Literal["numeric", "categorical", "boolean", "time", "text"]
"""How a model reads a column."""

TimeUnit = Literal["hour", "day", "week", "month"]
TIME_UNITS: tuple[TimeUnit, ...] = get_args(TimeUnit)

SplitMethod = Literal["time", "hash", "stratified", "random"]
"""How training and test rows are told apart."""

FoldsFollow = Literal["time", "group", "class", "row"]
"""What cross-validation folds keep together or in order."""

MissingTarget = Literal["error", "drop"]
"""What happens to rows without a target."""

CheckMode = Literal["off", "report", "gate"]
"""Whether a check beside the gates is made, and whether it decides."""

WaiverState = Literal["in use", "not needed now", "not in these rows", "expired"]
WAIVER_STATES: tuple[WaiverState, ...] = get_args(WaiverState)

RuleChangeKind = Literal["loosened", "metric code", "test rows", "changed", "tightened"]
"""What a proposal does to a rule of the base, what needs a look first."""
RULE_CHANGE_KINDS: tuple[RuleChangeKind, ...] = get_args(RuleChangeKind)

DecisionAction = Literal["nothing", "watch", "investigate", "retrain", "roll-back", "not-enough-yet"]
"""What follows from what monitoring saw."""
DECISION_ACTIONS: tuple[DecisionAction, ...] = get_args(DecisionAction)

RegistryKind = Literal["local", "github", "mlflow"]
REGISTRY_KINDS: tuple[RegistryKind, ...] = get_args(RegistryKind)

OutcomeFormat = Literal["table", "promptfoo", "deepeval", "inspect", "junit"]
"""How a file of outcomes is written."""
OUTCOME_FORMATS: tuple[OutcomeFormat, ...] = get_args(OutcomeFormat)

Direction = Literal["higher", "lower"]
"""Which scores are better."""

DATA_SUFFIXES = (".parquet", ".csv.gz", ".csv", ".tsv", ".jsonl", ".ndjson", ".arrow", ".feather")
"""Suffixes of the files that a data set may consist of."""

DeclaredType = Literal["text", "integer", "decimal", "boolean", "date", "time"]
"""What ``data.read`` may say that a column is."""

MISSING_WORDS = ("", "NA", "N/A", "n/a", "NULL", "Null", "null", "None", "NaN", "nan", "NAN", "?", "-")
"""What stands for a missing value among numbers, truth values and times of text files."""
