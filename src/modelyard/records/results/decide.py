"""The decision: what follows from what monitoring saw, why, and what would change it."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from modelyard.core.canonical import digest
from modelyard.core.reasons import Reason
from modelyard.core.verdict import Verdict
from modelyard.core.vocabulary import DecisionAction
from modelyard.records.results.estimate import Estimate
from modelyard.records.results.kind import RecordKind
from modelyard.records.results.part import CIRCUMSTANCE, Digest, Part

LARGEST_DECISION = 3000
"""Bytes; a tag of MLflow, in which one is kept, holds 5,000."""


class Signal(Part):
    """One thing that was seen and counts, over the windows in which it was."""

    kind: Literal["contract", "drift", "separability", "estimated", "realised", "age", "rows", "calendar", "data"]
    reason: Reason
    windows: tuple[str, ...] = ()
    """Keys, the first one first."""
    column: str = ""
    rule: tuple[str, ...] = ()
    """Metric, operator, what it is held against and slice; empty where no metric is meant."""
    effect: float | None = None
    rows: int = 0
    share: float | None = None
    """Of the rows of these windows."""
    harm: Estimate | None = None
    """What it costs in the metric, where that is known or estimated; positive is worse."""
    asks_for: DecisionAction = "nothing"
    """What it would lead to if it stood alone."""


class Point(Part):
    """What decided, in one window."""

    window: str
    rows: int
    value: float | None
    low: float | None = None
    high: float | None = None
    limit: float | None = None
    """Beyond which it is bad."""
    bad: bool = False
    """It is among the windows that counted."""


class Course(Part):
    """What decided, window by window, oldest first."""

    of: Literal["realised", "estimated", "drift", "fault"]
    name: str
    """The metric or the column; empty where the whole window is meant."""
    slice: str = ""
    points: tuple[Point, ...]


class Limit(Part):
    """What a policy allows, and how much of it is used."""

    name: Literal["cool-down", "budget", "quiet-hours", "max-age", "new-rows", "persistence", "fault"]
    holds_back: bool
    reason: Reason


HELD_BACK = "held-back"
"""Code of the reason of a decision that asks for something which a limit holds back."""


def _to_do(action: DecisionAction, reason: Reason) -> bool:
    return action in ("investigate", "retrain", "roll-back") or reason.code == HELD_BACK


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

    @property
    def to_do(self) -> bool:
        """Whether it asked somebody for something."""
        return _to_do(self.action, self.reason)


class Decision(Part):
    """A decision as the registry keeps it; a run that it starts names its digest."""

    model: str
    alias: str
    action: DecisionAction
    reason: Reason
    champion: str
    monitored: Digest
    first_bad_window: str = ""
    time: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$")]

    @property
    def digest(self) -> str:
        """What names it."""
        return digest(self.model_dump(mode="json"))


class Decided(Part):
    """A decision, and how far it got; each step of that is an entry of the journal, and the last one counts."""

    decision: Decision
    state: Literal["made", "started", "not-started", "held", "failed"] = "made"
    """started: a run was asked for, which stands before it is; not-started: it was refused; held and failed: how that
    run ended. A run that promoted says so by the promotion's own entry."""
    run: Annotated[str, Field(max_length=500)] = ""
    """Address of the run."""

    @model_validator(mode="after")
    def _of_bounded_size(self) -> Self:
        if len(self.model_dump_json()) > LARGEST_DECISION:
            raise ValueError(f"a decision has at most {LARGEST_DECISION} bytes")
        return self


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
    course: Course | None = None
    """Of what decided; none where it is no matter of windows."""
    limits: tuple[Limit, ...] = ()
    champion: str
    age_days: float | None = None
    """Since the champion was promoted."""
    first_bad_window: str = ""
    before: tuple[PastDecision, ...] = ()
    """Newest first, twenty at most."""
    would_change: tuple[Reason, ...] = ()
    """What would lead to another decision."""
    dispatch: Dispatch | None = None
    monitored: Digest
    """Digest of the monitoring record."""
    decision: Annotated[Decision | None, CIRCUMSTANCE] = None
    """As the registry keeps it; a decision like the one before is that one."""

    @property
    def to_do(self) -> bool:
        """Whether it asks somebody for something."""
        return _to_do(self.action, self.reason)

    @property
    def episode(self) -> str:
        """Digest of the decision with which it began that there was something to do; empty before it is kept."""
        begun = "" if self.decision is None else self.decision.digest
        for each in self.before:
            if each.to_do:
                begun = each.digest
            elif each.action != "not-enough-yet":
                break
        return begun

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
