"""Read a log by stretches of time, in memory for one of them, and know which did not change since the last time.

    log = scan("log", cache=Path(".modelyard/monitor/log"))
    for week in weeks:
        if log.digest(week.begin, week.end) != known:
            rows = log.between(week.begin, week.end).frame

Every piece is read once, for its times and versions, and again while it is unchanged only for what a stretch needs of
it. ``read`` looks at a whole log at once; what differs here is written at ``Scan``.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelyard import __version__
from modelyard.core.canonical import digest
from modelyard.core.errors import ConfigError, DataError
from modelyard.data.fingerprint import unchanged
from modelyard.log.cache import Cache
from modelyard.log.checks import checked, checked_labels, together, told_of
from modelyard.log.layouts import LabelsAlone, layout_of, zone_of
from modelyard.log.reader import Counts, joined
from modelyard.log.schema import OF_A_CLASS
from modelyard.log.source import LogSource, Part, Piece, Want
from modelyard.log.sources import open_sources

if TYPE_CHECKING:
    import polars as pl

    from modelyard.config.sections.monitor import Log

_TIMES = frozenset({"id", "time", "model", "label", "label_time"})
_KEPT = 192 << 20
"""Bytes of pieces that are kept in memory, for stretches that begin in the middle of one."""
_LARGE = 1_000_000
"""Rows from which on a piece is not kept, but asked for the rows of a stretch alone."""
_US = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Facts:
    """What is known of a piece without reading it again.

    Attributes:
        digest: of its contents.
        rows: how many it has.
        torn: whether its last line was not whole.
        failed: rows that are no predictions.
        days: predictions by version and day in UTC.
        first: first time of a prediction in µs since 1970; None without predictions.
        last: last time of one.
        labels: rows with a label.
        first_label: first time of a label, or of a prediction whose label has none.
        last_label: last time of one.
    """

    digest: str
    rows: int
    torn: bool
    failed: int
    days: Mapping[str, Mapping[str, int]]
    first: int | None
    last: int | None
    labels: int
    first_label: int | None
    last_label: int | None


@dataclass(frozen=True)
class Entry:
    """A piece, where it comes from, and what is known of it."""

    source: LogSource
    piece: Piece
    facts: Facts

    def holds(self, begin: int, end: int, version: str) -> bool:
        """Say whether it may have predictions of a version between two times."""
        facts = self.facts
        if facts.first is None or facts.last is None or facts.first >= end or facts.last < begin:
            return False
        low, high = str(_moment(begin).date()), str(_moment(end - 1).date())
        versions = [facts.days.get(version, {})] if version else facts.days.values()
        return any(low <= day <= high for days in versions for day in days)

    def holds_labels(self, begin: int, end: int) -> bool:
        """Say whether it may have labels of between two times."""
        first, last = self.facts.first_label, self.facts.last_label
        return first is not None and last is not None and first < end and last >= begin


@dataclass(frozen=True)
class Stretch:
    """What a log has between two times.

    Attributes:
        frame: rows as ``PredictionLog.frame`` has them; without any, no rows and only the columns that all logs have.
        counts: what was found.
        digest: of everything that was read for it.
    """

    frame: "pl.DataFrame" = field(repr=False)
    counts: Counts
    digest: str


class Scan:
    """A log that is read by stretches of time.

    What differs from ``read``, so that memory is bounded by a stretch: a prediction is told as repeated if the first is
    in the same stretch or the one before; a label counts if its time is not later than ``reach`` after the stretch, nor
    earlier than ``early`` before it; and labels without a prediction are not told.

    Args:
        sources: what is read together.
        reach: how long after a stretch its labels are looked for.
        early: how long before it.
        late_after: labels later than this after their prediction are counted as late.
        now: the moment of looking; predictions and labels of later are not seen. Default: the last in the log.
        cache: folder that keeps what is known of pieces; None keeps nothing.
        clock: nanoseconds since the epoch, as file times count them.
    """

    def __init__(
        self,
        sources: Sequence[LogSource],
        *,
        reach: timedelta,
        early: timedelta = timedelta(days=1),
        late_after: timedelta | None = None,
        now: datetime | None = None,
        cache: Path | None = None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        if reach < timedelta(0) or early < timedelta(0):
            raise ConfigError("reach or early below 0", code="log/bad-argument", hint="Write timedelta(days=28).")
        self._sources = tuple(sources)
        self._reach, self._early, self._late_after = _us(reach), _us(early), late_after
        self._cache = Cache(cache, f"log of modelyard {__version__}")
        self._clock = clock
        self._now = None if now is None else _us(now - _EPOCH)
        self._entries: tuple[Entry, ...] | None = None
        self._near: tuple[tuple[int, int, str], pl.DataFrame] | None = None
        self._parts: OrderedDict[tuple[str, str], Part] = OrderedDict()
        self.read_anew = 0
        """How many pieces had to be read to know their times."""

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Return the pieces, as they are when this is first asked for; what is appended later is not seen."""
        if self._entries is None:
            self._entries = tuple(entry for source in self._sources for entry in self._known(source))
        return self._entries

    @property
    def versions(self) -> dict[str, int]:
        """Return predictions by version, repeated ones included."""
        found: dict[str, int] = {}
        for entry in self.entries:
            for version, days in entry.facts.days.items():
                found[version] = found.get(version, 0) + sum(days.values())
        return dict(sorted(found.items()))

    def volume(self, version: str = "") -> dict[str, int]:
        """Return predictions by day in UTC, repeated ones included; of one version, or of all."""
        found: dict[str, int] = {}
        for entry in self.entries:
            for each, days in entry.facts.days.items():
                if version in ("", each):
                    for day, rows in days.items():
                        found[day] = found.get(day, 0) + rows
        return dict(sorted(found.items()))

    @property
    def first(self) -> datetime:
        """Return the first time of a prediction.

        Raises:
            DataError: there is none.
        """
        return _moment(min(self._ends("first")))

    @property
    def last(self) -> datetime:
        """Return the last time of a prediction."""
        return _moment(max(self._ends("last")))

    @property
    def until(self) -> datetime:
        """Return the last time in the log, of predictions and labels."""
        labels = [each.facts.last_label for each in self.entries if each.facts.last_label is not None]
        return _moment(max([*self._ends("last"), *labels]))

    @property
    def now(self) -> datetime:
        """Return the moment of looking."""
        return self.until if self._now is None else _moment(self._now)

    def versions_between(self, begin: datetime, end: datetime) -> list[str]:
        """Return the versions that may have predictions in a stretch: those that have some on its days in UTC."""
        low, high, _ = self._span(begin, end, None)
        return sorted(
            version for version in self.versions if any(each.holds(low, high, version) for each in self.entries)
        )

    def count(self, begin: datetime, end: datetime, *, version: str = "") -> int:
        """Return how many predictions a stretch has, repeated ones included."""
        low, high, _ = self._span(begin, end, None)
        high = self._seen(high)
        found = 0
        for entry in self.entries:
            if not entry.holds(low, high, version):
                continue
            first, last = entry.facts.first or 0, entry.facts.last or 0
            if low <= first and last < high:
                found += sum(sum(days.values()) for each, days in entry.facts.days.items() if version in ("", each))
            else:
                times = self._times(entry, version)
                found += int(((times >= low) & (times < high)).sum())
        return found

    def digest(self, begin: datetime, end: datetime, *, version: str = "", after: datetime | None = None) -> str:
        """Return a digest of everything that ``between`` would read; equal ones mean equal results."""
        low, high, back = self._span(begin, end, after)
        pieces = [each.facts for each in self.entries if each.holds(back, high, version)]
        labels = [each.facts for each in self._with_labels(low, high)]
        latest = max([each.last or 0 for each in pieces] + [each.last_label or 0 for each in labels], default=0)
        hidden = self._now if self._now is not None and latest > self._now else None
        late = None if self._late_after is None else _us(self._late_after)
        read = [sorted(each.digest for each in facts) for facts in (pieces, labels)]
        return digest([low, high, back, version, self._reach, self._early, late, hidden, *read])

    def between(self, begin: datetime, end: datetime, *, version: str = "", after: datetime | None = None) -> Stretch:
        """Return the predictions of a stretch, each with the label that counts.

        Args:
            begin: first moment.
            end: the moment after the last.
            version: that made them; default: all.
            after: from when on repeated predictions are looked for; default: as long before as the stretch is.

        Raises:
            DataError: as for ``read``; or a piece is not any more what it was.
        """
        low, high, back = self._span(begin, end, after)
        parts: list[Part] = []
        rows = self._predictions(low, high, version, parts)
        again = changed = 0
        if not rows.is_empty():
            earlier = self._earlier(back, low, version)
            self._near = ((low, high, version), _first(rows))
            rows, again, changed = _without(rows, earlier)
        labels = self._labels(rows.select("id").unique(), low, high) if len(rows) else _no_rows()
        log = joined(rows, labels, parts, self._late_after) if len(rows) else None
        counts = Counts(0, {}, *(0 for _ in fields(Counts)[2:])) if log is None else log.counts
        counts = replace(
            counts,
            duplicate_predictions=counts.duplicate_predictions + again,
            changed_predictions=counts.changed_predictions + changed,
        )
        self._forget(high)
        read = self.digest(begin, end, version=version, after=after)
        return Stretch(_no_rows() if log is None else log.frame, counts, read)

    def cuts(self, rows: int, *, version: str = "") -> list[tuple[datetime, datetime]]:
        """Return stretches of so many predictions, repeated ones included; predictions of one moment stay together.

        Args:
            rows: how many; the last stretch has as many too, and what is left belongs to none.
            version: that made them; default: all.
        """
        import numpy as np

        if rows < 1:
            raise ConfigError(f"windows of {rows} rows", code="log/bad-argument", hint="Write 5000.")
        entries = sorted(
            (each for each in self.entries if each.facts.days and (not version or version in each.facts.days)),
            key=lambda each: each.facts.first or 0,
        )
        found: list[tuple[datetime, datetime]] = []
        pending = np.empty(0, dtype=np.int64)
        begin: int | None = None
        for at, entry in enumerate(entries):
            times = self._times(entry, version)
            if self._now is not None:
                times = times[times <= self._now]
            pending = np.sort(np.concatenate([pending, times]))
            safe = entries[at + 1].facts.first if at + 1 < len(entries) else None
            used = 0
            while len(pending) - used >= rows:
                last = int(pending[used + rows - 1])
                if safe is not None and last >= safe:
                    break
                first = int(pending[used]) if begin is None else begin
                found.append((_moment(first), _moment(last + 1)))
                begin, used = last + 1, int(np.searchsorted(pending, last, side="right"))
            pending = pending[used:]
        return found

    def _known(self, source: LogSource) -> Iterator[Entry]:
        pieces = source.pieces()
        key = [
            source.name,
            repr(getattr(source, "layout", None)),
            str(getattr(source, "folder", getattr(source, "root", ""))),
        ]
        kept = self._cache.get(key)
        known: dict[str, Any] = kept if isinstance(kept, dict) else {}
        now: dict[str, Any] = {}
        for piece in pieces:
            entry = known.get(piece.name)
            facts = None
            if entry is not None and piece.status is not None and unchanged(entry[0], entry[1], piece.status):
                with suppress(TypeError):  # of another version
                    facts = Facts(**entry[2])
            if facts is None:
                started = self._clock()
                facts = _facts(source.read(piece, Want(only=_TIMES, digest=True)))
                self.read_anew += 1
                entry = [piece.status, started, asdict(facts)]
            if piece.status is not None:
                now[piece.name] = entry
            yield Entry(source, piece, facts)
        if now != known:
            self._cache.put(key, now)

    def _ends(self, which: str) -> list[int]:
        found = [value for each in self.entries if (value := getattr(each.facts, which)) is not None]
        if not found:
            raise DataError(
                "a log without predictions", code="log/no-rows", hint="Name the folder that the log is written to."
            )
        return found

    def _seen(self, high: int) -> int:
        """Return the end of a stretch, or the moment of looking if that is before."""
        return high if self._now is None else min(high, self._now + 1)

    def _span(self, begin: datetime, end: datetime, after: datetime | None) -> tuple[int, int, int]:
        if any(each is not None and each.utcoffset() is None for each in (begin, end, after)):
            raise ConfigError(
                "a stretch without a time zone",
                code="log/naive-argument",
                hint="Write datetime(2026, 1, 31, tzinfo=UTC).",
            )
        low, high = _us(begin - _EPOCH), _us(end - _EPOCH)
        return low, high, low - (high - low) if after is None else _us(after - _EPOCH)

    def _with_labels(self, low: int, high: int) -> list[Entry]:
        return [each for each in self.entries if each.holds_labels(low - self._early, high + self._reach)]

    def _predictions(self, low: int, high: int, version: str, parts: list[Part]) -> "pl.DataFrame":
        import polars as pl

        high = self._seen(high)
        span = pl.col("time").is_between(_moment(low), _moment(high), closed="left")
        mine = span & (pl.col("model").cast(pl.String) == version) if version else span
        found = []
        for entry in self.entries:
            if entry.holds(low, high, version):
                part = self._read(entry, low, high)
                parts.append(part)
                facts = entry.facts
                inside = (
                    low <= (facts.first or 0) and (facts.last or 0) < high and (not version or len(facts.days) == 1)
                )
                if len(rows := part.predictions if inside else part.predictions.filter(mine)):
                    found.append(checked(rows))
        return together(found)

    def _earlier(self, back: int, low: int, version: str) -> "pl.DataFrame":
        """Return the first prediction of each id in the stretch before."""
        if self._near is not None and self._near[0] == (back, low, version):
            return self._near[1]
        rows = self._predictions(back, low, version, [])
        return rows if rows.is_empty() else _first(rows)

    def _labels(self, ids: "pl.DataFrame", low: int, high: int) -> "pl.DataFrame":
        import polars as pl

        begin, end = _moment(low - self._early), _moment(self._seen(high + self._reach))
        known = pl.col("label_time").is_between(begin, end, closed="left")
        found = []
        for entry in self._with_labels(low, high):
            labels = checked_labels(self._read(entry, low, high, keep=False).labels)
            labels = labels.filter(known.fill_null(value=True))
            found.append(labels.join(ids, on="id", how="semi"))
        return checked_labels(together(found))

    def _read(self, entry: Entry, low: int, high: int, *, keep: bool = True) -> Part:
        """Read a piece as it was when its facts were found."""
        key = (entry.source.name, entry.piece.name)
        if key in self._parts:
            self._parts.move_to_end(key)
            return self._parts[key]
        rows = entry.facts.rows
        if rows > _LARGE and keep:
            return entry.source.read(entry.piece, Want(begin=_moment(low), end=_moment(high), rows=rows))
        part = entry.source.read(entry.piece, Want(None if keep else _TIMES, rows=rows))
        if part.rows < rows:
            raise DataError(
                f"{part.place}: it had {rows:,} rows, and has {part.rows:,} now",
                code="log/changed-while-read",
                hint="Do not change or remove what was logged while it is read.",
            )
        if keep:
            self._parts[key] = part
            while len(self._parts) > 1 and sum(map(_size, self._parts.values())) > _KEPT:
                self._parts.popitem(last=False)
        return part

    def _forget(self, high: int) -> None:
        """Keep the pieces alone that go on after a stretch."""
        last = {(each.source.name, each.piece.name): each.facts.last or 0 for each in self.entries}
        for key in [key for key in self._parts if last[key] < high]:
            del self._parts[key]

    def _times(self, entry: Entry, version: str) -> Any:
        """Return the times of a piece's predictions, in µs since 1970."""
        import polars as pl

        key = ["times", entry.facts.digest, entry.facts.rows, version]
        kept = self._cache.get(key)
        if kept is None:
            rows = entry.source.read(entry.piece, Want(_TIMES, rows=entry.facts.rows)).predictions
            if version:
                rows = rows.filter(pl.col("model").cast(pl.String) == version)
            times = rows["time"].sort().cast(pl.Int64)
            kept = [int(times[0]) if len(times) else 0, times.diff().fill_null(0).to_list()]
            self._cache.put(key, kept)
        import numpy as np

        return kept[0] + np.cumsum(np.array(kept[1], dtype=np.int64))


