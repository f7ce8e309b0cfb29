"""Curves of the report: ROC, precision and recall, and reliability."""

from typing import Any

import numpy as np

from modelyard.evaluation.gates.decision import Models
from modelyard.evaluation.test_set import TestSet
from modelyard.metrics.predictions import Floats
from modelyard.records.results import CurvePoints
from modelyard.stats import calibration as stats

POINTS = 200
"""Points of a curve."""


def curves(test_set: TestSet, models: Models) -> tuple[CurvePoints, ...]:
    """Return ROC, precision and recall, and reliability of the binary models with probabilities."""
    found = []
    codes = test_set.y.astype(np.int64)
    for role in ("challenger", "champion"):
        model = models.get(role)
        if model is None or model.probability is None or model.probability.ndim > 1 or len(np.unique(codes)) < 2:
            continue
        order = np.argsort(-model.probability, kind="stable")
        ends = np.flatnonzero(np.append(np.diff(model.probability[order]) != 0, True))
        true, called = np.cumsum(codes[order] == 1)[ends], ends + 1
        positives = int(codes.sum())
        rate = true / positives
        false_rate = (called - true) / (len(codes) - positives)
        found.append(_curve("roc", role, np.append(0.0, false_rate), np.append(0.0, rate)))
        found.append(_curve("precision_recall", role, rate, true / called))
        predicted, seen, _ = stats.bins(codes, model.probability)
        found.append(_curve("calibration", role, predicted, seen))
    return tuple(sorted(found, key=lambda curve: curve.kind != "roc"))


def _curve(kind: Any, model: Any, x: Floats, y: Floats) -> CurvePoints:
    at = np.unique(np.linspace(0, len(x) - 1, min(POINTS, len(x))).astype(np.int64))
    return CurvePoints(
        kind=kind, model=model, x=tuple(np.round(x[at], 5).tolist()), y=tuple(np.round(y[at], 5).tolist())
    )
