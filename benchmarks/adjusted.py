"""Levels adjusted by a column of more rows: tails, and width over the plain one: `python -m benchmarks.adjusted`."""

import argparse
from itertools import product
from unittest.mock import patch

import numpy as np

from modelyard.evaluation.intervals import measure
from modelyard.metrics.catalogue import METRICS
from modelyard.stats import bootstrap
from tests.statistics import by_name
from tests.statistics.cases import RESAMPLES


def row(kind: str, n: int, strength: float, units: int, runs: int) -> str:
    """One line of the table."""
    truth, metric = by_name.controlled_truth(kind, strength, units=units > 0), METRICS.get(kind)
    drawn, draw = by_name.controlled_rows(kind, n, strength, units), np.random.default_rng(1)
    found = np.full((runs, 4), np.nan)
    for at in range(runs):
        test_set, model, control = drawn(draw, at)
        plain, own = (measure.level(metric, test_set, model, control=each) for each in (None, control))
        if plain.low is None or plain.high is None or own.low is None or own.high is None:
            continue
        found[at] = own.low > truth, own.high < truth, own.high - own.low, plain.high - plain.low
    known = found[~np.isnan(found[:, 0])]
    above, below, width, before = known.mean(axis=0) if len(known) else (0, 0, np.nan, np.nan)
    over = f"{units} stores" if units else "rows"
    return (
        f"| {kind} | {n:,} | {over} | {strength} | {above:.1%} | {below:.1%} | {width / before:.2f} | "
        f"{runs - len(known):,} of {runs:,} |"
    )


def main() -> None:
    """Print the table, a line as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000, help="of each line")
    given = parser.parse_args()
    print("| level | n | over | strength | above | below | width over the plain one | refused |")
    print("|---|---:|---|---:|---:|---:|---:|---:|")
    with patch.object(bootstrap, "RESAMPLES", RESAMPLES), patch.object(bootstrap, "MORE_RESAMPLES", RESAMPLES):
        for kind, n, strength in product(
            ("accuracy", "mean_absolute_error"), (100, 200, 1_000, 5_000), (0.0, 0.5, 0.8)
        ):
            for units in (0, 100) if n >= 1_000 else (0,):
                print(row(kind, n, strength, units, given.runs), flush=True)


if __name__ == "__main__":
    main()
