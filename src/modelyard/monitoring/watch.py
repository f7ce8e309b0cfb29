"""Look at a log: window by window, cheapest first: contract, drift, estimated and realised performance."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from modelyard.config.sections.monitor import Monitor
from modelyard.core.reasons import Reason, because
from modelyard.monitoring.profile import Reference, Summary, summarise
from modelyard.monitoring.windows import Cut, windows
from modelyard.records.results import (
    Estimate,
    Fault,
    MonitorResult,
    Persistence,
    Signature,
    Window,
)

if TYPE_CHECKING:
    from modelyard.log.reader import PredictionLog


@dataclass(frozen=True)
class Version:
    """A version as the log names it and as the registry knows it.

    Attributes:
        name: its number, or what the log calls it where the registry does not know it.
        unknown: why its windows can be compared with nothing; None where they can.
        reference: what they are compared with.
        signature: what it takes and gives.
        metrics: its own test results.
    """

    name: str
    unknown: Reason | None
    reference: Reference | None = None
    signature: Signature | None = None
    metrics: Mapping[str, Estimate] = field(default_factory=dict)


def watch(
    log: "PredictionLog",
    versions: Mapping[str, Version],
    settings: Monitor,
    *,
    champion: str,
    key: bytes | None,
    now: datetime,
    say: Callable[[str], None] = lambda _text: None,
) -> MonitorResult:
    """Look at all complete windows of a log.

    Args:
        log: as it was read.
        versions: by the name that the log has for them.
        settings: ``monitor``.
        champion: the version that the alias points at.
        key: under which categories are named.
        now: the moment of looking.
        say: where progress goes.
    """
    found = windows(log.frame, every=settings.window, zone=settings.zone, labels=settings.labels, now=now)
    seen: list[Window] = []
    before: dict[str, list[Summary]] = {}
    for cut in found.cuts:
        version = versions[cut.version]
        window, summary = _look(cut, version, key)
        if summary is not None and not window.blocked:
            before.setdefault(version.name, []).append(summary)
        seen.append(window)
        say(f"{window.key} by {window.version}: {window.rows:,} predictions")
    return MonitorResult(
        champion=champion,
        reference=champion,
        until=log.until.isoformat(),
        predictions=log.counts.predictions,
        labelled=log.counts.labelled,
        counts={},
        windows=tuple(seen[-settings.windows :]),
        open_rows=found.open_rows,
        persistence=Persistence(alarms=settings.persistence.windows, windows=settings.persistence.of, false_alarms=0.0),
        columns=(),
    )


def _look(cut: Cut, version: Version, key: bytes | None) -> tuple[Window, Summary | None]:
    rows = len(cut.frame)
    labelled = int(cut.frame["label"].is_not_null().sum())
    told = {
        "key": cut.key,
        "begin": cut.begin.isoformat(),
        "end": cut.end.isoformat(),
        "version": version.name,
        "rows": rows,
        "labelled": labelled,
        "mature": cut.mature,
        "digest": cut.digest,
        "maturity": (),
    }
    if version.reference is None:
        reason = version.unknown or because("version-without-profile", version=version.name)
        blocks = version.signature is None
        fault = (Fault(reason=reason, rows=rows, share=1.0),) if blocks else ()
        return Window(**told, faults=fault, not_looked_at=(reason,)), None
    summary = summarise(cut.frame, version.reference, key=key)
    return Window(**told), summary
