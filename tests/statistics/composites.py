"""Cases of metrics by name, judged as a gate judges them: made of proportions, of errors, of rankings, with weights."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.special import ndtr

from modelyard.evaluation.intervals import measure
from modelyard.evaluation.intervals.strategy import Combination
from modelyard.evaluation.test_set import TestSet
from modelyard.metrics.catalogue import METRICS
from modelyard.metrics.predictions import Predictions
from modelyard.stats.interval import Interval

Draw = np.random.Generator
AGAINST = (1.0, -1.0)
HALF_NORMAL_MEDIAN = 0.6744897501960817


def truth_of(y: Any, seed: int = 1, unit: Any = None, weight: Any = None) -> TestSet:
    """Test rows."""
    return TestSet(y, unit, "row" if unit is None else "day", False, weight, seed=seed, confidence=0.95)


def labels(draw: Draw, n: int, positives: float, rates: Sequence[tuple[float, float]], alike: float) -> Any:
    """Truth, and a model for each (true positive, false positive) rate; a share ``alike`` of rows is called as one."""
    y = (draw.random(n) < positives).astype(np.int64)
    shared, one = draw.random(n), draw.random(n) < alike
    models = []
    for hit, false in rates:
        chance = np.where(one, shared, draw.random(n))
        models.append(Predictions(2, (chance < np.where(y == 1, hit, false)).astype(np.int64)))
    return y, models


def value_of(name: str, p: float, hit: float, false: float) -> float:
    """The metric that a model of these rates truly has."""
    called = p * hit + (1 - p) * false
    return {
        "precision": p * hit / called,
        "f1": 2 * p * hit / (p + called),
        "balanced_accuracy": (hit + 1 - false) / 2,
    }[name]


def one_label(name: str, n: int, p: float, rates: tuple[float, float]) -> Callable[[Draw, int], Interval]:
    """A label metric of one model."""

    def draw_one(draw: Draw, at: int) -> Interval:
        y, (model,) = labels(draw, n, p, [rates], 1.0)
        return measure.level(METRICS.get(name), truth_of(y, at), model)

    return draw_one


def two_labels(
    name: str, n: int, p: float, rates: Sequence[tuple[float, float]], alike: float = 0.7
) -> Callable[[Draw, int], Interval]:
    """A difference of a label metric."""

    def draw_one(draw: Draw, at: int) -> Interval:
        y, models = labels(draw, n, p, rates, alike)
        return measure.contrast(
            METRICS.get(name), truth_of(y, at), Combination(models, AGAINST, margin=0.02, bound=-0.02)
        )

    return draw_one


def several_classes(name: str, n: int, right: Sequence[float], other: Sequence[float] = ()) -> Any:
    """A label metric of three classes in shares 0.6, 0.3, 0.1, right as often as given, else any other class."""

    def draw_one(draw: Draw, at: int) -> Interval:
        y = draw.choice(3, n, p=(0.6, 0.3, 0.1)).astype(np.int64)
        chance, wrong = draw.random(n), (y + draw.integers(1, 3, n)) % 3
        mixed = np.where(draw.random(n) < 0.7, chance, draw.random(n))
        models = [
            Predictions(3, np.where(luck < np.array(rates)[y], y, wrong))
            for rates, luck in ((right, chance), (other, mixed))
            if rates
        ]
        if not other:
            return measure.level(METRICS.get(name), truth_of(y, at), models[0])
        return measure.contrast(METRICS.get(name), truth_of(y, at), Combination(models, AGAINST))

    return draw_one


def macro(name: str, right: Sequence[float]) -> float:
    """What such a model truly has."""
    shares, hit = np.array((0.6, 0.3, 0.1)), np.array(right)
    wrong = shares * (1 - hit) / 2
    called = shares * hit + wrong.sum() - wrong
    each = {"recall_macro": hit, "f1_macro": 2 * shares * hit / (shares + called),
            "precision_macro": shares * hit / called}[name]  # fmt: skip
    return float(each.mean())


def errors(draw: Draw, n: int, spreads: Sequence[float], tails: float) -> tuple[Any, list[Predictions]]:
    """Values, and models whose errors have these standard deviations; ``tails``: Student's degrees, 0 for normal."""
    y = draw.normal(size=n)
    shared = draw.standard_t(tails, n) / math.sqrt(tails / (tails - 2)) if tails else draw.normal(size=n)
    own = [
        draw.standard_t(tails, n) / math.sqrt(tails / (tails - 2)) if tails else draw.normal(size=n) for _ in spreads
    ]
    mixed = [math.sqrt(0.7) * shared + math.sqrt(0.3) * each for each in own]
    return y, [Predictions(value=y + spread * each) for spread, each in zip(spreads, mixed, strict=True)]


