"""Both templates on a real runner, once for each trigger, and a GitHub with state: jobs, calls, comment, alias."""

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests import desk, payloads
from tests.act import PYTHON, ROOT, Run, Runner
from tests.e2e.conftest import COMMENT, READ, WRITE
from tests.hub import BOT, Hub


def template(name: str) -> str:
    """A template as somebody copies it, on the interpreter at hand."""
    text = (ROOT / "workflows-templates" / f"{name}.yml").read_text("utf-8").replace("$default-branch", "main")
    lines = []
    for line in text.splitlines():
        lines.append(line)
        if "uses: modelyard/modelyard" in line:
            indent = " " * (len(line) - len(line.lstrip()))
            lines.append(f"{indent}with:")
            lines.append(f'{indent}  python-version: "{PYTHON}"')
    merged = "\n".join(lines) + "\n"
    # Where a step has inputs already, the two lists of them become one.
    return re.sub(r'(  python-version: "[\d.]+"\n)\s+with:\n', r"\1", merged)


def commit(folder: Path, name: str = "HEAD") -> str:
    done = subprocess.run(["git", "rev-parse", name], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repo(tmp_path: Path, github: Hub) -> Path:
    made = desk.repository(tmp_path / "repo", desk.QUICK)
    (made / ".gitignore").write_text("", "utf-8")
    desk.git(made, "add", "-A")
    desk.git(made, "commit", "-qm", "with data")
    desk.git(made, "branch", "-M", "main")
    github.push(made)
    return made


def run(
    tmp_path: Path,
    github: Hub,
    repo: Path,
    name: str,
    event: str,
    payload: dict[str, object],
    token: str,
    arguments: Sequence[str] = (),
) -> Run:
    github.push(repo)
    runner = Runner(tmp_path, api_url=github.url, token=token)
    return runner.run(repo, template(name), event, payload, arguments=arguments)


def promote(tmp_path: Path, github: Hub, repo: Path) -> Run:
    return run(tmp_path, github, repo, "ml-train-promote", "push", payloads.push(commit(repo)), WRITE)


def propose(repo: Path) -> str:
    """Commit the changes as a pull request and check its merge commit out; returns the head."""
    desk.git(repo, "checkout", "-qb", "topic")
    desk.git(repo, "add", "-A")
    desk.git(repo, "commit", "-qm", "proposal")
    head = commit(repo)
    desk.git(repo, "checkout", "-q", "--detach", "main")
    desk.git(repo, "merge", "-q", "--no-ff", "-m", "merge", "topic")
    return head


def test_a_push_is_promoted_a_schedule_finds_nothing_to_do_and_a_run_by_hand_finds_its_champion(
    tmp_path: Path, github: Hub, repo: Path
) -> None:
    first = promote(tmp_path, github, repo)
    assert first.jobs == {"evaluate": "success", "promote": "success"}, first.last
    assert [f"{call.operation} {call.status}" for call in github.writes] == [
        "git/create-tree 201", "git/create-commit 201", "git/create-ref 201", "repos/create-release 201",
        "git/create-tree 201", "git/create-commit 201", "git/update-ref 200",
        *["repos/upload-release-asset 201"] * 3, "repos/update-release 200",
        *(["git/create-tree 201", "git/create-commit 201", "git/update-ref 200"] * 4),
    ]  # fmt: skip
    state = json.loads(github.run("show", "modelyard-state:tiny/state.json"))
    assert state["journal"]["aliases"] == {"champion": "v1", "best-promoted": "v1"}
    messages = github.run("log", "--format=%s", "modelyard-state").splitlines()
    assert messages == [
        "modelyard: tiny evaluated [skip ci]",
        "modelyard: tiny best-promoted is v1, promoted [skip ci]",
        "modelyard: tiny champion is v1, promoted [skip ci]",
        "modelyard: tiny v1 published [skip ci]",
        "modelyard: tiny v1 has a draft [skip ci]",
        "modelyard: tiny v1 begins [skip ci]",
    ]
    (release,) = github.releases.values()
    assert (release["tag_name"], release["draft"]) == ("modelyard/tiny/v1", False)
    assert github.run("rev-parse", "refs/tags/modelyard/tiny/v1") == commit(repo)
    entry = json.loads(github.run("show", "modelyard-state:tiny/journal.jsonl").splitlines()[0])
    assert (entry["kind"], entry["to"], entry["actor"]) == ("promoted", "v1", "octocat")

    before = len(github.writes)
    again = run(tmp_path, github, repo, "ml-train-promote", "schedule", payloads.schedule(), WRITE)
    assert again.jobs == {"evaluate": "success"}
    assert again.outputs("modelyard")["changed"] == "false"
    assert len(github.writes) == before

    desk.edit(repo / "modelyard.yml", "C: [0.1, 1]", "C: [0.1, 1, 10]")
    desk.git(repo, "commit", "-qam", "more candidates")
    by_hand = payloads.workflow_dispatch()
    attest = ["--var", "MODELYARD_ATTEST=true"]
    second = run(tmp_path, github, repo, "ml-train-promote", "workflow_dispatch", by_hand, WRITE, attest)
    assert second.jobs == {"evaluate": "success", "promote": "success", "attest": "success"}, second.last
    assert second.outputs("modelyard")["reasons"] == "configuration"
    assert "the champion v1 scores the same rows" in second.text
    state = json.loads(github.run("show", "modelyard-state:tiny/state.json"))
    assert (state["journal"]["aliases"]["champion"], state["journal"]["previous"]) == ("v2", {"champion": "v1"})
    assert first.calls("actions/attest") == [], "off until the variable says so"
    assert [call["with"] for call in second.calls("actions/attest")] == [{"subject-path": "modelyard-run/model/**"}]
    bundle = json.loads((second.folder / "artifacts" / "modelyard-attestation-tiny" / "attestation.json").read_bytes())
    assert list(bundle) == ["model.skops"]


def test_a_pull_request_is_judged_and_commented_on_and_promotes_nothing(
    tmp_path: Path, github: Hub, repo: Path
) -> None:
    desk.edit(repo / "modelyard.yml", "at_least: 0.6", "at_least: 0.1")
    head = propose(repo)
    github.pulls[7] = {"number": 7, "state": "open", "head": {"sha": head}}
    payload = payloads.pull_request(7, head)
    found = run(tmp_path, github, repo, "ml-pull-request", "pull_request", payload, COMMENT)
    assert found.jobs == {"evaluate": "success", "comment": "success"}, found.last
    (comment,) = github.comments.values()
    lines = comment["body"].splitlines()
    assert lines[0] == f"<!-- modelyard:comment v1 model=tiny head={head} run=1.1 -->"
    assert lines[1] == f"<!-- modelyard:pushes v1 pass:{head[:12]} -->"
    assert lines[2] == "## ✅ Promote · `tiny`"
    assert lines[8].startswith("> As recorded by the job that ran this pull request's code")
    assert "| **loosened** | `evaluate.gates[0].at_least` | `0.6` | `0.1` |" in comment["body"]
    assert lines[6].startswith("**[Open the report](")
    assert f"`{head[:7]}`" in lines[6]
    assert comment["user"]["login"] == BOT
    assert [f"{call.operation} {call.status}" for call in github.calls] == [
        # detect and evaluate look for a champion; the job that comments reads three things and writes one
        *(["git/get-ref 404", "git/list-matching-refs 200"] * 4),
        "pulls/get 200", "users/get-authenticated 403", "issues/list-comments 200", "issues/create-comment 201",
    ]  # fmt: skip
    records, page = (call["with"] for call in found.calls("actions/upload-artifact"))
    assert records["name"] == "modelyard-records-tiny"
    assert (Path(page["path"]).name, page["archive"]) == ("report-tiny.html", "false")
    assert (found.folder / "artifacts" / "report-tiny.html" / "report-tiny.html").read_text("utf-8").startswith("<!doc")
    kept = sorted(path.name for path in (found.folder / "artifacts" / "modelyard-records-tiny").rglob("*"))
    assert "evaluate.json" in kept
    assert not [name for name in kept if name.endswith((".skops", ".parquet"))]

    again = run(tmp_path, github, repo, "ml-pull-request", "pull_request", payload, COMMENT)
    assert again.jobs == {"evaluate": "success", "comment": "success"}
    assert len(github.comments) == 1


def test_a_gate_that_fails_is_red_and_the_comment_says_why(tmp_path: Path, github: Hub, repo: Path) -> None:
    desk.edit(repo / "modelyard.yml", "at_least: 0.6", "at_least: 0.95")
    desk.git(repo, "commit", "-qam", "strict")
    (repo / "README").write_text("proposal\n", "utf-8")
    head = propose(repo)
    github.pulls[7] = {"number": 7, "state": "open", "head": {"sha": head}}
    found = run(tmp_path, github, repo, "ml-pull-request", "pull_request", payloads.pull_request(7, head), COMMENT)
    assert found.jobs == {"evaluate": "failure", "comment": "success"}
    outputs = found.outputs("modelyard")
    assert (outputs["exit-code"], outputs["verdict"], outputs["version"]) == ("1", "fail", "")
    (said,) = found.annotations
    assert said.startswith("::error file=modelyard.yml,line=13,title=roc_auc at least 0.95%3A fail::The challenger"), (
        "the checkout holds the base's very file"
    )
    assert any(text.startswith("## ❌ Hold · `tiny`") for text in found.summaries)
    (comment,) = github.comments.values()
    assert comment["body"].splitlines()[2] == "## ❌ Hold · `tiny`"


def test_a_forks_pull_request_stays_without_a_comment_until_the_second_workflow_writes_it(
    tmp_path: Path, github: Hub, repo: Path
) -> None:
    (repo / "README").write_text("proposal\n", "utf-8")
    head = propose(repo)
    home = {"id": 99, "owner": {"login": "mallory"}}
    github.pulls[7] = {"number": 7, "state": "open", "head": {"sha": head, "ref": "topic", "repo": home}}
    payload = payloads.pull_request(7, head, fork=True)
    first = run(tmp_path, github, repo, "ml-pull-request", "pull_request", payload, READ)
    assert first.jobs == {"evaluate": "success", "comment": "success"}, first.last
    assert github.comments == {}
    (said,) = first.annotations
    assert said.startswith("::notice title=modelyard comment::the comment was not written")
    assert "permissions: {pull-requests: write}" in said
    kept = first.folder / "artifacts" / "modelyard-records-tiny"
    packed = shutil.make_archive(str(tmp_path / "records"), "zip", kept)
    github.artifacts[1] = {"run": 1, "name": kept.name, "data": Path(packed).read_bytes()}
    desk.git(repo, "checkout", "-q", "main")
    before = len(github.calls)
    second = run(tmp_path, github, repo, "ml-comment", "workflow_run", payloads.workflow_run(1, head), COMMENT)
    assert second.jobs == {"comment": "success"}, second.last
    (comment,) = github.comments.values()
    assert comment["body"].splitlines()[0] == f"<!-- modelyard:comment v1 model=tiny head={head} run=1.1 -->"
    assert "As reported by the pull request's own run" in comment["body"]
    assert "As recorded by the job" not in comment["body"]
    assert [call.operation for call in github.calls[before:]] == [
        "pulls/list", "actions/list-workflow-run-artifacts", "git/get-tree", "repos/get-content",
        "actions/download-artifact", "storage",
        "pulls/get", "users/get-authenticated", "issues/list-comments", "issues/create-comment",
    ]  # fmt: skip


def test_a_merge_group_is_judged_by_its_base_and_comments_nowhere(tmp_path: Path, github: Hub, repo: Path) -> None:
    base = commit(repo, "main")
    desk.edit(repo / "modelyard.yml", "at_least: 0.6", "at_least: 0.1")
    propose(repo)
    payload = payloads.merge_group(base, commit(repo))
    found = run(tmp_path, github, repo, "ml-pull-request", "merge_group", payload, READ)
    assert found.jobs == {"evaluate": "success"}, found.last
    assert github.writes == []
    assert "| `evaluate.gates[0].at_least` | `0.6` | `0.1` |" in "".join(found.summaries)


def test_an_evaluation_that_left_no_records_is_said_and_changes_no_comment(
    tmp_path: Path, github: Hub, repo: Path
) -> None:
    desk.edit(repo / "modelyard.yml", "metric: roc_auc, at_least", "metric: auc, at_least")
    head = propose(repo)
    github.pulls[7] = {"number": 7, "state": "open", "head": {"sha": head}}
    found = run(tmp_path, github, repo, "ml-pull-request", "pull_request", payloads.pull_request(7, head), COMMENT)
    assert found.jobs == {"evaluate": "failure", "comment": "success"}
    assert github.comments == {}
    assert any("there are no records to comment on" in said for said in found.annotations)


def test_promoting_without_the_permission_names_the_line_that_grants_it(
    tmp_path: Path, github: Hub, repo: Path
) -> None:
    found = run(tmp_path, github, repo, "ml-train-promote", "push", payloads.push(commit(repo)), READ)
    assert found.jobs == {"evaluate": "success", "promote": "failure"}
    (said,) = found.annotations
    assert "Resource not accessible by integration" in said
    assert "permissions: {contents: write}" in said
    assert github.releases == {}


def test_a_new_repository_comes_to_its_first_comment(tmp_path: Path, github: Hub) -> None:
    """A CSV and train.py; then `modelyard init`, one template copied, and a pull request: no line written by hand."""
    repo = tmp_path / "churn"
    repo.mkdir()
    desk.rows().write_csv(repo / "churn.csv")
    (repo / "train.py").write_text("# trains as it always did\n", "utf-8")
    desk.git(repo, "init", "-q", "-b", "main")
    desk.git(repo, "add", "-A")
    desk.git(repo, "commit", "-qm", "as it was")
    assert desk.modelyard(repo, "init").code == 0
    (repo / ".github" / "workflows").mkdir(parents=True)
    (repo / ".github" / "workflows" / "ml.yml").write_text(template("ml-pull-request"), "utf-8")
    head = propose(repo)
    github.pulls[1] = {"number": 1, "state": "open", "head": {"sha": head}}
    payload = payloads.pull_request(1, head)
    found = run(tmp_path, github, repo, "ml-pull-request", "pull_request", payload, COMMENT)
    assert found.jobs == {"evaluate": "success", "comment": "success"}, found.last
    (comment,) = github.comments.values()
    assert comment["body"].splitlines()[2] == "## ✅ Promote · `churn`"
    assert "> Proposal: the base has no rules yet." in comment["body"]
    assert "roc_auc goes 5% of the way from the baseline to a perfect score" in comment["body"]
