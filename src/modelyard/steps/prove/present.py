"""prove, presented: what was shown of an old version, and what to do where that is not enough."""

from typing import Any

from modelyard.core.verdict import Verdict
from modelyard.github.log import Annotation, Level
from modelyard.records.envelope import Envelope, Step
from modelyard.records.results import PROVE, ProveResult
from modelyard.registry.evidence import advice
from modelyard.steps.presenter import Places, Plain

BUDGET = 58_000
"""Characters of Markdown for an issue or a step summary."""


class ProvePresenter(Plain[ProveResult]):
    """A proof; one that was waived ends well, and its record says so."""

    accepts = frozenset({Verdict.PASS, Verdict.NOT_APPLICABLE})

    def facts(self, result: ProveResult) -> str:
        """Return what was shown."""
        return f"{result.version}: {result.said}"

    def lines(self, envelope: Envelope, result: ProveResult) -> list[str]:
        """Return what a person can do who needs the move all the same."""
        helpful = envelope.record.verdict.exit_code and result.asked != "none"
        return [f"  {advice(result)}"] if helpful else []

    def outputs(self, envelope: Envelope, result: ProveResult) -> dict[str, Any]:
        """Return the version that was looked at."""
        del envelope
        return {"version": result.version}

    def annotations(self, envelope: Envelope, result: ProveResult, places: Places, level: Level) -> list[Annotation]:
        """Return what is missing."""
        del places
        if envelope.record.verdict is Verdict.PASS:
            return []
        text = self.facts(result)
        shown = f"{text}. {advice(result)}" if level == "error" else text
        return [Annotation(level, shown, title="modelyard rollback")]

    def summary(self, envelope: Envelope, context: Any, line: str) -> str:
        """Return the proof as Markdown."""
        del line
        return as_markdown(envelope, context)


def as_markdown(envelope: Envelope, context: Any) -> str:
    """Render a proof or a rollback, with the proof that it rests on."""
    from modelyard.report.renderers.markdown import render_markdown

    proof: Envelope | None = context.records.find(PROVE.name)
    shown: dict[Step, Envelope] = {envelope.record.step: envelope}
    if proof is not None and proof.link in envelope.record.builds_on:
        shown[PROVE.name] = proof
    return render_markdown(shown, budget=BUDGET)
