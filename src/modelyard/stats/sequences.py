"""Confidence sequences: intervals of a mean that hold at every look, for whoever looks again and again.

    state = start(0, 1)
    state = update(state, losses_of_monday)      # save it, and go on the next day
    look = interval(state)                       # look.low, look.high

The chance that the mean lies outside at any look, however many there are and whenever they come, is at most 5 %: 2.5 %
for each end. An interval of fixed n promises that for one look alone. Values must be bounded, and each must have the
same mean given all before it: rows, or whole units, that are independent. Days that remember the day before are not.

Against each mean m somebody bets: the wealth Π (1 + λᵢ·(xᵢ − m)), where λᵢ depends on earlier values alone, is that of
a fair game if m is the mean, so that it ever reaches 2/α with a chance of α/2 (Ville). Means against which as much was
won are left out: from below by bets on more, from above by bets on less (Waudby-Smith & Ramdas, JRSS B 2023, whose
hedged capital this is). A third of the capital each is bet as would be best at 50, at 1,000 and at 20,000 values; after
that the last bet shrinks as the values become more. Where one third alone wins, that costs log 3, and against the
paper's own bets, which shrink from the first value on, the interval is about a quarter narrower at 1,000 values and a
third at 10,000.

Nothing but sums over a grid of means is kept, so a state is small. Within a cell of the grid each bet is the same, so
that the log of each third's wealth is concave in m: the chord between the cell's ends lies below it, and a limit read
from chords is never too narrow.
"""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from modelyard.core.errors import DataError

Floats = NDArray[np.float64]
Wealth = tuple[tuple[tuple[float, ...], ...], ...]
"""Logs of wealth: at a cell's lower and upper end, of each third, in each cell."""

HORIZONS = (50.0, 1_000.0, 20_000.0)
"""Values at which each third of the capital bets best."""
CELLS = 60
MOST = 0.75
"""Of the capital that one value may cost."""
_CHUNK = 2_048


@dataclass(frozen=True)
class State:
    """All that has to be kept between two looks; every field is a number, a text, or a tuple of them.

    Attributes:
        lowest: the least that a value can be.
        highest: the most.
        confidence: of all looks together.
        edges: the grid of means, on the scale from 0 to 1.
        below: wealth of bets that the mean is more.
        above: wealth of bets that it is less.
        values: how many have come.
        units: how many units they were; of values without a unit as many.
        total: sum of the units' means, on the scale from 0 to 1.
        squares: sum of their squared distances from the mean before.
        low: the lower limit so far.
        high: the upper one.
        last_unit: the last unit, whose rows must not go on in the next update.
        effect: how many times more than independent ones the values vary together.
    """

    lowest: float
    highest: float
    confidence: float
    edges: tuple[float, ...]
    below: Wealth
    above: Wealth
    values: int
    units: int
    total: float
    squares: float
    low: float
    high: float
    last_unit: str = ""
    effect: float = 1.0

    def as_data(self) -> dict[str, Any]:
        """Return the state as JSON has it."""
        return asdict(self)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "State":
        """Return a state that was saved.

        Raises:
            DataError: other fields, or another form.
        """
        found = None
        with suppress(TypeError, ValueError):
            read = cls(**{name: _frozen(value) for name, value in data.items()})
            found = read if _sound(read) else None
        if found is None:
            raise DataError(
                f"no state of a confidence sequence: {', '.join(sorted(map(str, data)))[:200]}",
                code="data/no-sequence",
                hint=f"It has {', '.join(each.name for each in fields(cls))}, as State.as_data gives them.",
            )
        return found


@dataclass(frozen=True)
class Look:
    """An interval of the mean at one look.

    Attributes:
        n: values so far.
        units: units so far.
        mean: of the units' means; None before any.
        low: lower limit.
        high: upper limit.
        moved: no mean fits all values, so that it has moved; then ``low`` lies above ``high``.
    """

    n: int
    units: int
    mean: float | None
    low: float
    high: float
    moved: bool


