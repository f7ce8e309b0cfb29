"""Slices as guards: a slice that is surely beyond its bound fails the gate, and what no slice could show is said.

A slice is called when its one-sided p, held against 5 % of the whole gate by Holm's method (1979) over all slices that
can be judged, says that it lies on the wrong side of the bound. The p is that of the gate's own interval turned around,
the level at which its limit touches the bound; for a proportion never smaller than the exact binomial's. A slice has
power where a true shortfall of ``slice_drop`` would be called four times in five. Its standard error comes from all
rows: the row-wise one scaled to the slice, times Kish's design effect 1 + (m − 1)·ρ for the slice's own rows a unit, m.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from scipy.special import bdtr, ndtr, ndtri

from modelyard.core.verdict import Verdict
from modelyard.evaluation.gates.rules import Rule
from modelyard.evaluation.intervals import measure
from modelyard.evaluation.test_set import TestSet
from modelyard.metrics.metric import Proportion
from modelyard.metrics.predictions import Ints, Predictions
from modelyard.stats.interval import Interval, z_value

ALPHA = 0.05
"""One-sided, for all slices of a gate together."""
POWER = 0.8
FEWEST_UNITS = 30
DROP = 0.10
"""A shortfall that must be seen in proportions and areas; at most half the bound. Of losses, a tenth of the bound."""
_STEPS = 24

Turned = Callable[[TestSet, dict[str, Predictions]], tuple[Interval, float]]
"""The rule's quantity on some rows, turned so that more is better, and the bound that it must not fall below."""


@dataclass(frozen=True)
class Judged:
    """One slice: its verdict, its p where it can be judged, and what is missing where it has no power."""

    verdict: Verdict
    p: float | None = None
    powered: bool = False
    rows_needed: int | None = None
    note: str = ""


@dataclass(frozen=True)
class Slice:
    """Some rows with all models' predictions of them, and how many units they are."""

    name: str
    truth: TestSet
    models: dict[str, Predictions]
    units: int


def slice_of(name: str, rows: Ints, truth: TestSet, models: Mapping[str, Predictions]) -> Slice:
    """The slice of some rows."""
    here = truth.take(rows)
    return Slice(name, here, {role: each.take(rows) for role, each in models.items()}, here.units)


def holm(p_values: Sequence[float], alpha: float = ALPHA) -> list[bool]:
    """Which hypotheses Holm's step-down method rejects at a family-wise error of ``alpha``."""
    order = sorted(range(len(p_values)), key=lambda at: p_values[at])
    rejected = [False] * len(p_values)
    for rank, at in enumerate(order):
        if p_values[at] > alpha / (len(p_values) - rank):
            break
        rejected[at] = True
    return rejected


def judge_slices(
    rule: Rule, slices: Sequence[Slice], truth: TestSet, models: dict[str, Predictions], turned: Turned
) -> list[Judged]:
    """Judge every slice of a gate.

    Args:
        rule: the gate.
        slices: its slices.
        truth: all test rows.
        models: all predictions by role.
        turned: the rule's quantity.
    """
    with_units = truth.unit is not None
    able = [at for at, each in enumerate(slices) if not with_units or each.units >= FEWEST_UNITS]
    tested = {at: _test(rule, slices[at], turned) for at in able}
    known = {at: one for at, one in tested.items() if one is not None}
    # A slice of which nothing can be said counts in the family all the same: which ones those are is chance too.
    called = holm([*(one.p for one in known.values()), *[1.0] * (len(able) - len(known))])
    below = {at for at, is_called in zip(known, called, strict=False) if is_called}
    spread = _Spread.of(rule, truth, models, turned)
    found = []
    for at, each in enumerate(slices):
        if at not in tested:
            note = f"{each.units} units, and at least {FEWEST_UNITS} are judged"
            found.append(Judged(Verdict.NOT_APPLICABLE, note=note))
        elif at not in known:
            found.append(Judged(Verdict.INCONCLUSIVE, note="nothing can be said of these rows"))
        else:
            found.append(_with_power(known[at], spread, len(able), below=at in below))
    return found


def verdict_of(judged: Iterable[Judged]) -> Verdict:
    """What the slices say of the gate: one that is called fails it, and none with power leaves it open."""
    known = list(judged)
    if any(each.verdict is Verdict.FAIL for each in known):
        return Verdict.FAIL
    return Verdict.PASS if any(each.powered for each in known) else Verdict.INCONCLUSIVE


@dataclass(frozen=True)
class _Tested:
    """A slice's one-sided p, and the rows and units that it is about."""

    p: float
    rows: int
    units: int
    identical: bool = False


