"""The mlflow registry under fire: many processes promote one model at once on a real server, and one line of history.

    python -m benchmarks.registry_mlflow --processes 8 --promotions 50

Prints how many entries the history holds, how many lines of the ledger are void because somebody else was faster, and
how long it took; ends with an error where anything was lost, or the alias is on something else than the history says.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from modelyard.registry.mlflow.registry import MlflowRegistry
from modelyard.registry.mlflow.server import Server
from modelyard.registry.verify import verify_registry
from tests.mlflow_server import mlflow_server
from tests.registry_samples import MODEL, Clock, published

ROOT = Path(__file__).resolve().parents[1]


def fire(folder: Path, address: str, processes: int, promotions: int) -> str:
    """Run the processes; returns what came of it, in one line."""
    where = MlflowRegistry(Server(address), MODEL, scratch=folder / "scratch", now=Clock())
    published(where, folder, "one", "two")
    started = time.monotonic()
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.registry_child", "move", address, f"p{at}", str(promotions)], cwd=ROOT
        )
        for at in range(processes)
    ]
    codes = [process.wait() for process in running]
    seconds = time.monotonic() - started
    assert codes == [0] * processes, codes
    last = MlflowRegistry(Server(address), MODEL, scratch=folder / "scratch", now=Clock())
    entries = last.entries()
    assert [entry.seq for entry in entries] == list(range(1, processes * promotions + 1))
    assert [entry.from_ for entry in entries] == [None, *(entry.to for entry in entries[:-1])]
    said = sorted(f"p{at} {n}" for at in range(processes) for n in range(promotions))
    assert sorted(entry.reason for entry in entries) == said
    shown = Server(address).client.get_model_version_by_alias(MODEL, "champion").version
    assert f"v{shown}" == entries[-1].to
    report = verify_registry(last)
    assert report.intact, report.broken
    ledger = last._ledger.read()  # noqa: SLF001 - only the ledger knows
    void = ledger.last - len(ledger.counted)
    return (
        f"{processes} processes × {promotions} promotions: {len(entries)} entries in one line, {void} void lines, "
        f"alias on {entries[-1].to} as the history says, {seconds:.0f} s"
    )


def main() -> None:
    """Start a server, and fire."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--promotions", type=int, default=50)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, mlflow_server(Path(folder) / "server") as server:
        print(fire(Path(folder), server.url, options.processes, options.promotions))


if __name__ == "__main__":
    main()