def open_scan(
    source: str | Path | Sequence[str | Path],
    columns: Mapping[str, str | Sequence[str]] | str | None,
    *,
    model: str,
    zone: str,
    late_after: timedelta | None,
    reach: timedelta,
    cache: Path | None,
    root: Path | None,
) -> Scan:
    """Open a log; see ``modelyard.log.scan``."""
    sources = open_sources(source, layout_of(columns, model, zone), root)
    return Scan(sources, reach=reach, late_after=late_after, cache=cache)


def scan_of(
    log: "Log", *, root: Path, reach: timedelta, now: datetime | None = None, cache: Path | None = None
) -> Scan:
    """Open the log that a configuration names; see ``modelyard.log.scan``.

    Args:
        log: ``monitor.log``.
        root: the folder of the configuration.
        reach: how long after a stretch its labels are looked for.
        now: the moment of looking; predictions and labels of later are not seen.
        cache: folder that keeps what is known of pieces.

    Raises:
        ConfigError: what is named cannot be.
    """
    return Scan(sources_of(log, root=root), reach=reach, now=now, cache=cache)


def sources_of(log: "Log", *, root: Path) -> list[LogSource]:
    """Return the sources that a configuration names; nothing is read yet.

    Raises:
        ConfigError: what is named cannot be.
    """
    found = open_sources(log.source, layout_of(columns_of(log), log.version or "", log.zone or ""), root)
    if log.labels is None:
        return found
    columns = log.labels.columns
    if columns is None:
        return [*found, *open_sources(log.labels.source, None, root)]
    theirs = {"id": columns.id, "label": columns.label, **({"label_time": columns.time} if columns.time else {})}
    return [*found, *open_sources(log.labels.source, LabelsAlone(theirs, zone_of(log.zone or "")), root)]


