"""Three gates with 200 slices on 5 million rows: seconds and peak memory. `python -m benchmarks.slices [--rows N]`.

AUC, log loss and accuracy, no worse than the champion, closed forms throughout; two sizes show that it is linear.
"""

import argparse
import os
import resource
import time

import numpy as np

from benchmarks.bootstrap import models
from modelyard.config.sections.gate import Gate
from modelyard.evaluation.gates import rules
from modelyard.evaluation.gates.judge import judge
from modelyard.evaluation.test_set import Groups, TestSet

SLICES = 200


def seconds(rows: int, slices: int) -> tuple[float, dict[str, float]]:
    """Seconds of all gates together, and of each."""
    y, both = models(rows)
    codes = np.random.default_rng(2).integers(0, slices, rows)
    columns = {"part": Groups(tuple(f"s{at}" for at in range(slices)), codes)}
    truth = TestSet(y, None, "row", in_time_order=False, weight=None, seed=1, confidence=0.95)
    gates = [Gate(metric=name, no_worse_than="champion", margin=0.01, by=("part",)) for name in NAMES]
    found = rules.from_config(gates, "binary", lambda _: None, "")
    parts = {}
    for rule in found:
        start = time.perf_counter()
        result = judge(rule, truth, {"challenger": both[0], "champion": both[1]}, columns)
        assert len(result.slices) == slices
        parts[rule.metric.name] = time.perf_counter() - start
    return sum(parts.values()), parts


NAMES = ("roc_auc", "log_loss", "accuracy")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    rows = parser.parse_args().rows
    print(f"{os.cpu_count()} cores\n\n| rows | slices | seconds | " + " | ".join(NAMES) + " | peak MiB so far |")
    print("|---:|---:|---:|" + "---:|" * (len(NAMES) + 1))
    for n, slices in ((rows // 5, SLICES), (rows, SLICES // 4), (rows, SLICES)):
        total, parts = seconds(n, slices)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        each = " | ".join(f"{parts[name]:.1f}" for name in NAMES)
        print(f"| {n:,} | {slices} | {total:.1f} | {each} | {peak:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
