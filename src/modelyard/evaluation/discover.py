"""Slices that nobody named: found on one half of the units, judged on the other, reported and never gating.

Every value of a column with few values, and thirds of a column of numbers, alone and two together, is tried (depth 2,
as in Slice Finder: Chung et al., ICDE 2019). Those where the challenger loses most on the first half are judged on the
second, which had no say in choosing them; Benjamini and Hochberg (JRSS B 1995) hold the share of false ones at 10 %.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelyard.evaluation.test_set import TestSet
from modelyard.metrics.metric import MeanLoss, Metric
from modelyard.metrics.predictions import Bools, Floats, Ints, Predictions
from modelyard.records.results import DiscoveredSlice
from modelyard.stats import clusters

SHOWN = 10
LEVEL = 0.1
MOST_VALUES = 20
"""Values of a column from which it is not tried, unless it holds numbers."""
MOST_COLUMNS = 40
CANDIDATES = 50
"""Slices of the first half that are judged on the second, those that seem to lose most."""
BEAM = 15
"""Slices of one column that are tried together with every other one."""
MOST_ROWS = 50_000
"""Rows that are looked at; of more, a sample."""
REFINES = 0.01
"""p at which a slice of two columns loses more than the rest of one of them alone, and is a finding of its own."""
FEWEST_UNITS = 30
"""Of a slice, in either half."""


@dataclass(frozen=True)
class _Part:
    """Rows with one value of one column."""

    column: str
    value: str
    rows: Bools

    @property
    def key(self) -> tuple[str, str]:
        """Return what names it."""
        return self.column, self.value


def discover(
    metric: Metric, test_set: TestSet, models: Mapping[str, Predictions], frame: Any
) -> tuple[DiscoveredSlice, ...]:
    """Return slices in which the challenger does worse than the champion, or, without one, worse than elsewhere.

    Args:
        metric: the primary one; where it has no value a row, the share of wrong labels or the squared error is taken.
        test_set: the test rows.
        models: predictions by role.
        frame: Polars frame of the columns that may be named, in the order of the rows.
    """
    from scipy.stats import false_discovery_control

    worse = _worse(metric, test_set, models)
    if worse is None:
        return ()
    draw = np.random.default_rng(test_set.seed)
    if len(worse) > MOST_ROWS:
        some = np.sort(draw.choice(len(worse), MOST_ROWS, replace=False))
        worse, test_set, frame = worse[some], test_set.take(some), frame[some]
    codes, groups = (np.arange(len(worse)), len(worse)) if test_set.unit is None else clusters.dense(test_set.unit)
    half = (draw.permutation(groups) % 2)[codes]
    weight = np.ones(len(worse)) if test_set.weight is None else test_set.weight
    first, second = (_Half(worse[half == side], weight[half == side], codes[half == side]) for side in (0, 1))
    singles = _ranked([(part,) for part in _parts(frame)], first, half == 0)
    worst = [parts[0] for _, parts in singles[:BEAM]]
    pairs = {
        tuple(sorted((one.column, one.value, other.column, other.value))): (one, other)
        for one, (_, (other, *_rest)) in itertools.product(worst, singles)
        if one.column != other.column
    }
    ranked = sorted([*singles, *_ranked(list(pairs.values()), first, half == 0)], key=lambda one: -one[0])
    judged = []
    for t, parts in ranked[:CANDIDATES]:
        found = second.excess(_rows(parts)[half == 1]) if t > 0 else None
        if found is not None:
            judged.append((parts, int(_rows(parts).sum()), *found))
    if not judged:
        return ()
    p = np.array([_one_sided(t, units) for _, _, _, t, units in judged])
    called = false_discovery_control(p) <= LEVEL
    there = {parts[0].key for (parts, *_), one in zip(judged, called, strict=True) if one and len(parts) == 1}
    best = [at for at in np.argsort(p, kind="stable") if called[at] and _adds(judged[at][0], there, second, half == 1)][
        :SHOWN
    ]
    return tuple(
        DiscoveredSlice(
            columns=tuple(part.column for part in judged[at][0]),
            values=tuple(part.value for part in judged[at][0]),
            rows=judged[at][1],
            units=judged[at][4],
            excess=judged[at][2],
            p=float(p[at]),
        )
        for at in best
    )


def _worse(metric: Metric, test_set: TestSet, models: Mapping[str, Predictions]) -> Floats | None:
    """Return the loss of each row: above the champion's where there is one."""
    new, old = models["challenger"], models.get("champion")
    by_loss = metric if isinstance(metric, MeanLoss) and new.has(metric.needs) else None
    known = [model for model in (new, old) if model is not None and model.has(metric.needs)]
    if by_loss is not None and any(by_loss.undefined(test_set.y, model) for model in known):
        by_loss = None
    by_label = by_loss is None and new.label is not None

    def losses(model: Predictions) -> Floats:
        if by_loss is not None:
            return by_loss.losses(test_set.y, model)
        if by_label:
            return np.asarray(model.label != test_set.codes, dtype=np.float64)
        return np.asarray((model.values - test_set.y) ** 2, dtype=np.float64)

    if old is None:
        return losses(new)
    if (old.label is None) != (new.label is None) or not (by_label or old.has(metric.needs)):
        return None
    return losses(new) - losses(old)


