"""Who follows a log in tests: a version with a reference and a rule, in this process or in one that is killed."""

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from modelyard.config.sections.data import Columns
from modelyard.log.sources import open_sources
from modelyard.metrics.catalogue import METRICS
from modelyard.monitoring.follow import Followed, Follower
from modelyard.monitoring.realised import Rule, Watch
from modelyard.monitoring.reference import reference_of
from modelyard.records.results import Signature

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
WAIT = timedelta(days=2)
SIGNATURE = Signature(features=(), task="binary", classes=(False, True), positive=True, threshold=0.5)
KEY = b"k" * 32
CARRIERS = ("AA", "UA", "B6")


def features(random: np.random.Generator, rows: int, *, shift: float = 0.0, most: float = 0.3) -> pl.DataFrame:
    """Features of a version's rows; both arguments let them drift."""
    return pl.DataFrame(
        {
            "far": random.normal(shift, 1, rows),
            "carrier": random.choice(CARRIERS, rows, p=[1 - 0.3 - most, 0.3, most]),
        }
    )


def followed(version: str) -> Followed | None:
    """What v7 is held to: 2,000 test rows, and an accuracy of 0.75."""
    if version != "v7":
        return None
    random = np.random.default_rng(1)
    frame = features(random, 2000)
    probability = 1 / (1 + np.exp(-2 * frame["far"].to_numpy()))
    late = random.random(2000) < probability
    reference = reference_of(
        frame, pl.DataFrame({"probability": probability}), late, task="binary", key=KEY, positive=True, threshold=0.5
    )
    return Followed(reference, (Watch(Rule(METRICS.get("accuracy"), "at_least", bound=0.6), SIGNATURE, ()),))


def follower(folder: Path, log: Path, *, columns: Columns | None = None) -> Follower:
    own = columns or Columns(target="late", unit="row")
    return Follower(folder / "state.db", open_sources(log, None), followed, columns=own, wait=WAIT, key=KEY)


if __name__ == "__main__":
    running = follower(Path(sys.argv[1]), Path(sys.argv[2]))
    os.write(1, b"started\n")
    for _ in range(int(sys.argv[3])):
        for told in running.look():
            for alarm in told:
                os.write(1, f"{alarm.model_dump_json()}\n".encode())
            os.write(1, b"kept\n")
