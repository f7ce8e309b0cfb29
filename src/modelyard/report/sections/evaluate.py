"""The judgement: gates with their intervals, the models side by side, slices, curves, and how to reproduce it."""

from collections.abc import Iterable, Sequence

from modelyard.core.verdict import Verdict
from modelyard.core.vocabulary import RULE_CHANGE_KINDS
from modelyard.records.envelope import Envelope
from modelyard.records.results import (
    DiscoveredSlice,
    Estimate,
    EvaluateResult,
    GateResult,
    MetricRow,
    Reuse,
    SliceRow,
)
from modelyard.report import charts, numbers, wording
from modelyard.report.conclusion import outcome
from modelyard.report.document import (
    MOST_ROWS,
    Badge,
    Block,
    Break,
    Code,
    CodeBlock,
    Column,
    Inline,
    Line,
    Listing,
    Paragraph,
    Section,
    Table,
    Text,
    line,
)
from modelyard.report.figures import forest
from modelyard.report.sections import figures
from modelyard.report.verdict_style import SEVERITY, WORDS

PLOTTED = 300
"""Slices that get a plot of their own; past that, numbers say more than a wall of lines, and the file stays small."""
FEWEST = 10
"""Rows that a table of slices counts for at least: one of few rows takes as long to draw."""
MOST_GATES = 1000
"""Gates that are shown, worst first, each with a plot and its words."""
PASSING = 20
"""Slices that a page shows before it folds, where no more than that fail."""
NAMED = 5
"""Slices that are named right under the gates, where they did not pass."""
WORN = 20
"""Evaluations on a test set from which the report asks for fresh rows."""


def sections(envelope: Envelope) -> tuple[Section, ...]:
    """Return the sections of the judgement; nothing where the step has no result."""
    result = outcome(envelope)
    if not isinstance(result, EvaluateResult):
        return ()
    return (
        *_rules(result),
        *_gates(result),
        *_on_base_rows(result),
        *_checks(result),
        *_models(result),
        *_slices(result),
        *_discovered(result),
        *_changed(result),
        *_test_set(result),
        *figures.sections(envelope),
        *_reproduce(result),
    )


def shared(result: EvaluateResult) -> tuple[Section, ...]:
    """Return the sections that a comment shows as a page does."""
    return (
        *_rules(result),
        *_on_base_rows(result),
        *_checks(result),
        *_discovered(result),
        *_changed(result),
        *_test_set(result),
    )


# rules


def _rules(result: EvaluateResult) -> tuple[Section, ...]:
    """Return what a proposal would change in the rules, old beside new, and what its own rules would say."""
    if not result.rule_changes:
        return ()
    columns = (Column("Change", "lead"), Column("Rule"), Column("In force (base)"), Column("Proposed"))
    ordered = sorted(result.rule_changes, key=lambda change: RULE_CHANGE_KINDS.index(change.kind))
    rows = tuple(
        (
            line(Text(change.kind, "strong" if change.kind in RULE_CHANGE_KINDS[:3] else "")),
            line(Code(change.rule)),
            _written(change.old),
            _written(change.new),
        )
        for change in ordered[:50]
    )
    more = len(result.rule_changes) - len(rows)
    caption = f"Rules that this change would alter{f'; {more} more are not shown' if more > 0 else ''}"
    own = result.under_own_rules
    beyond: tuple[Inline | str, ...] = ()
    said = f"Under its own rules the verdict would be: {own.words}." if own is not None else ""
    if own is None and result.own_rules_beyond:
        said = "What its own rules would say was not judged: it would take other rows or predictions, because of "
        beyond = (Code(result.own_rules_beyond), ".")
    blocks: tuple[Block, ...] = (
        Paragraph(line(f"The rules of the base count until this is merged. {said}", *beyond)),
        Table(caption, columns, rows),
    )
    return (Section("rules", "This change alters its own rules", "", blocks, 95, folded=False),)


# checks beside the gates


