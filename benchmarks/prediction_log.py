"""µs a row of a prediction log beside plain loops, how fast it is read, and what kills leave of it.

All writers write the same rows of 18 features in turn, and the median of the rounds counts. `json.dumps` and a buffered
write is the least that JSON lines can cost; with a flush a row it keeps what a log keeps when the process is killed.
"""

import argparse
import json
import logging
import os
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from modelyard.log import Writer, read
from tests.log_fire import fire

Row = tuple[str, dict[str, float], dict[str, Any]]


def made(count: int) -> list[Row]:
    chosen = random.Random(1)  # noqa: S311 - rows are no secret
    numbers = [f"n{at}" for at in range(12)]
    words = [f"w{at}" for at in range(6)]
    rows: list[Row] = []
    for at in range(count):
        late = round(chosen.random(), 6)
        features: dict[str, Any] = {name: chosen.gauss(0, 100) for name in numbers}
        features.update({name: chosen.choice(["JFK", "LGA", "EWR"]) for name in words})
        rows.append((f"request-{at:09d}", {"late": late, "on time": 1 - late}, features))
    return rows


def plain(path: Path, rows: list[Row], *, flush: bool) -> None:
    with path.open("w") as file:
        for id_, prediction, features in rows:
            row = {"id": id_, "time": time.time(), "model": "v7", "prediction": prediction, "features": features}
            file.write(json.dumps(row) + "\n")
            if flush:
                file.flush()


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return json.dumps({"time": record.created, "model": "v7", **record.__dict__["row"]})


def with_logging(path: Path, rows: list[Row]) -> None:
    logger = logging.Logger("predictions", logging.INFO)
    handler = logging.FileHandler(path)
    handler.setFormatter(_Json())
    logger.addHandler(handler)
    for id_, prediction, features in rows:
        logger.info("", extra={"row": {"id": id_, "prediction": prediction, "features": features}})
    handler.close()


def ours(path: Path, rows: list[Row], format_: str) -> None:
    with Writer(path, model="v7", format=format_) as log:
        for id_, prediction, features in rows:
            log.write(id=id_, prediction=prediction, features=features)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--times", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=25, help="of four processes that are killed")
    given = parser.parse_args()
    rows = made(given.rows)
    subjects: dict[str, Callable[[Path], None]] = {
        "json.dumps and write": lambda path: plain(path, rows, flush=False),
        "json.dumps, write and flush": lambda path: plain(path, rows, flush=True),
        "logging with a JSON formatter": lambda path: with_logging(path, rows),
        "modelyard.log, JSON lines": lambda path: ours(path, rows, "jsonl"),
        "modelyard.log, CSV": lambda path: ours(path, rows, "csv"),
        "modelyard.log, Parquet": lambda path: ours(path, rows, "parquet"),
    }
    took: dict[str, list[float]] = {name: [] for name in subjects}
    print(f"{given.rows:,} rows, n = {given.times} each; {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as scratch:
        for each in range(given.times):
            for at, (name, subject) in enumerate(subjects.items()):
                started = time.perf_counter()
                subject(Path(scratch) / f"{each}-{at}")
                took[name].append((time.perf_counter() - started) / given.rows * 1e6)
        least = statistics.median(took["json.dumps and write"])
        print("| writer | µs a row | over json.dumps and write |\n|---|---:|---:|")
        for name, times in took.items():
            middle = statistics.median(times)
            print(f"| {name} | {middle:.1f} ({min(times):.1f} to {max(times):.1f}) | {middle / least:.2f} |")
        for at, name in enumerate(subjects):
            if name.startswith("modelyard"):
                started = time.perf_counter()
                counts = read(Path(scratch) / f"0-{at}").counts
                assert counts.predictions == given.rows
                print(f"read {name}: {given.rows / (time.perf_counter() - started):,.0f} rows a second (n = 1)")
        print(fire(Path(scratch) / "fire", rounds=given.rounds, processes=4, seed=1))


if __name__ == "__main__":
    main()
