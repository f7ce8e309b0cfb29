"""A pull request that changes one file: its branch, its one commit and its text; asked twice it is there once."""

from dataclasses import dataclass
from typing import Any, Literal

from modelyard.github.client import GitHub, GitHubError
from modelyard.github.comments import LARGEST

CONTENTS, PULLS = "contents: write", "pull-requests: write"
READ = "contents: read"
_SETTING = (
    "Allow it: Settings, Actions, General, 'Allow GitHub Actions to create and approve pull requests' (an organisation "
    "may have it switched off), grant `pull-requests: write` in the job, or pass the token of an app: with: {token: …}."
)


@dataclass(frozen=True)
class FileChange:
    """One file with its new content, on a branch that starts at a commit."""

    path: str
    content: bytes
    branch: str
    parent: str
    message: str


@dataclass(frozen=True)
class Proposed:
    """What became of the pull request, and where it is."""

    action: Literal["opened", "updated", "unchanged"]
    number: int
    url: str


def propose(client: GitHub, change: FileChange, *, base: str, title: str, body: str) -> Proposed:
    """Put a file on a branch and open a pull request for it, or bring the open one up to date.

    The branch is ours alone: whatever else stands on it is replaced.

    Raises:
        GitHubError: GitHub would not do it; the message names the permission, or the setting that forbids it.
    """
    commit = _branch(client, change)
    owner = client.repository.partition("/")[0]
    asked = {"state": "open", "head": f"{owner}:{change.branch}", "base": base}
    known = next(iter(client.get("pulls", needs=PULLS, params=asked)), None)
    body = body[:LARGEST]
    if known is None:
        made = _send(client, "POST", "pulls", {"title": title, "head": change.branch, "base": base, "body": body})
        return Proposed("opened", made["number"], made["html_url"])
    same = (known["title"], known.get("body")) == (title, body)
    if not same:
        _send(client, "PATCH", f"pulls/{known['number']}", {"title": title, "body": body})
    return Proposed("unchanged" if same and not commit else "updated", known["number"], known["html_url"])


def _branch(client: GitHub, change: FileChange) -> bool:
    """Make the branch hold that one file's change; False where it does so already."""
    base_tree = client.get(f"git/commits/{change.parent}", needs=READ)["tree"]["sha"]
    entry = {"path": change.path, "mode": "100644", "type": "blob", "content": change.content.decode()}
    body = {"base_tree": base_tree, "tree": [entry]}
    tree = client.send("POST", "git/trees", body, needs=CONTENTS, again=True)["sha"]
    known = client.find(f"git/ref/heads/{change.branch}", needs=READ)
    if known is not None:
        head = client.get(f"git/commits/{known['object']['sha']}", needs=READ)
        parents = [parent["sha"] for parent in head["parents"]]
        if (head["tree"]["sha"], parents) == (tree, [change.parent]):
            return False
    made = {"message": change.message, "tree": tree, "parents": [change.parent]}
    commit = client.send("POST", "git/commits", made, needs=CONTENTS, again=True)["sha"]
    if known is None:
        client.send("POST", "git/refs", {"ref": f"refs/heads/{change.branch}", "sha": commit}, needs=CONTENTS)
    else:
        moved = {"sha": commit, "force": True}
        client.send("PATCH", f"git/refs/heads/{change.branch}", moved, needs=CONTENTS, again=True)
    return True


def _send(client: GitHub, method: str, path: str, body: dict[str, Any]) -> Any:
    try:
        return client.send(method, path, body, needs=PULLS, again=method == "PATCH")
    except GitHubError as error:
        if error.status in (403, 422) and "not permitted" in error.said.lower():
            raise GitHubError(
                error.message,
                code="github/pull-requests-not-allowed",
                status=error.status,
                hint=_SETTING,
                said=error.said,
            ) from error
        raise


def same_but_for(client: GitHub, one: str, other: str, path: str) -> bool:
    """Return whether two trees hold the same files, but for one path, by their hashes.

    Raises:
        GitHubError: GitHub did not answer, or cuts a folder's listing short.
    """
    name, _, rest = path.partition("/")
    first, second = _listing(client, one), _listing(client, other)
    if {key: value for key, value in first.items() if key != name} != {
        key: value for key, value in second.items() if key != name
    }:
        return False
    if not rest or first.get(name) == second.get(name):
        return True
    below = [_folder(listing.get(name)) for listing in (first, second)]
    if None in below:
        return False
    return same_but_for(client, str(below[0]), str(below[1]), rest)


EMPTY = ""
"""A folder that is not there."""


def _folder(entry: tuple[str, str] | None) -> str | None:
    if entry is None:
        return EMPTY
    return entry[1] if entry[0] == "040000" else None


def _listing(client: GitHub, tree: str) -> dict[str, tuple[str, str]]:
    if tree == EMPTY:
        return {}
    found = client.get(f"git/trees/{tree}", needs=READ)
    if found.get("truncated"):
        raise GitHubError(
            f"GitHub lists only a part of the tree {tree}",
            code="github/tree-too-large",
            status=0,
            hint="Promote with via: direct.",
        )
    return {item["path"]: (item["mode"], item["sha"]) for item in found["tree"]}
