"""The rows of a window, and the stretches of the calendar that windows are: where they begin, end, and their names."""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

_TIME_PARTS = {"hour": "h", "day": "d", "week": "w", "month": "mo"}
_KEYS = {"hour": "%Y-%m-%dT%H:%M%z", "day": "%Y-%m-%d", "week": "%Y-%m-%d", "month": "%Y-%m"}


@dataclass(frozen=True)
class Cut:
    """The rows of one window.

    Attributes:
        key: names the window among those of its version.
        begin: first moment, in UTC.
        end: the moment after the last one, in UTC.
        version: who made the predictions, as the log names it.
        frame: rows of the log's frame; a label that came after the moment of looking is not in it.
        mature: its labels are as complete as they get.
    """

    key: str
    begin: datetime
    end: datetime
    version: str
    frame: pl.DataFrame = field(repr=False)
    mature: bool

    def content(self) -> str:
        """Return a digest of the rows, from whichever files they were read."""
        whole = hashlib.sha256()
        for column in self.frame.iter_columns():
            values = column.cast(pl.String) if column.dtype in (pl.Categorical, pl.Enum) else column
            whole.update(f"{column.name}\0{column.dtype}\0{len(column)}\0".encode())
            whole.update(values.hash().to_numpy().tobytes())
        return f"sha256:{whole.hexdigest()}"


def reach(labels: str) -> timedelta:
    """Return how long after a window its labels are looked for: four times as long as they take, and 4 weeks."""
    return max(4 * span(labels), timedelta(days=28))


def span(text: str) -> timedelta:
    """Return how long a stretch is at most."""
    number, unit = stretch(text)
    return number * timedelta(hours={"hour": 1, "day": 24, "week": 7 * 24, "month": 31 * 24}[unit])


def begin_of(moment: datetime, every: str, zone: ZoneInfo) -> datetime:
    """Return where the stretch begins that a moment is in, on the clock of the zone."""
    local = pl.Series([moment]).dt.convert_time_zone(zone.key).dt.truncate(_polars(every))
    found: datetime = local[0]
    return found


def starts(wall: pl.Series, every: str) -> pl.Series:
    """Return where the stretch of each time begins, on the clock that the times are of; shape (n,)."""
    return wall.dt.truncate(_polars(every))


def key_of(begin: datetime, every: str) -> str:
    """Return the name of the stretch that begins at a moment."""
    return f"{begin:{_KEYS[stretch(every)[1]]}}"


def stretch(text: str) -> tuple[int, str]:
    """Return number and unit of ``7 days`` or ``1 month``."""
    found = re.fullmatch(r"([0-9]+) (hour|day|week|month)s?", text)
    assert found is not None  # noqa: S101 - the configuration was checked
    return int(found[1]), found[2]


def _polars(every: str) -> str:
    number, unit = stretch(every)
    if unit == "day" and number % 7 == 0:  # Polars begins its weeks on Monday, and counts 7 days from a Thursday
        number, unit = number // 7, "week"
    return f"{number}{_TIME_PARTS[unit]}"


def later(begin: datetime, every: str) -> datetime:
    """Return a moment so much later, on the clock of its zone; a month later never means another month's day."""
    number, unit = stretch(every)
    if unit == "month":
        month = begin.month - 1 + number
        year, month = begin.year + month // 12, month % 12 + 1
        day = min(begin.day, _days(year, month))
        return begin.replace(year=year, month=month, day=day)
    if unit == "hour":
        return (begin.astimezone(ZoneInfo("UTC")) + timedelta(hours=number)).astimezone(begin.tzinfo)
    return begin + timedelta(days=number * (7 if unit == "week" else 1))


def _days(year: int, month: int) -> int:
    following = datetime(year + month // 12, month % 12 + 1, 1)  # noqa: DTZ001 - a calendar, no moment
    return (following - timedelta(days=1)).day
