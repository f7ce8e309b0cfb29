"""The judgement in a comment: gates in four columns that fit a phone, what to do, and folds of metrics and slices."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from modelyard.core.verdict import Verdict
from modelyard.records.envelope import Envelope
from modelyard.records.results import (
    DetectResult,
    Estimate,
    EvaluateResult,
    GateResult,
    MetricRow,
    SliceRow,
    TrainResult,
)
from modelyard.report import charts, numbers, wording
from modelyard.report.brief import changes, diagnostics, trend
from modelyard.report.conclusion import outcome
from modelyard.report.document import (
    Block,
    Break,
    Code,
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
from modelyard.report.registry import Results
from modelyard.report.sections import evaluate
from modelyard.report.verdict_style import FEW, SEVERITY, SIGNS

Parts = list[Inline | str]
NEXT = Break("<br>")
"""A line within a cell of a comment."""
STRIP = 12
"""Characters of a strip: a phone shows them beside the gate."""
NAMED = 8
"""Slices that are named in a line."""
MOST_GATES, MOST_SLICES = 100, 60


def sections(envelope: Envelope, results: Results) -> tuple[Section, ...]:
    """Return the sections of the judgement; nothing where the step has no result."""
    result = outcome(envelope)
    if not isinstance(result, EvaluateResult):
        return ()
    of_page = [_checks(each, result) if each.key == "checks" else each for each in evaluate.shared(result)]
    return (
        _gates(result, results),
        *_metrics(result),
        *diagnostics.sections(result),
        *_slices(result),
        *of_page,
        *_detail(result),
        *trend.sections(result, results),
    )


def _checks(section: Section, result: EvaluateResult) -> Section:
    """Fold the checks, unless one that is a gate holds or a waiver lets pass: those that are reported hold nothing."""
    gates = [
        check for check in result.checks if check.gate and check.verdict not in (Verdict.PASS, Verdict.NOT_APPLICABLE)
    ]
    if gates or result.waivers:
        return replace(section, folded=False)
    told = [check.verdict for check in result.checks if check.verdict is not Verdict.PASS]
    summary = f"{evaluate.tally(told)}, reported and not gating" if told else section.summary
    return replace(section, folded=True, summary=summary)


def _gates(result: EvaluateResult, results: Results) -> Section:
    gates = sorted(wording.worst_first(result.gates), key=lambda gate: (SEVERITY[gate.verdict], gate.allowed,
                                                                     gate.reference != "champion"))  # fmt: skip
    if not gates:
        return Section("gates", "", "none", (Paragraph(line("No gate was judged."), note=True),), 95, folded=False)
    columns = (Column("", centre=True), Column("Gate"), Column("Result"), Column("Needs", number=True))
    shown = gates[:MOST_GATES]
    rows = tuple((line(mark(gate)), _gate(gate), _result(gate, result), _needs(gate)) for gate in shown)
    table = Table("Gates", columns, rows, more=len(gates) - len(shown))
    blocks = (table, *_few(shown), *_others(shown), *_to_do(shown), *_changed(shown, results))
    return Section("gates", "", evaluate.tally(gate.verdict for gate in gates), blocks, 95, folded=False)


def mark(gate: GateResult) -> str:
    """Return the sign of a gate's verdict."""
    return SIGNS[gate.verdict]


def _gate(gate: GateResult) -> Line:
    note = "waived" if gate.waived else "may stay undecided" if gate.allowed else ""
    return line(wording.in_words(gate), *((f" ({note})",) if note else ()))


def _needs(gate: GateResult) -> Line:
    """Return what is required, with a blank where a phone may break it."""
    return line("above 0" if wording.is_contrast(gate) else wording.needs(gate).replace("\N{NO-BREAK SPACE}", " "))


def _result(gate: GateResult, result: EvaluateResult) -> Line:
    """Return what decided: the worst slice where slices did, with all rows below it; else the number of all rows."""
    del result
    signed, total = wording.is_difference(gate), gate.estimate
    row = wording.deciding_slice(gate)
    places = _places(gate)
    if row is not None:
        found = wording.judged(row)
        parts: Parts = [Code(row.value), " ", *_number(found, places, signed=signed), *_strip(found, gate)]
        if total.value is not None:
            parts += [NEXT, f"all rows {numbers.metric(total.value, places, signed=signed)}"]
        return line(*parts)
    if total.value is None:
        return line(wording.reason(gate) or numbers.NONE)
    parts = [*_number(total, places, signed=signed), *_strip(total, gate)]
    lowest = wording.worst_slice(gate) if gate.counted is Verdict.PASS else None
    if lowest is not None:
        value = numbers.metric(wording.judged(lowest).value, places, signed=signed)
        parts += [NEXT, "worst ", Code(lowest.value), f" {value}"]
    why = wording.reason(gate)
    return line(*parts, NEXT, why) if why and gate.verdict is not Verdict.PASS else line(*parts)


