"""ml-rollback on a real runner: proof, move, issue, and every request that it makes; what is refused moves nothing."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelyard.github.client import GitHub
from modelyard.registry.github.registry import GitHubRegistry
from tests import desk, payloads
from tests.act import Run
from tests.e2e.conftest import READ, WRITE
from tests.e2e.test_templates import commit, run
from tests.hub import BOT, Hub, hub
from tests.registry_samples import variant_of

CHANGES = ["git/create-tree 201", "git/create-commit 201", "git/update-ref 200"]
"""The alias, in one commit; the mark of the best promoted version never left v1."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Hub, Path]]:
    """A repository with two versions on GitHub, made at a desk, the second one serving."""
    home = tmp_path_factory.mktemp("rollback")
    with hub(home / "github") as server:
        server.tokens |= {"ghs_desk": {"contents"}, WRITE: {"contents", "issues"}}
        repo = desk.repository(home / "repo", desk.QUICK)
        desk.git(repo, "branch", "-M", "main")
        server.push(repo)
        server.run("symbolic-ref", "HEAD", "refs/heads/main")
        environ = {"GITHUB_API_URL": server.url, "GITHUB_REPOSITORY": server.name, "MODELYARD_TOKEN": "ghs_desk"}
        for candidates in ("C: [0.1, 1]", "C: [0.1, 1, 10]"):
            desk.edit(repo / "modelyard.yml", "C: [0.1, 1]", candidates)
            if "10" in candidates:
                desk.git(repo, "commit", "-qam", "more candidates")
                server.push(repo)
            done = desk.modelyard(repo, "run", "--promote", "--registry", "github", environ=environ)
            assert done.code == 0, done.err
        yield server, repo
        assert server.violations == []


@pytest.fixture
def github(served: tuple[Hub, Path]) -> Iterator[Hub]:
    """GitHub, put back after each test to where v2 serves and nothing was told."""
    server, _ = served
    before, releases = server.run("rev-parse", "refs/heads/modelyard-state"), set(server.releases)
    server.calls.clear()
    yield server
    server.run("update-ref", "refs/heads/modelyard-state", before)
    for number in set(server.releases) - releases:  # a version that the state does not know would stop every move
        server.run("update-ref", "-d", f"refs/tags/{server.releases.pop(number)['tag_name']}")
    server.issues.clear()
    server.comments.clear()


def roll(tmp_path: Path, github: Hub, served: tuple[Hub, Path], token: str = WRITE, **inputs: str) -> Run:
    payload: dict[str, Any] = payloads.workflow_dispatch(**{"to": "", "proof": "golden", **inputs})
    return run(tmp_path, github, served[1], "ml-rollback", "workflow_dispatch", payload, token)


def aliases(github: Hub) -> dict[str, str]:
    found: dict[str, str] = json.loads(github.run("show", "modelyard-state:tiny/state.json"))["journal"]["aliases"]
    return found


def test_one_click_back_proves_moves_and_tells(tmp_path: Path, github: Hub, served: tuple[Hub, Path]) -> None:
    done = roll(tmp_path, github, served, reason="errors since @morning, see #12")
    assert done.jobs == {"prove": "success", "move": "success"}, done.last
    assert [f"{call.operation} {call.status}" for call in github.writes] == [*CHANGES, "issues/create 201"]
    assert aliases(github) == {"champion": "v1", "best-promoted": "v1"}
    moved = json.loads(github.run("show", "modelyard-state:tiny/journal.jsonl").splitlines()[-1])
    assert (moved["kind"], moved["from"], moved["to"], moved["actor"]) == ("rolled-back", "v2", "v1", "octocat")
    assert moved["reason"] == "errors since @morning, see #12"
    assert moved["command"].endswith(done.outputs("proof")["record-digest"])
    (issue,) = github.issues.values()
    assert issue["user"]["login"] == BOT
    assert issue["title"] == "tiny: champion was rolled back from v2 to v1"
    lines = issue["body"].splitlines()
    assert lines[0] == f"<!-- modelyard:rollback v1 model=tiny entry={moved['seq']} -->"
    assert lines[1] == "## ✅ Rolled back · `tiny`"
    assert "all 32 golden predictions came out again, the same to the last bit" in issue["body"]
    assert "@morning" not in issue["body"], "nobody is pinged by a reason"
    assert "#12" not in issue["body"]
    fetched = [call["with"]["name"] for call in done.calls("actions/download-artifact")]
    assert fetched == ["modelyard-proof"], "the job that may write never has the model"

    github.calls.clear()
    forward = roll(tmp_path, github, served, reason="it was the data", to="v2", proof="none")
    assert forward.jobs == {"prove": "success", "move": "success"}, forward.last
    assert [f"{call.operation} {call.status}" for call in github.writes] == [
        *CHANGES, "issues/update 200", "issues/create-comment 201",
    ]  # fmt: skip
    assert issue["title"] == "tiny: champion was rolled back from v1 to v2 without proof"
    assert "WITHOUT PROOF: it was the data" in issue["body"]
    (comment,) = github.comments.values()
    assert "WITHOUT PROOF: it was the data" in comment["body"]


