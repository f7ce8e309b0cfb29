"""A fetch from a real MLflow server whose connection breaks off, or whose process dies, and the next one."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelyard.core.errors import PlatformError
from modelyard.registry.mlflow.registry import MlflowRegistry
from modelyard.registry.mlflow.server import Server
from modelyard.registry.protocol import Version
from tests.mlflow_server import Running
from tests.proxy import Proxy, proxy
from tests.registry_samples import MODEL, Clock, bundle, run_folder, snapshot

ROOT = Path(__file__).parents[2]
SIZE = 400_000
STEP = 1 << 16
"""Bytes that are written at once, so that what came of less may be lost."""


@pytest.fixture
def version(mlflow_at: Running, tmp_path: Path) -> Version:
    mlflow_at.forget(MODEL)
    run = run_folder(tmp_path / "run", "x" * (SIZE // 1000))
    return MlflowRegistry(Server(mlflow_at.url), MODEL, scratch=tmp_path / "scratch", now=Clock()).publish(bundle(run))


@pytest.fixture
def between(mlflow_at: Running) -> Iterator[Proxy]:
    with proxy(mlflow_at.url, "") as running:
        yield running


def opened(between: Proxy, tmp_path: Path, pauses: list[float] | None = None) -> MlflowRegistry:
    pause = (lambda _: None) if pauses is None else pauses.append
    return MlflowRegistry(Server(between.url), MODEL, scratch=tmp_path / "scratch", now=Clock(), pause=pause)


def starts(between: Proxy) -> list[int]:
    """At which byte each request for the model began."""
    return [int(range_.removeprefix("bytes=").removesuffix("-") or 0) for _, range_, _ in between.calls]


def whole(tmp_path: Path, name: str = "fetched") -> None:
    files = snapshot(tmp_path / name)
    assert files == {path: found for path, found in snapshot(tmp_path / "run").items() if path in files}
    assert "model/model.bin" in files
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
    assert not [path for path in (tmp_path / "scratch").rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_a_fetch_that_breaks_off_goes_on_where_it_ended(version: Version, between: Proxy, tmp_path: Path) -> None:
    between.ends, between.cuts = "model.bin", [150_000, 0, 100_000]
    pauses: list[float] = []
    opened(between, tmp_path, pauses).fetch(version, tmp_path / "fetched")
    whole(tmp_path)
    first, second, third, fourth = starts(between)
    assert first == 0
    assert 150_000 - STEP < second == third <= 150_000
    assert third + 100_000 - STEP < fourth <= third + 100_000
    assert between.calls[-1][2] == SIZE - fourth
    assert pauses == [1.0, 2.0, 1.0]


def test_a_fetch_that_gains_nothing_ends_and_the_next_one_asks_for_the_rest_alone(
    version: Version, between: Proxy, tmp_path: Path
) -> None:
    between.ends, between.cuts = "model.bin", [200_000, 0, 0, 0, 0]
    with pytest.raises(PlatformError, match="cannot be reached: the connection broke off") as caught:
        opened(between, tmp_path).fetch(version, tmp_path / "fetched")
    assert "Run again: what was done stays" in caught.value.hint
    assert not (tmp_path / "fetched").exists()
    between.ends, done = "", starts(between)[-1]
    between.calls.clear()
    opened(between, tmp_path).fetch(version, tmp_path / "fetched")
    whole(tmp_path)
    asked = {name: range_ for name, range_, _ in between.calls}
    assert asked["model.bin"] == f"bytes={done}-"
    assert done > 200_000 - STEP
    assert "environment.txt" not in asked, "a whole file is not fetched again"


def test_a_server_that_ignores_ranges_begins_the_file_anew_and_whole_files_stay(
    version: Version, between: Proxy, tmp_path: Path
) -> None:
    between.ends, between.deaf, between.cuts = "model.bin", True, [150_000, 0, 0, 0, 0]
    with pytest.raises(PlatformError, match="the connection broke off"):
        opened(between, tmp_path).fetch(version, tmp_path / "fetched")
    between.ends = ""
    between.calls.clear()
    opened(between, tmp_path).fetch(version, tmp_path / "fetched")
    whole(tmp_path)
    assert [size for name, _, size in between.calls if name == "model.bin"] == [SIZE]
    assert "environment.txt" not in [name for name, _, _ in between.calls]


def test_a_process_that_was_killed_in_the_middle_is_gone_on_from(
    version: Version, between: Proxy, tmp_path: Path
) -> None:
    between.ends, between.cuts = "model.bin", [250_000]
    child = subprocess.run(
        [sys.executable, "-m", "tests.registry_child", "fetch", between.url, str(tmp_path), "1"],
        cwd=ROOT, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert child.returncode == -signal.SIGKILL, child.stderr
    assert not (tmp_path / "fetched").exists()
    for left in tmp_path.glob(".fetched.*"):
        shutil.rmtree(left)
    opened(between, tmp_path).fetch(version, tmp_path / "fetched")
    whole(tmp_path)
    assert starts(between)[0] == 0
    assert 250_000 - STEP < starts(between)[1] <= 250_000


@pytest.mark.parametrize("size", [10, SIZE, SIZE + 1], ids=["its beginning", "all of it", "more than it has"])
def test_what_looks_like_a_part_and_is_none_never_counts(
    version: Version, between: Proxy, tmp_path: Path, size: int
) -> None:
    between.ends, between.cuts = "model.bin", [70_000, 0, 0, 0, 0]
    with pytest.raises(PlatformError):
        opened(between, tmp_path).fetch(version, tmp_path / "fetched")
    (partial,) = (tmp_path / "scratch").rglob("*.partial")
    partial.write_bytes(b"y" * size)
    opened(between, tmp_path).fetch(version, tmp_path / "fetched")
    whole(tmp_path)


def test_a_kept_file_that_was_changed_is_fetched_again(version: Version, between: Proxy, tmp_path: Path) -> None:
    between.ends, between.cuts = "model.bin", [0, 0, 0, 0]
    with pytest.raises(PlatformError):
        opened(between, tmp_path).fetch(version, tmp_path / "fetched")
    kept = [path for path in (tmp_path / "scratch").rglob("*") if path.is_file() and not path.suffix]
    assert kept
    for path in kept:
        os.truncate(path, 1)
    opened(between, tmp_path).fetch(version, tmp_path / "fetched")
    whole(tmp_path)


def test_files_that_mlflows_client_takes_from_a_bucket_are_fetched_once_each(
    version: Version, between: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD", "true")  # this server has none, and says so
    between.ends, between.cuts = "model.bin", [0]  # the question for the bucket's address
    with pytest.raises(PlatformError, match=r"would not hand out model/model\.bin|the connection broke off"):
        opened(between, tmp_path).fetch(version, tmp_path / "fetched")
    assert not list((tmp_path / "scratch").rglob("*.partial"))
    between.ends = ""
    between.calls.clear()
    opened(between, tmp_path).fetch(version, tmp_path / "fetched")
    whole(tmp_path)
    assert "environment.txt" not in [name for name, _, _ in between.calls]