def _places(gate: GateResult) -> int:
    """Return the decimals of a gate: a difference has those of what it is one of."""
    if not wording.is_difference(gate):
        return numbers.scale(wording.ends(gate.estimate))
    levels = [gate.challenger.value, None if gate.reference_level is None else gate.reference_level.value]
    return numbers.scale(levels, wording.ends(gate.estimate), margin=gate.margin)


def _number(found: Estimate, places: int, *, signed: bool = False) -> Parts:
    value = Text(numbers.metric(found.value, places, signed=signed), "strong")
    if found.low is None or found.high is None:
        return [value]
    about = "≈ " if found.approximate else ""
    return [value, f" {about}{numbers.interval(found.low, found.high, places, signed=signed)}"]


def _strip(found: Estimate, gate: GateResult) -> Parts:
    bound = wording.threshold(gate)
    if found.low is None or found.high is None or found.low == found.high:
        return []
    ends = [*wording.ends(found), bound, gate.upper]
    return [NEXT, Code(charts.strip(charts.Axis.over(ends), found, bound, cells=STRIP))]


def _few(gates: Sequence[GateResult]) -> Iterator[Block]:
    """Yield which slices have too few rows to be judged."""
    for gate in gates:
        few = [row for row in gate.slices if wording.too_few(row)]
        if not few:
            continue
        columns = ", ".join(dict.fromkeys(row.column for row in gate.slices))
        verb = "has" if len(few) == 1 else "have"
        parts: Parts = [f"{FEW} {numbers.count(len(few))} of {numbers.plural(len(gate.slices), 'slice')} by "]
        parts += [Code(columns), f" {verb} too few rows to judge {gate.metric}: "]
        parts += _named([row.value for row in few])
        yield Paragraph(line(*parts, "."))


def _named(names: Sequence[str]) -> Parts:
    parts: Parts = []
    for index, name in enumerate(names[:NAMED]):
        parts += [", ", Code(name)] if index else [Code(name)]
    return [*parts, f" and {numbers.count(len(names) - NAMED)} more"] if len(names) > NAMED else parts


def _others(gates: Sequence[GateResult]) -> Iterator[Block]:
    """Yield the further slices of a gate that fails because of its slices: the table has the worst one alone."""
    found = [(gate, wording.sorted_slices(gate, only=(Verdict.FAIL, Verdict.ERROR))[1:]) for gate in gates
             if wording.deciding_slice(gate) is not None]  # fmt: skip
    items = tuple(_slices_that_fail(gate, rest) for gate, rest in found if rest)
    if items:
        yield Listing(items)


def _slices_that_fail(gate: GateResult, rows: Sequence[SliceRow]) -> Line:
    signed, places = wording.is_difference(gate), _places(gate)
    parts: Parts = [f"{wording.in_words(gate)} fails too for "]
    for index, row in enumerate(rows[:NAMED]):
        found = wording.judged(row)
        parts += [", "] if index else []
        parts += [Code(f"{row.column} = {row.value}"), " ", *_number(found, places, signed=signed)]
    return line(*parts, f" and {numbers.count(len(rows) - NAMED)} more." if len(rows) > NAMED else ".")


def _to_do(gates: Sequence[GateResult]) -> Iterator[Block]:
    """Yield what a person can do about the first gate that did not pass."""
    gate = next((gate for gate in gates if gate.counted in (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR)), None)
    if gate is None:
        return
    row = wording.deciding_slice(gate)
    parts: Parts = [Text("What to do: ", "strong"), Code(f"modelyard why {gate.id}"),
                    " shows how this gate was judged"]  # fmt: skip
    few = [each for each in gate.slices if wording.too_few(each) and each.rows_needed]
    if gate.verdict is Verdict.FAIL and row is not None:
        parts += ["; a waiver for ", Code(f"{row.column} = {row.value}"), " with owner, reason and date lets it pass"]
    elif gate.verdict is Verdict.FAIL:
        parts += ["; a waiver with owner, reason and date lets it pass"]
    elif gate.would_decide and gate.units_to_decide is None:
        parts += ["; no realistic number of rows would decide it: keep the champion, or allow more"]
    elif would := wording.would_decide(gate):
        parts += [f"; {would}"]
    elif few:
        largest = max(few, key=lambda each: wording.judged(each).rows)
        rows = numbers.units(wording.judged(largest).rows, "row")
        parts += [
            "; ",
            Code(f"{largest.column} = {largest.value}"),
            f" has {rows} of about {largest.rows_needed:,} needed",
        ]
    yield Paragraph(line(*parts, "."))


