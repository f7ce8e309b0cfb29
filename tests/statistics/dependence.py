"""Cases that do not flatter: crossed ROC curves, days that remember, units of unequal size, weights, joint margins."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from modelyard.evaluation.intervals import measure
from modelyard.evaluation.test_set import TestSet
from modelyard.metrics.catalogue import METRICS
from modelyard.metrics.predictions import Predictions
from modelyard.stats import estimate
from modelyard.stats.interval import Interval

Draw = np.random.Generator
One = Callable[[Draw, int], Interval]
PAIR = np.array([1.0, -1.0])


def dispersed(n: int, positives: float, spread: float, value: float = 0.8) -> One:
    """One AUC of scores whose positives vary ``spread`` times as much as the negatives, so that ROC curves cross."""
    shift = float(ndtri(value)) * math.sqrt(1 + spread**2)

    def one(draw: Draw, _: int) -> Interval:
        y = (draw.random(n) < positives).astype(np.int64)
        return estimate.level_auc(y, np.where(y == 1, shift + spread * draw.normal(size=n), draw.normal(size=n)))

    return one


def outlying(n: int, positives: float, share: float = 0.06, shift: float = 2.0) -> tuple[One, float]:
    """One AUC where a share of the positives lies below every negative, and its true value."""

    def one(draw: Draw, _: int) -> Interval:
        y = (draw.random(n) < positives).astype(np.int64)
        score = draw.normal(size=n) + shift * y
        return estimate.level_auc(y, np.where((y == 1) & (draw.random(n) < share), -9.0 + 0.1 * score, score))

    return one, (1 - share) * float(ndtr(shift / math.sqrt(2)))


def crossed(n: int, positives: float) -> tuple[One, float]:
    """A difference of two AUCs whose curves cross: the first has more dispersed positives."""
    shifts = (1.6, 1.0)

    def one(draw: Draw, _: int) -> Interval:
        y = (draw.random(n) < positives).astype(np.int64)
        shared = draw.normal(size=n)
        first = 0.7 * shared + 0.7 * draw.normal(size=n)
        second = 0.7 * shared + 0.7 * draw.normal(size=n)
        scores = np.array([np.where(y == 1, shifts[0] + 2 * first, first), second + shifts[1] * y])
        return estimate.contrast_auc(y, scores, PAIR, 0.0)

    size = math.sqrt(0.98)
    values = [float(ndtr(shifts[0] / (size * math.sqrt(5)))), float(ndtr(shifts[1] / (size * math.sqrt(2))))]
    return one, values[0] - values[1]


def shocks(draw: Draw, groups: int, memory: float) -> Any:
    """A stationary series of variance 1 that remembers its last value; (groups,)."""
    noise, found = draw.normal(size=groups), np.zeros(groups)
    found[0] = noise[0]
    for at in range(1, groups):
        found[at] = memory * found[at - 1] + math.sqrt(1 - memory**2) * noise[at]
    return found


def accuracy_over_days(memory: float, groups: int = 92, rows: int = 40, effect: float = 0.04, gap: float = 0.02) -> One:
    """The challenger is right less often by ``gap``, and by more or less on a day; days remember the one before."""
    unit = np.repeat(np.arange(groups), rows)

    def one(draw: Draw, _: int) -> Interval:
        moved, luck = effect * shocks(draw, groups, memory)[unit], draw.random(groups * rows)
        alike = draw.random(groups * rows) < 0.9
        first = np.where(alike, luck, draw.random(groups * rows)) < 0.8 - gap + moved
        second = luck < 0.8
        truth = np.ones(groups * rows, dtype=bool)
        return estimate.contrast_proportion(np.array([first, second]), truth, PAIR, 0.0, unit=unit, lags=7)

    return one


def auc_over_days(memory: float, groups: int = 92, rows: int = 40) -> tuple[One, float]:
    """Two AUCs; the challenger's positives are moved by a day's shock that remembers the day before."""
    unit, n = np.repeat(np.arange(groups), rows), groups * rows

    def one(draw: Draw, _: int) -> Interval:
        y = (draw.random(n) < 0.3).astype(np.int64)
        shared, own = draw.normal(size=n), draw.normal(size=(2, n))
        noise = math.sqrt(0.7) * shared + math.sqrt(0.3) * own
        moved = 0.3 * shocks(draw, groups, memory)[unit]
        scores = np.array([noise[0] + (1.2 + moved) * y, noise[1] + 1.2 * y])
        return estimate.contrast_auc(y, scores, PAIR, 0.0, unit=unit, lags=7)

    return one, float(ndtr(1.2 / math.sqrt(2.09))) - float(ndtr(1.2 / math.sqrt(2)))


def level_over_days(memory: float, groups: int = 92, rows: int = 40) -> One:
    """Accuracy of one model of 0.8."""
    unit = np.repeat(np.arange(groups), rows)

    def one(draw: Draw, _: int) -> Interval:
        right = draw.random(groups * rows) < 0.8 + 0.04 * shocks(draw, groups, memory)[unit]
        return estimate.level_proportion(right, np.ones(groups * rows, dtype=bool), unit=unit, lags=7)

    return one


def sizes_of(draw: Draw, units: int, kind: str, rows: int) -> Any:
    """Rows of each unit: ``equal``, ``lognormal`` (σ 1.2), or ``half``: the first has as many as all others."""
    if kind == "equal":
        return np.full(units, max(rows // units, 1))
    if kind == "half":
        return np.concatenate([[rows // 2], np.full(units - 1, max(rows // 2 // (units - 1), 1))])
    drawn = draw.lognormal(sigma=1.2, size=units)
    return np.maximum((drawn / drawn.sum() * rows).astype(int), 1)


def stores(what: str, units: int, kind: str, rows: int = 2_000, effect: float = 0.06) -> One:
    """Rows of a store share how often the model is right there, or by how much its scores are moved."""

    def one(draw: Draw, at: int) -> Interval:
        unit = np.repeat(np.arange(units), sizes_of(draw, units, kind, rows))
        n, moved = len(unit), draw.normal(size=units)[unit]
        truth = np.ones(n, dtype=bool)
        if what == "level":
            return estimate.level_proportion(draw.random(n) < 0.8 + effect * moved, truth, unit=unit)
        if what == "difference":
            right = np.array([draw.random(n) < 0.78 + effect * moved, draw.random(n) < 0.8])
            return estimate.contrast_proportion(right, truth, PAIR, 0.0, unit=unit)
        if what == "mean":
            return estimate.contrast_mean(
                np.array([draw.normal(size=n) + moved, np.zeros(n)]), PAIR, 0.0, unit=unit, seed=at
            )
        y = (draw.random(n) < 0.3).astype(np.int64)
        noise = draw.normal(size=(2, n))
        if what == "AUC":
            return estimate.level_auc(y, noise[0] + (1.2 + 0.4 * moved) * y, unit=unit)
        scores = np.array([noise[0] + (1.2 + 0.4 * moved) * y, noise[1] + 1.2 * y])
        return estimate.contrast_auc(y, scores, PAIR, 0.0, unit=unit)

    return one


STORES = {"level": 0.8, "difference": -0.02, "mean": 0.0, "AUC": float(ndtr(1.2 / math.sqrt(2.16))),
          "difference of AUCs": float(ndtr(1.2 / math.sqrt(2.16))) - float(ndtr(1.2 / math.sqrt(2)))}  # fmt: skip


def weighted(what: str, n: int, sigma: float) -> One:
    """Lognormal weights that go with how often a model is right: the heavy rows are the hard ones."""

    def one(draw: Draw, at: int) -> Interval:
        normal = draw.normal(size=n)
        weight = np.exp(sigma * normal)
        # Tilted by the weight a row's normal has mean sigma: the weighted share is Φ((0.9 − 0.4·σ)/√1.16).
        right = draw.normal(size=n) < 0.9 - 0.4 * normal
        truth = np.ones(n, dtype=bool)
        if what == "level":
            return estimate.level_proportion(right, truth, weight=weight)
        if what == "mean":
            return estimate.level_mean(draw.exponential(size=n) * (1 + 0.3 * np.tanh(normal)), weight=weight, seed=at)
        second = draw.normal(size=n) < 0.9 - 0.4 * normal
        return estimate.contrast_proportion(np.array([right, second]), truth, PAIR, 0.0, weight=weight)

    return one


def weighted_truth(what: str, sigma: float) -> float:
    """What the weighted quantity truly is."""
    level = float(ndtr((0.9 - 0.4 * sigma) / math.sqrt(1.16)))
    at, mass = np.polynomial.hermite_e.hermegauss(80)
    mean = 1 + 0.3 * float((mass * np.tanh(at + sigma)).sum() / mass.sum())
    return {"level": level, "mean": mean, "difference": 0.0}[what]


def relative(n: int, share: float, champion: float = 0.6, agree: float = 0.5) -> One:
    """Accuracy exactly ``1 − share`` of the champion's, as one contrast; the models often agree."""
    challenger = champion * (1 - share)

    def one(draw: Draw, _: int) -> Interval:
        luck, alike = draw.random(n), draw.random(n) < agree
        right = np.array([np.where(alike, luck, draw.random(n)) < challenger, luck < champion])
        return estimate.contrast_proportion(right, np.ones(n, dtype=bool), np.array([1.0, share - 1.0]), 0.0)

    return one


