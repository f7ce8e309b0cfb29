"""A local registry with thousands of versions and moves, written in seconds: nothing is synced while it is built."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from modelyard.core.canonical import digest
from modelyard.records.manifest import FileEntry, model_digest
from modelyard.registry.local.registry import LocalRegistry
from tests.registry_samples import NOON, Clock, bundle, promote, registry, run_folder


@contextmanager
def unsynced() -> Iterator[None]:
    """No fsync; what is built for a measurement need not survive a power cut."""
    real = os.fsync
    os.fsync = lambda fd: None
    try:
        yield
    finally:
        os.fsync = real


def many(folder: Path, versions: int, *, moves: int | None = None) -> LocalRegistry:
    """So many versions, an hour apart, each promoted once it is there unless ``moves`` are fewer.

    All share their files; their manifests name models of their own.
    """
    clock = Clock(NOON)
    where = registry(folder, clock)
    with unsynced():
        first = where.publish(bundle(run_folder(folder / "run")))
        promote(where, first, seen=None)
        for number in range(2, versions + 1):
            clock.now += timedelta(hours=1)
            own = FileEntry(path="model/number.txt", digest=digest(number), size=1)
            files = tuple(sorted((*first.manifest.files, own), key=lambda file: file.path))
            manifest = first.manifest.model_copy(
                update={
                    "number": number,
                    "files": files,
                    "size": first.manifest.size + 1,
                    "model_digest": model_digest(files),
                    "created": clock.now.isoformat(),
                }
            )
            version = where._versions.add(manifest)
            assert version is not None
            if moves is None or number <= moves:
                _move(where, version.name, f"v{number - 1}", version.digest)
    return where


def _move(where: LocalRegistry, name: str, seen: str, manifest: str) -> None:
    state = where._journal.state()
    from modelyard.registry.journal import JournalEntry

    entry = JournalEntry(
        seq=state.head + 1,
        previous=state.head_digest,
        kind="promoted",
        at=where._now().isoformat(timespec="seconds"),
        actor="octocat",
        reason="better",
        alias="champion",
        from_=seen,
        to=name,
        to_digest=manifest,
        evidence="none",
    )
    assert where._journal.append(entry, state)