def _changed(gates: Sequence[GateResult], results: Results) -> Iterator[Block]:
    """Yield what changed since the champion, likeliest cause first, where a gate did not pass."""
    if all(gate.counted is Verdict.PASS for gate in gates if gate.verdict is not Verdict.NOT_APPLICABLE):
        return
    detected, trained = results.get("detect"), results.get("train")
    if isinstance(detected, DetectResult) and detected.champion:
        said = changes.likeliest(detected, trained if isinstance(trained, TrainResult) else None)
        if said:
            yield Paragraph(line(Text(f"Changed since {detected.champion}: ", "strong"), *said, "."))


# folds


def _metrics(result: EvaluateResult) -> tuple[Section, ...]:
    """Return every metric, champion → challenger, with the paired difference and its interval."""
    if not result.metrics:
        return ()
    compared = any(row.champion is not None for row in result.metrics)
    champion = f"Champion {result.champion}" if result.champion else "Champion"
    columns = (
        Column("Metric"),
        *((Column(champion, number=True),) if compared else ()),
        Column("Challenger", number=True),
        *((Column(f"Difference, {numbers.percent(result.confidence)} CI", number=True),) if compared else ()),
        Column("Baseline", number=True),
    )
    rows = tuple(_metric(row, compared=compared) for row in result.metrics)
    blocks: list[Block] = [Table("Metrics", columns, rows)]
    if result.baseline:
        blocks.append(Paragraph(line(f"Baseline: {wording.baseline(result)}.")))
    if walked := wording.walked(result):
        blocks.append(Paragraph(line(walked)))
    if result.unmatched:
        left = ", ".join(f"{name} {numbers.count(number)}" for name, number in result.unmatched.items())
        blocks.append(Paragraph(line(f"Rows without a prediction, left out: {left}.")))
    summary = f"{'champion → challenger' if compared else 'challenger and baseline'}, same rows"
    return (Section("models", "All metrics", summary, tuple(blocks), 70),)


def _metric(row: MetricRow, *, compared: bool) -> tuple[Line, ...]:
    champion, difference = row.champion, row.difference
    places = numbers.scale(
        [row.challenger.value, None if champion is None else champion.value], wording.ends(difference)
    )
    arrow, way = wording.direction(row)
    challenger = line(*_number(row.challenger, places))
    baseline = line(numbers.metric(row.baseline, places))
    name = line(Code(row.metric), f" {arrow}" if row.aim is None else f" {arrow} {way}")
    if not compared:
        return (name, challenger, baseline)
    beside = line(numbers.NONE) if champion is None else line(*_plain(champion, places))
    apart = line(numbers.NONE) if difference is None else line(*_number(difference, places, signed=True))
    return (name, beside, challenger, apart, baseline)


def _plain(found: Estimate, places: int) -> Parts:
    if found.low is None or found.high is None:
        return [numbers.metric(found.value, places)]
    return [f"{numbers.metric(found.value, places)} {numbers.interval(found.low, found.high, places)}"]


def _slices(result: EvaluateResult) -> tuple[Section, ...]:
    """Return the slices of every gate, worst first; those that could not be judged in a line."""
    sliced = [gate for gate in result.gates if gate.slices]
    if not sliced:
        return ()
    blocks: list[Block] = []
    for gate in sliced:
        rows = wording.sorted_slices(gate)
        told = [row for row in rows if wording.judged(row).low is not None]
        silent = [row for row in rows if wording.judged(row).low is None]
        left_out = f", {numbers.plural(gate.slices_left_out, 'rarer value')} not judged" if gate.slices_left_out else ""
        blocks.append(
            Paragraph(line(Text(wording.in_words(gate), "strong"), f": {slices_in_words(gate.slices)}{left_out}."))
        )
        if told:
            blocks.append(_slice_table(gate, told))
        if silent:
            why = next((wording.because(found) for row in silent if (found := wording.judged(row).refused)), "")
            said = f" ({why})" if why else ""
            blocks.append(Paragraph(line(f"{numbers.plural(len(silent), 'slice')} without an interval{said}: ",
                                         *_named([row.value for row in silent]), ".")))  # fmt: skip
    rows_of_all = [row for gate in sliced for row in gate.slices]
    return (Section("slices", "Slices", slices_in_words(rows_of_all), tuple(blocks), 25),)