def _checks(result: EvaluateResult) -> tuple[Section, ...]:
    """Return checks that are gates or found something, and every waiver."""
    blocks: list[Block] = []
    if result.checks:
        columns = (Column("Verdict", "lead"), Column("Check"), Column("Found"))
        rows = tuple(
            (
                line(Badge(check.verdict)) if check.gate or check.verdict is not Verdict.PASS else line("reported"),
                line(Text(wording.check_name(check)), *((Text(" (gate)", "muted"),) if check.gate else ())),
                line(wording.because(check.finding)),
            )
            for check in sorted(result.checks, key=lambda check: (not check.gate, SEVERITY[check.verdict]))
        )
        blocks.append(Table("Checks", columns, rows, stacked=True))
    if result.waivers:
        heads = (Column("Waiver", "lead"), Column("State"), Column("Until"), Column("Owner"), Column("Reason"))
        blocks.append(
            Table(
                "Waivers",
                heads,
                tuple(
                    (
                        line(Code(row.gate), *((" ", Code(row.slice)) if row.slice else ())),
                        line(row.state),
                        line(row.expires),
                        line(row.owner),
                        line(row.reason),
                    )
                    for row in result.waivers
                ),
                stacked=True,
            )
        )
    if not blocks:
        return ()
    bad = [check for check in result.checks if check.verdict not in (Verdict.PASS, Verdict.NOT_APPLICABLE)]
    loud = bool(result.waivers) or any(check.gate for check in result.checks) or bool(bad)
    summary = tally(check.verdict for check in result.checks) if loud else "reported, not gating"
    return (Section("checks", "Checks", summary, tuple(blocks), 60, folded=not loud),)


def _changed(result: EvaluateResult) -> tuple[Section, ...]:
    """Where labels became wrong or right, slice by slice."""
    changed = result.changed_predictions
    if changed is None or not changed.slices:
        return ()
    columns = (
        Column("Slice", "lead"),
        Column("Rows", number=True),
        Column("Newly wrong", number=True),
        Column("Newly right", number=True),
    )
    rows = tuple(
        (
            line(Code(f"{row.column} = {row.value}")),
            line(numbers.count(row.rows)),
            line(numbers.count(row.right_to_wrong)),
            line(numbers.count(row.wrong_to_right)),
        )
        for row in changed.slices
    )
    table = Table("Changed predictions", columns, rows, stacked=True)
    note = Paragraph(line(Text("The slices that lost most come first.", "muted")))
    lost, won = numbers.count(changed.right_to_wrong), numbers.count(changed.wrong_to_right)
    summary = f"{lost} newly wrong, {won} newly right"
    return (Section("flips", "Changed predictions", summary, (table, note), 20, html_folded=True),)


def _discovered(result: EvaluateResult) -> tuple[Section, ...]:
    """Slices that no gate names, in which the challenger loses."""
    if not result.discovered:
        return ()
    columns = (
        Column("Slice", "lead"),
        Column("Rows", number=True),
        Column("Extra loss per row", number=True),
        Column("p", number=True),
    )
    rows = tuple(
        (
            line(Code(_condition(one))),
            line(numbers.count(one.rows)),
            line(numbers.metric(one.excess, numbers.decimals([one.excess]), signed=True)),
            line(numbers.p_value(one.p)),
        )
        for one in result.discovered
    )
    note = Paragraph(
        line(
            Text(
                "Found on half of the units and judged on the other half; about one in ten is chance. They are a hint "
                "where to look, and gate nothing.",
                "muted",
            )
        )
    )
    table = Table("Discovered slices", columns, rows, stacked=True)
    summary = numbers.plural(len(rows), "slice")
    return (Section("discovered", "Discovered slices", summary, (table, note), 18),)


def _test_set(result: EvaluateResult) -> tuple[Section, ...]:
    """Return the period of the labels, how worn the test set is, and how likely an equally good model would pass."""
    items: list[Line] = []
    if result.labels_from:
        items.append(line(f"Test labels from {numbers.day(result.labels_from)} to {numbers.day(result.labels_to)}."))
    if result.reuse is not None:
        text = f"{_decision(result.reuse)} on this test set. Chance of a false pass so far: {result.reuse.chance:.0%}."
        worn = result.reuse.evaluations >= WORN
        items.append(line(Text(f"{text} Bring fresh rows." if worn else text, "strong" if worn else "")))
    if result.equal_chance is not None:
        chance = f"{result.equal_chance:.0%}"
        items.append(line(f"An equally good model would pass about {chance} of the time."))
    if not items:
        return ()
    summary = "" if result.reuse is None else _decision(result.reuse).lower()
    return (Section("wear", "Test set", summary, (Listing(tuple(items)),), 15),)


