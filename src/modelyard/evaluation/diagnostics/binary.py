"""Two classes: confusion at the threshold, a table of thresholds, score histograms, reliability and lift."""

from typing import Any

import numpy as np

from modelyard.data.profile import FEWEST
from modelyard.evaluation.diagnostics.confusion import confusions, places
from modelyard.evaluation.diagnostics.subject import Subject, digits, merged, shares_of
from modelyard.metrics.predictions import Floats, Ints
from modelyard.records.results.diagnostics import (
    Diagnostics,
    Lift,
    LiftRow,
    Reliability,
    ReliabilityBin,
    ScoreBin,
    Scores,
    ThresholdRow,
    Thresholds,
)
from modelyard.stats import calibration

GRID = tuple(round(step / 20, 2) for step in range(1, 20))
BINS = 20
TENTHS = tuple(step / 10 for step in range(1, 11))


def diagnose(subject: Subject) -> Diagnostics:
    """Return what both models do with two classes; without probabilities the confusion alone."""
    names, at, others = places(subject)
    scored = {
        role: model.probability
        for role, model in subject.models.items()
        if model.probability is not None and model.probability.ndim == 1
    }
    codes = subject.test_set.codes
    both = 0 < int(codes.sum()) < len(codes)
    return Diagnostics(
        classes=names,
        others=others,
        confusion=confusions(subject, at, len(names) + (others > 0)),
        thresholds=tuple(_thresholds(subject, role, score) for role, score in scored.items()),
        scores=tuple(_scores(codes, role, score) for role, score in scored.items()),
        lift=tuple(_lift(subject, role, score) for role, score in scored.items()) if both else (),
        reliability=tuple(_reliability(codes, role, score) for role, score in scored.items()),
    )


def _thresholds(subject: Subject, role: Any, score: Floats) -> Thresholds:
    chosen = subject.threshold if role == "challenger" else None
    grid = sorted({*GRID, *([] if chosen is None else [chosen])})
    codes, weight = subject.test_set.codes, subject.weight
    # Rows by the number of thresholds that they reach; those that reach k of them are called positive by the first k.
    reached = np.searchsorted(np.array(grid), score, "right")

    def from_each(own: Floats) -> Floats:
        sums = np.bincount(reached, weights=own, minlength=len(grid) + 1).astype(np.float64)
        return np.asarray(np.cumsum(sums[::-1])[::-1][1:], dtype=np.float64)

    rows = from_each(np.ones(len(score))).astype(np.int64)
    called, hits = from_each(weight), from_each(weight * (codes == 1))
    total, positives = float(weight.sum()), float(weight[codes == 1].sum())
    precision = shares_of(hits, called, rows)
    recall = shares_of(hits, np.full(len(grid), positives), np.full(len(grid), int(codes.sum())))
    costs = _costs(subject, called, hits, total, positives)
    return Thresholds(
        model=role,
        chosen=chosen,
        cost="" if subject.costs is None else subject.costs.name,
        rows=tuple(
            ThresholdRow(
                threshold=threshold,
                rows=int(rows[at]),
                flagged=digits(called[at] / total),
                precision=precision[at],
                recall=recall[at],
                cost=None if costs is None else digits(float(costs[at])),
            )
            for at, threshold in enumerate(grid)
        ),
    )


def _costs(subject: Subject, called: Floats, hits: Floats, total: float, positives: float) -> Floats | None:
    """Return the mean cost of a row at each threshold."""
    if subject.costs is None:
        return None
    (kept, false_alarm), (miss, hit) = subject.costs.costs
    wrong, missed = called - hits, positives - hits
    found: Floats = (kept * (total - positives - wrong) + false_alarm * wrong + miss * missed + hit * hits) / total
    return found


def _scores(codes: Ints, role: Any, score: Floats) -> Scores:
    at = np.clip((score * BINS).astype(np.int64), 0, BINS - 1)
    positives = np.bincount(at[codes == 1], minlength=BINS)
    negatives = np.bincount(at[codes != 1], minlength=BINS)
    return Scores(
        model=role,
        bins=tuple(
            ScoreBin(
                low=round(start / BINS, 2),
                high=round(end / BINS, 2),
                negatives=int(negatives[start:end].sum()),
                positives=int(positives[start:end].sum()),
            )
            for start, end in merged(positives + negatives)
        ),
    )


def _lift(subject: Subject, role: Any, score: Floats) -> Lift:
    codes, weight = subject.test_set.codes, subject.weight
    own = weight * (codes == 1)
    base = float(own.sum() / weight.sum())
    limits = np.quantile(score, [1 - share for share in TENTHS], method="lower")
    found: dict[int, LiftRow] = {}
    for limit in limits.tolist():
        inside = score >= limit
        rows, mass, hits = int(inside.sum()), float(weight[inside].sum()), float(own[inside].sum())
        if rows >= FEWEST and mass > 0:
            found[rows] = LiftRow(
                share=digits(mass / float(weight.sum())),
                rows=rows,
                rate=digits(hits / mass),
                lift=digits(hits / mass / base) if base > 0 else 0.0,
                captured=digits(hits / float(own.sum())) if base > 0 else 0.0,
            )
    return Lift(model=role, rows=tuple(found[rows] for rows in sorted(found)))


def _reliability(codes: Ints, role: Any, score: Floats) -> Reliability:
    said, seen, rows = calibration.bins(codes, score)
    return Reliability(
        model=role,
        bins=tuple(
            ReliabilityBin(said=digits(one), seen=digits(other), rows=count)
            for one, other, count in zip(said.tolist(), seen.tolist(), rows.tolist(), strict=True)
            if count >= FEWEST
        ),
    )
