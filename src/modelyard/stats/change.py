"""Whether a mean has left its good side of a bound at some time, looked at again and again.

    state = begin(0, 1, bound=0.8)               # alarm once the mean is below 0.8 for certain
    state = look(state, values_of_monday)        # save it, and go on the next day
    fell(state)

At each look somebody starts to bet that from now on the mean is below the bound; the j-th has a share 1/(j(j+1)) of the
capital, so that all of it is given out once. Each bets a fixed stake λ on each value x, of which the wealth
Π (1 + λ·(bound − x)) is at most a fair game's as long as each mean, given all before it, is at the bound or above. The
sum of all wealth then ever reaches 1/α in one of 1/α runs at most (Ville), however many looks there are, and whenever
they come: an e-detector (Shin, Ramdas & Rinaldo, NEJSDS 2024) with a bound on false alarms of the whole life. A fall
after a long good time is seen about as fast as one at the start, which an interval of the mean of all values is not.
Eight stakes share the capital, since the size of a fall is not known. What was won beyond 20 times what an alarm needs
is given away, so that an alarm ends soon after the fall does.
"""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from modelyard.core.errors import DataError

STAKES = tuple(0.75 / 2**at for at in range(8))
"""Shares of the capital that one value may cost."""
_KEPT = math.log(20.0)


@dataclass(frozen=True)
class Detector:
    """All that has to be kept between two looks.

    Attributes:
        lowest: the least that a value can be.
        highest: the most.
        bound: between them.
        above: values above the bound are the bad ones.
        alpha: chance of an alarm, ever, of a mean that never leaves its good side.
        effect: how many times more than independent ones the values vary together; the logs of wealth are divided by
            it.
        wealth: log of each stake's.
        looks: so far.
        run: log of the wealth of the bets since ``since``, of the stake that won most.
        since: the look at which what is seen now began: the bets before it had lost.
        total: sum of the values since then.
        count: of them.
    """

    lowest: float
    highest: float
    bound: float
    above: bool
    alpha: float
    effect: float
    wealth: tuple[float, ...]
    looks: int = 0
    run: tuple[float, ...] = (0.0,) * len(STAKES)
    since: int = 0
    total: float = 0.0
    count: int = 0

    def as_data(self) -> dict[str, Any]:
        """Return the state as JSON has it."""
        return asdict(self) | {"wealth": [None if each == -math.inf else each for each in self.wealth]}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "Detector":
        """Return a state that was saved.

        Raises:
            DataError: other fields, or another form.
        """
        found = None
        with suppress(TypeError, ValueError, KeyError):
            logs = tuple(-math.inf if each is None else float(each) for each in data["wealth"])
            read = cls(**{**data, "wealth": logs, "run": tuple(map(float, data["run"]))})
            found = read if _sound(read) else None
        if found is None:
            raise DataError(
                f"no state of a detector: {', '.join(sorted(map(str, data)))[:200]}",
                code="data/no-detector",
                hint=f"It has {', '.join(each.name for each in fields(cls))}, as Detector.as_data gives them.",
            )
        return found


def begin(
    lowest: float, highest: float, bound: float, *, above: bool = False, alpha: float = 0.025, effect: float = 1.0
) -> Detector:
    """Return a detector without values; a bound outside of what values can be is moved to the nearer end.

    Args:
        lowest: the least that a value can be.
        highest: the most.
        bound: what the mean is held to.
        above: a mean above the bound is what is looked for, rather than one below.
        alpha: chance of a false alarm, ever.
        effect: how many times more than independent ones the values vary together.

    Raises:
        DataError: limits that are none.
    """
    if not (all(map(math.isfinite, (lowest, highest, bound))) and lowest < highest and 0 < alpha < 1 and effect >= 1):
        raise DataError(
            f"a detector of values from {lowest:g} to {highest:g}, bound {bound:g}, alpha {alpha:g}, effect {effect:g}",
            code="data/bad-detector",
            hint="Name the least and the most that a value can be, and a bound between them.",
        )
    wealth = (-math.inf,) * len(STAKES)
    return Detector(lowest, highest, min(max(bound, lowest), highest), above, alpha, effect, wealth)


def look(state: Detector, values: ArrayLike) -> Detector:
    """Return the detector with the values of one look, each a value of its own; without any it stays as it is.

    Raises:
        DataError: values outside the limits, or none.
    """
    given = np.asarray(values, dtype=np.float64)
    span = state.highest - state.lowest
    if given.ndim != 1 or not ((given >= state.lowest - 1e-9 * span) & (given <= state.highest + 1e-9 * span)).all():
        raise DataError(
            f"values of a detector lie between {state.lowest:g} and {state.highest:g}",
            code="data/outside-limits",
            hint="Begin with limits that hold for every value, and leave out missing ones.",
        )
    if len(given) == 0:
        return state
    at = state.looks + 1
    growth = _growth(np.clip((given - state.lowest) / span, 0, 1), state)
    share = -math.log(at * (at + 1))
    wealth = np.logaddexp(np.array(state.wealth), share) + growth
    wealth -= max(_mean(wealth) + math.log(state.alpha) - _KEPT, 0.0)
    run = np.array(state.run) + growth
    since, total, count = state.since, state.total + float(given.sum()), state.count + len(given)
    if state.count == 0 or max(state.run) <= 0:
        run, since, total, count = growth, at, float(given.sum()), len(given)
    return replace(
        state,
        wealth=tuple(wealth.tolist()),
        looks=at,
        run=tuple(run.tolist()),
        since=since,
        total=total,
        count=count,
    )


def fell(state: Detector) -> bool:
    """Tell whether the mean has left its good side for certain, and has not come back yet."""
    return _mean(np.array(state.wealth)) >= -math.log(state.alpha)


def _mean(wealth: NDArray[np.float64]) -> float:
    """Return the log of the mean wealth of all stakes."""
    return float(np.logaddexp.reduce(wealth)) - math.log(len(STAKES))


def _growth(scaled: NDArray[np.float64], state: Detector) -> NDArray[np.float64]:
    """Return by how much the log of each stake's wealth grows."""
    bound = (state.bound - state.lowest) / (state.highest - state.lowest)
    values, bound = (1 - scaled, 1 - bound) if state.above else (scaled, bound)
    at_most = max(1 - bound, 1e-9)  # the most that one value can lie above the bound
    found = [float(np.log1p(stake / at_most * (bound - values)).sum()) for stake in STAKES]
    return np.array(found) / state.effect


def _sound(state: Detector) -> bool:
    numbers = (state.lowest, state.highest, state.bound, state.total, *state.run)
    lengths = len(state.wealth) == len(state.run) == len(STAKES)
    limits = state.lowest < state.highest and 0 < state.alpha < 1 and state.effect >= 1
    return lengths and limits and all(map(math.isfinite, numbers)) and not any(map(math.isnan, state.wealth))
