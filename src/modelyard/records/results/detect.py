"""What detect found: the data sets, and what differs from the champion's."""

from typing import Annotated, Literal

from pydantic import Field

from modelyard.core.verdict import Verdict
from modelyard.records.results.decide import Decision
from modelyard.records.results.kind import RecordKind
from modelyard.records.results.part import CIRCUMSTANCE, Digest, Part, Scalar


class Partition(Part):
    """One file of a data set."""

    path: str
    digest: Digest
    size: int
    etag: Annotated[str | None, CIRCUMSTANCE] = None
    """Of an object in a store, what that said when its contents were read; this, and the next two."""
    version: Annotated[str | None, CIRCUMSTANCE] = None
    modified: Annotated[str | None, CIRCUMSTANCE] = None


class DataSet(Part):
    """The fingerprint of a named data set, and what changed in it since the champion."""

    name: str
    source: str
    digest: Digest
    partitions: tuple[Partition, ...]
    added: tuple[str, ...] = ()
    modified: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    """Of these, pairs of a removed and an added one with the same contents."""
    late: tuple[str, ...] = ()
    """Of those added, such as come before others that were there already."""
    reordered: tuple[str, ...] = ()
    """Of those modified, such as now have the contents that another one had."""


class ColumnType(Part):
    """What a column is, over all files of all sets; no value of the data but short words that many rows share."""

    name: str
    type: str
    kind: Literal["number", "text", "boolean", "time", "other"]
    rows: int
    missing: int
    why: Literal["values", "declared", "codes", "no-value", "not-all-numbers", "words", "folder"] = "values"
    """Codes: whole numbers with leading zeros. Words: text in which some values are words such as NA. Folder:
    it stands in the names of folders."""
    not_numbers: int = 0
    """Of text with numbers in it, values that are none."""
    words: tuple[str, ...] = ()
    """The most frequent of these, of no personal column."""
    missing_words: int = 0
    """Values such as NA that were counted as missing; in text, that stayed as they are."""


class KeyChange(Part):
    """A key of the configuration, a file of the rules, or a package that differs; an empty text is "not there"."""

    key: str
    old: str
    new: str


class MadeFrom(Part):
    """What the champion was made as, to be set beside the challenger."""

    features: tuple[str, ...] = ()
    candidate: str = ""
    """The candidate that won its search."""
    parameters: dict[str, Scalar | tuple[Scalar, ...]] = Field(default_factory=dict)
    train_rows: int = 0
    model_size: int = 0


class PastVersion(Part):
    """A version before, with its metrics on the test rows that it was judged on."""

    version: str
    created: str
    metrics: dict[str, float]


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
    rules_digest: Digest | None = None
    """Of the rules that judge and the files that they name; None in records from before it was kept."""
    registry: str
    columns: tuple[ColumnType, ...] = ()
    """Every column of all sets, in their order."""
    settings: dict[str, str] = Field(default_factory=dict)
    """The configuration as it counts, a key a line, with the digests of files that it names: what the next detect
    compares with. Long values are cut and end in their digest; empty in records from before it was kept."""
    keys: tuple[KeyChange, ...] = ()
    """Keys and files that differ from the champion's."""
    packages: tuple[KeyChange, ...] = ()
    """Packages that differ from the champion's."""
    made_from: MadeFrom | None = None
    """What the champion was made as; None without one."""
    lineage: tuple[PastVersion, ...] = ()
    """The champion and the versions that it followed, oldest first; a few of them."""
    details: dict[Reason, tuple[str, ...]] = Field(default_factory=dict)
    decision: Annotated[Decision | None, CIRCUMSTANCE] = None
    """The decision of monitoring that started the run, as the registry keeps it."""
    told: Annotated[str | None, CIRCUMSTANCE] = None
    """The address of data that a message said had changed."""
    held: Annotated[Verdict | None, CIRCUMSTANCE] = None
    """What the last run in this folder ended with, where it judged exactly this and did not pass."""


DETECT = RecordKind("detect", 10, DetectResult, judges=True)
