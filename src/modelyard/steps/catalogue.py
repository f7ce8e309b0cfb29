"""The steps. One more is a package with its definition, registered here; every list of steps follows from these."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from modelyard.core.catalogue import Catalogue
from modelyard.records.results import RESULTS
from modelyard.steps.decide.step import DECIDE
from modelyard.steps.definition import StepDefinition
from modelyard.steps.detect.step import DETECT
from modelyard.steps.evaluate.step import EVALUATE
from modelyard.steps.monitor.step import MONITOR
from modelyard.steps.promote.step import PROMOTE
from modelyard.steps.prove.step import PROVE
from modelyard.steps.report.step import REPORT
from modelyard.steps.rollback.step import ROLLBACK
from modelyard.steps.train.step import TRAIN
from modelyard.steps.validate.step import VALIDATE

if TYPE_CHECKING:
    from modelyard.report.registry import StepReport

STEPS: Catalogue[StepDefinition] = Catalogue("step", "command/unknown-step")


def register(step: StepDefinition, report: "StepReport | None" = None) -> None:
    """Add a step: its definition, its kind of record where that is new, and how reports show it.

    Raises:
        ValueError: there is a step of this name already.
    """
    STEPS.register(step)
    if step.name not in RESULTS:
        RESULTS.register(step.record)
    if report is not None:
        from modelyard.report.registry import REPORTS

        REPORTS.register(report)


def in_order(steps: Iterable[StepDefinition] = STEPS) -> tuple[StepDefinition, ...]:
    """Return steps by their place in a run."""
    return tuple(sorted(steps, key=lambda step: step.record.order))


def commands() -> tuple[StepDefinition, ...]:
    """Return the steps that are commands and actions of their own, in order."""
    return tuple(step for step in in_order() if not step.part_of)


def stages() -> tuple[StepDefinition, ...]:
    """Return the steps that a run of all stages may consist of, in order."""
    return tuple(step for step in in_order() if step.stage is not None)


for _step in (DETECT, VALIDATE, TRAIN, EVALUATE, REPORT, PROMOTE, PROVE, ROLLBACK, MONITOR, DECIDE):
    register(_step)
