"""The github registry where it differs: orphans of killed runs, lost races and answers, permissions, and damage."""

import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from modelyard.core.errors import ConfigError, PlatformError
from modelyard.core.files import sha256_bytes
from modelyard.github.client import GitHub, GitHubError
from modelyard.registry import operations
from modelyard.registry.github import archives
from modelyard.registry.github import state as github_state
from modelyard.registry.github.documents import Asset, Change, RegistryState, Snapshot, VersionIndexEntry, with_state
from modelyard.registry.github.registry import GitHubRegistry
from modelyard.registry.github.state import BRANCH
from modelyard.registry.protocol import AliasMoved, Bundle, Version
from tests.hub import Answer, How, Hub
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
    files = archives.entries(bundle(run).files)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    first = archives.pack(files, bundle(run).files, tmp_path / "a")
    for path in run.rglob("*"):
        path.touch()
        path.chmod(0o700)
    again = archives.pack(files, bundle(run).files, tmp_path / "b")
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


@pytest.mark.parametrize("before", ["make_draft", "fill", "publish", "tag_at"])
def test_two_attempts_of_one_run_at_once_make_one_version(github: Hub, tmp_path: Path, before: str) -> None:
    """The second attempt does all of it while the first one is about to do a part."""
    published(opened(github, tmp_path), tmp_path, "zero")
    where, said = opened(github, tmp_path), bundle(run_folder(tmp_path / "run"))
    real = getattr(where._releases, before)
    done: list[Version] = []

    def overtaken(*given: object) -> object:
        if not done and not (before == "tag_at" and len(github.releases) < 2):
            done.append(opened(github, tmp_path / "other").publish(said))
        return real(*given)

    setattr(where._releases, before, overtaken)
    assert where.publish(said) == done[0]
    assert [each.name for each in where.list()] == ["v1", "v2"]
    assert [(each["tag_name"][-2:], each["draft"]) for each in github.releases.values()] == [
        ("v1", False),
        ("v2", False),
    ]
    assert len(github.assets) == 6
    assert state(github)["pending"] == {}
    where.fetch(done[0], tmp_path / "fetched")


@pytest.mark.parametrize("spoilt", ["changed", "gone", "unfinished"])
def test_what_github_has_is_compared_once_more_before_it_is_published(github: Hub, tmp_path: Path, spoilt: str) -> None:
    where, said = opened(github, tmp_path), bundle(run_folder(tmp_path / "run"))
    real = where._releases.publish

    def spoil(draft: int, parts: Mapping[str, archives.Packed]) -> dict[str, Asset]:
        asset = asset_of(github, "model.zip")
        if spoilt == "gone":
            del github.assets[asset["id"]]
        else:
            asset |= {"digest": "sha256:" + "0" * 64} if spoilt == "changed" else {"state": "starter"}
        return real(draft, parts)

    where._releases.publish = spoil  # type: ignore[method-assign] # somebody gets in between
    with pytest.raises(PlatformError, match=r"GitHub has model.zip as .* sent was sha256:"):
        where.publish(said)
    assert [release["draft"] for release in github.releases.values()] == [True]
    assert opened(github, tmp_path).publish(said).name == "v1"
    assert [release["draft"] for release in github.releases.values()] == [False]


def test_another_report_about_the_same_model_never_fills_the_draft_of_the_first(github: Hub, tmp_path: Path) -> None:
    clock = Clock()
    left_a_draft(github, tmp_path, clock)
    (tmp_path / "killed" / "environment.txt").write_text("rendered again\n", "utf-8")
    where = opened(github, tmp_path, clock=clock)
    version = where.publish(bundle(tmp_path / "killed"))
    assert version.name == "v2"
    assert where.read(version, "environment.txt") == b"rendered again\n"
    clock.now = clock.now.replace(day=5)
    published(opened(github, tmp_path, clock=clock), tmp_path, "three")
    assert [release["tag_name"][-2:] for release in github.releases.values()] == ["v2", "v3"]
    assert state(github)["pending"] == {}


def test_whoever_makes_the_branch_second_follows_the_first(github: Hub, tmp_path: Path) -> None:
    where = opened(github, tmp_path)
    real = where._branch._commit

    def overtaken(at: Snapshot, change: Change) -> bool:
        where._branch._commit = real  # type: ignore[method-assign] # once
        opened(github, tmp_path).append(actor="octocat", reason="the first")
        return real(at, change)

    where._branch._commit = overtaken  # type: ignore[method-assign] # somebody else is faster
    where.append(actor="octocat", reason="the second")
    assert [entry.reason for entry in where.entries()] == ["the first", "the second"]
    assert github.run("rev-list", "--count", BRANCH) == "2"


