"""A check beside the gates: what it is given, and what it says."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from modelyard.config.sections.evaluate import Checks
from modelyard.core.reasons import Reason
from modelyard.core.verdict import Verdict
from modelyard.evaluation.gates.decision import Models
from modelyard.evaluation.test_set import TestSet
from modelyard.metrics.metric import Metric
from modelyard.metrics.predictions import Floats, Ints, Predictions
from modelyard.records.results import CheckResult


@dataclass(frozen=True)
class Subject:
    """What checks look at.

    Attributes:
        settings: how each check is configured.
        primary: the metric of the default gates.
        on_test: the challenger's value of it.
        test_set: the test rows.
        models: predictions by role.
        sample: targets of training rows and the challenger's predictions of them, where those were scored.
    """

    settings: Checks
    primary: Metric
    on_test: float | None
    test_set: TestSet
    models: Models
    sample: tuple[Floats | Ints, Predictions] | None = None


class Check(ABC):
    """One check; ``evaluate.checks`` says under its name, with underscores, whether it is off, reported or a gate."""

    name: ClassVar[str]

    def judge(self, subject: Subject) -> CheckResult | None:
        """Return the result; None where it is off, or reported and there is nothing to look at."""
        mode = getattr(subject.settings, self.name.replace("-", "_"))
        judged = None if mode == "off" else self.look(subject, gate=mode == "gate")
        if judged is None:
            return None
        return CheckResult(name=self.name, gate=mode == "gate", verdict=judged[0], finding=judged[1])

    @abstractmethod
    def look(self, subject: Subject, *, gate: bool) -> tuple[Verdict, Reason] | None:
        """Return verdict and finding; None only where it is no gate and there is nothing to look at."""
