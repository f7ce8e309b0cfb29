"""The local registry on a real disk: publish, resolve, move, history, fetch, and what damage is told."""

import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from modelyard.errors import ConfigError, DataError, PlatformError
from modelyard.records.canonical import digest
from modelyard.records.envelope import Record, plain_record, read_record, write_record
from modelyard.records.manifest import Sealed
from modelyard.registry.base import AliasMoved, Registry
from modelyard.registry.bundle import collect
from modelyard.registry.local import LocalRegistry
from modelyard.registry.records import version_records
from modelyard.registry.verify import verify_registry, verify_version
from tests.registry_samples import (
    MODEL,
    NOON,
    Clock,
    adopted,
    bundle,
    promote,
    published,
    registry,
    run_folder,
    snapshot,
)


def test_a_local_registry_is_a_registry(tmp_path: Path) -> None:
    where: Registry = registry(tmp_path)
    assert (where.kind, where.model) == ("local", MODEL)


def test_what_is_published_can_be_fetched_byte_for_byte(tmp_path: Path) -> None:
    where, run = registry(tmp_path), run_folder(tmp_path / "run")
    version = where.publish(bundle(run))
    where.fetch(version, tmp_path / "fetched" / "v1")
    assert version.name == "v1"
    assert where.resolve("v1") == version
    files = snapshot(tmp_path / "fetched" / "v1")
    assert files == {path: found for path, found in snapshot(run).items() if path in files}
    assert sorted(files) == [
        "environment.txt",
        "model/model.bin",
        "model/nested/notes.txt",
        "records/detect.json",
        "records/evaluate.json",
        "records/report.json",
        "records/train.json",
    ]


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


def test_the_same_thing_published_twice_is_one_version(tmp_path: Path) -> None:
    where, run = registry(tmp_path), run_folder(tmp_path / "run")
    first = where.publish(bundle(run))
    (run / "environment.txt").write_text("rendered again\n", "utf-8")
    assert where.publish(bundle(run)) == first
    old = adopted(tmp_path / "old")
    assert where.publish(old) == where.publish(old)
    assert [version.name for version in where.list()] == ["v1", "v2"]


def test_one_model_on_new_evidence_is_a_new_version_of_the_same_bytes(tmp_path: Path) -> None:
    where = registry(tmp_path)
    first = where.publish(bundle(run_folder(tmp_path / "a", "same")))
    second = where.publish(bundle(run_folder(tmp_path / "b", "same", champion="v1")))
    assert (first.name, second.name) == ("v1", "v2")
    assert first.manifest.model_digest == second.manifest.model_digest
    assert where.resolve(first.manifest.model_digest).name == "v2"


def test_a_version_is_found_by_number_digest_and_alias(tmp_path: Path) -> None:
    where = registry(tmp_path)
    one, two = published(where, tmp_path, "one", "two")
    promote(where, two, seen=None)
    assert where.resolve("1") == where.resolve("v1") == one
    assert where.resolve(two.manifest.model_digest[: len("sha256:") + 12]) == two
    assert where.resolve("champion") == where.find("champion") == two


def test_an_index_that_was_lost_is_made_anew(tmp_path: Path) -> None:
    where = registry(tmp_path)
    one, _ = published(where, tmp_path, "one", "two")
    shutil.rmtree(where.folder / "index")
    assert where.resolve(one.manifest.model_digest) == one
    assert len(list((where.folder / "index").iterdir())) == 2


@pytest.mark.parametrize(
    ("reference", "do"),
    [
        ("v9", "The nearest is v2; there is v1 to v2."),
        ("chapion", "Did you mean 'champion'?"),
        ("sha256:000000000000", "The newest version is v2."),
        ("champion@2026-05-01", "The first was v1, at 2026-05-03T12:00:00+00:00."),
    ],
)
def test_what_is_not_there_is_told_the_nearest_that_is(tmp_path: Path, reference: str, do: str) -> None:
    where = registry(tmp_path)
    one, _ = published(where, tmp_path, "one", "two")
    promote(where, one, seen=None)
    with pytest.raises(ConfigError) as caught:
        where.resolve(reference)
    assert caught.value.do == do


