"""modelyard.yml as a whole; the published JSON Schema comes from here, descriptions included."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from modelyard.config.sections.data import Data
from modelyard.config.sections.evaluate import Evaluate
from modelyard.config.sections.model import Model
from modelyard.config.sections.monitor import Monitor
from modelyard.config.sections.registry import Registry
from modelyard.config.sections.train import Train
from modelyard.config.sections.validate import Validate
from modelyard.core.errors import nearest
from modelyard.core.sections import Section, Text, wrong


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
    """Your pins, in an environment of their own: names, versions, markers and hashes only."""
    evaluate: Evaluate = Evaluate()
    """How the challenger is judged."""
    registry: Registry = Registry()
    """Where versions and aliases live."""
    monitor: Monitor | None = None
    """How what serves is watched, and what follows from it."""
    mode: Literal["gate", "report-only"] = "gate"
    """report-only: judge and report, promote nothing, and never end red for the model's quality."""

    @property
    def may_load_pickles(self) -> bool:
        """Return whether a stored pickle may be loaded, which runs the code in it."""
        return self.registry.allow_pickles or self.model.format == "joblib"

    @model_validator(mode="after")
    def _something_to_judge(self) -> Self:
        if self.train is None and self.evaluate.challenger is None:
            raise wrong(
                "nothing to judge: neither train nor evaluate.challenger is here",
                code="config/nothing-to-judge",
                hint="Name train: how the challenger is made, or evaluate.challenger: a file of its predictions.",
            )
        if self.train and self.evaluate.challenger:
            raise wrong(
                "train and evaluate.challenger are both here, and only one of them can be judged",
                code="config/two-challengers",
                at=("evaluate", "challenger"),
                hint="Keep one of them.",
            )
        if self.train and self.train.command and self.evaluate.predict is None:
            self._scored_without_a_command(self.train)
        for name in self.validate_.suites if self.validate_ else ():
            if name not in self.data.sets:
                raise wrong(
                    f"there is no data set {name!r}; sets are {', '.join(self.data.sets)}",
                    code="config/unknown-data-set",
                    at=("validate", "suites", name),
                    hint=nearest(name, self.data.sets) or "Name one of them.",
                )
        if self.model.task == "regression" and self.data.split and self.data.split.by == "stratified":
            raise wrong(
                "a stratified split needs classes, which a regression does not have",
                code="config/not-for-this-task",
                at=("data", "split", "by"),
                hint="Write by: random, or split by time or by hash of a column.",
            )
        return self

    def _scored_without_a_command(self, train: Train) -> None:
        if train.model is None:
            raise wrong(
                "a model in {model_dir} can only be scored by a command",
                code="config/needs-predict-command",
                at=("train", "command"),
                hint="Name evaluate.predict.command, such as "
                '"python predict.py {model_dir} {rows_csv} {predictions_csv}"; or name train.model, the file that the '
                "script writes, which is scored without one if its kind is known.",
            )
        if train.environment is not None:
            raise wrong(
                "a model from an environment of its own can only be scored by a command in it",
                code="config/own-environment-without-predict",
                at=("train", "environment"),
                hint="Name evaluate.predict.command; or write requirements instead of train.environment, so that the "
                "model is trained and scored with the same packages.",
            )

    @model_validator(mode="after")
    def _baseline_has_rows_to_learn_from(self) -> Self:
        gates = self.evaluate.gates
        against = [
            at for at, gate in enumerate(gates) if gate.demand.reference == "baseline" or "of gain" in str(gate.margin)
        ]
        if self.data.split is None and "train" not in self.data.sets and (against or not gates):
            raise wrong(
                "the baseline is fitted on training rows, and there are none here",
                code="config/baseline-without-training-rows",
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
                    code="config/impossible-check",
                    at=("evaluate", "checks", check),
                    hint="Write report, or off: nothing could pass it.",
                )
        return self
