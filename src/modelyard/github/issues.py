"""The one issue of a model for each kind of news: found by marker and author, opened, brought up to date, closed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from modelyard.core.errors import DataError
from modelyard.github.client import GitHub
from modelyard.github.comments import LARGEST, own_login

NEEDS = "issues: write"
_MODEL = re.compile(r"[a-z0-9-]{1,40}")
_MARKER = re.compile(
    r"<!-- modelyard:([a-z]{1,20}) v1 model=([a-z0-9-]{1,40})((?: [a-z]{1,20}=[a-z0-9-]{1,40}){0,5}) -->"
)


@dataclass(frozen=True)
class IssueMarker:
    """What the first line of our issue says of it: its kind, whose it is, and what it tells last."""

    kind: str
    model: str
    told: tuple[tuple[str, str], ...] = ()
    """Names and values, such as the journal's entry."""

    def __str__(self) -> str:
        """Return the line."""
        told = "".join(f" {name}={value}" for name, value in self.told)
        return f"<!-- modelyard:{self.kind} v1 model={self.model}{told} -->"

    @classmethod
    def of(cls, body: str) -> "IssueMarker | None":
        """Return the marker of an issue, if its first line is one."""
        found = _MARKER.fullmatch((body.splitlines() or [""])[0].strip())
        if found is None:
            return None
        pairs = (each.partition("=") for each in found[3].split())
        return cls(found[1], found[2], tuple((name, value) for name, _, value in pairs))

    def get(self, name: str) -> str:
        """Return a value; empty where there is none."""
        return dict(self.told).get(name, "")

    def refuse_bad(self) -> None:
        """Refuse what cannot be read again.

        Raises:
            DataError: the model's name, or something else of it, cannot be part of a marker.
        """
        if not _MODEL.fullmatch(self.model) or self.of(str(self)) != self:
            raise DataError(
                f"invalid model name {self.model[:40]!r}",
                code="github/bad-model-name",
                hint="Names match [a-z0-9-]{1,40}.",
            )


@dataclass(frozen=True)
class PostedIssue:
    """What became of an issue, and where it is."""

    action: Literal["opened", "updated", "unchanged", "closed", "closed-by-hand", "none"]
    url: str = ""


@dataclass(frozen=True)
class Issue:
    """One of our own issues."""

    number: int
    url: str
    open: bool
    title: str
    body: str
    marker: IssueMarker


def own_issues(
    client: GitHub, kind: str, model: str, *, state: Literal["open", "closed"] = "open", since: str = ""
) -> Iterator[Issue]:
    """Yield the issues of a kind and a model that this token's own account wrote, the oldest first.

    Args:
        client: the repository.
        kind: of the marker.
        model: name of the model.
        state: of the issues.
        since: only those that something happened to since this moment.

    Raises:
        GitHubError: GitHub did not answer; 410 says that issues are switched off.
    """
    login = own_login(client, NEEDS)
    asked = {"state": state, "sort": "created", "direction": "asc", "per_page": 100}
    asked |= {"since": since} if since else {}
    for found in client.pages("issues", needs=NEEDS, params=asked):
        marker = IssueMarker.of(found.get("body") or "")
        own = (found.get("user") or {}).get("login") == login and "pull_request" not in found
        if own and marker is not None and (marker.kind, marker.model) == (kind, model):
            yield _issue(found, marker)


def _issue(found: dict[str, Any], marker: IssueMarker) -> Issue:
    return Issue(
        int(found["number"]), str(found["html_url"]), found["state"] == "open", str(found["title"]),
        str(found["body"]), marker,
    )  # fmt: skip


def open_issue(client: GitHub, marker: IssueMarker, *, title: str, markdown: str) -> PostedIssue:
    """Open an issue.

    Args:
        client: the repository.
        marker: whose issue it is, and what it tells.
        title: one line, without anything hostile.
        markdown: what it says, rendered by us.

    Raises:
        GitHubError: GitHub would not do it; 403 names the permission, 410 says that issues are switched off.
    """
    marker.refuse_bad()
    made = client.send("POST", "issues", {"title": title, "body": _body(marker, markdown)}, needs=NEEDS)
    return PostedIssue("opened", made["html_url"])


def update_issue(
    client: GitHub, known: Issue, marker: IssueMarker, *, title: str, markdown: str, comment: str = ""
) -> PostedIssue:
    """Bring an issue up to date, and comment on it where those who follow it are to hear of it.

    Raises:
        GitHubError: GitHub would not do it.
    """
    marker.refuse_bad()
    body, path = _body(marker, markdown), f"issues/{known.number}"
    if (known.title, known.body) == (title, body):
        return PostedIssue("unchanged", known.url)
    client.send("PATCH", path, {"title": title, "body": body}, needs=NEEDS, again=True)
    if comment:
        client.send("POST", f"{path}/comments", {"body": comment[:LARGEST]}, needs=NEEDS)
    return PostedIssue("updated", known.url)


def close_issue(
    client: GitHub, known: Issue, marker: IssueMarker, *, title: str, markdown: str, comment: str
) -> PostedIssue:
    """Close an issue with a last comment; its marker then says what closed it, so that a hand's closing is told apart.

    Raises:
        GitHubError: GitHub would not do it.
    """
    marker.refuse_bad()
    path = f"issues/{known.number}"
    client.send("POST", f"{path}/comments", {"body": comment[:LARGEST]}, needs=NEEDS)
    body = {"title": title, "body": _body(marker, markdown), "state": "closed", "state_reason": "completed"}
    client.send("PATCH", path, body, needs=NEEDS, again=True)
    return PostedIssue("closed", known.url)


def upsert_issue(client: GitHub, marker: IssueMarker, *, title: str, markdown: str) -> PostedIssue:
    """Open the model's issue, or bring the open one up to date and comment on it, so that who follows it hears of it.

    Args:
        client: the repository.
        marker: whose issue it is, and by ``entry`` which entry of the journal it tells.
        title: one line, without anything hostile.
        markdown: what it says, rendered by us.

    Returns:
        ``unchanged`` where it tells this entry, or a later one, already.

    Raises:
        GitHubError: GitHub would not do it; 403 names the permission, 410 says that issues are switched off.
        DataError: the model's name cannot be part of a marker.
    """
    marker.refuse_bad()
    known = next(own_issues(client, marker.kind, marker.model), None)
    if known is None:
        return open_issue(client, marker, title=title, markdown=markdown)
    if _entry(known.marker) >= _entry(marker):
        return PostedIssue("unchanged", known.url)
    return update_issue(client, known, marker, title=title, markdown=markdown, comment=markdown)


def _entry(marker: IssueMarker) -> int:
    told = marker.get("entry")
    return int(told) if told.isdecimal() else 0


def _body(marker: IssueMarker, markdown: str) -> str:
    return f"{marker}\n{markdown}"[:LARGEST]
