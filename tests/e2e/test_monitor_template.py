"""ml-monitor on a real runner and a GitHub with state: a log watched, an issue, a run started, and what comes of it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from modelyard.log import Writer
from tests import desk, payloads
from tests.act import Run
from tests.e2e.test_templates import commit, run
from tests.hub import BOT, Hub, hub

DECIDE = "ghs_decide"
CONFIG = f"""\
{desk.QUICK}monitor:
  log: {{source: predictions}}
  window: 1 day
  labels: 1 day
  performance:
    - {{metric: roc_auc, at_least: 0.7}}
"""
INPUTS = {"decision", "reason"}
KEEP = ["git/create-tree 201", "git/create-commit 201", "git/update-ref 200"]
"""An entry of the journal."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Hub, Path]]:
    """A repository whose first version was promoted a month ago."""
    home = tmp_path_factory.mktemp("monitor")
    with hub(home / "github") as server:
        server.tokens |= {"ghs_desk": {"contents"}, DECIDE: {"contents", "issues", "actions"}}
        server.workflows["ml-train-promote.yml"] = INPUTS
        repo = desk.repository(home / "repo", CONFIG)
        (repo / ".gitignore").write_text("modelyard-run/\n", "utf-8")
        desk.git(repo, "add", "-A")
        desk.git(repo, "commit", "-qm", "with data")
        desk.git(repo, "branch", "-M", "main")
        server.push(repo)
        server.run("symbolic-ref", "HEAD", "refs/heads/main")
        server.clock = lambda: datetime.now(UTC) - timedelta(days=30)
        environ = {"GITHUB_API_URL": server.url, "GITHUB_REPOSITORY": server.name, "MODELYARD_TOKEN": "ghs_desk"}
        done = desk.modelyard(repo, "run", "--promote", "--registry", "github", environ=environ)
        assert done.code == 0, done.err
        server.clock = lambda: datetime.now(UTC)
        yield server, repo
        assert server.violations == []


@pytest.fixture
def github(served: tuple[Hub, Path]) -> Iterator[Hub]:
    """GitHub, put back after each test to where v1 serves and nothing was decided."""
    server, repo = served
    before, head, releases = server.run("rev-parse", "refs/heads/modelyard-state"), commit(repo), set(server.releases)
    server.calls.clear()
    yield server
    server.run("update-ref", "refs/heads/modelyard-state", before)
    for number in set(server.releases) - releases:
        server.run("update-ref", "-d", f"refs/tags/{server.releases.pop(number)['tag_name']}")
    desk.git(repo, "reset", "-q", "--hard", head)
    desk.git(repo, "clean", "-qfdx", "predictions")
    for kept in (server.issues, server.comments, server.runs):
        kept.clear()


def serve(repo: Path, days: range, *, times: float = 1.0, wrong: range = range(0)) -> None:
    """Log what v1 predicts on days before today, with labels a few hours later."""
    import skops.io

    file = repo / "modelyard-run" / "model" / "model.skops"
    scorer = skops.io.load(file, trusted=skops.io.get_untrusted_types(file=file))
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    with Writer(repo / "predictions", model="v1", format="jsonl") as log:
        for day in days:
            rows = desk.rows(200, seed=100 + day, first=10_000 * (100 + day)).with_columns(pl.col("size") * times)
            scores = scorer.predict_proba(rows.select(list(scorer.feature_names_in_)).to_pandas())[:, 1]
            for at, (row, score) in enumerate(zip(rows.iter_rows(named=True), scores.tolist(), strict=True)):
                moment = today + timedelta(days=day, minutes=7 * at)
                answer = row["answer"] if day not in wrong else {"yes": "no", "no": "yes"}[row["answer"]]
                log.write(id=row["key"], time=moment, prediction={"yes": score, "no": 1 - score},
                          features={"size": row["size"], "colour": row["colour"]})  # fmt: skip
                log.label(id=row["key"], label=answer, time=moment + timedelta(hours=3))
    desk.git(repo, "add", "-A")
    desk.git(repo, "commit", "-qm", "log")


def monitor(tmp_path: Path, served: tuple[Hub, Path], token: str = DECIDE) -> Run:
    return run(tmp_path, served[0], served[1], "ml-monitor", "schedule", payloads.schedule(), token)


def train(tmp_path: Path, served: tuple[Hub, Path], **inputs: str) -> Run:
    payload: dict[str, Any] = payloads.workflow_dispatch(**inputs)
    return run(tmp_path, served[0], served[1], "ml-train-promote", "workflow_dispatch", payload, DECIDE)


