"""Slice guard: fail a gate if any slice violates its bound after Holm's correction; tell slices with little power.

A slice is called when its one-sided p, held against 5 % of the whole gate by Holm's method (1979) over all slices that
can be judged, says that it lies on the wrong side of the bound. The p is that of the gate's own interval turned around,
the level at which its limit touches the bound; for a proportion never smaller than the exact binomial's. A slice is
judged where its own interval lies on the good side of the bound, or where it has power: a true shortfall of
``slice_drop`` would be called four times in five. Its standard error comes from all rows: the row-wise one scaled to
the slice, times Kish's design effect 1 + (m − 1)·ρ for the slice's own rows a unit, m.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from scipy.special import bdtr, ndtr, ndtri

from modelyard.core.reasons import Reason, because
from modelyard.core.verdict import Verdict
from modelyard.evaluation.gates.decision import Case
from modelyard.evaluation.intervals import measure
from modelyard.metrics.metric import Proportion
from modelyard.stats.interval import Interval, z_value

ALPHA = 0.05
"""One-sided, for all slices of a gate together."""
POWER = 0.8
FEWEST_UNITS = 30
DROP = 0.10
"""A shortfall that must be seen in proportions and areas; at most half the bound. Of losses, a tenth of the bound."""
_STEPS = 24


@dataclass(frozen=True)
class Judged:
    """One slice: its verdict, its p where it can be judged, and what is missing where it has no power."""

    verdict: Verdict
    p: float | None = None
    judged: bool = False
    """It had power, or its own interval decides."""
    rows_needed: int | None = None
    note: Reason | None = None


def holm(p_values: Sequence[float], alpha: float = ALPHA) -> list[bool]:
    """Tell which hypotheses Holm's step-down method rejects at a family-wise error of ``alpha``."""
    order = sorted(range(len(p_values)), key=lambda at: p_values[at])
    rejected = [False] * len(p_values)
    for rank, at in enumerate(order):
        if p_values[at] > alpha / (len(p_values) - rank):
            break
        rejected[at] = True
    return rejected


def judge_slices(case: Case, slices: Sequence[Case], own: Sequence[Verdict]) -> list[Judged]:
    """Judge every slice of a gate, each the same rule on some of the rows; ``own``: what its own interval says."""
    with_units = case.test_set.unit is not None
    able = [at for at, each in enumerate(slices) if not with_units or each.test_set.effective_units >= FEWEST_UNITS]
    tested = {at: _test(slices[at]) for at in able}
    known = {at: one for at, one in tested.items() if one is not None}
    # A slice of which nothing can be said counts in the family all the same: which ones those are is chance too.
    called = holm([*(one.p for one in known.values()), *[1.0] * (len(able) - len(known))])
    below = {at for at, is_called in zip(known, called, strict=False) if is_called}
    spread = _Spread.of(case)
    judged = []
    for at, each in enumerate(slices):
        if at not in tested:
            note = because("too-few-units", units=each.test_set.effective_units, fewest=FEWEST_UNITS)
            judged.append(Judged(Verdict.NOT_APPLICABLE, note=note))
        elif at not in known:
            judged.append(Judged(Verdict.INCONCLUSIVE, note=because("nothing-known")))
        else:
            one = _with_power(known[at], spread, len(able), below=at in below)
            shows = one.verdict is Verdict.INCONCLUSIVE and own[at] is Verdict.PASS
            judged.append(Judged(Verdict.PASS, one.p, judged=True) if shows else one)
    return judged


def verdict_of(judged: Iterable[Judged]) -> Verdict:
    """Return what the slices say of the gate: one that is called fails it, and none with power leaves it open."""
    known = list(judged)
    if any(each.verdict is Verdict.FAIL for each in known):
        return Verdict.FAIL
    return Verdict.PASS if any(each.judged for each in known) else Verdict.INCONCLUSIVE


@dataclass(frozen=True)
class _Tested:
    """A slice's one-sided p, and the rows and units that it is about."""

    p: float
    rows: int
    units: int
    identical: bool = False


def _test(part: Case) -> _Tested | None:
    """Return the p of lying at or above the bound; None where no interval can be had. Above 5 % it is not refined."""
    found, bound = _at_confidence(part, 1 - 2 * ALPHA)
    if found.identical:
        return _Tested(1.0, found.n_rows, found.n, identical=True)
    if found.high is None:
        return None
    if found.high >= bound:
        return _Tested(1.0, found.n_rows, found.n)
    low, up = -16.0, math.log(ALPHA)
    for _ in range(_STEPS):
        middle = (low + up) / 2
        reach, _bound = _at_confidence(part, 1 - 2 * math.exp(middle))
        low, up = (low, middle) if reach.high is not None and reach.high < bound else (middle, up)
    p = max(math.exp(up), _exact(part))
    if found.resamples and found.estimate is not None and found.low is not None:
        # Beyond its most extreme resample a bootstrap knows nothing: its spread with normal tails goes on.
        error = (found.high - found.low) / (2 * float(ndtri(1 - ALPHA)))
        p = max(p, float(ndtr((found.estimate - bound) / error)))
    return _Tested(p, found.n_rows, found.n)


