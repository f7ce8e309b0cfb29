"""Follow a log that grows: each row is counted once, however often the process ends, and alarms hold at every look.

What is known is a file of SQLite, and all that follows from some rows is written, with how far they were read, in one
transaction: a process that is killed at any moment has counted all of them or none. Memory is bounded by a partition,
or some MiB of one that grows, and the file by the rows of as long as labels are waited for.

Drift: ``monitoring.shares``. Performance: the watches of ``monitoring.realised``, over labels as they come. Where rows
depend on each other, as the configuration says, a value is a day of them, else a row.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
from pydantic import Field

from modelyard.config.sections.data import Columns
from modelyard.core.canonical import digest
from modelyard.core.errors import DataError, PlatformError
from modelyard.core.files import disk_errors
from modelyard.core.verdict import Verdict
from modelyard.log.checks import checked, checked_labels, told_of
from modelyard.log.schema import FEATURE
from modelyard.log.source import LogSource, Part, Piece, Want
from modelyard.monitoring.profile import Reference, Summary, merge
from modelyard.monitoring.realised import Rule, Watch
from modelyard.monitoring.served import unit_names
from modelyard.monitoring.shares import Shares
from modelyard.monitoring.summary import summarise
from modelyard.records.results.monitor import Alarm, AlarmKind
from modelyard.records.results.part import Part as Data

GRACE = timedelta(hours=1)
"""How long after midnight, by the log's own time, rows of a day are waited for."""
AHEAD = timedelta(minutes=5)
"""By how much a row's clock may be ahead; one further ahead does not move the log's time."""
_US = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TABLES = (
    "CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    (
        "CREATE TABLE IF NOT EXISTS waiting (key INTEGER PRIMARY KEY, at INTEGER NOT NULL, version TEXT NOT NULL,"
        " told TEXT NOT NULL, label TEXT, counted INTEGER NOT NULL DEFAULT 0)"
    ),
    "CREATE INDEX IF NOT EXISTS waiting_at ON waiting (at)",
    "CREATE TABLE IF NOT EXISTS early (key INTEGER PRIMARY KEY, at INTEGER NOT NULL, label TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS alarms (number INTEGER PRIMARY KEY, alarm TEXT NOT NULL, told INTEGER NOT NULL)",
)
_CHUNK = 10_000
_FOREVER = 1 << 62


class Totals(Data):
    """What was counted so far."""

    predictions: dict[str, int] = Field(default_factory=dict)
    """By version, each id once."""
    repeated: int = 0
    labels: int = 0
    """Predictions with a label."""
    repeated_labels: int = 0
    """Of predictions that had one; the first that was read counts."""
    until: str = ""
    """The log's time, in UTC: of the newest row whose clock is not ahead."""


@dataclass(frozen=True)
class Followed:
    """What a version is held to.

    Attributes:
        reference: of its test rows; None where nothing can be compared.
        watches: of its performance, without labels so far.
    """

    reference: Reference | None
    watches: tuple[Watch, ...] = ()


@dataclass
class _Life:
    """How far a version came."""

    held: Followed
    shares: Shares
    known: bool
    """Somebody knows the version."""


