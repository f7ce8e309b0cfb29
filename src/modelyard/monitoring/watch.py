"""Look at a log: window by window, cheapest first: contract, drift, estimated and realised performance.

What is seen in a window depends on the windows before it, so each is known by the rows of all of them: a window whose
rows did not change, nor those of windows before it, is not looked at again; nor read, where its files did not change.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from modelyard import __version__
from modelyard.config.configuration import Config
from modelyard.config.sections.monitor import Monitor
from modelyard.core.canonical import digest
from modelyard.core.reasons import Reason, because
from modelyard.evaluation.gates.misuse import metric_for
from modelyard.log.cache import Cache
from modelyard.log.reader import Counts
from modelyard.log.schema import FEATURE
from modelyard.log.stretches import total
from modelyard.metrics.catalogue import PRIMARY
from modelyard.monitoring import contract, drift, estimated
from modelyard.monitoring.contract import WindowFacts
from modelyard.monitoring.kept import Kept
from modelyard.monitoring.planned import Plan, Planned, planned
from modelyard.monitoring.profile import Summary
from modelyard.monitoring.realised import Rule, Watch, calibrated, rules_of
from modelyard.monitoring.separability import separability
from modelyard.monitoring.served import labelled, unit_names
from modelyard.monitoring.summary import summarise
from modelyard.monitoring.windows import Cut, key_of
from modelyard.monitoring.windows import later as after
from modelyard.records.results import (
    Cohort,
    Drift,
    EstimatedPerformance,
    Fault,
    MonitorResult,
    Persistence,
    RealisedPerformance,
    Separability,
    ServedCalibration,
    Signature,
    Window,
)

if TYPE_CHECKING:
    from modelyard.log.stretches import Scan

MOST_EARLIER = 20_000
"""Rows of earlier windows that estimates and comparisons take."""


Rescore = Callable[[str, pl.DataFrame, int], Fault | Reason | None]


@dataclass(frozen=True)
class Version:
    """A version as the log names it and as the registry knows it.

    Attributes:
        name: its number, or what the log calls it where the registry does not know it.
        unknown: why its windows can be compared with nothing; None where they can.
        kept: what it carries to be watched by.
        signature: what it takes and gives; None where the registry does not know it.
        digest: of its model.
    """

    name: str
    unknown: Reason | None
    kept: Kept | None = None
    signature: Signature | None = None
    digest: str = ""


@dataclass
class _Life:
    """What is carried from window to window of one version."""

    version: Version
    rules: tuple[Rule, ...]
    watches: tuple[Watch, ...]
    chain: str
    """Digest of all that was looked at so far."""
    seen: list[Window] = field(default_factory=list)
    summaries: list[Summary] = field(default_factory=list)
    """Of its windows without faults."""
    mature: list[Planned] = field(default_factory=list)
    """Its windows without faults whose labels are mature."""
    samples: dict[str, pl.DataFrame] = field(default_factory=dict)
    """Rows of the last of these, in an order of chance, by their key; at most ``MOST_EARLIER`` in all."""

    @property
    def signature(self) -> Signature:
        """What the version takes and gives."""
        assert self.version.signature is not None  # noqa: S101 - lives are of versions that are known
        return self.version.signature

    @property
    def kept(self) -> Kept:
        """What the version carries."""
        assert self.version.kept is not None  # noqa: S101 - as above
        return self.version.kept


class Watcher:
    """Looks at the windows of one log, in the order of time.

    Args:
        versions: by the name that the log has for them.
        settings: ``monitor``.
        config: what columns mean, and the primary metric.
        key: under which categories are named.
        rescore: scores a sample of a version's window again: a fault, why that cannot be told, or None.
        cache: folder of what was seen before; None: everything is looked at.
    """

    def __init__(
        self,
        versions: Mapping[str, Version],
        settings: Monitor,
        config: Config,
        *,
        key: bytes | None = None,
        rescore: Rescore | None = None,
        cache: Path | None = None,
    ) -> None:
        self.versions, self.settings, self.config, self.key, self.rescore = versions, settings, config, key, rescore
        self._cache = Cache(cache, f"windows of modelyard {__version__}")
        self._lives: dict[str, _Life] = {}
        self.counts: list[Counts] = []
        """What the log's reader found, by window."""

    def look(self, ahead: Planned, *, whole: bool = True, later: int = 0) -> Window | None:
        """Look at one window, or at what was seen of it before.

        Args:
            ahead: the window.
            whole: no other version predicted in it, and no number of rows ended it.
            later: rows of the log that are later than the moment of looking.

        Returns:
            What was seen; None where it has no rows after all.
        """
        version = self.versions[ahead.version]
        if version.kept is None or version.signature is None:
            cut = self._read(ahead)
            return None if cut is None else _uncompared(cut, version, ahead.digest)
        life, cut = self._life(version), None
        rows = self._cache.get(["rows", ahead.digest])
        if rows is None:
            cut = self._read(ahead)
            if cut is None:
                return None
            rows = [cut.content(), asdict(self.counts[-1])]
            self._cache.put(["rows", ahead.digest], rows)
        else:
            self.counts.append(Counts(**rows[1]))
        chain = digest([life.chain, ahead.key, rows[0], ahead.mature, whole, later])
        known = self._cache.get(chain)
        if known is not None:
            window, summary = Window.model_validate(known[0]), Summary.model_validate(known[1])
            window = window.model_copy(update={"read_anew": False, "digest": ahead.digest})
            for one, state in zip(life.watches, known[2], strict=True):
                one.resume(state)
        else:
            cut = cut or ahead.read()[0]
            if cut is None:
                return None
            since = datetime.fromisoformat(life.seen[-1].end) if life.seen else None
            expected = WindowFacts(cut.begin, cut.end, whole, later, since)
            window, summary = self._looked(life, cut, ahead.digest, expected)
            states = [one.as_data() for one in life.watches]
            self._cache.put(chain, [window.model_dump(mode="json"), summary.model_dump(mode="json"), states])
            if ahead.mature and not window.blocked:
                life.samples = _newest({ahead.key: _sampled(cut.frame), **life.samples})
        life.chain = chain
        life.seen.append(window)
        if not window.blocked:
            life.summaries.append(summary)
            if ahead.mature:
                life.mature.append(ahead)
        return window

    def _read(self, ahead: Planned) -> Cut | None:
        cut, counts = ahead.read()
        self.counts.append(counts)
        return cut

    def _looked(self, life: _Life, cut: Cut, read: str, expected: WindowFacts) -> tuple[Window, Summary]:
        summary = summarise(cut.frame, life.kept.reference, key=self.key)
        told = _told(cut, life.version, read) | {"maturity": _maturity(cut, self.settings.labels)}
        faults = [*contract.faults(life.kept.reference, summary, before=life.summaries, expected=expected)]
        again = None if self.rescore is None else self.rescore(life.version.name, cut.frame, self._seed(life))
        faults += [again] if isinstance(again, Fault) else []
        unknown = (again,) if isinstance(again, Reason) else ()
        window = Window(**told, faults=tuple(faults), not_looked_at=unknown)
        names, _, _ = unit_names(cut.frame, self.config.data.columns)
        realised = _realised(life, cut, names, blocked=window.blocked)
        earlier = self._earlier(life)
        return window.model_copy(
            update={
                "drift": self._drift(life, summary),
                "separability": self._separability(life, cut, earlier),
                "estimated": self._estimated(life, cut, earlier, realised),
                "realised": realised,
                "calibration": None if window.blocked or not cut.mature else _calibration(life, cut, names),
            }
        ), summary

    def _seed(self, life: _Life) -> int:
        """Return a seed that is fixed by what was looked at before."""
        return int(life.chain.removeprefix("sha256:")[:8], 16)

    def _drift(self, life: _Life, summary: Summary) -> tuple[Drift, ...]:
        found = drift.drift(life.kept.reference, summary, ignore=self.settings.ignore)
        before = [window.drift for window in life.seen if not window.blocked]
        asked = self.settings.persistence
        return drift.persistent([*before, found], asked.windows, asked.of)

    def _separability(self, life: _Life, cut: Cut, earlier: pl.DataFrame | None) -> Separability | None:
        """Tell the window's rows from those of earlier windows; nothing where there are none, or no features."""
        if earlier is None or not any(name.startswith(FEATURE) for name in cut.frame.columns):
            return None
        return separability(earlier, cut.frame, seed=self._seed(life), ignore=self.settings.ignore)

    def _estimated(
        self, life: _Life, cut: Cut, earlier: pl.DataFrame | None, realised: Sequence[RealisedPerformance]
    ) -> tuple[EstimatedPerformance, ...]:
        if life.kept.labelled is None:
            return ()
        metrics = {rule.metric.name: rule.metric for rule in life.rules}
        values = {each.metric: each.window for each in realised if not each.slice}
        records = estimated.track(life.seen)
        estimator = estimated.Estimator(
            life.kept.labelled, cut.frame, signature=life.signature, matured=earlier, seed=self._seed(life)
        )
        found = []
        for name, metric in metrics.items():
            one = estimator.estimate(metric)
            one = estimated.deciding(one, records)
            found.append(estimated.scored(one, values[name]) if cut.mature and name in values else one)
        return tuple(found)

    def _earlier(self, life: _Life) -> pl.DataFrame | None:
        """Return rows of earlier windows without faults whose labels are mature, the newest ones."""
        needed = MOST_EARLIER
        for ahead in reversed(life.mature):
            if needed <= 0:
                break
            if ahead.key not in life.samples:
                cut, _ = ahead.read()
                life.samples[ahead.key] = pl.DataFrame() if cut is None else _sampled(cut.frame)
            needed -= len(life.samples[ahead.key])
        life.samples = _newest(
            {each.key: life.samples[each.key] for each in reversed(life.mature) if each.key in life.samples}
        )
        return pl.concat(life.samples.values(), how="diagonal_relaxed") if life.samples else None

    def _life(self, version: Version) -> _Life:
        if version.name not in self._lives:
            assert version.kept is not None  # noqa: S101 - the caller looked
            model, columns = self.config.model, self.config.data.columns
            watches = watches_of(version, self.settings, self.config)
            rules = tuple(each.rule for each in watches)
            settings = self.settings.model_dump(mode="json", exclude={"policy", "log", "windows"})
            about = [version.kept.model_dump(mode="json"), settings, model.model_dump(mode="json")]
            chain = digest([*about, columns.model_dump(mode="json"), self.key is not None, version.digest])
            self._lives[version.name] = _Life(version, rules, watches, chain)
        return self._lives[version.name]

    def track(self, version: str) -> tuple[Any, ...]:
        """Return how the estimates of a version fared."""
        return estimated.track(self._lives[version].seen) if version in self._lives else ()


