"""decide, presented: the action first, then why, what holds back, and what would change it."""

from collections.abc import Mapping
from typing import Any, ClassVar

from modelyard.core.verdict import Verdict
from modelyard.github.log import Annotation, Level
from modelyard.records.envelope import Envelope
from modelyard.records.results import DECIDE, DecideResult
from modelyard.report import wording
from modelyard.steps.monitor.present import PAGE
from modelyard.steps.presenter import Places, Plain

BUDGET = 58_000
"""Characters of Markdown for an issue or a step summary."""
TOLD = 3


class DecidePresenter(Plain[DecideResult]):
    """A decision; each of them is an answer, and the step ends well."""

    accepts: ClassVar[frozenset[Verdict]] = frozenset({Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE})

    def facts(self, result: DecideResult) -> str:
        """Return the action and its reason."""
        return f"{wording.ACTIONS[result.action]}: {wording.because(result.reason)}"

    def lines(self, envelope: Envelope, result: DecideResult) -> list[str]:
        """Return other signals, what holds back, what was started, and what would change it."""
        del envelope
        lines = [f"  {wording.because(each.reason)}" for each in result.signals[1:TOLD]]
        lines += [f"  {each.name}: {wording.because(each.reason)}" for each in result.limits if each.holds_back]
        lines += [f"  {text}" for text in wording.started(result)]
        return lines + [f"  would change it: {wording.because(each)}" for each in result.would_change[:TOLD]]

    def files(self, result: DecideResult) -> tuple[str, ...]:
        """Return the page."""
        del result
        return (PAGE,)

    def pages(self, envelope: Envelope, context: Any) -> Mapping[str, str]:
        """Return the page of what was seen, with the decision on top."""
        from modelyard.report.renderers.html import render_html
        from modelyard.steps.watched import shown

        del envelope
        return {PAGE: render_html(shown(context.records))}

    def outputs(self, envelope: Envelope, result: DecideResult) -> dict[str, Any]:
        """Return action, digest and what was started."""
        del envelope
        return {
            "action": result.action,
            "reason": wording.because(result.reason),
            "decision": "" if result.decision is None else result.decision.digest,
            "started": "" if result.dispatch is None else result.dispatch.url,
        }

    def annotations(self, envelope: Envelope, result: DecideResult, places: Places, level: Level) -> list[Annotation]:
        """Return a warning where there is something to do."""
        del envelope, places, level
        if result.verdict is not Verdict.FAIL:
            return []
        return [Annotation("warning", self.facts(result), title="modelyard decide")]

    def summary(self, envelope: Envelope, context: Any, line: str) -> str:
        """Return the decision as Markdown."""
        del context, line
        return as_markdown(envelope)


def as_markdown(envelope: Envelope) -> str:
    """Render a decision."""
    from modelyard.report.renderers.markdown import render_markdown

    return render_markdown({DECIDE.name: envelope}, budget=BUDGET)
