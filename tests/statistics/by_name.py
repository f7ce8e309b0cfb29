"""Data with a known truth for correlations, several classes, percentages, deviances and quantiles."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.special import digamma, gammaln, ndtr, ndtri
from scipy.stats import binom, norm, poisson

from modelyard.evaluation.intervals import measure
from modelyard.evaluation.intervals.strategy import Combination
from modelyard.evaluation.test_set import TestSet
from modelyard.metrics.catalogue import METRICS
from modelyard.metrics.metric import Metric
from modelyard.metrics.predictions import Predictions
from modelyard.metrics.statistics import correlation
from modelyard.metrics.templates import TEMPLATES
from modelyard.stats.adjusted import Control
from modelyard.stats.interval import Interval
from tests.statistics import composites as c

Draw = np.random.Generator
Sample = Callable[[Draw], tuple[Any, Sequence[Predictions]]]
TWEEDIE: Metric = TEMPLATES.get("mean_tweedie_deviance").make("claims", 1.5)
THIRD: Metric = TEMPLATES.get("roc_auc").make("auc_of_third", 2)
GRID = ndtri((np.arange(20_000) + 0.5) / 20_000)
"""Normal quantiles, over which expectations are means."""


def judged(metric: Metric | str, sample: Sample) -> Callable[[Draw, int], Interval]:
    """The metric of one model, or its difference between two."""
    of = METRICS.get(metric) if isinstance(metric, str) else metric

    def draw_one(draw: Draw, at: int) -> Interval:
        y, models = sample(draw)
        if len(models) == 1:
            return measure.level(of, c.truth_of(y, at), models[0])
        return measure.contrast(of, c.truth_of(y, at), Combination(models, c.AGAINST, margin=0.02))

    return draw_one


def matthews(p: float, hit: float, false: float) -> float:
    """The correlation that a model of these rates has."""
    called = p * hit + (1 - p) * false
    table = (np.array([(1 - p) * (1 - false), p * hit]), np.array([1 - p, p]), np.array([1 - called, called]))
    return correlation(*table) or 0.0


def matthews_of_three(right: Sequence[float]) -> float:
    """The same of ``several_classes``."""
    shares, hit = np.array((0.6, 0.3, 0.1)), np.array(right)
    wrong = shares * (1 - hit) / 2
    return correlation(shares * hit, shares, shares * hit + wrong.sum() - wrong) or 0.0


def scores(n: int, shares: Sequence[float], shifts: Sequence[float]) -> Sample:
    """Classes in shares, whose own score is shifted; any area is Φ(shift/√2)."""

    def sample(draw: Draw) -> tuple[Any, Sequence[Predictions]]:
        classes = len(shares)
        y = draw.choice(classes, n, p=shares).astype(np.int64)
        base, models = draw.normal(size=(n, classes)), []
        for shift in shifts:
            noise = math.sqrt(0.7) * base + math.sqrt(0.3) * draw.normal(size=(n, classes))
            models.append(Predictions(classes, None, noise + shift * (y[:, None] == np.arange(classes))))
        return y, models

    return sample


def top(k: int, classes: int, shift: float) -> float:
    """The chance that a row's own score is among the first k of such."""
    return float(binom.cdf(k - 1, classes - 1, ndtr(-(GRID + shift))).mean())


def factors(n: int, spreads: Sequence[float]) -> Sample:
    """Predictions off by a lognormal factor."""

    def sample(draw: Draw) -> tuple[Any, Sequence[Predictions]]:
        y, shared = draw.lognormal(sigma=0.8, size=n), draw.normal(size=n)
        mixed = [math.sqrt(0.7) * shared + math.sqrt(0.3) * draw.normal(size=n) for _ in spreads]
        return y, [Predictions(value=y * np.exp(s * each)) for s, each in zip(spreads, mixed, strict=True)]

    return sample


def percentage(spread: float) -> float:
    """Their mean percentage error."""
    return float(np.abs(np.exp(spread * GRID) - 1).mean())


def symmetric(spread: float) -> float:
    """Their symmetric one."""
    return float(2 * np.abs(np.tanh(spread * GRID / 2)).mean())


RATES = np.array([0.02, 0.05, 0.1, 0.3])


