"""How a step is presented: outputs for programs, a line and a few more for people, annotations, a step summary."""

from collections.abc import Mapping
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from modelyard.core.verdict import Verdict
from modelyard.github.log import Annotation, Level
from modelyard.records.envelope import Envelope
from modelyard.records.results import Part
from modelyard.report.escape import code
from modelyard.report.places import Places as Places

R = TypeVar("R", bound=Part, contravariant=True)


class Presenter(Protocol):
    """What commands and actions ask a step for; ``result`` is of the type that the step's records hold."""

    accepts: ClassVar[frozenset[Verdict]]
    closes_run: ClassVar[bool]

    def facts(self, result: Any) -> str:
        """Return the result in a line."""

    def lines(self, envelope: Envelope, result: Any) -> list[str]:
        """Return what a person wants to see below that line after running this step alone."""

    def files(self, result: Any) -> tuple[str, ...]:
        """Return what a person may want to open, within the run folder; a dry run leaves none of it."""

    def pages(self, envelope: Envelope, context: Any) -> Mapping[str, str]:
        """Return what is written beside the record, by its path within the run folder."""

    def outputs(self, envelope: Envelope, result: Any) -> dict[str, Any]:
        """Return the outputs of its action beyond those that every step has."""

    def annotations(self, envelope: Envelope, result: Any, places: Places, level: Level) -> list[Annotation]:
        """Return what did not pass, one for each that needs a person's eye."""

    def summary(self, envelope: Envelope, context: Any, line: str) -> str:
        """Return the step summary, as Markdown."""

    def unchanged_since(self, result: Any) -> str:
        """Return the version since which nothing changed, where the step compares; else an empty string."""


class Plain(Generic[R]):
    """A presenter that says nothing but the verdict; steps override what they have more to say about."""

    accepts: ClassVar[frozenset[Verdict]] = frozenset({Verdict.PASS})
    """Verdicts with which the step ends well."""
    closes_run: ClassVar[bool] = False
    """Its lines stand at the end of a run of all stages."""

    def facts(self, result: R) -> str:
        """Return nothing."""
        del result
        return ""

    def lines(self, envelope: Envelope, result: R) -> list[str]:
        """Return nothing."""
        del envelope, result
        return []

    def files(self, result: R) -> tuple[str, ...]:
        """Return nothing."""
        del result
        return ()

    def pages(self, envelope: Envelope, context: Any) -> Mapping[str, str]:
        """Return nothing."""
        del envelope, context
        return {}

    def outputs(self, envelope: Envelope, result: R) -> dict[str, Any]:
        """Return nothing."""
        del envelope, result
        return {}

    def annotations(self, envelope: Envelope, result: R, places: Places, level: Level) -> list[Annotation]:
        """Return nothing."""
        del envelope, result, places, level
        return []

    def summary(self, envelope: Envelope, context: Any, line: str) -> str:
        """Return the record in a line."""
        del context
        return f"- {envelope.record.step}: {code(line)}"

    def unchanged_since(self, result: R) -> str:
        """Return an empty string: the step compares nothing."""
        del result
        return ""


def one_line(presenter: Presenter, envelope: Envelope) -> str:
    """Return a record in a line."""
    record = envelope.record
    if record.problem is not None:
        return f"{record.verdict}: {record.problem.message}"
    facts = presenter.facts(record.outcome)
    return f"{record.verdict} · {facts}" if facts else str(record.verdict)