def test_a_release_that_a_killed_run_published_is_named_by_the_next_one(github: Hub, tmp_path: Path) -> None:
    where = opened(github, tmp_path)
    published(where, tmp_path, "one")
    said = bundle(run_folder(tmp_path / "killed", "killed"))

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    where._publisher._name = die  # type: ignore[assignment] # killed before the last commit
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
        assert "git push --force origin" in error.value.hint
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
    assert "permissions: {contents: write}" in error.value.hint
    assert github.releases == {}


def writes(where: GitHubRegistry, said: Bundle, version: Version, seen: str | None) -> list[Callable[[], object]]:
    """Everything that changes a registry."""
    return [
        lambda: where.publish(said),
        lambda: promote(where, version, seen=seen),
        lambda: where.append(actor="octocat", reason="a note"),
    ]


def test_a_token_that_may_only_read_reads_everything_and_changes_nothing(github: Hub, tmp_path: Path) -> None:
    one, two = published(opened(github, tmp_path), tmp_path, "one", "two")
    promote(opened(github, tmp_path), one, seen=None)
    head = github.run("rev-parse", BRANCH)
    for token in ("ghs_read", ""):
        before = len(github.calls)
        reader = opened(github, tmp_path / f"reader-{token}", token)
        assert reader.find("champion") == reader.resolve("v1") == reader.resolve("champion@2026-05-03") == one
        assert reader.previous("champion") is None
        assert [entry.to for entry in reader.history()] == [entry.to for entry in reader.entries()] == ["v1"]
        assert reader.list() == (one, two)
        assert reader.damaged(one) == ()
        assert reader.read(one, "environment.txt").startswith(b"python==3")
        reader.fetch(one, tmp_path / f"fetched-{token}")
        assert {call.method for call in github.calls[before:]} == {"GET"}
        for write in writes(reader, bundle(run_folder(tmp_path / f"more-{token}", "more")), two, "v1"):
            with pytest.raises(GitHubError) as error:
                write()
            assert "permissions: {contents: write}" in error.value.hint
    assert github.run("rev-parse", BRANCH) == head


RULES = [
    (422, "Repository rule violations found"),
    (422, "Changes must be made through a pull request."),
    (422, 'Required status check "test" is expected.'),
    (422, "Cannot update this protected ref."),
    (422, "Commits must have verified signatures."),
    (422, "Reference update failed"),
    (403, "Protected branch update failed for refs/heads/modelyard-state."),
    (409, "Repository rule violations found"),
]


@pytest.mark.parametrize(("status", "message"), RULES)
@pytest.mark.parametrize("first", [True, False])
def test_a_rule_that_keeps_the_state_branch_from_being_written_is_explained(
    github: Hub, tmp_path: Path, status: int, message: str, first: bool
) -> None:
    if not first:
        published(opened(github, tmp_path), tmp_path, "one")
    github.rules[f"refs/heads/{BRANCH}"] = Answer(status, message)
    before = len(github.writes)
    with pytest.raises(PlatformError, match="a rule of this repository keeps the branch modelyard-state") as error:
        opened(github, tmp_path).append(actor="octocat", reason="a note")
    assert message in error.value.message
    for way in ("exclude `modelyard-state` from the rule", "bypass list", "registry: {kind: mlflow}"):
        assert way in error.value.hint
    assert [call.status for call in github.writes[before:]] == [201, 201, status]


def test_a_rule_that_keeps_tags_from_being_made_is_explained_and_burns_no_number(github: Hub, tmp_path: Path) -> None:
    where, said = opened(github, tmp_path), bundle(run_folder(tmp_path / "run"))
    words = ("pre_receive Repository rule violations found", "Cannot create ref due to creations being restricted.")
    github.rules["refs/tags/modelyard/"] = Answer(422, "Validation Failed", details=words)
    with pytest.raises(PlatformError, match="a rule of this repository keeps the tag") as error:
        where.publish(said)
    assert f"exclude `modelyard/{MODEL}/**` from the rule" in error.value.hint
    github.rules.clear()
    assert where.publish(said).name == "v1"
    assert len(github.releases) == 1