def counts(n: int, off: Sequence[float]) -> Sample:
    """Counts of which most are 0; predictions are off by factors."""

    def sample(draw: Draw) -> tuple[Any, Sequence[Predictions]]:
        rate = RATES[draw.integers(0, len(RATES), n)]
        return draw.poisson(rate).astype(np.float64), [Predictions(value=rate * each) for each in off]

    return sample


def poisson_deviance(off: float) -> float:
    """Their deviance."""
    y = np.arange(60)[:, None]
    mean = RATES * off
    each = 2 * (np.where(y > 0, y * np.log(np.maximum(y, 1) / mean), 0) - y + mean)
    return float((poisson.pmf(y, RATES) * each).sum(axis=0).mean())


def amounts(n: int, off: Sequence[float]) -> Sample:
    """Gamma amounts of shape 2 and mean 1."""

    def sample(draw: Draw) -> tuple[Any, Sequence[Predictions]]:
        size = draw.lognormal(size=n)
        return size * draw.gamma(2, 0.5, n), [Predictions(value=size * each) for each in off]

    return sample


def gamma_deviance(off: float) -> float:
    """Their deviance."""
    return float(2 * (math.log(off) - (digamma(2) - math.log(2)) + 1 / off - 1))


def claims(n: int, off: Sequence[float], rate: float = 0.2) -> Sample:
    """Sums of a Poisson number of gamma claims of mean 1: four in five rows are 0."""

    def sample(draw: Draw) -> tuple[Any, Sequence[Predictions]]:
        number = draw.poisson(rate, n)
        y = np.where(number > 0, draw.gamma(2 * np.maximum(number, 1), 0.5), 0.0)
        return y, [Predictions(value=np.full(n, rate * each)) for each in off]

    return sample


def tweedie_deviance(off: float, rate: float = 0.2) -> float:
    """Their deviance of power 1.5: E 4(√y − √m)²/√m."""
    number = np.arange(1, 60)
    root = float(
        (poisson.pmf(number, rate) * np.sqrt(0.5) * np.exp(gammaln(2 * number + 0.5) - gammaln(2 * number))).sum()
    )
    mean = rate * off
    return 4 * (rate - 2 * math.sqrt(mean) * root + mean) / math.sqrt(mean)


def controlled_rows(
    kind: str, n: int, strength: float, units: int = 0
) -> Callable[[Draw, int], tuple[TestSet, Predictions, Control]]:
    """Rows with a column that four times as many others have too; ``strength`` ties it to the loss."""

    def draw_one(draw: Draw, at: int) -> tuple[TestSet, Predictions, Control]:
        rows = 5 * n
        unit = np.repeat(np.arange(5 * units), n // units) if units else None
        shock = draw.normal(size=5 * units)[unit] if unit is not None else 0.0
        if kind == "accuracy":
            column = draw.normal(size=rows) + shock
            truth = (draw.random(rows) < ndtr(1.2 + strength * column)).astype(np.int64)
            model = Predictions(2, truth[:n])
        else:
            column = draw.exponential(size=rows) + np.abs(shock)
            loss = strength * column + math.sqrt(1 - strength**2) * draw.exponential(size=rows)
            model = Predictions(value=loss[:n])
        y = np.ones(n) if kind == "accuracy" else np.zeros(n)
        own, others = (None, None) if unit is None else (unit[:n], unit[n:])
        return c.truth_of(y, at, own), model, Control.of("earlier", column[:n], column[n:], others)

    return draw_one


def controlled(kind: str, n: int, strength: float, units: int = 0) -> Callable[[Draw, int], Interval]:
    """Their level, adjusted by the column."""
    rows = controlled_rows(kind, n, strength, units)

    def draw_one(draw: Draw, at: int) -> Interval:
        test_set, model, control = rows(draw, at)
        return measure.level(METRICS.get(kind), test_set, model, control=control)

    return draw_one


def controlled_truth(kind: str, strength: float, *, units: bool = False) -> float:
    """Its true level."""
    spread = 2.0 if units else 1.0
    if kind == "accuracy":
        return float(ndtr(1.2 / math.sqrt(1 + spread * strength**2)))
    shock = math.sqrt(2 / math.pi) if units else 0.0
    return strength * (1 + shock) + math.sqrt(1 - strength**2)


def quantiles(n: int, q: float) -> Sample:
    """Values, and their quantile as it is."""

    def sample(draw: Draw) -> tuple[Any, Sequence[Predictions]]:
        return draw.normal(size=n), [Predictions(value=np.full(n, float(norm.ppf(q))))]

    return sample
