"""Repositories in the shape of public ones, gated as they are: lines of YAML, and seconds of a first run to promotion.

Each is copied with its data into an empty folder, committed, and run once; its scripts must be byte-identical
afterwards. Beside it stands the same command without modelyard, once, where it needs no environment of its own.
"""

import argparse
import os
import platform
import shlex
import subprocess
import tempfile
import time
from pathlib import Path

import yaml

from tests import desk, repositories


def alone(name: str, folder: Path) -> str:
    """Return the seconds of the training command by itself."""
    config = yaml.safe_load((folder / "modelyard.yml").read_text("utf-8"))
    if "environment" in config["train"]:
        return "–"
    command = shlex.split(config["train"]["command"].replace("{seed}", "0"))
    started = time.monotonic()
    done = subprocess.run(command, cwd=folder, env=desk.environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"
    return f"{time.monotonic() - started:.1f}"


def main() -> None:
    """Print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=repositories.NAMES, action="append")
    names = parser.parse_args().only or repositories.NAMES
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, n = 1 each")
    print("| repository | lines of YAML | seconds to promotion | its command alone | scripts changed |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="modelyard-repositories-") as scratch:
        for name in names:
            folder = Path(scratch) / name
            tried = repositories.run(name, folder)
            assert tried.done.code == 0, f"{name}: {tried.done.out}{tried.done.err}"
            before = repositories.scripts(repositories.HERE / name)
            changed = sum(repositories.scripts(folder)[path] != text for path, text in before.items())
            bare = alone(name, repositories.make(name, Path(scratch) / f"{name}-alone"))
            print(f"| {name} | {tried.lines} | {tried.seconds:.1f} | {bare} | {changed} |", flush=True)


if __name__ == "__main__":
    main()
