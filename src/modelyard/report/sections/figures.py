"""What a notebook would show: curves, thresholds, confusion, errors by range, recall by class. HTML only."""

from collections.abc import Callable, Mapping

from modelyard.records.envelope import Envelope
from modelyard.records.results import CurvePoints, EvaluateResult
from modelyard.records.results.diagnostics import (
    ClassRow,
    Confusion,
    Diagnostics,
    ErrorBin,
    Errors,
    Footprint,
    Moved,
    Permuted,
    Thresholds,
)
from modelyard.report import charts, numbers, wording
from modelyard.report.charts import Axis
from modelyard.report.conclusion import outcome
from modelyard.report.document import (
    Block,
    Code,
    Column,
    Details,
    Figure,
    Gallery,
    Line,
    Paragraph,
    Plot,
    Section,
    Shade,
    Table,
    Text,
    line,
)
from modelyard.report.figures import bars, binary, forest, regression
from modelyard.report.figures.panel import symmetric

_LEVELS = 5
_PRIORITY = 10
_LEGEND = "Challenger: thick blue line, filled dots. Champion: thin line, hollow dots."


def sections(envelope: Envelope) -> tuple[Section, ...]:
    """Return the figures of an evaluation; nothing where the step has no result."""
    result = outcome(envelope)
    if not isinstance(result, EvaluateResult):
        return ()
    found = result.diagnostics
    shown = [*_curves(result), *([] if found is None else _of(found, result.champion))]
    return tuple(shown)


def _of(found: Diagnostics, champion: str | None) -> list[Section]:
    made = [*_decisions(found, champion)]
    if found.errors is not None:
        made += _errors(found.errors, champion)
    if found.by_class:
        made += _classes(found, champion)
    made += [*_importance(found.importance, champion), *_drift(found.moved, champion)]
    return [*made, *_footprints(found.footprints, champion)]


def _section(key: str, title: str, summary: str, *blocks: Block) -> Section:
    return Section(key, title, summary, blocks, _PRIORITY, html_only=True)


# two classes

_DRAWN: Mapping[str, tuple[str, Callable[[binary.Curves, Diagnostics | None], Plot]]] = {
    "roc": ("ROC", binary.roc),
    "precision_recall": ("Precision and recall", binary.precision_recall),
    "calibration": ("Calibration", binary.calibration),
}


def _curves(result: EvaluateResult) -> list[Section]:
    kinds: dict[str, dict[str, CurvePoints]] = {}
    for curve in result.curves:
        kinds.setdefault(curve.kind, {})[curve.model] = curve
    figures = tuple(
        Figure(draw(kinds[kind], result.diagnostics), title) for kind, (title, draw) in _DRAWN.items() if kind in kinds
    )
    if not figures:
        return []
    compared = any(curve.model == "champion" for curve in result.curves)
    text = f"{_LEGEND} Below ROC and precision: challenger minus champion. " if compared else ""
    text += "The dots mark the threshold; below calibration, how many rows have which score."
    return [_section("curves", "Curves", "", Gallery(figures), Paragraph(line(Text(text, "muted"))))]


def _decisions(found: Diagnostics, champion: str | None) -> list[Section]:
    if not found.confusion or found.by_class:
        return []
    figures: list[Figure] = []
    if found.scores:
        figures.append(Figure(binary.scores(found), "Scores by class"))
    if found.thresholds:
        figures.append(Figure(binary.thresholds(found.thresholds), "Precision (dashes) and recall (line) by threshold"))
    if found.lift:
        figures.append(Figure(binary.lift(found.lift), "Lift"))
    blocks: list[Block] = [*_matrix(found)]
    if figures:
        blocks.append(Gallery(tuple(figures)))
    own = next((each for each in found.thresholds if each.model == "challenger"), None)
    if own is not None:
        other = next((each for each in found.thresholds if each.model == "champion"), None)
        blocks.append(Details(f"{len(own.rows)} thresholds", (_thresholds(own, other, champion),)))
    chosen = (
        "" if own is None or own.chosen is None else f"rows are called positive from {numbers.exact(own.chosen)} on"
    )
    return [_section("decisions", "At the threshold", chosen, *blocks)]


