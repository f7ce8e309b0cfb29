"""Bars for rows of a table: the challenger's as a bar, the champion's as a ring, from 0."""

from modelyard.report import numbers
from modelyard.report.charts import Axis, add, frame, percent, svg_text
from modelyard.report.document import Plot


def bar(axis: Axis, value: float | None, other: float | None, said: tuple[str, str]) -> Plot:
    """Draw two numbers on a scale that the rows of a table share.

    Args:
        axis: the scale; 0 is on it.
        value: as a bar.
        other: as a ring.
        said: what each of them is.
    """
    words = [
        f"{name} {numbers.exact(each)}" for name, each in zip(said, (value, other), strict=True) if each is not None
    ]
    root = frame(20, ", ".join(words) or "nothing is known")
    zero = axis.percent(0)
    add(root, "line", x1=percent(zero), x2=percent(zero), y1="1", y2="19", class_="rail strong")
    if value is not None:
        left, right = sorted((zero, axis.percent(value)))
        add(root, "rect", x=percent(left), y="5", width=percent(max(right - left, 0.3)), height="10", class_="fill-new")
    if other is not None:
        add(root, "circle", cx=percent(axis.percent(other)), cy="10", r="4", class_="champion")
    return Plot(svg_text(root))
