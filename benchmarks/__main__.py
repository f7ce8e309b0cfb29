"""Run every benchmark, each in a process of its own: ``python -m benchmarks [--quick] [--only NAME]``.

Quick sizes show that a benchmark still runs; their figures mean little. What is measured in full goes into RESULTS.md.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
QUICK: dict[str, Sequence[Sequence[str]]] = {
    "start_up": [["--repeats", "3"]],
    "job_overhead": [["--times", "1"]],
    "bootstrap": [["--rows", "5000", "--rounds", "1"]],
    "slices": [["--rows", "100000"]],
    "reading": [["--rows", "20000", "--times", "1"]],
    "coverage": [["--repetitions", "50"], ["--gates", "3"]],
    "sequences": [["--runs", "20", "--values", "1000"]],
    "adjusted": [["--runs", "10"]],
    "datasets": [["--only", "wine"]],
    "repositories": [["--only", "network"]],
    "registry_scale": [["--versions", "200", "--times", "3"]],
    "registry_large": [["--mib", "32", "--times", "2"]],
    "registry_fire": [["--kills", "6", "--timed", "2", "--processes", "2", "--promotions", "3"]],
    "registry_mlflow": [["--processes", "2", "--promotions", "2"]],
    "github_fire": [["--requests", "3"]],
    "monitoring": [["--runs", "5", "--only", "alarms", "power", "faults"], ["--size", "400000", "--only", "size"]],
    "log_scan": [["--millions", "1"]],
    "prediction_log": [["--rows", "2000", "--times", "1", "--rounds", "2"]],
    "served_performance": [["--runs", "4"]],
}
"""Benchmark to its quick runs."""
FULL: dict[str, Sequence[Sequence[str]]] = {"coverage": [[], ["--gates", "2000"]]}
"""Benchmark to its full runs, where that is not one run with its own defaults."""


def run(name: str, *, quick: bool) -> bool:
    """Run one benchmark; returns whether it ended well."""
    ended_well = True
    for arguments in QUICK[name] if quick else FULL.get(name, [[]]):
        print(f"\n== benchmarks.{' '.join([name, *arguments])}", flush=True)
        started = time.perf_counter()
        done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *arguments], cwd=ROOT, check=False)
        print(f"-- exit code {done.returncode}, {time.perf_counter() - started:.0f} s", flush=True)
        ended_well = ended_well and done.returncode == 0
    return ended_well


def main() -> int:
    """Run them in order; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--only", choices=list(QUICK), action="append", help="this one; may be repeated")
    given = parser.parse_args()
    failed = [name for name in given.only or QUICK if not run(name, quick=given.quick)]
    if failed:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
