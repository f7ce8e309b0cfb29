"""What the state branch holds of a model: ``state.json``, ``versions/v7.json``, and the index of versions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from modelyard.core.canonical import canonical
from modelyard.records.manifest import Sealed
from modelyard.records.results import Digest, Part
from modelyard.registry.journal import State, VersionName
from modelyard.registry.protocol import Version

READ, WRITE = "contents: read", "contents: write"
"""Permissions that reading and writing take, as a workflow grants them."""
IN_A_FILE = 1000
"""Numbers of versions that one file of closed ones speaks of."""


class VersionIndexEntry(Part):
    """What the state says of a version, so that it is found by what it is."""

    model: Digest
    identity: Digest
    manifest: Digest


class Pending(Part):
    """A version that is being published: its number is taken, and nobody sees it yet."""

    identity: Digest
    manifest: Digest
    created: str
    """Time in the manifest, by GitHub's clock; the next run makes the same manifest with it."""
    release: int | None = None
    """The draft that takes its files, once it is there."""


class RegistryState(Part):
    """``state.json``."""

    model_config = ConfigDict(populate_by_name=True)

    schema_: Literal["modelyard/state/v1"] = Field(default="modelyard/state/v1", alias="schema")
    journal: State = State()
    closed: Annotated[int, Field(ge=0)] = 0
    """Journal files that are full."""
    versions: dict[VersionName, VersionIndexEntry] = Field(default_factory=dict)
    """The newest ones."""
    filed: Annotated[int, Field(ge=0)] = 0
    """Files of a thousand numbers each that hold the others."""
    pending: dict[VersionName, Pending] = Field(default_factory=dict)

    @property
    def newest(self) -> int:
        """The highest number that was ever taken."""
        taken = [int(name[1:]) for name in (*self.versions, *self.pending)]
        return max(taken, default=self.filed * IN_A_FILE)


class Asset(Part):
    """A file of a release."""

    id: int
    digest: Digest
    size: int


class StoredVersion(Part):
    """``versions/v7.json``."""

    sealed: Sealed
    release: int
    assets: dict[str, Asset]
    commit: str = ""
    """Where its tag pointed when it was published."""


@dataclass(frozen=True)
class Snapshot:
    """The state at one commit; ``commit`` is None before the first change."""

    commit: str | None
    held: RegistryState
    begun: bool = True


@dataclass(frozen=True)
class Change:
    """What a commit does: path below the model's folder → content, and what to say of it."""

    files: Mapping[str, bytes]
    message: str


def with_state(files: Mapping[str, bytes], held: RegistryState) -> dict[str, bytes]:
    """Return the files of a change together with the new ``state.json``."""
    return {**files, "state.json": canonical(held.model_dump(mode="json", by_alias=True)) + b"\n"}


def version_of(stored: StoredVersion) -> Version:
    """Return a version as the registry hands it out."""
    return Version(stored.sealed.manifest, stored.sealed.digest)
