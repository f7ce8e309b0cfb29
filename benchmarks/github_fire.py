"""Every request of a promotion on GitHub fails in every way, once and for as long as it is repeated, as a table.

`python -m benchmarks.github_fire`; each case ends with a second run and the check of the one right state, and the
first that does not ends the script. The rows are what tests/github_fire.py knows; the suite runs a half of them.
"""

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.github_fire import WAYS, Fire, Outcome, Way, fire

MORE: Mapping[str, Way] = {"an empty asset is left": Way("starter")}


def row(name: str, burning: Fire, way: Way, requests: int) -> tuple[str, int]:
    """Return one line of the table, and the cases in it."""
    told, cases = [name], 0
    for sticky in (False, True):
        found = [burning.case(at, way, sticky=sticky) for at in range(requests)]
        told += [str(len(found)), str(sum(outcome.ended for outcome in found)), _again(found)]
        cases += len(found)
    return f"| {' | '.join(told)} |", cases


def _again(found: Sequence[Outcome]) -> str:
    most = max(outcome.again for outcome in found)
    least = min(outcome.again for outcome in found)
    return f"{least} to {most}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=None, help="let only the first so many fail")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, fire(Path(folder)) as burning:
        assert burning.hub.violations == []
        burning.hub.checked = False  # the same requests, a thousand times
        parts = ", ".join(f"{part} {len(requests)}" for part, requests in burning.parts.items())
        print(f"{burning.requests} requests: {parts}; {os.cpu_count()} cores, Python {platform.python_version()}\n")
        print("| a request fails by | cases, once | one run was enough | requests of the next run "
              "| cases, repetitions too | one run was enough | requests of the next run |")  # fmt: skip
        print("|---|---|---|---|---|---|---|")
        started, cases = time.perf_counter(), 0
        for name, way in {**WAYS, **MORE}.items():
            line, more = row(name, burning, way, min(given.requests or burning.requests, burning.requests))
            cases += more
            print(line, flush=True)
        took = time.perf_counter() - started
        print(f"\n{cases:,} cases, {cases:,} in the one right state after the next run; {took:.0f} s")


if __name__ == "__main__":
    main()
