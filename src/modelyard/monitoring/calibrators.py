"""What scores say of labels: probabilities calibrated on rows with labels, and how well that is known.

Isotonic regression from 1,000 rows on, Platt's logistic regression below, where isotonic regression follows the noise.
Of a version's test rows bins of scores are kept, ten rows and more each. Folds are stretches of rows in their order,
whole units each: left out in turn they say how far estimates are off where days differ from each other.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import expit, logit
from sklearn.isotonic import isotonic_regression

from modelyard.metrics.predictions import Bools, Floats, Ints
from modelyard.records.results.part import Part

FOLDS = 10
BINS = 100
FEWEST_IN_BIN = 10
FEWEST = 100
"""Rows with labels that a calibration needs."""
FEWEST_OF_A_CLASS = 10
ISOTONIC_FROM = 1_000
CLIP = 1e-6
Calibrate = Callable[[Floats], Floats]


class ScoreBins(Part):
    """Scores of one class on rows with labels, by bin: counts of ten rows and more, and no row's own score."""

    edges: tuple[float, ...]
    """Of the bins: a score is in the first whose edge is not below it; the last is open."""
    means: tuple[float, ...]
    """Mean score of each bin."""
    rows: tuple[int, ...]
    positives: tuple[int, ...]
    """Rows of the class."""


class LossBins(Part):
    """Losses of a regression by bin of the prediction."""

    metric: str
    edges: tuple[float, ...]
    rows: tuple[int, ...]
    means: tuple[float, ...]
    deviations: tuple[float, ...]


class Tried(Part):
    """How estimates without labels fared on the rows with labels themselves, stretch by stretch, left out in turn."""

    metric: str
    value: float
    """On all of them."""
    low: float
    high: float
    stretches: int
    excess: float
    """Variance of what came true around the estimate, beyond what chance and calibration explain."""


class Labelled(Part):
    """What a version's test rows say of labels, for estimates without them."""

    rows: int = 0
    scores: tuple[ScoreBins, ...] = ()
    """Of the positive class; of several classes one each, in the order of their codes."""
    losses: tuple[LossBins, ...] = ()
    tried: tuple[Tried, ...] = ()


@dataclass(frozen=True)
class Points:
    """What a calibration is fitted on: bins, or rows with weights; all are (m,), ascending by score.

    Attributes:
        score: of each.
        rows: by weight.
        positives: of these.
        counts: rows as they are, without weights.
    """

    score: Floats
    rows: Floats
    positives: Floats
    counts: Ints

    @classmethod
    def of(cls, bins: ScoreBins) -> "Points":
        """Return the bins as arrays."""
        means, rows, positives = (np.array(each, dtype=np.float64) for each in (bins.means, bins.rows, bins.positives))
        return cls(means, rows, positives, rows.astype(np.int64))

    @classmethod
    def of_rows(cls, score: Floats, positive: Bools, weight: Floats | None = None) -> "Points":
        """Return rows, (n,) each, in the order of their scores; those of equal scores as one."""
        own = np.ones(len(score)) if weight is None else weight
        distinct, at = np.unique(score, return_inverse=True)
        rows, positives = (np.bincount(at, each).astype(np.float64) for each in (own, own * positive))
        return cls(distinct, rows, positives, np.bincount(at).astype(np.int64))

    @property
    def known(self) -> bool:
        """Whether there are rows enough, of both kinds."""
        rows, positives = float(self.rows.sum()), float(self.positives.sum())
        return rows >= FEWEST and min(positives, rows - positives) >= FEWEST_OF_A_CLASS

    def fitted(self) -> Calibrate:
        """Return the calibration."""
        return fit(self.score, self.rows, self.positives)

    def redrawn(self, random: np.random.Generator, calibrated: Calibrate) -> "Points":
        """Return other labels that the same scores may have had, were the calibration true."""
        drawn = random.binomial(self.counts, np.clip(calibrated(self.score), 0, 1))
        return replace(self, positives=drawn / np.maximum(self.counts, 1) * self.rows)


def fit(score: Floats, rows: Floats, positives: Floats) -> Calibrate:
    """Return the chance of a label by its score.

    Args:
        score: (m,) ascending means of bins.
        rows: (m,) of each, weighted or not.
        positives: (m,) of these.
    """
    kept = rows > 0
    score, rows, positives = score[kept], rows[kept], positives[kept]
    if float(rows.sum()) < ISOTONIC_FROM:
        return _platt(score, rows, positives)
    level = isotonic_regression(positives / rows, sample_weight=rows, y_min=0.0, y_max=1.0)
    # One row more at the average keeps a level without any positive from meaning never.
    _, block = np.unique(level, return_inverse=True)
    own, average = np.bincount(block, weights=rows)[block], float(positives.sum() / rows.sum())
    level = np.maximum.accumulate((level * own + average) / (own + 1))
    return lambda given: np.asarray(np.interp(given, score, level), dtype=np.float64)


