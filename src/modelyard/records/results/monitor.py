"""What monitoring saw: windows of a prediction log, and in each contract, drift, estimated and realised performance."""

from typing import Annotated, Literal

from pydantic import Field

from modelyard.core.reasons import Reason
from modelyard.core.verdict import Verdict
from modelyard.core.vocabulary import DecisionAction, Operator
from modelyard.records.results.estimate import Estimate
from modelyard.records.results.kind import RecordKind
from modelyard.records.results.part import CIRCUMSTANCE, Digest, Part

PREDICTION_COLUMN = "prediction"
"""What drift calls the model's own output; a feature of that name is told apart by ``of``."""


class Fault(Part):
    """Something in a window that only a fault of the data explains: upstream has to look, and no model helps."""

    column: str = ""
    """Empty where the whole window is meant."""
    reason: Reason
    """What is wrong, with what was found and what was expected."""
    rows: int
    """Rows touched."""
    share: Annotated[float, Field(ge=0, le=1)]
    """Of the window's rows."""
    blocks: bool = True
    """It blocks a retraining; what does not is told alone."""


class Drift(Part):
    """One column, or the prediction, beside the reference."""

    column: str
    of: Literal["feature", "prediction"] = "feature"
    statistic: Literal["kolmogorov-smirnov", "total-variation", "missing-share"]
    n: int
    """Rows of the window that were compared."""
    effective: float | None = None
    """Independent rows that they are worth, where rows depend on each other."""
    effect: float
    """The statistic as it is."""
    corrected: float
    """Less what chance alone gives at this size; 0 at least."""
    limit: float
    """From which effect on it is large."""
    p: float
    """That chance alone gives as much."""
    adjusted: float
    """The same, by Benjamini and Hochberg over all that was looked at in this window."""
    alarm: bool
    """Significant and large, in this window."""
    persistent: bool = False
    """An alarm in as many of the last windows as are asked for."""
    divergence: float | None = None
    """Jensen–Shannon divergence over the reference's deciles or categories, in bits."""


class Separability(Part):
    """How well a classifier tells the window's rows from earlier ones, out of fold: 0.5 is not at all."""

    auc: Estimate
    alarm: bool
    columns: tuple[str, ...] = ()
    """What told them apart most, first."""


class EstimatedPerformance(Part):
    """What a metric would be, from predictions without labels."""

    metric: str
    method: Literal["cbpe", "dle"]
    """From calibrated probabilities, or from a model of the loss."""
    estimate: Estimate
    reference: Estimate | None = None
    """On the test rows of the version's evaluation."""
    weighted: float | None = None
    """Effective size of the calibration rows after weighting them towards the window; None without weights."""
    decides: bool = False
    """Its track record allows it to count."""
    realised: float | None = None
    """What it turned out to be, once labels were mature."""
    covered: bool | None = None
    """The realised value lay in the interval; None before it is known."""


class RealisedPerformance(Part):
    """A metric on the labels that came, for one rule."""

    metric: str
    slice: str = ""
    """``column = value``; empty for all rows."""
    operator: Operator
    against: Literal["test", ""] = ""
    """The promoted version's own test result, or an absolute bound."""
    bound: float | None
    """Of the test result that less the margin, or with it of a loss; none where the version carries no test result."""
    margin: float | None = None
    test: float | None = None
    """The test result, as it is watched: with units a mean over units."""
    window: Estimate
    """In this window alone."""
    low: float | None
    """Limits that hold at every look since ``since``, on the metric's scale; none before the first look."""
    high: float | None
    since: str = ""
    """When the version began to serve, or when the metric moved so far that no one value fits all looks."""
    n: int
    """Rows of all looks."""
    units: int
    looks: int
    verdict: Verdict
    """pass: held for certain; fail: missed for certain; inconclusive: not known yet; not-applicable: no labels."""
    reason: Reason | None = None


class Cohort(Part):
    """Labels by age, for the predictions of one window."""

    days: float
    share: float | None


