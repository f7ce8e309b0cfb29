"""Paired differences as a forest: each metric on a scale of its own with 0 in its middle, better to the right."""

from modelyard.records.results import Estimate
from modelyard.report import numbers
from modelyard.report.charts import Axis, add, frame, interval_marks, percent, svg_text
from modelyard.report.document import Plot
from modelyard.report.figures.panel import symmetric


def difference(found: Estimate, *, better_above: bool, axis: Axis | None = None) -> Plot:
    """Draw challenger minus champion, turned so that right is better.

    Args:
        found: the difference, in the metric's own direction.
        better_above: more of the metric is better.
        axis: a scale that several rows share; each has its own where there is none.
    """
    sign = 1.0 if better_above else -1.0
    ends = [sign * value for value in (found.value, found.low, found.high) if value is not None]
    axis = axis or symmetric(ends)
    places = numbers.decimals([found.value])
    said = f"challenger minus champion {numbers.metric(found.value, places, signed=True)}"
    if found.low is not None and found.high is not None:
        said += f", interval {numbers.interval(found.low, found.high, places, signed=True)}"
    root = frame(26, f"{said}; right of the line is better")
    zero = percent(axis.percent(0))
    add(root, "line", x1="0%", x2="100%", y1="13", y2="13", class_="grid")
    add(root, "line", x1=zero, x2=zero, y1="1", y2="25", class_="rail strong")
    if found.value is not None:
        limits = None if found.low is None or found.high is None else sorted((sign * found.low, sign * found.high))
        interval_marks(root, axis, sign * found.value, limits, 13)
    return Plot(svg_text(root))
