"""A log behind one protocol, wherever it is: its pieces are listed, and each is read by itself."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from modelyard.data.fingerprint import Status

if TYPE_CHECKING:
    import polars as pl

    from modelyard.log.layouts import Layout


@dataclass(frozen=True)
class Piece:
    """What can be read by itself: a partition, a file, a day of a table.

    Attributes:
        name: unique in its source, and the same at every listing.
        status: of the file; while it is the same the contents are. None: nothing tells that but reading it.
        at: what the source itself needs to find it.
    """

    name: str
    status: Status | None = None
    at: Any = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Want:
    """What is wanted of a piece.

    Attributes:
        only: columns of a log; None: all that there are.
        begin: predictions from this moment on …
        end: … and before this one.
        rows: the first so many rows; a piece that is written to may have more by now.
        after: without the first so many.
        offset: of JSON lines, bytes that were read already, instead of ``after``; some MiB from there on are read.
        digest: whether to digest what is read.
    """

    only: frozenset[str] | None = None
    begin: datetime | None = None
    end: datetime | None = None
    rows: int | None = None
    after: int = 0
    offset: int | None = None
    digest: bool = False


@dataclass(frozen=True)
class Part:
    """What was read of a piece.

    Attributes:
        place: what messages call it.
        predictions: ``id``, ``time`` in UTC, ``model``, … as in a partition.
        labels: ``id``, ``label``, ``label_time``.
        rows: how many the piece has, whether they were wanted or not.
        torn: whether the last line was not whole.
        failed: rows that are no predictions, since the request failed.
        digest: of the piece's contents, where it was wanted.
        end: where reading goes on, of JSON lines.
        more: rows were left for another time.
    """

    place: str
    predictions: "pl.DataFrame"
    labels: "pl.DataFrame"
    rows: int
    torn: bool = False
    failed: int = 0
    digest: str = ""
    end: int = 0
    more: bool = False


class LogSource(Protocol):
    """One log. Each method may raise ConfigError or DataError."""

    @property
    def name(self) -> str:
        """Return how the configuration names it, without credentials."""

    def pieces(self) -> Sequence[Piece]:
        """List the pieces by name."""

    def read(self, piece: Piece, want: Want) -> Part:
        """Read a piece."""


@dataclass(frozen=True)
class Address:
    """Where a log is.

    Attributes:
        source: as the configuration has it.
        root: the folder that paths are relative to.
        layout: what its columns are; None: those that ``Writer`` writes.
    """

    source: str
    root: Path
    layout: "Layout | None"


class LogKind(Protocol):
    """A kind of place that a log is in, registered under its scheme."""

    @property
    def name(self) -> str:
        """Return the scheme: what stands before ``://``, or ``file`` for a path or a pattern."""

    def open(self, address: Address) -> LogSource:
        """Return the log at an address of this kind; nothing is read yet."""
