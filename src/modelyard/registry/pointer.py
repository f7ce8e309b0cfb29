"""The pointer file of a promotion by pull request: which version an alias is to move to when the file is merged."""

import json
from typing import Annotated, Literal

from pydantic import Field

from modelyard.errors import DataError
from modelyard.records.manifest import why
from modelyard.records.results import Digest, Part
from modelyard.registry.journal import AliasName, OneLine, VersionName

FOLDER = "promoted"
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
        """The file: a few lines, so that a person can review it."""
        return (json.dumps(self.model_dump(mode="json", by_alias=True), indent=2) + "\n").encode()

    @classmethod
    def from_bytes(cls, data: bytes, path: str) -> "Pointer":
        """Read the file, as hostile.

        Raises:
            DataError: it is no pointer.
        """
        cure = "Leave the file to modelyard; a promotion's pull request writes it."
        if len(data) > _LARGEST:
            raise DataError(f"{path} is no pointer: it has {len(data):,} bytes", do=cure)
        try:
            return cls.model_validate_json(data)
        except ValueError as error:
            raise DataError(f"{path} is no pointer: {why(error)}", do=cure) from error


def pointer_path(model: str) -> str:
    """Where the pointer of a model stands, from the top of the repository."""
    return f"{FOLDER}/{model}.json"


def pointer_branch(model: str) -> str:
    """The branch of its pull request; one a model, so that a newer promotion takes the place of one that waits."""
    return f"modelyard/promote-{model}"
