"""Figures of two classes: ROC, precision and recall, calibration, thresholds, scores by class, lift."""

from collections.abc import Mapping, Sequence

from modelyard.records.results import CurvePoints
from modelyard.records.results.diagnostics import Confusion, Diagnostics, Lift, ScoreBin, Thresholds
from modelyard.report import numbers
from modelyard.report.charts import Axis
from modelyard.report.document import Plot
from modelyard.report.figures.panel import Panel, Points, at, symmetric

Curves = Mapping[str, CurvePoints]
"""Curves of one kind, by model."""
_UNIT = Axis(0, 1)
_STEPS = [step / 100 for step in range(1, 101)]
CHALLENGER, CHAMPION = "curve new", "curve old"


def roc(curves: Curves, found: Diagnostics | None) -> Plot:
    """Draw true against false positives, the threshold marked, and challenger minus champion underneath."""
    panel = _square("ROC", curves, ("false positive rate", "true positive rate"))
    panel.curve([(0, 0), (1, 1)], "diagonal")
    _both(panel, curves)
    for model, table in _tables(found).items():
        (kept, false_alarm), (miss, hit) = table.counts
        if kept + false_alarm and miss + hit:
            x, y = false_alarm / (kept + false_alarm), hit / (miss + hit)
            panel.dot(x, y, _dot(model), said=f"{model} at its threshold: {x:.4f}, {y:.4f}")
    return panel.plot()


def precision_recall(curves: Curves, found: Diagnostics | None) -> Plot:
    """Draw precision against recall, the share of positives as a line, the threshold marked."""
    panel = _square("Precision and recall", curves, ("recall", "precision"))
    tables = _tables(found)
    for table in list(tables.values())[-1:]:
        rows = sum(map(sum, table.counts))
        base = sum(table.counts[1]) / rows if rows else 0.0
        panel.level(base, "diagonal")
    _both(panel, curves)
    for model, table in tables.items():
        (_, false_alarm), (miss, hit) = table.counts
        if miss + hit and false_alarm + hit:
            x, y = hit / (miss + hit), hit / (false_alarm + hit)
            panel.dot(x, y, _dot(model), said=f"{model} at its threshold: {x:.4f}, {y:.4f}")
    return panel.plot()


def calibration(curves: Curves, found: Diagnostics | None) -> Plot:
    """Draw observed shares against predicted probabilities, and how many rows have which."""
    bins = {} if found is None else {each.model: each.bins for each in found.scores}
    new = bins.get("challenger", ())
    tallest = max((_height(each, each.negatives + each.positives) for each in new), default=0.0)
    panel = Panel(
        f"Calibration: observed share against predicted probability, {_names(curves)}",
        _UNIT, _UNIT, ("predicted probability", "observed share"),
        low=Axis(0, 1.1 * tallest) if tallest else None, low_label="rows",
    )  # fmt: skip
    panel.curve([(0, 0), (1, 1)], "diagonal")
    _both(panel, curves)
    for each in () if found is None else found.reliability:
        if each.model == "challenger":
            for point in each.bins:
                said = f"{numbers.count(point.rows)} rows: predicted {point.said:.4f}, observed {point.seen:.4f}"
                panel.dot(point.said, point.seen, "dot new", radius=3, said=said)
    for one in new:
        rows = one.negatives + one.positives
        panel.bar(one.low, one.high, 0, _height(one, rows), "fill-new", low=True)
    return panel.plot()


def thresholds(tables: Sequence[Thresholds]) -> Plot:
    """Draw precision and recall over thresholds, the chosen one marked."""
    panel = Panel(
        f"Precision and recall by threshold: {', '.join(each.model for each in tables)}",
        _UNIT, _UNIT, ("threshold", "share"),
    )  # fmt: skip
    for each in sorted(tables, key=lambda one: one.model, reverse=True):  # the challenger is drawn last, on top
        old = each.model == "champion"
        recall = [(row.threshold, row.recall) for row in each.rows if row.recall is not None]
        precision = [(row.threshold, row.precision) for row in each.rows if row.precision is not None]
        panel.curve(recall, CHAMPION if old else CHALLENGER)
        panel.curve(precision, f"{CHAMPION if old else CHALLENGER} dashed")
        if not old and each.chosen is not None:
            panel.upright(each.chosen, "limit")
        if not old and recall and precision:
            panel.word("recall", 0.03, min(0.93, recall[0][1] - 0.07), "tick strong start")
            panel.word("precision", 0.03, max(0.03, precision[0][1] - 0.08), "tick strong start")
    return panel.plot()


