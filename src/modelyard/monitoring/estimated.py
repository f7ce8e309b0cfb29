"""Performance without labels: what a metric would be if predictions meant what they meant where labels came.

Classes: confidence-based estimation (CBPE; Białek et al., NeurIPS 2025, for the weighted form). Scores are calibrated
on rows with labels; each row then has every label by its chance, and the metric of all these rows by their weights is
the estimate. Regressions: direct loss estimation, a model of the loss by what was predicted, or by features where
matured rows have these.

Rows with labels are the version's test rows, kept as bins of scores, or labelled rows of earlier windows with their
features. The latter are weighted towards the window by how much likelier a row is there (a classifier out of fold;
clipped); their effective number is told, and too few are not used.

The interval is where the realised value will lie: what chance makes of labels (Poisson-binomial, drawn), how well the
calibration is known (labels of its rows drawn anew, and fitted again), by how much stretches of the test rows lay off
beyond both, and what the weights change. All of it holds while equal predictions mean equal chances: an estimate cannot
see that the labels themselves follow other rules, and its record is kept to tell (``track``).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from modelyard.core.reasons import Reason, because
from modelyard.log.schema import FEATURE
from modelyard.metrics.metric import MeanLoss, Metric
from modelyard.metrics.predictions import Bools, Floats, Ints, Predictions
from modelyard.monitoring import calibrators
from modelyard.monitoring.calibrators import (
    Calibrate,
    Labelled,
    LossBins,
    Points,
    Tried,
    folds_of,
    loss_bins,
    score_bins,
)
from modelyard.monitoring.levels import watched
from modelyard.monitoring.served import Served, labelled, scores
from modelyard.monitoring.threads import alone
from modelyard.records.results import Estimate, Signature
from modelyard.records.results.monitor import EstimatedPerformance, TrackRecord, Window
from modelyard.stats.interval import t_value

FEWEST_ROWS = 30
"""Of a window."""
MATURED_FROM = 1_000
"""Labelled rows of earlier windows from which these are used rather than the test rows."""
FEWEST_EFFECTIVE = 300.0
"""That they have to be worth after weighting."""
MOST_ROWS = 20_000
"""Of a window that are looked at, drawn at random; the interval is as wide as they make it."""
DRAWN_ROWS = 2_000
DRAWS = 80
RATIO_ROWS = 5_000
"""Of each side that tell how much likelier a row is in the window."""
MOST_WEIGHT = 20.0
FEWEST_SCORED = 5
"""Windows with an estimate and mature labels that a track record needs."""
COVERED = 0.8
"""Share of these whose realised value lay in the interval."""
_CONFIDENCE = 0.95


def reference_of(
    metrics: Iterable[Metric], y: Ints | Floats, predictions: Predictions, *, unit: Any = None, seed: int = 0
) -> Labelled:
    """Return what is kept of a version's test rows for estimates without labels.

    Args:
        metrics: that will be estimated.
        y: (n,) as metrics take it, in the order of time where there is one.
        predictions: of these rows.
        unit: (n,) what is independent, which no stretch cuts; None: rows.
        seed: of what is drawn.
    """
    known = list(metrics)
    if predictions.probability is not None:
        found = [score_bins(score, own) for score, own in _by_class(predictions.probability, y)]
        bins = tuple(each for each in found if each is not None)
        if len(bins) < len(found):
            return Labelled(rows=len(y))
        tried = [_tried(metric, y, predictions, unit, seed) for metric in known]
        return Labelled(rows=len(y), scores=bins, tried=tuple(each for each in tried if each is not None))
    if predictions.value is None:
        return Labelled(rows=len(y))
    losses, tries = [], []
    for metric in known:
        if not isinstance(metric, MeanLoss) or metric.undefined(y, predictions) is not None:
            continue
        loss = metric.losses(y, predictions)
        kept = loss_bins(metric.name, predictions.value, loss) if np.isfinite(loss).all() else None
        if kept is not None:
            losses.append(kept)
            tries.append(_tried_losses(metric, predictions.value, loss, unit))
    return Labelled(rows=len(y), losses=tuple(losses), tried=tuple(each for each in tries if each is not None))


def estimate(
    reference: Labelled, frame: pl.DataFrame, metric: Metric, *, signature: Signature,
    matured: pl.DataFrame | None = None, seed: int = 0,
) -> EstimatedPerformance:  # fmt: skip
    """Return what one metric would be on a window; see ``Estimator``, which shares the work among several."""
    return Estimator(reference, frame, signature=signature, matured=matured, seed=seed).estimate(metric)


class Estimator:
    """Says of one window what metrics would be, from its predictions alone.

    Args:
        reference: of the version's test rows.
        frame: the log's rows of the window; labels are not looked at.
        signature: of the version.
        matured: labelled rows of earlier windows of the same version, with features.
        seed: of what is drawn.
    """

    def __init__(
        self, reference: Labelled, frame: pl.DataFrame, *, signature: Signature, matured: pl.DataFrame | None = None,
        seed: int = 0,
    ) -> None:  # fmt: skip
        predictions, usable = scores(frame, signature)
        random = np.random.default_rng(seed)
        rows = np.flatnonzero(usable)
        self.n = len(rows)
        if self.n > MOST_ROWS:
            rows = np.sort(random.choice(self.n, MOST_ROWS, replace=False))
        self._reference, self._task = reference, signature.task
        self._window = _Window(frame[rows], predictions.take(rows), random)
        self._matured: _Matured | None = None
        if matured is not None and self.n >= FEWEST_ROWS:
            self._matured = _Matured.of(matured, signature, self._window, seed)

    def estimate(self, metric: Metric) -> EstimatedPerformance:
        """Return the estimate of a metric, refused with a reason where there is none."""
        found = self._found(metric)
        if isinstance(found, Reason):
            told, effective = Estimate(n=self.n, rows=self.n, refused=found), None
        else:
            told, effective = found.estimate(metric, self.n), found.effective
        return EstimatedPerformance(
            metric=metric.name,
            method="dle" if self._task == "regression" else "cbpe",
            estimate=told,
            reference=_on_test(self._reference, metric.name),
            weighted=effective,
        )

    def _found(self, metric: Metric) -> "_Found | Reason":
        if self.n < FEWEST_ROWS:
            return because("too-few-rows", rows=self.n, fewest=FEWEST_ROWS)
        if self._task == "regression":
            return _dle(metric, self._reference, self._window, self._matured)
        if self._window.predictions.probability is None:
            return because("lacks-output", metric=metric.name, needs="probability", role="version")
        return _cbpe(metric, self._reference, self._window, self._matured)


def scored(found: EstimatedPerformance, realised: Estimate) -> EstimatedPerformance:
    """Return an estimate with what it turned out to be, once the window's labels are mature."""
    value, low, high = realised.value, found.estimate.low, found.estimate.high
    if value is None or low is None or high is None:
        return found
    return found.model_copy(update={"realised": value, "covered": low <= value <= high})


