"""Confidence sequences under simulation: how often the truth is ever left out, and how wide they are."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr
from scipy.stats import norm

from modelyard.stats import sequences

Draw = np.random.Generator
AREA = float(ndtr(1.2 / math.sqrt(2)))


@dataclass(frozen=True)
class Stream:
    """Values of which the mean is known: ``draw(draw, n)`` gives n of them between ``lowest`` and ``highest``."""

    name: str
    draw: Callable[[Draw, int], Any]
    mean: float
    lowest: float = 0.0
    highest: float = 1.0
    limit: bool = False
    """Known not to hold."""


def _brier(draw: Draw, n: int) -> Any:
    """Brier scores' differences of two models that are equally far off."""
    truth = draw.random(n) < 0.3
    first, second = (np.clip(0.3 + 0.4 * (truth - 0.3) + 0.2 * draw.normal(size=n), 0, 1) for _ in range(2))
    return (first - truth) ** 2 - (second - truth) ** 2


def _day_means(memory: float) -> Callable[[Draw, int], Any]:
    """Days of 20 rows of which some share of about a fifth is wrong; each remembers the day before."""

    def days(draw: Draw, n: int) -> Any:
        shock, last = np.zeros(n), draw.normal()
        noise = draw.normal(size=n)
        for day in range(n):
            last = memory * last + math.sqrt(1 - memory**2) * noise[day]
            shock[day] = last
        return draw.binomial(20, ndtr(-0.9 + 0.3 * shock)) / 20

    return days


def _areas(models: int) -> Callable[[Draw, int], Any]:
    def areas(draw: Draw, n: int) -> Any:
        y = (np.arange(4 * n) % 4 == 0).astype(np.int64)
        scores = draw.normal(size=(models, 4 * n)) + 1.2 * y
        found = sequences.auc_blocks(y, scores, seed=int(draw.integers(1 << 30))).values
        return found[0] if models == 1 else found[0] - found[1]

    return areas


STREAMS = (
    Stream("0-1 losses, 0.5", lambda draw, n: (draw.random(n) < 0.5).astype(float), 0.5),
    Stream("0-1 losses, 0.02", lambda draw, n: (draw.random(n) < 0.02).astype(float), 0.02),
    Stream("0-1 losses, 0.002", lambda draw, n: (draw.random(n) < 0.002).astype(float), 0.002),
    Stream("beta(2, 5) losses", lambda draw, n: draw.beta(2, 5, n), 2 / 7),
    Stream("losses of 0.01, and 1 in one of 100", lambda draw, n: np.where(draw.random(n) < 0.01, 1.0, 0.01), 0.0199),
    Stream("means of days with a shock each", _day_means(0.0), float(norm.cdf(-0.9 / math.sqrt(1.09)))),
    Stream("differences of 0-1 losses, 5% disagree",
           lambda draw, n: draw.choice([-1.0, 0.0, 1.0], n, p=[0.025, 0.95, 0.025]), 0.0, -1.0),
    Stream("differences of Brier scores", _brier, 0.0, -1.0),
    Stream("AUC, a positive and three negatives each", _areas(1), AREA),
    Stream("differences of AUC", _areas(2), 0.0, -1.0),
    Stream("means of days that remember the day before (0.5)", _day_means(0.5),
           float(norm.cdf(-0.9 / math.sqrt(1.09))), limit=True),
)  # fmt: skip


def missed(stream: Stream, values: Any, looks: int) -> tuple[bool, bool]:
    """Whether the bets against the truth itself ever win enough: that the mean is more, and that it is less.

    The limits read from chords leave out no more than this.
    """
    scaled = (values - stream.lowest) / (stream.highest - stream.lowest)
    mean = (stream.mean - stream.lowest) / (stream.highest - stream.lowest)
    state = sequences.start(stream.lowest, stream.highest, around=None if stream.lowest == 0 else 0.0)
    bets, _, _ = sequences._bets(scaled, state)
    enough = math.log(2 / 0.05) + math.log(len(bets))
    edges, ends, found = np.array(state.edges), np.arange(looks, len(values) + 1, looks) - 1, []
    for some, truth, grid in ((scaled, mean, edges), (1 - scaled, 1 - mean, (1 - edges)[::-1])):
        high = grid[np.searchsorted(grid, truth, "left")] if truth > 0 else grid[1]
        staked = np.minimum(bets, sequences.MOST / high)
        wealth = np.cumsum(np.log1p(staked * (some - truth)), axis=1)[:, ends]
        found.append(bool((np.logaddexp.reduce(wealth, axis=0) >= enough).any()))
    return found[0], found[1]


def coverage(stream: Stream, runs: int, n: int, looks: int, seed: int = 1) -> tuple[float, float]:
    """Share of runs whose interval lies wholly above, and wholly below the truth at any of so many looks."""
    draw = np.random.default_rng(seed)
    found = [missed(stream, stream.draw(draw, n), n // looks) for _ in range(runs)]
    return float(np.mean([above for above, _ in found])), float(np.mean([below for _, below in found]))


def widths(stream: Stream, sizes: tuple[int, ...], runs: int, seed: int = 1) -> list[tuple[float, float]]:
    """Mean width at each size, and that over the width of Student's interval there."""
    draw, found = np.random.default_rng(seed), np.zeros((runs, len(sizes), 2))
    for run in range(runs):
        values = stream.draw(draw, max(sizes))
        state = sequences.start(stream.lowest, stream.highest, around=None if stream.lowest == 0 else 0.0)
        at = 0
        for column, size in enumerate(sizes):
            state, at = sequences.update(state, values[at:size]), size
            look = sequences.interval(state)
            plain = 2 * 1.96 * float(values[:size].std(ddof=1)) / math.sqrt(size)
            found[run, column] = look.high - look.low, plain
    means = found.mean(axis=0)
    return [(float(width), float(width / plain)) for width, plain in means]