def scores(found: Diagnostics) -> Plot:
    """Draw the scores of both classes, the positive one upwards, each as a share of its own class."""
    own = {each.model: _by_class(each.bins) for each in found.scores}
    highest = max((value for _, _, up, down in own.get("challenger", []) for value in (up, down)), default=1.0)
    highest = max([highest, *(value for _, _, up, down in own.get("champion", []) for value in (up, down))])
    axis = Axis(-1.08 * highest, 1.08 * highest)
    panel = Panel(
        f"Scores by class: {', '.join(own)}; the positive class upwards, the negative one downwards",
        _UNIT, axis, ("score", "share of the class"), percent=(False, True),
    )  # fmt: skip
    for low, high, up, down in own.get("challenger", []):
        panel.bar(low, high, 0, up, "fill-new")
        panel.bar(low, high, 0, -down, "fill-other")
    for sign in (2, 3):
        panel.curve(_steps(own.get("champion", []), sign), "outline")
    panel.level(0, "rail")
    names = found.classes or ("0", "1")
    panel.word(names[-1], 0.02, 0.94 * highest, "tick strong start")
    panel.word(names[0], 0.98, -0.98 * highest, "tick strong end")
    return panel.plot()


def lift(found: Sequence[Lift]) -> Plot:
    """Draw how many times as many positives are among the highest scores as among all rows."""
    most = max((row.lift for each in found for row in each.rows), default=1.0)
    panel = Panel(
        f"Lift: {', '.join(each.model for each in found)}", _UNIT, Axis(0, 1.1 * max(most, 1.0)),
        ("share of rows with the highest scores", "lift"), percent=(True, False),
    )  # fmt: skip
    panel.level(1, "diagonal")
    for each in sorted(found, key=lambda one: one.model, reverse=True):
        new = each.model == "challenger"
        panel.curve([(row.share, row.lift) for row in each.rows], CHALLENGER if new else CHAMPION)
        for row in each.rows if new else ():
            said = f"{numbers.count(row.rows)} rows: lift {row.lift:.2f}, {100 * row.captured:.1f}% of positives"
            panel.dot(row.share, row.lift, "dot new", radius=3, said=said)
    return panel.plot()


def _square(title: str, curves: Curves, labels: tuple[str, str]) -> Panel:
    moved = _difference(curves)
    said = f"{title}: {labels[1]} against {labels[0]}, {_names(curves)}"
    if not moved:
        return Panel(said, _UNIT, _UNIT, labels)
    panel = Panel(said, _UNIT, _UNIT, labels, low=symmetric(y for _, y in moved), low_label="difference")
    panel.level(0, "rail", low=True)
    panel.curve(moved, CHALLENGER, low=True)
    return panel


def _difference(curves: Curves) -> Points:
    """Return challenger minus champion along x, where both have a value."""
    if len(curves) < 2:
        return []
    new, old = (_points(curves[model]) for model in ("challenger", "champion"))
    pairs = [(x, at(new, x), at(old, x)) for x in _STEPS]
    return [(x, one - other) for x, one, other in pairs if one is not None and other is not None]


def _points(curve: CurvePoints) -> Points:
    return [(x, y) for x, y in zip(curve.x, curve.y, strict=False) if x == x and y == y]


def _both(panel: Panel, curves: Curves) -> None:
    """Draw the champion first, so that the challenger stands on top."""
    for model, class_ in (("champion", CHAMPION), ("challenger", CHALLENGER)):
        if model in curves:
            panel.curve(_points(curves[model]), class_)


def _names(curves: Curves) -> str:
    return ", ".join(sorted(curves))


def _tables(found: Diagnostics | None) -> dict[str, Confusion]:
    """Return the tables of two classes, the champion's first."""
    if found is None:
        return {}
    return {each.model: each for each in sorted(found.confusion, key=lambda one: one.model, reverse=True)
            if len(each.counts) == 2}  # fmt: skip


def _dot(model: str) -> str:
    return "dot new" if model == "challenger" else "dot old"


def _height(one: ScoreBin, rows: int) -> float:
    """Return rows a twentieth of the scale, so that merged bins do not stand out."""
    return rows * 0.05 / max(one.high - one.low, 0.01)


def _by_class(bins: Sequence[ScoreBin]) -> list[tuple[float, float, float, float]]:
    """Return ends of each bin, and the share of the positive and of the negative class in a twentieth of it."""
    positives, negatives = (max(1, sum(getattr(one, name) for one in bins)) for name in ("positives", "negatives"))
    return [
        (one.low, one.high, _height(one, one.positives) / positives, _height(one, one.negatives) / negatives)
        for one in bins
    ]


def _steps(bins: Sequence[tuple[float, float, float, float]], at_: int) -> Points:
    sign = 1.0 if at_ == 2 else -1.0
    return [point for one in bins for point in ((one[0], sign * one[at_]), (one[1], sign * one[at_]))]