def track(windows: Sequence[Window]) -> tuple[TrackRecord, ...]:
    """Return how estimates fared where labels came: what covered less than 80 %, or too few windows, decides nothing.

    Args:
        windows: of one version, whose estimates were scored.
    """
    by: dict[str, list[EstimatedPerformance]] = {}
    for window in windows:
        for each in window.estimated:
            if each.covered is not None and each.realised is not None and each.estimate.value is not None:
                by.setdefault(each.metric, []).append(each)
    return tuple(_record(metric, known) for metric, known in sorted(by.items()))


def deciding(found: EstimatedPerformance, records: Iterable[TrackRecord]) -> EstimatedPerformance:
    """Return the estimate with whether it counts, by its track record of earlier windows."""
    allowed = any(record.metric == found.metric and record.decides for record in records)
    return found.model_copy(update={"decides": allowed and found.estimate.low is not None})


def _record(metric: str, known: Sequence[EstimatedPerformance]) -> TrackRecord:
    off = [abs((each.realised or 0.0) - (each.estimate.value or 0.0)) for each in known]
    covered = sum(1 for each in known if each.covered)
    return TrackRecord(
        metric=metric, windows=len(known), covered=covered, error=sum(off) / len(off),
        decides=len(known) >= FEWEST_SCORED and covered >= COVERED * len(known),
    )  # fmt: skip