class Follower:
    """Counts the rows of a log as they come.

    Args:
        path: of the file that keeps what is known; it is created.
        sources: the log.
        lookup: returns what a version is held to, by the name that the log has; None where nobody knows it.
        columns: what columns mean, for what is independent.
        wait: how long labels are waited for.
        zone: in which days begin.
        key: under which categories are named.

    Raises:
        DataError: the file is of another log or other settings, or is damaged.
        PlatformError: somebody else follows the log with this file.
    """

    def __init__(
        self,
        path: Path,
        sources: Sequence[LogSource],
        lookup: Callable[[str], Followed | None],
        *,
        columns: Columns,
        wait: timedelta,
        zone: str = "UTC",
        key: bytes | None = None,
    ) -> None:
        self._path, self._sources, self._lookup, self._columns = path, sources, lookup, columns
        self._wait, self._zone, self._key = wait // _US, ZoneInfo(zone), key
        self.by_day = not isinstance(columns.unit, str) and bool(columns.unit or columns.time or columns.group)
        self._lives: dict[str, _Life] = {}
        self._at_last: dict[str, Any] = {}
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        self._base = sqlite3.connect(path, isolation_level=None, timeout=0)
        with self._sound():
            self._base.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._base.execute("PRAGMA synchronous = FULL")
            with self._transaction():
                for statement in _TABLES:
                    self._base.execute(statement)
                self._same("about", digest([[each.name for each in sources], self.by_day, self._wait, zone]))
            self._counts = Totals.model_validate(self._get("totals", {})).model_dump()
            for version in self._counts["predictions"]:
                self._life(version)

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()

    @property
    def totals(self) -> Totals:
        """Return what was counted so far."""
        return Totals.model_validate(self._counts)

    def look(self) -> Iterator[list[Alarm]]:
        """Count what came since the last look; yields what is to be told, after each batch that is kept.

        Raises:
            DataError: as for reading a log.
            PlatformError: the disk would not take it; what was kept before is intact.
        """
        for source in self._sources:
            for piece in source.pieces():
                yield from self._piece(source, piece)
        with self._sound(), self._transaction():
            self._end_days()
        yield from self._tell()

    # what is kept

    @contextmanager
    def _sound(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            with suppress(sqlite3.Error):
                self._base.close()
            if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
                raise PlatformError(
                    f"{self._path} is in use: somebody else follows this log",
                    code="monitor/followed-already",
                    hint="End the other, or follow in another run folder.",
                ) from error
            if isinstance(error, sqlite3.OperationalError):
                raise PlatformError(
                    f"could not write {self._path}: {error}",
                    code="disk/not-written",
                    hint="What was there before is untouched; free the place and run again.",
                ) from error
            raise DataError(
                f"{self._path} is no state of a log that is followed",
                code="monitor/bad-state",
                hint="Remove the file to count from the first row again.",
            ) from error

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._base.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            with suppress(sqlite3.Error):
                self._base.execute("ROLLBACK")
            self._base.close()  # what is in memory is ahead of what is kept
            raise
        self._base.execute("COMMIT")

    def _get(self, name: str, default: Any) -> Any:
        found = self._base.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
        return default if found is None else json.loads(found[0])

    def _put(self, name: str, value: Any) -> None:
        self._base.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (name, json.dumps(value)))

    def _same(self, name: str, about: str) -> None:
        if self._get(name, about) != about:
            raise DataError(
                f"{self._path} is of another log, or of other settings",
                code="monitor/other-state",
                hint="Remove the file to count from the first row again.",
            )
        self._put(name, about)

    def _life(self, version: str) -> "_Life":
        """Return what a version is held to, as far as it came."""
        if version in self._lives:
            return self._lives[version]
        found = self._lookup(version)
        held = found or Followed(None)
        shares = Shares.of(held.reference, by_day=self.by_day)
        if (kept := self._get(f"detectors {version}", None)) is not None:
            shares.resume(kept)
        told = [digest(held.reference.model_dump(mode="json")) if held.reference else "", [*map(repr, shares.sets)]]
        self._same(f"held {version}", digest([*told, [_told(each.rule) for each in held.watches]]))
        for at, watch in enumerate(held.watches):
            if (state := self._get(f"watch {version} {at}", None)) is not None:
                watch.resume(state)
        self._lives[version] = _Life(held, shares, known=found is not None)
        return self._lives[version]

    # counting

    def _piece(self, source: LogSource, piece: Piece) -> Iterator[list[Alarm]]:
        name = f"position {source.name} {piece.name}"
        if piece.status is not None and self._at_last.get(name) == piece.status:
            return
        more = True
        while more:
            with self._sound():
                rows, end = self._get(name, (0, 0))
            growing = piece.status is not None
            if not growing and self._is_past(piece):
                return
            want = Want(after=rows, offset=end) if growing else Want()
            part = source.read(piece, want)
            if part.rows:
                with self._sound(), self._transaction():
                    self._count(part, again=growing)
                    if growing:
                        self._put(name, (rows + part.rows, part.end))
                    self._put("totals", self._counts)
                yield from self._tell()
            more = growing and part.more
        if piece.status is not None:
            self._at_last[name] = piece.status

    def _is_past(self, day: Piece) -> bool:
        """Say whether a day of a table is so long ago that no label is waited for."""
        until = self._counts["until"]
        return bool(until) and day.name < str((datetime.fromisoformat(until) - self._wait * _US).date())

    def _count(self, part: Part, *, again: bool) -> None:
        """Count rows; those of a table are read again and again, so that repeated ones mean nothing."""
        rows = part.predictions
        if not rows.is_empty():
            rows = checked(rows)
            for (version,), own in rows.sort("time").group_by(["model"], maintain_order=True):
                self._predictions(str(version), own, again=again)
            limit = datetime.now(UTC) + AHEAD
            latest = rows.filter(pl.col("time") <= limit)["time"].max()
            if isinstance(latest, datetime):
                self._counts["until"] = max(latest.isoformat(), self._counts["until"])
        if not part.labels.is_empty():
            self._labels(checked_labels(part.labels), again=again)
        for version, life in self._lives.items():
            self._alarm(version, "version", version, holds=not life.known)
            if not self.by_day:
                self._performance(version, before=None)
        self._end_days()

    def _predictions(self, version: str, rows: pl.DataFrame, *, again: bool) -> None:
        life = self._life(version)
        keys = [_key(f"{version}\0{id_}") for id_ in rows["id"]]
        known = self._known("SELECT key FROM waiting WHERE key IN (SELECT value FROM json_each(?))", keys)
        fresh = []
        for at, key in enumerate(keys):
            if key not in known:
                known.add(key)
                fresh.append(at)
        of_versions = self._counts["predictions"]
        of_versions[version] = of_versions.get(version, 0) + len(fresh)
        self._counts["repeated"] += len(keys) - len(fresh) if again else 0
        if not fresh:
            return
        new = rows[fresh]
        wanted = [name for name in ("id", "time", *told_of(rows.columns), *self._units()) if name in rows.columns]
        times = new["time"].cast(pl.Int64).to_list()
        lines = [json.dumps(row, default=str) for row in new.select(wanted).iter_rows(named=True)]
        self._base.executemany(
            "INSERT INTO waiting (key, at, version, told) VALUES (?, ?, ?, ?)",
            [(keys[at], time, version, line) for at, time, line in zip(fresh, times, lines, strict=True)],
        )
        ids = {_key(id_): id_ for id_ in new["id"]}
        for key in self._known("SELECT key FROM early WHERE key IN (SELECT value FROM json_each(?))", list(ids)):
            (label,) = self._base.execute("SELECT label FROM early WHERE key = ?", (key,)).fetchone()
            self._label(ids[key], label, again=False)
        if life.held.reference is not None:
            self._drift(version, new, life.held.reference)

    def _units(self) -> list[str]:
        unit = getattr(self._columns.unit, "column", None)
        return [f"{FEATURE}{name}" for name in (self._columns.group, unit) if name]

    def _known(self, query: str, keys: Sequence[int]) -> set[int]:
        found: set[int] = set()
        for at in range(0, len(keys), _CHUNK):
            found.update(key for (key,) in self._base.execute(query, (json.dumps(keys[at : at + _CHUNK]),)))
        return found

    def _labels(self, labels: pl.DataFrame, *, again: bool) -> None:
        texts = [json.dumps(each, default=str) for each in labels["label"].to_list()]
        moments = labels["label_time"].cast(pl.Int64).fill_null(0).to_list()
        for id_, text in zip(labels["id"], texts, strict=True):
            self._label(id_, text, again=again)
        self._base.executemany(
            "INSERT OR IGNORE INTO early VALUES (?, ?, ?)",
            zip(map(_key, labels["id"]), moments, texts, strict=True),
        )

    def _label(self, id_: str, label: str, *, again: bool) -> None:
        """Give a label to the predictions of an id, by whatever version."""
        given, known = 0, False
        for version in self._lives:
            key = _key(f"{version}\0{id_}")
            done = self._base.execute("UPDATE waiting SET label = ? WHERE key = ? AND label IS NULL", (label, key))
            given += done.rowcount
            if again and not done.rowcount:
                known |= self._base.execute("SELECT 1 FROM waiting WHERE key = ?", (key,)).fetchone() is not None
        self._counts["labels"] += given
        self._counts["repeated_labels"] += int(known and not given)

    # looking

    def _performance(self, version: str, before: int | None) -> None:
        """Look at labels that were not counted yet; of predictions before a moment, where one is given."""
        rows = self._base.execute(
            "SELECT key, told, label FROM waiting WHERE version = ? AND label IS NOT NULL AND counted = 0 AND at < ?",
            (version, _FOREVER if before is None else before),
        ).fetchall()
        if not rows:
            return
        self._base.executemany("UPDATE waiting SET counted = 1 WHERE key = ?", [(key,) for key, _, _ in rows])
        watches = self._life(version).held.watches
        if not watches:
            return
        told = [json.loads(text) | {"label": json.loads(label)} for _, text, label in rows]
        frame = pl.DataFrame(told, infer_schema_length=None)
        frame = frame.with_columns(pl.col("time").str.to_datetime(time_unit="us", time_zone="UTC")).sort("time", "id")
        names = unit_names(frame, self._columns)[0] if self.by_day else None
        number = self._get(f"looks {version}", 0) + 1
        self._put(f"looks {version}", number)
        for at, watch in enumerate(watches):
            seen = watch.look(frame, begin=f"{number:020}", end=f"{number:020}", unit=names)
            self._put(f"watch {version} {at}", watch.as_data())
            self._alarm(version, "performance", watch.rule.metric.name, holds=seen[0].verdict is Verdict.FAIL)

    def _drift(self, version: str, rows: pl.DataFrame, reference: Reference) -> None:
        if not self.by_day:
            self._moved(version, summarise(rows, reference, key=self._key), one_value=False)
            return
        days = rows.with_columns(pl.col("time").dt.convert_time_zone(self._zone.key).dt.date().alias("__day__"))
        for (day,), some in days.group_by(["__day__"], maintain_order=True):
            name = f"day {version} {day}"
            before = Summary.model_validate(self._get(name, {}))
            self._put(name, merge(before, summarise(some.drop("__day__"), reference, key=self._key)).model_dump())

    def _end_days(self) -> None:
        """Look at the days that are over, and forget what nothing is waited for any more."""
        if not self._counts["until"]:
            return
        now = datetime.fromisoformat(self._counts["until"])
        oldest = (now - _EPOCH) // _US - self._wait
        if self.by_day:
            over = str((now - GRACE).astimezone(self._zone).date())
            for name, value in self._base.execute("SELECT name, value FROM state WHERE name LIKE 'day %'").fetchall():
                version, _, day = name.removeprefix("day ").rpartition(" ")
                if day < over:
                    self._moved(version, Summary.model_validate_json(value), one_value=True)
                    self._base.execute("DELETE FROM state WHERE name = ?", (name,))
            midnight = (_EPOCH + oldest * _US).astimezone(self._zone).replace(hour=0, minute=0, second=0, microsecond=0)
            oldest = (midnight - _EPOCH) // _US
            for version in self._lives:
                self._performance(version, before=oldest)
        # Repeated rows and labels are told for as long again.
        self._base.execute("DELETE FROM waiting WHERE at < ?", (oldest - self._wait,))
        self._base.execute("DELETE FROM early WHERE at < ?", (oldest - self._wait,))

    def _moved(self, version: str, summary: Summary, *, one_value: bool) -> None:
        """Show the detectors some rows, each a value, or all together one."""
        shares = self._life(version).shares
        seen = shares.look(summary, one_value=one_value)
        self._put(f"detectors {version}", shares.as_data())
        for name, holds in seen.items():
            self._alarm(version, "drift", name, holds=holds)

    def _alarm(self, version: str, kind: AlarmKind, what: str, *, holds: bool) -> None:
        """Keep that something is seen, or is not any more."""
        name = f"alarm {version} {kind} {what}"
        if self._get(name, default=False) == holds:
            return
        self._put(name, holds)
        alarm = Alarm(
            version=version, kind=kind, what=what, began=holds, at=self._counts["until"],
            rows=self._counts["predictions"].get(version, 0),
        )  # fmt: skip
        self._base.execute("INSERT INTO alarms (alarm, told) VALUES (?, 0)", (alarm.model_dump_json(),))

    def _tell(self) -> Iterator[list[Alarm]]:
        """Yield what was not told yet; whoever takes the next has told it."""
        with self._sound():
            rows = self._base.execute("SELECT number, alarm FROM alarms WHERE told = 0 ORDER BY number").fetchall()
        yield [Alarm.model_validate_json(text) for _, text in rows]
        if rows:
            with self._sound(), self._transaction():
                self._base.execute("UPDATE alarms SET told = 1 WHERE number <= ?", (rows[-1][0],))


def _told(rule: Rule) -> list[object]:
    return [rule.metric.name, rule.operator, rule.bound, rule.margin, *rule.by]


def _key(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), signed=True)
