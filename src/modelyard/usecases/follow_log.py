"""Follow the log of what serves: count its rows as they come, and tell what begins to be seen."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from modelyard.steps.context import CheckedOut
from modelyard.steps.monitor.step import kept, sources, version_of
from modelyard.steps.profile_key import key_of
from modelyard.steps.watched import settings_of

if TYPE_CHECKING:
    from modelyard.monitoring.follow import Followed, Follower
    from modelyard.records.results.monitor import Alarm


def follower(context: CheckedOut) -> "Follower":
    """Take up the log where the last one who followed it stopped.

    Raises:
        ConfigError: no log is configured, or what is named cannot be.
        DataError: what is kept is of another log, or damaged.
        PlatformError: somebody else follows it in this workspace.
    """
    from modelyard.monitoring.follow import Follower
    from modelyard.monitoring.windows import span

    settings = settings_of(context)
    return Follower(
        kept(context) / "follow.db",
        sources(context, settings.log),
        lambda named: _held(context, named),
        columns=context.config.data.columns,
        wait=span(settings.labels),
        zone=settings.zone,
        key=key_of(context),
    )


def follow(
    running: "Follower", tell: "Callable[[Alarm], None]", pause: Callable[[], None], *, looks: int | None = None
) -> None:
    """Look again and again.

    Args:
        running: who follows.
        tell: is given each alarm; one whose telling did not end is given again the next time.
        pause: waits between two looks.
        looks: how many; None: until the process is ended.

    Raises:
        DataError: a log that cannot be read; what was counted before is kept.
        PlatformError: the disk would not take it; the same.
    """
    done = 0
    while looks is None or done < looks:
        if done:
            pause()
        for told in running.look():
            for alarm in told:
                tell(alarm)
        done += 1


def _held(context: CheckedOut, named: str) -> "Followed | None":
    """Return what a version is held to: its reference, and the rules of the configuration for all rows."""
    from modelyard.monitoring.follow import Followed
    from modelyard.monitoring.watch import watches_of

    version = version_of(context, named)
    if version.kept is None or version.signature is None:
        return None
    return Followed(version.kept.reference, watches_of(version, settings_of(context), context.config))
