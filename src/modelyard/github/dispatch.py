"""Starting another workflow of the repository, and what became of the run."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from modelyard.github.client import GitHub, GitHubError

NEEDS = "actions: write"
_RUN = re.compile(r"/actions/runs/([0-9]{1,20})(?:$|[/?#])")


@dataclass(frozen=True)
class Started:
    """A run that was started; without an address where GitHub does not say which."""

    url: str = ""


def start(client: GitHub, workflow: str, ref: str, inputs: Mapping[str, str]) -> Started:
    """Start a workflow by ``workflow_dispatch``.

    Args:
        client: the repository.
        workflow: its file's name.
        ref: branch whose file is run.
        inputs: text for each of its inputs.

    Raises:
        GitHubError: GitHub would not do it; 403 names the permission, 404 that there is no such workflow, 422 that it
            has no ``workflow_dispatch`` or other inputs.
    """
    path, body = f"actions/workflows/{workflow}/dispatches", {"ref": ref, "inputs": dict(inputs)}
    try:
        made = client.send("POST", path, {**body, "return_run_details": True}, needs=NEEDS)
    except GitHubError as error:
        if error.status != 422 or "return_run_details" not in error.said:
            raise
        made = client.send("POST", path, body, needs=NEEDS)  # an older server, which does not say which run it is
    return Started(str((made or {}).get("html_url") or ""))


def run_number(url: str) -> int:
    """Return the number of a run by its address; 0 where it is none."""
    found = _RUN.search(url)
    return 0 if found is None else int(found[1])


Ended = Literal["going-on", "success", "failure"]


def ended(client: GitHub, url: str) -> Ended | None:
    """Return how a run stands; None where it is gone, or its address is none.

    Raises:
        GitHubError: GitHub did not answer.
    """
    number = run_number(url)
    run = client.find(f"actions/runs/{number}", needs=NEEDS) if number else None
    if run is None:
        return None
    if run.get("status") != "completed":
        return "going-on"
    return "success" if run.get("conclusion") in ("success", "skipped", "neutral") else "failure"