def test_a_refusal_that_is_no_race_is_said_at_once(github: Hub, tmp_path: Path) -> None:
    (one,) = published(opened(github, tmp_path), tmp_path, "one")
    github.fail("git/update-ref", status=422, message="Object does not exist or so", times=99)
    github.faults[-1].message = "sha is not a commit"
    with pytest.raises(GitHubError, match="sha is not a commit"):
        promote(opened(github, tmp_path), one, seen=None)
    assert github.faults[-1].times == 98


@pytest.mark.parametrize("message", ["Update is not a fast forward", "Reference cannot be updated"])
def test_a_branch_that_is_written_without_pause_ends_in_bounded_time(github: Hub, tmp_path: Path, message: str) -> None:
    (one,) = published(opened(github, tmp_path), tmp_path, "one")
    github.fail("git/update-ref", status=422, message=message, times=99)
    with pytest.raises(PlatformError, match="is being written without pause"):
        promote(opened(github, tmp_path), one, seen=None)
    assert github.faults[-1].times == 99 - 15


def test_an_empty_repository_is_said(github: Hub, tmp_path: Path) -> None:
    github.fail("git/get-ref", status=409, message="Git Repository is empty.", times=9)
    with pytest.raises(GitHubError) as error:
        opened(github, tmp_path).find("champion")
    assert "no commit yet" in error.value.hint


def asset_of(github: Hub, name: str) -> dict[str, Any]:
    return next(asset for asset in github.assets.values() if asset["name"] == name)


def test_an_asset_deleted_by_hand_is_named_and_no_alias_moves_there(github: Hub, tmp_path: Path) -> None:
    where = opened(github, tmp_path)
    (one,) = published(where, tmp_path, "one")
    del github.assets[asset_of(github, "model.zip")["id"]]
    with pytest.raises(PlatformError, match=r"the asset model.zip of this version is gone"):
        where.fetch(one, tmp_path / "fetched")
    assert not (tmp_path / "fetched").exists()
    assert [each.where for each in where.damaged(one)] == ["v1 model/model.bin", "v1 model/nested/notes.txt"]
    with pytest.raises(PlatformError, match=r"the asset model.zip of v1 was deleted or replaced"):
        promote(where, one, seen=None)
    assert where.history() == ()


def test_a_release_deleted_by_hand_gets_no_alias(github: Hub, tmp_path: Path) -> None:
    where = opened(github, tmp_path)
    (one,) = published(where, tmp_path, "one")
    github.releases.clear()
    with pytest.raises(PlatformError, match="the release of v1 was deleted"):
        promote(where, one, seen=None)
    assert where.history() == ()


def test_a_tag_deleted_by_hand_makes_a_draft_of_its_release_and_is_named(github: Hub, tmp_path: Path) -> None:
    where = opened(github, tmp_path)
    (one,) = published(where, tmp_path, "one")
    main = github.run("rev-parse", "main")
    github.delete_tag(f"modelyard/{MODEL}/v1")
    with pytest.raises(PlatformError, match="the release of v1 is a draft, since its tag was deleted") as error:
        promote(where, one, seen=None)
    assert f"under the tag modelyard/{MODEL}/v1 at {main}" in error.value.hint
    assert [(each.where, each.why) for each in where.damaged(one)] == [
        (f"v1 modelyard/{MODEL}/v1", "the tag was deleted by hand, so its release is a draft now")
    ]
    assert where.orphans() == ()
    assert published(where, tmp_path, "two")[0].name == "v2"


def test_a_tag_moved_by_hand_changes_no_version_and_is_named(github: Hub, tmp_path: Path) -> None:
    where = opened(github, tmp_path)
    (one,) = published(where, tmp_path, "one")
    main, moved = github.run("rev-parse", "main"), github.run("rev-parse", BRANCH)
    github.run("update-ref", f"refs/tags/modelyard/{MODEL}/v1", moved)
    assert [each.why for each in where.damaged(one)] == [f"the tag was moved from {main} to {moved}"]
    promote(where, one, seen=None)
    where.fetch(one, tmp_path / "fetched")