def _thresholds(own: Thresholds, other: Thresholds | None, champion: str | None) -> Table:
    before = {} if other is None else {row.threshold: row for row in other.rows}
    columns = [
        Column("Threshold", "lead"),
        Column("Called positive", number=True),
        Column("Precision", number=True),
        Column("Recall", number=True),
    ]
    columns += [Column(own.cost, number=True)] if own.cost else []
    columns += [Column(f"{_champion(champion)}: precision, recall", number=True)] if before else []
    rows = []
    for row in own.rows:
        chosen = row.threshold == own.chosen
        cells: list[Line] = [
            line(Text(numbers.exact(row.threshold), "strong" if chosen else ""), " (chosen)" if chosen else ""),
            line(f"{100 * row.flagged:.1f}%"),
            line(numbers.metric(row.precision)),
            line(numbers.metric(row.recall)),
        ]
        cells += [line(numbers.metric(row.cost, numbers.decimals([row.cost])))] if own.cost else []
        old = before.get(row.threshold)
        if before:
            text = f"{numbers.metric(old.precision)}, {numbers.metric(old.recall)}" if old is not None else numbers.NONE
            cells.append(line(text))
        rows.append(tuple(cells))
    return Table("Thresholds", tuple(columns), tuple(rows), before_fold=len(rows))


# confusion


def _matrix(found: Diagnostics) -> tuple[Table, ...]:
    """Return the challenger's confusion: rows, their share of the class, and how many more or fewer than before."""
    own = next((each for each in found.confusion if each.model == "challenger"), None)
    if own is None:
        return ()
    old = next((each for each in found.confusion if each.model == "champion"), None)
    names = [*found.classes, *(["other classes"] if found.others else [])]
    roomy = len(names) <= 8
    columns = (
        Column("Actual ↓ predicted →", "lead"),
        *(Column(name, number=True) for name in names),
        Column("Rows", number=True),
    )
    rows = []
    for at, name in enumerate(names):
        total = sum(own.counts[at])
        cells = [line(_cell(own, old, at, to, total, roomy=roomy)) for to in range(len(names))]
        rows.append((line(Code(name)), *cells, line(numbers.count(total))))
    caption = "Confusion: rows by class, then by predicted class"
    return (Table(caption, columns, tuple(rows), matrix=True, before_fold=len(rows)),)


def _cell(own: Confusion, old: Confusion | None, at: int, to: int, total: int, *, roomy: bool) -> Shade:
    rows = own.counts[at][to]
    share = rows / total if total else 0.0
    level = min(_LEVELS, round(_LEVELS * share)) or (1 if rows and share >= 0.005 else 0)
    if not rows and (old is None or not old.counts[at][to]):
        return Shade("0", 0)
    moved = "" if old is None else numbers.metric(float(rows - old.counts[at][to]), 0, signed=True)
    if old is not None and len(own.counts) == 2:
        moved = f"was {numbers.count(old.counts[at][to])}"
    below = ", ".join(part for part in (f"{100 * share:.1f}%" if roomy and total else "", moved) if part)
    return Shade(numbers.count(rows), level, worse=at != to, below=below)


# several classes


def _classes(found: Diagnostics, champion: str | None) -> list[Section]:
    compared = any(row.difference is not None for row in found.by_class)
    legend = "Shade: share of the class's rows. Below the rows: more or fewer than the champion's. " if compared else ""
    more = f"{numbers.plural(found.others, 'class', 'classes')} share the last row and column." if found.others else ""
    blocks: list[Block] = [*_matrix(found)]
    if legend or more:
        blocks.append(Paragraph(line(Text(f"{legend}{more}".strip(), "muted"))))
    made = [_section("decisions", "Confusion", "rows by class and predicted class", *blocks)]
    summary = "challenger minus champion, on the same rows" if compared else ""
    notes: list[Block] = [_by_class(found.by_class, champion)]
    if compared:
        text = "Each interval holds for its class alone: of twenty classes that did not change, one is off by chance."
        notes.append(Paragraph(line(Text(text, "muted"))))
    made.append(_section("classes", "Recall by class", summary, *notes))
    if found.confused:
        made.append(_section("confused", "What is confused most", "", _confused(found)))
    return made


