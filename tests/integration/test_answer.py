"""Commands in comments: who may ask, what is done once, and what GitHub says at each call."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from modelyard.cli import answer as command
from modelyard.cli.flags import Command
from modelyard.core.errors import ConfigError, PlatformError
from modelyard.github.client import GitHub
from tests import payloads
from tests.hub import BOT, Hub, bare, comment
from tests.integration.test_comment_of_fork import archive, kept

HEAD, OTHER = "a" * 40, "b" * 40
NOW = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
JUDGING, TRAIN, BACK = "ml-pull-request.yml", "ml-train-promote.yml", "ml-rollback.yml"
COMMAND = Command("answer", "", "", "")


class Clock:
    """GitHub's clock, moved by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def on(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)


def judged(server: Hub, number: int, head: str = HEAD, **changed: Any) -> dict[str, Any]:
    """A run of the pull request's own workflow."""
    server.runs[number] = {
        "id": number, "workflow": JUDGING, "event": "pull_request", "head_sha": head, "head_branch": "topic",
        "head_repository": {"id": 99}, "status": "completed", "conclusion": "success", "run_attempt": 1,
        "created_at": f"{server.clock():%Y-%m-%dT%H:%M:%SZ}", "html_url": f"https://hub.example/runs/{number}",
        **changed,
    }  # fmt: skip
    return server.runs[number]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Hub]:
    with bare(tmp_path / "hub") as running:
        running.clock = Clock()
        running.tokens["ghs_answer"] = {"actions", "pull-requests"}
        running.roles = {"ada": "write", "eve": "read"}
        running.workflows = {JUDGING: set(), TRAIN: {"decision", "reason"}, BACK: {"to", "reason", "proof"}}
        home = {"id": 99, "owner": {"login": "mallory"}}
        running.pulls[7] = {"number": 7, "state": "open", "head": {"sha": HEAD, "ref": "topic", "repo": home}}
        running.run("update-ref", "refs/heads/main", running.run("commit-tree", running.run("mktree"), "-m", "first"))
        judged(running, 500)
        running.clock.on(60)
        yield running
        assert running.violations == []


class Said:
    """What a job said: its exit, its outputs, and the calls that it made."""

    def __init__(self, server: Hub, outputs: dict[str, str], error: PlatformError | None) -> None:
        self.answer = outputs.get("answer", "")
        self.error = error
        self.calls = [call.operation for call in server.calls]
        self.writes = [call.operation for call in server.writes]

    @property
    def code(self) -> int:
        return 0 if self.error is None else self.error.exit_code


Ask = Callable[..., Said]


