"""A model of 1 GiB published and fetched locally against cp plus sha256sum. `python -m benchmarks.registry_large`.

Both sides run in one go and alternate; every target is new, every source is in the page cache. cp leaves the bytes to
the kernel, so a sync follows it outside its time, and our own fsync counts against us.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from modelyard.registry.local.registry import LocalRegistry
from tests.registry_samples import MODEL, bundle, run_folder, write_chain


def timed(action: Callable[[], object]) -> float:
    """Seconds of one call, with nothing left over from the one before."""
    os.sync()
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def plain(source: Path, target: Path) -> None:
    """Do what people do by hand: copy, then hash the copy."""
    subprocess.run(["cp", str(source), str(target)], check=True)
    subprocess.run(["sha256sum", str(target)], check=True, stdout=subprocess.DEVNULL)


def synced(source: Path, target: Path) -> None:
    """Do the same, and bring it to the disk."""
    plain(source, target)
    subprocess.run(["sync", str(target)], check=True)


def main() -> None:
    """Print medians, ranges and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=None)
    given = parser.parse_args()
    home = Path(tempfile.mkdtemp(dir=given.folder))
    try:
        run = run_folder(home / "run")
        big = run / "model" / "model.bin"
        with big.open("wb") as stream:
            for _ in range(given.mib):
                stream.write(os.urandom(1 << 20))
        write_chain(run)
        said = bundle(run)
        times: dict[str, list[float]] = {"cp + sha256sum": [], "the same, synced": [], "publish": [], "fetch": []}
        for _ in range(given.times):
            where = LocalRegistry(home / ".modelyard", MODEL)
            times["cp + sha256sum"].append(timed(lambda: plain(big, home / "copy")))
            (home / "copy").unlink()
            times["publish"].append(timed(partial(where.publish, said)))
            times["the same, synced"].append(timed(lambda: synced(big, home / "copy")))
            (home / "copy").unlink()
            times["fetch"].append(timed(partial(where.fetch, where.resolve("v1"), home / "fetched")))
            shutil.rmtree(home / "fetched")
            shutil.rmtree(home / ".modelyard")
        base = statistics.median(times["cp + sha256sum"])
        print(f"{given.mib} MiB, n = {given.times} each, alternating; {os.cpu_count()} cores\n")
        print("| what | median s | from | to | ratio to cp + sha256sum |\n|---|---:|---:|---:|---:|")
        for name, found in times.items():
            middle = statistics.median(found)
            print(f"| {name} | {middle:.2f} | {min(found):.2f} | {max(found):.2f} | {middle / base:.2f} |")
    finally:
        shutil.rmtree(home)


if __name__ == "__main__":
    main()
