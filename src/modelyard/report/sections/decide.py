"""A decision: the action, why, what was seen, what holds back, what was decided before, and what would change it."""

from dataclasses import replace

from modelyard.core.verdict import Verdict
from modelyard.records.envelope import Envelope
from modelyard.records.results import Course, DecideResult, Estimate, Limit, PastDecision, Signal
from modelyard.report import charts, conclusion, numbers, wording
from modelyard.report.charts import Axis
from modelyard.report.document import (
    Badge,
    Block,
    Code,
    Column,
    Headline,
    Line,
    Listing,
    Paragraph,
    Section,
    Table,
    Text,
    line,
)

_KINDS = {
    "contract": "fault of the data",
    "drift": "drift",
    "separability": "drift of all columns",
    "estimated": "estimated performance",
    "realised": "realised performance",
    "age": "age",
    "rows": "new rows",
    "calendar": "calendar",
    "data": "training data",
}
_TOLD = 3
"""Signals whose words stand first."""
_OUTCOMES = {
    "open": "under way",
    "promoted": "promoted",
    "held": "not promoted",
    "failed": "failed",
    "none": numbers.NONE,
}


def headline(envelope: Envelope) -> Headline:
    """Return the action in words, and the reason that decided."""
    result, verdict = conclusion.outcome(envelope), conclusion.step_verdict(envelope)
    if not isinstance(result, DecideResult):
        return Headline(verdict, "not decided", conclusion.problem_of(envelope))
    return Headline(result.verdict, wording.ACTIONS[result.action], _sentence(wording.because(result.reason)))


def sections(envelope: Envelope) -> tuple[Section, ...]:
    """Return the sections of a decision; nothing where the step has no result."""
    result = conclusion.outcome(envelope)
    if not isinstance(result, DecideResult):
        return ()
    return (_why(result), *_limits(result), *_change(result), *_before(result))


def _why(result: DecideResult) -> Section:
    deciding = [each for each in result.signals if each.asks_for == result.action]
    facts: list[Line] = [line(Text(_sentence(wording.because(each.reason)), "strong"), *_of(each))
                         for each in deciding[:_TOLD]]  # fmt: skip
    if result.first_bad_window:
        facts.append(line("First bad window ", Code(result.first_bad_window)))
    facts.append(line("Champion ", Code(result.champion or "none"), *_age(result)))
    facts += [_started(text) for text in wording.started(result)]
    blocks: list[Block] = [Listing(tuple(facts))]
    if result.course is not None:
        table = _course(result.course)
        blocks += [Paragraph(line(Text(table.caption, "muted"))), table]
    if result.signals:
        blocks.append(_signals(result.signals))
    digests = [line("Decision ", Code(result.decision.digest))] if result.decision is not None else []
    blocks.append(Listing((*digests, line("Monitoring record ", Code(result.monitored)))))
    return Section("decision", "Why", wording.because(result.reason), tuple(blocks), 90, folded=False, after="moved")


def _of(signal: Signal) -> tuple[str | Code, ...]:
    """Return which column a signal is about, and how many rows it touches."""
    rows = f" {numbers.plural(signal.rows, 'row')}." if signal.rows else ""
    return (" Column ", Code(signal.column), f".{rows}") if signal.column else ((rows,) if rows else ())


def _started(text: str) -> Line:
    """Return what was started; a command is code, so that it can be copied."""
    before, command, rest = text.partition("modelyard run ")
    return line(before, Code(f"{command}{rest}")) if command else line(text)


def _loss(harm: Estimate | None) -> str:
    """Return what is lost: the window's with its limits, or the limits over all looks where they lie elsewhere."""
    if harm is None:
        return numbers.NONE
    if harm.value is None or harm.low is None or harm.high is None or harm.low <= harm.value <= harm.high:
        return wording.with_limits(harm)
    return f"{numbers.metric(harm.low)} to {numbers.metric(harm.high)} over all looks"


def _age(result: DecideResult) -> tuple[Text, ...]:
    return () if result.age_days is None else (Text(f", {numbers.plural(int(result.age_days), 'day')} old"),)


def _signals(signals: tuple[Signal, ...]) -> Table:
    columns = (
        Column("Seen", "lead"),
        Column("What"),
        Column("Column"),
        Column("Windows"),
        Column("Effect", number=True),
        Column("Rows", number=True),
        Column("Loss", number=True),
        Column("Asks for"),
    )
    rows = tuple(
        (
            line(_sentence(wording.because(each.reason))),
            line(_KINDS[each.kind]),
            line(Code(each.column)) if each.column else line(numbers.NONE),
            _windows(each.windows),
            line(numbers.NONE if each.effect is None else f"{each.effect:.3g}"),
            line(numbers.count(each.rows) if each.rows else numbers.NONE),
            line(_loss(each.harm)),
            line(wording.ACTIONS[each.asks_for]),
        )
        for each in signals
    )
    return _told(Table("What was seen", columns, rows, stacked=True))


