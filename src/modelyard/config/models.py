"""modelyard.yml as pydantic models; the published JSON Schema comes from here, descriptions included."""

from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from modelyard.core.errors import nearest
from modelyard.core.vocabulary import (
    OPERATORS,
    TRAINING_WAYS,
    CheckMode,
    Format,
    MissingTarget,
    Operator,
    PredictionKind,
    Reference,
    RegistryKind,
    SplitMethod,
    Task,
    ThresholdGoal,
    TimeUnit,
)

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,39}$")]
Text = Annotated[str, StringConstraints(min_length=1)]
Duration = Annotated[str, StringConstraints(pattern=r"^([1-9][0-9]*(\.[0-9]+)?|0?\.[0-9]*[1-9][0-9]*)(s|m|h)$")]
Stretch = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,5} (hour|day|week|month)s?$")]
Label = bool | int | str
"""A class as it stands in the target column."""

PATTERNS = {
    r"^[A-Za-z_][A-Za-z0-9_-]{0,39}$": "a name of letters, digits, _ and -, at most 40, that begins with no digit or -",
    r"^([1-9][0-9]*(\.[0-9]+)?|0?\.[0-9]*[1-9][0-9]*)(s|m|h)$": "a time such as 90s, 30m or 2h",
    r"^[1-9][0-9]{0,5} (hour|day|week|month)s?$": "a stretch such as 90 days or 3 months",
    r"^[a-z0-9-]{1,40}$": "lower-case letters, digits and hyphens, at most 40",
    r"^[a-z][a-z0-9-]{0,39}$": "lower-case letters, digits and hyphens, at most 40, beginning with a letter",
    r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$": "package.module:function",
    r"^(0|[1-9][0-9]?)(\.[0-9]{1,4})? ?%( of gain)?$": "a share of the reference such as '2 %', or '10 % of gain'",
}
"""What messages say instead of a pattern."""

Relative = Annotated[str, StringConstraints(pattern=r"^(0|[1-9][0-9]?)(\.[0-9]{1,4})? ?%( of gain)?$")]


def wrong(found: str, *, at: tuple[str | int, ...] = (), hint: str = "") -> PydanticCustomError:
    """A mistake that only a look at several keys shows; ``at`` is the key to blame, relative to the section."""
    return PydanticCustomError("modelyard", "{found}", {"found": found, "at": at, "hint": hint})


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:  # unknown, a folder of zones, or no name at all
        hint = nearest(name, available_timezones())
        raise wrong(f"{name[:60]!r} is no time zone of the IANA list", hint=hint or "Example: Europe/Paris.") from error
    return name


class Section(BaseModel):
    """A part of the configuration: immutable, and unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, use_attribute_docstrings=True)


class Maximise(Section):
    """A threshold that is chosen on the training folds."""

    maximise: ThresholdGoal
    """What is best on the rows that each fold's model had not seen; cost: the least of the one metric with costs."""


