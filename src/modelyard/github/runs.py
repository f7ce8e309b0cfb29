"""Runs of a workflow for a pull request: which is the newest of its head, and running it once more."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from modelyard.github.client import GitHub

NEEDS = "actions: write"
_LOOKED_AT = 500
"""Newest runs of branches of that name that are looked at; other forks may have such a branch too."""


@dataclass(frozen=True)
class JudgingRun:
    """A run.

    Attributes:
        id: its number.
        head: the commit that it is for.
        created: when its first attempt was made, as GitHub writes moments.
        finished: it ended.
        waits: it waits for somebody to approve that it runs at all.
        url: its page.
    """

    id: int
    head: str
    created: str
    finished: bool
    waits: bool
    url: str


def newest(client: GitHub, workflow: str, pull: Mapping[str, Any]) -> JudgingRun | None:
    """Return the newest run of a workflow for the head branch of a pull request; None where there is none.

    Args:
        client: the repository.
        workflow: its file's name.
        pull: the pull request, as GitHub describes it.

    Raises:
        GitHubError: GitHub did not answer, or there is no such workflow.
    """
    head = pull["head"]
    home = (head.get("repo") or {}).get("id")
    query = {"event": "pull_request", "branch": head["ref"], "per_page": 100}
    listed = client.pages(f"actions/workflows/{workflow}/runs", needs=NEEDS, params=query, key="workflow_runs")
    for run in islice(listed, _LOOKED_AT):
        if home is not None and (run.get("head_repository") or {}).get("id") == home:
            finished = run.get("status") == "completed"
            return JudgingRun(
                int(run["id"]), str(run["head_sha"]), str(run["created_at"]), finished,
                finished and run.get("conclusion") == "action_required", str(run["html_url"]),
            )  # fmt: skip
    return None


def again(client: GitHub, run: JudgingRun) -> None:
    """Run all jobs of a run once more, at the commit that it was for.

    Raises:
        GitHubError: GitHub would not do it: 403 where it still runs or is older than a month.
    """
    client.send("POST", f"actions/runs/{run.id}/rerun", None, needs=NEEDS)
