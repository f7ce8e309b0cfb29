"""watch, declared: its inputs, outputs and permissions, and what its records hold."""

from modelyard.records.results import Part, RecordKind
from modelyard.steps.declaration import TOKEN, Inputs, Outputs, StepSpec


class WatchInputs(Inputs):
    """Inputs of watch."""

    window: str = "7 days"
    """How far back to look."""


class WatchOutputs(Outputs):
    """Outputs of watch."""

    drifted: int
    """How many columns drifted."""


class WatchResult(Part):
    """The columns that drifted."""

    drifted: tuple[str, ...]


WATCHED = RecordKind("watch", 45, WatchResult, judges=True)
SPEC = StepSpec(
    name="watch",
    summary="Compare what is served with what the champion was trained on.",
    example="modelyard watch --window '7 days'",
    inputs=WatchInputs,
    outputs=WatchOutputs,
    permissions={"contents": "read", "issues": "write"},
    secrets=(TOKEN,),
)
