"""How the expectations ended: counts by state, and every one that did not pass."""

from modelyard.core.verdict import Verdict
from modelyard.records.envelope import Envelope
from modelyard.records.results import Expectation, ExpectationState, SuiteResult, ValidateResult
from modelyard.report import charts, expectations, numbers
from modelyard.report.conclusion import outcome
from modelyard.report.document import (
    Badge,
    Block,
    Break,
    Code,
    Column,
    Details,
    Figure,
    Inline,
    Line,
    Paragraph,
    Section,
    Table,
    Text,
    line,
)
from modelyard.report.verdict_style import SEVERITY

STATES: dict[ExpectationState, Verdict] = {
    "passed": Verdict.PASS,
    "vacuous": Verdict.INCONCLUSIVE,
    "failed": Verdict.FAIL,
    "errored": Verdict.ERROR,
}


def sections(envelope: Envelope) -> tuple[Section, ...]:
    """Build the section *Validation*, unfolded where something did not pass; nothing where the step has no result."""
    result = outcome(envelope)
    if not isinstance(result, ValidateResult):
        return ()
    everything = [expectation for suite in result.suites for expectation in suite.expectations]
    good = envelope.record.verdict is Verdict.PASS and all(item.state == "passed" for item in everything)
    blocks = tuple(block for suite in result.suites for block in _suite(suite))
    summary = f"{numbers.plural(len(everything), 'expectation')}: {_counts(everything)}"
    return (Section("validation", "Validation", summary, blocks, 40 if good else 80, folded=good),)


def _suite(suite: SuiteResult) -> tuple[Block, ...]:
    lead = line(
        Badge(suite.verdict),
        " ",
        Code(suite.suite),
        " on ",
        Code(suite.set),
        f": {_counts(suite.expectations)}, over {numbers.units(suite.rows, 'row')}, by {suite.engine}.",
    )
    tally = [(state, sum(item.state == state for item in suite.expectations), STATES[state]) for state in STATES]
    blocks: list[Block] = [Paragraph(lead), Figure(charts.states_bar(tally), "")]
    worst_first = sorted(suite.expectations, key=lambda item: SEVERITY[STATES[item.state]])
    bad = [item for item in worst_first if item.state != "passed"]
    good = [item for item in suite.expectations if item.state == "passed"]
    if bad:
        blocks.append(_table(f"Did not pass on {suite.set}", bad))
    if good:
        fold = f"{numbers.plural(len(good), 'expectation')} that passed"
        blocks.append(Details(fold, (_table(f"Passed on {suite.set}", good),), html_only=True))
    return tuple(blocks)


def _table(caption: str, items: list[Expectation]) -> Table:
    columns = (
        Column("State", "lead"),
        Column("Expectation", "lead"),
        Column("Expected"),
        Column("Observed"),
        Column("Unexpected", number=True),
    )
    return Table(caption, columns, tuple(_row(item) for item in items), stacked=True)


def _row(item: Expectation) -> tuple[Line, ...]:
    name: list[Inline | str] = [Code(expectations.subject(item)), Break(), Text(item.type, "muted")]
    notes = expectations.notes(item)
    if notes:
        name += [Break(), Text(notes, "muted")]
    if item.line is not None:
        name += [Break(), Text(f"line {item.line}", "muted")]
    unexpected = numbers.NONE
    if item.unexpected is not None:
        unexpected = numbers.count(item.unexpected)
        if item.evaluated:
            unexpected += f" of {numbers.count(item.evaluated)} ({numbers.share(item.unexpected, item.evaluated)})"
    return (
        line(Badge(STATES[item.state], "no rows to check" if item.state == "vacuous" else item.state)),
        line(*name),
        line(expectations.expected(item) or numbers.NONE),
        line(expectations.observed(item) or numbers.NONE),
        line(unexpected),
    )


def _counts(items: "list[Expectation] | tuple[Expectation, ...]") -> str:
    counts = {state: sum(item.state == state for item in items) for state in STATES}
    words = {"vacuous": "without rows to check"}
    named = ((words.get(state, state), number) for state, number in counts.items() if number)
    return ", ".join(f"{numbers.count(number)} {state}" for state, number in named) or "none"