@pytest.fixture
def ask(server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Write a comment and run the job that answers it."""

    def client_for(environ: Mapping[str, str], *, repository: str) -> GitHub:
        token = environ["MODELYARD_TOKEN"]
        return GitHub(server.url, repository, token, server.session(), pause=lambda _seconds: None)

    monkeypatch.setattr(command, "client_for", client_for)

    def act(
        body: str,
        *,
        by: str = "ada",
        made: dict[str, Any] | None = None,
        change: Callable[[dict[str, Any]], None] = lambda _payload: None,
    ) -> Said:
        made = made or comment(server, 7, body, by)
        payload = payloads.issue_comment(made["id"], 7, body, by)
        change(payload)
        output = tmp_path / "output"
        output.unlink(missing_ok=True)
        (tmp_path / "event.json").write_text(json.dumps(payload), "utf-8")
        told = {
            "GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "issue_comment", "GITHUB_REPOSITORY": server.name,
            "GITHUB_SHA": HEAD, "GITHUB_RUN_ID": "7002", "GITHUB_REF": "refs/heads/main", "GITHUB_ACTOR": "ada",
            "GITHUB_EVENT_PATH": str(tmp_path / "event.json"), "GITHUB_OUTPUT": str(output),
            "GITHUB_API_URL": server.url, "GITHUB_SERVER_URL": "https://hub.example", "MODELYARD_TOKEN": "ghs_answer",
        }  # fmt: skip
        for name, value in told.items():
            monkeypatch.setitem(os.environ, name, value)
        server.calls.clear()
        error = None
        try:
            assert command.run(COMMAND, {}, []) == 0
        except PlatformError as caught:
            error = caught
        lines = output.read_text("utf-8").splitlines() if output.exists() else []
        return Said(server, {lines[at].partition("<<")[0]: lines[at + 1] for at in range(0, len(lines) - 1, 3)}, error)

    return act


def replies(server: Hub) -> list[str]:
    return [each["body"] for each in server.comments.values() if each["user"]["login"] == BOT]


READS = ["issues/get-comment", "repos/get-collaborator-permission-level"]
LOOKED = [*READS, "users/get-authenticated", "issues/list-comments"]


# who may ask


@pytest.mark.parametrize(
    ("role", "allowed"),
    [("admin", "yes"), ("maintain", "yes"), ("write", "yes"), ("triage", ""), ("read", ""), ("none", ""), (None, "")],
)  # fmt: skip
def test_only_who_may_push_is_answered(server: Hub, ask: Ask, role: str | None, allowed: str) -> None:
    server.roles = {} if role is None else {"ada": role}
    said = ask("/modelyard retrain")
    assert said.code == 0
    if allowed:
        assert said.answer == "started"
        return
    assert said.answer == "no-right"
    assert said.calls == [*READS, "reactions/create-for-issue-comment"]
    assert replies(server) == []
    assert [each[1] for each in server.reactions] == ["-1"]


@pytest.mark.parametrize("login", ["../../x", "a/b", "-a", "a" * 200, ""])
def test_a_login_that_is_none_is_not_asked_for(server: Hub, ask: Ask, login: str) -> None:
    server.roles[login] = "admin"
    said = ask("/modelyard retrain", by=login)
    assert said.answer == "no-right"
    assert "repos/get-collaborator-permission-level" not in said.calls


# what is no command


@pytest.mark.parametrize(
    "change",
    [
        lambda payload: payload["issue"].pop("pull_request"),
        lambda payload: payload.update(action="edited"),
        lambda payload: payload.update(action="deleted"),
        lambda payload: payload["comment"]["user"].update(type="Bot"),
        lambda payload: payload["comment"].update(user=None),
        lambda payload: payload["comment"].update(body=None),
        lambda payload: payload["comment"].update(body="> /modelyard retrain"),
        lambda payload: payload["comment"].update(body="```\n/modelyard retrain\n```"),
        lambda payload: payload["comment"].update(body="x" * 65_536),
    ],
    ids=["on an issue", "edited", "deleted", "by a bot", "no user", "no body", "quoted", "in code", "64 kB"],
)
def test_what_is_no_command_asks_github_nothing(
    server: Hub, ask: Ask, change: Callable[[dict[str, Any]], None]
) -> None:
    said = ask("/modelyard retrain", change=change)
    assert (said.code, said.calls, said.answer) == (0, [], "")
    assert server.reactions == []


def test_a_comment_that_was_deleted_edited_or_moved_meanwhile_is_not_carried_out(server: Hub, ask: Ask) -> None:
    made = comment(server, 7, "/modelyard retrain", "ada")
    made["body"] = "/modelyard rollback"
    assert ask("/modelyard retrain", made=made).answer == "comment-changed"
    del server.comments[made["id"]]
    assert ask("/modelyard retrain", made=made).answer == "comment-changed"
    said = ask("/modelyard retrain", change=lambda payload: payload["issue"].update(number=8))
    assert said.answer == "comment-changed"
    assert said.writes == []


def test_the_author_is_the_one_that_github_names(server: Hub, ask: Ask) -> None:
    said = ask("/modelyard retrain", by="eve", change=lambda payload: payload["comment"]["user"].update(login="ada"))
    assert said.answer == "no-right"


@pytest.mark.parametrize("change", [lambda p: p["comment"].update(id="1"), lambda p: p.pop("issue")])
def test_a_payload_without_what_github_writes_there_ends_with_4(
    ask: Ask, change: Callable[[dict[str, Any]], None]
) -> None:
    assert ask("/modelyard retrain", change=change).code == 4


def test_another_event_is_refused(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    ask("thanks")
    monkeypatch.setitem(os.environ, "GITHUB_EVENT_NAME", "push")
    with pytest.raises(ConfigError, match="no comment to answer"):
        command.run(COMMAND, {}, [])


# mistakes


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("/modelyard promote", "bad-argument"),
        ("/modelyard dance", "unknown-command"),
        ("/modelyard retrain\n/modelyard rollback", "several-commands"),
    ],
)
def test_a_mistake_gets_one_reply_that_lists_what_is_allowed(server: Hub, ask: Ask, body: str, code: str) -> None:
    said = ask(body)
    assert said.answer == code
    assert said.writes == ["issues/create-comment", "reactions/create-for-issue-comment"]
    (reply,) = replies(server)
    assert "`/modelyard promote v7`" in reply
    assert "dance" not in reply
    assert ask("/modelyard dance", by="eve").answer == "no-right"
    assert len(replies(server)) == 1


# what is started


@pytest.mark.parametrize(
    ("body", "workflow", "to"),
    [
        ("/modelyard promote v7", BACK, "v7"),
        ("/modelyard rollback", BACK, None),
        ("/modelyard retrain", TRAIN, None),
    ],
)
def test_a_workflow_is_started_once_with_its_reason(
    server: Hub, ask: Ask, body: str, workflow: str, to: str | None
) -> None:
    made = comment(server, 7, body, "ada")
    said = ask(body, made=made)
    assert (said.answer, said.code) == ("started", 0)
    assert said.calls == [
        *LOOKED, "issues/create-comment", "actions/create-workflow-dispatch", "issues/update-comment",
        "reactions/create-for-issue-comment",
    ]  # fmt: skip
    (run,) = [each for each in server.runs.values() if each["workflow"] == workflow]
    assert run["ref"] == "main"
    assert run["inputs"] == {"reason": f"asked for by ada: {made['html_url']}", **({"to": to} if to else {})}
    (reply,) = replies(server)
    assert workflow in reply
    again = ask(body, made=made)
    assert (again.answer, again.writes) == ("answered-already", [])
    assert len([each for each in server.runs.values() if each["workflow"] == workflow]) == 1


def test_a_job_that_was_ended_half_way_starts_nothing_twice(server: Hub, ask: Ask) -> None:
    made = comment(server, 7, "/modelyard retrain", "ada")
    comment(server, 7, f"<!-- modelyard:reply v1 to={made['id']} state=begun -->\nStarting.", BOT)
    said = ask("/modelyard retrain", made=made)
    assert said.answer == "interrupted"
    assert "actions/create-workflow-dispatch" not in said.calls
    (reply,) = replies(server)
    assert "ended half-way" in reply


def test_a_forged_reply_of_somebody_else_counts_for_nothing(server: Hub, ask: Ask) -> None:
    made = comment(server, 7, "/modelyard retrain", "ada")
    comment(server, 7, f"<!-- modelyard:reply v1 to={made['id']} state=done -->\nDone.", "eve")
    assert ask("/modelyard retrain", made=made).answer == "started"


# evaluate


def test_the_run_of_the_head_that_was_seen_runs_again(server: Hub, ask: Ask) -> None:
    said = ask("/modelyard evaluate")
    assert said.answer == "evaluating"
    assert said.calls == [
        *LOOKED, "issues/create-comment", "pulls/get", "actions/list-workflow-runs", "actions/re-run-workflow",
        "issues/update-comment", "reactions/create-for-issue-comment",
    ]  # fmt: skip
    assert (server.runs[500]["status"], server.runs[500]["run_attempt"]) == ("queued", 2)
    assert ask("/modelyard evaluate").answer == "runs-already"


def _push(server: Hub) -> None:
    server.pulls[7]["head"]["sha"] = OTHER
    judged(server, 501, OTHER)


def _push_and_back(server: Hub) -> None:
    judged(server, 501, OTHER)
    server.clock.on(1)  # type: ignore[attr-defined]  # the test's own clock
    judged(server, 502, HEAD)


def _push_whose_run_is_not_there_yet(server: Hub) -> None:
    server.pulls[7]["head"]["sha"] = OTHER


def _push_in_the_same_second(server: Hub) -> None:
    judged(server, 501, HEAD)


@pytest.mark.parametrize("push", [_push, _push_and_back, _push_whose_run_is_not_there_yet, _push_in_the_same_second])
def test_a_head_that_may_have_been_pushed_after_the_comment_is_refused(
    server: Hub, ask: Ask, push: Callable[[Hub], None]
) -> None:
    made = comment(server, 7, "/modelyard evaluate", "ada")
    if push is not _push_in_the_same_second:
        server.clock.on(5)  # type: ignore[attr-defined]  # the test's own clock
    push(server)
    said = ask("/modelyard evaluate", made=made)
    assert said.answer == "head-moved"
    assert "actions/re-run-workflow" not in said.calls


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda server: server.pulls[7].update(state="closed"), "pull-closed"),
        (lambda server: server.runs[500].update(conclusion="action_required"), "waits-for-approval"),
        (lambda server: server.runs[500].update(status="in_progress", conclusion=None), "runs-already"),
        (lambda server: server.runs.clear(), "no-run"),
        (lambda server: server.runs[500].update(head_repository={"id": 5}), "no-run"),
        (lambda server: server.pulls[7]["head"].update(repo=None), "no-run"),
    ],
    ids=["closed", "waits", "runs", "none", "another fork's", "deleted fork"],
)
def test_what_cannot_run_again_is_said(server: Hub, ask: Ask, change: Callable[[Hub], None], code: str) -> None:
    change(server)
    said = ask("/modelyard evaluate")
    assert (said.answer, said.code) == (code, 0)
    assert "actions/re-run-workflow" not in said.calls
    assert [each[1] for each in server.reactions] == ["confused"]


# why


def test_why_tells_a_gate_from_the_records_that_the_run_kept(server: Hub, ask: Ask) -> None:
    server.artifacts[1] = {"run": 500, "name": "modelyard-records-flights-late", "data": archive(kept())}
    said = ask("/modelyard why roc_auc")
    assert said.answer == "why"
    assert said.writes == ["issues/create-comment", "reactions/create-for-issue-comment"]
    (reply,) = replies(server)
    assert "roc_auc" in reply
    assert "could have written anything" in reply
    assert ask("/modelyard why nothing_such").answer == "unknown-gate"
    assert "There are:" in replies(server)[-1]


@pytest.mark.parametrize("data", [b"no archive", archive({"records/evaluate.json": b"{}"}), archive({"x": b""})])
def test_records_that_cannot_be_read_are_said_to_be_so(server: Hub, ask: Ask, data: bytes) -> None:
    server.artifacts[1] = {"run": 500, "name": "modelyard-records-a", "data": data}
    assert ask("/modelyard why roc_auc").answer == "no-records"


def test_why_of_a_head_without_a_verdict(server: Hub, ask: Ask) -> None:
    server.pulls[7]["head"]["sha"] = OTHER
    assert ask("/modelyard why roc_auc").answer == "no-verdict"


# GitHub says no, at each call


@pytest.mark.parametrize("status", [403, 404, 422, 429, 500])
@pytest.mark.parametrize(
    ("body", "operation"),
    [
        ("/modelyard retrain", "issues/get-comment"),
        ("/modelyard retrain", "repos/get-collaborator-permission-level"),
        ("/modelyard retrain", "users/get-authenticated"),
        ("/modelyard retrain", "issues/list-comments"),
        ("/modelyard retrain", "issues/create-comment"),
        ("/modelyard retrain", "actions/create-workflow-dispatch"),
        ("/modelyard retrain", "issues/update-comment"),
        ("/modelyard retrain", "reactions/create-for-issue-comment"),
        ("/modelyard evaluate", "pulls/get"),
        ("/modelyard evaluate", "actions/list-workflow-runs"),
        ("/modelyard evaluate", "actions/re-run-workflow"),
        ("/modelyard why roc_auc", "actions/list-workflow-run-artifacts"),
    ],
)
def test_what_github_refuses_is_never_done_twice_and_never_taken_for_done(
    server: Hub, ask: Ask, body: str, operation: str, status: int
) -> None:
    headers = {"Retry-After": "3600"} if status == 429 else {}
    server.fail(operation, status=status, times=99, headers=headers)
    said = ask(body)
    started = [each for each in server.runs.values() if each["workflow"] == TRAIN]
    harmless = {
        ("issues/get-comment", 404): "comment-changed",
        ("repos/get-collaborator-permission-level", 404): "no-right",
        **{("users/get-authenticated", each): "started" for each in (403, 404)},
    }
    expected = harmless.get((operation, status), "started" if operation.startswith("reactions/") else None)
    if expected:
        assert (said.answer, said.code) == (expected, 0)
        return
    assert said.code == 4
    assert len(started) == (operation == "issues/update-comment")
    assert said.calls.count("actions/create-workflow-dispatch") <= 1
    before = ("issues/get-comment", "repos/", "users/", "issues/list-comments", "issues/create-comment")
    assert len(replies(server)) == (0 if operation.startswith(before) else 1)
    if operation.startswith(("actions/", "pulls/")):
        (reply,) = replies(server)
        lost = status == 500 and not body.startswith("/modelyard why")
        assert ("did not say whether" in reply) == lost
        assert "state=done" in reply


def test_a_start_whose_answer_was_lost_is_not_repeated(server: Hub, ask: Ask) -> None:
    server.fail("actions/create-workflow-dispatch", status=500, after=True)
    made = comment(server, 7, "/modelyard retrain", "ada")
    said = ask("/modelyard retrain", made=made)
    assert (said.code, said.answer) == (4, "lost")
    assert ask("/modelyard retrain", made=made).answer == "answered-already"
    assert len([each for each in server.runs.values() if each["workflow"] == TRAIN]) == 1
