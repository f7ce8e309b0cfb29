"""``train``: how the challenger is made."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from modelyard.core.sections import Duration, FunctionName, Label, Section, Text, wrong
from modelyard.core.vocabulary import TRAINING_WAYS

ParameterValue = bool | int | float | str | None | list[bool | int | float | str | None]


class Candidate(Section):
    """An estimator and the values of its parameters to try."""

    estimator: Text
    """Dotted name of a scikit-learn estimator."""
    params: dict[str, ParameterValue] = Field(default_factory=dict)
    """Parameter values; a list is a grid dimension."""
    preprocess: Literal["auto", "none"] = "auto"
    """auto: missing numbers are filled, numbers scaled and categories encoded, as far as the estimator needs it; none:
    it gets the numbers as they are, and text is refused."""


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
    entrypoint: FunctionName | None = None
    """package.module:function, called as fit(data, parameters, seed) and returning the model."""
    parameters: dict[str, ParameterValue] = Field(default_factory=dict)
    """Parameters handed to the entrypoint."""
    command: Text | None = None
    """Any training command; {train}, {test} (files in the format of the source), {model_dir} and {seed} are filled in.
    No shell is involved."""
    model: Text | None = None
    """Where the command leaves its model: a file, a folder, or a glob that matches one. With it the command runs in a
    copy of the repository, in which the files of data.sets hold the training rows alone, and needs no placeholders.
    With {rows} (Parquet) or {rows_csv}, which stand for the rows to judge without their target, it is the file of
    predictions that the command writes for them. Scored without evaluate.predict: .joblib, .pkl, .skops, .txt of
    LightGBM, .json and .ubj of XGBoost, .cbm of CatBoost, .onnx, and folders of MLflow."""
    columns: tuple[Text, ...] = ()
    """Columns that the model of train.model was fitted on, in their order, where it does not name them itself."""
    classes: tuple[Label, ...] = ()
    """Labels of the target in the order of the classes of train.model, where the script fits it on others: [no, yes]
    for 0 and 1."""
    environment: Text | None = None
    """Hash-locked requirements file of the command's own environment, for what cannot live beside modelyard's."""
    python_path: tuple[Text, ...] = Field(default=(), alias="python-path")
    """Folders appended to the import path for the entrypoint and its model."""
    code: tuple[Text, ...] = ()
    """More files and folders that the model depends on, relative to this file. What a command names counts anyway: the
    paths in it, and the folders of its scripts, without the files of data.sets."""
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
                code="config/one-way-to-train",
                at=(ways[1],) if len(ways) > 1 else (),
                hint="Keep one of them." if ways else "Name one of them.",
            )
        return self

    @model_validator(mode="after")
    def _model_of_a_command(self) -> Self:
        for key in ("model", "columns", "classes"):
            if getattr(self, key) and (self.command is None or self.model is None):
                raise wrong(
                    f"{key} says something of a model that train.command leaves at train.model, which is not here",
                    code="config/model-without-command",
                    at=(key,),
                    hint="Write command and model, or remove it.",
                )
        if self.model and (self.model.startswith("/") or self.model.endswith("**")):
            raise wrong(
                f"model: {self.model!r} names no file or folder beside this file",
                code="config/bad-model-path",
                at=("model",),
                hint="Write a path relative to this file, such as models/model.joblib.",
            )
        if self.model and self.command and "{model_dir}" in self.command:
            raise wrong(
                "both {model_dir} and model say where the model is",
                code="config/two-places-of-a-model",
                at=("model",),
                hint="Keep one of them: {model_dir} where the script can be told, model where it cannot.",
            )
        return self
