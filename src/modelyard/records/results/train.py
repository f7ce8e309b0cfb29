"""How the challenger was made, and the signature of a model."""

from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from modelyard.core.vocabulary import Adapter, ColumnKind, FoldsFollow, Task, TrainingWay
from modelyard.records.results.kind import RecordKind
from modelyard.records.results.part import CIRCUMSTANCE, Digest, Part, Scalar


class Feature(Part):
    """One column of a model's signature."""

    name: str
    kind: ColumnKind
    type: str = ""
    """In which the model gets it, by pandas' names: int64, Int64 where values may be missing, bool, float64, str. Empty
    in records of models that were given every number as float64."""

    @property
    def described(self) -> str:
        """The kind and, where it is recorded, the type."""
        return f"{self.kind} ({self.type})" if self.type else self.kind

    @model_serializer(mode="wrap")
    def _without_unknown_type(self, write: SerializerFunctionWrapHandler) -> dict[str, str]:
        written: dict[str, str] = write(self)
        return written if self.type else {name: value for name, value in written.items() if name != "type"}


class Signature(Part):
    """What a model takes and gives."""

    features: tuple[Feature, ...]
    task: Task
    classes: tuple[bool | int | str, ...] = ()
    positive: bool | int | str | None = None
    threshold: float | None = None
    outputs: tuple[bool | int | str, ...] = ()
    """The data's labels in the order of the model's own, where it was fitted on others, such as 0 and 1."""

    @model_serializer(mode="wrap")
    def _without_outputs(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = write(self)
        return written if self.outputs else {name: value for name, value in written.items() if name != "outputs"}


class CandidateRow(Part):
    """One candidate of the results table; ``score`` is the mean over folds in the metric's natural unit."""

    name: str
    params: dict[str, Scalar | tuple[Scalar, ...]]
    score: float | None
    scores: tuple[float, ...] = ()
    error: float | None = None
    """Standard error of ``score`` with Nadeau and Bengio's correction: of the procedure, and never for a gate."""
    seconds: Annotated[float, CIRCUMSTANCE]
    fits: Annotated[int, CIRCUMSTANCE]
    cached: Annotated[bool, CIRCUMSTANCE]
    winner: bool = False
    problem: str = ""


class TrainResult(Part):
    """How the challenger was made."""

    how: Literal[TrainingWay, "none"]
    metric: str
    candidates: tuple[CandidateRow, ...] = ()
    folds: int = 0
    folds_follow: Literal[FoldsFollow, ""] = ""
    fits: Annotated[int, CIRCUMSTANCE] = 0
    fits_from_cache: Annotated[int, CIRCUMSTANCE] = 0
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


TRAIN = RecordKind("train", 30, TrainResult, judges=True)
