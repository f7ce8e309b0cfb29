"""The threshold that is best on training folds, against trying every one with scikit-learn's functions."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as peer

from modelyard.core.errors import DataError
from modelyard.training.threshold import best


def rows(seed: int = 1, n: int = 400) -> tuple[Any, Any, Any]:
    draw = np.random.default_rng(seed)
    y = (draw.random(n) < 0.2).astype(np.int64)
    return y, np.round(np.clip(0.25 * y + 0.6 * draw.random(n), 0.01, 0.99), 3), draw.uniform(0.5, 2.0, n)


COSTS = {(1, 0): 10.0, (0, 1): 1.0}
PEERS: dict[str, Callable[[Any, Any, Any], float]] = {
    "f1": lambda y, label, w: peer.f1_score(y, label, sample_weight=w),
    "balanced_accuracy": lambda y, label, w: peer.balanced_accuracy_score(y, label, sample_weight=w),
    "cost": lambda y, label, w: -float((w * (10.0 * (y > label) + 1.0 * (y < label))).sum()),
}


@pytest.mark.parametrize("goal", PEERS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_best_of_all_thresholds_is_found(goal: Any, seed: int) -> None:
    y, probability, weight = rows(seed)
    found = best(y, probability, weight, goal, COSTS if goal == "cost" else {})
    tried = np.unique(np.append(probability, 0.5))
    values = {at: PEERS[goal](y, (probability >= at).astype(int), weight) for at in tried}
    assert values[found] == pytest.approx(max(values.values()), abs=1e-9)


def test_ties_go_to_the_one_nearest_to_one_half_and_one_class_is_refused() -> None:
    y, probability = np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.8, 0.9])
    assert best(y, probability, np.ones(4), "f1", {}) == 0.5
    with pytest.raises(DataError, match="one class"):
        best(np.zeros(4, dtype=np.int64), probability, np.ones(4), "f1", {})


def test_rare_positives_take_a_low_threshold() -> None:
    y, probability, weight = rows()
    assert best(y, probability, weight, "cost", COSTS) < best(
        y, probability, weight, "cost", {(0, 1): 10.0, (1, 0): 1.0}
    )
