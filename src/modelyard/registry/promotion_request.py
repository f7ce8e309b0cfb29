"""The pointer file of a promotion by pull request: which version an alias is to move to when the file is merged."""

import json
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from modelyard.core.errors import DataError
from modelyard.github.client import GitHub
from modelyard.records.manifest import why
from modelyard.records.results import Digest, Part
from modelyard.registry.journal import AliasName, OneLine, VersionName

FOLDER = "promoted"
_READ = "contents: read"
_LARGEST = 64_000


class Pointer(Part):
    """What the file says; whoever reads it holds every word of it against the registry."""

    schema_: Literal["modelyard/pointer/v1"] = Field(default="modelyard/pointer/v1", alias="schema")
    model: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]
    alias: AliasName
    version: VersionName
    version_digest: Digest
    """Digest of the version's manifest."""
    evidence: Digest
    """Digest of the evaluation record that the version carries."""
    seen: VersionName | None
    """The champion that the evaluation compared with."""
    reason: OneLine = ""

    def to_bytes(self) -> bytes:
        """Return the file: a few lines, so that a person can review it."""
        return (json.dumps(self.model_dump(mode="json", by_alias=True), indent=2) + "\n").encode()

    @classmethod
    def from_bytes(cls, data: bytes, path: str) -> "Pointer":
        """Read the file, as hostile.

        Raises:
            DataError: it is no pointer.
        """
        cure = "Leave the file to modelyard; a promotion's pull request writes it."
        if len(data) > _LARGEST:
            raise DataError(
                f"{path} is not a pointer file: it has {len(data):,} bytes", code="promote/bad-pointer", hint=cure
            )
        try:
            return cls.model_validate_json(data)
        except ValueError as error:
            raise DataError(
                f"{path} is not a pointer file: {why(error)}", code="promote/bad-pointer", hint=cure
            ) from error


def pointer_path(model: str) -> str:
    """Return where the pointer of a model stands, from the top of the repository."""
    return f"{FOLDER}/{model}.json"


def pointer_branch(model: str) -> str:
    """Return the branch of its pull request; one a model, so that a newer promotion replaces one that waits."""
    return f"modelyard/promote-{model}"


def proposed(client: GitHub, model: str) -> Mapping[str, str]:
    """Return what pull requests need of a registry: version to where it is named.

    Two places can name one: the branch of the pull request, which may wait as long as it likes; and the default branch,
    where the run that moves the alias may still wait, or has to be started again. A pull request that was closed counts
    while its branch is there, since it can be opened again.

    Raises:
        DataError: a pointer file is none, so that nobody knows what it needs.
        GitHubError: GitHub does not answer, or the token may not read.
    """
    path, branch = pointer_path(model), pointer_branch(model)
    # Unlike a file or a branch, a list of branches is not "404 Not Found" where it is empty, so that a token which may
    # not read is not taken for a repository without pull requests.
    refs = [each["ref"] for each in client.pages(f"git/matching-refs/heads/{branch}", needs=_READ, params={})]
    found = {}
    if client.find(f"contents/{path}", needs=_READ) is not None:
        found[_named(client, path, {})] = f"{path} on the default branch names it"
    if f"refs/heads/{branch}" in refs and client.find(f"contents/{path}", needs=_READ, params={"ref": branch}):
        found[_named(client, path, {"ref": branch})] = f"the pull request of the branch {branch} proposes it"
    return found


def _named(client: GitHub, path: str, at: Mapping[str, str]) -> str:
    return Pointer.from_bytes(client.raw(f"contents/{path}", needs=_READ, params=at), path).version
