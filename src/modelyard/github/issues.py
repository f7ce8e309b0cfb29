"""The one issue of a model's rollbacks: found by marker and author among the open ones, opened or updated."""

import re
from dataclasses import dataclass
from typing import Any, Literal

from modelyard.core.errors import DataError
from modelyard.github.client import GitHub
from modelyard.github.comments import LARGEST, own_login

NEEDS = "issues: write"
_MODEL = re.compile(r"[a-z0-9-]{1,40}")
_MARKER = re.compile(r"<!-- modelyard:rollback v1 model=([a-z0-9-]{1,40}) entry=([0-9]{1,16}) -->")


@dataclass(frozen=True)
class IssueMarker:
    """What the first line of our issue says of it: whose it is, and the journal's entry that it tells last."""

    model: str
    entry: int

    def __str__(self) -> str:
        """Return the line."""
        return f"<!-- modelyard:rollback v1 model={self.model} entry={self.entry} -->"

    @classmethod
    def of(cls, body: str) -> "IssueMarker | None":
        """Return the marker of an issue, if its first line is one."""
        found = _MARKER.fullmatch((body.splitlines() or [""])[0].strip())
        return cls(found[1], int(found[2])) if found else None


@dataclass(frozen=True)
class PostedIssue:
    """What became of an issue, and where it is."""

    action: Literal["opened", "updated", "unchanged"]
    url: str = ""


def upsert_issue(client: GitHub, marker: IssueMarker, *, title: str, markdown: str) -> PostedIssue:
    """Open the model's issue, or bring the open one up to date and comment on it, so that who follows it hears of it.

    Args:
        client: the repository.
        marker: whose issue it is, and which entry of the journal it tells.
        title: one line, without anything hostile.
        markdown: what it says, rendered by us.

    Returns:
        ``unchanged`` where it tells this entry, or a later one, already.

    Raises:
        GitHubError: GitHub would not do it; 403 names the permission, 410 says that issues are switched off.
        DataError: the model's name cannot be part of a marker.
    """
    if not _MODEL.fullmatch(marker.model):
        raise DataError(
            f"invalid model name {marker.model[:40]!r}",
            code="github/bad-model-name",
            hint="Names match [a-z0-9-]{1,40}.",
        )
    body = f"{marker}\n{markdown}"[:LARGEST]
    known = _own(client, marker.model)
    if known is None:
        made = client.send("POST", "issues", {"title": title, "body": body}, needs=NEEDS)
        return PostedIssue("opened", made["html_url"])
    before = IssueMarker.of(known["body"])
    if before is not None and before.entry >= marker.entry:
        return PostedIssue("unchanged", known["html_url"])
    path = f"issues/{known['number']}"
    client.send("PATCH", path, {"title": title, "body": body}, needs=NEEDS, again=True)
    client.send("POST", f"{path}/comments", {"body": markdown[:LARGEST]}, needs=NEEDS)
    return PostedIssue("updated", known["html_url"])


def _own(client: GitHub, model: str) -> dict[str, Any] | None:
    """Our open issue of a model: the oldest with our marker that this token's own account wrote."""
    login = own_login(client, NEEDS)
    asked = {"state": "open", "sort": "created", "direction": "asc"}
    for issue in client.pages("issues", needs=NEEDS, params=asked):
        marker = IssueMarker.of(issue.get("body") or "")
        own = (issue.get("user") or {}).get("login") == login and "pull_request" not in issue
        if own and marker is not None and marker.model == model:
            return issue
    return None
