"""What started a job: which event is which trigger, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from modelyard.core.errors import ConfigError, PlatformError
from modelyard.github.event import Trigger, read_event
from tests import payloads

HEAD = "a" * 40
REPOSITORY = {"default_branch": "main", "full_name": "acme/demo"}
PULL = {"pull_request": {"number": 7, "head": {"sha": HEAD, "repo": {"full_name": "acme/demo"}}}}


def environ(tmp_path: Path, name: str, ref: str = "refs/heads/main", payload: Any = None) -> dict[str, str]:
    path = tmp_path / "event.json"
    path.write_text(json.dumps({"repository": REPOSITORY} if payload is None else payload), "utf-8")
    return {
        "GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": str(path), "GITHUB_REF": ref,
        "GITHUB_REPOSITORY": "acme/demo", "GITHUB_SHA": "b" * 40, "GITHUB_RUN_ID": "42", "GITHUB_RUN_ATTEMPT": "2",
        "GITHUB_ACTOR": "octocat",
    }  # fmt: skip


CASES: list[tuple[str, str, Any, Trigger]] = [
    ("push", "refs/heads/main", None, "default-branch"),
    ("workflow_dispatch", "refs/heads/main", None, "default-branch"),
    ("repository_dispatch", "refs/heads/main", None, "default-branch"),
    ("schedule", "refs/heads/main", {"schedule": "0 0 * * *"}, "default-branch"),
    ("push", "refs/heads/topic", None, "elsewhere"),
    ("push", "refs/tags/main", None, "elsewhere"),
    ("push", "refs/heads/main", {}, "elsewhere"),
    ("workflow_dispatch", "refs/heads/topic", None, "elsewhere"),
    ("release", "refs/tags/v1", None, "elsewhere"),
    ("issue_comment", "refs/heads/main", None, "elsewhere"),
    ("pull_request", "refs/pull/7/merge", {**PULL, "repository": REPOSITORY}, "pull-request"),
    ("merge_group", "refs/heads/gh-readonly-queue/main/pr-7", {"merge_group": {"base_sha": HEAD}}, "merge-group"),
    ("workflow_run", "refs/heads/main", payloads.workflow_run(1, HEAD), "workflow-run"),
]


@pytest.mark.parametrize(("name", "ref", "payload", "expected"), CASES)
def test_an_event_is_one_trigger(tmp_path: Path, name: str, ref: str, payload: Any, expected: Trigger) -> None:
    event = read_event(environ(tmp_path, name, ref, payload))
    assert event is not None
    assert event.trigger == expected
    assert (event.run_id, event.attempt, event.actor) == ("42", 2, "octocat")


def test_at_a_desk_there_is_no_event() -> None:
    assert read_event({}) is None


def test_a_fork_is_not_ours(tmp_path: Path) -> None:
    payload: Any = {"pull_request": {"number": 7, "head": {"sha": HEAD, "repo": None}}}
    event = read_event(environ(tmp_path, "pull_request", payload=payload))
    assert event is not None
    assert not event.ours
    assert (event.number, event.head) == (7, HEAD)


def test_pull_request_target_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="pull_request_target"):
        read_event(environ(tmp_path, "pull_request_target"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"GITHUB_EVENT_PATH": ""}, "GITHUB_EVENT_PATH is not set"),
        ({"GITHUB_EVENT_PATH": "/nowhere/event.json"}, "cannot be read"),
        ({"GITHUB_REPOSITORY": "acme/demo/../../other"}, "GITHUB_REPOSITORY"),
        ({"GITHUB_SHA": "main"}, "GITHUB_SHA"),
        ({"GITHUB_RUN_ID": "1; rm"}, "GITHUB_RUN_ID"),
        ({"GITHUB_EVENT_NAME": ""}, "GITHUB_EVENT_NAME"),
    ],
)
def test_what_the_runner_never_writes_is_refused(tmp_path: Path, change: dict[str, str], message: str) -> None:
    with pytest.raises(PlatformError, match=message):
        read_event({**environ(tmp_path, "push"), **change})


@pytest.mark.parametrize("text", ["", "[]", "{", '"push"'])
def test_a_payload_that_is_no_object_is_refused(tmp_path: Path, text: str) -> None:
    variables = environ(tmp_path, "push")
    Path(variables["GITHUB_EVENT_PATH"]).write_text(text, "utf-8")
    with pytest.raises(PlatformError, match="payload"):
        read_event(variables)


@pytest.mark.parametrize("pull", [{}, {"number": 0, "head": {"sha": HEAD}}, {"number": 7, "head": {"sha": "main"}}])
def test_a_pull_request_without_number_or_head_is_refused(tmp_path: Path, pull: Any) -> None:
    with pytest.raises(PlatformError, match="payload names no"):
        read_event(environ(tmp_path, "pull_request", payload={"pull_request": pull}))


def dispatched(folder: Path, message: object, action: object = "modelyard-data-changed") -> Any:
    payload = {
        "action": action, "branch": "main", "client_payload": message, "repository": {"default_branch": "main"},
    }  # fmt: skip
    return read_event(environ(folder, "repository_dispatch", "refs/heads/main", payload))


def test_a_message_of_changed_data_is_its_address(tmp_path: Path) -> None:
    message = {
        "source": "s3://flights/2013/01.parquet", "event": "created", "etag": '"9bb58f26192e4ba00f01e2e7b136bbd8-2"',
        "version": "3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY", "time": "2026-11-27T07:00:00.000Z", "size": 123456,
    }  # fmt: skip
    assert dispatched(tmp_path, message).told == message["source"]
    assert dispatched(tmp_path, {"source": "hf://datasets/me/flights"}).told == "hf://datasets/me/flights"
    assert dispatched(tmp_path, {"anything": ["of", "theirs"]}, "deploy").told == "", "another event is none of ours"


@pytest.mark.parametrize(
    "message",
    [
        None, [], "s3://b/x", 7, {}, {"event": "created"},
        {"source": "s3://b/x", "branch": "main"}, {"source": "s3://b/x", "__proto__": {}}, {"Source": "s3://b/x"},
        {"source": ["s3://b/x"]}, {"source": None}, {"source": ""}, {"source": "s3://"},
        {"source": "file:///etc/passwd"},
        {"source": "http://example.org/x"}, {"source": "s3://b/x\n::set-output name=a::b"},
        {"source": "s3://b/\u2028x"},
        {"source": "s3://b/x y"}, {"source": "s3://b/" + "x" * 2000}, {"source": " s3://b/x"}, {"source": "s3://b/x\n"},
        {"source": "s3://b/x", "size": "1"}, {"source": "s3://b/x", "size": True}, {"source": "s3://b/x", "size": -1},
        {"source": "s3://b/x", "size": 1.5}, {"source": "s3://b/x", "size": 2**70},
        {"source": "s3://b/x", "event": "Put"},
        {"source": "s3://b/x", "event": "created\n"}, {"source": "s3://b/x", "version": "$(id)"},
        {"source": "s3://b/x", "etag": "a b"}, {"source": "s3://b/x", "etag": "\x1b[31m"},
        {"source": "s3://b/x", "time": "yesterday"}, {"source": "s3://b/x", "time": "2026-11-27T07:00:00Z\n"},
    ],
    ids=repr,
)  # fmt: skip
def test_a_message_with_anything_else_in_it_is_refused(tmp_path: Path, message: object) -> None:
    with pytest.raises(ConfigError) as caught:
        dispatched(tmp_path, message)
    assert (caught.value.code, caught.value.exit_code) == ("github/bad-dispatch", 2)
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 200
    assert "\x1b" not in caught.value.message
