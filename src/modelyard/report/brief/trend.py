"""The last versions of a model in a comment: a table, and a chart of it where there are enough of them."""

import re

from modelyard.records.results import DetectResult, EvaluateResult
from modelyard.report import numbers
from modelyard.report.document import Block, Code, CodeBlock, Column, Paragraph, Section, Table, Text, line
from modelyard.report.registry import Results

FEWEST, CHARTED = 2, 3
"""Versions before the challenger from which there is a trend, and a chart of it."""


def sections(result: EvaluateResult, results: Results) -> tuple[Section, ...]:
    """Return the primary metric of the last versions, each on the test rows of its own time."""
    detected = results.get("detect")
    if not isinstance(detected, DetectResult) or not result.metrics:
        return ()
    row = result.metrics[0]
    past = [(each.version, numbers.day(each.created), value) for each in detected.lineage
            if (value := each.metrics.get(row.metric)) is not None]  # fmt: skip
    if len(past) < FEWEST or row.challenger.value is None:
        return ()
    points = [*past, ("this change", "", row.challenger.value)]
    places = numbers.decimals([value for _, _, value in points])
    columns = (Column("Version"), Column("Published"), Column(row.metric, number=True))
    rows = tuple(
        (line(version), line(day or numbers.NONE), line(Text(numbers.metric(value, places), "" if day else "strong")))
        for version, day, value in points
    )
    table = Table("Versions", columns, rows)
    note = Paragraph(
        line(Code(row.metric), " of each version on the test rows of its own time, so that rows differ too.")
    )
    chart: tuple[Block, ...] = (CodeBlock(_chart(points), "mermaid"),) if len(past) >= CHARTED else ()
    summary = f"{past[0][0]} {numbers.metric(past[0][2], places)} → this change {numbers.metric(points[-1][2], places)}"
    return (Section("trend", "Trend", summary, (*chart, table, note), 12, after="wear"),)


def _chart(points: list[tuple[str, str, float]]) -> str:
    """Return a line chart in Mermaid's language; names are our own, numbers are written plainly."""
    values = [value for _, _, value in points]
    room = (max(values) - min(values)) * 0.2 or 0.01
    names = ", ".join(f'"{re.sub(r"[^A-Za-z0-9 ]", "", name)}"' for name, _, _ in points)
    low, high = min(values) - room, max(values) + room
    plain = ", ".join(f"{value:.6f}" for value in values)
    return f"xychart-beta\n  x-axis [{names}]\n  y-axis {low:.6f} --> {high:.6f}\n  line [{plain}]"
