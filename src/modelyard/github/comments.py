"""The one comment of a model on a pull request: found by marker and author over all pages, and never made older."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

from modelyard.core.errors import DataError
from modelyard.core.verdict import Verdict
from modelyard.github.client import GitHub, GitHubError

NEEDS = "pull-requests: write"
_NOT_TAKEN = 422
LARGEST = 65_536
"""Characters that GitHub takes in a comment."""
_MODEL = re.compile(r"[a-z0-9-]{1,40}")
ALL = "*"
"""In place of a model's name: one comment on all models of a run."""
MOST_PUSHES = 20
"""Earlier heads that a comment remembers."""
_MARKER = re.compile(
    r"<!-- modelyard:comment v1 model=([a-z0-9-]{1,40}|\*) head=([0-9a-f]{40}) run=([0-9]{1,20})\.([0-9]{1,6}) -->"
)
_VERDICTS = "|".join(Verdict)
_PUSHES = re.compile(rf"<!-- modelyard:pushes v1((?: (?:{_VERDICTS}):[0-9a-f]{{12}}){{1,{MOST_PUSHES}}}) -->")
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
class Push:
    """What a comment said of one head: its verdict, and the first twelve characters of the commit."""

    verdict: Verdict
    commit: str


def pushes_of(body: str) -> tuple[Push, ...]:
    """Return what a comment of ours remembers of heads, the one that it is about last; nothing where that was edited.

    Whoever may write to the repository may edit a comment, so that only codes and digits in one form are taken.
    """
    lines = body.splitlines()
    found = _PUSHES.fullmatch(lines[1].strip()) if len(lines) > 1 and len(lines[1]) < 1000 else None
    pairs = (each.split(":") for each in found[1].split()) if found else ()
    return tuple(Push(Verdict(verdict), commit) for verdict, commit in pairs)


def remembered(body: str, head: str) -> tuple[Push, ...]:
    """Return what a comment said of heads before this one, oldest first."""
    return tuple(push for push in pushes_of(body) if push.commit != head[:12])


def memory(before: Sequence[Push], verdict: Verdict, head: str) -> str:
    """Return the line that remembers earlier heads and this one."""
    told = [*before, Push(verdict, head[:12])][-MOST_PUSHES:]
    return f"<!-- modelyard:pushes v1 {' '.join(f'{push.verdict}:{push.commit}' for push in told)} -->"


@dataclass(frozen=True)
class Posted:
    """What became of a comment, and where it is."""

    action: Literal["created", "updated", "unchanged", "newer", "withheld"]
    url: str = ""


Texts = Callable[[str], Iterable[str]]
"""From the body of the comment that is there, or nothing: what it is to say, shorter and shorter."""


def upsert(
    client: GitHub,
    number: int,
    marker: Marker,
    markdown: str | Texts,
    *,
    second_hand: bool = False,
    create: bool = True,
) -> Posted:
    """Create the comment, or update it where there is one.

    Args:
        client: the repository.
        number: of the pull request.
        marker: whose comment it is, and of which head and run.
        markdown: what it says, rendered by us; 60,000 bytes at most. Where GitHub takes a text not (422), the next
            one, which is shorter, is tried.
        create: whether there is a comment where none was; one that is there is brought up to date all the same.
        second_hand: told by another workflow; a comment that the run itself wrote says the same first hand, and stays.

    Returns:
        ``newer`` where nothing was written, because the pull request has another head by now, or a later run of this
        head has written; ``withheld`` where none was to be created.

    Raises:
        GitHubError: GitHub would not do it; 403 names the permission.
        DataError: the model's name cannot be part of a marker.
    """
    if marker.model != ALL and not _MODEL.fullmatch(marker.model):
        raise DataError(
            f"invalid model name {marker.model[:40]!r}",
            code="github/bad-model-name",
            hint="Names match [a-z0-9-]{1,40}.",
        )
    pull = client.get(f"pulls/{number}", needs=NEEDS)
    if pull["head"]["sha"] != marker.head:
        return Posted("newer")
    known = _own(client, number, marker.model)
    texts: Iterable[str] = (markdown,) if isinstance(markdown, str) else markdown(known["body"] if known else "")
    bodies = (f"{marker}\n{text}"[:LARGEST] for text in texts)
    if known is None:
        if not create:
            return Posted("withheld")
        return Posted("created", _write(client, "POST", f"issues/{number}/comments", bodies))
    before = Marker.of(known["body"])
    first = next(iter(bodies))
    if before is not None and before.head == marker.head:
        if (before.run, before.attempt) > (marker.run, marker.attempt):
            return Posted("newer", known["html_url"])
        if known["body"] == first or (second_hand and before == marker):
            return Posted("unchanged", known["html_url"])
    return Posted("updated", _write(client, "PATCH", f"issues/comments/{known['id']}", chain([first], bodies)))


def _write(client: GitHub, method: str, path: str, bodies: Iterable[str]) -> str:
    """Write the first body that GitHub takes; returns the comment's address."""
    refused: GitHubError | None = None
    for body in bodies:
        try:
            return str(client.send(method, path, {"body": body}, needs=NEEDS, again=method == "PATCH")["html_url"])
        except GitHubError as error:
            if error.status != _NOT_TAKEN:
                raise
            refused = error
    assert refused is not None  # noqa: S101 - there is always a text
    raise refused


def replace_older(
    client: GitHub, number: int, by: Marker, text: Callable[[str, str], str], *, models: Collection[str] = ()
) -> list[str]:
    """Replace what our comments say of older heads, where a run of a newer one left nothing to show.

    What this head's other runs say stays, and theirs will replace this: the marker names no run.

    Args:
        client: the repository.
        number: of the pull request.
        by: head, run and attempt that left nothing; its model does not count.
        text: from a model and the body of its comment: the new text.
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
        body = f"{Marker(before.model, by.head, 0, 0)}\n{text(before.model, comment['body'])}"[:LARGEST]
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
