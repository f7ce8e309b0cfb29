"""A data set behind one protocol, wherever it is: listed, fingerprinted, read and described."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from modelyard.config.sections.data import AS_USUAL, ReadAs
from modelyard.records.results import DataSet

if TYPE_CHECKING:
    import polars as pl

    from modelyard.data.reading import Loaded

RowFormat = Literal[".csv", ".parquet"]
"""Suffix of the files in which a user's command is given the rows of a data set."""


@dataclass(frozen=True)
class Location:
    """Where a data set is.

    Attributes:
        set: name of the set.
        source: what the configuration says: a path, a glob or an address.
        root: the workspace, which no file may leave.
        base: the folder of the configuration, which paths are relative to.
        cache: file that remembers digests between runs; None remembers nothing.
        how: how its files are read.
        fork: it is read for a pull request of a fork, which gets no secrets.
        pinned: pointers in git say what it is; at a desk people change data first and its pointer afterwards.
    """

    set: str
    source: str
    root: Path
    base: Path
    cache: Path | None = None
    how: ReadAs = AS_USUAL
    fork: bool = False
    pinned: bool = False

    @property
    def key(self) -> str:
        """Return the configuration's key of the set, for messages."""
        return f"data.sets.{self.set}"


class Source(Protocol):
    """One data set. Nothing is looked at before a method is called, and each may raise ConfigError or DataError."""

    def list(self) -> tuple[str, ...]:
        """Name the partitions of the set, sorted; never empty."""

    def fingerprint(self) -> DataSet:
        """Digest the contents of every partition and of the set, without reading what is known to be unchanged."""

    def read(self, columns: Sequence[str] | None = None) -> "pl.DataFrame":
        """Read all rows, with these columns in this order; default: all columns."""

    def describe(self) -> "dict[str, pl.DataType]":
        """Return column to type, as ``read`` gives them."""

    def row_format(self) -> RowFormat:
        """Return the format in which a user's command is given these rows."""


@runtime_checkable
class Untyped(Protocol):
    """A source whose files do not say types, so that they are decided over all sets."""

    def load(self) -> "Loaded":
        """Read all rows, each file typed by itself."""

    def text(self, columns: Sequence[str]) -> "pl.DataFrame | None":
        """Read columns as the files write them; None where the files hold no text."""


@runtime_checkable
class Recalling(Protocol):
    """A source that does not read what its store says is unchanged since another run read it."""

    def recall(self, then: DataSet) -> None:
        """Take what that run saw, before anything else is asked of the source."""


class SourceKind(Protocol):
    """A kind of place that data comes from, registered under its scheme."""

    @property
    def name(self) -> str:
        """Return the scheme: what stands before ``://``, or ``file`` for a path or glob."""

    def open(self, location: Location) -> Source:
        """Return the data set at a location of this kind."""