def _condition(found: DiscoveredSlice) -> str:
    """Return ``dep_delay > 5 and origin = LGA``: values of numbers are conditions in words."""
    return " and ".join(
        " and ".join(f"{name} {_bounds(part)}" for part in value.split(", "))
        if value.startswith(("above ", "at most "))
        else f"{name} = {value}"
        for name, value in zip(found.columns, found.values, strict=True)
    )


def _bounds(part: str) -> str:
    return part.replace("above ", "> ").replace("at most ", "≤ ").replace("-", numbers.MINUS)


def _decision(reuse: Reuse) -> str:
    least = "At least the " if reuse.at_least else ""
    ordinal = "first" if reuse.evaluations == 1 else _ordinal(reuse.evaluations)
    said = f"{least}{ordinal} decision"
    return f"{said[:1].upper()}{said[1:]}"


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _written(text: str) -> Line:
    return line(Code(text)) if text else line(numbers.NONE)


# gates


def _gates(result: EvaluateResult) -> tuple[Section, ...]:
    gates = wording.worst_first(result.gates)
    if not gates:
        blocks: tuple[Block, ...] = (Paragraph(line("No gate was judged."), note=True),)
        return (Section("gates", "Gates", "none", blocks, 95, folded=False),)
    columns = (
        Column("Verdict", "lead"),
        Column("Gate", "lead", markdown_only=True),
        Column("Gate", "lead", html_only=True),
        Column("Interval; the tinted side passes", "plot", html_only=True),
        Column("Observed", number=True),
        Column("Required", number=True),
        Column("Judged on", number=True),
        Column("Smallest detectable difference", number=True),
    )
    shown = gates[:MOST_GATES]
    table = Table(
        "Gates",
        columns,
        tuple(_gate_row(gate, result.champion) for gate in shown),
        stacked=True,
        row_verdicts=tuple(gate.verdict for gate in shown),
        more=len(gates) - len(shown),
    )
    blocks = (table, *_explained(shown, result.champion), _legend(result, gates))
    return (Section("gates", "Gates", tally(gate.verdict for gate in gates), blocks, 95, folded=False),)


def _on_base_rows(result: EvaluateResult) -> tuple[Section, ...]:
    """Return the gates on the base's test rows, where the change brings other ones."""
    found = result.base_rows
    if found is None or not found.gates:
        return ()
    gates = wording.worst_first(found.gates)[:MOST_GATES]
    columns = (
        Column("Verdict", "lead"),
        Column("Gate", "lead"),
        Column("Observed", number=True),
        Column("Required", number=True),
    )
    rows = tuple(
        (
            line(_badge(gate)),
            line(Code(wording.rule(gate))),
            _number(gate.estimate, signed=wording.is_difference(gate), below=True),
            line(wording.required(gate)),
        )
        for gate in gates
    )
    more = len(found.gates) - len(gates)
    table = Table("Gates on the base's test rows", columns, rows, stacked=True, more=more)
    return (
        Section("rows", "On the base's test rows", tally(gate.verdict for gate in gates), (table,), 94, folded=False,
                after="gates"),
    )  # fmt: skip


def tally(verdicts: Iterable[Verdict]) -> str:
    """``1 fail, 2 pass``: how many of each, worst first."""
    found = list(verdicts)
    order = sorted(SEVERITY, key=lambda verdict: SEVERITY[verdict])
    return ", ".join(f"{numbers.count(found.count(item))} {WORDS[item]}" for item in order if item in found) or "none"


def _gate_row(gate: GateResult, champion: str | None) -> tuple[Line, ...]:
    signed = wording.is_difference(gate)
    plot = charts.gate(
        gate.estimate,
        wording.threshold(gate),
        gate.verdict,
        above=wording.passes_above(gate),
        difference=signed,
    )
    return (
        line(_badge(gate)),
        line(Code(wording.rule(gate))),
        _gate_cell(gate, champion),
        line(plot) if gate.estimate.value is not None else line(),
        _number(gate.estimate, signed=signed, below=True),
        line(wording.required(gate)),
        line(wording.judged_on(gate.estimate), *_rows(gate.estimate, Break())),
        line(wording.visible(gate)),
    )


