"""Look at a log: window by window, cheapest first: contract, drift, estimated and realised performance."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

from modelyard.config.configuration import Config
from modelyard.config.sections.monitor import Monitor
from modelyard.core.reasons import Reason, because
from modelyard.evaluation.gates.misuse import metric_for
from modelyard.log.reader import Counts
from modelyard.log.stretches import Scan, total
from modelyard.metrics.catalogue import PRIMARY
from modelyard.monitoring.kept import Kept
from modelyard.monitoring.planned import planned
from modelyard.monitoring.profile import Summary, summarise
from modelyard.monitoring.realised import Watch, rules_of
from modelyard.monitoring.served import unit_names
from modelyard.monitoring.windows import Cut
from modelyard.records.results import Fault, MonitorResult, Persistence, RealisedPerformance, Signature, Window


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

    watches: tuple[Watch, ...]
    unit: str
    before: list[Summary] = field(default_factory=list)
    """Of its windows without faults."""


class Watcher:
    """Looks at the windows of one log, in the order of time.

    Args:
        versions: by the name that the log has for them.
        settings: ``monitor``.
        config: what columns mean, and the primary metric.
        key: under which categories are named.
    """

    def __init__(
        self, versions: Mapping[str, Version], settings: Monitor, config: Config, *, key: bytes | None = None
    ) -> None:
        self.versions, self.settings, self.config, self.key = versions, settings, config, key
        self._lives: dict[str, _Life] = {}

    def look(self, cut: Cut, digest: str) -> Window:
        """Look at one window, with a digest of what was read for it."""
        version = self.versions[cut.version]
        told = _told(cut, version, digest)
        if version.kept is None or version.signature is None:
            reason = version.unknown or because("version-without-profile", version=version.name)
            rows = len(cut.frame)
            faults = () if version.signature is not None else (Fault(reason=reason, rows=rows, share=1.0),)
            return Window(**told, faults=faults, not_looked_at=(reason,))
        names, unit, ordered = unit_names(cut.frame, self.config.data.columns)
        life = self._life(version, unit, ordered=ordered)
        summary = summarise(cut.frame, version.kept.reference, key=self.key)
        window = Window(**told)
        if not window.blocked:
            life.before.append(summary)
        return window.model_copy(update={"realised": _realised(life, cut, names, blocked=window.blocked)})

    def _life(self, version: Version, unit: str, *, ordered: bool) -> _Life:
        if version.name not in self._lives:
            assert version.kept is not None and version.signature is not None  # noqa: S101, PT018 - the caller looked
            model = self.config.model
            primary = metric_for(model.metric or PRIMARY[model.task], model.task)
            rules = rules_of(self.settings.performance, primary, version.signature)
            seed = int(version.digest.removeprefix("sha256:")[:8] or "0", 16)
            watches = tuple(
                Watch(rule, version.signature, version.kept.levels, unit=unit, ordered=ordered, seed=seed)
                for rule in rules
            )
            self._lives[version.name] = _Life(watches, unit)
        return self._lives[version.name]


def watch(
    log: Scan,
    versions: Mapping[str, Version],
    settings: Monitor,
    config: Config,
    *,
    champion: str,
    key: bytes | None,
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
        say: where progress goes.
    """
    plan = planned(log, every=settings.window, zone=settings.zone, labels=settings.labels)
    watcher = Watcher(versions, settings, config, key=key)
    seen, read = [], []
    for each in plan.windows:
        cut, counts = each.read()
        read.append(counts)
        if cut is not None:
            seen.append(watcher.look(cut, each.digest))
            say(f"{cut.key} by {cut.version}: {len(cut.frame):,} predictions")
    found = total(read)
    return MonitorResult(
        champion=champion,
        reference=champion,
        until=log.until.isoformat(),
        predictions=found.predictions + plan.open_rows,
        labelled=found.labelled,
        counts=_counts(found),
        windows=tuple(seen[-settings.windows :]),
        open_rows=plan.open_rows,
        persistence=Persistence(alarms=settings.persistence.windows, windows=settings.persistence.of, false_alarms=0.0),
    )


def _told(cut: Cut, version: Version, digest: str) -> dict[str, Any]:
    return {
        "key": cut.key,
        "begin": cut.begin.astimezone(UTC).isoformat(),
        "end": cut.end.astimezone(UTC).isoformat(),
        "version": version.name,
        "rows": len(cut.frame),
        "labelled": int(cut.frame["label"].is_not_null().sum()),
        "mature": cut.mature,
        "digest": digest,
    }


def _realised(life: _Life, cut: Cut, names: Any, *, blocked: bool) -> tuple[RealisedPerformance, ...]:
    """Look at the labels of a window; those of one with faults are told and not counted."""
    begin, end = cut.begin.astimezone(UTC).isoformat(), cut.end.astimezone(UTC).isoformat()
    seen = [
        each
        for one in life.watches
        for each in one.look(cut.frame, begin=begin, end=end, unit=names, mature=cut.mature and not blocked)
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
