"""A number with its confidence interval, or the reason why there is none."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtri, stdtrit

from modelyard.core.reasons import Reason, Value

MANY_DEGREES = 100
"""From here on degrees of freedom hardly move a limit."""


@dataclass(frozen=True)
class Interval:
    """An estimate with two-sided limits.

    ``n`` counts what is independent (units, or rows), ``n_rows`` rows. A method that ``refused`` has no limits.
    ``identical``: the models agree on every row; the only interval that may have width zero.
    """

    estimate: float | None
    low: float | None
    high: float | None
    method: tuple[Reason, ...]
    """How it was made, as codes; limits of several are the widest."""
    n: int
    n_rows: int
    refused: Reason | None = None
    approximate: bool = False
    identical: bool = False
    resamples: int = 0
    """Of a bootstrap."""
    effective: float | None = None
    """Units, or rows, of equal size that they are worth (Kish); None where each is worth one."""
    largest: float | None = None
    """The largest unit's share."""
    memory: float | None = None
    """Correlation of a unit with the one before, where units follow each other in time."""

    def scaled(self, factor: float, shift: float = 0.0) -> "Interval":
        """Return the interval of ``factor``·x + ``shift``; limits change places where the factor is negative."""
        if self.estimate is None:
            return self
        ends = None if self.low is None or self.high is None else sorted((self.low * factor, self.high * factor))
        return replace(
            self,
            estimate=self.estimate * factor + shift,
            low=None if ends is None else ends[0] + shift,
            high=None if ends is None else ends[1] + shift,
        )


def refuse(kind: str, *, n: int, n_rows: int, estimate: float | None = None, **values: Value) -> Interval:
    """Return no limits, and why."""
    return Interval(estimate, None, None, (), n, n_rows, refused=Reason(kind, values))


def widest(first: Interval, second: Interval) -> Interval:
    """Return the first interval, no narrower at either end than the second; where one refused, the other as it is."""
    if second.low is None or second.high is None:
        return first
    if first.low is None or first.high is None:
        return first
    return replace(first, low=min(first.low, second.low), high=max(first.high, second.high))


def hall(t: float, skew: float) -> float:
    """Return Hall's monotone transformation, turned around, of a studentised mean of this skewness (JRSS B 1992)."""
    return t if abs(skew) < 1e-9 else float(3 / skew * (np.cbrt(1 + skew * (t - skew / 6)) - 1))


def z_value(confidence: float) -> float:
    """Two-sided normal quantile: 1.960 at 0.95."""
    return float(ndtri(0.5 + confidence / 2))


def t_value(confidence: float, degrees: float) -> float:
    """Two-sided Student quantile."""
    return float(stdtrit(degrees, 0.5 + confidence / 2))
