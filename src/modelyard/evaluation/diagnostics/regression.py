"""A regression: bias, errors by range of value, prediction and time, and predicted against actual in hexagons."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelyard.data.profile import FEWEST
from modelyard.evaluation.diagnostics.subject import Subject, digits
from modelyard.evaluation.gates.judge import estimate_of
from modelyard.evaluation.intervals import measure
from modelyard.evaluation.test_set import TestSet
from modelyard.metrics.metric import REGRESSION, MeanLoss
from modelyard.metrics.predictions import Floats, Ints, Predictions
from modelyard.records.results import Estimate
from modelyard.records.results.diagnostics import Diagnostics, ErrorBin, Errors, Hexagon, Hexbin

TENTHS = 10
STRETCHES = 20
MINUTE = 16
"""Characters of a time to the minute."""
ACROSS = 24
"""Hexagons along one side."""
TAIL = 0.005
"""Share of rows beyond either end of the chart."""


@dataclass(frozen=True, kw_only=True)
class _Signed(MeanLoss):
    """Mean of predicted minus actual; it is shown, and no gate takes it."""

    def losses(self, y: Ints | Floats, predictions: Predictions) -> Floats:
        """Return the signed error of each row."""
        return np.asarray(predictions.values - y, dtype=np.float64)


_BIAS = _Signed(name="bias", tasks=REGRESSION, needs="value", lowest=None)


def diagnose(subject: Subject) -> Diagnostics:
    """Return where both models err; nothing without values."""
    new, old = subject.challenger, subject.models.get("champion")
    if new.value is None:
        return Diagnostics()
    if old is not None and old.value is None:
        old = None
    test_set = subject.test_set
    if subject.personal:
        before = None if old is None else _bias(test_set, old)
        return Diagnostics(errors=Errors(bias=_bias(test_set, new), champion_bias=before))
    y = test_set.y.astype(np.float64)
    shown = [("challenger", new), *([] if old is None else [("champion", old)])]
    scale = _scale(y, [model.values for _, model in shown])
    return Diagnostics(
        errors=Errors(
            bias=_bias(test_set, new),
            champion_bias=None if old is None else _bias(test_set, old),
            by_actual=_ranges(subject, y, new, old),
            by_prediction=_ranges(subject, new.values, new, old),
            over_time=_stretches(subject, new, old),
            hexbins=() if scale is None else tuple(_hexbin(role, y, model.values, *scale) for role, model in shown),
        )
    )


def _bias(test_set: TestSet, model: Predictions) -> Estimate:
    return estimate_of(measure.level(_BIAS, test_set, model), test_set)


def _ranges(subject: Subject, by: Floats, new: Predictions, old: Predictions | None) -> tuple[ErrorBin, ...]:
    """Return tenths of the rows by a number; equal ones stay together, and no extreme, a single row's, is told."""
    order = np.argsort(by, kind="stable")
    ranked = by[order]
    n = len(by)
    return tuple(
        _bin(
            subject, order[start:end], new, old,
            low=digits(float(ranked[start]), 3) if start else None,
            high=digits(float(ranked[end]), 3) if end < n else None,
        )
        for start, end in _cuts(ranked, TENTHS)
    )  # fmt: skip


def _stretches(subject: Subject, new: Predictions, old: Predictions | None) -> tuple[ErrorBin, ...]:
    if subject.times is None or subject.times.null_count():
        return ()
    order = subject.times.arg_sort().to_numpy().astype(np.int64)
    ranked = subject.times.to_physical().to_numpy()[order]
    return tuple(
        _bin(
            subject, order[start:end], new, old,
            since=str(subject.times[int(order[start])])[:MINUTE],
            until=str(subject.times[int(order[end - 1])])[:MINUTE],
        )
        for start, end in _cuts(ranked, STRETCHES)
    )  # fmt: skip


def _cuts(ranked: Any, parts: int) -> Iterator[tuple[int, int]]:
    """Cut n ordered numbers into at most so many parts of equal size, ties together, ten rows in each at least."""
    n = len(ranked)
    wanted = max(1, min(parts, n // FEWEST))
    start = 0
    for part in range(1, wanted + 1):
        end = n if part == wanted else int(np.searchsorted(ranked, ranked[part * n // wanted], "left"))
        if end - start >= FEWEST and (end == n or n - end >= FEWEST):
            yield start, end
            start = end


def _bin(subject: Subject, rows: Ints, new: Predictions, old: Predictions | None, **ends: Any) -> ErrorBin:
    weight = subject.weight[rows]
    residual = new.values[rows] - subject.test_set.y[rows]
    before = None if old is None else old.values[rows] - subject.test_set.y[rows]
    total = float(weight.sum())
    if total <= 0:
        weight, total = np.ones(len(rows)), float(len(rows))

    def mean(values: Floats) -> float:
        return digits(float((weight * values).sum()) / total)

    bias = mean(residual)
    return ErrorBin(
        rows=len(rows),
        bias=bias,
        spread=digits(math.sqrt(mean((residual - bias) ** 2))),
        error=mean(np.abs(residual)),
        champion_bias=None if before is None else mean(before),
        champion_error=None if before is None else mean(np.abs(before)),
        **ends,
    )


def _scale(y: Floats, predicted: list[Floats]) -> tuple[float, float] | None:
    """Return the ends of the chart: ten rows or more lie beyond either, of the actual values as of the predictions."""
    if len(y) < 4 * FEWEST:
        return None
    tail = max(TAIL, FEWEST / len(y))
    ends = [np.quantile(each, [tail, 1 - tail]) for each in (y, *predicted)]
    low, high = digits(float(min(end[0] for end in ends)), 3), digits(float(max(end[1] for end in ends)), 3)
    return (low, high) if high > low else None


def _hexbin(role: Any, y: Floats, predicted: Floats, low: float, high: float) -> Hexbin:
    """Count rows in hexagons with pointed tops: the nearer one of two grids, one shifted by half a cell."""
    inside = (y >= low) & (y <= high) & (predicted >= low) & (predicted <= high)
    x, up = (ACROSS * (each[inside] - low) / (high - low) for each in (y, predicted))
    tall = math.sqrt(3.0)
    column, row = np.rint(x), np.rint(up / tall)
    column_between, row_between = np.floor(x) + 0.5, np.floor(up / tall) + 0.5
    nearer = (x - column) ** 2 + (up - row * tall) ** 2 <= (x - column_between) ** 2 + (up - row_between * tall) ** 2
    places = np.stack([np.where(nearer, column, column_between), np.where(nearer, row, row_between)])
    cells, rows = np.unique(places, axis=1, return_counts=True)
    kept = rows >= FEWEST
    return Hexbin(
        model=role,
        low=low,
        high=high,
        across=ACROSS,
        cells=tuple(
            Hexagon(x=round(a / ACROSS, 5), y=round(b * tall / ACROSS, 5), rows=n)
            for (a, b), n in zip(cells.T[kept].tolist(), rows[kept].tolist(), strict=True)
        ),
        left_out=int(len(y) - rows[kept].sum()),
    )