def journal(github: Hub) -> list[dict[str, Any]]:
    return [json.loads(line) for line in github.run("show", "modelyard-state:tiny/journal.jsonl").splitlines()]


def decisions(github: Hub) -> list[tuple[str, str]]:
    found = [entry["decided"] for entry in journal(github) if entry["kind"] == "decided"]
    return [(each["decision"]["action"], each["state"]) for each in found]


def writes(github: Hub) -> list[str]:
    return [f"{call.operation} {call.status}" for call in github.writes]


def test_a_fault_of_the_data_opens_an_issue_that_closes_when_it_is_over(
    tmp_path: Path, github: Hub, served: tuple[Hub, Path]
) -> None:
    repo = served[1]
    serve(repo, range(-9, -1))
    serve(repo, range(-1, 0), times=60)
    found = monitor(tmp_path, served)
    assert found.jobs == {"monitor": "success", "decide": "success"}, found.last
    assert found.outputs("decide")["action"] == "investigate"
    assert decisions(github) == [("investigate", "made")]
    (issue,) = github.issues.values()
    assert issue["user"]["login"] == BOT
    assert issue["title"].startswith("tiny: investigate upstream, since the window 20")
    assert issue["body"].splitlines()[1] == "## ❌ Investigate upstream · `tiny`"
    assert "The column size is at fault since the window" in issue["body"]
    assert writes(github) == [*KEEP, "issues/create 201"]
    assert github.runs == {}

    desk.git(repo, "reset", "-q", "--hard", "HEAD~1")  # somebody mends the log
    serve(repo, range(-1, 0))
    over = monitor(tmp_path, served)
    assert over.jobs == {"monitor": "success", "decide": "success"}, over.last
    assert over.outputs("decide")["action"] in ("nothing", "watch")
    assert writes(github)[4:] == [*KEEP, "issues/create-comment 201", "issues/update 200"]
    assert issue["state"] == "closed"


def test_missed_performance_starts_a_run_that_follows_the_decision_and_is_promoted(
    tmp_path: Path, github: Hub, served: tuple[Hub, Path]
) -> None:
    repo = served[1]
    serve(repo, range(-9, 0), wrong=range(-4, 0))
    found = monitor(tmp_path, served)
    assert found.jobs == {"monitor": "success", "decide": "success"}, found.last
    (started,) = github.runs.values()
    digest = found.outputs("decide")["decision"]
    assert (started["workflow"], started["inputs"]["decision"]) == ("ml-train-promote.yml", digest)
    assert found.outputs("decide")["started"] == started["html_url"]
    assert decisions(github) == [("retrain", "started"), ("retrain", "started")]
    assert writes(github) == [*KEEP, "actions/create-workflow-dispatch 200", *KEEP, "issues/create 201"]
    assert [issue["title"] for issue in github.issues.values()] == ["tiny: retrain"]

    desk.rows(300, seed=2, first=600).write_csv(repo / "data" / "part-2.csv")
    desk.git(repo, "add", "-A")
    desk.git(repo, "commit", "-qm", "newer data")
    followed = train(tmp_path, served, **started["inputs"])
    assert followed.jobs == {"evaluate": "success", "promote": "success"}, followed.last
    promoted = next(entry for entry in journal(github) if entry["to"] == "v2" and entry["alias"] == "champion")
    assert promoted["command"] == f"modelyard promote --decision {digest}"
    assert promoted["reason"] == started["inputs"]["reason"]
    assert any("to retrain: roc_auc is missed for certain" in text for text in followed.summaries)


def test_a_run_with_a_forged_decision_trains_nothing(tmp_path: Path, github: Hub, served: tuple[Hub, Path]) -> None:
    forged = train(tmp_path, served, decision=f"sha256:{'0' * 64}", reason="$(touch /tmp/owned)")
    assert forged.jobs == {"evaluate": "failure"}, forged.last
    assert "no decision of tiny has the digest" in forged.text
    assert github.writes == []


def test_without_the_permission_nothing_is_started_and_the_decision_is_kept(
    tmp_path: Path, github: Hub, served: tuple[Hub, Path]
) -> None:
    github.tokens["ghs_less"] = {"contents", "issues"}
    serve(served[1], range(-9, 0), wrong=range(-4, 0))
    found = monitor(tmp_path, served, "ghs_less")
    assert found.jobs == {"monitor": "success", "decide": "failure"}, found.last
    assert found.outputs("decide")["exit-code"] == "4"
    assert "permissions: {actions: write}" in found.text
    assert decisions(github) == [("retrain", "started"), ("retrain", "not-started")]
    assert [issue["title"] for issue in github.issues.values()] == ["tiny: retrain"]
