"""What a decision knows beside the monitoring record: the registry's history, the configuration, the clock."""

from datetime import datetime

from modelyard.config.sections.monitor import Monitor
from modelyard.metrics.catalogue import PRIMARY
from modelyard.monitoring.policy import Facts, moment_of
from modelyard.records.envelope import Envelope
from modelyard.records.results import MonitorResult, PastDecision, Window
from modelyard.registry import decided
from modelyard.registry.journal import JournalEntry
from modelyard.registry.protocol import Decisions, Version
from modelyard.steps.context import Context


def gather(
    context: Context,
    settings: Monitor,
    envelope: Envelope,
    known: Decisions,
    before: tuple[PastDecision, ...],
    *,
    now: datetime,
    real: bool,
) -> Facts:
    """Return the facts.

    Args:
        context: of the step.
        settings: the section ``monitor``.
        envelope: the monitoring record.
        known: decisions and moves of late.
        before: the decisions, and what became of them.
        now: the moment of deciding.
        real: it is the clock's; otherwise a moment of the past is played again, and the journal's own times are later.
    """
    registry, alias = context.versions.open(), context.versions.alias
    champion = registry.find(alias)
    monitor = envelope.record.read(MonitorResult)
    last = next((entry for entry in known.entries if entry.alias == alias), None)
    if last is None:
        last = next(iter(registry.history(alias, newest=1)), None)
    since = None if last is None else _since(last, before, monitor, now=now, real=real)
    own, model = context.config.evaluate.metrics, context.config.model
    return Facts(
        now=now,
        champion="" if champion is None else champion.name,
        champion_since=since,
        monitored=envelope.digest,
        moved_by="" if last is None else last.kind,
        previous="" if last is None or last.from_ is None else last.from_,
        names=frozenset() if champion is None else frozenset({champion.digest, champion.manifest.model_digest}),
        before=before,
        data_changed=monitor.data_changed,
        labelled_since=_labelled(monitor, champion, since),
        primary=model.metric or PRIMARY[model.task],
        higher_is_better={
            name: bool(each.higher_is_better) for name, each in own.items() if each.higher_is_better is not None
        },
        zone=settings.log.zone or settings.zone,
    )


def _since(
    last: JournalEntry, before: tuple[PastDecision, ...], monitor: MonitorResult, *, now: datetime, real: bool
) -> datetime | None:
    """Return when the alias moved; of a moment that is played again, when it would have."""
    if real:
        return last.time
    followed = next((each for each in before if each.digest == decided.named_by(last)), None)
    if followed is not None:
        return moment_of(followed.time)
    if last.time <= now:
        return last.time
    first = next((window for window in monitor.windows if window.version == last.to), None)
    return None if first is None else moment_of(first.begin)


def _labelled(monitor: MonitorResult, champion: Version | None, since: datetime | None) -> int | None:
    if champion is None or since is None:
        return None

    def counts(window: Window) -> bool:
        begin = moment_of(window.begin)
        return window.version == champion.name or (begin is not None and begin >= since)

    return sum(window.labelled for window in monitor.windows if counts(window))
