"""A pull request from a fork gets its comment from a second workflow, which takes nothing of the first one on trust."""

import io
import json
import os
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from modelyard.cli import comment as command
from modelyard.core.verdict import Verdict
from modelyard.records.envelope import Envelope
from modelyard.records.results import Problem
from tests import desk, payloads
from tests.hub import BOT, Hub, comment, hub
from tests.report_samples import run as records

HEAD, RUN, MODEL = "a" * 40, 7001, "flights-late"
BODY = f"<!-- modelyard:comment v1 model={MODEL} head={HEAD} run={RUN}.1 -->"


def archive(members: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as into:
        for name, data in members.items():
            into.writestr(name, data)
    return packed.getvalue()


def kept() -> dict[str, bytes]:
    """What the template uploads."""
    files = {f"records/{step}.json": envelope.to_bytes() for step, envelope in records().items()}
    return {**files, "report.md": b"# all is well", "report.html": b"<script>alert(1)</script>"}


def pull(number: int = 7, *, head: str = HEAD, owner: str = "mallory", home: int = 99) -> dict[str, Any]:
    where = {"sha": head, "ref": "topic", "repo": {"id": home, "owner": {"login": owner}}}
    return {"number": number, "state": "open", "head": where}


def push_models(running: Hub, folder: Path, *models: str) -> None:
    """Make the default branch hold a configuration of each model."""
    for at, model in enumerate(models):
        where = folder / (f"{at}" if at else "")
        where.mkdir(parents=True, exist_ok=True)
        text = desk.CONFIG.replace("name: tiny", f"name: {model}")
        (where / ("modelyard.yml" if at % 2 == 0 else "other.yaml")).write_text(text, "utf-8")
    desk.commit(folder)
    desk.git(folder, "branch", "-M", "main")
    running.push(folder)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Hub]:
    with hub(tmp_path / "hub") as running:
        running.tokens["ghs_comment"] = {"pull-requests"}
        running.pulls[7] = pull()
        push_models(running, tmp_path / "main", MODEL)
        running.artifacts[1] = {"run": RUN, "name": f"modelyard-records-{MODEL}", "data": archive(kept())}
        yield running
        assert running.violations == []


Posting = Callable[..., str]