def _at_confidence(part: Case, confidence: float) -> tuple[Interval, float]:
    return replace(part, test_set=replace(part.test_set, confidence=confidence)).turned()


def _exact(part: Case) -> float:
    """Return the exact binomial p of a level's proportion; 0 where there is none, so that it never decides."""
    metric, bound, test_set = part.rule.metric, part.rule.demand.bound, part.test_set
    if not isinstance(metric, Proportion) or bound is None or test_set.weight is not None:
        return 0.0
    right, considered = metric.events(test_set.y, part.models["challenger"])
    events, n = int((right & considered).sum()), int(considered.sum())
    if part.rule.operator.above:
        return float(bdtr(events, n, bound))
    return float(bdtr(n - events, n, 1 - bound))


@dataclass(frozen=True)
class _Spread:
    """What all rows say of a slice's standard error, and the shortfall that it should see."""

    row_variance: float
    """Of one row: the row-wise standard error squared, times the rows."""
    within_unit: float
    """Intra-unit correlation, from the design effect of all rows."""
    drop: float

    @classmethod
    def of(cls, case: Case) -> "_Spread | None":
        rule, test_set = case.rule, case.test_set
        found, bound = case.turned()
        by_row = replace(case, test_set=replace(test_set, unit=None))
        plain, _ = by_row.turned() if test_set.unit is not None else (found, bound)
        if found.low is None or found.high is None or plain.low is None or plain.high is None:
            return None
        error, row_error = (each.high - each.low for each in (found, plain))  # type: ignore[operator] # looked at above
        if row_error <= 0:
            return None
        drop = _drop(case, bound)
        variance = (row_error / (2 * z_value(test_set.confidence))) ** 2 * plain.n_rows
        demanded = rule.demand.bound
        if demanded is not None and plain.estimate is not None and rule.metric.share:
            shifted = demanded - drop if rule.operator.above else demanded + drop
            strategy = measure.strategy_of(rule.metric)
            variance = strategy.row_variance(min(max(shifted, 0.0), 1.0), plain.estimate, variance, test_set)
        rows_a_unit = found.n_rows / max(found.n, 1)
        effect = (error / row_error) ** 2
        correlation = (effect - 1) / (rows_a_unit - 1) if test_set.unit is not None and rows_a_unit > 1 else 0.0
        return cls(variance, min(max(correlation, 0.0), 1.0), drop)

    def error(self, rows: int, units: int) -> float:
        """Return the standard error of a slice."""
        effect = 1 + max(rows / max(units, 1) - 1, 0.0) * self.within_unit
        return math.sqrt(self.row_variance / max(rows, 1) * effect)


def _drop(case: Case, bound: float) -> float:
    rule = case.rule
    if rule.slice_drop is not None:
        return rule.slice_drop
    if rule.metric.share:
        return DROP if rule.demand.bound is None else min(DROP, abs(bound) / 2)
    level = abs(bound)
    if rule.demand.bound is None:
        level = abs(case.level(rule.demand.reference or "challenger").estimate or 0.0)
    return level / 10


def _with_power(tested: _Tested, spread: _Spread | None, family: int, *, below: bool) -> Judged:
    if below:
        return Judged(Verdict.FAIL, tested.p, judged=True)
    if tested.identical and spread is None:
        return Judged(Verdict.PASS, tested.p, judged=True, note=because("models-agree"))
    if spread is None or spread.drop <= 0:
        return Judged(Verdict.INCONCLUSIVE, tested.p, note=because("power-unknown"))
    needed = float(ndtri(1 - ALPHA / family) + ndtri(POWER))
    error = spread.error(tested.rows, tested.units)
    if spread.drop >= needed * error:
        return Judged(Verdict.PASS, tested.p, judged=True)
    wanted = math.ceil(tested.rows * (needed * error / spread.drop) ** 2)
    return Judged(
        Verdict.INCONCLUSIVE,
        tested.p,
        rows_needed=wanted,
        note=because("underpowered", rows=tested.rows, drop=spread.drop, needed=wanted),
    )