def columns_of(log: "Log") -> dict[str, str | Sequence[str]] | str | None:
    """Return the columns that a configuration names, as ``read`` and ``scan`` take them."""
    if log.columns is None or isinstance(log.columns, str):
        return log.columns
    columns: dict[str, str | Sequence[str]] = {}
    for name, value in log.columns.model_dump(exclude_none=True).items():
        if isinstance(value, dict):
            columns.update({f"{OF_A_CLASS}{each}": column for each, column in value.items()})
        elif value:
            columns[name] = value
    return columns


def total(counts: Sequence[Counts]) -> Counts:
    """Return what was found in several stretches together."""
    models: dict[str, int] = {}
    for each in counts:
        for version, rows in each.models.items():
            models[version] = models.get(version, 0) + rows
    sums = {
        each.name: sum(getattr(one, each.name) for one in counts) for each in fields(Counts) if each.name != "models"
    }
    return Counts(models=dict(sorted(models.items())), **sums)


def _facts(part: Part) -> Facts:
    import polars as pl

    rows, labels = part.predictions, part.labels
    days: dict[str, dict[str, int]] = {}
    first = last = None
    if not rows.is_empty():
        for name in ("time", "model"):
            if lost := rows[name].null_count():
                raise DataError(
                    f"{part.place}: {lost:,} of {len(rows):,} predictions have no {name}",
                    code="log/missing-value",
                    hint="Every prediction needs an id, a time and a model: fix what writes the log.",
                )
        first, last = _ends_of(rows["time"])
        by = rows.group_by(pl.col("model").cast(pl.String), pl.col("time").dt.date().alias("day")).len()
        for version, day, count in by.sort("model", "day").iter_rows():
            days.setdefault(version, {})[str(day)] = count
    low = high = None
    if not labels.is_empty():
        known = labels["label_time"].drop_nulls() if "label_time" in labels.columns else pl.Series([], dtype=pl.Null)
        ends = [each for each in (*(_ends_of(known) if len(known) else ()),) if each is not None]
        if len(known) < len(labels):
            ends += [each for each in (first, last) if each is not None]
        low, high = (min(ends), max(ends)) if ends else (None, None)
    return Facts(part.digest, part.rows, part.torn, part.failed, days, first, last, len(labels), low, high)


