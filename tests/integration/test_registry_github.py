"""The github registry where it differs: leftovers of killed runs, lost races and answers, permissions, and damage."""

import json
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from modelyard.errors import ConfigError, PlatformError
from modelyard.github.client import GitHub, GitHubError
from modelyard.registry import github_releases
from modelyard.registry.base import AliasMoved
from modelyard.registry.github import GitHubRegistry
from modelyard.registry.github_state import BRANCH
from tests.hub import How, Hub
from tests.integration.test_registry_conformance import start
from tests.registry_samples import MODEL, Clock, bundle, promote, published, run_folder


@pytest.fixture
def github(tmp_path: Path) -> Iterator[Hub]:
    with ExitStack() as stack:
        server = start(stack, tmp_path)
        yield server
        assert server.violations == []


def opened(github: Hub, tmp_path: Path, token: str = "ghs_write", clock: Clock | None = None) -> GitHubRegistry:  # noqa: S107 - a stand-in
    client = GitHub(github.url, github.name, token, pause=lambda _: None)
    return GitHubRegistry(client, MODEL, scratch=tmp_path / "scratch", target="main", now=clock or Clock())


def state(github: Hub) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = json.loads(github.run("show", f"{BRANCH}:{MODEL}/state.json"))
    return found


def test_a_reader_needs_no_permission_to_write(github: Hub, tmp_path: Path) -> None:
    (one,) = published(opened(github, tmp_path), tmp_path, "one")
    promote(opened(github, tmp_path), one, seen=None)
    reader = opened(github, tmp_path / "reader", "ghs_read")
    champion = reader.find("champion")
    assert champion == one
    reader.fetch(one, tmp_path / "fetched")
    assert (tmp_path / "fetched" / "model" / "model.bin").read_bytes() == b"one" * 1000


def test_equal_versions_are_equal_bytes(github: Hub, tmp_path: Path) -> None:
    run = run_folder(tmp_path / "run")
    files = github_releases.entries(bundle(run).files)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    first = github_releases.pack(files, bundle(run).files, tmp_path / "a")
    for path in run.rglob("*"):
        path.touch()
        path.chmod(0o700)
    again = github_releases.pack(files, bundle(run).files, tmp_path / "b")
    assert {name: part.digest for name, part in first.items()} == {name: part.digest for name, part in again.items()}


@pytest.mark.parametrize(
    ("operation", "how", "after"),
    [
        ("git/create-tree", "reset", False),
        ("git/create-commit", "status", False),
        ("git/update-ref", "status", False),
        ("git/update-ref", "reset", True),
        ("git/update-ref", "status", True),
        ("git/get-ref", "truncate", False),
        ("repos/get-content", "reset", False),
    ],
)
def test_a_move_takes_effect_once_whatever_is_lost(
    github: Hub, tmp_path: Path, operation: str, how: How, after: bool
) -> None:
    where = opened(github, tmp_path)
    (one,) = published(where, tmp_path, "one")
    github.fail(operation, how, 502, after=after)
    promote(where, one, seen=None)
    assert [entry.to for entry in where.entries()] == ["v1"]
    assert where.find("champion") == one


@pytest.mark.parametrize(
    ("operation", "after"),
    [
        ("repos/create-release", False), ("repos/create-release", True),
        ("repos/upload-release-asset", False), ("repos/upload-release-asset", True),
        ("git/create-ref", False), ("git/create-ref", True),
    ],
)  # fmt: skip
def test_publishing_again_after_a_failure_makes_one_version(
    github: Hub, tmp_path: Path, operation: str, after: bool
) -> None:
    where, said = opened(github, tmp_path), bundle(run_folder(tmp_path / "run"))
    github.fail(operation, "reset", after=after)
    try:
        where.publish(said)
    except PlatformError:
        assert where.list() == ()
    version = where.publish(said)
    assert [each.name for each in where.list()] == [version.name]
    where.fetch(version, tmp_path / "fetched")


def test_a_release_that_a_killed_run_published_is_taken_up(github: Hub, tmp_path: Path) -> None:
    where, said = opened(github, tmp_path), bundle(run_folder(tmp_path / "run"))
    github.fail("git/update-ref", "status", 403, times=1)
    with pytest.raises(GitHubError):
        where.publish(said)
    assert where.list() == ()
    assert where.publish(said).name == "v1"
    assert len(github.releases) == 1


def test_a_number_that_something_else_burned_is_skipped(github: Hub, tmp_path: Path) -> None:
    where = opened(github, tmp_path)
    published(where, tmp_path, "one")
    github.run("update-ref", f"refs/tags/modelyard/{MODEL}/v2", "main")
    assert published(where, tmp_path, "two", "three")[0].name == "v3"
    assert [each.name for each in where.list()] == ["v1", "v3", "v4"]


