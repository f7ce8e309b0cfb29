"""Charts over windows of time: a metric with its intervals, and a strip of drift for each column, as inline SVG.

Windows stand at equal distances, oldest left. As in ``charts``, positions along x are percentages, and nothing is told
by colour alone.
"""

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from modelyard.core.verdict import Verdict
from modelyard.records.results import Drift, EstimatedPerformance, RealisedPerformance, Window
from modelyard.report import numbers
from modelyard.report.charts import Axis, add, frame, mark, percent, svg_text
from modelyard.report.document import Plot
from modelyard.report.verdict_style import CLASSES

_TOP, _HEIGHT = 18, 190
_ROW = 16
_MOST_LABELS = 6


def performance(metric: str, windows: Sequence[Window], decisions: Sequence[tuple[str, str]] = ()) -> Plot | None:
    """Draw what a metric was estimated and realised to be, window by window.

    Args:
        metric: whose.
        windows: oldest first.
        decisions: key of a window and what was decided after it.

    Returns:
        The chart; None where no window has the metric.
    """
    realised = [_first(window.realised, metric) for window in windows]
    estimated = [next((each for each in window.estimated if each.metric == metric), None) for window in windows]
    shown = [value for pair in zip(realised, estimated, strict=True) for value in _values(*pair)]
    if not any(value is not None for value in shown):
        return None
    axis = Axis.over(shown, room=0.08)
    root = frame(_TOP + _HEIGHT + 40, f"{metric} over {len(windows)} windows: {_said(windows, realised, estimated)}")
    _background(root, axis, windows)
    for at, (seen, guessed) in enumerate(zip(realised, estimated, strict=True)):
        width = 100 / len(windows)
        for value, class_ in () if seen is None else ((seen.bound, "limit"), (seen.test, "rail")):
            if value is not None:
                y = _y(axis, value)
                add(root, "line", x1=percent(at * width), x2=percent((at + 1) * width), y1=y, y2=y, class_=class_)
        if guessed is not None:
            _estimated(root, axis, guessed, (at + 0.62) * width)
        if seen is not None:
            _realised(root, axis, seen, (at + 0.42) * width)
    _labels(root, windows)
    marked = dict(decisions)
    for at, window in enumerate(windows):
        if window.key in marked:
            x, y = percent(100 * (at + 0.5) / len(windows)), str(_TOP + _HEIGHT + 34)
            add(root, "text", marked[window.key], x=x, y=y, class_=f"tick strong {_anchor(at, len(windows))}")
    return Plot(svg_text(root))


def drift_row(column: str, of: str, windows: Sequence[Window]) -> Plot:
    """Draw how far a column was from its reference in each window: the darker, the further; a ring is an alarm."""
    found = [furthest(window.drift, column, of) for window in windows]
    alarms = sum(each is not None and each.alarm for each in found)
    root = frame(_ROW, f"{column}: drift in {alarms} of {len(windows)} windows")
    for at, each in enumerate(found):
        x, width = 100 * at / len(windows), 100 / len(windows)
        if each is None:
            continue
        strength = min(1.0, each.corrected / (2 * each.limit)) if each.limit > 0 else 1.0
        add(root, "rect", x=percent(x), y="1", width=percent(width * 0.94), height=str(_ROW - 2), class_="heat",
            style=f"fill-opacity:{0.06 + 0.94 * strength:.2f}")  # fmt: skip
        if each.alarm:
            add(root, "circle", cx=percent(x + width * 0.47), cy=str(_ROW / 2), r="3.5",
                class_="alarm persistent" if each.persistent else "alarm")  # fmt: skip
    return Plot(svg_text(root))


def scale(windows: Sequence[Window]) -> Plot:
    """Draw the windows' names above strips of drift."""
    root = frame(_ROW, f"windows from {windows[0].key} to {windows[-1].key}")
    for at in _named(len(windows)):
        x = percent(100 * (at + 0.47) / len(windows))
        add(root, "text", _short(windows[at]), x=x, y="12", class_=f"tick {_anchor(at, len(windows))}")
    return Plot(svg_text(root))


def furthest(found: Sequence[Drift], column: str, of: str) -> Drift | None:
    """Return what a window says of a column: the statistic that is furthest over its limit."""
    own = [each for each in found if each.column == column and each.of == of]
    return max(own, key=lambda each: each.corrected / (each.limit or 1.0), default=None)


def _first(found: Sequence[RealisedPerformance], metric: str) -> RealisedPerformance | None:
    own = [each for each in found if each.metric == metric and not each.slice]
    return next((each for each in own if each.against), own[0] if own else None)


