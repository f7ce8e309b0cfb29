"""Windows of a prediction log: complete stretches of one version each, whose labels are mature or not yet."""

import hashlib
import io
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

_TIME_PARTS = {"hour": "h", "day": "d", "week": "w", "month": "mo"}
_KEYS = {"hour": "%Y-%m-%dT%H:%M%z", "day": "%Y-%m-%d", "week": "%Y-%m-%d", "month": "%Y-%m"}
_LABELS = ("label", "label_time", "first_label_time")


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

    @property
    def digest(self) -> str:
        """Digest of everything that was read for it."""
        buffer = io.BytesIO()
        self.frame.write_ipc(buffer, compression="uncompressed", compat_level=pl.CompatLevel.oldest())
        return f"sha256:{hashlib.sha256(buffer.getbuffer()).hexdigest()}"


@dataclass(frozen=True)
class Windows:
    """The complete windows of a log, oldest first, and how many rows are in those that are not over."""

    cuts: tuple[Cut, ...]
    open_rows: int


def windows(frame: pl.DataFrame, *, every: str, zone: str, labels: str, now: datetime) -> Windows:
    """Cut a log into complete windows.

    Args:
        frame: as ``modelyard.log.read`` gives it.
        every: ``7 days``, ``1 month``: stretches on the clock of the zone, whole weeks from Monday; or ``5000 rows``,
            of one version each.
        zone: IANA time zone in which stretches begin.
        labels: after which stretch from its end a window's labels are mature.
        now: the moment of looking; nothing that came after it is looked at.

    Returns:
        The windows. One in which the version changed is two. A stretch without predictions between others is none.
    """
    known = frame.filter(pl.col("time") <= now).sort("time", "id")
    hidden = pl.col("label_time") > now
    known = known.with_columns(
        pl.when(hidden).then(None).otherwise(pl.col(name)).alias(name) for name in _LABELS if name in known.columns
    )
    if every.endswith("rows"):
        return _by_rows(known, int(every.split()[0]), labels, now)
    return _by_time(known, every, ZoneInfo(zone), labels, now)


def _by_time(frame: pl.DataFrame, every: str, zone: ZoneInfo, labels: str, now: datetime) -> Windows:
    local = frame.with_columns(
        pl.col("time").dt.convert_time_zone(zone.key).dt.truncate(_polars(every)).alias("__begin__")
    )
    cuts, open_rows = [], 0
    for (begin, version), rows in local.group_by(["__begin__", "model"], maintain_order=True):
        assert isinstance(begin, datetime)  # noqa: S101 - truncated times
        end = later(begin, every)
        if end > now:
            open_rows += len(rows)
            continue
        key = key_of(begin, every)
        mature = later(end, labels) <= now
        cuts.append(Cut(key, begin, end, str(version), rows.drop("__begin__"), mature))
    return Windows(tuple(sorted(cuts, key=lambda cut: (cut.begin, cut.frame["time"][0]))), open_rows)


def _by_rows(frame: pl.DataFrame, size: int, labels: str, now: datetime) -> Windows:
    cuts, open_rows = [], 0
    for (version,), rows in frame.group_by(["model"], maintain_order=True):
        for at in range(0, len(rows), size):
            some = rows.slice(at, size)
            if len(some) < size:
                open_rows += len(some)
                continue
            end = some["time"][-1] + timedelta(microseconds=1)
            key = f"rows {at + 1}-{at + size}"
            cuts.append(Cut(key, some["time"][0], end, str(version), some, later(end, labels) <= now))
    return Windows(tuple(sorted(cuts, key=lambda cut: cut.begin)), open_rows)


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
