"""Show again what monitoring saw and what was decided on it: the whole of it, or the last windows."""

from typing import Any

from modelyard.records.envelope import plain_record
from modelyard.records.store import RunRecords
from modelyard.steps.watched import shown


def page(records: RunRecords, newest: int | None = None) -> tuple[str, dict[str, Any]]:
    """Return the page, and the same as data."""
    from modelyard.report.renderers.html import render_html

    found = shown(records, newest)
    data = {step: plain_record(envelope.record)["result"] for step, envelope in found.items()}
    return render_html(found), data


def short(records: RunRecords, newest: int | None = None) -> str:
    """Return the same for a terminal, without what is folded."""
    from modelyard.report import compose
    from modelyard.report.renderers.terminal import render_terminal

    document = compose.document(shown(records, newest))
    blocks = [block for section in document.sections if not section.folded for block in section.blocks]
    return render_terminal(f"{document.headline.words}: {document.headline.sentence}", blocks)
