"""The one reply to a comment: found again by its marker and author, and edited instead of written twice."""

import re
from dataclasses import dataclass
from typing import Literal

from modelyard.github.client import GitHub
from modelyard.github.comments import LARGEST, own_login

NEEDS = "pull-requests: write"
State = Literal["begun", "done"]
_MARKER = re.compile(r"<!-- modelyard:reply v1 to=([0-9]{1,20}) state=(begun|done) -->")


@dataclass(frozen=True)
class Reply:
    """A reply that is there: its id, and whether what it answers was finished."""

    id: int
    state: State
    url: str


def find(client: GitHub, number: int, to: int, since: str) -> Reply | None:
    """Return our reply to a comment; None where there is none yet.

    Args:
        client: the repository.
        number: of the pull request.
        to: the comment that is answered.
        since: when that was written; a reply is newer.

    Raises:
        GitHubError: GitHub did not answer.
    """
    login = own_login(client, NEEDS)
    query = {"per_page": 100, "since": since}
    for comment in client.pages(f"issues/{number}/comments", needs=NEEDS, params=query):
        found = _MARKER.fullmatch(((comment.get("body") or "").splitlines() or [""])[0].strip())
        if found and int(found[1]) == to and (comment.get("user") or {}).get("login") == login:
            state: State = "done" if found[2] == "done" else "begun"
            return Reply(int(comment["id"]), state, str(comment.get("html_url")))
    return None


def write(client: GitHub, number: int, to: int, state: State, text: str, known: Reply | None) -> Reply:
    """Write the reply, or edit it where it is there.

    Raises:
        GitHubError: GitHub would not do it.
    """
    body = f"<!-- modelyard:reply v1 to={to} state={state} -->\n{text}"[:LARGEST]
    if known is None:
        made = client.send("POST", f"issues/{number}/comments", {"body": body}, needs=NEEDS)
    else:
        made = client.send("PATCH", f"issues/comments/{known.id}", {"body": body}, needs=NEEDS, again=True)
    return Reply(int(made["id"]), state, str(made["html_url"]))
