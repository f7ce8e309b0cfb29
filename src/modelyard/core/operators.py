"""What a gate demands of a metric: how an operator is written, decides from an interval, and is tightened or loosened.

A new operator is a class here with its registration, and its name in ``core.vocabulary``; the configuration's key, its
schema and its checks, the gates, the comparison of rules and the report follow from it.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from modelyard.core.catalogue import Catalogue
from modelyard.core.verdict import Verdict
from modelyard.core.vocabulary import Operator as Name
from modelyard.core.vocabulary import Reference


class Limits(Protocol):
    """An interval, as far as operators look at it."""

    @property
    def estimate(self) -> float | None:
        """Return the estimate."""

    @property
    def low(self) -> float | None:
        """Return the lower limit."""

    @property
    def high(self) -> float | None:
        """Return the upper limit."""

    @property
    def identical(self) -> bool:
        """Return whether the models agree on every row."""


@dataclass(frozen=True)
class Demand:
    """What an operator's value in the configuration asks for: bounds of a level, or a reference."""

    bound: float | None = None
    upper: float | None = None
    reference: Reference | None = None


@dataclass(frozen=True)
class Contrast:
    """challenger + reference·w + baseline·w + perfect·w, tested as one paired quantity against ``bound``."""

    reference: float = 0.0
    baseline: float = 0.0
    perfect: float = 0.0
    bound: float = 0.0


@dataclass(frozen=True)
class Misuse:
    """Why a value, or the gate around it, makes no sense; ``key`` is where."""

    message: str
    hint: str
    key: str


class Operator(ABC):
    """One way to hold a metric to something."""

    name: ClassVar[Name]
    value: ClassVar[Any]
    """Type of its value in the configuration."""
    length: ClassVar[int] = 0
    """Of a value that is a list: how many it holds."""
    asks: ClassVar[str]
    """What it asks for; the schema says so."""
    compares: ClassVar[bool] = False
    """With a reference, rather than with a bound."""
    above: ClassVar[bool] = True
    """Larger values of a level pass."""
    guards: ClassVar[bool] = True
    """It has one side, so that slices can be held to it together."""
    sign: ClassVar[str]
    """Of its required number, in tables."""

    @abstractmethod
    def demand(self, value: Any) -> Demand:
        """Return what a value asks for."""

    @abstractmethod
    def decide(self, found: Limits, demand: Demand, bound: float = 0.0) -> Verdict:
        """Return the verdict of an interval; ``bound`` is that of a contrast, turned so that more is better."""

    @abstractmethod
    def phrase(self, demand: Demand, margin: str) -> str:
        """Return the rule in words, after the metric's name."""

    @abstractmethod
    def loosens(self, old: Any, new: Any) -> bool:
        """Tell whether a new value lets more through than an old one."""

    def misuse(self, value: Any, margin: float | str | None, *, guarding: bool) -> Misuse | None:
        """Return what is wrong with a gate that uses it; ``guarding``: it has slices that are held to it together."""
        if margin is not None:
            others = " or ".join(each.name for each in OPERATORS if each.compares)
            return Misuse(
                f"a margin belongs to {others}, not to {self.name}", "Remove it, or use one of those.", "margin"
            )
        return None


class Level(Operator):
    """A bound for the challenger's own level."""

    def demand(self, value: Any) -> Demand:
        """Return its one bound."""
        return Demand(bound=value)

    def facing(self, found: Limits, demand: Demand) -> tuple[bool, float]:
        """Return the bound that matters, and whether values have to lie above it."""
        return self.above, demand.bound or 0.0

    def decide(self, found: Limits, demand: Demand, bound: float = 0.0) -> Verdict:
        """Pass where the whole interval fits, fail where none of it does."""
        if found.low is None or found.high is None:
            return Verdict.INCONCLUSIVE
        return self._decide(found.low, found.high, demand)

    @abstractmethod
    def _decide(self, low: float, high: float, demand: Demand) -> Verdict: ...


class AtLeast(Level):
    """Pass where the lower limit reaches the bound, fail where the upper one does not."""

    name = "at_least"
    value = float
    asks = "The metric's lower confidence limit must reach this."
    sign = "≥"

    def _decide(self, low: float, high: float, demand: Demand) -> Verdict:
        bound = demand.bound or 0.0
        if low >= bound:
            return Verdict.PASS
        return Verdict.FAIL if high < bound else Verdict.INCONCLUSIVE

    def phrase(self, demand: Demand, margin: str) -> str:
        """Return ``at least 0.8``."""
        return f"at least {demand.bound:g}"

    def loosens(self, old: Any, new: Any) -> bool:
        """Tell whether the bound is lower."""
        return bool(new < old)


class AtMost(Level):
    """Pass where the upper limit stays at or below the bound, fail where the lower one is above it."""

    name = "at_most"
    value = float
    asks = "The metric's upper confidence limit may not exceed this."
    above = False
    sign = "≤"

    def _decide(self, low: float, high: float, demand: Demand) -> Verdict:
        bound = demand.bound or 0.0
        if high <= bound:
            return Verdict.PASS
        return Verdict.FAIL if low > bound else Verdict.INCONCLUSIVE

    def phrase(self, demand: Demand, margin: str) -> str:
        """Return ``at most 0.1``."""
        return f"at most {demand.bound:g}"

    def loosens(self, old: Any, new: Any) -> bool:
        """Tell whether the bound is higher."""
        return bool(new > old)


