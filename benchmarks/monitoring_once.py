"""Compare two Parquet files, as ``benchmarks.monitoring`` times it: reference, summary, and drift of each column."""

import sys

import polars as pl

from modelyard.monitoring.drift import drift
from modelyard.monitoring.reference import reference_of
from modelyard.monitoring.summary import summarise

KEY = b"two files, compared in a process"


def compare() -> None:
    """Print how many columns drifted."""
    reference, current = (pl.read_parquet(path) for path in sys.argv[1:3])
    features = reference.rename(lambda name: name.removeprefix("feature_"))
    nothing = pl.select(prediction=pl.repeat(0.0, len(reference)))
    of = reference_of(features, nothing, None, task="regression", key=KEY)
    found = drift(of, summarise(current, of, key=KEY))
    print(sum(each.alarm for each in found), "of", len(found))


if __name__ == "__main__":
    compare()
