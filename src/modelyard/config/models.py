"""modelyard.yml as pydantic models; the published JSON Schema comes from here, descriptions included."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,39}$")]
Label = bool | int | str
"""A class as it stands in the target column."""

Operator = Literal["at_least", "at_most", "no_worse_than", "better_than"]
OPERATORS: tuple[Operator, ...] = ("at_least", "at_most", "no_worse_than", "better_than")


class Section(BaseModel):
    """A part of the configuration: immutable, and unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, use_attribute_docstrings=True)


class Model(Section):
    """What is being modelled."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,40}$")]
    """Name of the model: lower-case letters, digits and hyphens, at most 40."""
    task: Literal["binary", "multiclass", "regression"]
    """Kind of prediction."""
    positive: Label | None = None
    """The positive class of a binary task, as it stands in the target column. Default: true, 1 or the greater label."""
    metric: str | None = None
    """Primary metric, used by the default gates. Default: roc_auc, log_loss or rmse, by task."""
    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Probability from which a binary prediction counts as positive."""
    format: Literal["skops", "joblib"] = "skops"
    """How a Python model is stored. joblib is a pickle, which runs code when it is loaded: choose it knowingly."""


class UnitEvery(Section):
    """Rows of one stretch of the time column depend on each other."""

    every: Literal["hour", "day", "week", "month"]
    """Length of the stretch."""
    zone: str = "UTC"
    """IANA time zone in which the stretches begin."""


class UnitColumn(Section):
    """Rows with one value of a column depend on each other."""

    column: str
    """Name of the column."""


class Columns(Section):
    """What the columns mean."""

    target: str
    """The column to predict."""
    id: str | None = None
    """Names a row. Default: the row's number."""
    time: str | None = None
    """When the row happened; splits and folds by time follow it."""
    unit: UnitEvery | UnitColumn | str | None = None
    """What is independent: {every: day, zone: …} or {column: store}. Default: the day of the time, else the row."""
    group: str | None = None
    """Rows of one group never fall on both sides of a split."""
    weight: str | None = None
    """Weight of a row in training and judging."""
    personal: tuple[str, ...] = ()
    """Columns with personal data; their values appear nowhere."""
    protected: tuple[str, ...] = ()
    """Columns that the model may not use, kept for slices."""
    drop: tuple[str, ...] = ()
    """Columns that the challenger may not use, such as the target in disguise."""


class Split(Section):
    """How one data set becomes training and test rows."""

    of: str
    """Name of the set to split."""
    by: Literal["time", "hash", "stratified"]
    """time: the newest rows are the test; hash: by a column's value; stratified: at random within each class."""
    test: str | Annotated[float, Field(gt=0, lt=1)] = 0.2
    """A stretch such as "3 months" (by time), or a share of the rows."""
    column: str | None = None
    """The column whose hashed value decides (by hash). Default: the group, else the id."""
    seed: int = 0
    """Changes which rows a hash or stratified split picks."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.by != "time" and isinstance(self.test, str):
            raise ValueError(f"test: a split by {self.by} takes a share of the rows such as 0.2, not {self.test!r}")
        return self


class Data(Section):
    """Which data, and what it means."""

    sets: Annotated[dict[Name, str], Field(min_length=1)]
    """Named data sets: a path or glob of Parquet or CSV files, relative to this file."""
    columns: Columns
    """What the columns mean."""
    split: Split | None = None
    """How to make training and test rows of one set; or name two sets train and test."""
    missing_target: Literal["error", "drop"] = "error"
    """What to do with rows that have no target."""

    @model_validator(mode="after")
    def _split_names_a_set(self) -> Self:
        if self.split and self.split.of not in self.sets:
            raise ValueError(f"split.of: no set {self.split.of!r}; sets are {', '.join(self.sets)}")
        if self.split is None and not {"train", "test"} <= set(self.sets) and set(self.sets) != {"test"}:
            raise ValueError("name how to split one set (split: …), or name two sets train and test")
        if self.split and self.split.by == "time" and self.columns.time is None:
            raise ValueError("split.by: time needs columns.time")
        return self


class Validate(Section):
    """Expectation suites."""

    suites: Annotated[dict[Name, str], Field(min_length=1)]
    """Great Expectations suite file per data set."""


ParameterValue = bool | int | float | str | None | list[bool | int | float | str | None]


class Candidate(Section):
    """An estimator and the values of its parameters to try."""

    estimator: str
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
    command: str | None = None
    """Any training command; {train}, {test}, {model_dir} and {seed} are filled in. No shell is involved."""
    environment: str | None = None
    """Hash-locked requirements file of the command's own environment, for what cannot live beside modelyard's."""
    python_path: tuple[str, ...] = Field(default=(), alias="python-path")
    """Folders appended to the import path for the entrypoint and its model."""
    metrics: str | None = None
    """A metrics file (JSON) that the command writes, shown in the report."""
    timeout: str = "6h"
    """Longest time that a command may take: 90s, 30m, 2h."""
    class_weight: Literal["balanced"] | None = None
    """Weigh classes inversely to their share of the training rows."""
    seed: int = 0
    """Seed of everything random in training."""
    jobs: Annotated[int, Field(ge=-1)] = -1
    """Processes for the search; -1: one a core."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = [name for name in ("candidates", "entrypoint", "command") if getattr(self, name) not in (None, ())]
        if len(ways) != 1:
            found = " and ".join(ways) or "none of them"
            raise ValueError(f"name exactly one of candidates, entrypoint, command; found {found}")
        return self