class Model(Section):
    """What is being modelled."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,40}$")]
    """Name of the model: lower-case letters, digits and hyphens, at most 40."""
    task: Task
    """Kind of prediction."""
    positive: Label | None = None
    """The positive class of a binary task, as it stands in the target column. Default: true, 1 or the greater label."""
    metric: Text | None = None
    """Primary metric, used by the default gates. Default: roc_auc, log_loss or root_mean_squared_error, by task."""
    threshold: Annotated[float, Field(gt=0, lt=1)] | Maximise = 0.5
    """Probability from which a binary prediction counts as positive, or what it is chosen to maximise on the training
    folds. It is stored with the model."""
    format: Format = "skops"
    """How a Python model is stored. joblib is a pickle, which runs code when it is loaded: choose it knowingly."""

    @model_validator(mode="after")
    def _chosen_threshold_is_binary(self) -> Self:
        if isinstance(self.threshold, Maximise) and self.task != "binary":
            raise wrong(
                f"a threshold means nothing in a {self.task} task",
                at=("threshold",),
                hint="Remove it, or set task: binary.",
            )
        return self

    @model_validator(mode="after")
    def _positive_is_binary(self) -> Self:
        if self.positive is not None and self.task != "binary":
            raise wrong(
                f"a positive class means nothing in a {self.task} task",
                at=("positive",),
                hint="Remove it, or set task: binary.",
            )
        return self


class UnitEvery(Section):
    """Rows of one stretch of the time column depend on each other."""

    every: TimeUnit
    """Length of the stretch."""
    zone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    """IANA time zone in which the stretches begin."""


class UnitColumn(Section):
    """Rows with one value of a column depend on each other."""

    column: Text
    """Name of the column."""


class Columns(Section):
    """What the columns mean."""

    target: Text
    """The column to predict."""
    id: Text | None = None
    """Names a row. Default: the row's number."""
    time: Text | None = None
    """When the row happened; splits and folds by time follow it."""
    unit: UnitEvery | UnitColumn | Text | None = None
    """What is independent: {every: day, zone: …} or {column: store}. Default: the day of the time, else the row."""
    group: Text | None = None
    """Rows of one group never fall on both sides of a split."""
    weight: Text | None = None
    """Weight of a row in training and judging."""
    personal: tuple[Text, ...] = ()
    """Columns with personal data; their values appear nowhere."""
    protected: tuple[Text, ...] = ()
    """Columns that the model may not use, kept for slices."""
    drop: tuple[Text, ...] = ()
    """Columns that the challenger may not use, such as the target in disguise."""

    @model_validator(mode="after")
    def _roles_go_together(self) -> Self:
        for role in ("id", "time", "group", "weight"):
            if getattr(self, role) == self.target:
                raise wrong(
                    f"{self.target!r} is the target already", at=(role,), hint="Name another column, or remove the key."
                )
        for role in ("personal", "protected", "drop"):
            named = getattr(self, role)
            if role != "personal" and self.target in named:
                raise wrong(
                    f"{self.target!r} is the target, which no model sees anyway",
                    at=(role, named.index(self.target)),
                    hint="Remove it from the list.",
                )
        if isinstance(self.unit, UnitEvery) and self.time is None:
            raise wrong(f"a unit of every {self.unit.every} needs a time column", at=("unit",), hint="Name time: too.")
        return self


