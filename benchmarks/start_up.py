"""How long the front door takes: `modelyard --help`, and a `modelyard run` with nothing to do.

Whole processes, n = 10 each, alternating; beside them an empty Python process, so that the machine's own share is seen.
The run is examples/flights, promoted before (`make demo`), and once more before anything is timed.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FLIGHTS = ROOT / "examples" / "flights"


def seconds(command: list[str], folder: Path) -> float:
    """Return the wall time of one process, which must end well."""
    started = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return time.perf_counter() - started


def main() -> None:
    """Print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=10)
    repeats = parser.parse_args().repeats
    modelyard = str(Path(sys.executable).parent / "modelyard")
    subjects = {
        "an empty Python process": ([sys.executable, "-c", ""], ROOT),
        "`modelyard --help`": ([modelyard, "--help"], ROOT),
        "`modelyard run`, nothing to do (flights)": ([modelyard, "run"], FLIGHTS),
    }
    took: dict[str, list[float]] = {name: [] for name in subjects}
    if not (FLIGHTS / "modelyard-run").is_dir():
        subprocess.run([ROOT / "tools" / "demo"], check=True, stdout=subprocess.DEVNULL)
    seconds([modelyard, "run"], FLIGHTS)
    for _ in range(repeats):
        for name, (command, folder) in subjects.items():
            took[name].append(seconds(command, folder))
    print(f"n = {repeats} each, alternating; {os.cpu_count()} cores, Python {platform.python_version()}")
    for name, times in took.items():
        print(f"{name}: median {statistics.median(times):.3f} s (from {min(times):.3f} to {max(times):.3f})")


if __name__ == "__main__":
    main()
