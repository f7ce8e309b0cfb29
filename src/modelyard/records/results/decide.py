"""The decision: what follows from what monitoring saw, why, and what would change it."""

from typing import Literal

from modelyard.core.reasons import Reason
from modelyard.core.verdict import Verdict
from modelyard.core.vocabulary import DecisionAction
from modelyard.records.results.evaluate import Estimate
from modelyard.records.results.kind import RecordKind
from modelyard.records.results.part import Digest, Part


class Signal(Part):
    """One thing that was seen and counts, over the windows in which it was."""

    kind: Literal["contract", "drift", "separability", "estimated", "realised", "age", "rows", "calendar", "data"]
    reason: Reason
    windows: tuple[str, ...] = ()
    """Keys, the first one first."""
    column: str = ""
    effect: float | None = None
    rows: int = 0
    share: float | None = None
    """Of the rows of these windows."""
    harm: Estimate | None = None
    """What it costs in the metric, where that is known or estimated; positive is worse."""
    asks_for: DecisionAction = "nothing"
    """What it would lead to if it stood alone."""


class Limit(Part):
    """What a policy allows, and how much of it is used."""

    name: Literal["cool-down", "budget", "quiet-hours", "max-age", "new-rows", "persistence", "fault"]
    holds_back: bool
    reason: Reason


class PastDecision(Part):
    """A decision before, and what became of it."""

    digest: Digest
    time: str
    action: DecisionAction
    reason: Reason
    outcome: Literal["open", "promoted", "held", "failed", "none"] = "none"
    """Of a retraining: what its gates said; none where nothing was started."""
    version: str = ""
    """What was promoted."""
    run: str = ""
    """Address of the run that was started."""


class Dispatch(Part):
    """A run that was, or is to be, started."""

    workflow: str
    ref: str
    url: str = ""
    state: Literal["started", "not-allowed", "off"]
    reason: Reason | None = None


class DecideResult(Part):
    """What follows."""

    action: DecisionAction
    reason: Reason
    """The one that decided."""
    signals: tuple[Signal, ...] = ()
    """What counted, what decided first."""
    limits: tuple[Limit, ...] = ()
    champion: str
    age_days: float | None = None
    """Of the champion's training data, else of its promotion."""
    first_bad_window: str = ""
    before: tuple[PastDecision, ...] = ()
    """Newest first, twenty at most."""
    would_change: tuple[Reason, ...] = ()
    """What would lead to another decision."""
    dispatch: Dispatch | None = None
    monitored: Digest
    """Digest of the monitoring record."""

    @property
    def verdict(self) -> Verdict:
        """Quiet is pass; something to do is fail; not enough yet is inconclusive."""
        if self.action in ("nothing", "watch"):
            return Verdict.PASS
        return Verdict.INCONCLUSIVE if self.action == "not-enough-yet" else Verdict.FAIL


DECIDE = RecordKind(
    "decide",
    110,
    DecideResult,
    of_run=False,
    accepts=frozenset({Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE}),
)
