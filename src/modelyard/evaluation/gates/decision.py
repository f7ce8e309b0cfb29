"""Decide one rule on some rows: from an interval to a verdict, and what these rows could have shown."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from scipy.special import ndtr

from modelyard.core.operators import Contrast, Level
from modelyard.core.reasons import because
from modelyard.core.verdict import Verdict
from modelyard.evaluation.gates.rules import Rule
from modelyard.evaluation.intervals import measure
from modelyard.evaluation.intervals.strategy import Combination
from modelyard.evaluation.test_set import TestSet
from modelyard.metrics.metric import Metric, Proportion
from modelyard.metrics.predictions import Predictions
from modelyard.stats import clusters, power
from modelyard.stats.adjusted import Control
from modelyard.stats.interval import Interval, refuse, z_value

Models = Mapping[str, Predictions]
"""``challenger``, and ``champion``, ``best-promoted`` and ``baseline`` where there are such."""


@dataclass(frozen=True)
class Decision:
    """A verdict with the interval that decided it, in natural units, and what could be seen."""

    verdict: Verdict
    interval: Interval
    smallest_visible: float | None = None
    needed: power.Needed | None = None
    error: float | None = None
    """Standard error behind the interval's end that passing depends on."""


@dataclass(frozen=True)
class Case:
    """A rule with the rows and models that it is judged on."""

    rule: Rule
    test_set: TestSet
    models: Models
    control: Control | None = None
    """What adjusts the challenger's level."""

    @property
    def roles(self) -> list[str]:
        """The models that the rule looks at."""
        named = ["challenger", *([self.rule.demand.reference] if self.rule.demand.reference else [])]
        return [*named, *(["baseline"] if any(each.baseline for each in self.rule.contrasts) else [])]

    def decide(self, *, in_slice: bool = False) -> Decision:
        """Decide; what the rows could show is summed exactly for all rows alone, where it is printed."""
        operator, demand = self.rule.operator, self.rule.demand
        if isinstance(operator, Level):
            found = self.level()
            verdict = operator.decide(found, demand)
            turned, bound = self._facing(operator, found)
            return self._weigh(verdict, found, turned, bound, clusters.FEWEST_FOR_LEVEL)
        decided = [self._decide(contrast, in_slice=in_slice) for contrast in self.contrasts]
        order = (Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL, Verdict.ERROR)
        return min(decided, key=lambda one: order.index(one.verdict))

    def level(self, role: str = "challenger") -> Interval:
        """Return the level of a model, closest where the rule decides."""
        demand = self.rule.demand
        bounds = (
            () if role != "challenger" else tuple(each for each in (demand.bound, demand.upper) if each is not None)
        )
        control = self.control if role == "challenger" else None
        return measure.level(self.rule.metric, self.test_set, self.models[role], bounds=bounds, control=control)

    def turned(self) -> tuple[Interval, float]:
        """Return the rule's quantity, turned so that more is better, and the bound that it must not fall below."""
        if isinstance(self.rule.operator, Level):
            return self._facing(self.rule.operator, self.level())
        contrast = self.contrasts[0]
        return self._contrast(contrast), contrast.bound

    @property
    def contrasts(self) -> tuple[Contrast, ...]:
        """Return the rule's contrasts; a share of a reference below zero is that share of its size."""
        rule = self.rule
        if not rule.relative or self._of_gain or (self._share_of().high or 0.0) >= 0:
            return rule.contrasts
        return tuple(replace(each, reference=-2 - each.reference) for each in rule.contrasts)

    @property
    def _of_gain(self) -> bool:
        return any(each.baseline for each in self.rule.contrasts)

    def _share_of(self) -> Interval:
        """Return what a margin in percent is a share of: the reference's level, or its gain, of which more is better.

        Limits are there only where the estimate alone does not tell that no worse models are asked for.
        """
        rule, test_set, reference = self.rule, self.test_set, self.models[self.rule.demand.reference or ""]
        models, weights = (
            ([reference, self.models["baseline"]], [rule.sign, -rule.sign]) if self._of_gain else ([reference], [1.0])
        )
        known = [rule.metric.value(test_set.y, each, test_set.weight) for each in models]
        estimate = sum(weight * each for weight, each in zip(weights, known, strict=True) if each is not None)
        if None in known or (estimate > 0 and not getattr(rule.operator, "better", False)):
            shown = None if None in known else estimate
            return Interval(shown, None, None, (), test_set.units, len(test_set.y))
        if not self._of_gain:
            return self.level(rule.demand.reference or "")
        return measure.contrast(rule.metric, test_set, Combination(models, weights))

    def _nothing_to_share(self) -> Interval | None:
        """Return an interval that refused, where a margin is a share of what cannot be told from nothing."""
        if not self.rule.relative:
            return None
        found = self._share_of()
        if found.estimate is None or (not self._of_gain and found.high is not None and found.high < 0):
            return None
        if found.estimate > 0 and (found.low is None or found.low >= 0):
            return None
        told: dict[str, Any] = {"margin": self.rule.relative, "reference": self.rule.demand.reference or ""}
        if self._of_gain:
            return refuse("share-of-no-gain", n=found.n, n_rows=found.n_rows, **told)
        return refuse("share-of-zero", n=found.n, n_rows=found.n_rows, **told)

    def _facing(self, operator: Level, found: Interval) -> tuple[Interval, float]:
        above, bound = operator.facing(found, self.rule.demand)
        return (found, bound) if above else (found.scaled(-1.0), -bound)

    def _contrast(self, contrast: Contrast) -> Interval:
        """Return the contrast. Equal models are no worse and not better, by whatever margin."""
        rule, models, reference = self.rule, self.models, self.rule.demand.reference or ""
        if models["challenger"].same_as(models[reference]):
            rows = len(self.test_set.y)
            return Interval(0.0, 0.0, 0.0, (because("identical"),), self.test_set.units, rows, identical=True)
        nothing = self._nothing_to_share()
        if nothing is not None:
            return nothing
        weights: dict[str, float] = {"challenger": 1.0, reference: contrast.reference}
        weights["baseline"] = weights.get("baseline", 0.0) + contrast.baseline
        roles = [role for role, weight in weights.items() if weight]
        combination = Combination(
            [models[role] for role in roles],
            [rule.sign * weights[role] for role in roles],
            constant=rule.sign * contrast.perfect * (rule.metric.perfect or 0.0),
            margin=rule.margin or 0.0,
            bound=contrast.bound,
        )
        return measure.contrast(rule.metric, self.test_set, combination)

    def _decide(self, contrast: Contrast, *, in_slice: bool) -> Decision:
        turned = self._contrast(contrast)
        verdict = self.rule.operator.decide(turned, self.rule.demand, contrast.bound)
        fewest, confidence = clusters.FEWEST_FOR_DIFFERENCE, self.test_set.confidence
        found = self._weigh(verdict, turned.scaled(self.rule.sign), turned, contrast.bound, fewest)
        few = None if in_slice else self._disagreeing(contrast)
        if found.smallest_visible is None or few is None:
            return found
        visible = power.visible_with_few(turned.n_rows, sum(few), contrast.bound, confidence)
        if verdict is not Verdict.INCONCLUSIVE:
            return replace(found, smallest_visible=visible)
        needed = power.rows_to_decide_with_few(
            *few, turned.n_rows, contrast.bound, minimum=fewest, confidence=confidence
        )
        return replace(found, smallest_visible=visible, needed=needed)

    def _weigh(self, verdict: Verdict, shown: Interval, turned: Interval, bound: float, minimum: int) -> Decision:
        """Add what could be seen to a verdict."""
        if turned.estimate is None or turned.low is None or turned.high is None or turned.identical:
            return Decision(verdict, shown)
        confidence = self.test_set.confidence
        below, above = ((each - turned.estimate) / z_value(confidence) for each in (turned.low, turned.high))
        error = max(-below, 0.0)
        visible = power.smallest_visible_difference((above - below) / 2, confidence)
        if verdict is not Verdict.INCONCLUSIVE:
            return Decision(verdict, shown, visible, error=error)
        facing = error if turned.estimate > bound else above
        needed = power.units_to_decide(turned.estimate, bound, facing, turned.n, minimum=minimum, confidence=confidence)
        return Decision(verdict, shown, visible, needed, error)

    def _disagreeing(self, contrast: Contrast) -> tuple[int, int] | None:
        """Return the rows that either model alone has right, where they are so few that power is summed exactly."""
        metric, test_set = self.rule.metric, self.test_set
        plain = contrast.reference == -1.0 and not contrast.baseline
        if not isinstance(metric, Proportion) or not plain or test_set.unit is not None or test_set.weight is not None:
            return None
        first, considered = metric.events(test_set.y, self.models["challenger"])
        second, _ = metric.events(test_set.y, self.models[self.rule.demand.reference or ""])
        pair = int((first & ~second & considered).sum()), int((~first & second & considered).sum())
        return pair if 0 < sum(pair) < power.FEW_DISAGREEING else None

    def equal_chance(self, error: float | None) -> float | None:
        """Return the chance that a model exactly as good as the champion passes; None where that cannot be said."""
        room = self._room_of_equal()
        if error is None or error <= 0 or room is None:
            return None
        return float(ndtr(room / error - z_value(self.test_set.confidence)))

    def units_for_equal(self, decided: Decision) -> int | None:
        """Return the units at which it passes four times in five; None where it never would, or nobody has so many."""
        room, error, n = self._room_of_equal(), decided.error, decided.interval.n
        if error is None or room is None or room <= 0:
            return None
        needed = n * ((z_value(self.test_set.confidence) + power.Z_POWER) * error / room) ** 2
        return math.ceil(needed) if needed <= power.NOT_REALISTIC * n else None

    def _room_of_equal(self) -> float | None:
        """Return how far a model exactly as good as the champion lies above what the rule asks; below: negative."""
        rule, test_set, demand = self.rule, self.test_set, self.rule.demand
        equal = self.models.get(demand.reference or "champion")
        if equal is None or demand.upper is not None or demand.reference == "baseline":
            return None
        value = rule.metric.value(test_set.y, equal, test_set.weight)
        if value is None:
            return None
        if demand.bound is not None:
            return (value - demand.bound) * (1 if rule.operator.above else -1)
        rooms = []
        for contrast in self.contrasts:
            of_baseline = 0.0
            if contrast.baseline:
                of_baseline = rule.metric.value(test_set.y, self.models["baseline"], test_set.weight) or 0.0
            perfect = contrast.perfect * (rule.metric.perfect or 0.0)
            left = rule.sign * (value * (1 + contrast.reference) + of_baseline * contrast.baseline + perfect)
            rooms.append(left - contrast.bound)
        return max(rooms)


def baseline_for(metric: Metric, models: Models) -> Models:
    """Return the models, with the baseline that is hardest to beat by this metric."""
    own = models.get(f"baseline:{metric.baseline}")
    return models if own is None else {**models, "baseline": own}
