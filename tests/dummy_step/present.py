"""watch, presented."""

from typing import Any

from modelyard.github.log import Annotation, Level
from modelyard.records.envelope import Envelope
from modelyard.report.document import Code, Listing, Section, line
from modelyard.steps.presenter import Places, Plain
from tests.dummy_step.spec import WatchResult


class WatchPresenter(Plain[WatchResult]):
    """The columns that drifted."""

    def facts(self, result: WatchResult) -> str:
        """Return how many there are."""
        return f"{len(result.drifted)} columns drifted"

    def lines(self, envelope: Envelope, result: WatchResult) -> list[str]:
        """Return each."""
        return [f"  drifted: {name}" for name in result.drifted]

    def outputs(self, envelope: Envelope, result: WatchResult) -> dict[str, Any]:
        """Return how many there are."""
        return {"drifted": len(result.drifted)}

    def annotations(self, envelope: Envelope, result: WatchResult, places: Places, level: Level) -> list[Annotation]:
        """Return one for each."""
        return [Annotation("warning", name, title="watch") for name in result.drifted]


def sections(envelope: Envelope) -> tuple[Section, ...]:
    """Return the section of the report."""
    result = envelope.record.read(WatchResult)
    drifted = tuple(line(Code(name)) for name in result.drifted)
    return (Section("watched", "Watched columns", f"{len(drifted)} drifted", (Listing(drifted),), 70, after="gates"),)
