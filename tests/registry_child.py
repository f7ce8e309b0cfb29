"""What the fire tests run in processes of their own, without pytest: move an alias, publish, or die on the way.

Usage: python -m tests.registry_child move FOLDER NAME TIMES
       python -m tests.registry_child die FOLDER SEED TIMES
"""

import os
import random
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from modelyard.registry.base import AliasMoved
from modelyard.registry.local import LocalRegistry
from tests.registry_samples import bundle, promote, registry, run_folder

Tracer = Callable[[FrameType, str, Any], Any]


def move(where: LocalRegistry, name: str, times: int) -> None:
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


def publish_and_promote(where: LocalRegistry, run: Path) -> None:
    """What promote does; the same evidence is one version, however often."""
    version, now = where.publish(bundle(run)), where.find("champion")
    if now is None or now.name != version.name:
        promote(where, version, seen=now.name if now else None)


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
    """Fork that often; every child publishes and promotes, and is killed at a line that the seed chooses.

    The first child is left alone, to count the lines. A child that is to die and does not ends with an error.
    """
    chosen = random.Random(seed)  # noqa: S311 - reproducible moments, not secrets
    where = registry(folder)
    lines = 0

    def count(at: int) -> None:
        nonlocal lines
        lines = at

    with counted_lines(count):
        publish_and_promote(where, run_folder(folder / "run-0", "payload 0"))
    killed = 0
    for at in range(1, times + 1):
        now = where.find("champion")
        run = run_folder(folder / f"run-{at}", f"payload {at}", champion=now.name if now else None)
        last = chosen.randint(1, lines)
        child = os.fork()
        if child == 0:
            with counted_lines(lambda line: os.kill(os.getpid(), signal.SIGKILL) if line == last else None):  # noqa: B023 - called before the loop goes on
                publish_and_promote(registry(folder), run)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        killed += os.WIFSIGNALED(status)
        check(where)
        publish_and_promote(where, run)
        check(where)
    print(f"{killed} of {times} killed in {lines} lines")


def check(where: LocalRegistry) -> None:
    """Every alias resolves, every digest is right, nothing half written is visible."""
    from modelyard.registry.verify import verify_registry

    report = verify_registry(where)
    assert report.intact, report.broken
    for entry in where.history():
        assert entry.to is not None
        where.resolve(entry.to)
    champion = where.find("champion")
    assert champion is not None
    assert champion.name == where.history()[-1].to


if __name__ == "__main__":
    what, folder, third, times = sys.argv[1:]
    if what == "move":
        move(registry(Path(folder)), third, int(times))
    else:
        die(Path(folder), int(third), int(times))
