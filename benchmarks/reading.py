"""How long 1 million rows of 18 columns take to read, from CSV and from Parquet; beside it, another source tree.

    python -m benchmarks.reading [--beside OTHER/src]

Each reading is a process of its own; the trees take turns, so that what else the machine does falls on both.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

SOURCE = Path(__file__).resolve().parents[1] / "src"
CHILD = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from modelyard.data import reading
assert Path(reading.__file__).is_relative_to(sys.argv[1]), reading.__file__
started, worked = time.perf_counter(), time.process_time()
rows = len(reading.read((Path(sys.argv[2]),)))
print(time.perf_counter() - started, time.process_time() - worked)
"""


def table(rows: int) -> pl.DataFrame:
    """Return numbers, whole ones, text, truth values and times."""
    draw = np.random.default_rng(1)
    columns: dict[str, Any] = {f"decimal{at}": draw.normal(size=rows).round(5) for at in range(8)}
    columns |= {f"whole{at}": draw.integers(0, 10_000, rows) for at in range(5)}
    columns |= {f"text{at}": draw.choice(["red", "green", "blue", "a longer one"], rows) for at in range(3)}
    columns["flag"] = draw.random(rows) < 0.5
    columns["time"] = np.datetime64("2020-01-01", "us") + draw.integers(0, 100_000, rows) * np.timedelta64(60, "s")
    return pl.DataFrame(columns)


def main() -> None:
    """Print medians of wall and processor seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--beside", type=Path, help="another source tree, such as that of an older version")
    given = parser.parse_args()
    trees = {"here": SOURCE, **({"beside": given.beside.resolve()} if given.beside else {})}
    with tempfile.TemporaryDirectory() as folder:
        frame = table(given.rows)
        frame.write_csv(Path(folder, "rows.csv"), datetime_format="%Y-%m-%d %H:%M:%S")
        frame.write_parquet(Path(folder, "rows.parquet"))
        for name in ("rows.csv", "rows.parquet"):
            took: dict[str, list[tuple[float, float]]] = {tree: [] for tree in trees}
            for _ in range(given.times):
                for tree, source in trees.items():
                    command = [sys.executable, "-c", CHILD, str(source), str(Path(folder, name))]
                    done = subprocess.run(command, capture_output=True, text=True, check=True)
                    wall, worked = map(float, done.stdout.split())
                    took[tree].append((wall, worked))
            for tree, each in took.items():
                wall, worked = (statistics.median(values) for values in zip(*each, strict=True))
                print(f"{name}, {tree}: n = {given.times}, median {wall:.2f} s, processor {worked:.2f} s")


if __name__ == "__main__":
    main()
