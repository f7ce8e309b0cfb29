"""monitor: what serves is watched, window by window, from its log of predictions and the labels that come later."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import modelyard.records.results as r
from modelyard.config.meaning import meaning
from modelyard.config.sections.monitor import Log, Monitor
from modelyard.core.errors import ConfigError, DataError
from modelyard.core.reasons import because
from modelyard.registry import decided
from modelyard.registry.protocol import Version
from modelyard.registry.records import version_records
from modelyard.steps.context import CheckedOut, Context
from modelyard.steps.declaration import TOKEN, Inputs, Outputs, StepSpec
from modelyard.steps.definition import Outcome, StepDefinition
from modelyard.steps.monitor.present import MonitorPresenter
from modelyard.steps.monitor.rescore import Rescorer
from modelyard.steps.profile_key import PROFILE_KEY, key_of
from modelyard.steps.watched import moment_of, settings_of

if TYPE_CHECKING:
    from modelyard.log.source import LogSource
    from modelyard.log.stretches import Scan
    from modelyard.monitoring.watch import Version as Watched


_MOST_MARKS = 60
"""Decisions that a chart shows."""


class MonitorInputs(Inputs):
    """Inputs of monitor."""

    as_of: str = ""
    """Look as if it were this moment, such as 2026-05-03T06:00:00Z; predictions and labels of later are not seen.
    Default: now."""


class MonitorOutputs(Outputs):
    """Outputs of monitor."""

    windows: int
    """How many complete windows were looked at."""
    faults: int
    """How many windows have faults of the data."""


SPEC = StepSpec(
    name="monitor",
    summary="Watch what serves: faults of the data, drift, estimated and realised performance, window by window.",
    example="modelyard monitor",
    inputs=MonitorInputs,
    outputs=MonitorOutputs,
    secrets=(TOKEN, PROFILE_KEY),
)


def reads(context: Context, inputs: MonitorInputs) -> Mapping[str, Any]:
    """Return the champion and what is asked; the log grows, so that nothing is ever taken for unchanged."""
    champion = context.versions.find_champion()
    return {
        "champion": None if champion is None else champion.name,
        "settings": meaning(context.config)["monitor"],
        "as-of": inputs.as_of,
    }


def run(context: CheckedOut, inputs: MonitorInputs) -> Outcome:
    """Read the log, cut it into windows, and look at each."""
    from modelyard.monitoring.watch import watch

    settings, now = settings_of(context), moment_of(context, inputs.as_of)
    champion = context.versions.find_champion()
    if champion is None:
        raise ConfigError(
            f"there is no {context.config.registry.alias} to watch",
            code="monitor/no-champion",
            hint="Promote a model first: modelyard run --promote.",
        )
    log = read(context, settings, now)
    names = list(log.versions)
    context.console.say(
        f"  {sum(log.versions.values()):,} predictions by {', '.join(names[:5])}{' …' if len(names) > 5 else ''}"
    )
    with Rescorer(context, settings.rescore) as rescore:
        result = watch(
            log,
            {name: version_of(context, name) for name in names},
            settings,
            context.config,
            champion=champion.name,
            key=key_of(context),
            rescore=rescore,
            later=0 if inputs.as_of else _later(log, now),
            cache=kept(context) / "windows",
            say=lambda text: context.console.say(f"  {text}"),
        )
    result = result.model_copy(update={"marks": _marks(context, result)})
    if settings.policy.data_change:
        result = result.model_copy(update={"data_changed": _data_changed(context, champion)})
    return Outcome(result, result.verdict, champion_version=champion.name)


def _marks(context: Context, result: r.MonitorResult) -> tuple[r.Mark, ...]:
    """Return the decisions before, each at the last window that was over then."""
    entries = context.versions.open().decisions(newest=_MOST_MARKS, days=3650).entries
    marks = []
    for each in reversed(decided.past(entries, context.versions.alias)):
        moment = datetime.fromisoformat(each.time)
        over = [window.key for window in result.windows if datetime.fromisoformat(window.end) <= moment]
        if over:
            marks.append(r.Mark(window=over[-1], action=each.action))
    return tuple(marks)


def _later(log: "Scan", now: datetime) -> int:
    """Return how many predictions are from after tomorrow, by the log's days."""
    tomorrow = (now.astimezone(UTC) + timedelta(days=1)).date().isoformat()
    return sum(rows for day, rows in log.volume().items() if day > tomorrow)


def _data_changed(context: CheckedOut, champion: Version) -> bool | None:
    """Tell whether the data sets differ from those of the champion's run; None of one that carries no record of it."""
    record = version_records(context.versions.open(), champion).get("detect")
    then = None if record is None else record.record.find(r.DetectResult)
    return None if then is None else {each.name: each.digest for each in then.sets} != context.digest_data()


def read(context: CheckedOut, settings: Monitor, now: datetime) -> "Scan":
    """Open the log that the configuration names, as it was at a moment.

    Raises:
        ConfigError: it lies outside the workspace.
        DataError: it cannot be read.
    """
    from modelyard.log.stretches import Scan
    from modelyard.monitoring.windows import reach

    return Scan(sources(context, settings.log), reach=reach(settings.labels), now=now, cache=kept(context) / "log")


def kept(context: CheckedOut) -> Path:
    """Return where monitoring keeps what it need not look at again."""
    return context.workspace.open_state() / "monitor"


def sources(context: CheckedOut, named: Log) -> "list[LogSource]":
    """Return the log that the configuration names, of which nothing is read yet.

    Raises:
        ConfigError: it lies outside the workspace, or what is named cannot be.
    """
    from modelyard.log.stretches import sources_of

    for of in (named, named.labels):
        for source in () if of is None else (of.source,) if isinstance(of.source, str) else of.source:
            if "://" not in source:
                context.workspace.inside(source, "monitor.log.source")
    return sources_of(named, root=context.workspace.base)


def version_of(context: Context, named: str) -> "Watched":
    """Return what is known of a version that the log names: by number, or by the digest of its model."""
    from modelyard.monitoring.kept import PATH, Kept
    from modelyard.monitoring.watch import Version as Watched

    registry = context.versions.open()
    try:
        version = registry.resolve(named)
    except (ConfigError, DataError):
        return Watched(named, because("version-unknown", version=named))
    known = Watched(version.name, None, None, version.manifest.signature, version.manifest.model_digest)
    if not any(file.path == PATH for file in version.manifest.files):
        return replace(known, unknown=because("version-without-profile", version=version.name))
    try:
        return replace(known, kept=Kept.model_validate_json(registry.read(version, PATH)))
    except ValueError:
        return replace(known, unknown=because("profile-unreadable", version=version.name))


MONITOR = StepDefinition(
    SPEC,
    r.MONITOR,
    (),
    reads,
    run,
    MonitorPresenter(),
    reads_data=False,
    about_data=False,
)