class Between(Level):
    """Pass where the whole interval lies between, fail where all of it lies outside."""

    name = "between"
    value = tuple[float, ...]
    length = 2
    asks = "The whole confidence interval must lie between these two."
    guards = False
    sign = "in"

    def demand(self, value: Any) -> Demand:
        """Return both ends."""
        return Demand(bound=value[0], upper=value[1])

    def misuse(self, value: Any, margin: float | str | None, *, guarding: bool) -> Misuse | None:
        """Refuse ends in the wrong order, and slices that are held to both ends together."""
        if not value[0] < value[1]:
            found = f"between [{value[0]:g}, {value[1]:g}] holds no number"
            return Misuse(found, "The smaller number comes first.", self.name)
        if guarding:
            return Misuse(
                "between has two ends, and slices as a guard watch one",
                "Add require: every, or write at_least and at_most as two gates.",
                self.name,
            )
        return super().misuse(value, margin, guarding=guarding)

    def facing(self, found: Limits, demand: Demand) -> tuple[bool, float]:
        """Return the end that is nearer."""
        low, high = demand.bound or 0.0, demand.upper or 0.0
        upper = found.estimate is not None and abs(found.estimate - high) < abs(found.estimate - low)
        return (False, high) if upper else (True, low)

    def _decide(self, low: float, high: float, demand: Demand) -> Verdict:
        least, most = demand.bound or 0.0, demand.upper or 0.0
        if least <= low and high <= most:
            return Verdict.PASS
        return Verdict.FAIL if high < least or low > most else Verdict.INCONCLUSIVE

    def phrase(self, demand: Demand, margin: str) -> str:
        """Return ``between 0.1 and 0.2``."""
        return f"between {demand.bound:g} and {demand.upper:g}"

    def loosens(self, old: Any, new: Any) -> bool:
        """Tell whether the new range leaves the old one."""
        return not (old[0] <= new[0] and new[1] <= old[1])


class Difference(Operator):
    """A paired difference from a reference, of which more is better."""

    value = Reference
    compares = True
    better: ClassVar[bool]
    """By more than the margin, rather than worse by less."""
    sign = ">"

    def demand(self, value: Any) -> Demand:
        """Return the reference."""
        return Demand(reference=value)

    def contrast(self, margin: float | str | None, *, higher_is_better: bool) -> Contrast:
        """Return the quantity that must lie above its bound.

        A margin in percent is a share of the reference's value, or of its gain over the baseline, as one paired
        quantity.
        """
        if not isinstance(margin, str):
            least = margin or 0.0
            return Contrast(reference=-1.0, bound=least if self.better else -least)
        share = float(margin.partition("%")[0]) / 100
        kept = 1 + share if self.better else 1 - share
        if "gain" in margin:
            return Contrast(reference=-kept, baseline=kept - 1)
        # Of a loss, worse is more: the reference's value is scaled the other way.
        return Contrast(reference=-kept if higher_is_better else -(2 - kept))

    def decide(self, found: Limits, demand: Demand, bound: float = 0.0) -> Verdict:
        """Decide against the contrast's bound; a difference that lies at it is not better, and not worse."""
        if found.identical:
            return Verdict.FAIL if self.better else Verdict.PASS
        if found.low is None or found.high is None:
            return Verdict.INCONCLUSIVE
        if found.low > bound:
            return Verdict.PASS
        fails = found.high <= bound if self.better else found.high < bound
        return Verdict.FAIL if fails else Verdict.INCONCLUSIVE

    def loosens(self, old: Any, new: Any) -> bool:
        """Tell that another reference may let more through."""
        return bool(old != new)

    def margin_loosens(self, old: Any, new: Any) -> bool:
        """Tell whether a new margin lets more through; margins of two kinds cannot be compared, so that they do."""
        if isinstance(old, str) and isinstance(new, str):
            (was, of), (now, of_now) = (each.replace(" ", "").split("%") for each in (old, new))
            old, new = (float(was), float(now)) if of == of_now else (old, new)
        if not isinstance(old, int | float) or not isinstance(new, int | float):
            return True
        return bool(new < old if self.better else new > old)

    def misuse(self, value: Any, margin: float | str | None, *, guarding: bool) -> Misuse | None:
        """Refuse a gain of the baseline over itself."""
        if "of gain" in str(margin) and value == "baseline":
            found = "a gain is counted from the baseline, so the baseline itself has none"
            return Misuse(found, "Write a number in the metric's own unit.", "margin")
        return None


class NoWorseThan(Difference):
    """Pass where the difference lies above minus the margin, fail where it lies below; equal models pass."""

    name = "no_worse_than"
    asks = "Worse than this reference by less than the margin, with confidence."
    better = False

    def phrase(self, demand: Demand, margin: str) -> str:
        """Return ``no worse than champion, margin 0.01``."""
        return f"no worse than {demand.reference}, margin {margin}"

    def misuse(self, value: Any, margin: float | str | None, *, guarding: bool) -> Misuse | None:
        """Ask for a margin."""
        if margin is None:
            found = "no_worse_than needs a margin: how much worse is still acceptable, in the metric's own unit"
            return Misuse(found, "Example: margin: 0.005", self.name)
        return super().misuse(value, margin, guarding=guarding)


class BetterThan(Difference):
    """Pass where the difference lies above the margin, fail where below or at it; equal models fail."""

    name = "better_than"
    asks = "Better than this reference by more than the margin, with confidence."
    better = True

    def phrase(self, demand: Demand, margin: str) -> str:
        """Return ``better than champion by more than 0.01``."""
        return f"better than {demand.reference}" + (f" by more than {margin}" if margin not in ("", "0") else "")


OPERATORS: Catalogue[Operator] = Catalogue("operator", "config/unknown-operator")
for _operator in (AtLeast(), AtMost(), Between(), NoWorseThan(), BetterThan()):
    OPERATORS.register(_operator)