class Split(Section):
    """How one data set becomes training and test rows."""

    of: Text
    """Name of the set to split."""
    by: SplitMethod
    """time: the newest rows are the test; hash: by a column's value; stratified: at random within each class."""
    test: Stretch | Annotated[float, Field(gt=0, lt=1)] = 0.2
    """A stretch such as "3 months" (by time), or a share of the rows."""
    column: Text | None = None
    """The column whose hashed value decides (by hash). Default: the group, else the id."""
    seed: int = 0
    """Changes which rows a hash or stratified split picks."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.by != "time" and isinstance(self.test, str):
            raise wrong(
                f"a split by {self.by} takes a share of the rows, not {self.test!r}",
                at=("test",),
                hint="Write 0.2, say.",
            )
        if self.by != "hash" and self.column is not None:
            raise wrong(f"a split by {self.by} takes no column", at=("column",), hint="Remove it, or write by: hash.")
        return self


class Data(Section):
    """Which data, and what it means."""

    sets: Annotated[dict[Name, Text], Field(min_length=1)]
    """Named data sets: a path or glob of Parquet or CSV files, relative to this file."""
    columns: Columns
    """What the columns mean."""
    split: Split | None = None
    """How to make training and test rows of one set; or name two sets train and test."""
    missing_target: MissingTarget = "error"
    """What to do with rows that have no target."""

    @model_validator(mode="after")
    def _split_names_a_set(self) -> Self:
        if self.split and self.split.of not in self.sets:
            raise wrong(
                f"there is no data set {self.split.of!r}; sets are {', '.join(self.sets)}",
                at=("split", "of"),
                hint=nearest(self.split.of, self.sets) or "Name one of them.",
            )
        if self.split is None and not {"train", "test"} <= set(self.sets) and set(self.sets) != {"test"}:
            raise wrong(
                f"nothing says which rows are for training and which for the test; sets are {', '.join(self.sets)}",
                hint="Name how to split one set, such as split: {of: "
                f"{next(iter(self.sets))}, by: stratified, test: 0.2}}, or name two sets train and test.",
            )
        if self.split and self.split.by == "time" and self.columns.time is None:
            raise wrong(
                "a split by time needs a time column", at=("split", "by"), hint="Name columns.time, or split by hash."
            )
        if (
            self.split
            and self.split.by == "hash"
            and (self.split.column or self.columns.group or self.columns.id) is None
        ):
            raise wrong(
                "a split by hash needs a column whose value decides",
                at=("split", "by"),
                hint="Name split.column, columns.group or columns.id.",
            )
        return self


class Validate(Section):
    """Expectation suites."""

    suites: Annotated[dict[Name, Text], Field(min_length=1)]
    """Great Expectations suite file per data set."""


ParameterValue = bool | int | float | str | None | list[bool | int | float | str | None]


class Candidate(Section):
    """An estimator and the values of its parameters to try."""

    estimator: Text
    """Dotted name of a scikit-learn estimator."""
    params: dict[str, ParameterValue] = Field(default_factory=dict)
    """Parameter values; a list is a grid dimension."""


class Search(Section):
    """How candidates are compared on training rows."""

    method: Literal["grid"] = "grid"
    """Every combination of the listed values."""
    folds: Annotated[int, Field(ge=2, le=50)] = 5
    """Cross-validation folds; they follow time where a time column is declared, and never split a group."""


class Train(Section):
    """How the challenger is made: candidates, entrypoint or command."""

    candidates: tuple[Candidate, ...] = ()
    """scikit-learn estimators to search over."""
    search: Search = Search()
    """How candidates are compared."""
    entrypoint: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")] | None = None
    """package.module:function, called as fit(data, parameters, seed) and returning the model."""
    parameters: dict[str, ParameterValue] = Field(default_factory=dict)
    """Parameters handed to the entrypoint."""
    command: Text | None = None
    """Any training command; {train}, {test} (files in the format of the source), {model_dir} and {seed} are filled in.
    No shell is involved."""
    environment: Text | None = None
    """Hash-locked requirements file of the command's own environment, for what cannot live beside modelyard's."""
    python_path: tuple[Text, ...] = Field(default=(), alias="python-path")
    """Folders appended to the import path for the entrypoint and its model."""
    metrics: Text | None = None
    """A metrics file (JSON) that the command writes, shown in the report."""
    timeout: Duration = "6h"
    """Longest time that a command may take: 90s, 30m, 2h."""
    class_weight: Literal["balanced"] | None = None
    """Weigh classes inversely to their share of the training rows."""
    seed: int = 0
    """Seed of everything random in training."""
    jobs: Annotated[int, Field(ge=-1)] = -1
    """Processes for the search; -1: one a core."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = [name for name in TRAINING_WAYS if getattr(self, name) not in (None, ())]
        if len(ways) != 1:
            found = " and ".join(ways) or "none of them"
            raise wrong(
                f"exactly one of candidates, entrypoint and command says how to train; found {found}",
                at=(ways[1],) if len(ways) > 1 else (),
                hint="Keep one of them." if ways else "Name one of them.",
            )
        return self


class Checks(Section):
    """Checks beside the gates: report shows what they find, gate holds the model to it."""

    calibration: CheckMode = "report"
    """Whether predicted probabilities are observed shares. As a gate: slope 1 and intercept 0 within their intervals'
    reach, the debiased error at most calibration_error."""
    calibration_error: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """Largest calibration error that counts as calibrated."""
    changed_predictions: CheckMode = "report"
    """Labels that differ from the champion's. As a gate: at most changed_share of the rows go from right to wrong."""
    changed_share: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """Largest share of rows that may go from right to wrong."""
    train_test_gap: CheckMode = "report"
    """How much better the model is on the rows it learned from. It is a symptom, and never a gate's matter by default.
    As a gate: at most gap, in the primary metric's unit."""
    discovered_slices: Literal["off", "report"] = "report"
    """Slices that no gate names in which the model loses, looked for among columns that are neither personal, nor id,
    time, or target. They are reported and never gate."""
    gap: Annotated[float, Field(gt=0)] = 0.1
    """Largest gap between training and test rows, in the primary metric's own unit."""


class Predict(Section):
    """How to score rows where the model is neither scikit-learn nor pyfunc."""

    command: Text
    """Scoring command; {model_dir}, {rows} and {predictions} (Parquet), or {rows_csv} and {predictions_csv}, are filled
    in. No shell is involved."""
    timeout: Duration = "1h"
    """Longest time that it may take."""