def _badge(gate: GateResult) -> Badge:
    note = "waived" if gate.waived else "allowed" if gate.allowed else ""
    return Badge(gate.verdict, f"{WORDS[gate.verdict]}, {note}" if note else "")


def _gate_cell(gate: GateResult, champion: str | None) -> Line:
    parts: list[Inline | str] = [Code(wording.rule(gate))]
    for text in (wording.effect(gate), wording.reason(gate), wording.would_decide(gate)):
        if text:
            parts += [Break(), Text(_sentence(text))]
    parts += [Break(), Text(" · ".join(_small_print(gate, champion)), "muted")]
    return line(*parts)


def _small_print(gate: GateResult, champion: str | None) -> list[str]:
    parts = []
    if gate.reference_level is not None:
        name = f"champion {champion}" if gate.reference == "champion" and champion else gate.reference
        parts.append(f"challenger {wording.observed(gate.challenger)}, {name} {wording.observed(gate.reference_level)}")
    if gate.estimate.identical:
        parts.append("scores equal on every row")
    if gate.estimate.method:
        parts.append(wording.method(gate.estimate))
    if gate.default:
        parts.append("default gate")
    if gate.line is not None:
        parts.append(f"line {gate.line}")
    return parts or [gate.metric]


def _explained(gates: Sequence[GateResult], champion: str | None) -> tuple[Block, ...]:
    """Every gate that did not pass in words, but for the first, which the headline explains; and slices that fail.

    HTML says the same inside its table.
    """
    items: list[Line] = []
    for index, gate in enumerate(gates):
        if gate.verdict in (Verdict.PASS, Verdict.NOT_APPLICABLE) or (index == 0 and not gate.allowed):
            continue
        parts: list[Inline | str] = [Code(wording.rule(gate)), ": ", wording.explanation(gate, champion)]
        if wording.would_decide(gate):
            parts.append(f" {_sentence(wording.would_decide(gate))}")
        items.append(line(*parts))
    for gate in gates:
        if gate.verdict is Verdict.NOT_APPLICABLE and gate.reason:
            items.append(line(Code(wording.rule(gate)), f" does not apply: {wording.reason(gate)}"))
        bad = _sorted_slices(gate, only=(Verdict.FAIL, Verdict.ERROR))
        if bad:
            items.append(_named_slices(gate, bad))
    return (Listing(tuple(items), markdown_only=True),) if items else ()


def _named_slices(gate: GateResult, bad: Sequence[SliceRow]) -> Line:
    parts: list[Inline | str] = ["Slices below ", Code(wording.rule(gate)), ": "]
    for index, row in enumerate(bad[:NAMED]):
        parts += ["; "] if index else []
        parts += [Code(f"{row.column} = {row.value}"), f" {wording.with_limits(_judged(row))}"]
    if len(bad) > NAMED:
        parts.append(f"; and {numbers.count(len(bad) - NAMED)} more")
    return line(*parts)


def _legend(result: EvaluateResult, gates: Sequence[GateResult]) -> Block:
    text = (
        f"Judged on {numbers.units(result.test_rows, result.unit if result.unit in wording.SINGLE else 'row')}"
        + (f" of {numbers.units(result.test_units, result.unit)}" if result.unit not in wording.SINGLE else "")
        + f". In brackets the {numbers.percent(result.confidence)} interval: a gate passes where all of it is beyond "
        "the limit, fails where none does, and cannot tell otherwise."
    )
    if any(gate.estimate.approximate for gate in gates):
        text += " ≈ marks an approximate interval."
    told = next((told for gate in gates if (told := wording.dependence(gate.estimate))), "")
    if told:
        text += f" {_sentence(told)}"
    return Paragraph(line(Text(text, "muted")))


