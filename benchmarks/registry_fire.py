"""The local registry under fire, in full: kills and processes at once. `python -m benchmarks.registry_fire`.

300 children that publish, move an alias or collect are killed with SIGKILL, each at a line that the seed chooses; 60
more that publish a model of 32 MiB are killed after a random time. Then 8 processes make 50 promotions each at once.
After every death every alias is resolved, every digest compared, and the next run goes on.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from modelyard.registry.verify import verify_registry
from tests.registry_child import check
from tests.registry_samples import bundle, published, registry, run_folder, write_chain


def child(*arguments: str) -> subprocess.Popen[str]:
    """Return a process of tests.registry_child."""
    command = [sys.executable, "-m", "tests.registry_child", *arguments]
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def by_line(folder: Path, seed: int, times: int) -> None:
    """Deaths at a chosen line."""
    start = time.perf_counter()
    process = child("die", str(folder), str(seed), str(times))
    printed, errors = process.communicate()
    if process.returncode:
        sys.exit(errors)
    done = json.loads(printed)
    killed = ", ".join(f"{name} {count}" for name, count in done["killed"].items())
    print(f"killed at a line: {sum(done['killed'].values())} of {times} ({killed}), lines {done['lines']}")
    where = registry(folder)
    print(f"  {len(where.list())} versions kept, {len(where.removed())} removed, {len(where.entries())} entries, "
          f"{len(verify_registry(where).checked)} things verified; {time.perf_counter() - start:.0f} s")  # fmt: skip


def by_time(folder: Path, seed: int, times: int) -> None:
    """Deaths after a time, most of them within a write or a sync of large files."""
    chosen = random.Random(seed)  # noqa: S311 - reproducible moments, not secrets
    where = registry(folder)
    whole, killed = 1.0, 0
    for at in range(times):
        run = run_folder(folder / "runs" / str(at), f"payload {at}")
        (run / "model" / "model.bin").write_bytes(chosen.randbytes(32 << 20))
        write_chain(run)
        process = child("publish", str(folder), str(run), "1")
        assert process.stdout is not None
        process.stdout.readline()
        start = time.perf_counter()
        try:
            process.wait(chosen.uniform(0, whole))
        except subprocess.TimeoutExpired:
            process.kill()
            killed += 1
        else:
            whole = time.perf_counter() - start
        process.communicate()
        check(registry(folder))
        version = where.publish(bundle(run))
        assert version.number == at + 1
        check(registry(folder))
    where.discard(where.orphans())
    print(f"killed after a time: {killed} of {times}, {len(where.list())} versions, no byte wrong")


def at_once(folder: Path, processes: int, times: int) -> None:
    """Promotions at once."""
    where = registry(folder)
    published(where, folder, "one", "two")
    start = time.perf_counter()
    running = [child("move", str(folder), f"process-{at}", str(times)) for at in range(processes)]
    for process in running:
        _, errors = process.communicate()
        if process.returncode:
            sys.exit(errors)
    seconds = time.perf_counter() - start
    entries = where.entries()
    assert [entry.seq for entry in entries] == list(range(1, processes * times + 1))
    assert [entry.from_ for entry in entries] == [None, *(entry.to for entry in entries[:-1])]
    expected = sorted(f"process-{at} {number}" for at in range(processes) for number in range(times))
    assert sorted(entry.reason for entry in entries) == expected
    assert verify_registry(where).intact
    print(f"{processes} processes x {times} promotions: {len(entries)} entries in one line, none lost; {seconds:.0f} s")


def main() -> None:
    """Run all three."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=20260503)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--timed", type=int, default=60)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--promotions", type=int, default=50)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        by_line(home / "line", given.seed, given.kills)
        by_time(home / "time", given.seed, given.timed)
        at_once(home / "once", given.processes, given.promotions)


if __name__ == "__main__":
    main()
