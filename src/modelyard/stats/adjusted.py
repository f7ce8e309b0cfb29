"""Levels that are adjusted by a control variate: a column of each row whose mean is known from other rows too.

Where chance dealt harder rows to the test than elsewhere, by a column that tells hard from easy, their mean loss is too
high by about b·(C̄ₜ − C̄ₒ): taken away, what is left varies less (CUPED: Deng et al., WSDM 2013; the regression estimator
of surveys, Cochran 1977). It helps by what the other rows know: the variance falls by ρ²·N/(n + N), where ρ is the
correlation of loss and column, and N counts the other rows. Of n rows alone nothing more can be known: C̄ₒ is then C̄ₜ.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from modelyard.core.reasons import because
from modelyard.stats import clusters
from modelyard.stats.interval import Interval, z_value

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FOLDS = 10
"""Parts of the units, each of which is adjusted by a slope that the others gave."""


@dataclass(frozen=True)
class Control:
    """A control variate: its ``name``, ``values`` (n,) on the test rows, and its mean on other rows with its error."""

    name: str
    values: Floats
    mean: float
    error: float

    @classmethod
    def of(
        cls, name: str, values: Floats, others: Floats, unit: Ints | None = None, weight: Floats | None = None
    ) -> "Control":
        """Return one from the values of test rows and of others, whose units and weights are given."""
        under = np.ones(len(others)) if weight is None else weight
        codes, groups = clusters.dense(np.arange(len(others)) if unit is None else unit)
        known = clusters.of_ratio(others * under, under, codes, groups)
        return cls(name, values, known.estimate, known.error)


def adjusted(
    values: Floats, control: Control, plain: Interval, level: Callable[[Floats], Interval], *,
    unit: Ints | None = None, weight: Floats | None = None, seed: int = 0, confidence: float = 0.95,
) -> Interval:  # fmt: skip
    """Return the interval of a mean, adjusted where that makes it narrower at both ends, else the plain one.

    Args:
        values: (n,) what the mean is of.
        control: the control variate.
        plain: the interval without it.
        level: the interval of a mean of (n,) values.
        unit: (n,) codes of what is independent.
        weight: (n,) row weights.
        seed: of the folds.
        confidence: two-sided level.
    """
    if plain.estimate is None or plain.low is None or plain.high is None:
        return plain
    under = np.ones(len(values)) if weight is None else weight
    codes, groups = clusters.dense(np.arange(len(values)) if unit is None else unit)
    _, of_values = clusters.ratio_influence(values * under, under, codes, groups)
    _, of_control = clusters.ratio_influence(control.values * under, under, codes, groups)
    fold = np.random.default_rng(seed).permutation(groups) % min(FOLDS, groups)
    together, alone = (np.bincount(fold, weights=of_control * each) for each in (of_values, of_control))
    scale = groups / (groups - np.bincount(fold))
    spread = (alone.sum() - alone) * scale + control.error**2
    if not (spread > 0).all():
        return plain
    slopes = (together.sum() - together) * scale / spread
    found = level(values - slopes[fold][codes] * (control.values - control.mean))
    if found.estimate is None or found.low is None or found.high is None:
        return plain
    rest = z_value(confidence) * abs(float(slopes.mean())) * control.error
    below, above = math.hypot(found.estimate - found.low, rest), math.hypot(found.high - found.estimate, rest)
    before = plain.estimate - plain.low, plain.high - plain.estimate
    if below >= before[0] or above >= before[1]:
        return plain
    told = because("adjusted", column=control.name, narrower=1 - (below + above) / sum(before))
    return replace(found, low=found.estimate - below, high=found.estimate + above, method=(*found.method, told))