def _number(estimate: Estimate, *, signed: bool = False, below: bool = False) -> Line:
    """Return the estimate and its interval, the interval on a line of its own where asked."""
    shown = wording.limits(estimate, signed=signed)
    value = Text(wording.observed(estimate, signed=signed), "strong")
    return line(value) if shown == numbers.NONE else line(value, Break(" ") if below else " ", Text(shown))


def _rows(estimate: Estimate, joint: Inline) -> tuple[Inline, ...]:
    text = wording.rows_behind(estimate)
    return (joint, Text(text, "muted")) if text else ()


# models


def _models(result: EvaluateResult) -> tuple[Section, ...]:
    if not result.metrics:
        return ()
    champion = f"Champion {result.champion}" if result.champion else "Champion"
    compared = any(row.difference is not None for row in result.metrics)
    columns = (
        Column("Metric", "lead"),
        Column("Better to the right" if compared else "On its own scale", "plot", html_only=True),
        Column("Challenger", number=True),
        Column(champion, number=True),
        *([Column("Difference", number=True)] if compared else []),
        Column("Baseline", number=True),
    )
    rows = tuple(_model_row(row, compared=compared) for row in result.metrics)
    blocks: list[Block] = [Table("Models", columns, rows, stacked=True)]
    about = "All on the same test rows. "
    about += (
        "Plotted: challenger minus champion with its interval, on a scale of its own around 0."
        if compared
        else "Plotted: ● challenger with its interval, ○ champion, ■ baseline; each metric on its own scale."
    )
    if result.baseline:
        about += f" Baseline: {wording.baseline(result)}."
    blocks.append(Paragraph(line(Text(about, "muted"))))
    if walked := wording.walked(result):
        blocks.append(Paragraph(line(walked)))
    if result.unmatched:
        left = ", ".join(f"{name} {numbers.count(number)}" for name, number in result.unmatched.items())
        blocks.append(Paragraph(line(f"Rows without a prediction, left out: {left}.")))
    summary = "challenger, champion and baseline" if result.champion else "challenger and baseline"
    return (Section("models", "Models", f"{summary} on the same rows", tuple(blocks), 70),)


def _model_row(row: MetricRow, *, compared: bool) -> tuple[Line, ...]:
    champion = row.champion.value if row.champion else None
    places, (arrow, direction) = numbers.decimals([row.challenger.value, champion]), wording.direction(row)
    return (
        line(Code(row.metric), Text(f" {arrow} {direction}", "muted")),
        _compared(row, direction),
        _number(row.challenger, below=True),
        line(numbers.metric(champion, places)),
        *([_gained(row)] if compared else []),
        line(numbers.metric(row.baseline, places)),
    )


def _compared(row: MetricRow, direction: str) -> Line:
    """Return the paired difference on a scale around 0; the levels where there is none."""
    if row.difference is not None and row.difference.value is not None and row.aim is None:
        return line(forest.difference(row.difference, better_above=row.higher_is_better))
    return line(charts.models_row(row.challenger, row.champion, row.baseline, direction=direction))


def _gained(row: MetricRow) -> Line:
    if row.difference is None or row.difference.value is None:
        why = None if row.difference is None else row.difference.refused
        return line(wording.because(why)) if why is not None else line(numbers.NONE)
    return _number(row.difference, signed=True, below=True)


# slices


def _slices(result: EvaluateResult) -> tuple[Section, ...]:
    sliced = [gate for gate in result.gates if gate.slices]
    if not sliced:
        return ()
    rows = [row for gate in sliced for row in gate.slices]
    left, room = PLOTTED, MOST_ROWS
    blocks: list[Block] = []
    for number, gate in enumerate(sliced):
        if room <= 0:
            more = numbers.plural(len(sliced) - number, "more gate")
            blocks.append(Paragraph(line(f"Slices of {more} are in the record.")))
            break
        left_out = f" {numbers.plural(gate.slices_left_out, 'rarer value')} not judged." if gate.slices_left_out else ""
        blocks += [
            Paragraph(line(Code(wording.rule(gate)), f": {tally(row.verdict for row in gate.slices)}.{left_out}"))
        ]
        blocks.append(_slice_table(gate, plotted=left, room=room))
        left, room = max(0, left - len(gate.slices)), room - max(len(gate.slices), FEWEST)
    blocks.append(Paragraph(line(Text("Sorted worst first. The line marks the bound of the rule.", "muted"))))
    summary = f"{numbers.plural(len(rows), 'slice')}: {tally(row.verdict for row in rows)}"
    return (Section("slices", "Slices", summary, tuple(blocks), 25),)


