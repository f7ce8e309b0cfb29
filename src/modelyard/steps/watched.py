"""What the steps that watch what serves are asked: their section of the configuration, and the moment of looking."""

from datetime import UTC, datetime

from modelyard.config.sections.monitor import Monitor
from modelyard.core.errors import ConfigError
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
