"""rollback, presented: where the alias points again, and what that rests on."""

from typing import Any

from modelyard.github.log import Annotation, Level
from modelyard.records.envelope import Envelope
from modelyard.records.results import RollbackResult
from modelyard.steps.presenter import Places, Plain
from modelyard.steps.prove.present import as_markdown


class RollbackPresenter(Plain[RollbackResult]):
    """The move of an alias back."""

    def facts(self, result: RollbackResult) -> str:
        """Return the move and its proof."""
        when = f"already, by journal entry {result.journal}" if result.already else "again"
        return f"{result.alias} points at {result.version} {when} (was {result.previous}); {result.proof}"

    def outputs(self, envelope: Envelope, result: RollbackResult) -> dict[str, Any]:
        """Return the version that serves."""
        del envelope
        return {"version": result.version}

    def annotations(self, envelope: Envelope, result: RollbackResult, places: Places, level: Level) -> list[Annotation]:
        """Return a warning where golden predictions were not reproduced."""
        del envelope, places, level
        if result.shown == "golden":
            return []
        text = f"{result.alias} points at {result.version} again: {result.proof}"
        return [Annotation("warning", text, title="modelyard rollback")]

    def summary(self, envelope: Envelope, context: Any, line: str) -> str:
        """Return the rollback as Markdown, with its proof."""
        del line
        return as_markdown(envelope, context)