@dataclass(frozen=True)
class _Window:
    frame: pl.DataFrame
    predictions: Predictions
    random: np.random.Generator


@dataclass(frozen=True)
class _Matured:
    """Labelled rows of earlier windows, and how much each counts for this one."""

    frame: pl.DataFrame
    served: Served
    weight: Floats
    effective: float

    @classmethod
    def of(cls, frame: pl.DataFrame, signature: Signature, window: _Window, seed: int) -> "_Matured | None":
        """Return them; None where they are too few, or worth too few after weighting."""
        served = labelled(frame, signature)
        if len(served.rows) < MATURED_FROM:
            return None
        if len(served.rows) > MOST_ROWS:
            served = served.take(np.arange(len(served.rows) - MOST_ROWS, len(served.rows)))
        ratio = density_ratio(frame[served.rows], window.frame, seed=seed)
        if ratio is None:
            return None
        effective = float(ratio.sum()) ** 2 / float((ratio**2).sum())
        if effective < FEWEST_EFFECTIVE:
            return None
        return cls(frame[served.rows], served, ratio * effective / ratio.sum(), effective)


@dataclass(frozen=True)
class _Found:
    """An estimate, and the parts of its variance; of a root, of the mean that it is the root of."""

    value: float
    sampling: float
    calibration: float
    excess: float
    stretches: int
    assumes: Reason
    effective: float | None = None

    def estimate(self, metric: Metric, n: int) -> Estimate:
        """Return it with limits."""
        variance = self.sampling + self.calibration + self.excess
        degrees = 1e6 if self.excess <= 0 else (self.stretches - 1) * (variance / self.excess) ** 2
        half = t_value(_CONFIDENCE, min(degrees, 1e6)) * math.sqrt(max(variance, 0.0))
        low, high = self.value - half, self.value + half
        low = low if metric.lowest is None else max(low, metric.lowest)
        high = high if metric.highest is None else min(high, metric.highest)
        return Estimate(value=self.value, low=low, high=high, method=(self.assumes,), n=n, rows=n)


def _on_test(reference: Labelled, metric: str) -> Estimate | None:
    tried = next((each for each in reference.tried if each.metric == metric), None)
    if tried is None:
        return None
    return Estimate(value=tried.value, low=tried.low, high=tried.high, n=reference.rows, rows=reference.rows)


def _excess(reference: Labelled, metric: str) -> tuple[float, int]:
    tried = next((each for each in reference.tried if each.metric == metric), None)
    return (0.0, 2) if tried is None else (tried.excess, tried.stretches)


# classes


def _by_class(probability: Floats, y: Ints | Floats) -> list[tuple[Floats, Bools]]:
    """Return the scores and rows of the positive class, or of each of several."""
    if probability.ndim == 1:
        return [(probability, np.asarray(y == 1))]
    return [(probability[:, code], np.asarray(y == code)) for code in range(probability.shape[1])]


def _cbpe(metric: Metric, reference: Labelled, window: _Window, matured: _Matured | None) -> _Found | Reason:
    probability = window.predictions.probabilities
    points, effective = [Points.of(bins) for bins in reference.scores], None
    assumes = because("assumes-scores-mean-the-same")
    excess, stretches = _excess(reference, metric.name)
    if matured is not None and matured.served.predictions.probability is not None:
        served, effective = matured.served, matured.effective
        pairs = _by_class(served.predictions.probabilities, served.y)
        points = [Points.of_rows(score, own, matured.weight) for score, own in pairs]
        assumes = because("assumes-features-mean-the-same")
    if len(points) != (1 if probability.ndim == 1 else probability.shape[1]):
        return because("no-calibration")
    if not all(each.known for each in points):
        return because("too-few-to-calibrate", fewest=calibrators.FEWEST, of_a_class=calibrators.FEWEST_OF_A_CLASS)
    parts = _parts(metric, window.predictions, points, window.random, DRAWS)
    if parts is None:
        return because("undefined")
    if matured is not None and effective is not None:
        plain = [
            Points.of_rows(score, own)
            for score, own in _by_class(matured.served.predictions.probabilities, matured.served.y)
        ]
        other = expected(metric, window.predictions, chances(window.predictions, [each.fitted() for each in plain]))
        excess += 0.0 if other is None else (other - parts[0]) ** 2 / 3
    return _Found(*parts, excess=excess, stretches=stretches, assumes=assumes, effective=effective)