def _realised(root: ET.Element, axis: Axis, seen: RealisedPerformance, x: float) -> None:
    _bar(root, axis, seen.low, seen.high, x, "spread")
    _bar(root, axis, seen.window.low, seen.window.high, x, f"bar {CLASSES[seen.verdict]}")
    if seen.window.value is None:
        return
    y, name = float(_y(axis, seen.window.value)), CLASSES[seen.verdict]
    if seen.verdict is Verdict.FAIL:
        mark(root, x, f"M-4.5,{y - 4.5} H4.5 V{y + 4.5} H-4.5 Z", f"dot {name}")
    else:
        add(root, "circle", cx=percent(x), cy=f"{y:.1f}", r="5", class_=f"dot {name}")


def _estimated(root: ET.Element, axis: Axis, guessed: EstimatedPerformance, x: float) -> None:
    _bar(root, axis, guessed.estimate.low, guessed.estimate.high, x, "bar guessed")
    if guessed.estimate.value is not None:
        y = _y(axis, guessed.estimate.value)
        add(root, "circle", cx=percent(x), cy=y, r="4", class_="champion")


def _bar(root: ET.Element, axis: Axis, low: float | None, high: float | None, x: float, class_: str) -> None:
    if low is not None and high is not None:
        add(root, "line", x1=percent(x), x2=percent(x), y1=_y(axis, low), y2=_y(axis, high), class_=class_)


def _values(seen: RealisedPerformance | None, guessed: EstimatedPerformance | None) -> list[float | None]:
    """Return all numbers that a window puts on the scale."""
    known = [] if seen is None else [seen.window.value, seen.window.low, seen.window.high, seen.bound, seen.test]
    return known + ([] if guessed is None else [guessed.estimate.value, guessed.estimate.low, guessed.estimate.high])


def _background(root: ET.Element, axis: Axis, windows: Sequence[Window]) -> None:
    """Draw what the marks stand on: windows with faults, the grid, and where the version changed."""
    width = 100 / len(windows)
    for at, window in enumerate(windows):
        if window.blocked:
            add(
                root,
                "rect",
                x=percent(at * width),
                y=str(_TOP),
                width=percent(width),
                height=str(_HEIGHT),
                class_="faulty",
            )
    for tick in axis.ticks():
        y = _y(axis, tick)
        add(root, "line", x1="0%", x2="100%", y1=y, y2=y, class_="grid")
        add(root, "text", numbers.exact(tick), x="0%", y=f"{float(y) - 3:.1f}", class_="tick start")
    _versions(root, windows)


def _versions(root: ET.Element, windows: Sequence[Window]) -> None:
    before = ""
    for at, window in enumerate(windows):
        if window.version != before:
            x = 100 * at / len(windows)
            add(root, "line", x1=percent(x), x2=percent(x), y1="4", y2=str(_TOP + _HEIGHT), class_="rail")
            add(root, "text", window.version, x=percent(x + 0.6), y="12", class_="tick strong start")
        before = window.version


def _labels(root: ET.Element, windows: Sequence[Window]) -> None:
    for at in _named(len(windows)):
        x = percent(100 * (at + 0.5) / len(windows))
        add(root, "text", _short(windows[at]), x=x, y=str(_TOP + _HEIGHT + 16),
            class_=f"tick {_anchor(at, len(windows))}")  # fmt: skip


def _named(count: int) -> list[int]:
    """Return which windows are named where not all can be."""
    step = -(-count // _MOST_LABELS)
    return list(range(count - 1, -1, -step))[::-1]


def _anchor(at: int, count: int) -> str:
    return "middle" if 0 < at < count - 1 or count < 5 else "start" if at == 0 else "end"


def _short(window: Window) -> str:
    """Return a window's name as it fits below a chart: month, day without its year, hour, or last row."""
    if window.key.startswith("rows"):
        return window.key.rpartition("-")[2]
    day, _, hour = window.key.partition("T")
    return hour[:5] if hour else day[5:] if len(day) > 7 else day


def _y(axis: Axis, value: float) -> str:
    return f"{_TOP + _HEIGHT * (1 - axis.percent(value) / 100):.1f}"


def _said(
    windows: Sequence[Window],
    realised: Sequence[RealisedPerformance | None],
    estimated: Sequence[EstimatedPerformance | None],
) -> str:
    """Return the chart in words."""
    parts = []
    for window, seen, guessed in zip(windows, realised, estimated, strict=True):
        if seen is not None and seen.window.value is not None:
            parts.append(f"{window.key} {numbers.metric(seen.window.value)}")
        elif guessed is not None and guessed.estimate.value is not None:
            parts.append(f"{window.key} estimated {numbers.metric(guessed.estimate.value)}")
        else:
            parts.append(f"{window.key} not known")
    return ", ".join(parts[-12:])
