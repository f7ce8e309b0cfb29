"""A promotion by pull request on a real runner: published, proposed, merged, moved; and what is refused."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import desk, payloads
from tests.act import Run
from tests.e2e.test_templates import commit, run
from tests.hub import Hub, hub

WRITE = "ghs_write"
BRANCH = "modelyard/promote-tiny"
CONFIG = desk.QUICK + "registry: {via: pull-request}\n"


@pytest.fixture
def github(tmp_path: Path) -> Iterator[Hub]:
    with hub(tmp_path / "github") as running:
        running.tokens[WRITE] = {"contents", "pull-requests", "issues"}
        yield running
        assert running.violations == []


@pytest.fixture
def repo(tmp_path: Path, github: Hub) -> Path:
    made = desk.repository(tmp_path / "repo", CONFIG)
    (made / ".gitignore").write_text("", "utf-8")
    desk.git(made, "add", "-A")
    desk.git(made, "commit", "-qm", "with data")
    desk.git(made, "branch", "-M", "main")
    github.push(made)
    return made


def promote(tmp_path: Path, github: Hub, repo: Path) -> Run:
    return run(tmp_path, github, repo, "ml-train-promote", "push", payloads.push(commit(repo)), WRITE)


def merge(repo: Path, github: Hub) -> None:
    """What the button does."""
    github.run("push", "-q", str(repo), f"refs/heads/{BRANCH}:refs/heads/proposed", "--force")
    desk.git(repo, "merge", "-q", "--no-ff", "-m", "Merge the promotion", "proposed")


def merged(tmp_path: Path, github: Hub, repo: Path) -> Run:
    return run(tmp_path, github, repo, "ml-promotion-merged", "push", payloads.push(commit(repo)), WRITE)


def aliases(github: Hub) -> dict[str, str]:
    found: dict[str, str] = json.loads(github.run("show", "modelyard-state:tiny/state.json"))["journal"]["aliases"]
    return found


def test_published_proposed_merged_and_then_served(tmp_path: Path, github: Hub, repo: Path) -> None:
    github.no_pulls = True
    first = promote(tmp_path, github, repo)
    assert first.jobs == {"evaluate": "success", "promote": "failure"}, first.last
    assert any("Allow GitHub Actions to create and approve pull requests" in said for said in first.annotations)
    assert aliases(github) == {}, "published, and nothing serves it"

    github.no_pulls = False
    github.calls.clear()
    desk.git(repo, "commit", "-q", "--allow-empty", "-m", "again")
    second = promote(tmp_path, github, repo)
    assert second.jobs == {"evaluate": "success", "promote": "success"}, second.last
    assert [f"{call.operation} {call.status}" for call in github.writes][-7:] == [
        "git/create-tree 201", "git/create-commit 201", "git/update-ref 200", "pulls/create 201",
        "git/create-tree 201", "git/create-commit 201", "git/update-ref 200",
    ], github.writes  # fmt: skip
    assert aliases(github) == {}
    (pull,) = github.pulls.values()
    assert (pull["head"]["ref"], pull["base"]["ref"], pull["title"]) == (BRANCH, "main", "Promote tiny v2")
    assert "Merging this moves `champion` of `tiny` from nothing to v2" in pull["body"]
    assert "## ✅ Promote · `tiny`" in pull["body"]
    changed = github.run("diff", "--name-only", f"{commit(repo)}..{BRANCH}").splitlines()
    assert changed == ["promoted/tiny.json"]
    pointer = json.loads(github.run("show", f"{BRANCH}:promoted/tiny.json"))
    assert (pointer["version"], pointer["seen"], pointer["alias"]) == ("v2", None, "champion")

    head = github.run("rev-parse", BRANCH)
    desk.edit(repo / "modelyard.yml", "C: [0.1, 1]", "C: [0.1, 1, 10]")
    desk.git(repo, "commit", "-qam", "more candidates")
    assert promote(tmp_path, github, repo).jobs["promote"] == "success"
    (pull,) = github.pulls.values()
    assert pull["title"] == "Promote tiny v3", "a newer promotion takes the place of one that waits"
    assert github.run("rev-parse", BRANCH) != head
    assert json.loads(github.run("show", f"{BRANCH}:promoted/tiny.json"))["version"] == "v3"
    assert github.run("rev-parse", f"{BRANCH}^").strip() == commit(repo)

    desk.git(repo, "checkout", "-qb", "before")
    desk.git(repo, "checkout", "-q", "main")
    merge(repo, github)
    (repo / "notes.md").write_text("something else\n", "utf-8")
    desk.git(repo, "add", "notes.md")
    desk.git(repo, "commit", "-q", "-m", "something else came in between")
    late = merged(tmp_path, github, repo)
    assert late.jobs == {"move": "failure"}, late.last
    assert any("the evaluation was made at the tree git:" in said for said in late.annotations)
    assert aliases(github) == {}

    desk.git(repo, "reset", "-q", "--hard", "HEAD~1")
    github.calls.clear()
    done = merged(tmp_path, github, repo)
    assert done.jobs == {"move": "success"}, done.last
    assert [call.operation for call in github.writes] == [
        "git/create-tree", "git/create-commit", "git/update-ref", "git/create-tree", "git/create-commit",
        "git/update-ref",
    ]  # fmt: skip
    assert aliases(github) == {"champion": "v3", "best-promoted": "v3"}
    before = len(github.writes)
    again = merged(tmp_path, github, repo)
    assert again.jobs == {"move": "success"}, again.last
    assert len(github.writes) == before, "a second attempt has nothing left to do"

    forged = json.loads((repo / "promoted" / "tiny.json").read_bytes()) | {"version": "v1"}
    (repo / "promoted" / "tiny.json").write_text(json.dumps(forged), "utf-8")
    desk.git(repo, "commit", "-qam", "by hand")
    refused = merged(tmp_path, github, repo)
    assert refused.jobs == {"move": "failure"}
    assert any("names v1 by the digest" in said for said in refused.annotations)
    (repo / "promoted" / "tiny.json").write_bytes(b"\x80\x04.")
    desk.git(repo, "commit", "-qam", "no pointer")
    refused = merged(tmp_path, github, repo)
    assert any("promoted/tiny.json is not a pointer file" in said for said in refused.annotations)
    assert aliases(github)["champion"] == "v3"
