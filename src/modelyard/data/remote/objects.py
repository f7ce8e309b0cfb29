"""Objects as a store lists them, the protocol of stores, and the rule by which an object counts as unchanged."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from modelyard.records.results import Partition

_LONGEST = 200
"""Letters of an ETag or a version."""


@dataclass(frozen=True)
class Object:
    """What a store says of an object without its contents.

    Attributes:
        key: its name in the store.
        size: in bytes; None where the server does not say.
        etag: as the server writes it, quotation marks and all.
        version: a name for exactly these contents: a version id, or the hash of a blob.
        modified: when it was written, in ISO 8601.
    """

    key: str
    size: int | None
    etag: str | None = None
    version: str | None = None
    modified: str | None = None

    def __post_init__(self) -> None:
        """Leave out what names no contents: the version of a bucket that keeps none, and what no record should hold."""
        for name in ("etag", "version"):
            value = getattr(self, name)
            if value is not None and (value in ("", "null") or len(value) > _LONGEST):
                object.__setattr__(self, name, None)

    def is_still(self, then: Partition) -> bool:
        """Return whether nothing that the store says of it differs from what it said when its contents were read.

        Two equal versions are enough. Else the size, a strong ETag (RFC 9110, 8.8.1) and the time must be equal: a
        server that says less of an object has it read each time.
        """
        if self.size is not None and self.size != then.size:
            return False
        if self.version is not None and then.version is not None:
            return self.version == then.version
        strong = self.etag is not None and not self.etag.startswith("W/")
        return strong and self.etag == then.etag and self.modified is not None and self.modified == then.modified

    def is_same_answer(self, then: "Object") -> bool:
        """Return whether two answers about an object can be about the same contents."""
        pairs = ((self.size, then.size), (self.version, then.version), (self.etag, then.etag))
        return all(mine is None or other is None or mine == other for mine, other in pairs)


@dataclass(frozen=True)
class Reading:
    """An object that is being read: what the server said with the contents, and these, in parts."""

    object: Object
    parts: Iterator[bytes]


class Store(Protocol):
    """A bucket, a container, a repository or a web server. Each method may raise what ``failures`` words."""

    @property
    def place(self) -> str:
        """Return what messages and the memory call it, such as ``s3://bucket``."""

    def look_up(self, key: str) -> Object | None:
        """Return one object; None where there is none of that name."""

    def list(self, folder: str, *, deep: bool) -> Iterable[Object]:
        """Yield the objects in a folder, those in folders below it too where ``deep``; "" is the whole store."""

    def read(self, wanted: Object) -> AbstractContextManager[Reading]:
        """Read an object's contents, of exactly this state where the server can be asked for it."""
