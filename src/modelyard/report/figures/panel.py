"""A square panel with axes, and a low one under it on the same scale along x; what goes into them is the caller's."""

from collections.abc import Iterable, Sequence
from xml.etree import ElementTree as ET

from modelyard.report import numbers
from modelyard.report.charts import Axis, add, frame, svg_text
from modelyard.report.document import Plot

Points = Sequence[tuple[float, float]]
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 332.0, 10.0, 236.0
_LOW = 62.0
"""Height of the low panel."""
_GAP = 34.0


class Panel:
    """One square figure; positions are in the units of its axes.

    Args:
        said: what it shows, for those who do not see it.
        across: scale of x.
        up: scale of y.
        labels: of x and y.
        low: scale of y of a low panel underneath; none without one.
        low_label: of that.
        marks: places along x and what to write there; round numbers where there are none.
        percent: the numbers along x, then along y, are shares and shown as percent.
    """

    def __init__(
        self, said: str, across: Axis, up: Axis, labels: tuple[str, str], *, low: Axis | None = None,
        low_label: str = "", percent: tuple[bool, bool] = (False, False), marks: Sequence[tuple[float, str]] = (),
    ) -> None:  # fmt: skip
        self._across, self._up, self._low = across, up, low
        height = _BOTTOM + 42 + (_GAP + _LOW if low else 0)
        self._root = frame(0, said)
        for key in ("width", "height"):
            del self._root.attrib[key]
        self._root.set("viewBox", f"0 0 340 {height:g}")
        self._root.set("class", "square")
        self._grid_x(labels[0], height, marks or [(x, _tick(x, percent=percent[0])) for x in across.ticks()])
        self._grid_y(up, _TOP, _BOTTOM, labels[1], 4, percent=percent[1])
        if low is not None:
            self._grid_y(low, _BOTTOM + _GAP, _BOTTOM + _GAP + _LOW, low_label, 2, percent=percent[1])

    def _grid_x(self, label: str, height: float, marks: Sequence[tuple[float, str]]) -> None:
        bands = [(_TOP, _BOTTOM)] + ([(_BOTTOM + _GAP, _BOTTOM + _GAP + _LOW)] if self._low else [])
        for tick, word in marks:
            x = self.x(tick)
            for top, bottom in bands:
                self.add("line", x1=_at(x), x2=_at(x), y1=_at(top), y2=_at(bottom), class_="grid")
            self.add("text", word, x=_at(x), y=_at(bands[-1][1] + 16), class_="tick middle")
        self.add("text", label, x=_at((_LEFT + _RIGHT) / 2), y=_at(height - 5), class_="tick middle")

    def _grid_y(self, axis: Axis, top: float, bottom: float, label: str, about: int, *, percent: bool) -> None:
        for tick in axis.ticks(about):
            y = bottom - axis.percent(tick) / 100 * (bottom - top)
            self.add("line", x1=_at(_LEFT), x2=_at(_RIGHT), y1=_at(y), y2=_at(y), class_="grid")
            self.add("text", _tick(tick, percent=percent), x=_at(_LEFT - 6), y=_at(y + 4), class_="tick end")
        middle = (top + bottom) / 2
        self.add("text", label, x=_at(-middle), y="9", transform="rotate(-90)", class_="tick middle")

    def add(self, tag: str, text: str = "", *, class_: str = "", **attributes: str) -> ET.Element:
        """Add an element in the units of the picture."""
        return add(self._root, tag, text, class_=class_, **attributes)

    def x(self, value: float) -> float:
        """Return where a number stands along x, in units of the picture."""
        return _LEFT + self._across.percent(value) / 100 * (_RIGHT - _LEFT)

    def y(self, value: float, *, low: bool = False) -> float:
        """Return where a number stands along y, in the low panel where asked."""
        axis = self._low if low and self._low is not None else self._up
        bottom, height = (_BOTTOM + _GAP + _LOW, _LOW) if low else (_BOTTOM, _BOTTOM - _TOP)
        return bottom - axis.percent(value) / 100 * height

    def curve(self, points: Iterable[tuple[float, float]], class_: str, *, low: bool = False) -> None:
        """Draw a line through points."""
        shown = " ".join(f"{_at(self.x(x))},{_at(self.y(y, low=low))}" for x, y in points)
        if shown:
            self.add("polyline", points=shown, class_=class_)

    def bar(self, left: float, right: float, start: float, end: float, class_: str, *, low: bool = False) -> None:
        """Draw a bar from ``start`` to ``end`` along y."""
        x, width = self.x(left), self.x(right) - self.x(left)
        top, bottom = sorted((self.y(start, low=low), self.y(end, low=low)))
        self.add(
            "rect",
            x=_at(x + 0.4),
            y=_at(top),
            width=_at(max(width - 0.8, 0.4)),
            height=_at(bottom - top),
            class_=class_,
        )

    def dot(self, x: float, y: float, class_: str, *, radius: float = 4.5, low: bool = False, said: str = "") -> None:
        """Draw a dot; what it says appears where the pointer rests on it."""
        dot = self.add("circle", cx=_at(self.x(x)), cy=_at(self.y(y, low=low)), r=f"{radius:g}", class_=class_)
        if said:
            add(dot, "title", said)

    def level(self, y: float, class_: str, *, low: bool = False) -> None:
        """Draw a line over the whole width."""
        at = _at(self.y(y, low=low))
        self.add("line", x1=_at(_LEFT), x2=_at(_RIGHT), y1=at, y2=at, class_=class_)

    def upright(self, x: float, class_: str) -> None:
        """Draw a line over the whole height."""
        at = _at(self.x(x))
        self.add("line", x1=at, x2=at, y1=_at(_TOP), y2=_at(_BOTTOM), class_=class_)

    def word(self, text: str, x: float, y: float, class_: str = "tick start") -> None:
        """Write a word."""
        self.add("text", text, x=_at(self.x(x)), y=_at(self.y(y)), class_=class_)

    def plot(self) -> Plot:
        """Return the picture."""
        return Plot(svg_text(self._root))


def symmetric(values: Iterable[float]) -> Axis:
    """Return a scale with 0 in its middle that holds all these numbers."""
    most = max((abs(value) for value in values), default=0.0) or 0.01
    return Axis(-1.15 * most, 1.15 * most)


def at(points: Points, x: float) -> float | None:
    """Return y at x on a curve whose x grow; None outside of it, and of equal x the last."""
    if not points or x < points[0][0] or x > points[-1][0]:
        return None
    low, high = 0, len(points)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if points[middle][0] <= x else (low, middle)
    before = points[low - 1]
    after = points[min(low, len(points) - 1)]
    if after[0] <= before[0]:
        return before[1]
    return before[1] + (after[1] - before[1]) * (x - before[0]) / (after[0] - before[0])


def _at(value: float) -> str:
    return f"{round(value, 1):g}"


def _tick(value: float, *, percent: bool) -> str:
    # A share below the middle line is one of the other class.
    return f"{numbers.exact(round(100 * abs(value), 8))}%" if percent else short(value)


def short(value: float) -> str:
    """Return a tick without a row of zeros: 20k, 1.5M."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{numbers.exact(value / (1e3 if unit == 'k' else size))}{unit}"
    return numbers.exact(value)