class ServedCalibration(Part):
    """Whether served probabilities are observed shares, in one window."""

    slope: Estimate
    """1 where they are."""
    intercept: Estimate
    """0 where they are."""
    error: Estimate
    """Root of the debiased mean squared error; 0 where they are."""


class Window(Part):
    """One stretch of one version's predictions."""

    key: str
    """Such as ``2013-07-01`` or ``rows 5001-10000``, unique with the version."""
    begin: str
    end: str
    """First and last moment in UTC; the end is not within."""
    version: str
    """As the log names it."""
    rows: int
    labelled: int
    mature: bool
    """Its labels are as complete as they get."""
    digest: Digest
    """Of all that was read for it."""
    maturity: tuple[Cohort, ...] = ()
    faults: tuple[Fault, ...] = ()
    drift: tuple[Drift, ...] = ()
    separability: Separability | None = None
    estimated: tuple[EstimatedPerformance, ...] = ()
    realised: tuple[RealisedPerformance, ...] = ()
    calibration: ServedCalibration | None = None
    not_looked_at: tuple[Reason, ...] = ()
    """What could not be judged here, and why."""
    read_anew: Annotated[bool, CIRCUMSTANCE] = True

    @property
    def blocked(self) -> bool:
        """Whether a fault of the data explains what is seen."""
        return any(fault.blocks for fault in self.faults)


class TrackRecord(Part):
    """How estimates without labels fared where the labels came."""

    metric: str
    windows: int
    """Scored."""
    covered: int
    """Of them, the realised value lay in the estimate's interval."""
    error: float
    """Mean absolute error."""
    decides: bool


class Mark(Part):
    """A decision that was made before, at the window that was the newest then."""

    window: str
    action: DecisionAction


class Persistence(Part):
    """What an alarm of drift has to do to count, and how often chance alone does it."""

    alarms: int
    """So many …"""
    windows: int
    """… of so many windows in a row."""
    false_alarms: float
    """Share of windows in which chance alone would end in a persistent alarm."""


AlarmKind = Literal["drift", "performance", "version"]
"""A column drifts, a rule is missed for certain, or predictions are of a version that nobody knows."""


class Alarm(Part):
    """Something that is seen from now on in a log that is followed, or not any more."""

    version: str
    kind: AlarmKind
    what: str
    """The column, the metric of the rule, or the version."""
    began: bool
    at: str
    """The log's time, in UTC."""
    rows: int
    """Predictions of the version so far."""


class MonitorResult(Part):
    """What was seen of one model in use."""

    champion: str
    """The version that the alias points at."""
    until: str
    """Last moment in the log, in UTC."""
    predictions: int
    labelled: int
    counts: dict[str, int]
    """What the log's reader found: duplicates, torn lines, late labels and the like."""
    windows: tuple[Window, ...]
    """By time, oldest first; complete ones."""
    open_rows: int = 0
    """Rows of a window that is not over, which is not judged."""
    persistence: Persistence
    track: tuple[TrackRecord, ...] = ()
    columns: tuple[str, ...] = ()
    """Features that were watched."""
    marks: Annotated[tuple[Mark, ...], CIRCUMSTANCE] = ()
    """Decisions before, oldest first."""
    data_changed: bool | None = None
    """The training data is no longer what the champion was made from; None where nobody asked, or it is not known."""
    notes: tuple[Reason, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """What the newest windows say: a fault or a certain miss fails; nothing that can be told is inconclusive."""
        if not self.windows:
            return Verdict.INCONCLUSIVE
        if self.windows[-1].blocked:
            return Verdict.FAIL
        told = {(each.metric, each.slice, each.operator): each for window in self.windows for each in window.realised}
        verdicts = {each.verdict for each in told.values()}
        if Verdict.FAIL in verdicts:
            return Verdict.FAIL
        decides = any(each.decides for window in self.windows for each in window.estimated)
        return Verdict.PASS if Verdict.PASS in verdicts or decides else Verdict.INCONCLUSIVE


MONITOR = RecordKind("monitor", 100, MonitorResult, of_run=False)
