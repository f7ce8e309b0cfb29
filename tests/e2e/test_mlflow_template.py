"""The template that promotes, on a real runner and a real MLflow server: evaluated in one job, promoted in another."""

from pathlib import Path

from tests import desk, payloads
from tests.act import Runner
from tests.e2e.test_templates import commit, template
from tests.hub import hub
from tests.mlflow_server import Running


def test_a_push_is_promoted_in_mlflow(tmp_path: Path, mlflow_at: Running) -> None:
    mlflow_at.forget("tiny")
    repo = desk.repository(tmp_path / "repo", desk.QUICK + "registry: {kind: mlflow}\n")
    (repo / ".gitignore").write_text("", "utf-8")
    desk.git(repo, "add", "-A")
    desk.git(repo, "commit", "-qm", "with data")
    desk.git(repo, "branch", "-M", "main")
    environ = {"MLFLOW_TRACKING_URI": mlflow_at.url}
    with hub(tmp_path / "github") as github:
        github.push(repo)
        # The job that promotes checks nothing out, and is told of MLflow by the variable alone.
        runner = Runner(tmp_path, api_url=github.url, environ=environ)
        run = runner.run(repo, template("ml-train-promote"), "push", payloads.push(commit(repo)))
        assert run.jobs == {"evaluate": "success", "promote": "success"}, run.last
        assert (github.writes, github.violations) == ([], [])

    told = desk.modelyard(repo, "history", "--json", environ=environ)
    assert told.code == 0, told.out + told.err
    (move,) = told.json
    assert (move["kind"], move["to"], move["actor"]) == ("promoted", "v1", "octocat")
    shown = desk.modelyard(repo, "verify", "--version", "v1", environ=environ)
    assert shown.code == 0, shown.out + shown.err