def half_of_gain(n: int, agree: float = 0.5) -> One:
    """Accuracy with exactly half of the champion's gain over a constant baseline."""
    champion, baseline = 0.8, 0.5

    def one(draw: Draw, _: int) -> Interval:
        y = draw.random(n) < baseline
        luck, alike = draw.random(n), draw.random(n) < agree
        right = np.array([np.where(alike, luck, draw.random(n)) < (champion + baseline) / 2, luck < champion, y])
        return estimate.contrast_proportion(right, np.ones(n, dtype=bool), np.array([1.0, -0.5, -0.5]), 0.0)

    return one


def catastrophes(n: int) -> One:
    """A difference of absolute errors where one row in a hundred of the challenger's is 40 times as wrong."""

    def one(draw: Draw, at: int) -> Interval:
        first = draw.exponential(size=n) * np.where(draw.random(n) < 0.01, 40.0, 1.0)
        return estimate.contrast_mean(np.array([first, draw.exponential(size=n)]), PAIR, 0.0, seed=at)

    return one


def r2(n: int, degrees: float = 5.0) -> One:
    """R² of 0.5 whose errors have Student's ``degrees``."""

    def one(draw: Draw, at: int) -> Interval:
        y = draw.normal(size=n)
        errors = draw.standard_t(degrees, n) / math.sqrt(degrees / (degrees - 2)) * math.sqrt(0.5)
        truth = TestSet(y, None, "row", False, None, seed=at, confidence=0.95)
        return measure.level(METRICS.get("r2"), truth, Predictions(value=y + errors))

    return one


def joint(one: tuple[One, float]) -> dict[str, Any]:
    """The fields of a case from a generator that knows its truth."""
    return {"one": one[0], "truth": one[1]}