def _sampled(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows in an order of chance, so that the first of them are a sample; no more than are kept."""
    return rows.sample(min(MOST_EARLIER, len(rows)), shuffle=True, seed=0)


def _newest(samples: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Return as many rows as are kept, of the first samples all and of the last that has some a part."""
    found, room = {}, MOST_EARLIER
    for key, rows in samples.items():
        if room:
            found[key] = rows.head(room)
            room -= len(found[key])
    return found


def watches_of(version: Version, settings: Monitor, config: Config) -> tuple[Watch, ...]:
    """Return the watches of the rules that a version is held to; it has a signature, and carries something."""
    assert version.kept is not None and version.signature is not None  # noqa: S101, PT018 - the caller looked
    primary = metric_for(config.model.metric or PRIMARY[config.model.task], config.model.task)
    rules = rules_of(settings.performance, primary, version.signature)
    seed = int(version.digest.removeprefix("sha256:")[:8] or "0", 16)
    kept = version.kept
    return tuple(
        Watch(rule, version.signature, kept.levels, unit=kept.unit, ordered=kept.ordered, seed=seed) for rule in rules
    )


def watch(
    log: "Scan",
    versions: Mapping[str, Version],
    settings: Monitor,
    config: Config,
    *,
    champion: str,
    key: bytes | None,
    rescore: Rescore | None = None,
    later: int = 0,
    cache: Path | None = None,
    say: Callable[[str], None] = lambda _text: None,
) -> MonitorResult:
    """Look at all complete windows of a log.

    Args:
        log: read until the moment of looking.
        versions: by the name that the log has for them.
        settings: ``monitor``.
        config: what columns mean, and the primary metric.
        champion: the version that the alias points at.
        key: under which categories are named.
        rescore: as for ``Watcher``.
        later: rows of the log that are later than the moment of looking.
        cache: folder of what was seen before.
        say: where progress goes.
    """
    plan = planned(log, every=settings.window, zone=settings.zone, labels=settings.labels)
    watcher = Watcher(versions, settings, config, key=key, rescore=rescore, cache=cache)
    sharing = Counter(ahead.begin for ahead in plan.windows)
    in_time = not settings.window.endswith("rows")
    seen: list[Window] = []
    for at, ahead in enumerate(plan.windows, start=1):
        newest = at == len(plan.windows)
        window = watcher.look(ahead, whole=in_time and sharing[ahead.begin] == 1, later=later if newest else 0)
        if window is not None:
            seen.append(window)
            same = "" if window.read_anew else ", unchanged"
            say(f"{window.key} by {window.version}: {window.rows:,} predictions{same}")
    seen += silence(seen, plan, settings, champion, log.now) if in_time else ()
    found, asked = total(watcher.counts), settings.persistence
    return MonitorResult(
        champion=champion,
        until=log.until.isoformat(),
        predictions=found.predictions + plan.open_rows,
        labelled=found.labelled,
        counts=_counts(found),
        windows=tuple(seen[-settings.windows :]),
        open_rows=plan.open_rows,
        persistence=Persistence(
            alarms=asked.windows, windows=asked.of, false_alarms=drift.false_alarms(asked.windows, asked.of)
        ),
        track=watcher.track(champion),
        columns=_columns(versions.values(), champion, settings.ignore),
    )


def silence(seen: Sequence[Window], plan: Plan, settings: Monitor, champion: str, now: datetime) -> tuple[Window, ...]:
    """Return the complete windows since the last prediction as one without rows, which is a fault; else nothing."""
    if not seen or plan.open_rows:
        return ()
    begin = end = datetime.fromisoformat(seen[-1].end).astimezone(ZoneInfo(settings.zone))
    count = 0
    while (following := after(end, settings.window)) <= now:
        end, count = following, count + 1
    if not count:
        return ()
    reason = because("log-silent", windows=count, since=seen[-1].end)
    return (
        Window(
            key=key_of(begin, settings.window), begin=begin.astimezone(UTC).isoformat(),
            end=end.astimezone(UTC).isoformat(), version=champion, rows=0, labelled=0, mature=False,
            digest=digest([seen[-1].digest, count]), faults=(Fault(reason=reason, rows=0, share=1.0),),
        ),
    )  # fmt: skip


def _columns(versions: Iterable[Version], champion: str, ignore: Sequence[str]) -> tuple[str, ...]:
    kept = next((each.kept for each in versions if each.name == champion), None)
    return () if kept is None else tuple(name for name in kept.reference.features if name not in ignore)


def _told(cut: Cut, version: Version, read: str) -> dict[str, Any]:
    return {
        "key": cut.key,
        "begin": cut.begin.astimezone(UTC).isoformat(),
        "end": cut.end.astimezone(UTC).isoformat(),
        "version": version.name,
        "rows": len(cut.frame),
        "labelled": int(cut.frame["label"].is_not_null().sum()),
        "mature": cut.mature,
        "digest": read,
    }


def _maturity(cut: Cut, labels: str) -> tuple[Cohort, ...]:
    """Return which share of a mature window had labels after a quarter, a half and the whole of the usual time."""
    if not cut.mature or not len(cut.frame):
        return ()
    whole = after(cut.end, labels) - cut.end
    age = cut.frame["first_label_time"] - cut.frame["time"]
    return tuple(
        Cohort(days=part * whole.total_seconds() / 86_400, share=float((age <= part * whole).sum() / len(age)))
        for part in (0.25, 0.5, 1.0)
    )


def _calibration(life: _Life, cut: Cut, names: Any) -> ServedCalibration | None:
    """Return whether the window's probabilities are observed shares."""
    served = labelled(cut.frame, life.signature)
    unit = None if names is None else np.asarray(names)[served.rows]
    return calibrated(served, unit=unit, unit_name=life.kept.unit)


def _uncompared(cut: Cut, version: Version, read: str) -> Window:
    """Return a window of a version that nothing is known of; one that the registry does not know is a fault."""
    reason = version.unknown or because("version-without-profile", version=version.name)
    faults = () if version.signature is not None else (Fault(reason=reason, rows=len(cut.frame), share=1.0),)
    return Window(**_told(cut, version, read), faults=faults, not_looked_at=(reason,))


def _realised(life: _Life, cut: Cut, names: Any, *, blocked: bool) -> tuple[RealisedPerformance, ...]:
    """Look at the labels of a window; those of one with faults are told and not counted."""
    begin, end = cut.begin.astimezone(UTC).isoformat(), cut.end.astimezone(UTC).isoformat()
    seen = [
        each
        for one in life.watches
        for each in one.look(
            cut.frame, begin=begin, end=end, key=cut.key, unit=names, mature=cut.mature and not blocked
        )
    ]
    if not (blocked and cut.mature):
        return tuple(seen)
    why = because("window-faulty")
    return tuple(
        each.model_copy(update={"reason": why}) if each.reason and each.reason.code == "labels-immature" else each
        for each in seen
    )


def _counts(found: Counts) -> dict[str, int]:
    """Return what the log's reader found that somebody should know."""
    return {name: value for name, value in vars(found).items() if isinstance(value, int) and name not in _SHOWN}


_SHOWN = ("predictions", "labelled", "labels")
