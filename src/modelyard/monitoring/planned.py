"""Windows of a log that is larger than memory: which there are is known first, and each is read when it is its turn."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from modelyard.log.reader import Counts
from modelyard.log.stretches import Scan, Stretch
from modelyard.monitoring.windows import Cut, begin_of, key_of, later

_US = timedelta(microseconds=1)


@dataclass(frozen=True)
class Planned:
    """A complete window that was not read yet.

    Attributes:
        key: names it among those of its version.
        begin: first moment.
        end: the moment after the last.
        version: who made the predictions, as the log names it.
        mature: its labels are as complete as they get.
        digest: of everything that would be read; while it is the same, so are the rows.
    """

    key: str
    begin: datetime
    end: datetime
    version: str
    mature: bool
    digest: str
    _read: Callable[[], Stretch] = field(repr=False)

    def read(self) -> tuple[Cut | None, Counts]:
        """Read it: the rows, or None where there are none after all, and what was found."""
        found = self._read()
        if found.frame.is_empty():
            return None, found.counts
        times, frame = found.frame["time"], found.frame
        if times.n_unique() < len(times):  # else they are in order already
            frame = frame.sort("time", "id")
        return Cut(self.key, self.begin, self.end, self.version, frame, self.mature), found.counts


@dataclass(frozen=True)
class Plan:
    """The complete windows of a log, oldest first, and how many rows are in those that are not over."""

    windows: tuple[Planned, ...]
    open_rows: int


def planned(log: Scan, *, every: str, zone: str, labels: str) -> Plan:
    """Plan the complete windows of a log: one in which the version changed is two, and one without rows is none.

    Windows of so many rows count repeated ones.

    Args:
        log: read until the moment of looking.
        every: ``7 days``, ``1 month``, or ``5000 rows`` of one version each.
        zone: IANA time zone in which stretches begin.
        labels: after which stretch from its end a window's labels are mature.
    """
    if every.endswith("rows"):
        return _by_rows(log, int(every.split()[0]), labels)
    return _by_time(log, every, ZoneInfo(zone), labels)


def _by_time(log: Scan, every: str, zone: ZoneInfo, labels: str) -> Plan:
    begins: set[datetime] = set()
    for day in log.volume():
        begin = begin_of(datetime.combine(date.fromisoformat(day), time(), UTC), every, zone)
        over = datetime.combine(date.fromisoformat(day), time(), UTC) + timedelta(days=1)
        while begin < over:
            begins.add(begin)
            begin = later(begin, every)
    found, open_rows = [], 0
    for begin in sorted(begins):
        end = later(begin, every)
        for version in log.versions_between(begin, end):
            if end > log.now:
                open_rows += log.count(begin, end, version=version)
            else:
                found.append(_planned(log, key_of(begin, every), begin, end, version, labels))
    return Plan(tuple(found), open_rows)


def _by_rows(log: Scan, size: int, labels: str) -> Plan:
    found, open_rows = [], 0
    for version in log.versions:
        rows = log.count(log.first, log.now + _US, version=version)
        cuts = log.cuts(size, version=version)
        for at, (begin, end) in enumerate(cuts):
            found.append(_planned(log, f"rows {at * size + 1}-{(at + 1) * size}", begin, end, version, labels))
        open_rows += rows - len(cuts) * size
    return Plan(tuple(sorted(found, key=lambda each: each.begin)), open_rows)


def _planned(log: Scan, key: str, begin: datetime, end: datetime, version: str, labels: str) -> Planned:
    return Planned(
        key, begin, end, version, later(end, labels) <= log.now, log.digest(begin, end, version=version),
        lambda: log.between(begin, end, version=version),
    )  # fmt: skip
