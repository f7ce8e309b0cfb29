"""Where the models err, in a comment: classes and confusions of several classes, errors by range of a regression."""

from collections.abc import Iterator

from modelyard.core.verdict import Verdict
from modelyard.records.results import Estimate, EvaluateResult
from modelyard.records.results.diagnostics import ClassRow, ConfusedPair, Diagnostics, ErrorBin, Errors
from modelyard.report import numbers, wording
from modelyard.report.document import Block, Code, Column, Line, Paragraph, Section, Table, Text, line
from modelyard.report.verdict_style import FEW, SIGNS

MOST = 30
"""Classes that are shown."""


def sections(result: EvaluateResult) -> tuple[Section, ...]:
    """Return the classes of a classification with several, and the errors of a regression."""
    found = result.diagnostics
    if found is None:
        return ()
    return (*_classes(found, result), *_confused(found), *_errors(found.errors))


def _classes(found: Diagnostics, result: EvaluateResult) -> Iterator[Section]:
    if not found.by_class:
        return
    compared = any(row.difference is not None for row in found.by_class)
    columns = (
        Column("", centre=True),
        Column("Class"),
        Column("Rows", number=True),
        Column("Recall, old → new" if compared else "Recall", number=True),
        *((Column(f"Difference, {numbers.percent(result.confidence)} CI", number=True),) if compared else ()),
    )
    rows = tuple(_class(row, compared=compared) for row in found.by_class[:MOST])
    table = Table("Classes", columns, rows, more=len(found.by_class) - len(rows))
    worse = sum(_sign(row) == SIGNS[Verdict.FAIL] for row in found.by_class)
    said = f"{numbers.plural(len(found.by_class), 'class', 'classes')}"
    said += f", {numbers.count(worse)} worse than before" if compared and worse else ""
    note = "A sign says where the class lost or won beyond what its own interval leaves open; it gates nothing."
    blocks: tuple[Block, ...] = (table, *((Paragraph(line(note)),) if compared else ()))
    yield Section("classes", "Classes", said, blocks, 45, after="models")


def _class(row: ClassRow, *, compared: bool) -> tuple[Line, ...]:
    before = None if row.champion is None else row.champion.value
    places = numbers.scale([row.recall.value, before], wording.ends(row.difference))
    new = numbers.metric(row.recall.value, places)
    shown = new if not compared else f"{numbers.metric(before, places)} → {new}"
    cells = (line(_sign(row)), line(Code(row.name)), line(numbers.count(row.support)), line(shown))
    return (*cells, _difference(row.difference, places)) if compared else cells


def _sign(row: ClassRow) -> str:
    """Return whether a class lost or won for certain; nothing where neither is known."""
    found = row.difference
    if row.recall.value is None:
        return FEW
    if found is None or found.low is None or found.high is None:
        return ""
    return SIGNS[Verdict.FAIL] if found.high < 0 else SIGNS[Verdict.PASS] if found.low > 0 else ""


def _difference(found: Estimate | None, places: int) -> Line:
    if found is None or found.value is None:
        return line(numbers.NONE)
    value = Text(numbers.metric(found.value, places, signed=True), "strong")
    if found.low is None or found.high is None:
        return line(value)
    return line(value, f" {numbers.interval(found.low, found.high, places, signed=True)}")


def _confused(found: Diagnostics) -> Iterator[Section]:
    if not found.confused or not found.by_class:
        return
    compared = any(pair.before is not None for pair in found.confused)
    columns = (
        Column("Rows of"),
        Column("called"),
        Column("Before → now" if compared else "Rows", number=True),
        *((Column("Change", number=True),) if compared else ()),
    )
    rows = tuple(_pair(pair, compared=compared) for pair in found.confused)
    title = "Confusions that grew most" if compared else "Commonest confusions"
    yield Section("confusions", title, "", (Table(title, columns, rows),), 44, after="models")


def _pair(pair: ConfusedPair, *, compared: bool) -> tuple[Line, ...]:
    names = (line(Code(pair.actual)), line(Code(pair.predicted)))
    if not compared:
        return (*names, line(numbers.count(pair.rows)))
    before = pair.before or 0
    grown = f"{pair.rows - before:+,}".replace("-", numbers.MINUS)
    return (*names, line(f"{numbers.count(before)} → {numbers.count(pair.rows)}"), line(Text(grown, "strong")))


def _errors(found: Errors | None) -> Iterator[Section]:
    """Yield mean absolute error and bias by tenths of the true value."""
    if found is None or not found.by_actual:
        return
    compared = any(row.champion_error is not None for row in found.by_actual)
    columns = (
        Column("True value"),
        Column("Rows", number=True),
        Column("Mean absolute error, old → new" if compared else "Mean absolute error", number=True),
        Column("Bias", number=True),
    )
    errors = [error for row in found.by_actual for error in (row.error, row.champion_error)]
    places = numbers.decimals(errors)
    rows = tuple(_range(row, places, compared=compared) for row in found.by_actual)
    blocks: tuple[Block, ...] = (
        Paragraph(line(_bias(found))),
        Table("Error by tenths of the true value", columns, rows),
        Paragraph(line("Bias is the mean of predicted minus actual; in the target's unit, as all of these.")),
    )
    yield Section("errors", "Error by tenths of the true value", _bias_in_short(found), blocks, 46, after="models")


def _range(row: ErrorBin, places: int, *, compared: bool) -> tuple[Line, ...]:
    low, high = (numbers.exact(None if end is None else float(f"{end:.3g}")) for end in (row.low, row.high))
    error = numbers.metric(row.error, places)
    shown = f"{numbers.metric(row.champion_error, places)} → {error}" if compared else error
    bias = numbers.metric(row.bias, places, signed=True)
    where = f"up to {high}" if row.low is None else f"above {low}" if row.high is None else f"{low} to {high}"
    return (line(where), line(numbers.count(row.rows)), line(shown), line(bias))


def _bias(found: Errors) -> str:
    places = numbers.scale(wording.ends(found.bias))
    said = f"Bias over all rows: {wording.with_limits(found.bias, signed=True)}"
    if found.champion_bias is not None:
        said += f"; the champion's: {numbers.metric(found.champion_bias.value, places, signed=True)}"
    return f"{said}."


def _bias_in_short(found: Errors) -> str:
    return f"bias {wording.observed(found.bias, signed=True)}"