def slices_in_words(rows: Sequence[SliceRow]) -> str:
    """``1 fail, 8 pass, 7 too few rows``."""
    few = sum(map(wording.too_few, rows))
    rest = evaluate.tally(row.verdict for row in rows if not wording.too_few(row))
    parts = ([rest] if few < len(rows) else []) + ([f"{numbers.count(few)} too few rows"] if few else [])
    return ", ".join(parts)


def _slice_table(gate: GateResult, rows: Sequence[SliceRow]) -> Table:
    bound, signed = wording.threshold(gate), wording.is_difference(gate)
    shown = rows[:MOST_SLICES]
    judged = [wording.judged(row) for row in shown]
    axis = charts.Axis.over([number for item in judged for number in wording.ends(item)] + [bound])
    places = _places(gate)
    columns = (
        Column("", centre=True),
        Column("Slice"),
        Column(_measured(gate, bound, signed=signed)),
        Column("Rows", number=True),
    )
    cells = tuple(
        (
            line(FEW if wording.too_few(row) else SIGNS[row.verdict]),
            line(Code(f"{row.column} = {row.value}"), *((" waived",) if row.waived else ())),
            line(*_number(found, places, signed=signed), NEXT, Code(charts.strip(axis, found, bound, cells=STRIP + 6))),
            line(*_rows(row, found, gate.estimate.n)),
        )
        for row, found in zip(shown, judged, strict=True)
    )
    return Table(f"Slices of {wording.rule(gate)}", columns, cells, more=len(rows) - len(shown))


def _rows(row: SliceRow, found: Estimate, of: int) -> Parts:
    """Return the rows of a slice, how many are needed where it has too few, and its units where it has not all."""
    parts: Parts = [numbers.count(found.rows or found.n)]
    if row.rows_needed:
        parts.append(f" of about {numbers.count(row.rows_needed)} needed")
    if found.n < of and found.unit not in wording.SINGLE:
        parts += [NEXT, wording.judged_on(found)]
    return parts


def _measured(gate: GateResult, bound: float | None, *, signed: bool) -> str:
    what = f"{gate.metric} beyond the least required" if wording.is_contrast(gate) else gate.metric
    what = f"{what}, difference" if signed and not wording.is_contrast(gate) else what
    return what if bound is None else f"{what}; │ is {numbers.exact(bound, signed=signed)}"


def _detail(result: EvaluateResult) -> tuple[Section, ...]:
    """Return how each gate was judged: on what, how, and what it could have seen."""
    gates = wording.worst_first(result.gates)[:MOST_GATES]
    if not gates:
        return ()
    columns = (
        Column("Gate"),
        Column("Judged on"),
        Column("Smallest detectable difference", number=True),
        Column("Method"),
    )
    rows = tuple(
        (
            line(Code(wording.rule(gate))),
            line(
                wording.judged_on(gate.estimate),
                *((f", {rows}",) if (rows := wording.rows_behind(gate.estimate)) else ()),
            ),
            line(wording.visible(gate)),
            line(wording.method(gate.estimate) or numbers.NONE, *(("; default gate",) if gate.default else ())),
        )
        for gate in gates
    )
    text = (
        f"In brackets the {numbers.percent(result.confidence)} confidence interval. A gate passes where all of it lies "
        "beyond what is needed, fails where none does, and is undecided otherwise."
    )
    if any(gate.estimate.approximate for gate in gates):
        text += " ≈ marks an approximate interval."
    told = next((told for gate in gates if (told := wording.dependence(gate.estimate))), "")
    text += f" {told[:1].upper()}{told[1:]}." if told else ""
    blocks: tuple[Block, ...] = (Table("Gates in detail", columns, rows), Paragraph(line(text)))
    return (
        Section(
            "detail",
            "How the gates were judged",
            "rows, method, smallest detectable difference",
            blocks,
            22,
            after="wear",
        ),
    )