def _platt(score: Floats, rows: Floats, positives: Floats) -> Calibrate:
    """Return a logistic curve of the score's logit, held back a little from 0 and 1 (Platt 1999)."""
    positive, total = float(positives.sum()), float(rows.sum())
    up, down = (positive + 1) / (positive + 2), 1 / (total - positive + 2)
    aim = np.divide(positives * up + (rows - positives) * down, rows)
    at = logit(np.clip(score, CLIP, 1 - CLIP))
    centre, spread = float(np.average(at, weights=rows)), 1.0
    spread = math.sqrt(float(np.average((at - centre) ** 2, weights=rows))) or 1.0
    scaled = (at - centre) / spread
    found = np.array([math.log(up / (1 - up)) if total == positive else 0.0, 0.0])
    for _ in range(50):
        fitted = expit(found[0] + found[1] * scaled)
        weight = rows * fitted * (1 - fitted)
        residual = rows * (aim - fitted)
        # A slope is held towards 0 by as much as one row knows, so that separated classes have one.
        gradient = np.array([residual.sum(), (residual * scaled).sum() - found[1]])
        a, b, c = float(weight.sum()) + 1e-9, float((weight * scaled).sum()), float((weight * scaled**2).sum()) + 1.0
        step = np.array([c * gradient[0] - b * gradient[1], a * gradient[1] - b * gradient[0]]) / (a * c - b * b)
        found = found + np.clip(step, -5, 5)
        if float(np.abs(step).max()) < 1e-10:
            break
    slope = max(float(found[1]), 0.0)

    def calibrated(given: Floats) -> Floats:
        away = (logit(np.clip(given, CLIP, 1 - CLIP)) - centre) / spread
        return np.asarray(expit(found[0] + slope * away), dtype=np.float64)

    return calibrated


def folds_of(n: int, unit: Any = None) -> Ints:
    """Return the fold of each of n rows: stretches of about equal size, each of whole units (n,)."""
    if n == 0:
        return np.zeros(0, dtype=np.int64)
    if unit is None:
        return np.arange(n, dtype=np.int64) * min(FOLDS, n) // n
    _, first, codes = np.unique(unit, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    order = np.argsort(first, kind="stable")
    sizes = np.bincount(codes)[order]
    rank[order] = (np.cumsum(sizes) - sizes / 2) * min(FOLDS, len(sizes)) // n
    return np.asarray(np.unique(rank[codes], return_inverse=True)[1], dtype=np.int64)


def score_bins(score: Floats, positive: Bools) -> ScoreBins | None:
    """Return bins of scores with labels; None of too few rows.

    Args:
        score: (n,) of a class.
        positive: (n,) the row is of the class.
    """
    if len(score) < FEWEST:
        return None
    edges = edges_of(score)
    own = np.searchsorted(edges, score, side="left")
    rows = np.bincount(own, minlength=len(edges) + 1)
    return ScoreBins(
        edges=tuple(edges.tolist()),
        means=tuple(np.round(np.bincount(own, weights=score, minlength=len(rows)) / rows, 6).tolist()),
        rows=tuple(rows.tolist()),
        positives=tuple(np.bincount(own[positive], minlength=len(rows)).tolist()),
    )


def edges_of(score: Floats) -> Floats:
    """Return edges of bins of about equal size, at least ten rows each, rounded to a thousandth of the spread."""
    most = max(min(BINS, len(score) // (2 * FEWEST_IN_BIN)), 1)
    wide = float(np.ptp(np.quantile(score, [0.05, 0.95]))) or 1.0
    edges = np.quantile(score, np.arange(1, most) / most)
    edges = np.unique(np.round(edges, 3 - math.floor(math.log10(wide))))
    rows = np.bincount(np.searchsorted(edges, score, side="left"), minlength=len(edges) + 1)
    kept, carried = [], 0
    for edge, count in zip(edges.tolist(), rows[:-1].tolist(), strict=True):
        carried += count
        if carried >= FEWEST_IN_BIN:
            kept.append(edge)
            carried = 0
    if kept and carried + int(rows[-1]) < FEWEST_IN_BIN:
        kept.pop()
    return np.array(kept, dtype=np.float64)


def loss_bins(metric: str, value: Floats, loss: Floats) -> LossBins | None:
    """Return losses by bin of the prediction, (n,) each; None of too few rows."""
    if len(value) < FEWEST:
        return None
    edges = edges_of(value)
    own = np.searchsorted(edges, value, side="left")
    rows = np.bincount(own, minlength=len(edges) + 1)
    means = np.bincount(own, weights=loss, minlength=len(rows)) / rows
    deviations = np.sqrt(
        np.bincount(own, weights=(loss - means[own]) ** 2, minlength=len(rows)) / np.maximum(rows - 1, 1)
    )
    return LossBins(
        metric=metric, edges=tuple(edges.tolist()), rows=tuple(rows.tolist()), means=tuple(means.tolist()),
        deviations=tuple(deviations.tolist()),
    )  # fmt: skip
