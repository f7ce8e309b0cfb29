"""10,000 versions and 10,000 moves in a local registry: milliseconds a question. `python -m benchmarks.registry_scale`.

Each question is asked by a registry that was just opened, so that nothing is remembered from the one before; files are
in the page cache.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from modelyard.registry.local.registry import LocalRegistry
from tests.registry_many import many
from tests.registry_samples import Clock, registry


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--versions", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=15)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        start = time.perf_counter()
        where = many(folder, given.versions)
        clock = Clock(datetime.fromisoformat(where.resolve("champion").manifest.created))
        print(f"{given.versions:,} versions and moves, built in {time.perf_counter() - start:.0f} s; "
              f"n = {given.times} each; {os.cpu_count()} cores\n")  # fmt: skip
        newest = where.resolve("champion")
        day = where.history()[given.versions // 2].at[:10]
        prefix = newest.manifest.model_digest[: len("sha256:") + 12]
        questions: dict[str, Callable[[LocalRegistry], object]] = {
            "resolve champion": lambda own: own.resolve("champion"),
            "resolve v5000": lambda own: own.resolve(f"v{given.versions // 2}"),
            "resolve sha256:…": lambda own: own.resolve(prefix),
            f"resolve champion@{day}": lambda own: own.resolve(f"champion@{day}"),
            "history, newest 50": lambda own: own.history("champion", newest=50),
            "history, whole": lambda own: own.history(),
        }
        print("| question | median ms | from | to |\n|---|---:|---:|---:|")
        for question, ask in questions.items():
            times = []
            for _ in range(given.times + 1):
                own = registry(folder, clock)
                start = time.perf_counter()
                ask(own)
                times.append(1000 * (time.perf_counter() - start))
            times.pop(0)
            print(f"| {question} | {statistics.median(times):.1f} | {min(times):.1f} | {max(times):.1f} |")
        state, packs = (where.folder / "state.json").stat().st_size, list(where.folder.glob("packs/*"))
        print(f"\nstate.json {state:,} bytes; {len(packs)} packs")


if __name__ == "__main__":
    main()
