"""Removing a version: the bytes go, the manifest and the history stay, on every registry."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from modelyard.core.errors import ConfigError, PlatformError
from modelyard.github.client import GitHubError
from modelyard.registry.local.registry import LocalRegistry
from modelyard.registry.protocol import Version, VersionRemoved
from modelyard.registry.verify import verify_registry, verify_version
from tests.hub import How, Hub
from tests.integration.test_registry_conformance import Opener, registry, start
from tests.integration.test_registry_github import opened
from tests.registry_samples import MODEL, Clock, bundle, promote, published, run_folder
from tests.registry_samples import registry as local

__all__ = ["registry"]

SAID = "v1 was removed on 2026-05-05 by octocat: older than the policy keeps"


@pytest.fixture
def github(tmp_path: Path) -> Iterator[Hub]:
    with ExitStack() as stack:
        server = start(stack, tmp_path)
        yield server
        assert server.violations == []


def two_of_which_the_second_serves(tmp_path: Path, registry: Opener, clock: Clock) -> tuple[Version, Version]:
    where = registry(tmp_path, clock)
    one, two = published(where, tmp_path, "one", "two")
    promote(where, one, seen=None)
    clock.now += timedelta(days=2)
    promote(where, two, seen="v1")
    return one, two


def test_what_was_removed_is_told_with_who_when_and_why(tmp_path: Path, registry: Opener) -> None:
    clock = Clock()
    one, two = two_of_which_the_second_serves(tmp_path, registry, clock)
    where = registry(tmp_path, clock)
    entry = where.remove("v1", actor="octocat", reason="older than the policy keeps", command="modelyard gc --apply")
    assert (entry.kind, entry.alias, entry.to, entry.to_digest) == ("removed", None, "v1", one.digest)
    assert (entry.seq, entry.command) == (3, "modelyard gc --apply")
    for ask in (
        lambda: where.resolve("v1"),
        lambda: where.resolve(one.manifest.model_digest),
        lambda: where.resolve("champion@2026-05-04"),
        lambda: where.previous("champion"),
        lambda: where.fetch(one, tmp_path / "fetched"),
        lambda: where.read(one, "environment.txt"),
        lambda: promote(where, one, seen="v2"),
        lambda: verify_version(where, "v1"),
    ):
        with pytest.raises(VersionRemoved) as caught:
            ask()
        assert (caught.value.message, caught.value.exit_code) == (SAID, 2)
        assert "modelyard show v1" in caught.value.hint
    assert list(tmp_path.glob("*fetched*")) == []
    assert (where.list(), where.removed()) == ((two,), (one,))


def test_after_a_removal_history_keeps_every_digest_and_the_registry_verifies(tmp_path: Path, registry: Opener) -> None:
    clock = Clock()
    one, two = two_of_which_the_second_serves(tmp_path, registry, clock)
    where = registry(tmp_path, clock)
    before = where.history()
    where.remove("v1", actor="octocat", reason="")
    assert where.history() == before
    assert [entry.to_digest for entry in before] == [one.digest, two.digest]
    report = verify_registry(registry(tmp_path, clock))
    assert report.intact, report.broken
    assert report.checked[-1] == "journal of 3 entries"


def test_a_version_that_an_alias_points_at_is_not_removed(tmp_path: Path, registry: Opener) -> None:
    where = registry(tmp_path)
    one, two = published(where, tmp_path, "one", "two")
    promote(where, one, seen=None)
    for name in ("best-promoted", "staging"):
        where.set_alias(
            name, "v1", seen=None, actor="octocat", reason="", evidence=one.manifest.evidence, kind="promoted"
        )
    with pytest.raises(ConfigError) as caught:
        where.remove("champion", actor="octocat", reason="")
    assert caught.value.message == "v1 cannot be removed: best-promoted and champion and staging point at it"
    assert caught.value.hint == "Promote another version, or roll back, first."
    assert (where.list(), where.removed(), len(where.entries())) == ((one, two), (), 3)
    where.fetch(one, tmp_path / "fetched")


def test_a_version_that_does_not_exist_is_not_removed(tmp_path: Path, registry: Opener) -> None:
    where = registry(tmp_path)
    published(where, tmp_path, "one")
    with pytest.raises(ConfigError, match="there is no version v2") as caught:
        where.remove("v2", actor="octocat", reason="")
    assert caught.value.hint == "The nearest is v1; there is v1."
    assert where.entries() == ()


def test_removing_twice_is_removing_once(tmp_path: Path, registry: Opener) -> None:
    where = registry(tmp_path)
    published(where, tmp_path, "one", "two")
    first = where.remove("v1", actor="octocat", reason="the first time")
    assert registry(tmp_path).remove("v1", actor="hubot", reason="again") == first
    assert where.entries() == (first,)


def test_what_another_version_uses_stays(tmp_path: Path, registry: Opener) -> None:
    where = registry(tmp_path)
    first = where.publish(bundle(run_folder(tmp_path / "a", "same")))
    second = where.publish(bundle(run_folder(tmp_path / "b", "same", champion="v1")))
    assert first.manifest.model_digest == second.manifest.model_digest
    where.remove("v1", actor="octocat", reason="")
    where.fetch(second, tmp_path / "fetched")
    assert where.damaged(second) == ()
    assert where.resolve(first.manifest.model_digest) == second


def test_what_was_removed_and_is_published_again_is_a_new_version(tmp_path: Path, registry: Opener) -> None:
    where, said = registry(tmp_path), bundle(run_folder(tmp_path / "run"))
    where.publish(said)
    where.remove("v1", actor="octocat", reason="")
    again = where.publish(said)
    assert again.name == "v2"
    promote(where, again, seen=None)
    assert where.resolve("champion") == again
    where.fetch(again, tmp_path / "fetched")


def blobs(where: LocalRegistry) -> int:
    return len([path for path in (where.folder / "blobs").rglob("*") if path.is_file()])


def test_local_bytes_are_gone_and_those_in_common_are_not(tmp_path: Path) -> None:
    where = local(tmp_path)
    one, two = published(where, tmp_path, "one", "two")
    common = {file.digest for file in one.manifest.files} & {file.digest for file in two.manifest.files}
    before = blobs(where)
    where.remove("v1", actor="octocat", reason="")
    assert common
    assert blobs(where) == before - len({file.digest for file in one.manifest.files} - common)
    assert verify_version(where, "v2").intact


def test_a_removal_killed_before_the_bytes_went_is_a_removal_and_is_finished_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = local(tmp_path)
    published(where, tmp_path, "one", "two")
    before = blobs(where)

    def killed(_digest: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(where._blobs, "drop", killed)
    with pytest.raises(KeyboardInterrupt):
        where.remove("v1", actor="octocat", reason="the first time")
    assert blobs(where) == before
    with pytest.raises(VersionRemoved):
        local(tmp_path).resolve("v1")
    local(tmp_path).remove("v1", actor="hubot", reason="again")
    assert blobs(where) < before
    assert [entry.reason for entry in where.entries()] == ["the first time"]


def test_nothing_is_removed_while_another_manifest_cannot_be_read(tmp_path: Path) -> None:
    where = local(tmp_path)
    published(where, tmp_path, "one", "two")
    before = blobs(where)
    path = where.folder / "versions" / "v2.json"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(PlatformError, match="the manifest of v2 cannot be used"):
        where.remove("v1", actor="octocat", reason="")
    assert (blobs(where), where.entries()) == (before, ())


@pytest.mark.parametrize(
    ("operation", "how", "status", "after"),
    [
        ("git/update-ref", "reset", 0, False),
        ("git/update-ref", "reset", 0, True),
        ("git/update-ref", "status", 403, False),
        ("git/update-ref", "status", 409, False),
        ("git/create-tree", "status", 500, False),
        ("repos/delete-release", "reset", 0, False),
        ("repos/delete-release", "reset", 0, True),
        ("repos/delete-release", "status", 403, False),
        ("repos/delete-release", "status", 500, True),
    ],
)
def test_a_removal_on_github_that_fails_on_the_way_is_finished_by_the_next(
    github: Hub, tmp_path: Path, operation: str, how: How, status: int, after: bool
) -> None:
    where = opened(github, tmp_path)
    _, two = published(where, tmp_path, "one", "two")
    promote(where, two, seen=None)
    github.fail(operation, how, status, after=after)
    try:
        where.remove("v1", actor="octocat", reason="")
    except GitHubError:
        assert [each["tag_name"] for each in github.releases.values()] == [
            f"modelyard/{MODEL}/v1",
            f"modelyard/{MODEL}/v2",
        ]
    opened(github, tmp_path).remove("v1", actor="octocat", reason="")
    assert [each["tag_name"] for each in github.releases.values()] == [f"modelyard/{MODEL}/v2"]
    assert github.run("for-each-ref", "--format=x", f"refs/tags/modelyard/{MODEL}/v1") == "x"
    assert [entry.kind for entry in where.entries()] == ["promoted", "removed"]
    assert verify_registry(opened(github, tmp_path / "new")).intact
    assert published(where, tmp_path, "three")[0].name == "v3"