def _slice_table(gate: GateResult, *, plotted: int, room: int) -> Table:
    rows = _sorted_slices(gate)[:room]
    columns_named = {row.column for row in rows}
    of = columns_named.pop() if len(columns_named) == 1 else ""
    bound = wording.threshold(gate)
    judged = [_judged(row) for row in rows]
    axis = charts.Axis.over([number for item in judged for number in (item.value, item.low, item.high)] + [bound])
    above = wording.passes_above(gate)
    signed = wording.is_difference(gate)
    columns = (
        Column("Slice", "lead", markdown_only=True),
        Column(f"Slice by {of}" if of else "Slice", "lead", html_only=True),
        Column("Interval", "plot", header_plot=charts.header(axis, bound, signed=signed), html_only=True),
        Column("" if bound is None else f"│ is {numbers.exact(bound, signed=signed)}", markdown_only=True),
        Column(_measured(gate), number=True),
        Column("Judged on", number=True),
        Column("Verdict", "verdict"),
    )
    cells = []
    for index, (row, estimate) in enumerate(zip(rows, judged, strict=True)):
        cells.append(
            (
                line(Code(f"{row.column} = {row.value}")),
                line(Code(row.value if of else f"{row.column} = {row.value}")),
                line(charts.interval_row(axis, estimate, bound, row.verdict, above=above))
                if index < plotted
                else line(),
                line(Code(charts.strip(axis, estimate, bound))),
                _number(estimate, signed=signed)
                if estimate.value is not None
                else line(wording.because(estimate.refused) if estimate.refused else numbers.NONE),
                line(wording.judged_on(estimate), *_rows(estimate, Text(" · ", "muted")), *_needed(row)),
                line(Badge(row.verdict)),
            )
        )
    return Table(
        f"Slices of {wording.rule(gate)}",
        columns,
        tuple(cells),
        stacked=True,
        more=len(gate.slices) - len(rows),
        before_fold=max(PASSING, sum(row.verdict in (Verdict.FAIL, Verdict.ERROR) for row in rows)),
    )


def _needed(row: SliceRow) -> tuple[Inline, ...]:
    """Return what a slice without power would take, and its share of the rows; the others say nothing."""
    if not row.rows_needed:
        return ()
    share = "" if row.share is None else f"{row.share:.1%} of all, "
    return (Break(), Text(f"{share}about {row.rows_needed:,} needed", "muted"))


def _measured(gate: GateResult) -> str:
    if wording.is_contrast(gate):
        return f"{gate.metric} over the least allowed"
    return f"Difference of {gate.metric}" if wording.is_difference(gate) else gate.metric


def _judged(row: SliceRow) -> Estimate:
    return row.difference if row.difference is not None else row.challenger


def _sorted_slices(gate: GateResult, only: Sequence[Verdict] = tuple(Verdict)) -> list[SliceRow]:
    sign = 1.0 if wording.passes_above(gate) else -1.0
    kept = [row for row in gate.slices if row.verdict in only]
    return sorted(
        kept, key=lambda row: (SEVERITY[row.verdict], sign * (_judged(row).value or 0.0), row.column, row.value)
    )


# reproduce


def _reproduce(result: EvaluateResult) -> tuple[Section, ...]:
    if not result.reproduce:
        return ()
    blocks: tuple[Block, ...] = (
        Paragraph(line("The same verdict locally, given the same champion, platform and packages:")),
        CodeBlock(result.reproduce, "sh"),
    )
    return (Section("reproduce", "Reproduce", "", blocks, 85, folded=False),)


def _sentence(text: str) -> str:
    stripped = text.strip()
    ended = stripped if stripped.endswith((".", "!", "?")) else f"{stripped}."
    return ended[:1].upper() + ended[1:] if ended[:1].islower() and " " in ended.split(",")[0] else ended
