"""The local registry under fire: killed on the way, raced by other processes, on a full disk, in a read-only folder."""

import errno
import fcntl
import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from modelyard.core.errors import PlatformError
from modelyard.records.manifest import Manifest
from modelyard.registry.local.registry import LocalRegistry
from modelyard.registry.protocol import Version
from modelyard.registry.verify import verify_registry
from tests.registry_samples import MODEL, Clock, bundle, promote, published, registry, run_folder, snapshot

ROOT = Path(__file__).parents[2]


def child(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.registry_child", *arguments],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_killed_at_any_line_the_registry_is_as_before_or_as_after(tmp_path: Path) -> None:
    process = child("die", str(tmp_path), "20260503", "27")
    printed, errors = process.communicate()
    assert process.returncode == 0, errors
    done = json.loads(printed)
    assert min(done["killed"].values()) >= 7
    assert min(done["lines"].values()) > 100
    where = registry(tmp_path)
    assert [version.number for version in where.list()] == [8, 9, 10]
    assert [version.number for version in where.removed()] == list(range(1, 8))
    assert [entry.to for entry in where.history()] == [f"v{number}" for number in range(1, 11)]
    where.discard(where.orphans())
    kept = {file.digest for version in where.list() for file in version.manifest.files}
    assert {f"sha256:{path.name}" for path in (where.folder / "blobs").rglob("*") if path.is_file()} == kept
    assert [path for path in where.folder.rglob("*") if path.name.startswith(".")] == []


def test_a_lock_dies_with_its_holder(tmp_path: Path) -> None:
    holder = child("hold", str(tmp_path), "-", "0")
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    impatient = LocalRegistry(tmp_path / ".modelyard", MODEL, now=Clock(), patience=0)
    said = bundle(run_folder(tmp_path / "run"))
    with pytest.raises(PlatformError, match="another process has been publishing or removing"):
        impatient.publish(said)
    holder.kill()
    holder.communicate()
    assert impatient.publish(said).name == "v1"


def test_a_file_system_without_locks_is_refused_and_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where, said = registry(tmp_path), bundle(run_folder(tmp_path / "run"))

    def flock(_descriptor: int, _operation: int) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", flock)
        with pytest.raises(PlatformError, match="has no locks, so nothing can be published there safely") as caught:
            where.publish(said)
    assert "NFS: without nolock" in caught.value.hint
    assert where.publish(said).name == "v1"


def test_a_link_whose_answer_was_lost_is_a_link_that_was_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a client sees of NFS when it repeats a request that the server had carried out."""
    where = registry(tmp_path)
    one, two = published(where, tmp_path, "one", "two")
    link = os.link

    def repeated(source: Path, target: Path) -> None:
        link(source, target)
        link(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", repeated)
        promote(where, one, seen=None)
        promote(where, two, seen="v1")
    assert [entry.to for entry in where.history()] == ["v1", "v2"]


def test_what_a_gc_without_the_lock_took_is_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where, run = registry(tmp_path), run_folder(tmp_path / "run")
    add = where._versions.add

    def meanwhile(manifest: Manifest) -> Version | None:
        shutil.rmtree(where.folder / "blobs")
        return add(manifest)

    monkeypatch.setattr(where._versions, "add", meanwhile)
    version = where.publish(bundle(run))
    assert where.damaged(version) == ()


def test_four_processes_that_move_one_alias_leave_one_line_of_history(tmp_path: Path) -> None:
    where = registry(tmp_path)
    published(where, tmp_path, "one", "two")
    processes = [child("move", str(tmp_path), f"process-{at}", "10") for at in range(4)]
    for process in processes:
        _, errors = process.communicate()
        assert process.returncode == 0, errors
    entries = where.entries()
    assert [entry.seq for entry in entries] == list(range(1, 41))
    assert [entry.from_ for entry in entries] == [None, *(entry.to for entry in entries[:-1])]
    assert sorted(entry.reason for entry in entries) == sorted(
        f"process-{at} {n}" for at in range(4) for n in range(10)
    )
    assert verify_registry(where).intact


@contextmanager
def full_disk(limit: int) -> Iterator[None]:
    """No file may grow beyond ``limit`` bytes; Python ignores the signal and sees an error, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("limit", [0, 200, 2000])
def test_a_full_disk_leaves_the_old_state(tmp_path: Path, limit: int) -> None:
    where = registry(tmp_path)
    promote(where, published(where, tmp_path, "one")[0], seen=None)
    more = bundle(run_folder(tmp_path / "more", "two"))
    before = snapshot(where.folder)
    with full_disk(limit), pytest.raises(PlatformError) as caught:
        where.publish(more)
    assert caught.value.exit_code == 4
    assert "could not write" in caught.value.message
    assert {path: before[path] for path in before} == {
        path: found for path, found in snapshot(where.folder).items() if path in before
    }
    assert where.resolve("champion").name == "v1"
    assert verify_registry(where).intact
    assert where.publish(more).name == "v2"


def test_a_full_disk_moves_no_alias_and_cuts_no_history(tmp_path: Path) -> None:
    where = registry(tmp_path)
    one, two = published(where, tmp_path, "one", "two")
    promote(where, one, seen=None)
    before = snapshot(where.folder)
    with full_disk(100), pytest.raises(PlatformError, match="the file-size limit is reached"):
        promote(where, two, seen="v1")
    assert snapshot(where.folder) == before
    promote(where, two, seen="v1")
    assert [entry.to for entry in where.history()] == ["v1", "v2"]


def test_a_full_disk_leaves_no_half_fetched_folder(tmp_path: Path) -> None:
    where = registry(tmp_path)
    (one,) = published(where, tmp_path, "one")
    with full_disk(500), pytest.raises(PlatformError, match="could not write"):
        where.fetch(one, tmp_path / "fetched")
    assert list(tmp_path.glob("*fetched*")) == []


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Folders that this process may read and not write; root gives its rights up for as long."""
    inside = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    user = os.geteuid()
    closed = [path for path in folder.parents if user == 0 and path.stat().st_mode & 0o055 != 0o055]
    modes = {path: path.stat().st_mode for path in (*inside, *closed)}
    for path, mode in modes.items():
        path.chmod(0o555 if path in inside else mode | 0o055)
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        if user == 0:
            os.seteuid(0)
        for path, mode in modes.items():
            path.chmod(mode)


def test_a_read_only_registry_is_read_and_refuses_to_be_written(tmp_path: Path) -> None:
    where = registry(tmp_path)
    one, two = published(where, tmp_path, "one", "two")
    promote(where, one, seen=None)
    more = bundle(run_folder(tmp_path / "more", "three"))
    behind = (where.folder / "state.json").read_bytes()
    promote(where, two, seen="v1")
    (where.folder / "state.json").write_bytes(behind)
    before = snapshot(tmp_path / ".modelyard")
    with read_only(tmp_path / ".modelyard"):
        assert where.resolve("champion") == two
        assert where.resolve(one.manifest.model_digest) == one
        assert [entry.to for entry in where.history()] == ["v1", "v2"]
        for write in (lambda: where.publish(more), lambda: promote(where, one, seen="v2")):
            with pytest.raises(PlatformError, match="permission denied") as caught:
                write()
            assert caught.value.exit_code == 4
    assert snapshot(tmp_path / ".modelyard") == before


def test_who_waits_too_long_for_another_publication_is_told(tmp_path: Path) -> None:
    from filelock import FileLock

    where = registry(tmp_path)
    said = bundle(run_folder(tmp_path / "run"))
    where.publish(said)
    impatient = LocalRegistry(tmp_path / ".modelyard", where.model, patience=0)
    with (
        FileLock(where.folder / "publish.lock"),
        pytest.raises(PlatformError, match="another process has been publishing or removing versions of flights-late"),
    ):
        impatient.publish(said)
    assert impatient.publish(said).name == "v1"
