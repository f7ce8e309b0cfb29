"""What detect found: the data sets, and what differs from the champion's."""

from typing import Literal

from pydantic import Field

from modelyard.records.results.kind import RecordKind
from modelyard.records.results.part import Digest, Part


class Partition(Part):
    """One file of a data set."""

    path: str
    digest: Digest
    size: int


class DataSet(Part):
    """The fingerprint of a named data set, and what changed in it since the champion."""

    name: str
    source: str
    digest: Digest
    partitions: tuple[Partition, ...]
    added: tuple[str, ...] = ()
    modified: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


Reason = Literal["first-run", "data", "code", "configuration", "packages"]


class DetectResult(Part):
    """What differs from what the champion was made from."""

    changed: bool
    reasons: tuple[Reason, ...]
    sets: tuple[DataSet, ...]
    champion: str | None
    code_digest: Digest
    config_digest: Digest
    packages_digest: Digest
    registry: str
    details: dict[Reason, tuple[str, ...]] = Field(default_factory=dict)


DETECT = RecordKind("detect", 10, DetectResult, judges=True)