def left_a_draft(github: Hub, tmp_path: Path, clock: Clock) -> dict[str, object]:
    """A run that died before it published its draft."""
    said = bundle(run_folder(tmp_path / "killed", "killed"))
    github.fail("repos/update-release", "reset", times=9)
    with pytest.raises(PlatformError):
        opened(github, tmp_path, clock=clock).publish(said)
    github.faults.clear()
    (draft,) = [release for release in github.releases.values() if release["draft"]]
    return draft


def test_a_draft_of_a_killed_run_is_kept_in_the_state_and_taken_up_without_sending_again(
    github: Hub, tmp_path: Path
) -> None:
    draft, before = left_a_draft(github, tmp_path, Clock()), len(github.calls)
    assert state(github)["pending"]["v1"]["release"] == draft["id"]  # type: ignore[index] # as it is in the file
    clock = Clock()
    clock.now = clock.now.replace(hour=15)
    version = opened(github, tmp_path, clock=clock).publish(bundle(tmp_path / "killed"))
    assert (version.name, version.manifest.created) == ("v1", "2026-05-03T12:00:00+00:00")
    later = [call.operation for call in github.calls[before:]]
    assert "repos/upload-release-asset" not in later
    assert "repos/create-release" not in later
    assert state(github)["pending"] == {}


def test_a_draft_that_nobody_takes_up_never_counts_and_is_deleted_after_a_day(github: Hub, tmp_path: Path) -> None:
    clock = Clock()
    draft = left_a_draft(github, tmp_path, clock)
    other = {**draft, "id": 2, "tag_name": "nightly"}
    github.releases[2] = other
    (two,) = published(opened(github, tmp_path, clock=clock), tmp_path, "two")
    assert two.name == "v2"
    assert draft["id"] in github.releases
    clock.now = clock.now.replace(day=5)
    (three,) = published(opened(github, tmp_path, clock=clock), tmp_path, "three")
    assert three.name == "v3"
    assert draft["id"] not in github.releases
    assert 2 in github.releases
    assert state(github)["pending"] == {}


def test_a_draft_whose_making_was_not_written_down_is_found_over_all_pages(github: Hub, tmp_path: Path) -> None:
    where, said = opened(github, tmp_path), bundle(run_folder(tmp_path / "run"))
    github.fail("repos/create-release", "reset", after=True)
    github.fail("repos/list-releases", "reset", times=9)
    with pytest.raises(PlatformError):
        where.publish(said)
    github.faults.clear()
    (draft,) = github.releases.values()
    for at in range(130):
        github.releases[5000 + at] = {**draft, "id": 5000 + at, "tag_name": f"nightly-{at}", "body": "another"}
    assert where.publish(said).name == "v1"
    assert not draft["draft"]
    assert len(github.releases) == 131


def test_a_release_that_a_killed_run_published_is_named_by_the_next_one(github: Hub, tmp_path: Path) -> None:
    where = opened(github, tmp_path)
    published(where, tmp_path, "one")
    said = bundle(run_folder(tmp_path / "killed", "killed"))

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    where._name = die  # type: ignore[assignment] # killed before the last commit
    with pytest.raises(KeyboardInterrupt):
        where.publish(said)
    where = opened(github, tmp_path)
    assert [each.name for each in where.list()] == ["v1"]
    (three,) = published(where, tmp_path, "three")
    assert three.name == "v3"
    assert [each.name for each in where.list()] == ["v1", "v2", "v3"]
    where.fetch(where.resolve("v2"), tmp_path / "fetched")


def test_a_deleted_state_branch_is_never_a_first_run(github: Hub, tmp_path: Path) -> None:
    where = opened(github, tmp_path)
    (one,) = published(where, tmp_path, "one")
    promote(where, one, seen=None)
    lost = github.run("rev-parse", BRANCH)
    github.run("update-ref", "-d", f"refs/heads/{BRANCH}")
    for look in (lambda: opened(github, tmp_path).find("champion"), lambda: published(where, tmp_path, "two")):
        with pytest.raises(PlatformError, match="is gone from the branch") as error:
            look()
        assert "git push --force origin" in error.value.do
    github.run("update-ref", f"refs/heads/{BRANCH}", lost)
    assert opened(github, tmp_path).find("champion") == one