NamedSlices = Annotated[
    dict[Text, Label | Annotated[tuple[Label, ...], Field(min_length=1)]], Field(min_length=1, max_length=1)
]
"""One column, and one or more of its values."""


class Gate(Section):
    """One rule that the challenger must meet."""

    metric: Text
    """A metric by scikit-learn's name, without neg_."""
    at_least: float | None = None
    """The metric's lower confidence limit must reach this."""
    at_most: float | None = None
    """The metric's upper confidence limit may not exceed this."""
    between: Annotated[tuple[float, ...], Field(min_length=2, max_length=2)] | None = None
    """The whole confidence interval must lie between these two."""
    no_worse_than: Reference | None = None
    """Worse than this reference by less than the margin, with confidence."""
    better_than: Reference | None = None
    """Better than this reference by more than the margin, with confidence."""
    margin: Annotated[float, Field(ge=0)] | Relative | None = None
    """Size of a difference that matters: in the metric's own unit, or '2 %' of the reference's value, or
    '10 % of gain', the reference's gain over the baseline."""
    by: tuple[Text | NamedSlices, ...] = ()
    """Columns whose values are judged as slices too: one that is surely beyond the bound fails the gate. A slice named
    by its value, {carrier: AA} or {carrier: [AA, UA]}, must be judged: the gate cannot pass while that slice cannot."""
    require: Literal["guard", "every"] = "guard"
    """every: each slice has to reach the bound on its own, with confidence."""
    slice_drop: Annotated[float, Field(gt=0)] | None = None
    """A shortfall that a slice's rows have to be able to show; 0.10 for proportions and areas, a tenth of the bound for
    losses."""
    inconclusive: Literal["hold", "allow"] = "hold"
    """allow: an inconclusive gate is counted and shown, and does not hold the model back."""

    @model_validator(mode="after")
    def _one_operator(self) -> Self:
        named = [operator for operator in OPERATORS if getattr(self, operator) is not None]
        if len(named) != 1:
            found = " and ".join(named) or "none of them"
            raise wrong(
                f"a gate has exactly one of {', '.join(OPERATORS)}; found {found}",
                at=(named[1],) if len(named) > 1 else (),
                hint="Make two gates of it." if named else "Example: at_least: 0.8",
            )
        if not self.by and (self.require == "every" or self.slice_drop is not None):
            raise wrong(
                "require and slice_drop are about slices, and this gate names none",
                at=("require" if self.require == "every" else "slice_drop",),
                hint="Add by: [column], or remove it.",
            )
        if self.between is not None and not self.between[0] < self.between[1]:
            raise wrong(
                f"between [{self.between[0]:g}, {self.between[1]:g}] holds no number",
                at=("between",),
                hint="The smaller number comes first.",
            )
        if self.between is not None and self.by and self.require != "every":
            raise wrong(
                "between has two ends, and slices as a guard watch one",
                at=("between",),
                hint="Add require: every, or write at_least and at_most as two gates.",
            )
        if "of gain" in str(self.margin) and "baseline" in (self.no_worse_than, self.better_than):
            raise wrong(
                "a gain is counted from the baseline, so the baseline itself has none",
                at=("margin",),
                hint="Write a number in the metric's own unit.",
            )
        if self.no_worse_than and self.margin is None:
            raise wrong(
                "no_worse_than needs a margin: how much worse is still acceptable, in the metric's own unit",
                at=("no_worse_than",),
                hint="Example: margin: 0.005",
            )
        if self.margin is not None and not (self.no_worse_than or self.better_than):
            raise wrong(
                f"a margin belongs to no_worse_than or better_than, not to {named[0]}",
                at=("margin",),
                hint="Remove it, or use one of those.",
            )
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it slices by."""
        names = [each if isinstance(each, str) else next(iter(each)) for each in self.by]
        return tuple(dict.fromkeys(names))

    @property
    def whole_columns(self) -> tuple[str, ...]:
        """Those of which every value is a slice."""
        return tuple(dict.fromkeys(each for each in self.by if isinstance(each, str)))

    @property
    def named_slices(self) -> tuple[tuple[str, str], ...]:
        """Column and value of each slice that must be judged."""
        found: list[tuple[str, str]] = []
        for each in self.by:
            for column, values in () if isinstance(each, str) else each.items():
                found += [(column, str(value)) for value in (values if isinstance(values, tuple) else (values,))]
        return tuple(dict.fromkeys(found))

    @property
    def operator(self) -> Operator:
        """Which of the operators this gate uses."""
        return next(operator for operator in OPERATORS if getattr(self, operator) is not None)


class Cost(Section):
    """What one kind of mistake costs."""

    actual: Label
    """The class that a row has."""
    predicted: Label
    """The class that the model gives it."""
    cost: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """Cost of one such row, in any unit."""


class OwnMetric(Section):
    """A metric of your own: a function, or what each kind of mistake costs."""

    function: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")] | None = None
    """package.module:function in a file beside this one, called as metric(actual, predicted) with two arrays, returning
    a number. It runs in a process of its own; the module may import installed packages, and no other file."""
    higher_is_better: bool | None = None
    """Which way is better; a function must say it."""
    needs: PredictionKind = "label"
    """What the function gets as predictions: labels, probabilities (of the positive class, or one column a class), or
    the numbers of a regression."""
    costs: tuple[Cost, ...] = ()
    """Cost of each kind of mistake; what is not named costs nothing. The metric is the mean cost of a row."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.function is None) == (not self.costs):
            found = "both" if self.costs else "neither"
            raise wrong(f"a metric is a function or a list of costs; found {found}", hint="Name one of them.")
        if self.function and self.higher_is_better is None:
            raise wrong(
                "a metric of your own has to say which way is better",
                at=("function",),
                hint="Add higher_is_better: true, or false.",
            )
        if self.costs and self.higher_is_better:
            raise wrong("of costs, less is better", at=("higher_is_better",), hint="Remove it.")
        pairs = [(repr(each.actual), repr(each.predicted)) for each in self.costs]
        if len(set(pairs)) < len(pairs):
            raise wrong("the same mistake is named twice", at=("costs",), hint="Keep one of them.")
        return self