def _by_class(rows: tuple[ClassRow, ...], champion: str | None) -> Table:
    compared = any(row.difference is not None for row in rows)
    ends = [
        value
        for row in rows
        if row.difference is not None
        for value in (row.difference.value, row.difference.low, row.difference.high)
        if value is not None
    ]
    axis = symmetric(ends)
    columns = [Column("Class", "lead"), Column("Rows", number=True)]
    columns += [Column("Better to the right", "plot", header_plot=charts.header(axis, signed=True))] if compared else []
    columns += [Column("Recall", number=True)]
    columns += [Column(_champion(champion), number=True), Column("Difference", number=True)] if compared else []
    columns += [Column("Precision", number=True)]
    cells = []
    for row in sorted(rows, key=lambda one: _moved(one) if compared else -one.support):
        found: list[Line] = [line(Code(row.name)), line(numbers.count(row.support))]
        if compared:
            found.append(
                line()
                if row.difference is None or row.difference.value is None
                else line(forest.difference(row.difference, better_above=True, axis=axis))
            )
        found.append(line(Text(wording.observed(row.recall), "strong")))
        if compared:
            found.append(line(numbers.NONE if row.champion is None else wording.observed(row.champion)))
            found.append(_difference(row))
        precision = numbers.metric(row.precision)
        if row.precision_champion is not None:
            precision = f"{numbers.metric(row.precision_champion)} → {precision}"
        cells.append((*found, line(precision)))
    return Table("Recall by class", tuple(columns), tuple(cells), stacked=True, before_fold=20)


def _moved(row: ClassRow) -> float:
    return 0.0 if row.difference is None or row.difference.value is None else row.difference.value


def _difference(row: ClassRow) -> Line:
    if row.difference is None:
        return line(numbers.NONE)
    if row.difference.value is None:
        return line(wording.because(row.difference.refused) if row.difference.refused else numbers.NONE)
    return line(wording.with_limits(row.difference, signed=True))


def _confused(found: Diagnostics) -> Table:
    compared = any(pair.before is not None for pair in found.confused)
    columns = [Column("Actual", "lead"), Column("Predicted"), Column("Rows", number=True)]
    columns += [Column("Champion", number=True), Column("More", number=True)] if compared else []
    rows = []
    for pair in found.confused:
        cells: list[Line] = [line(Code(pair.actual)), line(Code(pair.predicted)), line(numbers.count(pair.rows))]
        if compared:
            before = pair.before or 0
            cells += [line(numbers.count(before)), line(numbers.metric(float(pair.rows - before), 0, signed=True))]
        rows.append(tuple(cells))
    return Table("Confused pairs", tuple(columns), tuple(rows), stacked=True)


# a regression


def _errors(found: Errors, champion: str | None) -> list[Section]:
    figures: list[Figure] = [
        Figure(regression.hexbin(each), f"Predicted against actual, {_who(each.model, champion)}")
        for each in found.hexbins
    ]
    if found.by_actual:
        figures.append(
            Figure(regression.errors(found.by_actual, "actual value"), "Error by tenth of the actual values")
        )
    if found.by_prediction:
        figures.append(
            Figure(regression.bias(found.by_prediction, "prediction"), "Residual by tenth of the predictions")
        )
    if found.over_time:
        figures.append(Figure(regression.bias(found.over_time, "time"), "Residual over time"))
        figures.append(Figure(regression.errors(found.over_time, "time"), "Error over time"))
    text = "Stronger colour: more rows; cells with fewer than ten are left out. " if found.hexbins else ""
    text += "Band: one standard deviation of the residuals. "
    text += "Thin line: the champion on the same rows." if found.champion_bias is not None else ""
    blocks: list[Block] = [Gallery(tuple(figures)), Paragraph(line(Text(text.strip(), "muted")))] if figures else []
    if found.by_actual:
        blocks.append(Details("Error by tenth of the actual values", (_ranges(found.by_actual, champion),)))
    bias = f"bias {wording.with_limits(found.bias, signed=True)}"
    if found.champion_bias is not None:
        bias += f", {_champion(champion).lower()} {wording.with_limits(found.champion_bias, signed=True)}"
    return [_section("errors", "Where it errs", bias, *blocks)]


def _ranges(bins: tuple[ErrorBin, ...], champion: str | None) -> Table:
    compared = any(one.champion_error is not None for one in bins)
    columns = [
        Column("Actual", "lead"),
        Column("Rows", number=True),
        Column("Mean absolute error", number=True),
        *([Column(_champion(champion), number=True)] if compared else []),
        Column("Predicted − actual", number=True),
    ]
    places = numbers.decimals([value for one in bins for value in (one.error, one.bias)])
    rows = []
    for one in bins:
        cells: list[Line] = [
            line(regression.named(one)),
            line(numbers.count(one.rows)),
            line(Text(numbers.metric(one.error, places), "strong")),
        ]
        cells += [line(numbers.metric(one.champion_error, places))] if compared else []
        rows.append((*cells, line(numbers.metric(one.bias, places, signed=True))))
    return Table("Error by actual value", tuple(columns), tuple(rows), before_fold=len(rows))


