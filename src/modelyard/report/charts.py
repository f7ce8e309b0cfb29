"""Inline SVG charts, as pure functions of numbers: no script, no address, readable at any width.

Positions along x are percentages of the width that the page gives, so lines stay sharp and text keeps its size on a
desktop and on a phone. Colours are CSS classes of the page's own style, so they follow its theme. Every chart says in
its title and description what it shows; none depends on colour alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from modelyard.core.verdict import Verdict
from modelyard.records.results import Estimate
from modelyard.report import numbers
from modelyard.report.document import Plot
from modelyard.report.escape import clean
from modelyard.report.verdict_style import CLASSES, WORDS

_EDGE = 9.0
"""Percent from either edge within which a label is anchored at its end rather than its middle."""
_LARGEST, _SMALLEST = 1e150, 1e-150
"""Beyond these, lengths on a scale would overflow or vanish."""
_STRIP = 28
"""Characters of a text chart."""


@dataclass(frozen=True)
class Axis:
    """A horizontal scale from ``low`` to ``high``, shared by the rows of one chart."""

    low: float
    high: float

    @classmethod
    def over(cls, values: Sequence[float | None], *, room: float = 0.06) -> "Axis":
        """Return the scale that holds all these numbers, with some room at both ends."""
        known = [max(-_LARGEST, min(_LARGEST, value)) for value in values if value is not None and value == value]
        low, high = (min(known), max(known)) if known else (0.0, 1.0)
        span = high - low if high - low > _SMALLEST else max(abs(high) * 0.1, 1.0)
        return cls(low - room * span, high + room * span)

    def percent(self, value: float) -> float:
        """Return where a number stands, in percent of the width; numbers off the scale stand at its end."""
        return round(min(100.0, max(0.0, 100 * (value - self.low) / (self.high - self.low))), 2)

    def ticks(self, about: int = 4) -> list[float]:
        """Return round numbers on the scale."""
        span = self.high - self.low
        raw = span / about
        size = 10.0 ** math.floor(math.log10(raw))
        step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= raw)
        first = math.ceil(self.low / step)
        last = math.floor(self.high / step)
        return [round(number * step, 12) for number in range(first, last + 1)]


def gate(estimate: Estimate, bound: float | None, verdict: Verdict, *, above: bool, difference: bool) -> Plot:
    """Draw a gate on a scale of its own: the side that passes, the limit that decides, the interval, the estimate."""
    signed = difference
    values = [estimate.value, estimate.low, estimate.high, bound, 0.0 if difference else None]
    axis = Axis.over(values, room=0.22)
    root = frame(44, f"{WORDS[verdict]}: {_said(estimate, bound, above=above, signed=signed)}")
    if bound is not None:
        x = axis.percent(bound)
        start, width = (x, 100 - x) if above else (0.0, x)
        add(root, "rect", x=percent(start), y="3", width=percent(width), height="24", class_="zone")
        _line(root, x, 1, 29, "limit")
        _label(root, x, 41, numbers.exact(bound, signed=signed), "tick strong")
    if difference and (bound is None or abs(axis.percent(bound) - axis.percent(0)) > 14):
        _line(root, axis.percent(0), 3, 27, "grid")
        _label(root, axis.percent(0), 41, "0", "tick")
    _interval(root, axis, estimate, verdict, 15)
    return Plot(svg_text(root))


def interval_row(axis: Axis, estimate: Estimate, bound: float | None, verdict: Verdict, *, above: bool = True) -> Plot:
    """Draw one row of a forest plot: gridlines, the limit that decides, the interval and the estimate."""
    root = frame(26, f"{WORDS[verdict]}: {_said(estimate, bound, above=above, signed=False)}")
    _grid(root, axis, 26)
    if bound is not None:
        _line(root, axis.percent(bound), 0, 26, "limit")
    _interval(root, axis, estimate, verdict, 13)
    return Plot(svg_text(root))


def folds_row(axis: Axis, scores: Sequence[float], mean: float | None, *, winner: bool) -> Plot:
    """Draw one candidate: a small ring for each fold, a filled mark for their mean, larger for the winner."""
    places = numbers.decimals([mean])
    root = frame(
        26, f"mean {numbers.metric(mean, places)}, folds {', '.join(numbers.metric(s, places) for s in scores)}"
    )
    _grid(root, axis, 26)
    if len(scores) > 1:
        _span(root, axis.percent(min(scores)), axis.percent(max(scores)), 13, "spread")
    for score in scores:
        add(root, "circle", cx=percent(axis.percent(score)), cy="13", r="2.75", class_="fold")
    if mean is not None:
        path = "M0,6.5 L6.5,13 L0,19.5 L-6.5,13 Z" if winner else "M0,8.5 L4.5,13 L0,17.5 L-4.5,13 Z"
        mark(root, axis.percent(mean), path, "mean winner" if winner else "mean")
    return Plot(svg_text(root))


def models_row(challenger: Estimate, champion: Estimate | None, baseline: float | None, *, direction: str) -> Plot:
    """Draw one metric of the models on a scale of its own: filled circle challenger, ring champion, square baseline."""
    champion_value = champion.value if champion else None
    axis = Axis.over([challenger.value, champion_value, baseline, challenger.low, challenger.high], room=0.1)
    places = numbers.decimals([challenger.value, champion_value])
    labels = [f"challenger {numbers.metric(challenger.value, places)}"]
    labels += [f"champion {numbers.metric(champion_value, places)}"] if champion_value is not None else []
    labels += [f"baseline {numbers.metric(baseline, places)}"] if baseline is not None else []
    root = frame(28, f"{', '.join(labels)}; {direction}")
    _span(root, 0, 100, 14, "rail")
    known = [value for value in (challenger.value, champion_value, baseline) if value is not None]
    if len(known) > 1:
        _span(root, axis.percent(min(known)), axis.percent(max(known)), 14, "dumbbell")
    if baseline is not None:
        mark(root, axis.percent(baseline), "M-4.5,9.5 H4.5 V18.5 H-4.5 Z", "baseline")
    if champion_value is not None:
        add(root, "circle", cx=percent(axis.percent(champion_value)), cy="14", r="5.5", class_="champion")
    if challenger.low is not None and challenger.high is not None:
        _span(root, axis.percent(challenger.low), axis.percent(challenger.high), 14, "bar challenger")
    if challenger.value is not None:
        add(root, "circle", cx=percent(axis.percent(challenger.value)), cy="14", r="5.5", class_="challenger")
    return Plot(svg_text(root))


def header(axis: Axis, bound: float | None = None, *, signed: bool = False) -> Plot:
    """Draw the numbers of an axis, for the head of a column of plots."""
    root = frame(18, f"scale from {axis.low:.4g} to {axis.high:.4g}")
    taken: list[float] = []
    if bound is not None:
        taken.append(axis.percent(bound))
        _label(root, taken[0], 13, numbers.exact(bound, signed=signed), "tick strong")
    for tick in axis.ticks():
        x = axis.percent(tick)
        if all(abs(x - other) >= 13 for other in taken):
            taken.append(x)
            _label(root, x, 13, numbers.exact(tick, signed=signed), "tick")
    return Plot(svg_text(root))


def states_bar(parts: Sequence[tuple[str, int, Verdict]]) -> Plot:
    """Draw how many there are of each: a bar in segments, worst last; the counts are in the text beside it."""
    total = sum(number for _, number, _ in parts)
    root = frame(10, ", ".join(f"{number} {word}" for word, number, _ in parts))
    start = 0.0
    for _, number, verdict in parts:
        width = 100 * number / total if total else 0.0
        if width:
            add(
                root,
                "rect",
                x=percent(start),
                y="1",
                width=percent(max(width - 0.4, 0.4)),
                height="8",
                class_=f"fill {CLASSES[verdict]}",
            )
        start += width
    return Plot(svg_text(root))


def verdict_mark(verdict: Verdict) -> str:
    """Draw the shape of a verdict: tick in a circle, cross in an octagon, question mark in a ring, and so on."""
    shapes = {
        Verdict.PASS: ("M8,1 A7,7 0 1 1 7.99,1 Z", "M4.7,8.3 L7,10.6 L11.3,5.9"),
        Verdict.FAIL: (
            "M5.1,1 H10.9 L15,5.1 V10.9 L10.9,15 H5.1 L1,10.9 V5.1 Z",
            "M5.4,5.4 L10.6,10.6 M10.6,5.4 L5.4,10.6",
        ),
        Verdict.INCONCLUSIVE: (
            "M8,1.8 A6.2,6.2 0 1 1 7.99,1.8 Z",
            "M6.1,6.5 A1.95,1.95 0 1 1 8,8.4 V9.2 M8,11.3 V11.5",
        ),
        Verdict.ERROR: ("M8,1.2 L15.4,14.4 H0.6 Z", "M8,5.8 V9.6 M8,12 V12.2"),
        Verdict.NOT_APPLICABLE: ("M1.5,1.5 H14.5 V14.5 H1.5 Z", "M5,8 H11"),
    }
    outline, sign = shapes[verdict]
    root = ET.Element("svg", {"class": f"mark {CLASSES[verdict]}", "viewBox": "0 0 16 16", "aria-hidden": "true"})
    add(root, "path", d=outline, class_="shape")
    add(root, "path", d=sign, class_="sign")
    return svg_text(root)


def strip(axis: Axis, estimate: Estimate, bound: float | None, *, cells: int = _STRIP) -> str:
    """Return the same row as text of so many characters, for Markdown: ``····│··──●──····``."""
    drawn = ["·"] * cells

    def cell(value: float) -> int:
        return min(cells - 1, int(axis.percent(value) / 100 * cells))

    if estimate.low is not None and estimate.high is not None:
        for index in range(cell(estimate.low), cell(estimate.high) + 1):
            drawn[index] = "─"
    if bound is not None:
        drawn[cell(bound)] = "┼" if drawn[cell(bound)] == "─" else "│"
    if estimate.value is not None:
        drawn[cell(estimate.value)] = "●"
    return "".join(drawn)


def _said(estimate: Estimate, bound: float | None, *, above: bool, signed: bool) -> str:
    places = numbers.decimals([estimate.value])
    text = f"estimate {numbers.metric(estimate.value, places, signed=signed)}"
    if estimate.low is not None and estimate.high is not None:
        text += f", interval {numbers.interval(estimate.low, estimate.high, places, signed=signed)}"
    if bound is not None:
        text += f", limit {numbers.exact(bound, signed=signed)}, passes {'above' if above else 'below'} it"
    return text


def frame(height: int, label: str) -> ET.Element:
    """Return an empty chart over the whole width, with what it shows in words."""
    root = ET.Element("svg", {"width": "100%", "height": str(height), "role": "img", "class": "plot"})
    title = ET.SubElement(root, "title")
    title.text = clean(label)
    return root


def add(parent: ET.Element, tag: str, text: str = "", *, class_: str = "", **attributes: str) -> ET.Element:
    """Add an element, its text made inert."""
    element = ET.SubElement(parent, tag, attributes)
    if class_:
        element.set("class", class_)
    if text:
        element.text = clean(text)
    return element


def _line(root: ET.Element, x: float, top: float, bottom: float, class_: str) -> None:
    add(root, "line", x1=percent(x), x2=percent(x), y1=str(top), y2=str(bottom), class_=class_)


def _span(root: ET.Element, start: float, end: float, y: float, class_: str) -> None:
    add(root, "line", x1=percent(start), x2=percent(end), y1=str(y), y2=str(y), class_=class_)


def _label(root: ET.Element, x: float, y: float, text: str, class_: str) -> None:
    anchor = "start" if x < _EDGE else "end" if x > 100 - _EDGE else "middle"
    add(root, "text", text, x=percent(x), y=str(y), class_=f"{class_} {anchor}")


def mark(root: ET.Element, x: float, path: str, class_: str) -> None:
    """Draw a path in a nested frame at a percentage, where a path itself cannot stand."""
    frame = add(root, "svg", x=percent(x), overflow="visible")
    add(frame, "path", d=path, class_=class_)


def _grid(root: ET.Element, axis: Axis, height: float) -> None:
    for tick in axis.ticks():
        _line(root, axis.percent(tick), 0, height, "grid")


def _interval(root: ET.Element, axis: Axis, estimate: Estimate, verdict: Verdict, y: float) -> None:
    """Draw the bar with its ends, and the estimate: circle passes, square fails, diamond is open."""
    name = CLASSES[verdict]
    if estimate.low is not None and estimate.high is not None:
        _span(root, axis.percent(estimate.low), axis.percent(estimate.high), y, f"bar {name}")
        for end in (estimate.low, estimate.high):
            _line(root, axis.percent(end), y - 4, y + 4, f"bar {name}")
    if estimate.value is None:
        return
    x = axis.percent(estimate.value)
    if verdict is Verdict.PASS:
        add(root, "circle", cx=percent(x), cy=str(y), r="5", class_=f"dot {name}")
        return
    paths = {
        Verdict.FAIL: f"M-4.5,{y - 4.5} H4.5 V{y + 4.5} H-4.5 Z",
        Verdict.INCONCLUSIVE: f"M0,{y - 6} L6,{y} L0,{y + 6} L-6,{y} Z",
    }
    mark(root, x, paths.get(verdict, f"M0,{y - 5} L5.5,{y + 4} H-5.5 Z"), f"dot {name}")


def interval_marks(root: ET.Element, axis: Axis, value: float, limits: Sequence[float] | None, y: float) -> None:
    """Draw an interval and an estimate that no bound judges: clear of 0 filled, else hollow."""
    if limits is not None:
        low, high = limits
        _span(root, axis.percent(low), axis.percent(high), y, "bar new")
        for end in limits:
            _line(root, axis.percent(end), y - 4, y + 4, "bar new")
    clear = limits is not None and (limits[0] > 0 or limits[1] < 0)
    add(root, "circle", cx=percent(axis.percent(value)), cy=str(y), r="4.5", class_="dot new" if clear else "dot open")


def percent(value: float) -> str:
    """Return a position along a chart, as SVG writes it."""
    return f"{round(value, 2):g}%"


def svg_text(root: ET.Element) -> str:
    """Return a chart as text."""
    return ET.tostring(root, encoding="unicode")
