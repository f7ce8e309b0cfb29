"""Payloads as GitHub sends them, with this test's commits in them.

The files are examples of npm's @octokit/webhooks-examples 7.6.1 (MIT licence, copyright Gregor Martynus; the licence's
text is that of tests/openapi/NOTICE.md). There is none for a schedule, whose payload names the schedule alone.
"""

import json
from pathlib import Path
from typing import Any

REPOSITORY = "acme/demo"


def push(commit: str, ref: str = "refs/heads/main") -> dict[str, Any]:
    """A push to a branch."""
    return {**_payload("push"), "ref": ref, "after": commit}


def workflow_dispatch(**inputs: str) -> dict[str, Any]:
    """A run by hand on the default branch."""
    return {**_payload("workflow_dispatch"), "ref": "refs/heads/main", "inputs": inputs}


def schedule() -> dict[str, Any]:
    """A scheduled run."""
    return {"schedule": "17 4 * * 1"}


def repository_dispatch(**message: Any) -> dict[str, Any]:
    """A message that data changed."""
    payload = {"action": "modelyard-data-changed", "branch": "main", "client_payload": message}
    return {**_payload("workflow_dispatch"), "ref": "refs/heads/main", **payload}


def merge_group(base: str, head: str) -> dict[str, Any]:
    """A merge queue's group on a base."""
    payload = _payload("merge_group")
    payload["merge_group"] |= {"base_sha": base, "head_sha": head, "base_ref": "refs/heads/main"}
    return payload


def pull_request(number: int, head: str, *, fork: bool = False) -> dict[str, Any]:
    """New commits on a pull request."""
    payload = _payload("pull_request")
    payload["number"] = payload["pull_request"]["number"] = number
    payload["pull_request"]["head"] |= {"sha": head, "ref": "topic"}
    payload["pull_request"]["head"]["repo"]["full_name"] = "mallory/demo" if fork else REPOSITORY
    payload["pull_request"]["base"]["ref"] = "main"
    return payload


def issue_comment(comment: int, number: int, body: str, author: str) -> dict[str, Any]:
    """A new comment of a person on a pull request."""
    payload = _payload("issue_comment")
    payload["comment"] |= {"id": comment, "body": body}
    payload["comment"]["user"] |= {"login": author, "type": "User"}
    payload["issue"] |= {
        "number": number,
        "pull_request": {"url": f"https://api.github.com/repos/{REPOSITORY}/pulls/7"},
    }
    payload["repository"]["default_branch"] = "main"
    return payload


def workflow_run(
    run: int, head: str, *, owner: str = "mallory", home: int = 99, event: str = "pull_request"
) -> dict[str, Any]:
    """A run that ended; of a fork's pull request where nothing else is said."""
    payload = _payload("workflow_run")
    payload["workflow_run"] |= {
        "id": run, "run_attempt": 1, "event": event, "head_sha": head, "head_branch": "topic", "pull_requests": [],
    }  # fmt: skip
    payload["workflow_run"]["head_repository"]["id"] = home
    payload["workflow_run"]["head_repository"]["owner"]["login"] = owner
    return payload


def _payload(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(__file__).with_name(f"{name}.json").read_text("utf-8"))
    found["repository"] |= {"full_name": REPOSITORY, "default_branch": "main"}
    return found
