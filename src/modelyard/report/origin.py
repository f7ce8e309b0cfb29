"""Where a report comes from, in one line: when, which commit and run, against which champion, on which rows."""

from collections.abc import Iterator, Sequence

from modelyard.records.envelope import Envelope
from modelyard.records.results import EvaluateResult
from modelyard.report import numbers
from modelyard.report.document import Code, Inline, Line, Text, line

_SHORT = 12
"""Characters of a digest or a commit that are shown; "How it was made" has them whole."""


def of(found: Sequence[Envelope]) -> Line:
    """Return the line; nothing without records."""
    parts: list[Inline | str] = []
    for piece in _pieces(found) if found else ():
        parts += [Text(" · ", "muted"), *piece] if parts else [*piece]
    return line(*parts)


def _pieces(found: Sequence[Envelope]) -> Iterator[tuple[Inline | str, ...]]:
    last = found[-1].record
    when = last.circumstances
    utc = when.started.endswith(("Z", "+00:00"))
    yield (f"{when.started[:10]} {when.started[11:16]} UTC" if utc else when.started,)
    if when.head or when.commit:
        yield "commit ", Code((when.head or when.commit or "")[:_SHORT])
    if when.run_id:
        yield "run ", Code(when.run_id), f" ({when.event.replace('_', ' ')})"
    elif when.event == "desk":
        yield ("on a desk",)
    else:
        yield (when.event.replace("_", " "),)
    champion = next((each.record.champion_version for each in reversed(found) if each.record.champion_version), None)
    yield (f"champion {champion}" if champion else "no champion yet",)
    judged = next((result for each in found if (result := each.record.find(EvaluateResult))), None)
    if judged is not None:
        rows = f"{numbers.count(judged.test_rows)} test rows"
        since, until = judged.labels_from[:10], judged.labels_to[:10]
        yield (f"{rows}, {since} to {until}" if since and until else rows,)
    data = next((each.record.data for each in found if each.record.data), {})
    if data:
        digests = " ".join(value.removeprefix("sha256:")[:_SHORT] for _, value in sorted(data.items())[:3])
        yield "data ", Code(digests)
    yield (f"modelyard {last.tool_version}",)