def _test(rule: Rule, part: Slice, turned: Turned) -> _Tested | None:
    """The p of lying at or above the bound; None where no interval can be had. Above 5 % it is not refined."""
    truth, models = part.truth, part.models
    found, bound = turned(replace(truth, confidence=1 - 2 * ALPHA), models)
    if found.identical:
        return _Tested(1.0, found.n_rows, found.n, identical=True)
    if found.high is None:
        return None
    if found.high >= bound:
        return _Tested(1.0, found.n_rows, found.n)
    low, up = -16.0, math.log(ALPHA)
    for _ in range(_STEPS):
        middle = (low + up) / 2
        reach, _bound = turned(replace(truth, confidence=1 - 2 * math.exp(middle)), models)
        low, up = (low, middle) if reach.high is not None and reach.high < bound else (middle, up)
    p = max(math.exp(up), _exact(rule, truth, models))
    if "bootstrap" in found.method and found.estimate is not None and found.low is not None:
        # Beyond its most extreme resample a bootstrap knows nothing: its spread with normal tails goes on.
        error = (found.high - found.low) / (2 * float(ndtri(1 - ALPHA)))
        p = max(p, float(ndtr((found.estimate - bound) / error)))
    return _Tested(p, found.n_rows, found.n)


def _exact(rule: Rule, truth: TestSet, models: dict[str, Predictions]) -> float:
    """The exact binomial p of a level's proportion; 0 where there is none, so that it never decides."""
    if not isinstance(rule.metric, Proportion) or rule.bound is None or truth.weight is not None:
        return 0.0
    right, considered = rule.metric.events(truth.codes, models["challenger"])
    events, n = int((right & considered).sum()), int(considered.sum())
    if rule.operator == "at_least":
        return float(bdtr(events, n, rule.bound))
    return float(bdtr(n - events, n, 1 - rule.bound))


@dataclass(frozen=True)
class _Spread:
    """What all rows say of a slice's standard error, and the shortfall that it should see."""

    row_variance: float
    """Of one row: the row-wise standard error squared, times the rows."""
    within_unit: float
    """Intra-unit correlation, from the design effect of all rows."""
    drop: float

    @classmethod
    def of(cls, rule: Rule, truth: TestSet, models: dict[str, Predictions], turned: Turned) -> "_Spread | None":
        found, bound = turned(truth, models)
        plain, _ = turned(replace(truth, unit=None), models) if truth.unit is not None else (found, bound)
        if found.low is None or found.high is None or plain.low is None or plain.high is None:
            return None
        error, row_error = (each.high - each.low for each in (found, plain))  # type: ignore[operator] # looked at above
        if row_error <= 0:
            return None
        drop = _drop(rule, bound, truth, models)
        variance = (row_error / (2 * z_value(truth.confidence))) ** 2 * plain.n_rows
        if rule.bound is not None and plain.estimate is not None and rule.metric.share:
            shifted = rule.bound - drop if rule.operator == "at_least" else rule.bound + drop
            shifted = min(max(shifted, 0.0), 1.0)
            strategy = measure.strategy_of(rule.metric)
            variance = strategy.row_variance(shifted, plain.estimate, variance, truth)
        rows_a_unit = found.n_rows / max(found.n, 1)
        effect = (error / row_error) ** 2
        correlation = (effect - 1) / (rows_a_unit - 1) if truth.unit is not None and rows_a_unit > 1 else 0.0
        return cls(variance, min(max(correlation, 0.0), 1.0), drop)

    def error(self, rows: int, units: int) -> float:
        """Standard error of a slice."""
        effect = 1 + max(rows / max(units, 1) - 1, 0.0) * self.within_unit
        return math.sqrt(self.row_variance / max(rows, 1) * effect)


def _drop(rule: Rule, bound: float, truth: TestSet, models: dict[str, Predictions]) -> float:
    if rule.slice_drop is not None:
        return rule.slice_drop
    if rule.metric.share:
        return DROP if rule.bound is None else min(DROP, abs(bound) / 2)
    level = abs(bound)
    if rule.bound is None:
        reference = measure.level(rule.metric, truth, models[rule.reference or "challenger"]).estimate
        level = abs(reference or 0.0)
    return level / 10


def _with_power(tested: _Tested, spread: _Spread | None, family: int, *, below: bool) -> Judged:
    if below:
        return Judged(Verdict.FAIL, tested.p, powered=True)
    if tested.identical and spread is None:
        return Judged(Verdict.PASS, tested.p, powered=True, note="the models agree on every row")
    if spread is None or spread.drop <= 0:
        return Judged(Verdict.INCONCLUSIVE, tested.p, note="what these rows could show is not known")
    needed = float(ndtri(1 - ALPHA / family) + ndtri(POWER))
    error = spread.error(tested.rows, tested.units)
    if spread.drop >= needed * error:
        return Judged(Verdict.PASS, tested.p, powered=True)
    wanted = math.ceil(tested.rows * (needed * error / spread.drop) ** 2)
    return Judged(
        Verdict.INCONCLUSIVE,
        tested.p,
        rows_needed=wanted,
        note=f"{tested.rows:,} rows; to see a shortfall of {spread.drop:.3g} it takes about {wanted:,}",
    )
