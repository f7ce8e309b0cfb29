"""The one comment of a model on a pull request: found by marker and author over all pages, and never made older."""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from modelyard.core.errors import DataError
from modelyard.github.client import GitHub, GitHubError

NEEDS = "pull-requests: write"
LARGEST = 65_536
"""Characters that GitHub takes in a comment."""
_MODEL = re.compile(r"[a-z0-9-]{1,40}")
_MARKER = re.compile(
    r"<!-- modelyard:comment v1 model=([a-z0-9-]{1,40}) head=([0-9a-f]{40}) run=([0-9]{1,20})\.([0-9]{1,6}) -->"
)
_BOT = "github-actions[bot]"


@dataclass(frozen=True)
class Marker:
    """What the first line of our comment says of it."""

    model: str
    head: str
    run: int
    attempt: int

    def __str__(self) -> str:
        """Return the line."""
        return f"<!-- modelyard:comment v1 model={self.model} head={self.head} run={self.run}.{self.attempt} -->"

    @classmethod
    def of(cls, body: str) -> "Marker | None":
        """Return the marker of a comment, if its first line is one."""
        found = _MARKER.fullmatch((body.splitlines() or [""])[0].strip())
        return cls(found[1], found[2], int(found[3]), int(found[4])) if found else None


@dataclass(frozen=True)
class Posted:
    """What became of a comment, and where it is."""

    action: Literal["created", "updated", "unchanged", "newer"]
    url: str = ""


def upsert(client: GitHub, number: int, marker: Marker, markdown: str, *, second_hand: bool = False) -> Posted:
    """Create the comment, or update it where there is one.

    Args:
        client: the repository.
        number: of the pull request.
        marker: whose comment it is, and of which head and run.
        markdown: what it says, rendered by us; 60,000 bytes at most.
        second_hand: told by another workflow; a comment that the run itself wrote says the same first hand, and stays.

    Returns:
        ``newer`` where nothing was written, because the pull request has another head by now, or a later run of this
        head has written.

    Raises:
        GitHubError: GitHub would not do it; 403 names the permission.
        DataError: the model's name cannot be part of a marker.
    """
    if not _MODEL.fullmatch(marker.model):
        raise DataError(
            f"invalid model name {marker.model[:40]!r}",
            code="github/bad-model-name",
            hint="Names match [a-z0-9-]{1,40}.",
        )
    pull = client.get(f"pulls/{number}", needs=NEEDS)
    if pull["head"]["sha"] != marker.head:
        return Posted("newer")
    body = f"{marker}\n{markdown}"[:LARGEST]
    known = _own(client, number, marker.model)
    if known is None:
        made = client.send("POST", f"issues/{number}/comments", {"body": body}, needs=NEEDS)
        return Posted("created", made["html_url"])
    before = Marker.of(known["body"])
    if before is not None and before.head == marker.head:
        if (before.run, before.attempt) > (marker.run, marker.attempt):
            return Posted("newer", known["html_url"])
        if known["body"] == body or (second_hand and before == marker):
            return Posted("unchanged", known["html_url"])
    path = f"issues/comments/{known['id']}"
    done = client.send("PATCH", path, {"body": body}, needs=NEEDS, again=True)
    return Posted("updated", done["html_url"])


def replace_older(
    client: GitHub, number: int, by: Marker, text: Callable[[str], str], *, models: Collection[str] = ()
) -> list[str]:
    """Replace what our comments say of older heads, where a run of a newer one left nothing to show.

    What this head's other runs say stays, and theirs will replace this: the marker names no run.

    Args:
        client: the repository.
        number: of the pull request.
        by: head, run and attempt that left nothing; its model does not count.
        text: the new text of a model's comment.
        models: whose comments; empty for all.

    Returns:
        The models whose comments were replaced.

    Raises:
        GitHubError: GitHub would not do it.
    """
    if client.get(f"pulls/{number}", needs=NEEDS)["head"]["sha"] != by.head:
        return []
    replaced = []
    for comment, before in list(_owned(client, number)):
        older = before.head != by.head or (before.run == by.run and before.attempt < by.attempt)
        if not older or (models and before.model not in models):
            continue
        body = f"{Marker(before.model, by.head, 0, 0)}\n{text(before.model)}"[:LARGEST]
        client.send("PATCH", f"issues/comments/{comment['id']}", {"body": body}, needs=NEEDS, again=True)
        replaced.append(before.model)
    return replaced


def _own(client: GitHub, number: int, model: str) -> dict[str, Any] | None:
    """Our comment of a model: the oldest with our marker that this token's own account wrote."""
    return next((comment for comment, marker in _owned(client, number) if marker.model == model), None)


def _owned(client: GitHub, number: int) -> Iterator[tuple[dict[str, Any], Marker]]:
    """Yield our comments with their markers: those that this token's own account wrote, oldest first."""
    login = own_login(client, NEEDS)
    for comment in client.pages(f"issues/{number}/comments", needs=NEEDS):
        marker = Marker.of(comment.get("body") or "")
        if marker is not None and (comment.get("user") or {}).get("login") == login:
            yield comment, marker


def own_login(client: GitHub, needs: str) -> str:
    """Return the account behind the token; a job's own token may not ask, and is the bot."""
    try:
        return str(client.get("/user", needs=needs)["login"])
    except GitHubError as error:
        if error.status in (401, 403, 404):
            return _BOT
        raise