class Predict(Section):
    """How to score rows where the model is neither scikit-learn nor pyfunc."""

    command: str
    """Scoring command; {model_dir}, {rows} and {predictions} (Parquet) are filled in. No shell is involved."""
    timeout: str = "1h"
    """Longest time that it may take."""


class Gate(Section):
    """One rule that the challenger must meet."""

    metric: str
    """A metric by scikit-learn's name, without neg_."""
    at_least: float | None = None
    """The metric's lower confidence limit must reach this."""
    at_most: float | None = None
    """The metric's upper confidence limit may not exceed this."""
    no_worse_than: Literal["champion", "baseline"] | None = None
    """Worse than this reference by less than the margin, with confidence."""
    better_than: Literal["champion", "baseline"] | None = None
    """Better than this reference by more than the margin, with confidence."""
    margin: Annotated[float, Field(ge=0)] | None = None
    """Size of a difference that matters, in the metric's own unit."""
    by: tuple[str, ...] = ()
    """Columns whose values are judged as slices too."""
    inconclusive: Literal["hold", "allow"] = "hold"
    """allow: an inconclusive gate is counted and shown, and does not hold the model back."""

    @model_validator(mode="after")
    def _one_operator(self) -> Self:
        named = [operator for operator in OPERATORS if getattr(self, operator) is not None]
        if len(named) != 1:
            found = " and ".join(named) or "none of them"
            raise ValueError(f"name exactly one of {', '.join(OPERATORS)}; found {found}")
        if self.no_worse_than and self.margin is None:
            raise ValueError("no_worse_than needs a margin: how much worse is still acceptable, in the metric's unit")
        if self.margin is not None and not (self.no_worse_than or self.better_than):
            raise ValueError("margin belongs to no_worse_than or better_than")
        return self

    @property
    def operator(self) -> Operator:
        """Which of the four operators this gate uses."""
        return next(operator for operator in OPERATORS if getattr(self, operator) is not None)


class Evaluate(Section):
    """How the challenger is judged. With nothing here, the default gates are on."""

    gates: tuple[Gate, ...] = ()
    """The rules; empty: the defaults of docs/statistics.md."""
    predict: Predict | None = None
    """How to score rows with a model that is not scikit-learn's."""
    challenger: str | None = None
    """What to judge where nothing is trained here: a prediction file."""
    champion: str | None = None
    """The champion's predictions for today's test rows, where it exists as predictions only."""
    confidence: Annotated[float, Field(ge=0.5, lt=1)] = 0.95
    """Level of the two-sided intervals that are printed and that decide."""


class Registry(Section):
    """Where versions and aliases live."""

    kind: Literal["auto", "local", "github", "mlflow"] = "auto"
    """auto: local at a desk, github in GitHub Actions."""
    alias: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")] = "champion"
    """The alias that promotion moves."""
    durable: bool = False
    """The local registry's folder outlives the job, so a hosted runner may use it."""


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
    requirements: str | None = None
    """Your pins, installed beside modelyard's: names, versions, markers and hashes only."""
    evaluate: Evaluate = Evaluate()
    """How the challenger is judged."""
    registry: Registry = Registry()
    """Where versions and aliases live."""
    mode: Literal["gate", "report-only"] = "gate"
    """report-only: judge and report, promote nothing, and never end red for the model's quality."""

    @model_validator(mode="after")
    def _something_to_judge(self) -> Self:
        if self.train is None and self.evaluate.challenger is None:
            raise ValueError("nothing to judge: name train, or evaluate.challenger (a prediction file)")
        if self.train and self.evaluate.challenger:
            raise ValueError("name train or evaluate.challenger, not both")
        if self.train and self.train.command and self.evaluate.predict is None:
            raise ValueError("train.command needs evaluate.predict.command, so that its model can be scored")
        if self.validate_:
            unknown = [name for name in self.validate_.suites if name not in self.data.sets]
            if unknown:
                raise ValueError(f"validate.suites: no set {unknown[0]!r}; sets are {', '.join(self.data.sets)}")
        return self