def _course(course: Course) -> Table:
    """Return what decided, a row a window, the newest first."""
    points = course.points[::-1]
    axis = Axis.over([number for each in points for number in (each.value, each.low, each.high, each.limit)])
    columns = (
        Column("Window", "lead"),
        Column("Rows", number=True),
        Column("Value", number=True),
        Column("Limit", number=True),
        Column("Counts", "verdict"),
        Column("Course", "plot", header_plot=charts.header(axis), html_only=True),
        Column("Course", markdown_only=True),
    )
    rows = []
    for each in points:
        estimate = Estimate(value=each.value, low=each.low, high=each.high)
        verdict = Verdict.FAIL if each.bad else Verdict.PASS if each.value is not None else Verdict.NOT_APPLICABLE
        word = "counts" if each.bad else "" if each.value is not None else "not known"
        share = f"{each.value:.1%}" if course.of == "fault" and each.value is not None else ""
        rows.append(
            (
                line(Code(each.window)),
                line(numbers.count(each.rows)),
                line(share or wording.with_limits(estimate)),
                line(numbers.NONE if each.limit is None else numbers.metric(each.limit)),
                line(Badge(verdict, word)) if word else line(numbers.NONE),
                line(charts.interval_row(axis, estimate, each.limit, verdict)),
                line(Code(charts.strip(axis, estimate, each.limit))),
            )
        )
    part = f" of {course.slice}" if course.slice else ""
    caption = f"What decided: {_OF[course.of]} {course.name}{part}".strip()
    return _told(Table(caption, columns, tuple(rows), stacked=True))


def _told(table: Table) -> Table:
    """Return a table without the columns in which no row tells anything."""
    nothing = line(numbers.NONE)
    kept = [at for at in range(len(table.columns)) if any(row[at] != nothing for row in table.rows)]
    rows = tuple(tuple(row[at] for at in kept) for row in table.rows)
    return replace(table, columns=tuple(table.columns[at] for at in kept), rows=rows)


_OF = {
    "realised": "realised",
    "estimated": "estimated",
    "drift": "drift of",
    "fault": "share of rows with the fault in",
}


def _windows(keys: tuple[str, ...]) -> Line:
    if not keys:
        return line(numbers.NONE)
    return line(Code(keys[0])) if len(keys) == 1 else line(Code(keys[0]), " to ", Code(keys[-1]))


def _limits(result: DecideResult) -> tuple[Section, ...]:
    if not result.limits:
        return ()
    columns = (Column("Limit", "lead"), Column("Holds back"), Column("Where it stands"))
    rows = tuple(
        (line(each.name), line("yes" if each.holds_back else "no"), line(_limit(each))) for each in result.limits
    )
    held = [each.name for each in result.limits if each.holds_back]
    summary = f"{', '.join(held)} {'hold' if held[1:] else 'holds'} back" if held else "none holds back"
    return (Section("limits", "Limits", summary, (Table("Limits", columns, rows, stacked=True),), 70, after="gates"),)


def _limit(limit: Limit) -> str:
    return _sentence(wording.because(limit.reason))


def _change(result: DecideResult) -> tuple[Section, ...]:
    if not result.would_change:
        return ()
    items = tuple(line(_sentence(wording.because(each))) for each in result.would_change)
    return (Section("change", "What would change it", "", (Listing(items),), 80, folded=False, after="moved"),)


def _before(result: DecideResult) -> tuple[Section, ...]:
    own = "" if result.decision is None else result.decision.digest
    before = [each for each in result.before if each.digest != own]  # asked again, a decision is the last one itself
    if not before:
        return ()
    columns = (
        Column("When", "lead"),
        Column("Decision"),
        Column("Why"),
        Column("What became of it"),
        Column("Run"),
    )
    rows = tuple(
        (
            line(_minute(each.time)),
            line(wording.ACTIONS[each.action]),
            line(_sentence(wording.because(each.reason))),
            line(_became(each)),
            line(Code(each.run)) if each.run else line(numbers.NONE),
        )
        for each in before
    )
    last = before[0]
    summary = f"{len(before)}, the last one {wording.ACTIONS[last.action]} at {_minute(last.time)}"
    blocks = (Table("Decisions", columns, rows, stacked=True),)
    return (Section("before", "Decisions before", summary, blocks, 50, after="gates"),)


def _minute(moment: str) -> str:
    return f"{moment[:10]} {moment[11:16]} UTC"


def _became(each: PastDecision) -> str:
    return f"{_OUTCOMES[each.outcome]}: {each.version}" if each.version else _OUTCOMES[each.outcome]


def _sentence(text: str) -> str:
    named = "_" in text.partition(" ")[0]  # a metric or a column is written as it is
    return f"{text[:1] if named else text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def verdict(result: DecideResult, _claimed: Verdict) -> Verdict:
    """Return the verdict of what was decided, whatever the record claims."""
    return result.verdict
