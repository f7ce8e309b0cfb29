"""What was shown of an old version before an alias may go back to it."""

from typing import Literal

from modelyard.records.results.kind import RecordKind
from modelyard.records.results.part import Digest, Part

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


PROVE = RecordKind("prove", 70, ProveResult, of_run=False)
