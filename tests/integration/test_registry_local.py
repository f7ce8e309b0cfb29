"""The local registry on a real disk: publish, resolve, move, history, fetch, and what damage is told."""

import json
import os
import shutil
from pathlib import Path

import pytest

from modelyard.core.canonical import digest
from modelyard.core.errors import ConfigError, DataError, PlatformError
from modelyard.records.manifest import Sealed
from modelyard.registry.bundle import collect
from modelyard.registry.local.registry import LocalRegistry
from modelyard.registry.protocol import Registry
from modelyard.registry.verify import verify_registry, verify_version
from tests.registry_samples import (
    MODEL,
    bundle,
    promote,
    published,
    registry,
    run_folder,
)


def test_a_local_registry_is_a_registry(tmp_path: Path) -> None:
    where: Registry = registry(tmp_path)
    assert (where.kind, where.model) == ("local", MODEL)


def test_the_registry_ignores_itself_in_git(tmp_path: Path) -> None:
    published(registry(tmp_path), tmp_path, "one")
    assert (tmp_path / ".modelyard" / ".gitignore").read_text("utf-8") == "*\n"


def test_looking_at_a_registry_that_is_not_there_creates_nothing(tmp_path: Path) -> None:
    where = registry(tmp_path)
    assert where.find("champion") is None
    assert where.previous("champion") is None
    assert (where.list(), where.history(), where.entries()) == ((), (), ())
    with pytest.raises(ConfigError, match="there is no champion"):
        where.resolve("champion")
    assert list(tmp_path.iterdir()) == []


def test_an_index_that_was_lost_is_made_anew(tmp_path: Path) -> None:
    where = registry(tmp_path)
    one, _ = published(where, tmp_path, "one", "two")
    shutil.rmtree(where.folder / "index")
    assert where.resolve(one.manifest.model_digest) == one
    assert len(list((where.folder / "index").iterdir())) == 2


def test_no_alias_on_something_absent(tmp_path: Path) -> None:
    where = registry(tmp_path)
    (one,) = published(where, tmp_path, "one")
    with pytest.raises(ConfigError, match="there is no version v2"):
        where.set_alias("champion", "v2", seen=None, actor="a", reason="", evidence="none", kind="rolled-back")
    model = next(file for file in one.manifest.files if file.role == "model")
    (where.folder / "blobs" / "sha256" / model.digest[7:9] / model.digest[7:]).unlink()
    with pytest.raises(PlatformError, match=r"model/model.bin of v1 is gone"):
        promote(where, one, seen=None)
    assert where.find("champion") is None


@pytest.mark.parametrize("what", ["file", "folder", "source"])
def test_a_link_in_a_bundle_is_refused(tmp_path: Path, what: str) -> None:
    run = run_folder(tmp_path / "run")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_text("hidden", "utf-8")
    name = {"file": run / "model" / "link", "folder": run / "model" / "links", "source": run / "golden"}[what]
    name.symlink_to(tmp_path / "secret" / "key" if what == "file" else tmp_path / "secret")
    with pytest.raises(DataError, match="is a link"):
        collect({"model": run / "model", **({"golden": run / "golden"} if what == "source" else {})})


def test_a_file_that_becomes_a_link_while_it_is_published_is_refused(tmp_path: Path) -> None:
    where, run = registry(tmp_path), run_folder(tmp_path / "run")
    said = bundle(run)
    (tmp_path / "secret").write_text("hidden", "utf-8")
    (run / "environment.txt").unlink()
    (run / "environment.txt").symlink_to(tmp_path / "secret")
    with pytest.raises(DataError, match=r"environment.txt is a link"):
        where.publish(said)
    (run / "environment.txt").unlink()
    os.mkfifo(run / "environment.txt")
    with pytest.raises(DataError, match=r"environment.txt is not a plain file"):
        where.publish(said)
    assert where.list() == ()


def blob_of(where: LocalRegistry, version: str, path: str) -> Path:
    file = next(file for file in where.resolve(version).manifest.files if file.path == path)
    return where.folder / "blobs" / "sha256" / file.digest[7:9] / file.digest[7:]