# all tasks


def _importance(found: Permuted | None, champion: str | None) -> list[Section]:
    if found is None or not found.features:
        return []
    compared = any(one.champion is not None for one in found.features)
    drops = [value for one in found.features for value in (one.drop, one.champion) if value is not None]
    axis = Axis.over([0.0, *drops])
    columns = [
        Column("Column", "lead"),
        Column("Loss where it is shuffled", "plot", header_plot=charts.header(axis)),
        Column("Challenger", number=True),
        *([Column(_champion(champion), number=True)] if compared else []),
    ]
    places = numbers.decimals(drops)
    rows = []
    for one in found.features:
        plot = bars.bar(axis, one.drop, one.champion, ("challenger", "champion"))
        cells: list[Line] = [line(Code(one.feature)), line(plot), line(numbers.metric(one.drop, places, signed=True))]
        cells += [line(numbers.metric(one.champion, places, signed=True))] if compared else []
        rows.append(tuple(cells))
    text = (
        f"{found.metric} lost where one column of {numbers.plural(found.rows, 'test row')} is shuffled, once, seeded."
    )
    text += " Columns that say the same stand in for each other, and then neither looks important."
    if found.left_out:
        text += f" {numbers.plural(found.left_out, 'column')} more were not shuffled."
    table = Table("Permutation importance", tuple(columns), tuple(rows), stacked=True, before_fold=6)
    note = Paragraph(line(Text(text, "muted")))
    return [
        _section(
            "importance", "What the models use", "bar: challenger, ring: champion" if compared else "", table, note
        )
    ]


def _drift(found: tuple[Moved, ...], champion: str | None) -> list[Section]:
    if not found:
        return []
    compared = any(one.since_champion is not None for one in found)
    known = [value for one in found for value in (one.to_test, one.since_champion) if value is not None]
    axis = Axis.over([0.0, *known])
    columns = [
        Column("Column", "lead"),
        Column("Distance", "plot", header_plot=charts.header(axis)),
        Column("Training to test", number=True),
        *([Column(f"Since {_champion(champion).lower()}", number=True)] if compared else []),
        Column("In"),
    ]
    rows = []
    for one in found:
        plot = bars.bar(axis, one.to_test, one.since_champion, ("training to test", "since the champion"))
        cells: list[Line] = [line(Code(one.feature)), line(plot), line(numbers.metric(one.to_test, 3))]
        cells += [line(numbers.metric(one.since_champion, 3))] if compared else []
        rows.append((*cells, line("SD" if one.measure == "wasserstein" else "share")))
    text = (
        "From profiles. Numbers: mean distance of twenty quantiles, in standard deviations (SD) of the training rows. "
    )
    text += "Categories: half the summed change of their shares, known where there is a profile key."
    table = Table("Drift of columns", tuple(columns), tuple(rows), stacked=True, before_fold=6)
    summary = "bar: training to test, ring: since the champion" if compared else "training to test"
    return [_section("drift", "Drift of columns", summary, table, Paragraph(line(Text(text, "muted"))))]


def _footprints(found: tuple[Footprint, ...], champion: str | None) -> list[Section]:
    if not found:
        return []
    columns = (
        Column("Model", "lead"),
        Column("Size", number=True),
        Column("Training step", number=True),
        Column("Scoring the test rows", number=True),
        Column("A thousand rows", number=True),
    )
    rows = tuple(
        (
            line(_who(one.model, champion)),
            line(numbers.NONE if one.size is None else numbers.size(one.size)),
            line(numbers.NONE if one.training_seconds is None else numbers.duration(one.training_seconds)),
            line(numbers.NONE if one.scoring_seconds is None else numbers.duration(one.scoring_seconds)),
            line(_each(one)),
        )
        for one in found
    )
    return [_section("footprint", "Size and speed", "", Table("Size and speed", columns, rows, stacked=True))]


def _each(one: Footprint) -> str:
    if one.scoring_seconds is None or not one.rows:
        return numbers.NONE
    return f"{1e6 * one.scoring_seconds / one.rows:.2g} ms"


def _champion(name: str | None) -> str:
    return f"Champion {name}" if name else "Champion"


def _who(model: str, champion: str | None) -> str:
    return model if model == "challenger" else _champion(champion).lower()