def start(
    lowest: float, highest: float, *, confidence: float = 0.95, around: float | None = None, effect: float = 1.0
) -> State:
    """Return a sequence without values.

    Args:
        lowest: the least that a value can be; 0 for 0-1 losses, −1 for their paired differences.
        highest: the most.
        confidence: that the mean lies within at all looks; half of the rest for each end.
        around: where the mean is expected, so that the grid is fine there: 0 for paired differences.
        effect: how many times more than independent ones the values vary together: (1 + ρ)/(1 − ρ) where each resembles
            the one before by ρ. The logs of wealth are divided by it, which is right for many values, and no promise.

    Raises:
        DataError: bounds that are none, or a confidence that is none.
    """
    if not (
        math.isfinite(lowest) and math.isfinite(highest) and lowest < highest and 0 < confidence < 1 and effect >= 1
    ):
        raise DataError(
            f"a sequence of values from {lowest:g} to {highest:g} at confidence {confidence:g}",
            code="data/bad-bounds",
            hint="Name the least and the most that a value can be, and a confidence such as 0.95.",
        )
    if around is None:
        edges = np.sin(np.linspace(0, math.pi / 2, CELLS + 1)) ** 2
    else:
        centre = min(max((around - lowest) / (highest - lowest), 0.0), 1.0)
        steps = np.linspace(-1, 1, CELLS + 1)
        edges = centre + np.sign(steps) * np.abs(steps) ** 2.5 * np.where(steps < 0, centre, 1 - centre)
        edges = np.unique(np.clip(edges, 0, 1))
    edges[0], edges[-1] = 0.0, 1.0
    nothing = _frozen(np.zeros((2, len(HORIZONS), len(edges) - 1)).tolist())
    return State(
        lowest=float(lowest), highest=float(highest), confidence=confidence, edges=tuple(edges.tolist()),
        below=nothing, above=nothing, values=0, units=0, total=0.0, squares=0.0, low=float(lowest), high=float(highest),
        effect=effect,
    )  # fmt: skip


def update(state: State, values: ArrayLike, unit: ArrayLike | None = None) -> State:
    """Return the sequence with more values: one look.

    Args:
        state: what ``start`` or the last update gave.
        values: (n,) in the order in which they came.
        unit: (n,) what is independent, such as the day of each row; whole units, each of which counts as the mean of
            its values. The sequence is then about the mean of such means.

    Raises:
        DataError: values outside the bounds or none, or rows of the unit that came last.
    """
    given = np.asarray(values, dtype=np.float64)
    span = state.highest - state.lowest
    slack = 1e-9 * span
    outside = ~((given >= state.lowest - slack) & (given <= state.highest + slack))
    if given.ndim != 1 or outside.any():
        found = f"{given.ndim} dimensions" if given.ndim != 1 else f"{given[outside][0]:g}, of {outside.sum():,} such"
        raise DataError(
            f"values of a sequence lie between {state.lowest:g} and {state.highest:g}; found {found}",
            code="data/outside-bounds",
            hint="Start the sequence with bounds that hold for every value, and leave out missing ones.",
        )
    if len(given) == 0:
        return state
    scaled = np.clip((given - state.lowest) / span, 0.0, 1.0)
    last = ""
    if unit is not None:
        scaled, last = _means(scaled, np.asarray(unit), state.last_unit)
    bets, total, squares = _bets(scaled, state)
    edges = np.array(state.edges)
    below = np.array(state.below) + _growth(scaled, bets, edges) / state.effect
    above = np.array(state.above) + _growth(1 - scaled, bets, (1 - edges)[::-1]) / state.effect
    least, most = _limit(below, edges, state.confidence), 1 - _limit(above, (1 - edges)[::-1], state.confidence)
    return replace(
        state,
        below=_frozen(below.tolist()),
        above=_frozen(above.tolist()),
        values=state.values + len(given),
        units=state.units + len(scaled),
        total=total,
        squares=squares,
        low=max(state.low, state.lowest + span * least),
        high=min(state.high, state.lowest + span * most),
        last_unit=last,
    )