def _parts(frame: Any) -> list[_Part]:
    import polars as pl

    found = []
    for column in frame.columns[:MOST_COLUMNS]:
        values = frame[column]
        distinct = values.n_unique()
        if 2 <= distinct <= MOST_VALUES:
            for value in values.unique().sort().to_list():
                rows = (values.is_null() if value is None else values == value).fill_null(value=False).to_numpy()
                found.append(_Part(column, "missing" if value is None else str(value), rows))
        elif values.dtype.is_numeric():
            numbers = values.cast(pl.Float64).to_numpy()
            known = numbers[np.isfinite(numbers)]
            if not len(known):
                continue
            low, high = np.quantile(known, [1 / 3, 2 / 3])
            found.append(_Part(column, f"at most {low:.4g}", numbers <= low))
            found.append(_Part(column, f"above {low:.4g}, at most {high:.4g}", (numbers > low) & (numbers <= high)))
            found.append(_Part(column, f"above {high:.4g}", numbers > high))
    return found


@dataclass(frozen=True)
class _Half:
    """The loss, weight and unit of the rows of one half; (n,) each."""

    worse: Floats
    weight: Floats
    codes: Ints

    def within(self, rows: Bools) -> "_Half":
        """Return some of the rows."""
        return _Half(self.worse[rows], self.weight[rows], self.codes[rows])

    def excess(self, inside: Bools) -> tuple[float, float, int] | None:
        """Mean loss inside less that of the other rows, its t over units, and the units inside."""
        units = int((np.bincount(self.codes[inside]) > 0).sum())
        if units < FEWEST_UNITS or int((np.bincount(self.codes[~inside]) > 0).sum()) < FEWEST_UNITS:
            return None
        sums = [float(self.weight[rows].sum()) for rows in (inside, ~inside)]
        if min(sums) <= 0:
            return None
        lost = self.weight * self.worse
        means = [float(lost[rows].sum()) / total for rows, total in zip((inside, ~inside), sums, strict=True)]
        influence = np.where(inside, (self.worse - means[0]) / sums[0], (means[1] - self.worse) / sums[1])
        by_unit = np.bincount(self.codes, weights=influence * self.weight)
        error = float(np.sqrt((by_unit**2).sum() * units / (units - 1)))
        return (means[0] - means[1], (means[0] - means[1]) / error, units) if error > 0 else None


Parts = tuple[_Part, ...]


def _rows(parts: Parts) -> Bools:
    return np.asarray(np.logical_and.reduce([part.rows for part in parts]), dtype=bool)


def _ranked(tried: Sequence[Parts], first: _Half, here: Bools) -> list[tuple[float, Parts]]:
    """Those that can be judged, with their t on the first half, the worst first."""
    found = [(first.excess(_rows(parts)[here]), parts) for parts in tried]
    known = [(one[1], parts) for one, parts in found if one is not None]
    return sorted(known, key=lambda one: -one[0])


def _adds(parts: Parts, there: set[tuple[str, str]], second: _Half, here: Bools) -> bool:
    """Tell whether a slice of two columns loses clearly more than the rest of each slice of one that holds it."""
    for part in parts if len(parts) > 1 else ():
        if part.key in there:
            within = second.within(part.rows[here])
            found = within.excess(_rows(parts)[here][part.rows[here]])
            if found is None or _one_sided(found[1], found[2]) > REFINES:
                return False
    return True


def _one_sided(t: float, units: int) -> float:
    from scipy.special import stdtr

    return float(stdtr(units - 1, -t))