def _no_rows() -> "pl.DataFrame":
    import polars as pl

    moment = pl.Datetime("us", "UTC")
    columns: dict[str, Any] = {"id": pl.String, "time": moment, "model": pl.String, "label": pl.Null}
    return pl.DataFrame(schema={**columns, "label_time": moment, "first_label_time": moment})


def _without(rows: "pl.DataFrame", earlier: "pl.DataFrame") -> "tuple[pl.DataFrame, int, int]":
    """Return rows that repeat none of earlier ones, and how many others are the same and not the same."""
    import polars as pl

    if earlier.is_empty():
        return rows, 0, 0
    keys = ["id", "model"]
    repeated = rows.join(earlier.select(keys), on=keys, how="semi")
    if repeated.is_empty():
        return rows, 0, 0
    known = [name for name in told_of(rows.columns) if name in earlier.columns]
    texts = [pl.col(name).cast(pl.String) for name in known]
    the_same = repeated.select(*keys, *texts).join(
        earlier.select(*keys, *texts), on=[*keys, *known], how="semi", nulls_equal=True
    )
    return rows.join(earlier.select(keys), on=keys, how="anti"), len(the_same), len(repeated) - len(the_same)


def _first(rows: "pl.DataFrame") -> "pl.DataFrame":
    """Return the first prediction of each id by each version."""
    some = rows.select("id", "model", "time", *told_of(rows.columns)).sort("time", maintain_order=True)
    return some.unique(["id", "model"], keep="first", maintain_order=True).drop("time")


def _size(part: Part) -> int:
    return int(part.predictions.estimated_size() + part.labels.estimated_size())


def _ends_of(times: "pl.Series") -> tuple[int, int]:
    import polars as pl

    ordered = times.cast(pl.Int64).sort()
    return int(ordered[0]), int(ordered[-1])


def _us(span: timedelta) -> int:
    return span // _US


def _moment(us: int) -> datetime:
    return _EPOCH + us * _US
