"""The paired bootstrap of AUC, log loss and accuracy beside a loop over scikit-learn's functions, in one run.

`python -m benchmarks.bootstrap` prints seconds for 2,000 resamples, the ratio of medians, and both sides' limits.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable

import numpy as np
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

from modelyard.metrics.catalogue import METRICS
from modelyard.metrics.predictions import Predictions
from modelyard.stats.bootstrap import CHUNK, Rows, resample

RESAMPLES = 2_000
PEER_RESAMPLES = 300
"""Of the peer's loop in each round; its seconds are scaled to 2,000."""
NAMES = ("roc_auc", "log_loss", "accuracy")


def models(rows: int) -> tuple[np.ndarray, list[Predictions]]:
    """Truth, and two models that are alike but not the same."""
    draw = np.random.default_rng(1)
    hidden = draw.normal(size=rows)
    y = (hidden + draw.normal(size=rows) > 1).astype(np.int64)
    found = []
    for noise in (0.5, 0.55):
        probability = 1 / (1 + np.exp(-2 * (hidden + noise * draw.normal(size=rows) - 1)))
        found.append(Predictions(2, label=(probability >= 0.5).astype(np.int64), probability=probability))
    return y, found


def ours(y: np.ndarray, both: list[Predictions], resamples: int) -> np.ndarray:
    """Differences (resamples, 3)."""
    six = [METRICS.get(name).statistic(y, model) for model in both for name in NAMES]
    drawn, _ = resample(six, Rows.of(len(y)), 7, 0, resamples)
    return drawn[:, :3] - drawn[:, 3:]


def peer(y: np.ndarray, both: list[Predictions], resamples: int) -> np.ndarray:
    """Return the same by the loop that most people write."""
    draw, found = np.random.default_rng(7), np.empty((resamples, 3))
    for at in range(resamples):
        rows = draw.integers(0, len(y), len(y))
        values = []
        for model in both:
            assert model.label is not None
            assert model.probability is not None
            values.append(
                [
                    roc_auc_score(y[rows], model.probability[rows]),
                    log_loss(y[rows], model.probability[rows]),
                    accuracy_score(y[rows], model.label[rows]),
                ]
            )
        found[at] = np.array(values[0]) - np.array(values[1])
    return found


def timed(work: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    """Seconds, and what came out."""
    start = time.perf_counter()
    found = work()
    return time.perf_counter() - start, found


def main() -> None:
    """Alternate both sides, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    y, both = models(given.rows)
    ours(y, both, CHUNK)
    mine: list[float] = []
    theirs: list[float] = []
    values: list[np.ndarray] = []
    drawn = np.empty((0, 3))
    for _ in range(given.rounds):
        seconds, drawn = timed(lambda: ours(y, both, RESAMPLES))
        mine.append(seconds)
        seconds, some = timed(lambda: peer(y, both, PEER_RESAMPLES))
        theirs.append(seconds * RESAMPLES / PEER_RESAMPLES)
        values.append(some)
    slow = np.concatenate(values)
    print(f"{given.rows:,} rows, two models, {os.cpu_count()} cores, {given.rounds} rounds")
    print(f"modelyard, {RESAMPLES:,} resamples: median {statistics.median(mine):.2f} s")
    print(f"loop, scaled from {PEER_RESAMPLES} a round: median {statistics.median(theirs):.1f} s")
    print(f"ratio of medians: {statistics.median(theirs) / statistics.median(mine):.1f}")
    for at, name in enumerate(NAMES):
        quick, loop = drawn[:, at].std(ddof=1), slow[:, at].std(ddof=1)
        print(f"{name}: error {quick:.6f}, loop {loop:.6f}, ratio {quick / loop:.3f} (Monte Carlo error 0.03)")


if __name__ == "__main__":
    main()
