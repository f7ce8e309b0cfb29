"""Windows of a log that was read at once: the plain way, beside which the one that reads in turn is held."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from modelyard.monitoring.windows import Cut, key_of, later, starts

_LABELS = ("label", "label_time", "first_label_time")


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
    local = frame.with_columns(starts(frame["time"].dt.convert_time_zone(zone.key), every).alias("__begin__"))
    cuts, open_rows = [], 0
    for (begin, version), rows in local.group_by(["__begin__", "model"], maintain_order=True):
        assert isinstance(begin, datetime)
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
