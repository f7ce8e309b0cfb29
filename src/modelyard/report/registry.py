"""How the record of each step is shown in a report: what its package registers, and reports ask for."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from modelyard.core.catalogue import Catalogue
from modelyard.core.verdict import Verdict
from modelyard.records.envelope import Envelope, Step
from modelyard.records.results import Part
from modelyard.report.document import Headline, Line, Section, Tile

Records = Mapping[Step, Envelope]
Results = Mapping[Step, Part | None]


@dataclass(frozen=True)
class StepReport:
    """The parts of a report that come from one step's record; they see records and nothing else."""

    name: Step
    sections: Callable[[Envelope], tuple[Section, ...]]
    brief: "Callable[[Envelope, Results], tuple[Section, ...]] | None" = None
    """The sections of a comment, from this record and the results of the others; those of the page where there are
    none."""
    sentence: Callable[[Any, Verdict], str | Line] | None = None
    """Why the step's result came to this verdict, where the step decides that of the run."""
    verdict: Callable[[Any, Verdict], Verdict] | None = None
    """The verdict of a result that claims one: never better than its content."""
    headline: Callable[[Envelope], Headline] | None = None
    """The headline of a record that speaks for itself, whatever else there is."""
    notes: Callable[[Any], Iterable[Line]] | None = None
    """What a reader must not miss, below the headline."""
    tiles: Callable[[Any, Results], Iterable[Tile]] | None = None
    """The few numbers at the head of the HTML report, from this result and those of the other steps."""
    origin: Callable[[Any], Iterable[Line]] | None = None
    """What the result says of where it comes from."""


REPORTS: Catalogue[StepReport] = Catalogue("step", "report/unknown-step")


def report_of(step: Step) -> StepReport | None:
    """Return how a step's record is shown; None where nothing was registered for it."""
    import_module("modelyard.report.steps")  # the built-in ones, which most commands never show
    return REPORTS.get(step) if step in REPORTS else None