def interval(state: State) -> Look:
    """Return the interval that all looks so far leave."""
    mean = None if state.units == 0 else state.lowest + (state.highest - state.lowest) * state.total / state.units
    return Look(state.values, state.units, mean, state.low, state.high, moved=state.low > state.high)


@dataclass(frozen=True)
class Areas:
    """AUCs of small blocks of rows, whose mean is the AUC of all rows.

    Attributes:
        values: (k, b) the AUC of each model in each block, between 0 and 1.
        unit: (b,) the blocks' units; None without units.
        left_out: units without rows of both classes.
    """

    values: Floats
    unit: NDArray[Any] | None
    left_out: int


def auc_blocks(
    y: ArrayLike, scores: ArrayLike, *, unit: ArrayLike | None = None, size: int = 1, seed: int = 0
) -> Areas:
    """Return AUCs of blocks of rows, for a sequence: of one model from 0 to 1, or the differences of two from −1 to 1.

    Rows are dealt at random into blocks with ``size`` rows of the rarer class, and as many times more of the other as
    there are; the AUC of any block has the AUC of all rows as its mean. Larger blocks lose less of what the rows know,
    and give fewer values to bet on: one row a block is best up to some thousand rows of the rarer class, three are
    better from there on.

    Args:
        y: (n,) 1 for the positive class, else 0.
        scores: (n,) of one model, or (k, n) of several on the same blocks.
        unit: (n,) what is independent; then each unit is one block, and the mean that of AUCs within units.
        size: rows of the rarer class in a block.
        seed: of the deal; from what is fixed before the rows are seen, such as their digest.
    """
    codes, table = np.asarray(y), np.atleast_2d(np.asarray(scores, dtype=np.float64))
    if unit is None:
        return Areas(_dealt(codes == 1, table, size, seed), None, 0)
    names, of_row = np.unique(np.asarray(unit), return_inverse=True)
    parts = [np.flatnonzero(of_row == at) for at in range(len(names))]
    both = np.array([0 < int((codes[rows] == 1).sum()) < len(rows) for rows in parts], dtype=bool)
    kept = [rows for rows, able in zip(parts, both, strict=True) if able]
    values = np.array([[_area(codes[rows] == 1, score[rows]) for rows in kept] for score in table])
    return Areas(values.reshape(len(table), len(kept)), names[both], int((~both).sum()))


def _area(positive: NDArray[np.bool_], score: Floats) -> float:
    ordered = np.sort(score[~positive])
    below, up_to = (np.searchsorted(ordered, score[positive], side) for side in ("left", "right"))
    return float((below + up_to).mean()) / (2 * len(ordered))


