"""``modelyard gc`` through the front door, and orphans on a real disk and a GitHub that keeps state."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from modelyard.cli.main import main
from modelyard.core.errors import PlatformError
from modelyard.registry.github.state import BRANCH
from modelyard.registry.local.registry import LocalRegistry
from modelyard.registry.promotion_request import Pointer, pointer_path
from modelyard.registry.protocol import Orphan, Registry, Version, VersionRemoved
from modelyard.registry.verify import verify_registry
from tests import desk
from tests.hub import Hub
from tests.integration.test_registry_conformance import start
from tests.integration.test_registry_github import opened
from tests.registry_samples import JUDGED, MODEL, NOON, Clock, bundle, promote, published, run_folder, snapshot
from tests.registry_samples import registry as local

CONFIG = f"{JUDGED}registry: {{kind: local, keep: {{versions: 2, days: 60}}}}\n"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command line in the test's folder; gives exit code, standard output and standard error."""
    (tmp_path / "modelyard.yml").write_text(CONFIG, "utf-8")
    for name in ("train.csv", "test.csv", "predictions.csv"):
        (tmp_path / name).write_text("late\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_ACTOR", "octocat")
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)

    def command(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(arguments)
        return code, *capsys.readouterr()

    return command


@pytest.fixture
def github(tmp_path: Path) -> Iterator[Hub]:
    with ExitStack() as stack:
        server = start(stack, tmp_path)
        yield server
        assert server.violations == []


def six_versions(tmp_path: Path) -> LocalRegistry:
    """v1 to v5 served one after the other, 500 to 100 days ago; v6 was published yesterday."""
    today = datetime.now(UTC)
    clock = Clock(today - timedelta(days=500))
    where = local(tmp_path, clock)
    seen = None
    for number in range(1, 6):
        (version,) = published(where, tmp_path, f"payload {number}")
        promote(where, version, seen=seen)
        seen = version.name
        clock.now += timedelta(days=100)
    clock.now = today - timedelta(days=1)
    published(where, tmp_path, "payload 6")
    return where


def test_a_dry_run_says_why_each_version_is_kept_and_removes_nothing(tmp_path: Path, run: Run) -> None:
    where = six_versions(tmp_path)
    before = snapshot(where.folder)
    code, out, err = run("gc")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == f"{MODEL} keeps the last 2 versions that served, and all that served within 60 days"
    assert lines[1] == "kept: 3"
    assert [line.split()[0] for line in lines[2:5]] == ["v4", "v5", "v6"]
    assert "champion pointed at it before; one of the last 2 that served" in lines[2]
    assert "champion points at it; the last version that served" in lines[3]
    assert "published 1 day ago, and an approval may wait 30 days" in lines[4]
    assert lines[5] == "would be removed: 3"
    assert "v3" in lines[8]
    assert "last served as champion, until" in lines[8]
    assert lines[-1].endswith("would be freed. Nothing was removed; `modelyard gc --apply` does it.")
    assert snapshot(where.folder) == before


def test_apply_removes_what_the_dry_run_named_and_frees_what_it_said(tmp_path: Path, run: Run) -> None:
    where = six_versions(tmp_path)
    dry = json.loads(run("gc", "--json")[1])
    assert [each["version"] for each in dry["removed"]] == ["v1", "v2", "v3"]
    assert dry["applied"] is False
    before = sum(path.stat().st_size for path in (where.folder / "blobs").rglob("*") if path.is_file())
    code, out, _ = run("gc", "--apply", "--json")
    done = json.loads(out)
    assert (code, done) == (0, {**dry, "applied": True})
    after = sum(path.stat().st_size for path in (where.folder / "blobs").rglob("*") if path.is_file())
    assert before - after == done["freed"] > 0
    assert [version.name for version in where.list()] == ["v4", "v5", "v6"]
    assert verify_registry(where).intact
    removed = [entry for entry in where.entries() if entry.kind == "removed"]
    assert [(entry.to, entry.actor, entry.command) for entry in removed] == [
        (f"v{number}", "octocat", "modelyard gc --apply") for number in (1, 2, 3)
    ]
    with pytest.raises(VersionRemoved, match=r"v1 was removed on .* by octocat: gc: last served as champion, until"):
        where.resolve("v1")
    again = json.loads(run("gc", "--apply", "--json")[1])
    assert (again["removed"], again["leftovers"], again["freed"]) == ([], [], 0)
    assert run("gc")[1].splitlines()[-1] == "Nothing is to be removed."


def test_what_became_an_alias_in_the_meantime_is_spared(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = six_versions(tmp_path)
    remove = LocalRegistry.remove

    def late(self: LocalRegistry, version: str, **said: Any) -> Any:
        if version == "v2":
            promote(where, where.resolve("v2"), seen="v5", kind="rolled-back", evidence="none")
        return remove(self, version, **said)

    monkeypatch.setattr(LocalRegistry, "remove", late)
    code, out, _ = run("gc", "--apply")
    assert code == 0
    assert "removed: 2" in out.splitlines()
    assert "v2 cannot be removed: champion points at it" in out
    assert [version.name for version in where.list()] == ["v2", "v4", "v5", "v6"]


def old(path: Path, days: float) -> Path:
    then = datetime.now(UTC).timestamp() - days * 86_400
    os.utime(path, (then, then))
    return path


def test_what_killed_processes_left_goes_after_a_day(tmp_path: Path, run: Run) -> None:
    where = six_versions(tmp_path)
    before = snapshot(where.folder)
    blob = where.folder / "blobs" / "sha256" / "00" / ("00" * 32)
    blob.parent.mkdir(exist_ok=True)
    (where.folder / "tmp").mkdir(exist_ok=True)
    places = [
        blob,
        where.folder / "tmp" / "tmpabc",
        where.folder / "journal" / ".000009.json.abc",
        where.folder / "versions" / ".v9.json.abc",
        where.folder / ".state.json.abc",
    ]
    for path in places:
        path.write_bytes(b"half")
    young = json.loads(run("gc", "--json")[1])
    assert (young["leftovers"], young["left-alone"]) == ([], 5)
    for path in places:
        old(path, 1.1)
    found = json.loads(run("gc", "--json")[1])
    assert [(each["what"], each["size"]) for each in found["leftovers"]] == [
        ("temporary", 4),
        ("unnamed", 4),
        ("temporary", 4),
        ("temporary", 4),
        ("temporary", 4),
    ]
    assert "what a killed process was writing" in run("gc")[1]
    assert all(path.exists() for path in places)
    where.discard(where.orphans())
    assert snapshot(where.folder) == before


def test_apply_leaves_alone_what_may_still_be_on_its_way(tmp_path: Path, run: Run) -> None:
    where = six_versions(tmp_path)
    blob = where.folder / "blobs" / "sha256" / "00" / ("00" * 32)
    blob.parent.mkdir(exist_ok=True)
    young, gone = where.folder / "versions" / ".v9.json.abc", where.folder / "journal" / ".000009.json.abc"
    for path in (blob, young, gone):
        path.write_bytes(b"half")
    old(gone, 1.1)
    code, out, _ = run("gc", "--apply")
    assert code == 0
    assert "left alone, younger than a day: 2 orphans" in out.splitlines()
    assert (blob.exists(), young.exists(), gone.exists()) == (True, True, False)


def test_what_was_taken_up_by_a_version_in_the_meantime_is_not_discarded(tmp_path: Path) -> None:
    where, said = local(tmp_path), bundle(run_folder(tmp_path / "run"))
    version = where.publish(said)
    (where.folder / "versions" / "v1.json").rename(tmp_path / "v1.json")
    found = where.orphans()
    assert {each.what for each in found} == {"unnamed"}
    (tmp_path / "v1.json").rename(where.folder / "versions" / "v1.json")
    where.discard(found)
    where.fetch(version, tmp_path / "fetched")


def test_a_removal_that_was_cut_off_is_finished_by_the_next_gc(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = six_versions(tmp_path)

    def killed(_digest: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(where._blobs, "drop", killed)
    with pytest.raises(KeyboardInterrupt):
        where.remove("v1", actor="octocat", reason="")
    where = local(tmp_path)
    assert {each.what for each in where.orphans()} == {"removed"}
    assert run("gc", "--apply")[0] == 0
    assert where.orphans() == ()
    assert verify_registry(where).intact


def test_gc_of_what_is_not_there_creates_nothing(tmp_path: Path, run: Run) -> None:
    code, out, _ = run("gc", "--apply")
    assert (code, out.splitlines()[-1]) == (0, "Nothing is to be removed.")
    assert not (tmp_path / ".modelyard" / "registry").exists()


@pytest.mark.parametrize("keep", ["{versions: -1}", "{days: many}", "{years: 1}", "{versions: 1.5}"])
def test_a_policy_that_is_none_is_refused_with_its_line(tmp_path: Path, run: Run, keep: str) -> None:
    (tmp_path / "modelyard.yml").write_text(CONFIG.replace("{versions: 2, days: 60}", keep), "utf-8")
    code, _, err = run("gc")
    assert code == 2
    assert "modelyard.yml:6: registry.keep" in err


def test_a_journal_that_cannot_be_read_stops_gc(tmp_path: Path, run: Run) -> None:
    where = six_versions(tmp_path)
    path = where.folder / "journal" / "000002.json"
    path.write_bytes(path.read_bytes().replace(b"octocat", b"hubot"))
    before = snapshot(where.folder)
    code, _, err = run("gc", "--apply")
    assert code == 4
    assert "entry 2 was changed" in err
    assert snapshot(where.folder) == before


def test_leftovers_on_github_are_drafts_and_releases_that_no_version_names(github: Hub, tmp_path: Path) -> None:
    clock = Clock()
    where = opened(github, tmp_path, clock=clock)
    one, _ = published(where, tmp_path, "one", "two")
    promote(where, one, seen=None)
    base = {"name": "", "body": "", "target_commitish": "main", "created_at": "2024-05-03T11:00:00Z"}
    github.releases[1] = {**base, "id": 1, "tag_name": f"modelyard/{MODEL}/v3", "draft": True}
    github.releases[2] = {**base, "id": 2, "tag_name": "nightly", "draft": True}
    github.releases[3] = {**base, "id": 3, "tag_name": f"modelyard/{MODEL}/v9", "draft": False}
    github.releases[4] = {**base, "id": 4, "tag_name": f"modelyard/{MODEL}-2/v1", "draft": True}
    github.releases[5] = {**base, "id": 5, "tag_name": f"modelyard/{MODEL}/v4", "draft": True}
    github.assets[6] = {"id": 6, "release": 5, "name": "model.zip", "size": 4, "data": b"half", "state": "uploaded",
                        "content_type": "application/octet-stream", "created_at": "2026-05-03T11:00:00Z"}  # fmt: skip
    github.fail("repos/delete-release", "status", 403)
    with pytest.raises(PlatformError):
        where.remove("v2", actor="octocat", reason="")
    found = {each.name.split(" (")[1]: each for each in where.orphans()}
    assert {name: (each.what, each.since) for name, each in found.items() if each.what != "removed"} == {
        f"modelyard/{MODEL}/v3)": ("draft", datetime(2024, 5, 3, 11, tzinfo=UTC)),
        f"modelyard/{MODEL}/v4)": ("draft", datetime(2026, 5, 3, 11, tzinfo=UTC)),
        f"modelyard/{MODEL}/v9)": ("unnamed", datetime(2024, 5, 3, 11, tzinfo=UTC)),
    }
    assert [each.what for each in found.values()].count("removed") == 1
    where.discard(found.values())
    where.discard(found.values())
    assert [each["tag_name"] for each in github.releases.values()] == [
        f"modelyard/{MODEL}/v1",
        "nightly",
        f"modelyard/{MODEL}-2/v1",
    ]
    where.discard([Orphan("release 2 (nightly)", "draft", 0, NOON)])
    assert 2 in github.releases
    assert github.run("rev-parse", BRANCH)
    assert verify_registry(where).intact


# what an open approval needs

WAITING = CONFIG.replace("{kind: local,", "{kind: KIND, durable: true, via: pull-request,")


def propose(github: Hub, tmp_path: Path, version: Version, *, branch: str = f"modelyard/promote-{MODEL}") -> None:
    """What the promoting job does: the pointer file on the branch of the pull request; on main, what its merge does."""
    pointer = Pointer(
        model=MODEL, alias="champion", version=version.name, version_digest=version.digest,
        evidence=version.manifest.evidence, seen="v1",
    )  # fmt: skip
    code = tmp_path / "code"
    desk.git(code, "checkout", "-qB", branch, "main")
    (code / "promoted").mkdir(exist_ok=True)
    (code / pointer_path(MODEL)).write_bytes(pointer.to_bytes())
    desk.git(code, "add", "-A")
    desk.git(code, "commit", "-qm", f"Promote {version.name}")
    github.push(code)


def four_versions(where: Registry, clock: Clock, folder: Path) -> list[Version]:
    """v1 serves; the others never did, and were published 45 days ago, longer than a job's approval can wait."""
    clock.now = datetime.now(UTC) - timedelta(days=45)
    found = published(where, folder, "one", "two", "three", "four")
    promote(where, found[0], seen=None)
    return found


@pytest.fixture(params=["local", "github"])
def waiting(
    request: pytest.FixtureRequest, tmp_path: Path, github: Hub, run: Run, monkeypatch: pytest.MonkeyPatch
) -> Registry:
    """A registry whose promotions wait for pull requests, with four versions of 45 days ago."""
    (tmp_path / "modelyard.yml").write_text(WAITING.replace("KIND", request.param), "utf-8")
    monkeypatch.setenv("GITHUB_API_URL", github.url)
    monkeypatch.setenv("GITHUB_REPOSITORY", github.name)
    monkeypatch.setenv("GH_TOKEN", "ghs_write")
    clock = Clock()
    where: Registry = local(tmp_path, clock) if request.param == "local" else opened(github, tmp_path, clock=clock)
    four_versions(where, clock, tmp_path)
    return where


def test_a_version_that_an_open_pull_request_proposes_is_kept_however_long_it_waits(
    tmp_path: Path, github: Hub, run: Run, waiting: Registry
) -> None:
    propose(github, tmp_path, waiting.resolve("v3"))
    code, out, err = run("gc")
    assert (code, err) == (0, "")
    (line,) = [line for line in out.splitlines() if line.split()[0] == "v3"]
    assert line.endswith(f"the pull request of the branch modelyard/promote-{MODEL} proposes it")
    assert "would be removed: 2" in out.splitlines()
    assert run("gc", "--apply")[0] == 0
    assert [version.name for version in waiting.list()] == ["v1", "v3"]
    waiting.fetch(waiting.resolve("v3"), tmp_path / "fetched")
    desk.git(tmp_path / "code", "checkout", "-q", "main")
    github.run("update-ref", "-d", f"refs/heads/modelyard/promote-{MODEL}")
    assert run("gc", "--apply")[0] == 0
    assert [version.name for version in waiting.list()] == ["v1"]


def test_a_version_whose_pull_request_was_merged_is_kept_until_the_alias_moved_on(
    tmp_path: Path, github: Hub, run: Run, waiting: Registry
) -> None:
    propose(github, tmp_path, waiting.resolve("v4"), branch="main")
    found = json.loads(run("gc", "--apply", "--json")[1])
    assert [each["version"] for each in found["kept"]] == ["v1", "v4"]
    assert found["kept"][1]["why"] == [
        {"rule": "approval", "said": f"promoted/{MODEL}.json on the default branch names it"}
    ]


def test_gc_removes_nothing_while_it_cannot_know_what_pull_requests_need(
    tmp_path: Path, github: Hub, run: Run, waiting: Registry
) -> None:
    propose(github, tmp_path, waiting.resolve("v3"))
    github.fail("git/list-matching-refs", "status", 404)  # what GitHub says to a token that may not read
    code, _, err = run("gc", "--apply")
    assert (code, "contents: read" in err) == (4, True), err
    (tmp_path / "code" / pointer_path(MODEL)).write_text("{}", "utf-8")
    desk.git(tmp_path / "code", "commit", "-qam", "by hand")
    github.push(tmp_path / "code")
    code, _, err = run("gc", "--apply")
    assert (code, f"promoted/{MODEL}.json is not a pointer file" in err) == (3, True), err
    assert len(waiting.list()) == 4


def test_what_is_tried_at_a_desk_asks_nobody(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "modelyard.yml").write_text(CONFIG.replace("{kind: local,", "{via: pull-request,"), "utf-8")
    monkeypatch.setenv("GITHUB_API_URL", "http://127.0.0.1:9")
    clock = Clock()
    where = local(tmp_path, clock)
    four_versions(where, clock, tmp_path)
    assert run("gc", "--apply")[0] == 0
    assert [version.name for version in where.list()] == ["v1"]
