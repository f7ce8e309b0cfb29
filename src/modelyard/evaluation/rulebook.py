"""One configuration's rules with the files that they name: gates, custom metrics and waivers, ready to judge with."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Self

from modelyard.config.load import Loaded
from modelyard.config.sections.data import Columns
from modelyard.config.sections.evaluate import Evaluate
from modelyard.config.sections.model import Model
from modelyard.evaluation.gates import rules
from modelyard.evaluation.gates.decision import Models, baseline_for
from modelyard.evaluation.gates.misuse import metric_for
from modelyard.evaluation.gates.rules import Rule
from modelyard.evaluation.gates.waivers import Waiver
from modelyard.evaluation.test_set import TestSet
from modelyard.metrics.catalogue import PRIMARY
from modelyard.metrics.custom import functions
from modelyard.metrics.metric import Metric
from modelyard.records.results import Signature


@dataclass(frozen=True)
class Rulebook:
    """The rules of a configuration, or such as were handed over without one.

    Attributes:
        model: what is being modelled.
        evaluate: how it is judged.
        columns: what the columns of the test rows mean.
        file: the configuration, as messages name it.
        line_of: the line of each gate, where they stand in a file.
        metric_files: the file of each custom metric that is a function.
        waivers: of its file of waivers.
        today: the day on which they are looked at, in UTC.
        logs: the folder of what custom metrics print and raise.
        python: the interpreter that runs custom metrics.
    """

    model: Model
    evaluate: Evaluate
    columns: Columns
    file: str = ""
    line_of: Callable[[int], int | None] = lambda _at: None
    metric_files: Mapping[str, Path] = field(default_factory=dict)
    waivers: tuple[Waiver, ...] = ()
    today: date = date.min
    logs: Path = Path()
    python: Path = Path(sys.executable)

    @classmethod
    def of(
        cls,
        loaded: Loaded,
        metric_files: Mapping[str, Path],
        waivers: tuple[Waiver, ...],
        today: date,
        logs: Path,
        python: Path,
    ) -> Self:
        """Return the rules of a configuration that was read."""
        config = loaded.config
        return cls(
            config.model,
            config.evaluate,
            config.data.columns,
            loaded.file,
            lambda at: loaded.line_of(("evaluate", "gates", at)),
            metric_files,
            waivers,
            today,
            logs,
            python,
        )

    @property
    def primary(self) -> Metric:
        """The metric of the default gates."""
        return metric_for(self.model.metric or PRIMARY[self.model.task], self.model.task)

    def unadjusted(self) -> Self:
        """Return the same rules without columns that adjust levels, for rows beside which there are no others."""
        gates = tuple(gate.model_copy(update={"adjust_by": None}) for gate in self.evaluate.gates)
        return replace(self, evaluate=self.evaluate.model_copy(update={"gates": gates}))

    @contextmanager
    def custom_metrics(self, signature: Signature) -> Iterator[Mapping[str, Metric]]:
        """Open the metrics that the configuration defines; their processes end with the block."""
        classes = classes_by_code(signature)
        named, files = self.evaluate.metrics, self.metric_files
        with functions.opened(
            named, files, task=signature.task, classes=classes, logs=self.logs, python=self.python
        ) as custom:
            yield custom

    def rules(
        self, primary: Metric, test_set: TestSet, models: Models, custom: Mapping[str, Metric]
    ) -> tuple[Rule, ...]:
        """Return the gates of the configuration, or the defaults."""
        if self.evaluate.gates:
            return rules.from_config(self.evaluate.gates, self.model.task, self.line_of, self.file, custom)
        best = models.get("best-promoted")
        return rules.defaults(
            primary,
            champion_gains=_gains("champion", primary, test_set, models),
            first="champion" not in models,
            worth=self.evaluate.worth,
            best_gains=best is not None
            and best is not models.get("champion")
            and _gains("best-promoted", primary, test_set, models),
        )


def classes_by_code(signature: Signature) -> list[bool | int | str]:
    """Return the classes in the order of their codes: of two, the positive one is 1."""
    if signature.task != "binary":
        return list(signature.classes)
    others = [each for each in signature.classes if each != signature.positive]
    return [*others[:1], *([] if signature.positive is None else [signature.positive])]


def _gains(role: str, primary: Metric, test_set: TestSet, models: Models) -> bool:
    """Tell whether a reference is better than the baseline, as far as can be seen."""
    models = baseline_for(primary, models)
    if role not in models or "baseline" not in models or not models[role].has(primary.needs):
        return True
    value = primary.value(test_set.y, models[role], test_set.weight)
    baseline = primary.value(test_set.y, models["baseline"], test_set.weight)
    if value is None or baseline is None:
        return True
    return value > baseline if primary.higher_is_better else value < baseline
