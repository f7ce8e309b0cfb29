"""Margins that a test set of this size can resolve, from training folds alone, so that no test row is looked at."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaincinv

from modelyard.metrics.catalogue import METRICS
from modelyard.records.results import TrainResult
from modelyard.stats.power import Z_BOTH

TENTH = 0.1


@dataclass(frozen=True)
class Suggestion:
    """What is worth writing as a margin for one metric.

    Attributes:
        metric: the primary metric.
        score: the winner's mean over the folds.
        baseline: the metric of a model without features on the training rows; None where the record does not tell it.
        resolvable: the smallest margin that two models as alike as the candidates can be told apart by, with 80 %
            power; None where there is no pair of candidates.
        worth: a tenth of the gain over the baseline; 0 where there is none.
        margin: what to write: the resolvable margin, and never above what a tenth of the gain is worth; None where that
            is not known, or nothing.
        folds: behind the estimate.
        rows: of the test set.
    """

    metric: str
    score: float
    baseline: float | None
    resolvable: float | None
    worth: float | None
    margin: float | None
    folds: int
    rows: int


def suggest(trained: TrainResult) -> Suggestion | None:
    """Return a margin for the primary metric; None where nothing was cross-validated.

    The spread of the candidates' differences over the folds, at its upper 80 % bound since folds are few, is scaled
    from a fold's rows to the test set's.
    """
    metric = METRICS.get(trained.metric) if trained.metric in METRICS else None
    rows = [row for row in trained.candidates if len(row.scores) >= 2 and not row.problem]
    winner = next((row for row in rows if row.winner), None)
    if metric is None or winner is None or winner.score is None or trained.test_rows == 0:
        return None
    spreads = [
        float(np.std(np.array(row.scores) - np.array(winner.scores), ddof=1))
        for row in rows
        if row is not winner and len(row.scores) == len(winner.scores)
    ]
    known = [spread for spread in spreads if spread > 0]
    folds = len(winner.scores)
    resolvable = None
    if known:
        degrees = folds - 1
        upper = math.sqrt(degrees / (2 * float(gammaincinv(degrees / 2, 0.2))))
        parts = folds + 1 if trained.folds_follow == "time" else folds
        scale = math.sqrt(trained.train_rows / parts / trained.test_rows)
        resolvable = _rounded(Z_BOTH * float(np.median(known)) * upper * scale, math.ceil)
    baseline, margin = trained.baseline_score, None
    gain = 0.0 if baseline is None else (winner.score - baseline) * (1 if metric.higher_is_better else -1)
    worth = None if baseline is None else max(gain, 0.0) * TENTH
    if worth:
        most = _rounded(worth, math.floor)
        margin = most if resolvable is None else min(resolvable, most)
    return Suggestion(trained.metric, winner.score, baseline, resolvable, worth, margin, folds, trained.test_rows)


def _rounded(value: float, to: Callable[[float], int]) -> float:
    """To two digits, so that what is written keeps on its side: up to what can be resolved, down from what is worth."""
    if value <= 0:
        return value
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    slip = 1e-9 if to is math.floor else -1e-9
    return round(to(value / unit + slip) * unit, 12)
