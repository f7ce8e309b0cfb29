"""The registry carries models as bytes: a planted pickle never runs, on no path."""

import pickle
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from modelyard.models.store import digest as digest_folder
from modelyard.records.chain import verify_run_folder
from modelyard.registry.verify import verify_registry, verify_version
from tests.integration.test_registry_gc import Run, run
from tests.registry_samples import Clock, adopted, bundle, promote, registry, run_folder, write_chain

__all__ = ["run"]


class Bomb:
    """Writes the canary when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.write_text, (self.canary, "the pickle ran"))


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    return tmp_path / "canary"


@pytest.fixture
def planted(tmp_path: Path, canary: Path) -> Path:
    run = run_folder(tmp_path / "run")
    for name in ("model.joblib", "model.pkl", "nested/__init__.py", "sitecustomize.py"):
        (run / "model" / name).write_bytes(pickle.dumps(Bomb(canary)))
    write_chain(run)
    return run


def test_the_canary_sings_when_the_pickle_is_loaded(planted: Path, canary: Path) -> None:
    pickle.loads((planted / "model" / "model.pkl").read_bytes())
    assert canary.exists()


def test_nothing_that_the_registry_does_runs_a_planted_pickle(tmp_path: Path, planted: Path, canary: Path) -> None:
    where = registry(tmp_path)
    one = where.publish(bundle(planted))
    promote(where, one, seen=None)
    old = adopted(tmp_path / "old")
    (tmp_path / "old" / "model" / "model.joblib").write_bytes(pickle.dumps(Bomb(canary)))
    old = type(old)(
        old.content.model_copy(update={"model_digest": digest_folder(tmp_path / "old" / "model")[0]}), old.files
    )
    two = where.publish(old)
    promote(where, two, seen="v1", kind="rolled-back")
    for reference in ("champion", "v1", one.manifest.model_digest, "champion@2026-05-03"):
        where.resolve(reference)
    for version in where.list():
        where.fetch(version, tmp_path / "fetched" / version.name)
        for file in version.manifest.files:
            where.read(version, file.path)
        assert verify_version(where, version.name).intact
    assert where.history()
    assert where.previous("champion") == one
    assert verify_registry(where).intact
    assert verify_run_folder(planted, digest_folder).intact
    assert not canary.exists()


@pytest.mark.parametrize(
    "command",
    [
        ["history"],
        ["show", "v1"],
        ["diff", "v1", "v2"],
        ["bom", "v1"],
        ["gc"],
        ["gc", "--apply"],
        ["verify", "--version", "v1"],
    ],
)
def test_no_command_that_tells_of_versions_runs_a_planted_pickle(
    tmp_path: Path, run: Run, planted: Path, canary: Path, command: list[str]
) -> None:
    clock = Clock(datetime.now(UTC) - timedelta(days=500))
    where = registry(tmp_path, clock)
    promote(where, where.publish(bundle(planted)), seen=None)
    other = run_folder(tmp_path / "other", "other", champion="v1")
    (other / "model" / "model.pkl").write_bytes(pickle.dumps(Bomb(canary)))
    write_chain(other, champion="v1")
    where.publish(bundle(other))
    assert run(*command)[0] == 0
    assert not canary.exists()
    if "--apply" in command:
        assert [version.name for version in where.list()] == ["v1"]


def test_a_record_that_is_a_pickle_is_refused_unread(tmp_path: Path, planted: Path, canary: Path) -> None:
    (planted / "records" / "train.json").write_bytes(pickle.dumps(Bomb(canary)))
    assert not verify_run_folder(planted, digest_folder).intact
    assert not canary.exists()