def test_history_says_what_served_when_who_decided_why_and_on_what_evidence(tmp_path: Path) -> None:
    clock = Clock()
    where = registry(tmp_path, clock)
    one, two = published(where, tmp_path, "one", "two")
    promote(where, one, seen=None, reason="the first")
    clock.now += timedelta(days=2)
    promote(where, two, seen="v1", reason="July added", actor="hubot", command="modelyard promote")
    clock.now += timedelta(days=2)
    promote(where, one, seen="v2", reason="errors since\nthe morning", kind="rolled-back", evidence="none")
    rows = [
        (entry.seq, entry.at[:10], entry.kind, entry.alias, entry.from_, entry.to, entry.actor, entry.reason)
        for entry in where.history("champion")
    ]
    assert rows == [
        (1, "2026-05-03", "promoted", "champion", None, "v1", "octocat", "the first"),
        (2, "2026-05-05", "promoted", "champion", "v1", "v2", "hubot", "July added"),
        (3, "2026-05-07", "rolled-back", "champion", "v2", "v1", "octocat", "errors since the morning"),
    ]
    assert [entry.evidence for entry in where.history()] == [one.manifest.evidence, two.manifest.evidence, "none"]
    assert [entry.to_digest for entry in where.history()] == [one.digest, two.digest, one.digest]
    assert where.previous("champion") == two
    assert where.history(newest=1) == where.history()[-1:]


@pytest.mark.parametrize(
    ("moment", "served"),
    [
        ("2026-05-03", "v1"),
        ("2026-05-04", "v1"),
        ("2026-05-05", "v2"),
        ("2026-05-05T11:59:59+00:00", "v1"),
        ("2026-05-05T12:00:00Z", "v2"),
        ("2026-05-07", "v2"),
    ],
)
def test_what_served_on_a_date_is_the_last_version_of_that_day(tmp_path: Path, moment: str, served: str) -> None:
    clock = Clock()
    where = registry(tmp_path, clock)
    one, two = published(where, tmp_path, "one", "two")
    promote(where, one, seen=None)
    clock.now += timedelta(days=2)
    promote(where, two, seen="v1")
    clock.now += timedelta(days=2)
    assert where.resolve(f"champion@{moment}").name == served


def test_the_future_is_not_known(tmp_path: Path) -> None:
    where = registry(tmp_path)
    promote(where, published(where, tmp_path, "one")[0], seen=None)
    with pytest.raises(ConfigError, match="2026-05-04 lies in the future"):
        where.resolve("champion@2026-05-04")


def test_a_clock_that_went_back_does_not_hide_a_later_move(tmp_path: Path) -> None:
    clock = Clock()
    where = registry(tmp_path, clock)
    one, two = published(where, tmp_path, "one", "two")
    clock.now = datetime(2026, 9, 1, tzinfo=UTC)
    promote(where, one, seen=None)
    clock.now = NOON
    promote(where, two, seen="v1")
    assert where.resolve("champion@2026-05-03") == where.resolve("champion") == two


def test_an_alias_moves_only_from_the_version_that_was_seen(tmp_path: Path) -> None:
    where = registry(tmp_path)
    one, two = published(where, tmp_path, "one", "two")
    promote(where, one, seen=None)
    with pytest.raises(AliasMoved) as caught:
        promote(where, two, seen=None)
    error = caught.value
    assert (error.alias, error.seen, error.now, error.exit_code) == ("champion", None, "v1", 4)
    assert "it pointed at nothing, and now at v1" in error.found
    assert "evaluate again against v1" in error.do
    assert len(where.entries()) == 1


def test_aliases_are_independent(tmp_path: Path) -> None:
    where = registry(tmp_path)
    one, two = published(where, tmp_path, "one", "two")
    promote(where, one, seen=None)
    where.set_alias(
        "best-promoted", "v2", seen=None, actor="octocat", reason="", evidence=two.manifest.evidence, kind="promoted"
    )
    assert [entry.to for entry in where.history("best-promoted")] == ["v2"]
    assert where.resolve("champion") == one


def test_a_note_is_in_the_journal_and_moves_nothing(tmp_path: Path) -> None:
    where = registry(tmp_path)
    promote(where, published(where, tmp_path, "one")[0], seen=None)
    where.append(actor="octocat", reason="the test set was looked at")
    assert [entry.kind for entry in where.entries()] == ["promoted", "note"]
    assert [entry.kind for entry in where.history()] == ["promoted"]


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


def test_a_promotion_names_the_evidence_that_the_version_carries(tmp_path: Path) -> None:
    where = registry(tmp_path)
    (one,) = published(where, tmp_path, "one")
    old = where.publish(adopted(tmp_path / "old"))
    for version, evidence in ((one, digest("another")), (one, "none"), (old, one.manifest.evidence), (old, "none")):
        with pytest.raises(ConfigError) as caught:
            promote(where, version, seen=None, evidence=evidence)
        assert caught.value.exit_code == 2
    assert where.history() == ()


