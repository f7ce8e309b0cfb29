"""``model``: what is being modelled."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from modelyard.core.sections import Label, Section, Text, worded, wrong
from modelyard.core.vocabulary import Format, Task, ThresholdGoal


class Maximise(Section):
    """A threshold that is chosen on the training folds."""

    maximise: ThresholdGoal
    """What is best on the rows that each fold's model had not seen; cost: the least of the one metric with costs."""


class Model(Section):
    """What is being modelled."""

    name: Annotated[str, worded(r"^[a-z0-9-]{1,40}$", "lower-case letters, digits and hyphens, at most 40")]
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
                code="config/not-for-this-task",
                at=("threshold",),
                hint="Remove it, or set task: binary.",
            )
        return self

    @model_validator(mode="after")
    def _positive_is_binary(self) -> Self:
        if self.positive is not None and self.task != "binary":
            raise wrong(
                f"a positive class means nothing in a {self.task} task",
                code="config/not-for-this-task",
                at=("positive",),
                hint="Remove it, or set task: binary.",
            )
        return self
