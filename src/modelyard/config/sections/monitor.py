"""``monitor``: how what serves is watched, and what follows from it."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from modelyard.config.sections.data import KnownZone, Stretch
from modelyard.core.sections import Section, Text, worded, wrong

Rows = Annotated[str, worded(r"^[1-9][0-9]{1,8} rows$", "a number of rows such as 5000 rows")]
Hours = Annotated[str, worded(r"^([01][0-9]|2[0-3])-([01][0-9]|2[0-3])$", "hours of the day such as 22-06")]


class LogColumns(Section):
    """Which column of the files or table is what; for logs that modelyard.log did not write."""

    id: Text
    """Names a prediction."""
    time: Text
    """When it was made."""
    model: Text | None = None
    """The version that made it."""
    prediction: Text | None = None
    """The label or value that was predicted."""
    probability: Text | dict[str, Text] | None = None
    """Probability of the positive class, or a column for each class."""
    label: Text | None = None
    """What came true."""
    label_time: Annotated[Text | None, Field(alias="label-time")] = None
    """When that was known."""
    sample: Text | None = None
    """The share of predictions that is kept."""
    features: tuple[Text, ...] = ()
    """What the model saw."""


class LabelColumns(Section):
    """Which column of labels that are logged elsewhere is what."""

    id: Text
    """Names the prediction."""
    label: Text
    """What came true."""
    time: Text | None = None
    """When that was known; a table needs it."""


class LogLabels(Section):
    """Where labels are, if not beside predictions."""

    source: Text | Annotated[tuple[Text, ...], Field(min_length=1)]
    """As that of predictions: a folder that modelyard.log wrote, files, or a table."""
    columns: LabelColumns | None = None
    """Column mapping, unless modelyard.log wrote them."""


class Log(Section):
    """Where predictions and labels are logged."""

    source: Text | Annotated[tuple[Text, ...], Field(min_length=1)]
    """A folder that modelyard.log wrote; or, with columns, files, folders or patterns, or a table:
    sqlite:///file.db#table, postgresql://host/database#schema.table; PGUSER and PGPASSWORD stay in the environment."""
    columns: LogColumns | Literal["inference-table"] | None = None
    """Column mapping of a log of any layout; inference-table for the payload tables of MLflow model serving."""
    version: Text | None = None
    """The version that made all predictions, where the log names none: v7."""
    zone: KnownZone | None = None
    """IANA time zone of times that are written without one."""
    labels: LogLabels | None = None
    """Where labels are, if not beside predictions."""


class Performance(Section):
    """One rule that the labels of served predictions are held to, at every look."""

    metric: Text
    """A metric by scikit-learn's name, without neg_."""
    at_least: float | None = None
    """An absolute lower bound."""
    at_most: float | None = None
    """An absolute upper bound, for losses."""
    no_worse_than: Literal["test"] | None = None
    """test: what the version had on its own test rows."""
    margin: Annotated[float, Field(ge=0)] | None = None
    """Size of a shortfall that matters, in the metric's unit."""
    by: tuple[Text, ...] = ()
    """Logged features whose values are watched as slices too."""

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        named = [key for key in ("at_least", "at_most", "no_worse_than") if getattr(self, key) is not None]
        if len(named) != 1:
            raise wrong(
                f"a rule has exactly one of at_least, at_most, no_worse_than; found {' and '.join(named) or 'none'}",
                code="config/one-operator",
                at=(named[1],) if len(named) > 1 else (),
                hint="Make two rules of it." if named else "Example: no_worse_than: test",
            )
        if (self.margin is not None) != (self.no_worse_than is not None):
            raise wrong(
                "margin and no_worse_than come together",
                code="config/misused-operator",
                at=("margin",) if self.margin is not None else ("no_worse_than",),
                hint="Example: {metric: roc_auc, no_worse_than: test, margin: 0.02}",
            )
        return self


class Persistence(Section):
    """So many of the last windows."""

    windows: Annotated[int, Field(ge=1, le=50)] = 2
    """In how many windows it must be seen …"""
    of: Annotated[int, Field(ge=1, le=50)] = 3
    """… of so many in a row."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.windows > self.of:
            raise wrong(
                f"{self.windows} of {self.of} windows can never be",
                code="config/impossible-persistence",
                at=("windows",),
                hint="Example: {windows: 2, of: 3}",
            )
        return self


class Costs(Section):
    """What things cost, in one unit of your own."""

    retrain: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    """One retraining, with whoever looks at it."""
    loss: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    """One unit of the primary metric, for one prediction."""


class Policy(Section):
    """When to retrain. Each key that is there may ask for it; the limits below hold it back."""

    performance: Persistence | None = Persistence()
    """Performance is missed for certain, in so many windows."""
    drift: Persistence | None = Persistence()
    """Features drift, and performance suffers with it, in so many windows."""
    every: Stretch | None = None
    """By the calendar, counted from the champion's promotion."""
    new_rows: Annotated[int | None, Field(ge=1, alias="new-rows")] = None
    """So many labelled predictions since the champion was trained."""
    data_change: Annotated[bool, Field(alias="data-change")] = False
    """The training data changed since the champion was made."""
    costs: Costs | None = None
    """The loss that is expected until the next window costs more than a retraining."""
    max_age: Annotated[Stretch | None, Field(alias="max-age")] = None
    """Age of the champion from which a retraining is due, whatever else is seen."""
    cool_down: Annotated[Stretch, Field(alias="cool-down")] = "7 days"
    """No retraining so soon after the last one, or after a promotion."""
    budget: Annotated[int, Field(ge=0, le=1000)] = 4
    """Retrainings in any 30 days."""
    quiet_hours: Annotated[Hours | None, Field(alias="quiet-hours")] = None
    """Hours in which none is started, in the log's zone."""
    roll_back: Annotated[bool, Field(alias="roll-back")] = False
    """A champion that is missing its bound for certain while the version before held it is rolled back, by rollback's
    own proof."""


class Monitor(Section):
    """How what serves is watched, and what follows from it."""

    log: Log
    """Where predictions and labels are logged."""
    window: Stretch | Rows = "7 days"
    """What is looked at together: a stretch of time, or so many predictions."""
    zone: KnownZone = "UTC"
    """IANA time zone in which windows begin."""
    labels: Stretch = "7 days"
    """After how long the labels of a window are as complete as they get."""
    rescore: Annotated[int, Field(ge=0, le=10_000)] = 200
    """Rows of a window that its version scores again; a served prediction that is not its own is a fault. 0: none."""
    ignore: tuple[Text, ...] = ()
    """Features that are not watched."""
    performance: tuple[Performance, ...] = ()
    """What labels are held to. Default: the primary metric, no worse than on the test rows by its usual margin."""
    persistence: Persistence = Persistence()
    """When an alarm of drift counts."""
    windows: Annotated[int, Field(ge=1, le=500)] = 26
    """How many of the last windows are looked at."""
    policy: Policy = Policy()
    """When to retrain."""
