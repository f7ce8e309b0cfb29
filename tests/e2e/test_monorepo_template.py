"""Three models in one repository on a real runner: those that a change affects are judged, told of and promoted."""

import json
import shutil
from pathlib import Path

import pytest

from tests import desk, payloads
from tests.act import Run, Runner
from tests.e2e.conftest import COMMENT, WRITE
from tests.e2e.test_templates import commit, propose, template
from tests.hub import Hub

MODELS = ("churn", "fraud", "ranking")


@pytest.fixture
def repo(tmp_path: Path, github: Hub) -> Path:
    """Three models, each in a folder with its data, and the pipeline that the template calls."""
    made = desk.repository(tmp_path / "repo", desk.QUICK)
    (made / ".gitignore").write_text("", "utf-8")
    for name in MODELS:
        folder = made / "models" / name
        folder.mkdir(parents=True)
        shutil.copytree(made / "data", folder / "data")
        text = desk.QUICK.replace("name: tiny", f"name: {name}")
        (folder / "modelyard.yml").write_text(text, "utf-8")
    (made / "modelyard.yml").unlink()
    shutil.rmtree(made / "data")
    workflows = made / ".github" / "workflows"
    workflows.mkdir(parents=True)
    (workflows / "ml-pipeline.yml").write_text(template("ml-pipeline"), "utf-8")
    desk.git(made, "add", "-A")
    desk.git(made, "commit", "-qm", "three models")
    desk.git(made, "branch", "-M", "main")
    github.push(made)
    return made


def run(tmp_path: Path, github: Hub, repo: Path, event: str, payload: dict[str, object], token: str) -> Run:
    github.push(repo)
    return Runner(tmp_path, api_url=github.url, token=token).run(repo, template("ml-monorepo"), event, payload)


def test_a_pull_request_that_changes_one_of_three_models_is_judged_on_that_one(
    tmp_path: Path, github: Hub, repo: Path
) -> None:
    desk.edit(repo / "models" / "fraud" / "modelyard.yml", "C: [0.1, 1]", "C: [0.1]")
    head = propose(repo)
    github.pulls[7] = {"number": 7, "state": "open", "head": {"sha": head}}
    found = run(tmp_path, github, repo, "pull_request", payloads.pull_request(7, head), COMMENT)
    assert set(found.jobs.values()) == {"success"}, found.last
    assert json.loads(found.outputs("models")["models"]) == ["fraud"]
    assert sorted(path.name for path in (found.folder / "artifacts").iterdir() if "records" in path.name) == [
        "modelyard-records-fraud"
    ]
    (body,) = [comment["body"] for comment in github.comments.values()]
    assert "fraud" in body
    assert "churn" not in body
    assert "ranking" not in body


def test_a_push_promotes_what_it_changes_and_one_that_changes_no_model_ends_green_at_once(
    tmp_path: Path, github: Hub, repo: Path
) -> None:
    before = commit(repo)
    desk.edit(repo / "models" / "churn" / "modelyard.yml", "C: [0.1, 1]", "C: [0.1]")
    desk.git(repo, "commit", "-qam", "churn")
    found = run(tmp_path, github, repo, "push", {**payloads.push(commit(repo)), "before": before}, WRITE)
    assert set(found.jobs.values()) == {"success"}, found.last
    assert json.loads(github.run("show", "modelyard-state:churn/state.json"))["journal"]["aliases"]["champion"] == "v1"
    before = commit(repo)
    (repo / "README.md").write_text("about\n", "utf-8")
    desk.git(repo, "add", "-A")
    desk.git(repo, "commit", "-qm", "words")
    github.calls.clear()
    quiet = run(tmp_path, github, repo, "push", {**payloads.push(commit(repo)), "before": before}, WRITE)
    assert set(quiet.jobs.values()) == {"success"}, quiet.last
    assert quiet.outputs("models")["count"] == "0"
    assert github.writes == []
