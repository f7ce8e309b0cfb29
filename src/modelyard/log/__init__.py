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

__all__ = [
    "ConfigError",
    "DataError",
    "ModelyardError",
    "PlatformError",
    "Rotate",
    "Tidied",
    "Writer",
    "read",
    "tidy",
]


def read(
    source: str | Path | Sequence[str | Path],
    columns: Mapping[str, str | Sequence[str]] | None = None,
    *,
    model: str = "",
    zone: str = "",
    late_after: timedelta | None = None,
) -> "PredictionLog":
    """Read a log: its predictions, each with the label that counts, and what was found.

    The last label of an id by its time counts. Different labels at one time cannot be ordered: then none counts.

    Args:
        source: a folder that ``Writer`` wrote; or, with ``columns``, Parquet, JSON lines or CSV files: a path, a glob,
            or several.
        columns: column of the files by field: ``id``, ``time`` and ``prediction`` or ``probability`` or
            ``probability_<class>``; ``model``, ``label``, ``label_time``, ``sample``, and ``features``, a list.
        model: the version of all rows, for files without such a column.
        zone: IANA time zone of times that are written without one; default: these are refused.
        late_after: labels later than this after their prediction are counted as late.

    Returns:
        The log: ``frame``, ``counts`` and ``maturity``.

    Raises:
        ConfigError: an unknown field, or a field missing from ``columns``.
        DataError: no rows; a damaged file; unknown or absent columns; missing ids, models or times; times without a
            zone; missing, NaN or impossible predictions.
    """
    from modelyard.log.reader import read_log

    return read_log(source, columns, model=model, zone=zone, late_after=late_after)
