"""Show again what monitoring saw and what was decided on it: the whole of it, or the last windows."""

from typing import Any

from modelyard.records.envelope import Envelope, Record, Step, plain_record
from modelyard.records.results import DECIDE, MONITOR, MonitorResult
from modelyard.records.store import RunRecords


def shown(records: RunRecords, newest: int | None = None) -> dict[Step, Envelope]:
    """Return what was seen, and the decision on it where there is one.

    Args:
        records: of the run folder.
        newest: so many of the last windows; None: all.

    Raises:
        DataError: nothing was looked at here.
    """
    seen = records.read(MONITOR.name)
    found: dict[Step, Envelope] = {MONITOR.name: _cut(seen, newest)}
    decided = records.find(DECIDE.name)
    if decided is not None and seen.link in decided.record.builds_on:
        found[DECIDE.name] = decided
    return found


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


def _cut(seen: Envelope, newest: int | None) -> Envelope:
    result = seen.record.find(MonitorResult)
    if newest is None or result is None:
        return seen
    fewer = result.model_copy(update={"windows": result.windows[-newest:]}).model_dump(mode="json")
    return Envelope.seal(Record.model_validate({**plain_record(seen.record), "result": fewer}))
