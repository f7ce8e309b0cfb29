"""The local registry under fire: killed on the way, raced by other processes, on a full disk, in a read-only folder."""

import os
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from modelyard.errors import PlatformError
from modelyard.registry.verify import verify_registry
from tests.registry_samples import bundle, promote, published, registry, run_folder, snapshot

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
    process = child("die", str(tmp_path), "20260503", "30")
    printed, errors = process.communicate()
    assert process.returncode == 0, errors
    found = re.fullmatch(r"(\d+) of 30 killed in (\d+) lines\n", printed)
    assert found is not None
    assert int(found[1]) >= 25
    assert int(found[2]) > 200
    where = registry(tmp_path)
    assert [version.number for version in where.list()] == list(range(1, 32))
    assert [entry.to for entry in where.history()] == [f"v{number}" for number in range(1, 32)]
    assert list((where.folder / "tmp").iterdir()) == []


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
    assert "could not write" in caught.value.found
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

    from modelyard.registry.local import LocalRegistry

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
