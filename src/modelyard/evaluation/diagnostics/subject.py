"""What is diagnosed, and how few rows are too few to tell of."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from modelyard.data.profile import FEWEST
from modelyard.evaluation.test_set import TestSet
from modelyard.metrics.predictions import Floats, Ints, Predictions
from modelyard.metrics.shared import MeanCost


@dataclass(frozen=True)
class Subject:
    """The test rows and both models' predictions of them; ``threshold`` and ``times`` as in ``diagnose``."""

    test_set: TestSet
    models: Mapping[str, Predictions]
    threshold: float | None = None
    times: Any | None = None
    costs: MeanCost | None = None
    personal: bool = False
    """The target is personal data: nothing is told of ranges of its values."""

    @property
    def challenger(self) -> Predictions:
        """The model that is judged."""
        return self.models["challenger"]

    @cached_property
    def weight(self) -> Floats:
        """Weight of each row (n,), 1 where no column holds any."""
        return np.ones(len(self.test_set.y)) if self.test_set.weight is None else self.test_set.weight


def digits(value: float, keep: int = 6) -> float:
    """Return a number with so many digits, so that machines which add up in another order agree."""
    return float(f"{value:.{keep}g}") if math.isfinite(value) else 0.0


def shares_of(part: Floats, whole: Floats, rows: Ints) -> list[float | None]:
    """Return part/whole of each group; None where a group has fewer than ten rows or no weight."""
    return [
        digits(float(p / w)) if n >= FEWEST and w > 0 else None
        for p, w, n in zip(part.tolist(), whole.tolist(), rows.tolist(), strict=True)
    ]


def merged(counts: Ints, fewest: int = FEWEST) -> list[tuple[int, int]]:
    """Return ranges [start, end) of neighbouring bins that hold at least so many rows each; empty bins widen them.

    Args:
        counts: (bins,) rows of each bin.
        fewest: rows of a range; of fewer rows altogether there is one range, or none where they are fewer than that.
    """
    if int(counts.sum()) < fewest:
        return []
    found: list[tuple[int, int]] = []
    start = held = 0
    for at, rows in enumerate(counts.tolist()):
        held += rows
        if held >= fewest:
            found.append((start, at + 1))
            start, held = at + 1, 0
    if start < len(counts):
        found[-1] = (found[-1][0], len(counts))
    return found
