"""Fingerprints of real files: contents decide, the stat cache saves reading and never lies."""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from modelyard.core.canonical import digest
from modelyard.core.errors import DataError
from modelyard.core.files import sha256_file
from modelyard.data import fingerprint as module
from modelyard.data import pointed
from modelyard.data.fingerprint import compare, fingerprint
from modelyard.data.source import Location
from modelyard.data.sources import open_source
from modelyard.records.results import DataSet

LATER = 10_000_000_000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path.resolve() / "work"
    (root / "data").mkdir(parents=True)
    for month in (1, 2):
        (root / f"data/{month}.csv").write_text(f"a\n{month}\n", "utf-8")
    return root


def taken(root: Path, *, cache: Path | None = None, later: int = LATER) -> DataSet:
    paths = sorted((root / "data").glob("*.csv"))
    return fingerprint("all", "data/*.csv", paths, root, cache=cache, clock=lambda: time.time_ns() + later)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files whose contents are read."""
    seen: list[str] = []

    def counting(path: Path) -> str:
        seen.append(path.name)
        return sha256_file(path)

    monkeypatch.setattr(module, "sha256_file", counting)
    return seen


def test_a_set_is_its_paths_and_contents(root: Path) -> None:
    found = taken(root)
    assert [(part.path, part.digest, part.size) for part in found.partitions] == [
        (name, sha256_file(root / name), 4) for name in ("data/1.csv", "data/2.csv")
    ]
    assert found.digest == digest([[part.path, part.digest] for part in found.partitions])
    os.utime(root / "data/1.csv", (0, 0))
    assert taken(root) == found
    (root / "data/1.csv").write_text("a\n9\n", "utf-8")
    assert taken(root).digest != found.digest


def test_what_changed_since_then_is_named(root: Path) -> None:
    then = taken(root)
    (root / "data/1.csv").unlink()
    (root / "data/2.csv").write_text("a\n9\n", "utf-8")
    (root / "data/3.csv").write_text("a\n3\n", "utf-8")
    now = compare(taken(root), then)
    assert (now.added, now.modified, now.removed) == (("data/3.csv",), ("data/2.csv",), ("data/1.csv",))
    first = compare(taken(root), None)
    assert (first.added, first.modified, first.removed) == (("data/2.csv", "data/3.csv"), (), ())


def test_an_unchanged_file_is_not_read_again(root: Path, reads: list[str]) -> None:
    cache = root / ".modelyard/fingerprints.json"
    first = taken(root, cache=cache)
    assert reads == ["1.csv", "2.csv"]
    before = cache.read_bytes()
    assert taken(root, cache=cache) == first
    assert reads == ["1.csv", "2.csv"]
    assert cache.read_bytes() == before


def test_a_changed_file_is_read_again_even_with_its_old_size_and_time(root: Path, reads: list[str]) -> None:
    cache = root / "cache.json"
    first = taken(root, cache=cache)
    old = (root / "data/1.csv").stat()
    (root / "data/1.csv").write_text("a\n7\n", "utf-8")
    os.utime(root / "data/1.csv", ns=(old.st_atime_ns, old.st_mtime_ns))
    now = taken(root, cache=cache)
    assert reads == ["1.csv", "2.csv", "1.csv"]
    assert compare(now, first).modified == ("data/1.csv",)


def test_a_file_changed_shortly_before_it_was_read_is_never_trusted(root: Path, reads: list[str]) -> None:
    cache = root / "cache.json"
    taken(root, cache=cache, later=0)
    taken(root, cache=cache, later=0)
    assert reads == ["1.csv", "2.csv"] * 2


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"{",
        b"[]",
        b'{"version": 1, "files": []}',
        b'{"version": 2, "files": {}}',
        b'{"version": 1, "files": {"data/1.csv": [4, 1, 1, 1, 1, "sha256:00"]}}',
        b'{"version": 1, "files": {"data/1.csv": null}}',
        b"[" * 100_000,
    ],
)
def test_a_damaged_cache_is_ignored_and_written_anew(root: Path, content: bytes) -> None:
    cache = root / "cache.json"
    cache.write_bytes(content)
    assert taken(root, cache=cache) == taken(root)
    assert set(json.loads(cache.read_bytes())["files"]) == {"data/1.csv", "data/2.csv"}


def test_sets_share_a_cache(root: Path, reads: list[str]) -> None:
    cache = root / "cache.json"
    taken(root, cache=cache)
    fingerprint("one", "data/1.csv", [root / "data/1.csv"], root, cache=cache)
    assert reads == ["1.csv", "2.csv"]


def pinned(root: Path, source: str = "data/*.csv") -> None:
    open_source(Location("all", source, root, root, root / "cache.json", pinned=True)).fingerprint()


def pointer(path: Path, data: bytes, more: Mapping[str, object] | None = None, *, modern: bool = True) -> None:
    told = {
        "md5": hashlib.md5(data, usedforsecurity=False).hexdigest(),
        "size": len(data),
        "path": path.stem,
        **(more or {}),
    }
    lines = "".join(f"{'- ' if at == 0 else '  '}{key}: {value}\n" for at, (key, value) in enumerate(told.items()))
    path.write_text(f"outs:\n{lines}{'  hash: md5' if modern else ''}\n", "utf-8")


def test_data_that_is_not_what_its_pointer_names_is_refused_where_pointers_count(root: Path) -> None:
    data = (root / "data/1.csv").read_bytes()
    pointer(root / "data/1.csv.dvc", data)
    pinned(root)
    for other in (data[:-2] + b"9\n", data + b"5\n"):
        pointer(root / "data/1.csv.dvc", other)
        with pytest.raises(DataError) as caught:
            pinned(root)
        assert (caught.value.code, caught.value.message) == (
            "data/stale", "data.sets.all: data/1.csv is not what data/1.csv.dvc names"
        )  # fmt: skip
        assert "dvc pull" in caught.value.hint
    taken(root)  # at a desk data changes first, and its pointer afterwards
    pointer(root / "data/1.csv.dvc", data[:-2] + b"9\n", modern=False)
    pinned(root)  # an old DVC's MD5 is over other line ends
    (root / "data/1.csv.dvc").write_text("outs: [{md5: [}]", "utf-8")
    pinned(root)


def test_a_folder_that_is_not_what_its_pointer_names_is_refused(root: Path) -> None:
    size = sum(path.stat().st_size for path in (root / "data").iterdir())
    told = {"size": size, "nfiles": 2, "md5": f"{'0' * 32}.dir"}
    pointer(root / "data.dvc", b"", told)
    pinned(root)
    for wrong in ({"nfiles": 3}, {"size": size + 1}):
        pointer(root / "data.dvc", b"", {**told, **wrong})
        with pytest.raises(DataError) as caught:
            pinned(root)
        assert caught.value.code == "data/stale"


def test_an_md5_is_computed_once_and_again_where_the_pointer_moved(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_RACY_NS", -LATER)
    pointer(root / "data/1.csv.dvc", (root / "data/1.csv").read_bytes())
    computed: list[str] = []
    real = pointed._md5

    def counting(path: Path) -> str:
        computed.append(path.name)
        return real(path)

    monkeypatch.setattr(pointed, "_md5", counting)
    pinned(root)
    pinned(root)
    assert computed == ["1.csv"]
    pointer(root / "data/1.csv.dvc", b"x" * (root / "data/1.csv").stat().st_size)
    with pytest.raises(DataError):
        pinned(root)


def test_a_file_that_changes_while_it_is_read_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def growing(path: Path) -> str:
        found = sha256_file(path)
        with path.open("a", encoding="utf-8") as stream:
            stream.write("5\n")
        return found

    monkeypatch.setattr(module, "sha256_file", growing)
    with pytest.raises(DataError, match=r"data/1\.csv changed while it was read"):
        taken(root)


def test_fingerprints_and_trees_load_no_data_library() -> None:
    code = (
        "import sys, modelyard.data.fingerprint, modelyard.data.sources, modelyard.data.splits, modelyard.vcs.tree\n"
        "print(*sorted({'polars', 'numpy', 'pandas', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