@pytest.fixture
def post(server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Posting:
    """Comments as the second workflow's job does; returns what its log says."""

    def act(payload: Mapping[str, Any] | None = None) -> str:
        told = {
            "GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "workflow_run", "GITHUB_REPOSITORY": server.name,
            "GITHUB_SHA": server.run("rev-parse", "main"), "GITHUB_RUN_ID": "7002", "GITHUB_REF": "refs/heads/main",
            "GITHUB_EVENT_PATH": str(tmp_path / "event.json"), "GITHUB_OUTPUT": str(tmp_path / "output"),
            "GITHUB_API_URL": server.url, "GITHUB_SERVER_URL": server.url, "MODELYARD_TOKEN": "ghs_comment",
        }  # fmt: skip
        (tmp_path / "event.json").write_text(json.dumps(payload or payloads.workflow_run(RUN, HEAD)), "utf-8")
        monkeypatch.chdir(tmp_path)
        for name, value in told.items():
            monkeypatch.setitem(os.environ, name, value)
        assert command.run({}) == 0
        return capsys.readouterr().out

    return act


def test_the_records_are_rendered_anew_and_said_to_be_second_hand(server: Hub, post: Posting) -> None:
    post()
    (made,) = server.comments.values()
    lines = made["body"].splitlines()
    assert lines[0] == BODY
    assert lines[1] == f"<!-- modelyard:pushes v1 pass:{HEAD[:12]} -->"
    assert f"`{MODEL}`" in lines[2]
    assert f"actions/runs/{RUN})" in lines[6]
    assert lines[8].startswith("> As reported by the pull request's own run")
    assert "alert(1)" not in made["body"]
    assert "all is well" not in made["body"]
    assert [call.operation for call in server.calls] == [
        "pulls/list", "actions/list-workflow-run-artifacts", "git/get-tree", "repos/get-content",
        "actions/download-artifact", "storage",
        "pulls/get", "users/get-authenticated", "issues/list-comments", "issues/create-comment",
    ]  # fmt: skip


def told_by_detect(folder: Path) -> dict[str, str]:
    """What a detect that fails in a job leaves in its outputs."""
    output = folder / "github-output"
    environ = {
        "GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "push", "GITHUB_EVENT_PATH": str(folder / "push.json"),
        "GITHUB_REF": "refs/heads/main", "GITHUB_SHA": desk.said(folder, "rev-parse", "HEAD"), "GITHUB_RUN_ID": "1",
        "GITHUB_REPOSITORY": "acme/demo", "GITHUB_OUTPUT": str(output), "MODELYARD_REGISTRY": "local",
        "RUNNER_ENVIRONMENT": "self-hosted", "GITHUB_WORKSPACE": str(folder),
    }  # fmt: skip
    (folder / "push.json").write_text(json.dumps(payloads.push(environ["GITHUB_SHA"])), "utf-8")
    done = desk.inside(folder, "detect", environ=environ)
    assert done.code == 3, done.err
    parts = re.findall(r"^(\S+)<<(\S+)\n(.*?)\n\2$", output.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return {name: value for name, _, value in parts}


def test_a_detect_that_fails_replaces_the_verdict_on_an_older_head(server: Hub, post: Posting, tmp_path: Path) -> None:
    repo = desk.repository(tmp_path / "repo", desk.QUICK.replace("name: tiny", f"name: {MODEL}"))
    (repo / "data" / "part-1.csv").write_bytes(b"")
    outputs = told_by_detect(repo)
    data = {
        path.relative_to(repo / "modelyard-run").as_posix(): path.read_bytes()
        for path in (repo / "modelyard-run" / "records").glob("*.json")
    }
    # As the template names it.
    name = f"modelyard-records-{outputs.get('model') or 'unknown'}"
    server.artifacts[1] = {"run": RUN, "name": name, "data": archive(data)}
    older = comment(server, 7, f"{BODY.replace(HEAD, 'b' * 40)}\n## ✅ Promote · `{MODEL}`", BOT)
    post()
    assert older["body"].splitlines()[0] == BODY
    assert "Could not judge" in older["body"]
    assert "Promote" not in older["body"]


@pytest.mark.parametrize("data", [None, b"PK no archive", archive({})], ids=["none", "broken", "empty"])
def test_a_run_without_readable_records_replaces_the_verdict_on_an_older_head(
    server: Hub, post: Posting, data: bytes | None
) -> None:
    older = comment(server, 7, f"{BODY.replace(HEAD, 'b' * 40)}\n## ✅ Promote · `{MODEL}`", BOT)
    theirs = comment(server, 7, f"{BODY.replace(HEAD, 'b' * 40)}\n## ✅ Promote · `{MODEL}`", "mallory")
    if data is None:
        server.artifacts.clear()
    else:
        server.artifacts[1]["data"] = data
    post()
    # It names no run, so that what another run says of this head replaces it.
    assert older["body"].splitlines()[0] == BODY.replace(f"run={RUN}.1", "run=0.0")
    assert f"Could not judge · `{MODEL}`" in older["body"]
    assert f"actions/runs/{RUN}" in older["body"]
    assert "✅" not in older["body"]
    assert "✅" in theirs["body"]
    assert len(server.comments) == 2


def test_a_run_without_records_leaves_what_a_later_run_of_its_head_says(server: Hub, post: Posting) -> None:
    later = comment(server, 7, f"{BODY.replace(f'run={RUN}', 'run=7009')}\n## ✅ Promote · `{MODEL}`", BOT)
    server.artifacts.clear()
    post()
    assert "✅ Promote" in later["body"]
    assert server.writes == []


def test_a_comment_that_the_run_itself_wrote_stays(server: Hub, post: Posting) -> None:
    first_hand = comment(server, 7, f"{BODY}\nfirst hand", BOT)
    assert "says this already" in post()
    assert first_hand["body"].endswith("first hand")


def test_a_comment_of_an_earlier_run_is_updated(server: Hub, post: Posting) -> None:
    comment(server, 7, f"{BODY.replace(f'run={RUN}', 'run=6000')}\nold", BOT)
    assert "updated" in post()
    assert len(server.comments) == 1


@pytest.mark.parametrize(
    "pulls",
    [
        [],
        [pull(head="c" * 40)],
        [pull(home=100)],
        [pull(), pull(8)],
        [{**pull(), "state": "closed"}],
        [pull(owner="octocat")],
    ],
    ids=["none", "newer head", "another repository", "two", "closed", "another owner"],
)
def test_without_exactly_the_pull_request_of_that_head_nothing_is_written(
    server: Hub, post: Posting, pulls: list[dict[str, Any]]
) -> None:
    server.pulls = {each["number"]: each for each in pulls}
    said = post()
    assert "::notice title=modelyard comment::no open pull request has the head aaaaaaaaaaaa" in said
    assert server.writes == []


def test_a_run_that_no_pull_request_started_is_left_alone(server: Hub, post: Posting) -> None:
    assert "was started by 'push'" in post(payloads.workflow_run(RUN, HEAD, event="push"))
    assert server.calls == []


def edited(step: str) -> dict[str, bytes]:
    files = kept()
    return {**files, f"records/{step}.json": files[f"records/{step}.json"].replace(b"flights-late", b"flights-good", 1)}


HOSTILE: dict[str, tuple[bytes, str]] = {
    "no archive": (b"PK\x03\x04 not one", "not a readable archive"),
    "half an archive": (archive(kept())[:-40], "not a readable archive"),
    "an edited record": (archive(edited("evaluate")), "changed after it was written"),
    "nothing in it": (archive({}), "they are missing, or another model's"),
    "names that lead out": (archive({"../../records/detect.json": b"{}"}), "they are missing, or another model's"),
    "a bomb": (archive({"records/detect.json": b" " * (17 << 20)}), "is larger than"),
    "deep nesting": (archive({"records/detect.json": b"[" * 200_000}), "not a readable record"),
    "no JSON": (archive({"records/detect.json": b"\xff\xfe"}), "not a readable record"),
    "another schema": (archive({"records/detect.json": b'{"record": {}}'}), "not a readable record"),
}


@pytest.mark.parametrize(("data", "said"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_artifact_is_a_notice_and_no_comment(server: Hub, post: Posting, data: bytes, said: str) -> None:
    server.artifacts[1]["data"] = data
    told = post()
    assert said in told
    assert told.count("::notice") == 1
    assert "Traceback" not in told
    assert server.writes == []


def test_an_error_after_a_good_record_is_the_verdict(server: Hub, post: Posting, tmp_path: Path) -> None:
    good, before = records()["evaluate"].record, (records()["detect"].link,)
    problem = Problem(message="out of memory", exit_code=4)
    failed = Envelope.seal(
        good.model_copy(update={"verdict": Verdict.ERROR, "result": None, "problem": problem, "builds_on": before})
    )
    server.artifacts[1]["data"] = archive({**kept(), "records/evaluate.error.json": failed.to_bytes()})
    post()
    (made,) = server.comments.values()
    assert "out of memory" in made["body"]
    assert "\nerror\n" in (tmp_path / "output").read_text("utf-8")


@pytest.mark.parametrize(
    "change",
    [{"expired": True}, {"name": "modelyard-records-Flights"}, {"name": "modelyard-model-flights-late"}, {"run": 1}],
    ids=["expired", "no model's name", "the model", "another run's"],
)
def test_other_artifacts_are_not_looked_at(server: Hub, post: Posting, change: dict[str, Any]) -> None:
    server.artifacts[1].update(change)
    assert "kept no records" in post()
    assert "storage" not in [call.operation for call in server.calls]


def test_records_of_another_model_than_the_artifact_says_are_refused(
    server: Hub, post: Posting, tmp_path: Path
) -> None:
    push_models(server, tmp_path / "more", MODEL, "other")
    server.artifacts[1]["name"] = "modelyard-records-other"
    assert "the records of other cannot be shown: they are missing, or another model's" in post()


def test_without_the_permission_the_notice_says_which(server: Hub, post: Posting) -> None:
    server.tokens["ghs_comment"] = set()
    assert "permissions: {pull-requests: write}" in post()


def test_a_run_that_keeps_many_artifacts_gets_few_comments(server: Hub, post: Posting, tmp_path: Path) -> None:
    names = [f"look-{number:03}" for number in range(2, 22)]
    push_models(server, tmp_path / "more", MODEL, *names)
    for number, name in enumerate(names, 2):
        server.artifacts[number] = {"run": RUN, "name": f"modelyard-records-{name}", "data": archive(kept())}
    told = post()
    assert "kept records of 21 models; 10 were looked at" in told
    assert len(server.comments) == 1, "of the ten, the one whose records are its own"
    assert [call.operation for call in server.calls].count("storage") == 10


def test_models_that_the_default_branch_does_not_have_get_no_comment(server: Hub, post: Posting) -> None:
    for number in range(2, 122):
        server.artifacts[number] = {"run": RUN, "name": f"modelyard-records-look-{number:03}", "data": archive(kept())}
    told = post()
    assert "120 of 121 models have no configuration on the default branch; not shown" in told
    assert len(server.comments) == 1
    assert [call.operation for call in server.calls].count("storage") == 1
    assert len(server.calls) < 12


def test_without_the_right_to_read_the_repository_the_bound_alone_holds(server: Hub, post: Posting) -> None:
    server.fail("git/get-tree", status=403, times=9, message="Resource not accessible by integration")
    told = post()
    assert "contents: read" in told
    assert len(server.comments) == 1


def test_a_run_whose_artifacts_are_large_together_is_looked_at_in_part(
    server: Hub, post: Posting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push_models(server, tmp_path / "more", MODEL, "a", "b", "c")
    monkeypatch.setattr(command, "MOST_BYTES", 2 * len(server.artifacts[1]["data"]))
    for name in ("a", "b", "c"):
        server.artifacts[len(server.artifacts) + 1] = {**server.artifacts[1], "name": f"modelyard-records-{name}"}
    assert "too large to look at" in post()
    assert [call.operation for call in server.calls].count("storage") == 2


def test_a_broken_artifact_does_not_silence_the_others(server: Hub, post: Posting, tmp_path: Path) -> None:
    push_models(server, tmp_path / "more", MODEL, "a-broken-one")
    server.artifacts[2] = {"run": RUN, "name": "modelyard-records-a-broken-one", "data": b"PK no archive"}
    told = post()
    assert "the records of a-broken-one cannot be shown" in told
    assert len(server.comments) == 1


def test_a_payload_that_describes_no_run_is_refused(server: Hub, post: Posting) -> None:
    from modelyard.core.errors import PlatformError

    broken = payloads.workflow_run(RUN, HEAD)
    broken["workflow_run"]["head_sha"] = "main; rm -rf /"
    with pytest.raises(PlatformError, match="names no commit"):
        post(broken)