class Evaluate(Section):
    """How the challenger is judged. With nothing here, the default gates are on."""

    gates: tuple[Gate, ...] = ()
    """The rules; empty: the defaults of docs/statistics.md."""
    metrics: dict[Name, OwnMetric] = Field(default_factory=dict)
    """Metrics of your own, by the name that gates call them."""
    waivers: Text | None = None
    """A file of waivers: gates that may be missed for a while, with a reason and an owner."""
    behaviour: Text | None = None
    """A file of behaviour tests: what the model must do on rows that are changed or made up."""
    checks: Checks = Checks()
    """Checks beside the gates, each off, report or gate."""
    predict: Predict | None = None
    """How to score rows with a model that is not scikit-learn's."""
    challenger: Text | None = None
    """What to judge where nothing is trained here: a prediction file."""
    champion: Text | None = None
    """The champion's predictions for today's test rows, where it exists as predictions only."""
    confidence: Annotated[float, Field(ge=0.5, lt=1)] = 0.95
    """Level of the two-sided intervals that are printed and that decide."""


class Keep(Section):
    """How long versions keep their bytes when `modelyard gc` is run; manifests and history stay for good.

    Whatever stands here, a version stays while an alias points at it or pointed at it before its last move, and while
    an evaluation of the last 30 days may need it.
    """

    versions: Annotated[int, Field(ge=0, le=10**9)] = 20
    """The last versions that served."""
    days: Annotated[int, Field(ge=0, le=36_500)] = 365
    """Every version that served in as many days."""


class Registry(Section):
    """Where versions and aliases live."""

    kind: Literal["auto", RegistryKind] = "auto"
    """auto: local at a desk, github in GitHub Actions."""
    alias: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")] = "champion"
    """The alias that promotion moves."""
    durable: bool = False
    """The local registry's folder outlives the job, so a hosted runner may use it."""
    keep: Keep = Keep()
    """What `modelyard gc` keeps."""
    via: Literal["direct", "pull-request"] = "direct"
    """How a promotion moves the alias in GitHub Actions: at once, or when a small pull request is merged."""
    allow_pickles: bool = Field(default=False, alias="allow-pickles")
    """A version that is stored as a pickle may be loaded for scoring and proofs. model.format joblib allows it too."""
    uri: Text | None = None
    """Address of the MLflow server, without credentials. Default: the variable MLFLOW_TRACKING_URI."""

    @model_validator(mode="after")
    def _uri_is_mlflows(self) -> Self:
        if self.uri is not None and self.kind in ("local", "github"):
            raise wrong(
                f"the {self.kind} registry has no uri",
                at=("uri",),
                hint="Remove it, or write kind: mlflow.",
            )
        return self