def test_a_lost_race_is_decided_again_on_the_new_state(github: Hub, tmp_path: Path) -> None:
    where, other = opened(github, tmp_path), opened(github, tmp_path / "other")
    one, two = published(where, tmp_path, "one", "two")
    decide = where._branch.change
    raced = False

    def slow(change):  # type: ignore[no-untyped-def] # wraps a generic method for one test
        def later(at):  # type: ignore[no-untyped-def] # the same
            nonlocal raced
            found = change(at)
            if not raced:
                raced = True
                promote(other, two, seen=None)
            return found

        return decide(later)

    where._branch.change = slow  # type: ignore[method-assign] # another writer gets in between
    with pytest.raises(AliasMoved, match="now at v2"):
        promote(where, one, seen=None)
    assert [entry.to for entry in other.entries()] == ["v2"]


def test_without_the_permission_the_cure_is_named_and_nothing_is_left(github: Hub, tmp_path: Path) -> None:
    with pytest.raises(GitHubError) as error:
        published(opened(github, tmp_path, "ghs_read"), tmp_path, "one")
    assert "permissions: {contents: write}" in error.value.do
    assert github.releases == {}


def test_a_rule_that_protects_the_branch_is_explained(github: Hub, tmp_path: Path) -> None:
    (one,) = published(opened(github, tmp_path), tmp_path, "one")
    github.protected.add(BRANCH)
    with pytest.raises(PlatformError, match="a rule of this repository keeps the branch") as error:
        promote(opened(github, tmp_path), one, seen=None)
    assert "exclude `modelyard-state` from the rule" in error.value.do


def test_an_asset_deleted_by_hand_is_named(github: Hub, tmp_path: Path) -> None:
    where = opened(github, tmp_path)
    (one,) = published(where, tmp_path, "one")
    gone = next(asset for asset in github.assets.values() if asset["name"] == "model.zip")
    del github.assets[gone["id"]]
    with pytest.raises(PlatformError, match=r"the asset model.zip of this version is gone"):
        where.fetch(one, tmp_path / "fetched")
    assert not (tmp_path / "fetched").exists()
    assert [each.where for each in where.damaged(one)] == ["v1 model/model.bin", "v1 model/nested/notes.txt"]


def test_an_asset_with_other_bytes_is_never_unpacked(github: Hub, tmp_path: Path) -> None:
    where = opened(github, tmp_path)
    (one,) = published(where, tmp_path, "one")
    asset = next(asset for asset in github.assets.values() if asset["name"] == "records.zip")
    asset["data"] = asset["data"].replace(b"python==3", b"python==4")
    with pytest.raises(PlatformError, match=r"the asset records.zip is sha256:.*the state says"):
        where.read(one, "environment.txt")


def test_a_state_changed_by_hand_is_refused(github: Hub, tmp_path: Path) -> None:
    where = opened(github, tmp_path)
    one, _ = published(where, tmp_path, "one", "two")
    promote(where, one, seen=None)
    text = github.raw("show", f"{BRANCH}:{MODEL}/state.json").replace(b'"champion":"v1"', b'"champion":"v2"')
    index = {"GIT_INDEX_FILE": str(tmp_path / "index")}
    github.run("read-tree", BRANCH, environ=index)
    blob = github.run("hash-object", "-w", "--stdin", data=text)
    github.run("update-index", "--cacheinfo", f"100644,{blob},{MODEL}/state.json", environ=index)
    forged = github.run("commit-tree", github.run("write-tree", environ=index), "-p", BRANCH, data=b"forged")
    github.run("update-ref", f"refs/heads/{BRANCH}", forged)
    with pytest.raises(PlatformError, match="do not add up to the state"):
        opened(github, tmp_path).entries()
    with pytest.raises(PlatformError, match="champion is not at v1, where the journal moved it"):
        opened(github, tmp_path).history()


def test_a_model_too_large_for_an_asset_is_refused_before_anything_is_sent(
    github: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(github_releases, "LARGEST", 1000)
    with pytest.raises(ConfigError, match="GitHub takes less than 1,000") as error:
        published(opened(github, tmp_path), tmp_path, "one")
    assert "mlflow" in error.value.do
    assert github.releases == {}


def test_a_hostile_archive_writes_nothing_but_what_the_manifest_lists(tmp_path: Path) -> None:
    run = run_folder(tmp_path / "run")
    files = github_releases.entries({"environment.txt": run / "environment.txt"})
    archive = tmp_path / "records.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("../../outside.txt", "x")
        made.writestr("environment.txt", (run / "environment.txt").read_bytes())
    github_releases.unpack(archive, files, lambda file: tmp_path / "out" / file.path)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["environment.txt"]
    assert not (tmp_path.parent / "outside.txt").exists()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("environment.txt", b"\0" * 10_000_000)
    with pytest.raises(PlatformError):
        github_releases.unpack(archive, files, lambda file: tmp_path / "bomb" / file.path)
    assert not (tmp_path / "bomb").exists()
