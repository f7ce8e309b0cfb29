"""Log predictions where they are served, and read them back joined with their labels.

    from modelyard.log import Writer, read

    with Writer("log", model="v7") as log:
        log.write(id="r-1", prediction={"late": 0.8, "on time": 0.2}, features={"hour": 17})
        log.label(id="r-1", label="late")
    read("log").frame

docs/prediction-log.md has the schema and what holds when a process is killed. Nothing heavy is imported before a log is
read, or a partition written as Parquet.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from modelyard.core.errors import ConfigError, DataError, ModelyardError, PlatformError
from modelyard.log.complete import Tidied, tidy
from modelyard.log.writer import Rotate, Writer

if TYPE_CHECKING:
    from modelyard.log.reader import PredictionLog
    from modelyard.log.stretches import Scan

__all__ = [
    "ConfigError",
    "DataError",
    "ModelyardError",
    "PlatformError",
    "Rotate",
    "Tidied",
    "Writer",
    "read",
    "scan",
    "tidy",
]


def read(
    source: str | Path | Sequence[str | Path],
    columns: Mapping[str, str | Sequence[str]] | str | None = None,
    *,
    model: str = "",
    zone: str = "",
    late_after: timedelta | None = None,
) -> "PredictionLog":
    """Read a log: its predictions, each with the label that counts, and what was found.

    The last label of an id by its time counts. Different labels at one time cannot be ordered: then none counts.

    Args:
        source: a folder that ``Writer`` wrote; or, with ``columns``, Parquet, JSON lines or CSV files: a path, a glob;
            or a table, ``sqlite:///served.db#predictions`` or ``postgresql://host/database#predictions``; or several.
        columns: column of the files by field: ``id``, ``time`` and ``prediction`` or ``probability`` or
            ``probability_<class>``; ``model``, ``label``, ``label_time``, ``sample``, and ``features``, a list. Or
            ``inference-table``, for the payload tables of MLflow model serving.
        model: the version of all rows, for files without such a column.
        zone: IANA time zone of times that are written without one; default: these are refused.
        late_after: labels later than this after their prediction are counted as late.

    Returns:
        The log: ``frame``, ``counts`` and ``maturity``.

    Raises:
        ConfigError: an unknown field, layout or source, or a field missing from ``columns``.
        DataError: no rows; a damaged file; unknown or absent columns; missing ids, models or times; times without a
            zone; missing, NaN or impossible predictions; what a database says.
        PlatformError: a database that does not answer.
    """
    from modelyard.log.reader import read_log

    return read_log(source, columns, model=model, zone=zone, late_after=late_after)


def scan(
    source: str | Path | Sequence[str | Path],
    columns: Mapping[str, str | Sequence[str]] | str | None = None,
    *,
    model: str = "",
    zone: str = "",
    late_after: timedelta | None = None,
    reach: timedelta = timedelta(days=28),
    cache: Path | None = None,
    root: Path | None = None,
) -> "Scan":
    """Open a log to read it by stretches of time.

    Args:
        source: as for ``read``.
        columns: as for ``read``.
        model: as for ``read``.
        zone: as for ``read``.
        late_after: as for ``read``.
        reach: how long after a stretch its labels are looked for.
        cache: folder that keeps what is known of pieces, so that an unchanged one is not read again to know its times.
        root: the folder that paths are relative to; default: that of the process.

    Raises:
        ConfigError: as for ``read``.
    """
    from modelyard.log.stretches import open_scan

    return open_scan(
        source, columns, model=model, zone=zone, late_after=late_after, reach=reach, cache=cache, root=root
    )
