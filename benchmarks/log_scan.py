"""Memory and time of a log that is read in windows and counted: peak of a process of its own, by the rows of the log.

Partitions of 250,000 predictions of 18 features, and as many labels a day later, are written as Parquet; a window is
two of them. Each log is read twice: the second time it is unchanged, and only its windows' digests are asked for.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
PART = 250_000
HALF = timedelta(hours=12)
CHILD = """
import json, resource, sys, time
from datetime import timedelta
from pathlib import Path
from modelyard.log.sources import open_sources
from modelyard.log.stretches import Scan
from modelyard.monitoring.planned import planned
from modelyard.monitoring.profile import Reference, merge
from modelyard.monitoring.summary import summarise
folder = Path(sys.argv[1])
started = time.perf_counter()
reference = Reference.model_validate_json((folder / "reference.json").read_bytes())
log = Scan(open_sources(folder / "log", None), reach=timedelta(days=2), cache=folder / "cache")
plan = planned(log, every="1 day", zone="UTC", labels="1 day")
rows = labelled = 0
if sys.argv[2] == "read":
    for each in plan.windows:
        cut, _ = each.read()
        assert cut is not None
        found = summarise(cut.frame, reference)
        rows, labelled = rows + found.rows, labelled + found.labelled
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([rows, labelled, len(plan.windows), time.perf_counter() - started, peak, log.read_anew]))
"""


def features(random: np.random.Generator, rows: int) -> pl.DataFrame:
    numbers = {f"n{at}": np.round(random.normal(size=rows), 3) for at in range(12)}
    words = {f"w{at}": random.choice([f"level {level}" for level in range(40)], rows) for at in range(6)}
    return pl.DataFrame({**numbers, **words})


def write(folder: Path, parts: int) -> int:
    """Write so many partitions and a reference; returns their bytes."""
    from modelyard.monitoring.reference import reference_of

    random = np.random.default_rng(1)
    rows = features(random, PART).rename(lambda name: f"feature_{name}")
    probability = pl.Series("probability", np.round(random.random(PART), 4))
    test = features(random, 50_000)
    late = random.random(50_000) < 0.3
    scores = pl.DataFrame({"probability": random.random(50_000)})
    reference = reference_of(test, scores, late, task="binary", positive=True, threshold=0.5)
    (folder / "reference.json").write_text(reference.model_dump_json(), "utf-8")
    (folder / "log").mkdir()
    steps = pl.int_range(PART, eager=True) * (HALF // timedelta(microseconds=1) // PART)
    for part in range(parts):
        ids = pl.Series("id", range(part * PART, (part + 1) * PART)).cast(pl.String)
        times = (steps + int((BEGIN + part * HALF).timestamp() * 1e6)).cast(pl.Datetime("us", "UTC")).alias("time")
        frame = pl.DataFrame([ids, times, probability]).with_columns(model=pl.lit("v7")).hstack(rows)
        frame.write_parquet(folder / "log" / f"predictions-{part:05}.parquet")
        label = (probability < 0.3).alias("label")
        later = (times + timedelta(days=1)).alias("time")
        pl.DataFrame([ids, label, later]).write_parquet(folder / "log" / f"labels-{part:05}.parquet")
    return sum(path.stat().st_size for path in (folder / "log").iterdir())


def measured(folder: Path, how: str) -> list[float]:
    done = subprocess.run([sys.executable, "-c", CHILD, str(folder), how], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    found: list[float] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.log_scan", description=__doc__)
    parser.add_argument("--millions", type=int, nargs="+", default=[5, 50], help="rows of each log")
    parser.add_argument("--folder", type=Path, help="where logs are written; default: the system's")
    given = parser.parse_args()
    print(f"{platform.platform()}, Python {platform.python_version()}, Polars {pl.__version__}\n")
    print("| rows | MiB | windows | s, index and windows | µs a row | peak, MiB | s, unchanged | read again |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|")
    for millions in given.millions:
        with tempfile.TemporaryDirectory(dir=given.folder) as temporary:
            size = write(Path(temporary), millions * 1_000_000 // PART)
            time.sleep(2.5)  # files that changed a moment ago are not trusted
            rows, labelled, windows, seconds, peak, _ = measured(Path(temporary), "read")
            _, _, _, again, _, anew = measured(Path(temporary), "digests")
        if labelled < rows:
            sys.exit(f"{labelled} of {rows} rows have their label")
        each = seconds / rows * 1e6
        told = f"| {millions}M | {size >> 20:,} | {windows:.0f} | {seconds:.0f} | {each:.2f} | {peak:.0f} "
        print(f"{told}| {again:.1f} | {anew:.0f} |", flush=True)


if __name__ == "__main__":
    main()
