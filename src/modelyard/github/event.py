"""What started this job: the runner's environment and the event's payload, both read as hostile text."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from modelyard.core.actions import in_actions
from modelyard.core.errors import ConfigError, PlatformError
from modelyard.github import told
from modelyard.github.credentials import API_URL

Trigger = Literal["desk", "pull-request", "merge-group", "default-branch", "elsewhere", "workflow-run"]
"""What decides the stages; ``elsewhere`` is any other branch, tag or event."""

MAY_PROMOTE: tuple[Trigger, ...] = ("desk", "default-branch")
"""Where an alias may move."""
JUDGED_BY_BASE: tuple[Trigger, ...] = ("pull-request", "merge-group")
"""What proposes a change, and is judged by the rules that stand before it."""
REPORT_ONLY: tuple[Trigger, ...] = ("elsewhere",)
"""Other branches, tags and events: everything runs, and nothing comes of it."""

_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")
_MOVES_DEFAULT = ("push", "schedule", "workflow_dispatch", "repository_dispatch")
_LARGEST = 32 << 20


@dataclass(frozen=True)
class OtherRun:
    """A run of another workflow, which ended.

    Attributes:
        id: number of the run.
        attempt: 1, and one more for each re-run.
        event: what started it.
        head: commit that it was for; of a pull request its head.
        branch: of that head.
        owner: login of who owns the head's repository.
        repository: number of the head's repository.
    """

    id: int
    attempt: int
    event: str
    head: str
    branch: str
    owner: str
    repository: int


@dataclass(frozen=True)
class Commented:
    """A comment, as the event's payload has it.

    Attributes:
        id: its number.
        number: of the issue or pull request that it stands on.
        on_pull: whether that is a pull request.
        by_person: an account of a person wrote it, and no app.
        written: it was written just now, and not edited or deleted.
        body: what it says, as its author typed it.
    """

    id: int
    number: int
    on_pull: bool
    by_person: bool
    written: bool
    body: str


@dataclass(frozen=True)
class Event:
    """One run of one workflow.

    Attributes:
        name: GitHub's name of the event.
        trigger: what it means for the stages.
        repository: ``owner/name``.
        ref: ``refs/heads/main``.
        sha: the commit that the run is for; on a pull request the merge commit.
        actor: who caused it.
        run_id: number of the run.
        attempt: 1, and one more for each re-run.
        api_url: root of the REST interface.
        server_url: root of the web pages.
        number: of the pull request, where there is one.
        head: its head commit.
        base: for a merge group the commit that it builds on.
        before: for a push the commit that the branch pointed at; zeros where it is new.
        ours: the pull request's head is a branch of this repository, not of a fork.
        other: on ``workflow_run`` the run that ended.
        comment: on ``issue_comment`` what was written.
        told: on ``repository_dispatch`` the address of data that is said to have changed; else empty.
    """

    name: str
    trigger: Trigger
    repository: str
    ref: str
    sha: str
    actor: str
    run_id: str
    attempt: int
    api_url: str
    server_url: str
    number: int | None = None
    head: str | None = None
    base: str | None = None
    before: str | None = None
    ours: bool = True
    other: OtherRun | None = None
    comment: Commented | None = None
    told: str = ""

    @property
    def run_url(self) -> str:
        """The run's page."""
        return f"{self.server_url}/{self.repository}/actions/runs/{self.run_id}"


def read_event(environ: Mapping[str, str]) -> Event | None:
    """Return the event of this job; None locally.

    Raises:
        PlatformError: the runner's variables or the payload are missing or not what GitHub writes there.
        ConfigError: an event that runs other people's code with a token that may write; a message of changed data that
            is none.
    """
    if not in_actions(environ):
        return None
    name = _variable(environ, "GITHUB_EVENT_NAME", r"[a-z_]{1,60}")
    if name == "pull_request_target":
        raise ConfigError(
            "this workflow runs on pull_request_target, where a pull request's code would run with a token that may "
            "write",
            code="github/unsafe-event",
            hint="Use `on: pull_request`; the template ml-pull-request shows how its comment is written.",
        )
    payload = _payload(environ)
    ref = environ.get("GITHUB_REF", "")
    pull, group = _part(payload, "pull_request"), _part(payload, "merge_group")
    head = _part(pull, "head")
    repository = _variable(environ, "GITHUB_REPOSITORY", _REPOSITORY.pattern)
    return Event(
        name=name,
        trigger=_trigger(name, ref, _part(payload, "repository").get("default_branch")),
        repository=repository,
        ref=ref,
        sha=_variable(environ, "GITHUB_SHA", _SHA.pattern),
        actor=environ.get("GITHUB_ACTOR", ""),
        run_id=_variable(environ, "GITHUB_RUN_ID", r"[0-9]{1,20}"),
        attempt=int(_variable({"GITHUB_RUN_ATTEMPT": "1", **environ}, "GITHUB_RUN_ATTEMPT", r"[0-9]{1,6}")),
        api_url=environ.get("GITHUB_API_URL") or API_URL,
        server_url=environ.get("GITHUB_SERVER_URL") or "https://github.com",
        number=_number(pull.get("number"), "pull request") if name == "pull_request" else None,
        head=_sha(head.get("sha")) if name == "pull_request" else None,
        base=_sha(group.get("base_sha")) if name == "merge_group" else None,
        before=_sha(payload.get("before")) if name == "push" and payload.get("before") else None,
        ours=_part(head, "repo").get("full_name") == repository if name == "pull_request" else True,
        other=_other_run(_part(payload, "workflow_run")) if name == "workflow_run" else None,
        comment=_commented(payload) if name == "issue_comment" else None,
        told=told.read(payload.get("client_payload"))
        if name == "repository_dispatch" and payload.get("action") == told.TYPE
        else "",
    )


