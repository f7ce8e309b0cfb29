"""``evaluate``: how the challenger is judged."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from modelyard.config.sections.gate import Gate
from modelyard.core.sections import Duration, FunctionName, Label, Name, Section, Text, wrong
from modelyard.core.vocabulary import CheckMode, PredictionKind


class Checks(Section):
    """Checks beside the gates: report shows what they find, gate holds the model to it."""

    calibration: CheckMode = "report"
    """Whether predicted probabilities are observed shares. As a gate: the upper limit of the debiased error at
    most calibration_error; it cannot tell on rows too few for that."""
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
    importance: Literal["off", "report"] = "report"
    """Permutation importance of champion and challenger on a sample of the test rows, where the model is loaded and
    not asked by a command. It never gates."""
    gap: Annotated[float, Field(gt=0)] = 0.1
    """Largest gap between training and test rows, in the primary metric's own unit."""


class Predict(Section):
    """How to score rows where the model is neither scikit-learn nor pyfunc."""

    command: Text
    """Scoring command; {model_dir}, {rows} and {predictions} (Parquet), or {rows_csv} and {predictions_csv}, are filled
    in. No shell is involved."""
    timeout: Duration = "1h"
    """Longest time that it may take."""


class Cost(Section):
    """What one kind of mistake costs."""

    actual: Label
    """The class that a row has."""
    predicted: Label
    """The class that the model gives it."""
    cost: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """Cost of one such row, in any unit."""


class OwnMetric(Section):
    """A custom metric: a function, what each kind of mistake costs, or a metric of modelyard's with its parameter."""

    function: FunctionName | None = None
    """package.module:function in a file beside this one, called as metric(actual, predicted) with two arrays, returning
    a number. It runs in a process of its own; the module may import installed packages, and no other file."""
    higher_is_better: bool | None = None
    """Which way is better; a function must say it."""
    needs: PredictionKind = "label"
    """What the function gets as predictions: labels, probabilities (of the positive class, or one column a class), or
    the numbers of a regression."""
    costs: tuple[Cost, ...] = ()
    """Cost of each kind of mistake; what is not named costs nothing. The metric is the mean cost of a row."""
    metric: Text | None = None
    """A metric with a parameter: top_k_accuracy with k, mean_tweedie_deviance with power, or, of one class of several,
    roc_auc, average_precision, recall, precision or f1 with positive."""
    k: Annotated[int, Field(ge=1)] | None = None
    """Of top_k_accuracy: how many classes a row's own may be among."""
    power: Annotated[float, Field(allow_inf_nan=False)] | None = None
    """Of mean_tweedie_deviance: 1 to 2 for claims with many zeros; nothing between 0 and 1."""
    positive: Label | None = None
    """Of a metric of one class of several: the class, as it stands in the target column."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = {"function": self.function, "costs": self.costs, "metric": self.metric}
        named = [name for name, value in kinds.items() if value]
        if len(named) != 1:
            raise wrong(
                f"a metric is a function, a list of costs, or a metric with its parameter; "
                f"found {' and '.join(named) or 'none of them'}",
                code="config/metric-kind",
                hint="Name one of function, costs and metric.",
            )
        if self.metric is None and self.parameters:
            raise wrong(
                f"{' and '.join(self.parameters)} belongs to a metric with a parameter, and {named[0]} takes none",
                code="config/metric-parameter",
                at=(next(iter(self.parameters)),),
                hint="Remove it, or name the metric.",
            )
        if self.metric is not None and self.higher_is_better is not None:
            raise wrong(
                "which way is better follows from the metric",
                code="config/metric-direction",
                at=("higher_is_better",),
                hint="Remove it.",
            )
        if self.function and self.higher_is_better is None:
            raise wrong(
                "a custom metric has to say which way is better",
                code="config/metric-direction",
                at=("function",),
                hint="Add higher_is_better: true, or false.",
            )
        if self.costs and self.higher_is_better:
            raise wrong(
                "of costs, less is better", code="config/metric-direction", at=("higher_is_better",), hint="Remove it."
            )
        pairs = [(repr(each.actual), repr(each.predicted)) for each in self.costs]
        if len(set(pairs)) < len(pairs):
            raise wrong(
                "the same mistake is named twice", code="config/duplicate-cost", at=("costs",), hint="Keep one of them."
            )
        return self

    @property
    def parameters(self) -> dict[str, Any]:
        """Return what is given of ``k``, ``power`` and ``positive``."""
        given = {"k": self.k, "power": self.power, "positive": self.positive}
        return {name: value for name, value in given.items() if value is not None}


class Evaluate(Section):
    """How the challenger is judged. With nothing here, the default gates are on."""

    gates: tuple[Gate, ...] = ()
    """The rules; empty: the defaults of docs/statistics.md."""
    metrics: dict[Name, OwnMetric] = Field(default_factory=dict)
    """Custom metrics, by the name that gates call them."""
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
    worth: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """Share of the way from the baseline to a perfect score that the default gates ask of a first model."""
    confidence: Annotated[float, Field(ge=0.5, lt=1)] = 0.95
    """Level of the two-sided intervals that are printed and that decide."""

    @property
    def metric_files(self) -> dict[str, str]:
        """Return the file of each metric that is a function, relative to modelyard.yml, by the metric's name."""
        named = {name: own.function for name, own in self.metrics.items()}
        return {name: f"{each.partition(':')[0].replace('.', '/')}.py" for name, each in named.items() if each}