def _parts(
    metric: Metric, predictions: Predictions, points: Sequence[Points], random: np.random.Generator, draws: int
) -> tuple[float, float, float] | None:
    """Return the expected metric, what chance makes of its labels, and what is not known of the calibration."""
    fits = [each.fitted() for each in points]
    value = expected(metric, predictions, chances(predictions, fits))
    if value is None:
        return None
    n = len(predictions)
    few = predictions if n <= DRAWN_ROWS else predictions.take(random.choice(n, DRAWN_ROWS, replace=False))
    chance = chances(few, fits)
    sampled = [metric.value(_drawn(chance, random), few) for _ in range(draws)]
    refitted = []
    for _ in range(draws // 2):
        again = [each.redrawn(random, fit).fitted() for each, fit in zip(points, fits, strict=True)]
        refitted.append(expected(metric, few, chances(few, again)))
    return value, _variance(sampled) * len(few) / n, _variance(refitted)


def chances(predictions: Predictions, fits: Sequence[Calibrate]) -> Floats:
    """Return the chance of each class for each row (n, k), from calibrations of the positive class or of each."""
    probability = predictions.probabilities
    if probability.ndim == 1:
        positive = np.clip(fits[0](probability), 0, 1)
        return np.column_stack([1 - positive, positive])
    table = np.column_stack([fit(probability[:, code]) for code, fit in enumerate(fits)])
    table = np.clip(table, calibrators.CLIP, 1)
    return np.asarray(table / table.sum(axis=1, keepdims=True), dtype=np.float64)


def expected(metric: Metric, predictions: Predictions, chance: Floats) -> float | None:
    """Return the metric where every row has each label by its chance (n, k)."""
    n, classes = chance.shape
    y = np.repeat(np.arange(classes, dtype=np.int64), n)
    return metric.value(y, predictions.take(np.tile(np.arange(n), classes)), chance.T.ravel())


def _drawn(chance: Floats, random: np.random.Generator) -> Ints:
    if chance.shape[1] == 2:
        return (random.random(len(chance)) < chance[:, 1]).astype(np.int64)
    below = (random.random(len(chance))[:, None] > np.cumsum(chance, axis=1)).sum(axis=1)
    return np.asarray(np.minimum(below, chance.shape[1] - 1), dtype=np.int64)


def _variance(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None]
    return float(np.var(known, ddof=1)) if len(known) > 1 else 0.0


def _tried(metric: Metric, y: Ints | Floats, predictions: Predictions, unit: Any, seed: int) -> Tried | None:
    """Return how estimates fare on stretches of rows with labels, each left out of its calibration."""
    value = metric.value(y, predictions) if predictions.has(metric.needs) else None
    if value is None or predictions.probability is None:
        return None
    random = np.random.default_rng(seed)
    fold = folds_of(len(y), unit)
    off, said = [], []
    for one in range(int(fold.max()) + 1):
        inside = fold == one
        if inside.sum() < FEWEST_ROWS:
            continue
        pairs = _by_class(predictions.probability, y)
        bins = [score_bins(score[~inside], own[~inside]) for score, own in pairs]
        points = [Points.of(each) for each in bins if each is not None]
        if len(points) < len(bins):
            return None
        seen = metric.value(y[inside], predictions.take(inside))
        parts = (
            _parts(metric, predictions.take(inside), points, random, DRAWS // 4)
            if all(e.known for e in points)
            else None
        )
        if parts is not None and seen is not None:
            off.append((seen - parts[0]) ** 2)
            said.append(parts[1] + parts[2])
    if len(off) < 3:
        return None
    excess = max(float(np.mean(off)) - float(np.mean(said)), 0.0)
    variance = float(np.mean(said)) / len(off) + excess / len(off)
    half = t_value(_CONFIDENCE, len(off) - 1) * math.sqrt(variance)
    return Tried(
        metric=metric.name, value=value, low=value - half, high=value + half, stretches=len(off), excess=excess
    )


# matured rows


def density_ratio(earlier: pl.DataFrame, later: pl.DataFrame, *, seed: int) -> Floats | None:
    """Return by how much likelier each earlier row is among the later ones; (n,), clipped at 20, of mean 1.

    From a classifier of the two, by its probabilities out of fold. None without common features.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    names = [name for name in earlier.columns if name.startswith(FEATURE) and name in later.columns]
    table = _table(pl.concat([earlier.select(names), later.select(names)], how="vertical_relaxed")) if names else None
    if table is None:
        return None
    n, m = len(earlier), len(later)
    is_later = np.repeat([0, 1], [n, m])
    random = np.random.default_rng(seed)
    few = np.concatenate([start + random.permutation(rows)[:RATIO_ROWS] for start, rows in ((0, n), (n, m))])
    fold, chance = random.integers(0, 3, n + m), np.full(n, np.nan)
    for one in range(3):
        model = HistGradientBoostingClassifier(
            max_iter=30, max_leaf_nodes=8, min_samples_leaf=30, l2_regularization=1.0, early_stopping=False,
            random_state=seed % 2**31,
        )  # fmt: skip
        fitted = few[fold[few] != one]
        own = np.flatnonzero(fold[:n] == one)
        with alone():
            model.fit(table[fitted], is_later[fitted])
            chance[own] = model.predict_proba(table[own])[:, 1]
    ratio = np.clip(chance / np.maximum(1 - chance, 1e-6) * min(n, RATIO_ROWS) / min(m, RATIO_ROWS), 0.0, MOST_WEIGHT)
    return np.asarray(ratio / ratio.mean(), dtype=np.float64)


def _table(frame: pl.DataFrame) -> Floats | None:
    """Return features as numbers, text by its frequency's rank; columns of other types are left out."""
    columns = []
    for column in frame.get_columns():
        if column.dtype.is_numeric() or column.dtype == pl.Boolean:
            values = column.cast(pl.Float64).fill_null(float("nan")).to_numpy()
            columns.append(np.where(np.isfinite(values), values, np.nan))
        elif column.dtype in (pl.String, pl.Categorical, pl.Enum):
            text = column.cast(pl.String)
            counted = text.drop_nulls().value_counts(sort=True)
            ranks = dict(zip(counted[column.name].to_list(), range(len(counted)), strict=True))
            columns.append(text.replace_strict(ranks, default=None, return_dtype=pl.Float64).to_numpy())
        elif isinstance(column.dtype, pl.Datetime):
            columns.append(column.dt.hour().cast(pl.Float64).to_numpy())
    return np.column_stack(columns).astype(np.float64) if columns else None


# regressions


def _dle(metric: Metric, reference: Labelled, window: _Window, matured: _Matured | None) -> "_Found | Reason":
    how = watched(metric)
    if not isinstance(metric, MeanLoss) or how is None:
        return because("no-mean-loss", metric=metric.name)
    excess, stretches = _excess(reference, metric.name)
    bins = next((each for each in reference.losses if each.metric == metric.name), None)
    found = None if bins is None else _by_bin(bins, window.predictions.values, excess, stretches)
    modelled = None if matured is None else _modelled(metric, window, matured, excess, stretches)
    if found is not None and modelled is not None:
        found = replace(modelled, excess=modelled.excess + (modelled.value - found.value) ** 2 / 3)
    found = modelled if found is None else found
    if found is None:
        return because("no-calibration")
    root = how.shown(found.value)
    if root == found.value:
        return found
    # Of a root the variance is that of the mean over the square of its slope.
    scale = (1 / (2 * max(root, 1e-12))) ** 2
    return _Found(
        root, found.sampling * scale, found.calibration * scale, found.excess * scale, found.stretches, found.assumes,
        found.effective,
    )  # fmt: skip


def _by_bin(bins: LossBins, value: Floats, excess: float, stretches: int) -> _Found:
    own = np.searchsorted(np.array(bins.edges), value, side="left")
    share = np.bincount(own, minlength=len(bins.rows)) / len(value)
    means, spread = np.array(bins.means), np.array(bins.deviations) ** 2
    sampling = float((share * spread).sum()) / len(value)
    calibration = float((share**2 * spread / np.array(bins.rows)).sum())
    assumes = because("assumes-predictions-mean-the-same")
    return _Found(float((share * means).sum()), sampling, calibration, excess, stretches, assumes)


def _modelled(metric: MeanLoss, window: _Window, matured: _Matured, excess: float, stretches: int) -> _Found | None:
    """Return the loss by a model of features and prediction, fitted on matured rows in turn without a stretch.

    What the model is off by on the stretches left out is added, weighted towards the window.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor

    served = matured.served
    if metric.undefined(served.y, served.predictions) is not None:
        return None
    names = [name for name in matured.frame.columns if name.startswith(FEATURE) and name in window.frame.columns]
    both = pl.concat([matured.frame.select(names), window.frame.select(names)], how="vertical_relaxed")
    features = _table(both) if names else None
    if features is None:
        return None
    table = np.column_stack([features, np.concatenate([served.predictions.values, window.predictions.values])])
    loss, n, weight = metric.losses(served.y, served.predictions), len(served.rows), matured.weight
    fold = folds_of(n) // 2
    residual, said = np.zeros(n), np.zeros(len(table) - n)
    folds = int(fold.max()) + 1
    for one in range(folds):
        out = np.flatnonzero(fold == one)
        model = HistGradientBoostingRegressor(
            max_iter=40, max_leaf_nodes=8, min_samples_leaf=100, early_stopping=False, random_state=0
        )
        with alone():
            model.fit(table[:n][fold != one], loss[fold != one])
            residual[out] = loss[out] - model.predict(table[out])
            said += model.predict(table[n:]) / folds
    off = float(np.average(residual, weights=weight))
    spread = float(np.average((residual - off) ** 2, weights=weight))
    by_fold = np.array([residual[fold == one].mean() for one in range(folds)])
    between = max(float(by_fold.var(ddof=1)) - float(residual.var()) * folds / n, 0.0)
    assumes = because("assumes-features-mean-the-same")
    return _Found(
        max(float(said.mean()) + off, 0.0), spread / len(said), spread / matured.effective, max(excess, between),
        max(stretches, folds), assumes, matured.effective,
    )  # fmt: skip


def _tried_losses(metric: MeanLoss, value: Floats, loss: Floats, unit: Any) -> Tried | None:
    """Return how estimates by bin fare on stretches of the test rows, each left out in turn."""
    how = watched(metric)
    fold = folds_of(len(loss), unit)
    off, said = [], []
    for one in range(int(fold.max()) + 1):
        inside = fold == one
        bins = loss_bins(metric.name, value[~inside], loss[~inside])
        if bins is None or inside.sum() < FEWEST_ROWS:
            continue
        found = _by_bin(bins, value[inside], 0.0, 2)
        off.append((float(loss[inside].mean()) - found.value) ** 2)
        said.append(found.sampling + found.calibration)
    if len(off) < 3 or how is None:
        return None
    mean, excess = float(loss.mean()), max(float(np.mean(off)) - float(np.mean(said)), 0.0)
    half = t_value(_CONFIDENCE, len(off) - 1) * math.sqrt((float(np.mean(said)) + excess) / len(off))
    return Tried(
        metric=metric.name, value=how.shown(mean), low=how.shown(mean - half), high=how.shown(mean + half),
        stretches=len(off), excess=excess,
    )  # fmt: skip
