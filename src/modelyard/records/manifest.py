"""The version manifest: what an immutable, content-addressed version of a model consists of and where it came from."""

from pathlib import PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from modelyard.records.canonical import digest
from modelyard.records.results import Digest, Part, Signature

Role = Literal["model", "golden", "profile", "records", "code", "environment"]


class FileEntry(Part):
    """One file of a version: its path inside the version's folder, and its content."""

    path: str
    digest: Digest
    size: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _stays_inside(self) -> Self:
        parts = PurePosixPath(self.path).parts
        if not parts or self.path.startswith("/") or ".." in parts or "\\" in self.path or "\0" in self.path:
            raise ValueError(f"path {self.path[:80]!r} leads out of the version")
        return self


class Manifest(Part):
    """A version. Everything here is fixed when the version is published; the number is given by the registry."""

    schema_: Literal["modelyard/version/v1"] = Field(default="modelyard/version/v1", alias="schema")
    model: str
    model_digest: Digest
    size: int
    adapter: Literal["sklearn", "command", "predictions"]
    signature: Signature
    environment_digest: Digest | None = None
    fit_digest: Digest | None = None
    config_digest: Digest
    data: dict[str, Digest] = Field(default_factory=dict)
    tree: str = ""
    evidence: Digest | Literal["none"]
    """Digest of the evaluation record; ``none`` for an adopted model."""
    result_digest: Digest | None = None
    metrics: dict[str, float] = Field(default_factory=dict)
    parent: str | None = None
    predict_command: str = ""
    created: str
    files: tuple[FileEntry, ...]

    @property
    def digest(self) -> str:
        """Digest of the manifest."""
        return digest(self.model_dump(mode="json", by_alias=True))
