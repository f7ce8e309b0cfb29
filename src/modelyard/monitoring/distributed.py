"""A log's summary by many processes or machines: each piece is counted where there is room, and the counts are added.

    summarise_log(sources, reference)                                             # this process
    summarise_log(sources, reference, apply=ProcessPoolExecutor().map)            # its neighbours
    summarise_log(sources, reference, apply=Client(…).get_executor().map)         # Dask
    summarise_log(sources, reference, apply=lambda count, pieces:                 # Spark
                  spark.sparkContext.parallelize(pieces, len(pieces)).map(count).collect())

Counts are whole numbers, so that the sum is the same, to the last digit, in whatever order and wherever it is made.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce

import polars as pl

from modelyard.log.checks import checked
from modelyard.log.source import LogSource, Piece, Want
from modelyard.monitoring.profile import Reference, Summary, merge
from modelyard.monitoring.summary import summarise

Task = tuple[LogSource, Piece]
Apply = Callable[[Callable[[Task], str], Sequence[Task]], Iterable[str]]
"""Returns what a function gives for each task, in any order."""


@dataclass(frozen=True)
class Count:
    """What a worker does with a piece; it and what it is given can be pickled.

    Attributes:
        reference: as JSON.
        version: that made the predictions; empty: all.
        begin: predictions from this moment on …
        end: … and before this one.
        key: under which categories are named.
    """

    reference: str
    version: str
    begin: datetime | None
    end: datetime | None
    key: bytes | None

    def __call__(self, task: Task) -> str:
        """Return the summary of a piece as JSON."""
        source, piece = task
        rows = source.read(piece, Want(begin=self.begin, end=self.end)).predictions
        if not rows.is_empty():
            if self.version:
                rows = rows.filter(pl.col("model").cast(pl.String) == self.version)
            if self.begin is not None:
                rows = rows.filter(pl.col("time") >= self.begin)
            if self.end is not None:
                rows = rows.filter(pl.col("time") < self.end)
        if rows.is_empty():
            return Summary().model_dump_json()
        return summarise(checked(rows), Reference.model_validate_json(self.reference), key=self.key).model_dump_json()


def summarise_log(
    sources: Sequence[LogSource],
    reference: Reference,
    *,
    version: str = "",
    begin: datetime | None = None,
    end: datetime | None = None,
    key: bytes | None = None,
    apply: Apply = map,
) -> Summary:
    """Count a log in the reference's bins, piece by piece.

    A prediction that is logged twice is counted twice, since no worker sees another's rows; labels are not looked at.

    Args:
        sources: the log; workers read it under the same paths and addresses.
        reference: of the version.
        version: that made the predictions; default: all.
        begin: predictions from this moment on.
        end: predictions before this moment.
        key: under which categories are named; every worker is given it.
        apply: runs a function for each piece; default: in this process, one after the other.

    Raises:
        DataError: as for reading a log.
    """
    tasks = [(source, piece) for source in sources for piece in source.pieces()]
    count = Count(reference.model_dump_json(), version, begin, end, key)
    return reduce(merge, map(Summary.model_validate_json, apply(count, tasks)), Summary())