def test_a_model_is_adopted_only_where_there_is_none(tmp_path: Path) -> None:
    where = registry(tmp_path)
    old = where.publish(adopted(tmp_path / "old"))
    promote(where, old, seen=None, kind="adopted")
    assert (where.history()[0].kind, where.history()[0].evidence) == ("adopted", "none")
    other = where.publish(adopted(tmp_path / "other", "another model"))
    for seen in (None, "v1"):
        with pytest.raises(ConfigError, match="champion points at v1 already"):
            promote(where, other, seen=seen, kind="adopted")


@pytest.mark.parametrize("alias", ["../champion", "Champion", "v7", "previous", "a/b", "chаmpion", ""])
def test_a_bad_alias_name_changes_nothing(tmp_path: Path, alias: str) -> None:
    where = registry(tmp_path)
    (one,) = published(where, tmp_path, "one")
    before = snapshot(tmp_path)
    with pytest.raises(ConfigError):
        where.set_alias(alias, "v1", seen=None, actor="a", reason="", evidence=one.manifest.evidence, kind="promoted")
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"model_digest": digest("x")}, "the files under model/ have"),
        ({"evidence": digest("x")}, "the evidence is"),
        ({"result_digest": digest("x")}, "the result digest is"),
        ({"config_digest": digest("x")}, "the configuration digest is"),
        ({"data": {}}, "the digest of the data set 'all' is none in the manifest"),
        ({"tree": "another"}, "the tree is another in the manifest"),
        ({"parent": "v3"}, "the champion at the time is v3 in the manifest and none in the record"),
        ({"model": "another"}, "cannot be published as one of flights-late"),
    ],
)
def test_a_bundle_that_says_other_things_than_its_bytes_is_not_published(
    tmp_path: Path, changed: dict[str, object], said: str
) -> None:
    where = registry(tmp_path)
    with pytest.raises(DataError) as caught:
        where.publish(bundle(run_folder(tmp_path / "run"), **changed))
    assert said in caught.value.found
    assert where.list() == ()


def test_a_model_changed_after_it_was_judged_is_not_published(tmp_path: Path) -> None:
    where, run = registry(tmp_path), run_folder(tmp_path / "run")
    said = bundle(run)
    (run / "model" / "model.bin").write_bytes(b"another")
    with pytest.raises(DataError, match="the model digest is sha256:"):
        where.publish(said)
    with pytest.raises(DataError, match="manifest → evaluate: the model digest is sha256:"):
        where.publish(bundle(run))
    assert where.list() == ()


def test_a_record_changed_after_it_was_sealed_is_not_published(tmp_path: Path) -> None:
    where, run = registry(tmp_path), run_folder(tmp_path / "run")
    said, path = bundle(run), run / "records" / "train.json"
    path.write_bytes(path.read_bytes().replace(b'"train_rows":900', b'"train_rows":901'))
    with pytest.raises(DataError, match=r"records/train.json was changed"):
        where.publish(said)
    assert where.list() == ()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"verdict": "fail"}, "the evidence ended with fail, not with pass"),
        ({"builds_on": []}, "the evidence builds on no detect record"),
    ],
)
def test_evidence_that_is_none_is_not_published(tmp_path: Path, changed: dict[str, object], said: str) -> None:
    where, run = registry(tmp_path), run_folder(tmp_path / "run")
    (run / "records" / "report.json").unlink()
    path = run / "records" / "evaluate.json"
    plain = plain_record(read_record(path).record)
    write_record(path, Record.model_validate({**plain, **changed}))
    with pytest.raises(DataError, match=said):
        where.publish(bundle(run))
    assert where.list() == ()


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


def test_an_intact_registry_verifies_as_a_whole(tmp_path: Path) -> None:
    where = registry(tmp_path)
    one, two = published(where, tmp_path, "one", "two")
    promote(where, one, seen=None)
    promote(where, two, seen="v1")
    report = verify_registry(where)
    assert report.intact
    assert "v2 model/model.bin" in report.checked
    assert report.checked[-1] == "journal of 2 entries"
    assert version_records(where, two)["evaluate"].digest == two.manifest.evidence


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


def test_a_fetch_replaces_nothing(tmp_path: Path) -> None:
    where = registry(tmp_path)
    (one,) = published(where, tmp_path, "one")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "work.txt").write_text("mine", "utf-8")
    with pytest.raises(PlatformError, match="is there already"):
        where.fetch(one, tmp_path / "mine")
    assert (tmp_path / "mine" / "work.txt").read_text("utf-8") == "mine"