def _trigger(name: str, ref: str, default_branch: object) -> Trigger:
    if name == "pull_request":
        return "pull-request"
    if name == "merge_group":
        return "merge-group"
    if name == "workflow_run":
        return "workflow-run"
    # A schedule runs on the default branch only, and its payload may not name one.
    on_default = name == "schedule" or (bool(default_branch) and ref == f"refs/heads/{default_branch}")
    return "default-branch" if on_default and name in _MOVES_DEFAULT else "elsewhere"


def _other_run(run: Mapping[str, Any]) -> OtherRun:
    home = _part(run, "head_repository")
    return OtherRun(
        id=_number(run.get("id"), "run"),
        attempt=_number(run.get("run_attempt"), "attempt of the run"),
        event=str(run.get("event")),
        head=_sha(run.get("head_sha")),
        branch=str(run.get("head_branch")),
        owner=str(_part(home, "owner").get("login")),
        repository=_number(home.get("id"), "repository of the head"),
    )


def _commented(payload: Mapping[str, Any]) -> Commented | None:
    comment, issue = _part(payload, "comment"), _part(payload, "issue")
    if not comment:
        return None
    body = comment.get("body")
    return Commented(
        id=_number(comment.get("id"), "comment"),
        number=_number(issue.get("number"), "issue"),
        on_pull=isinstance(issue.get("pull_request"), dict),
        by_person=_part(comment, "user").get("type") == "User",
        written=payload.get("action") == "created",
        body=body if isinstance(body, str) else "",
    )


def _payload(environ: Mapping[str, str]) -> Mapping[str, Any]:
    where = environ.get("GITHUB_EVENT_PATH", "")
    cure = "The runner writes it before the first step; nothing in the job may move or empty it."
    if not where:
        raise PlatformError(
            "GITHUB_EVENT_PATH is not set, so this job does not say what started it", code="github/bad-event", hint=cure
        )
    try:
        path = Path(where)
        if path.stat().st_size > _LARGEST:
            raise PlatformError(
                f"the event's payload is larger than {_LARGEST:,} bytes", code="github/bad-event", hint=cure
            )
        payload = json.loads(path.read_bytes())
    except OSError as error:
        raise PlatformError(
            f"the event's payload cannot be read: {error.strerror or error}", code="github/bad-event", hint=cure
        ) from error
    except (ValueError, RecursionError) as error:
        raise PlatformError("the event's payload is not JSON", code="github/bad-answer", hint=cure) from error
    if not isinstance(payload, dict):
        raise PlatformError("the event's payload is not a JSON object", code="github/bad-event", hint=cure)
    return payload


def _part(payload: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = payload.get(key)
    return found if isinstance(found, dict) else {}


def _variable(environ: Mapping[str, str], name: str, form: str) -> str:
    value = environ.get(name, "")
    if not re.fullmatch(form, value):
        raise PlatformError(
            f"{name} is {value[:60]!r}, which GitHub Actions never sets",
            code="github/bad-variable",
            hint="Run in a job of GitHub Actions, or unset GITHUB_ACTIONS locally.",
        )
    return value


def _sha(value: object) -> str:
    if not isinstance(value, str) or not _SHA.fullmatch(value):
        raise PlatformError(
            "the event's payload names no commit where GitHub always names one", code="github/bad-event"
        )
    return value


def _number(value: object, what: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise PlatformError(f"the event's payload names no {what} by its number", code="github/bad-event")
    return value