def test_a_state_branch_put_back_by_force_is_not_written_on(github: Hub, tmp_path: Path) -> None:
    """What was published since is above every number that the older state knows."""
    (one,) = published(opened(github, tmp_path), tmp_path, "one")
    older = github.run("rev-parse", BRANCH)
    where = opened(github, tmp_path)
    (two,) = published(where, tmp_path, "two")
    promote(where, two, seen=None)
    newer = github.run("rev-parse", BRANCH)
    github.run("update-ref", f"refs/heads/{BRANCH}", older)
    where = opened(github, tmp_path)
    for write in writes(where, bundle(run_folder(tmp_path / "three", "three")), one, None):
        with pytest.raises(PlatformError, match=f"v2 of {MODEL} was published, and the branch") as error:
            write()
        assert "git push --force origin <commit>" in error.value.hint
        assert "delete its release and its tag" in error.value.hint
    assert github.run("rev-parse", BRANCH) == older
    github.run("update-ref", f"refs/heads/{BRANCH}", newer)
    assert opened(github, tmp_path).find("champion") == two
    assert where.publish(bundle(tmp_path / "three")).name == "v3"


def test_a_state_branch_replaced_by_something_else_is_never_a_first_run(github: Hub, tmp_path: Path) -> None:
    published(opened(github, tmp_path), tmp_path, "one")
    github.run("update-ref", f"refs/heads/{BRANCH}", github.run("rev-parse", "main"))
    with pytest.raises(PlatformError, match="is gone from the branch"):
        opened(github, tmp_path).find("champion")


@pytest.mark.parametrize("to", ["an older commit", "another line"])
def test_a_branch_moved_by_force_in_the_middle_of_a_change_loses_no_history(
    github: Hub, tmp_path: Path, to: str
) -> None:
    """Upon an older commit ours still follows; upon another line it does not, and is decided again."""
    (one,) = published(opened(github, tmp_path), tmp_path, "one")
    promote(opened(github, tmp_path), one, seen=None)
    where, head = opened(github, tmp_path), github.run("rev-parse", BRANCH)
    parent = github.run("rev-parse", f"{BRANCH}~1")
    other = parent if to == "an older commit" else github.git.make_commit(tree_of(github), [parent], "again", 1)
    real = where._branch._commit

    def forced(at: Snapshot, change: Change) -> bool:
        github.run("update-ref", f"refs/heads/{BRANCH}", other)
        where._branch._commit = real  # type: ignore[method-assign] # once
        return real(at, change)

    where._branch._commit = forced  # type: ignore[method-assign] # somebody pushes in between
    where.append(actor="octocat", reason="a note")
    assert [entry.reason for entry in where.entries()] == ["better", "a note"]
    assert (github.run("rev-parse", f"{BRANCH}~1") == head) is (to == "an older commit")


def test_releases_that_are_immutable_are_filled_before_they_are_published(github: Hub, tmp_path: Path) -> None:
    github.immutable = True
    where = opened(github, tmp_path)
    one, two = published(where, tmp_path, "one", "two")
    promote(where, two, seen=None)
    where.fetch(one, tmp_path / "fetched")


def test_a_number_burned_by_an_immutable_release_that_was_deleted_is_skipped(github: Hub, tmp_path: Path) -> None:
    where = opened(github, tmp_path)
    published(where, tmp_path, "one")
    github.burned |= {f"modelyard/{MODEL}/v2", f"modelyard/{MODEL}/v3"}
    assert [version.name for version in published(where, tmp_path, "two", "three")] == ["v4", "v5"]
    assert [release["tag_name"].rpartition("/")[2] for release in github.releases.values()] == ["v1", "v4", "v5"]
    assert state(github)["pending"] == {}


def test_history_is_in_githubs_time_whatever_the_runners_clock_shows(github: Hub, tmp_path: Path) -> None:
    noon = datetime(2026, 5, 3, 12, tzinfo=UTC)
    github.clock = lambda: noon
    for name, skew in (("one", 40 * 86400.0), ("two", -40 * 86400.0)):
        clock = lambda skew=skew: noon.timestamp() + skew  # noqa: E731 - a clock that is forty days off
        client = GitHub(github.url, github.name, "ghs_write", session=github.session(), clock=clock)
        where = GitHubRegistry(client, MODEL, scratch=tmp_path / name, target="main")
        (version,) = published(where, tmp_path / f"runs-{name}", name)
        now = where.find("champion")
        promote(where, version, seen=now.name if now else None)
        assert version.manifest.created == "2026-05-03T12:00:00+00:00"
        assert where.resolve("champion@2026-05-03") == version
        with pytest.raises(ConfigError, match="lies in the future"):
            where.resolve("champion@2026-05-04")
    entries = opened(github, tmp_path).entries()
    assert [entry.at for entry in entries] == ["2026-05-03T12:00:00+00:00"] * 2


