"""A fault of the data in a comment: which expectation, on which column, in how many rows, on which line."""

from modelyard.core.verdict import Verdict
from modelyard.records.envelope import Envelope
from modelyard.records.results import Expectation, SuiteResult, ValidateResult
from modelyard.report import expectations, numbers
from modelyard.report.conclusion import outcome
from modelyard.report.document import Block, Break, Code, Column, Inline, Line, Paragraph, Section, Table, Text, line
from modelyard.report.registry import Results
from modelyard.report.sections import validate
from modelyard.report.verdict_style import SEVERITY, SIGNS

MOST = 50
"""Expectations that are shown."""


def sections(envelope: Envelope, results: Results) -> tuple[Section, ...]:
    """Build the table of what did not pass; a fold where everything did, nothing where the step has no result."""
    result = outcome(envelope)
    if not isinstance(result, ValidateResult):
        return ()
    del results
    found = [(suite, item) for suite in result.suites for item in suite.expectations if item.state != "passed"]
    if not found and envelope.record.verdict is Verdict.PASS:
        return validate.sections(envelope)
    found.sort(key=lambda pair: SEVERITY[validate.STATES[pair[1].state]])
    columns = (Column("", centre=True), Column("Column"), Column("Expected"), Column("Found"), Column("Where"))
    rows = tuple(_row(suite, item) for suite, item in found[:MOST])
    table = Table("Expectations that did not pass", columns, rows, more=len(found) - len(rows))
    to_do = line(Text("What to do: ", "strong"), "mend the data, or the expectation where it asks for too much.")
    blocks: tuple[Block, ...] = (table, *((Paragraph(to_do),) if found else ()), *_engines(result.suites))
    return (Section("validation", "", "", blocks, 96, folded=False),)


def _row(suite: SuiteResult, item: Expectation) -> tuple[Line, ...]:
    where = suite.suite if item.line is None else f"{suite.suite}:{item.line}"
    return (
        line(SIGNS[validate.STATES[item.state]]),
        line(Code(expectations.subject(item))),
        line(_expected(item)),
        line(*_found(item)),
        line(Code(where)),
    )


def _expected(item: Expectation) -> Inline | str:
    """Return what is asked for; with a condition in it as code, which needs no escapes."""
    text = expectations.expected(item) or item.type
    return Code(text) if set(text) & set("<>&|`") else text


def _found(item: Expectation) -> list[Inline | str]:
    parts: list[Inline | str] = [expectations.observed(item) or numbers.NONE]
    if item.state == "vacuous":
        parts = ["no rows to check"]
    notes = expectations.notes(item)
    return [*parts, Break("<br>"), notes] if notes else parts


def _engines(suites: tuple[SuiteResult, ...]) -> tuple[Block, ...]:
    said = "; ".join(
        f"{numbers.units(suite.rows, 'row')} of “{suite.set}” checked by {suite.engine}" for suite in suites
    )
    return (Paragraph(line(f"{said}.")),) if said else ()