class Config(Section):
    """modelyard.yml."""

    model: Model
    """What is being modelled."""
    data: Data
    """Which data, and what it means."""
    validate_: Annotated[Validate | None, Field(alias="validate")] = None
    """Expectation suites."""
    train: Train | None = None
    """How the challenger is made; absent where evaluate.challenger names predictions."""
    requirements: Text | None = None
    """Your pins, installed beside modelyard's: names, versions, markers and hashes only."""
    evaluate: Evaluate = Evaluate()
    """How the challenger is judged."""
    registry: Registry = Registry()
    """Where versions and aliases live."""
    mode: Literal["gate", "report-only"] = "gate"
    """report-only: judge and report, promote nothing, and never end red for the model's quality."""

    @property
    def may_load_pickles(self) -> bool:
        """Whether a stored pickle may be loaded, which runs the code in it."""
        return self.registry.allow_pickles or self.model.format == "joblib"

    @model_validator(mode="after")
    def _something_to_judge(self) -> Self:
        if self.train is None and self.evaluate.challenger is None:
            raise wrong(
                "nothing to judge: neither train nor evaluate.challenger is here",
                hint="Name train: how the challenger is made, or evaluate.challenger: a file of its predictions.",
            )
        if self.train and self.evaluate.challenger:
            raise wrong(
                "train and evaluate.challenger are both here, and only one of them can be judged",
                at=("evaluate", "challenger"),
                hint="Keep one of them.",
            )
        if self.train and self.train.command and self.evaluate.predict is None:
            raise wrong(
                "a model of train.command can only be scored by a command",
                at=("train", "command"),
                hint="Name evaluate.predict.command, such as "
                '"python predict.py {model_dir} {rows_csv} {predictions_csv}".',
            )
        for name in self.validate_.suites if self.validate_ else ():
            if name not in self.data.sets:
                raise wrong(
                    f"there is no data set {name!r}; sets are {', '.join(self.data.sets)}",
                    at=("validate", "suites", name),
                    hint=nearest(name, self.data.sets) or "Name one of them.",
                )
        if self.model.task == "regression" and self.data.split and self.data.split.by == "stratified":
            raise wrong(
                "a stratified split needs classes, which a regression does not have",
                at=("data", "split", "by"),
                hint="Split by time, or by hash of a column.",
            )
        return self

    @model_validator(mode="after")
    def _baseline_has_rows_to_learn_from(self) -> Self:
        gates = self.evaluate.gates
        against = [
            at
            for at, gate in enumerate(gates)
            if "baseline" in (gate.no_worse_than, gate.better_than) or "of gain" in str(gate.margin)
        ]
        if self.data.split is None and "train" not in self.data.sets and (against or not gates):
            raise wrong(
                "the baseline is fitted on training rows, and there are none here",
                at=("evaluate", "gates", *against[:1]) if gates else (),
                hint="Name a set train beside test, or write gates with at_least, at_most or a champion alone.",
            )
        return self

    @model_validator(mode="after")
    def _gating_checks_can_be_made(self) -> Self:
        checks = self.evaluate.checks
        for check, cannot, why in (
            (
                "calibration",
                self.model.task != "binary",
                f"is of binary probabilities, and this is a {self.model.task} task",
            ),
            ("changed_predictions", self.model.task == "regression", "are labels, which a regression does not have"),
            (
                "train_test_gap",
                self.evaluate.challenger is not None,
                "needs training rows scored; predictions score none",
            ),
        ):
            if cannot and getattr(checks, check) == "gate":
                raise wrong(
                    f"{check} {why}",
                    at=("evaluate", "checks", check),
                    hint="Write report, or off: nothing could pass it.",
                )
        return self
