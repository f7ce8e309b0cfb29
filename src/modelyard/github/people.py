"""What somebody may do in a repository, and the one reaction that says that they were heard."""

import re
from typing import Literal

from modelyard.github.client import GitHub

NEEDS_PERMISSION = "metadata: read"
NEEDS = "pull-requests: write"
Reaction = Literal["+1", "-1", "confused"]
_LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,98}[A-Za-z0-9])?")
_MAY_WRITE = ("write", "admin")
"""GitHub tells maintain as write, and triage as read."""


def may_write(client: GitHub, login: str) -> bool:
    """Return whether an account may push to the repository, by GitHub's own answer and nothing else.

    Raises:
        GitHubError: GitHub did not answer; an account that it does not know may not.
    """
    if not _LOGIN.fullmatch(login):
        return False
    told = client.find(f"collaborators/{login}/permission", needs=NEEDS_PERMISSION)
    return told is not None and told.get("permission") in _MAY_WRITE


def react(client: GitHub, comment: int, content: Reaction) -> None:
    """React to a comment; the same reaction twice is one.

    Raises:
        GitHubError: GitHub would not do it.
    """
    client.send("POST", f"issues/comments/{comment}/reactions", {"content": content}, needs=NEEDS, again=True)
