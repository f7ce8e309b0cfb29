"""What the steps that watch what serves have in common: what they are asked, and what is shown of them."""

from datetime import UTC, datetime

from modelyard.config.sections.monitor import Monitor
from modelyard.core.errors import ConfigError
from modelyard.records.envelope import Envelope, Record, Step, plain_record
from modelyard.records.results import DECIDE, MONITOR, MonitorResult
from modelyard.records.store import RunRecords
from modelyard.steps.context import Context


def settings_of(context: Context) -> Monitor:
    """Return the section of the configuration.

    Raises:
        ConfigError: there is none.
    """
    if context.config.monitor is None:
        raise ConfigError(
            f"{context.loaded.file} has no section monitor",
            code="monitor/not-configured",
            hint="Name the log of predictions, such as  monitor: {log: {source: predictions}}  (docs/monitoring.md).",
        )
    return context.config.monitor


def moment_of(context: Context, as_of: str) -> datetime:
    """Return the moment that is meant, in UTC; now where none is named.

    Raises:
        ConfigError: it is no moment with a zone.
    """
    if not as_of:
        return context.now()
    try:
        found = datetime.fromisoformat(as_of)
    except ValueError:
        found = None
    if found is None or found.utcoffset() is None:
        raise ConfigError(
            f"--as-of {as_of[:60]!r} is no moment",
            code="monitor/bad-moment",
            hint="Write it with its zone: 2026-05-03T06:00:00Z.",
        )
    return found.astimezone(UTC)


def shown(records: RunRecords, newest: int | None = None) -> dict[Step, Envelope]:
    """Return what was seen, and the decision on it where there is one.

    Args:
        records: of the run folder.
        newest: so many of the last windows; None: all.

    Raises:
        DataError: nothing was looked at here.
    """
    seen = records.read(MONITOR.name)
    found: dict[Step, Envelope] = {MONITOR.name: _cut(seen, newest)}
    decided = records.find(DECIDE.name)
    if decided is not None and seen.link in decided.record.builds_on:
        found[DECIDE.name] = decided
    return found


def _cut(seen: Envelope, newest: int | None) -> Envelope:
    result = seen.record.find(MonitorResult)
    if newest is None or result is None:
        return seen
    fewer = result.model_copy(update={"windows": result.windows[-newest:]}).model_dump(mode="json")
    return Envelope.seal(Record.model_validate({**plain_record(seen.record), "result": fewer}))