def of_errors(name: str, n: int, spreads: Sequence[float], tails: float = 0.0) -> Callable[[Draw, int], Interval]:
    """A metric of one regression, or the difference of two."""

    def draw_one(draw: Draw, at: int) -> Interval:
        y, models = errors(draw, n, spreads, tails)
        if len(models) == 1:
            return measure.level(METRICS.get(name), truth_of(y, at), models[0])
        return measure.contrast(METRICS.get(name), truth_of(y, at), Combination(models, AGAINST))

    return draw_one


def of_losses(name: str, n: int, changed: float, positives: float = 0.5) -> Callable[[Draw, int], Interval]:
    """Difference of a loss of two equally good models whose probabilities differ on a share of the rows."""
    offset = math.log(positives / (1 - positives))

    def draw_one(draw: Draw, at: int) -> Interval:
        true, noise = offset + draw.normal(size=n), 0.5 * draw.normal(size=(2, n))
        y = (draw.random(n) < 1 / (1 + np.exp(-true))).astype(np.int64)
        moved = draw.random(n) < changed
        models = [Predictions(2, None, 1 / (1 + np.exp(-(true + np.where(moved, each, noise[0]))))) for each in noise]
        return measure.contrast(METRICS.get(name), truth_of(y, at), Combination(models, AGAINST))

    return draw_one


def rankings(
    name: str, n: int, shares: Sequence[float], shifts: Sequence[float], *, weighted: bool = False
) -> Callable[[Draw, int], Interval]:
    """Average precision or the mean of one-versus-rest areas: scores shifted for rows of their own class."""

    def draw_one(draw: Draw, at: int) -> Interval:
        classes = len(shares)
        y = draw.choice(classes, n, p=shares).astype(np.int64)
        base, models = draw.normal(size=(n, classes)), []
        for shift in shifts:
            noise = math.sqrt(0.7) * base + math.sqrt(0.3) * draw.normal(size=(n, classes))
            score = noise + shift * (y[:, None] == np.arange(classes))
            models.append(Predictions(classes, None, score[:, 1] if classes == 2 else score))
        rows = truth_of(y, at, weight=draw.uniform(0.5, 1.5, n) if weighted else None)
        if len(models) == 1:
            return measure.level(METRICS.get(name), rows, models[0])
        return measure.contrast(METRICS.get(name), rows, Combination(models, AGAINST, margin=0.02))

    return draw_one


def area(shift: float) -> float:
    """AUC of normal scores."""
    return float(ndtr(shift / math.sqrt(2)))


def average_precision(positives: float, shift: float) -> float:
    """Of normal scores, over all thresholds."""
    at = np.linspace(12, -12, 400_001)
    hit, false = ndtr(shift - at), ndtr(-at)
    precision = positives * hit / np.maximum(positives * hit + (1 - positives) * false, 1e-300)
    return float(((precision[1:] + precision[:-1]) / 2 * np.diff(hit)).sum())


def shares(n: int, weights: Sequence[float], chances: Sequence[float]) -> Callable[[Draw, int], Interval]:
    """A contrast of accuracies with the weights of a relative margin or a share of a gain; models often fail alike."""

    def draw_one(draw: Draw, at: int) -> Interval:
        y = (draw.random(n) < 0.5).astype(np.int64)
        base, models = draw.random(n), []
        for chance in chances:
            luck = np.where(draw.random(n) < 0.8, base, draw.random(n))
            models.append(Predictions(2, np.where(luck < chance, y, 1 - y)))
        return measure.contrast(METRICS.get("accuracy"), truth_of(y, at), Combination(models, weights))

    return draw_one


def of_gain(n: int, shift: tuple[float, float], weights: Sequence[float], constant: float = 0.0) -> Any:
    """A share of the champion's gain over a constant baseline, by AUC."""

    def draw_one(draw: Draw, at: int) -> Interval:
        y = (draw.random(n) < 0.3).astype(np.int64)
        base = draw.normal(size=n)
        models = [
            Predictions(2, None, math.sqrt(0.7) * base + math.sqrt(0.3) * draw.normal(size=n) + each * y)
            for each in shift
        ]
        models += [Predictions(2, None, np.full(n, 0.3))] if len(weights) > 2 else []
        return measure.contrast(
            METRICS.get("roc_auc"), truth_of(y, at), Combination(models, weights, constant=constant)
        )

    return draw_one