def test_an_old_model_that_does_not_reproduce_is_red_and_nothing_moves(
    tmp_path: Path, github: Hub, served: tuple[Hub, Path]
) -> None:
    client = GitHub(github.url, github.name, "ghs_desk")
    where = GitHubRegistry(client, "tiny", scratch=tmp_path / "scratch", target="main")
    other = where.publish(variant_of(where, "v1", tmp_path / "variant"))
    github.calls.clear()
    done = roll(tmp_path, github, served, reason="errors", to=other.name)
    assert done.jobs == {"prove": "failure"}, done.last
    assert github.writes == []
    assert aliases(github)["champion"] == "v2"
    assert f"{other.name}: the golden predictions do not come out again" in "".join(done.summaries)
    kept = json.loads((done.folder / "artifacts" / "modelyard-proof" / "prove.json").read_bytes())
    assert kept["record"]["verdict"] == "fail"


def test_a_rollback_without_a_reason_moves_nothing(tmp_path: Path, github: Hub, served: tuple[Hub, Path]) -> None:
    done = roll(tmp_path, github, served, reason="")
    assert done.jobs == {"prove": "failure"}
    assert any("a rollback needs a reason" in said for said in done.annotations)
    assert github.writes == []


def test_an_issue_that_cannot_be_written_changes_no_verdict(
    tmp_path: Path, github: Hub, served: tuple[Hub, Path]
) -> None:
    done = roll(tmp_path, github, served, "ghs_desk", reason="errors")
    assert done.jobs == {"prove": "success", "move": "success"}, done.last
    assert aliases(github)["champion"] == "v1"
    assert any("permissions: {issues: write}" in said for said in done.annotations)


def test_a_version_is_verified_from_an_empty_folder_by_the_registry_alone(
    tmp_path: Path, github: Hub, served: tuple[Hub, Path]
) -> None:
    (tmp_path / "empty").mkdir()
    environ = {"GITHUB_API_URL": github.url, "GITHUB_TOKEN": "", "MODELYARD_TOKEN": ""}
    where = ("verify", "--version", "v1", "--model", "tiny", "--repository", github.name)
    done = desk.modelyard(tmp_path / "empty", *where, environ=environ)
    assert done.code == 0, done.err
    assert "verified tiny v1:" in done.out
    assert list((tmp_path / "empty").iterdir()) == []
    asset = next(each for each in github.assets.values() if each["name"] == "model.zip")
    whole = asset["data"]
    asset["data"] = whole[:-1] + b"x"
    broken = desk.modelyard(tmp_path / "empty", *where, environ=environ)
    asset["data"] = whole
    assert broken.code == 3
    assert "tiny v1 is not as it was recorded" in broken.err
    assert github.writes == []


def test_a_token_that_only_reads_proves_and_cannot_move(tmp_path: Path, github: Hub, served: tuple[Hub, Path]) -> None:
    done = roll(tmp_path, github, served, READ, reason="errors")
    assert done.jobs == {"prove": "success", "move": "failure"}, done.last
    assert any("permissions: {contents: write}" in said for said in done.annotations)
    assert aliases(github)["champion"] == "v2"
    assert commit(served[1]) == github.run("rev-parse", "main")
