"""Figures of a regression: predicted against actual in hexagons, bias and error over ranges."""

import math
from collections.abc import Sequence

from modelyard.records.results.diagnostics import ErrorBin, Hexbin
from modelyard.report import numbers
from modelyard.report.charts import Axis
from modelyard.report.document import Plot
from modelyard.report.figures.binary import CHALLENGER, CHAMPION
from modelyard.report.figures.panel import Panel, short

_TONES = 6


def hexbin(found: Hexbin) -> Plot:
    """Draw how many rows lie where; the diagonal is a prediction that is right."""
    axis = Axis(found.low, found.high)
    panel = Panel(
        f"Predicted against actual, {found.model}: {numbers.count(sum(cell.rows for cell in found.cells))} rows in "
        f"{len(found.cells)} hexagons",
        axis, axis, ("actual", "predicted"),
    )  # fmt: skip
    most = math.log(max((cell.rows for cell in found.cells), default=10) / 10 + 1)
    span = found.high - found.low
    for cell in found.cells:
        tone = min(_TONES, 1 + int(_TONES * math.log(cell.rows / 10 + 1) / most)) if most else 1
        middle = (panel.x(found.low + cell.x * span), panel.y(found.low + cell.y * span))
        width = (panel.x(found.low + span / found.across) - panel.x(found.low)) / math.sqrt(3) * 1.02
        tall = (panel.y(found.low) - panel.y(found.low + span / found.across)) / math.sqrt(3) * 1.02
        corners = [
            (middle[0] + width * math.sin(math.pi * turn / 3), middle[1] + tall * math.cos(math.pi * turn / 3))
            for turn in range(6)
        ]
        panel.add("polygon", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in corners), class_=f"tone{tone}")
    panel.curve([(found.low, found.low), (found.high, found.high)], "diagonal strong")
    return panel.plot()


def errors(bins: Sequence[ErrorBin], along: str) -> Plot:
    """Draw the mean absolute error of each range, the champion's as a thin line."""
    tallest = max(value for one in bins for value in (one.error, one.champion_error or 0.0))
    panel = _over(f"Mean absolute error by {along}", bins, Axis(0, 1.1 * tallest or 1.0), along, "mean absolute error")
    for place, one in enumerate(bins):
        panel.bar(place, place + 1, 0, one.error, "fill-new")
    panel.curve(_champion(bins, "champion_error"), "outline")
    return panel.plot()


def bias(bins: Sequence[ErrorBin], along: str) -> Plot:
    """Draw predicted minus actual in each range: its mean, a standard deviation to either side, the champion's mean."""
    ends = [value for one in bins for value in (one.bias - one.spread, one.bias + one.spread)]
    panel = _over(f"Predicted minus actual by {along}", bins, Axis.over([0.0, *ends]), along, "predicted − actual")
    for place, one in enumerate(bins):
        panel.bar(place, place + 1, one.bias - one.spread, one.bias + one.spread, "spread-new")
    panel.level(0, "rail")
    panel.curve(_champion(bins, "champion_bias"), CHAMPION)
    panel.curve([(place + 0.5, one.bias) for place, one in enumerate(bins)], CHALLENGER)
    for place, one in enumerate(bins):
        panel.dot(place + 0.5, one.bias, "dot new", radius=3, said=_said(one))
    return panel.plot()


def _over(title: str, bins: Sequence[ErrorBin], up: Axis, along: str, label: str) -> Panel:
    """Return a panel with a place of equal width for each range, a few of their ends written under it."""
    step = max(1, len(bins) // 4)
    marks = [(float(place), _start(one)) for place, one in enumerate(bins) if place % step == 0 and _start(one)]
    return Panel(f"{title}, in {len(bins)} ranges", Axis(0, len(bins)), up, (along, label), marks=marks)


def _start(one: ErrorBin) -> str:
    return one.since[5:10] if one.since else "" if one.low is None else short(one.low)


def _champion(bins: Sequence[ErrorBin], name: str) -> list[tuple[float, float]]:
    known = [(place, getattr(one, name)) for place, one in enumerate(bins)]
    if name == "champion_error":
        return [point for place, value in known if value is not None for point in ((place, value), (place + 1, value))]
    return [(place + 0.5, value) for place, value in known if value is not None]


def _said(one: ErrorBin) -> str:
    return f"{named(one)}: mean {numbers.exact(one.bias, signed=True)}, {numbers.count(one.rows)} rows"


def named(one: ErrorBin) -> str:
    """Return a range in words."""
    if one.since:
        return f"{one.since} to {one.until}"
    if one.low is None:
        return "all" if one.high is None else f"below {numbers.exact(one.high)}"
    return f"from {numbers.exact(one.low)}" + ("" if one.high is None else f" to {numbers.exact(one.high)}")
