"""Data with a known truth, from a seed: what intervals are judged on."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr


@dataclass(frozen=True)
class Ranked:
    """Scores of two models for n rows, with the true AUC of each."""

    y: Any
    first: Any
    second: Any
    auc_first: float
    auc_second: float


def ranked(draw: np.random.Generator, n: int, positives: float, shifts: tuple[float, float], rho: float) -> Ranked:
    """Two correlated normal scores; a positive's are shifted, so that AUC = Φ(shift/√2). Both classes occur."""
    y, count = np.zeros(n, dtype=np.int64), 0
    while not 0 < count < n:
        y = (draw.random(n) < positives).astype(np.int64)
        count = int(y.sum())
    shared, own = draw.normal(size=(2, n)), draw.normal(size=(2, n))
    noise = np.sqrt(rho) * shared[0] + np.sqrt(1 - rho) * own
    aucs = [float(ndtr(shift / np.sqrt(2))) for shift in shifts]
    return Ranked(y, noise[0] + shifts[0] * y, noise[1] + shifts[1] * y, aucs[0], aucs[1])


def paired_labels(draw: np.random.Generator, n: int, only_first: float, only_second: float) -> tuple[int, int]:
    """Rows that only the first, and only the second model has right."""
    drawn = draw.multinomial(n, [only_first, only_second, 1 - only_first - only_second])
    return int(drawn[0]), int(drawn[1])


def days(draw: np.random.Generator, groups: int, rows: int, spread: float, memory: float = 0.0) -> tuple[Any, Any]:
    """Values with mean 0: rows of a day share a shock, which remembers the day before."""
    shock = np.zeros(groups)
    last = draw.normal()
    for day in range(groups):
        last = memory * last + np.sqrt(1 - memory**2) * draw.normal()
        shock[day] = last
    unit = np.repeat(np.arange(groups), rows)
    return spread * shock[unit] + draw.normal(size=groups * rows), unit