def spoil(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("path", ["model/model.bin", "records/train.json", "environment.txt"])
def test_one_byte_changed_in_a_stored_file_is_named_and_never_fetched(tmp_path: Path, path: str) -> None:
    where = registry(tmp_path)
    (one,) = published(where, tmp_path, "one")
    spoil(blob_of(where, "v1", path))
    report = verify_version(where, "v1")
    assert not report.intact
    assert str(report.broken[0]).startswith(f"v1 {path}: it was changed: the manifest says sha256:")
    with pytest.raises(PlatformError, match=f"{path} was changed in the registry"):
        where.fetch(one, tmp_path / "fetched")
    with pytest.raises(PlatformError, match="was changed in the registry"):
        where.read(one, path)
    assert list(tmp_path.glob("*fetched*")) == []


def test_publishing_again_mends_a_damaged_file(tmp_path: Path) -> None:
    where, run = registry(tmp_path), run_folder(tmp_path / "run")
    where.publish(bundle(run))
    spoil(blob_of(where, "v1", "model/model.bin"))
    where.publish(bundle(run))
    assert verify_version(where, "v1").intact


def test_a_stored_file_that_is_gone_is_named(tmp_path: Path) -> None:
    where = registry(tmp_path)
    (one,) = published(where, tmp_path, "one")
    blob_of(where, "v1", "environment.txt").unlink()
    assert "are gone from the registry" in str(verify_version(where, "v1").broken[0])
    with pytest.raises(PlatformError, match="could not read"):
        where.fetch(one, tmp_path / "fetched")
    assert not (tmp_path / "fetched").exists()


def test_a_manifest_changed_by_hand_is_refused(tmp_path: Path) -> None:
    where = registry(tmp_path)
    published(where, tmp_path, "one")
    path = where.folder / "versions" / "v1.json"
    path.write_bytes(path.read_bytes().replace(b'"adapter":"sklearn"', b'"adapter":"command"'))
    with pytest.raises(PlatformError, match="the manifest of v1 cannot be used: the manifest was changed"):
        where.resolve("v1")
    assert "the manifest was changed" in str(verify_registry(where).broken[0])


def test_a_manifest_that_was_sealed_anew_is_not_what_the_journal_named(tmp_path: Path) -> None:
    where = registry(tmp_path)
    (one,) = published(where, tmp_path, "one")
    promote(where, one, seen=None)
    forged = Sealed.seal(one.manifest.model_copy(update={"metrics": {"roc_auc": 0.99}}))
    (where.folder / "versions" / "v1.json").write_bytes(forged.to_bytes())
    (broken,) = verify_registry(where).broken
    assert str(broken) == (f"journal entry 1: it moved champion to v1, which was {one.digest}; v1 is {forged.digest}")


def test_a_hostile_manifest_cannot_write_outside_the_target(tmp_path: Path) -> None:
    where = registry(tmp_path)
    published(where, tmp_path, "one")
    path = where.folder / "versions" / "v1.json"
    plain = json.loads(path.read_bytes())
    plain["manifest"]["files"][0]["path"] = "../../escaped.txt"
    path.write_bytes(json.dumps({**plain, "digest": digest(plain["manifest"])}).encode())
    with pytest.raises(PlatformError, match="a path in a manifest is relative"):
        where.resolve("v1")


def test_a_manifest_of_another_model_or_number_is_refused(tmp_path: Path) -> None:
    where = registry(tmp_path)
    published(where, tmp_path, "one")
    shutil.copy(where.folder / "versions" / "v1.json", where.folder / "versions" / "v2.json")
    with pytest.raises(PlatformError, match="it is the manifest of flights-late v1"):
        where.resolve("v2")


def test_a_version_that_the_journal_names_and_that_is_gone_is_damage(tmp_path: Path) -> None:
    where = registry(tmp_path)
    promote(where, published(where, tmp_path, "one")[0], seen=None)
    (where.folder / "versions" / "v1.json").unlink()
    with pytest.raises(PlatformError, match="the journal names v1, which is gone"):
        where.find("champion")
    with pytest.raises(PlatformError, match="the journal names v1, which is gone"):
        where.resolve("champion")
    assert "v1 is gone" in str(verify_registry(where).broken[0])