def _dealt(positive: NDArray[np.bool_], table: Floats, size: int, seed: int) -> Floats:
    """Return the AUC of each model in each of the blocks to which rows are dealt (k, blocks)."""
    draw = np.random.default_rng(seed)
    sides = [draw.permutation(np.flatnonzero(positive == side)) for side in (True, False)]
    rare, common = sorted(sides, key=len)
    if len(rare) == 0:
        return np.zeros((len(table), 0))
    count = max(len(rare) // size, 1)
    of_common, of_rare = np.arange(len(common)) % count, np.arange(len(rare)) % count
    won = np.zeros((len(table), count))
    for begin in range(0, len(rare), count):  # each block's first row of the rarer class, then its second, and so on
        row = np.full(count, -1)
        row[of_rare[begin : begin + count]] = rare[begin : begin + count]
        there = row[of_common] >= 0
        for at, score in enumerate(table):
            ahead = np.sign(score[row[of_common]] - score[common]) * there
            won[at] += np.bincount(of_common, weights=ahead, minlength=count)
    pairs = np.bincount(of_common, minlength=count) * np.bincount(of_rare, minlength=count)
    turned = 1 if rare is sides[0] else -1
    return np.asarray((1 + turned * won / pairs) / 2, dtype=np.float64)


def _sound(state: State) -> bool:
    """Tell whether what was read can be gone on with."""
    numbers = (state.lowest, state.highest, state.total, state.squares, state.low, state.high, *state.edges)
    cells = (2, len(HORIZONS), len(state.edges) - 1)
    wealth = all(np.shape(each) == cells and bool(np.isfinite(each).all()) for each in (state.below, state.above))
    rising = bool((np.diff(state.edges) > 0).all()) and (state.edges[0], state.edges[-1]) == (0.0, 1.0)
    counted = 0 <= state.units <= state.values and 0 < state.confidence < 1 and state.lowest < state.highest
    counted = counted and state.effect >= 1
    return wealth and rising and counted and all(math.isfinite(each) for each in numbers)


def _means(values: Floats, unit: NDArray[Any], last: str) -> tuple[Floats, str]:
    """Return the mean of each unit, in the order in which they came, and the last one's name."""
    names, first, codes = np.unique(unit, return_index=True, return_inverse=True)
    if last and last in {str(name) for name in names}:
        raise DataError(
            f"the unit {last[:60]!r} goes on in another look",
            code="data/unit-goes-on",
            hint="Look after whole units: hold back the rows of a unit until it is complete.",
        )
    means = np.bincount(codes, weights=values) / np.bincount(codes)
    order = np.argsort(first, kind="stable")
    return means[order], str(unit[-1])


def _bets(values: Floats, state: State) -> tuple[Floats, float, float]:
    """Return each third's bet on each value (thirds, n), from earlier values alone, and the new sums."""
    at = state.units + np.arange(1, len(values) + 1)
    sums = state.total + np.cumsum(values)
    means = (0.5 + sums) / (at + 1)
    squares = state.squares + np.cumsum((values - means) ** 2)
    before = np.concatenate(([0.25 + state.squares], 0.25 + squares[:-1])) / at
    needed = (math.log(2 / (1 - state.confidence)) + math.log(len(HORIZONS))) * state.effect
    horizons = np.repeat(np.array(HORIZONS)[:, None], len(values), axis=1)
    horizons[-1] = np.maximum(horizons[-1], at)
    return np.sqrt(2 * needed / (before * horizons)), float(sums[-1]), float(squares[-1])


def _growth(values: Floats, bets: Floats, edges: Floats) -> Floats:
    """Return by how much the logs of wealth grow at both ends of each cell (2, thirds, cells)."""
    low, high = edges[:-1], edges[1:]
    found = np.zeros((2, len(bets), len(low)))
    for begin in range(0, len(values), _CHUNK):
        some = values[begin : begin + _CHUNK, None]
        for third, bet in enumerate(bets):
            staked = np.minimum(bet[begin : begin + _CHUNK, None], MOST / high)
            for end, mean in enumerate((low, high)):
                found[end, third] += np.log1p(staked * (some - mean)).sum(axis=0)
    return found


def _limit(wealth: Floats, edges: Floats, confidence: float) -> float:
    """Return the least mean against which too little was won to leave it out."""
    enough = math.log(2 / (1 - confidence)) + math.log(len(HORIZONS))

    def won(logs: Floats) -> bool:
        return bool(np.logaddexp.reduce(logs) >= enough)

    open_cells = [cell for cell in range(len(edges) - 1) if not won(wealth[1, :, cell])]
    if not open_cells:
        return 1.0
    cell = open_cells[0]
    begin, end = wealth[0, :, cell], wealth[1, :, cell]
    if not won(begin):
        return float(edges[cell])
    least, most = 0.0, 1.0
    for _ in range(40):
        middle = (least + most) / 2
        least, most = (middle, most) if won(begin + middle * (end - begin)) else (least, middle)
    return float(edges[cell] + least * (edges[cell + 1] - edges[cell]))


def _frozen(value: Any) -> Any:
    return tuple(_frozen(each) for each in value) if isinstance(value, list | tuple) else value
