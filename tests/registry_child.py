"""What the fire tests run in processes of their own, without pytest: move an alias, hold the lock, or die on the way.

Usage: python -m tests.registry_child move FOLDER NAME TIMES, where FOLDER may be the address of an MLflow server
       python -m tests.registry_child fetch ADDRESS FOLDER 1
       python -m tests.registry_child die FOLDER SEED TIMES
       python -m tests.registry_child publish FOLDER RUN 1
       python -m tests.registry_child hold FOLDER - 0
"""

import json
import os
import random
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

from modelyard.registry.gc import carry_out
from modelyard.registry.local.registry import LocalRegistry
from modelyard.registry.mlflow.registry import MlflowRegistry
from modelyard.registry.mlflow.server import Server
from modelyard.registry.protocol import AliasMoved, Registry, VersionRemoved
from modelyard.registry.retention import Policy, plan
from modelyard.registry.verify import verify_registry
from tests.registry_samples import MODEL, NOON, Clock, bundle, promote, registry, run_folder

KEPT = 3
"""Versions that the fire's gc keeps."""
Tracer = Callable[[FrameType, str, Any], Any]


def move(where: Registry, name: str, times: int) -> None:
    """Move the champion that often, against whoever else does."""
    done = 0
    while done < times:
        now = where.find("champion")
        target = where.resolve("v2" if now is not None and now.name == "v1" else "v1")
        try:
            promote(where, target, seen=now.name if now else None, reason=f"{name} {done}")
            done += 1
        except AliasMoved:
            continue


def fetch_until_cut(address: str, folder: Path) -> None:
    """Fetch v1 from an MLflow server, and die where the connection breaks off, before anything can be tidied up."""

    def die_here(_seconds: float) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    where = MlflowRegistry(Server(address), MODEL, scratch=folder / "scratch", now=Clock(), pause=die_here)
    where.fetch(where.resolve("v1"), folder / "fetched")


def publish(where: LocalRegistry, run: Path) -> None:
    """The same evidence is one version, however often."""
    where.publish(bundle(run))


def promote_newest(where: LocalRegistry, _run: Path) -> None:
    """Point the champion at the newest version, unless it does so already."""
    newest, now = where.list()[-1], where.find("champion")
    if now is None or now.name != newest.name:
        promote(where, newest, seen=now.name if now else None)


def gc(where: LocalRegistry, _run: Path) -> None:
    """Remove all but the last versions that served, and whatever was left behind."""
    found = plan(
        where.list(),
        where.entries(),
        where.orphans(),
        Policy(versions=KEPT, days=0),
        NOON + timedelta(days=1000),
        shared=True,
    )
    assert carry_out(where, found, actor="octocat") == {}


OPERATIONS: dict[str, Callable[[LocalRegistry, Path], None]] = {
    "publish": publish,
    "set_alias": promote_newest,
    "gc": gc,
}


@contextmanager
def counted_lines(act: Callable[[int], None]) -> Iterator[None]:
    """Call ``act`` with its number at every line that runs in the registry, in files and in records."""
    count = 0

    def local(_frame: FrameType, event: str, _arg: Any) -> Tracer:
        nonlocal count
        if event == "line":
            count += 1
            act(count)
        return local

    def watched(frame: FrameType, _event: str, _arg: Any) -> Tracer | None:
        name = frame.f_code.co_filename
        return local if "modelyard/registry/" in name or name.endswith("modelyard/files.py") else None

    sys.settrace(watched)
    try:
        yield
    finally:
        sys.settrace(None)


def die(folder: Path, seed: int, times: int) -> None:
    """Publish, promote and collect that often; each time a child of this process does it, and is killed on the way.

    The seed chooses the line, among as many as the operation took the last time that it was whole. After each death
    everything is checked, the operation is run again and everything is checked once more.
    """
    chosen = random.Random(seed)  # noqa: S311 - reproducible moments, not secrets
    where = registry(folder)
    lines, killed = dict.fromkeys(OPERATIONS, 0), dict.fromkeys(OPERATIONS, 0)
    run = run_folder(folder / "run-0", "payload 0")
    for at in range(times + len(OPERATIONS)):
        name = tuple(OPERATIONS)[at % len(OPERATIONS)]
        if name == "publish":
            now = where.find("champion")
            run = run_folder(folder / f"run-{at + 1}", f"payload {at}", champion=now.name if now else None)
        if at >= len(OPERATIONS):  # the first round counts lines
            killed[name] += _killed_in(folder, OPERATIONS[name], run, chosen.randint(1, lines[name]))
            check(registry(folder))
        lines[name] = _counted(OPERATIONS[name], registry(folder), run)
        check(registry(folder))
    print(json.dumps({"times": times, "killed": killed, "lines": lines}))


def _counted(operation: Callable[[LocalRegistry, Path], None], where: LocalRegistry, run: Path) -> int:
    lines = 0

    def count(at: int) -> None:
        nonlocal lines
        lines = at

    with counted_lines(count):
        operation(where, run)
    return lines


def _killed_in(folder: Path, operation: Callable[[LocalRegistry, Path], None], run: Path, last: int) -> bool:
    """Whether a child died at this line; it ends well where it needs fewer."""
    child = os.fork()
    if child == 0:
        with counted_lines(lambda line: os.kill(os.getpid(), signal.SIGKILL) if line == last else None):
            operation(registry(folder), run)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 0
    return os.WIFSIGNALED(status)


def hold(where: LocalRegistry) -> None:
    """Take the lock that publishing and removing take, say so, and keep it until killed."""
    with where._alone():
        print("held", flush=True)
        signal.pause()


def check(where: LocalRegistry) -> None:
    """Every alias resolves, every digest is right, nothing half written or half removed is visible."""
    report = verify_registry(where)
    assert report.broken == ()
    kept, removed = {each.name for each in where.list()}, {each.name for each in where.removed()}
    for entry in where.history():
        assert entry.to is not None
        assert (entry.to in kept) != (entry.to in removed)
    for name in removed:
        try:
            where.resolve(name)
        except VersionRemoved:
            continue
        raise AssertionError(name)
    moves, champion = where.history("champion"), where.find("champion")
    assert (champion.name if champion else None) == (moves[-1].to if moves else None)


if __name__ == "__main__":
    what, folder, third, times = sys.argv[1:]
    if what == "move" and folder.startswith("http"):
        with tempfile.TemporaryDirectory() as scratch:
            move(MlflowRegistry(Server(folder), MODEL, scratch=Path(scratch), now=Clock()), third, int(times))
    elif what == "fetch":
        fetch_until_cut(folder, Path(third))
    elif what == "move":
        move(registry(Path(folder)), third, int(times))
    elif what == "publish":
        print("begins", flush=True)
        publish(registry(Path(folder)), Path(third))
    elif what == "hold":
        hold(registry(Path(folder)))
    else:
        die(Path(folder), int(third), int(times))