def test_a_journal_that_is_full_is_closed_and_the_newest_history_is_read_from_the_newest_file(
    github: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(github_state, "LARGEST_JOURNAL", 1500)
    where = opened(github, tmp_path)
    (one,) = published(where, tmp_path, "one")
    promote(where, one, seen=None)
    for at in range(20):
        where.append(actor="octocat", reason=f"note {at}")
    promote(where, one, seen="v1", reason="again")
    sizes = {
        line.split("\t")[1]: int(line.split()[3])
        for line in github.run("ls-tree", "-l", BRANCH, f"{MODEL}/").splitlines()
        if "journal" in line
    }
    assert len(sizes) == state(github)["closed"] + 1 == 6  # type: ignore[operator] # as it is in the file
    assert max(sizes.values()) <= 1500
    fresh = opened(github, tmp_path)
    assert [entry.reason for entry in fresh.entries()] == ["better", *(f"note {at}" for at in range(20)), "again"]
    before = len(github.calls)
    assert [entry.reason for entry in opened(github, tmp_path).history(newest=1)] == ["again"]
    read = [call.path.rpartition("/")[2] for call in github.calls[before:] if "journal" in call.path]
    assert read == ["journal.jsonl"]
    assert [entry.reason for entry in fresh.history()] == ["better", "again"]


@pytest.mark.parametrize("spoil", ["changed", "gone"])
def test_a_closed_journal_that_was_changed_by_hand_is_named(
    github: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: str
) -> None:
    monkeypatch.setattr(github_state, "LARGEST_JOURNAL", 2500)
    where = opened(github, tmp_path)
    for at in range(20):
        where.append(actor="octocat", reason=f"note {at}")
    path = f"{MODEL}/journal-000001.jsonl"
    data = github.raw("show", f"{BRANCH}:{path}").replace(b"octocat", b"mallory", 1)
    blob = None if spoil == "gone" else github.git.write("blob", data)
    tree = github.git.put(tree_of(github), {path: ("100644", blob)})
    head = github.run("rev-parse", BRANCH)
    github.git.set_ref(f"refs/heads/{BRANCH}", github.git.make_commit(tree, [head], "by hand", 1))
    for read in (opened(github, tmp_path).entries, opened(github, tmp_path).history):
        with pytest.raises(PlatformError, match="journal"):
            read()


def tree_of(github: Hub) -> str:
    return github.run("rev-parse", f"{BRANCH}^{{tree}}")


def test_ten_thousand_versions_keep_every_file_of_the_state_small(github: Hub, tmp_path: Path) -> None:
    """Made without their releases, by the code that adds a version and an entry; then one more is really published."""
    where = opened(github, tmp_path)
    (one,) = published(where, tmp_path, "one")
    branch, at = where._branch, where._branch.read()
    known = at.held.versions["v1"]
    files: dict[str, bytes] = {}
    said = operations.attribution("octocat", "month added " * 20, "modelyard promote")
    branch.file = lambda _commit, name: files.get(name)  # type: ignore[assignment,method-assign] # the branch of the loop below
    for number in range(2, 10_001):
        model = sha256_bytes(b"model %d" % number)
        added, held = branch.added(at, f"v{number}", known.model_copy(update={"model": model, "identity": model}))
        at = Snapshot(at.commit, held)
        entry = operations.move(
            held.journal, "champion", one, seen="v1" if number > 2 else None, kind="promoted",
            evidence=one.manifest.evidence, now=Clock()(), by=said,
        )  # fmt: skip
        appended, held = branch.appended(at, entry)
        at = Snapshot(at.commit, held)
        files |= {**added, **appended}
        if number % 1000 in (0, 1):  # where it is largest and smallest
            files |= with_state({}, held)
            assert max(map(len, files.values())) < 900_000
            assert len(files["state.json"]) < 300_000
    assert (at.held.filed, at.held.closed) == (9, 7)
    put = {f"{MODEL}/{name}": ("100644", github.git.write("blob", data)) for name, data in files.items()}
    tree = github.git.put(tree_of(github), put)
    github.git.set_ref(f"refs/heads/{BRANCH}", github.git.make_commit(tree, [str(at.commit)], "many", 1))
    where, before = opened(github, tmp_path), len(github.calls)
    assert where.find("champion") == one
    assert where.history("champion", newest=1)[0].seq == 9_999
    assert len(github.calls) - before < 12
    before = len(github.calls)
    (new,) = published(where, tmp_path, "new")
    assert new.name == "v10001"
    assert len(github.calls) - before < 45
    promote(where, new, seen="v1")
    assert opened(github, tmp_path).find("champion") == new
    with pytest.raises(ConfigError, match="v10050") as error:
        where.resolve("v10050")
    assert "v10001" in error.value.hint
    assert len(where.entries()) == 10_000


def test_a_late_version_goes_into_the_closed_file_of_its_number(github: Hub, tmp_path: Path) -> None:
    """Whoever took v999 may finish after v1001."""
    where = opened(github, tmp_path)
    branch = where._branch
    known = VersionIndexEntry(model=sha256_bytes(b"m"), identity=sha256_bytes(b"i"), manifest=sha256_bytes(b"x"))
    at, files = Snapshot("commit", RegistryState()), dict[str, bytes]()
    branch.file = lambda _commit, name: files.get(name)  # type: ignore[assignment,method-assign] # the branch of the loop below
    for number in (998, 1000, 1001, 999, 3500, 1002):
        added, held = branch.added(at, f"v{number}", known)
        files |= added
        at = Snapshot("commit", held)
    assert sorted(files) == [f"versions-00000{file}.json" for file in (1, 2, 3)]
    assert list(branch.all_known(at)) == ["v998", "v999", "v1000", "v1001", "v1002", "v3500"]
    assert list(at.held.versions) == ["v3500"]
    assert branch.known(at, "v999") == known
    assert branch.known(at, "v997") is None


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


def test_a_model_of_two_gibibytes_is_refused_before_a_byte_is_read_or_anything_is_asked(
    github: Hub, tmp_path: Path
) -> None:
    run = run_folder(tmp_path / "run")
    said = bundle(run)
    with (run / "model" / "model.bin").open("r+b") as stream:
        stream.truncate(2 << 30)  # a hole
    before = len(github.calls)
    with pytest.raises(ConfigError, match=r"GitHub takes less than 2,147,483,648 \(2 GiB\) in one asset") as error:
        opened(github, tmp_path).publish(said)
    assert "mlflow" in error.value.hint
    assert "durable: true" in error.value.hint
    assert len(github.calls) == before


def test_a_fetch_that_broke_off_goes_on_in_the_next_run(github: Hub, tmp_path: Path) -> None:
    where = opened(github, tmp_path)
    (one,) = published(where, tmp_path, "sixty bytes " * 5)
    asset, before = asset_of(github, "model.zip"), len(github.calls)
    partial = tmp_path / "scratch" / "assets" / f"{asset['digest'].removeprefix('sha256:')}-model.zip.partial"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(asset["data"][:50_000])
    where.fetch(one, tmp_path / "fetched")
    assert (tmp_path / "fetched" / "model" / "model.bin").stat().st_size == 60_000
    assert [call.status for call in github.calls[before:] if call.operation == "storage"] == [200, 206]


def test_a_beginning_with_other_bytes_is_fetched_anew(github: Hub, tmp_path: Path) -> None:
    where = opened(github, tmp_path)
    (one,) = published(where, tmp_path, "one")
    asset = asset_of(github, "model.zip")
    partial = tmp_path / "scratch" / "assets" / f"{asset['digest'].removeprefix('sha256:')}-model.zip.partial"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(b"something else")
    where.fetch(one, tmp_path / "fetched")


def test_a_hostile_archive_writes_nothing_but_what_the_manifest_lists(tmp_path: Path) -> None:
    run = run_folder(tmp_path / "run")
    files = archives.entries({"environment.txt": run / "environment.txt"})
    archive = tmp_path / "records.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("../../outside.txt", "x")
        made.writestr("environment.txt", (run / "environment.txt").read_bytes())
    archives.unpack(archive, files, lambda file: tmp_path / "out" / file.path)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["environment.txt"]
    assert not (tmp_path.parent / "outside.txt").exists()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("environment.txt", b"\0" * 10_000_000)
    with pytest.raises(PlatformError):
        archives.unpack(archive, files, lambda file: tmp_path / "bomb" / file.path)
    assert not (tmp_path / "bomb").exists()
