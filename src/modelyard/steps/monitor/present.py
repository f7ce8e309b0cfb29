"""monitor, presented: the newest window in a line, a table for the terminal, and a page."""

from collections.abc import Mapping
from typing import Any, ClassVar

from modelyard.core.verdict import Verdict
from modelyard.github.log import Annotation, Level
from modelyard.records.envelope import Envelope
from modelyard.records.results import MONITOR, MonitorResult
from modelyard.steps.presenter import Places, Plain

PAGE, PROMETHEUS, OPENLINEAGE = "monitor.html", "monitor.prom", "monitor.openlineage.json"
_BUDGET = 58_000
"""Characters of Markdown for a step summary or an issue."""


class MonitorPresenter(Plain[MonitorResult]):
    """What was seen of a model in use; whatever that is, the step ends well, and decide says what follows."""

    accepts: ClassVar[frozenset[Verdict]] = frozenset({Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE})

    def facts(self, result: MonitorResult) -> str:
        """Return the newest window."""
        if not result.windows:
            return f"no window is complete yet, {result.open_rows:,} predictions wait"
        last = result.windows[-1]
        parts = [f"{len(result.windows)} windows", f"{last.key} by {last.version}: {last.rows:,} predictions"]
        if last.faults:
            parts.append(f"{len(last.faults)} faults of the data")
        drifted = {each.column for each in last.drift if each.alarm}
        if drifted:
            parts.append(f"{len(drifted)} columns drifted")
        return ", ".join(parts)

    def lines(self, envelope: Envelope, result: MonitorResult) -> list[str]:
        """Return faults, performance, and what drifted."""
        from modelyard.report.sections import monitor as section

        del result
        shown = section.headline(envelope)
        return [f"  {shown.words}: {shown.sentence}"]

    def files(self, result: MonitorResult) -> tuple[str, ...]:
        """Return the page."""
        del result
        return (PAGE,)

    def pages(self, envelope: Envelope, context: Any) -> Mapping[str, str]:
        """Return the page, and the same for those who collect it: Prometheus' text and an event of OpenLineage."""
        from modelyard.report.renderers.html import render_html
        from modelyard.report.renderers.openlineage import render_openlineage
        from modelyard.report.renderers.prometheus import render_prometheus

        del context
        if envelope.record.find(MonitorResult) is None:
            return {}
        return {
            PAGE: render_html({MONITOR.name: envelope}),
            PROMETHEUS: render_prometheus(envelope),
            OPENLINEAGE: render_openlineage(envelope),
        }

    def outputs(self, envelope: Envelope, result: MonitorResult) -> dict[str, Any]:
        """Return how many windows there are, and how many have faults."""
        del envelope
        return {"windows": len(result.windows), "faults": sum(window.blocked for window in result.windows)}

    def annotations(self, envelope: Envelope, result: MonitorResult, places: Places, level: Level) -> list[Annotation]:
        """Return the faults of the newest window, or what is missed."""
        from modelyard.report.sections import monitor as section

        del places
        if envelope.record.verdict is Verdict.PASS:
            return []
        faults = [fault for fault in result.windows[-1].faults if fault.blocks] if result.windows else []
        if faults:
            title = f"modelyard monitor: {result.windows[-1].key}"
            return [Annotation(level, section.fault_in_words(fault), title=title) for fault in faults[:10]]
        return [Annotation(level, section.headline(envelope).sentence, title="modelyard monitor")]

    def summary(self, envelope: Envelope, context: Any, line: str) -> str:
        """Return what was seen as Markdown."""
        from modelyard.report.renderers.markdown import render_markdown

        del context, line
        return render_markdown({MONITOR.name: envelope}, budget=_BUDGET)
