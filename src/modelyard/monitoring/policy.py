"""What may ask for a retraining, and what holds one back: each an object over windows, facts and ``monitor.policy``.

Everything here fails closed: a number that is missing or not finite, a label that is not mature yet, a window with a
fault of the data, a fact that is not known never ask for anything.
"""

import math
from calendar import monthrange
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from modelyard.config.sections.monitor import Persistence, Policy
from modelyard.core.reasons import Reason, Value, because
from modelyard.core.verdict import Verdict
from modelyard.metrics.catalogue import METRICS
from modelyard.records.results import (
    Estimate,
    EstimatedPerformance,
    Limit,
    PastDecision,
    RealisedPerformance,
    Signal,
    Window,
)

BUDGET_DAYS = 30
LONGEST_RUN = timedelta(days=3)
"""After which a run that was started and never ended is taken for lost."""


@dataclass(frozen=True)
class Facts:
    """What is known beside the log."""

    now: datetime
    champion: str
    """The version that the alias points at now."""
    champion_since: datetime | None
    """When the alias moved there."""
    monitored: str
    """Digest of the monitoring record."""
    moved_by: str = "promoted"
    """How it came there: promoted, adopted or rolled-back."""
    previous: str = ""
    """The version before."""
    trained_until: datetime | None = None
    """The newest moment of its training rows."""
    names: frozenset[str] = frozenset()
    """What else a log may call the champion, such as its digest."""
    before: tuple[PastDecision, ...] = ()
    """Decisions, newest first."""
    data_changed: bool | None = None
    """The training data is no longer what the champion was made from; None where that is not known."""
    labelled_since: int | None = None
    """Labelled predictions since the champion was trained; None where that is not known."""
    primary: str = ""
    """The primary metric."""
    higher_is_better: Mapping[str, bool] = field(default_factory=dict)
    """Of metrics that are the user's own."""
    zone: str = "UTC"
    """IANA zone of quiet hours."""


@dataclass(frozen=True)
class Watched:
    """The champion's windows that count, oldest first: complete, and free of faults that block."""

    windows: tuple[Window, ...]
    facts: Facts

    @property
    def mature(self) -> tuple[Window, ...]:
        """Those whose labels are as complete as they get and were judged."""
        return tuple(window for window in self.windows if window.mature and any(_known(row) for row in window.realised))

    def higher(self, metric: str) -> bool | None:
        """Return whether more is better; None of a metric that is not known."""
        return METRICS.get(metric).higher_is_better if metric in METRICS else self.facts.higher_is_better.get(metric)


@dataclass(frozen=True)
class Finding:
    """What one trigger says."""

    signal: Signal | None = None
    limit: Limit | None = None
    would_change: Reason | None = None
    due: bool = False
    """It asks for a retraining."""


NOTHING = Finding()


class Trigger(Protocol):
    """Something that may ask for a retraining."""

    @property
    def name(self) -> str:
        """Its key in ``monitor.policy``."""
        ...

    def look(self, policy: Policy, watched: Watched) -> Finding:
        """Say what it sees."""
        ...


def finite(*values: float | None) -> bool:
    """Tell whether all are numbers."""
    return all(value is not None and math.isfinite(value) for value in values)


def after(moment: datetime, stretch: str) -> datetime:
    """Return the moment a stretch later, such as ``3 months``: the same day of the month, or its last one."""
    number, unit = int(stretch.split()[0]), stretch.split()[1].removesuffix("s")
    try:
        if unit != "month":
            return moment + timedelta(hours=number * {"hour": 1, "day": 24, "week": 168}[unit])
        year, month = divmod(moment.year * 12 + moment.month - 1 + number, 12)
        return moment.replace(year=year, month=month + 1, day=min(moment.day, monthrange(year, month + 1)[1]))
    except (OverflowError, ValueError):
        return datetime.max.replace(tzinfo=UTC)


def shown(moment: datetime) -> str:
    """Return a moment as sentences name it: 2026-05-03 12:00 UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _known(row: RealisedPerformance) -> bool:
    return row.n > 0 and row.verdict in (Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE)


def rule_of(row: RealisedPerformance) -> tuple[str, str, str, str]:
    """Return what tells one rule and slice from others."""
    return row.metric, row.operator, row.against, row.slice


def shortfall(row: RealisedPerformance) -> Estimate | None:
    """Return how far a rule is missed for certain, positive and by the limits that hold at every look; else None.

    The window's own value has to lie on the wrong side too: a sequence that failed once says nothing about a window
    that recovered.
    """
    value, low, high, bound = row.window.value, row.low, row.high, row.bound
    if row.verdict is not Verdict.FAIL or not _known(row) or not finite(value, low, high, bound):
        return None
    if value is None or low is None or high is None or bound is None:
        return None
    if high <= bound and value < bound:
        found = (bound - value, bound - high, bound - low)
    elif low >= bound and value > bound:
        found = (value - bound, low - bound, high - bound)
    else:
        return None
    return Estimate(value=found[0], low=found[1], high=found[2], n=row.units, unit=row.window.unit, rows=row.n)


def estimated_harm(row: EstimatedPerformance, *, higher: bool | None) -> Estimate | None:
    """Return how much worse an estimate without labels is than on the test rows, where the intervals do not meet.

    None where it is not for certain, where the track record does not let it count, or where anything is unknown.
    """
    now, then = row.estimate, row.reference
    if not row.decides or then is None or higher is None:
        return None
    if not finite(now.value, now.low, now.high, then.value, then.low, then.high):
        return None
    sign = 1 if higher else -1
    ends = [sign * ((a or 0.0) - (b or 0.0)) for a, b in ((then.low, now.high), (then.high, now.low))]
    value = sign * ((then.value or 0.0) - (now.value or 0.0))
    if min(ends) <= 0:
        return None
    return Estimate(value=value, low=min(ends), high=max(ends), n=now.n, unit=now.unit, rows=now.rows)


def _seen_in(asked: Persistence, windows: Sequence[Window], bad: Iterable[Window]) -> tuple[tuple[Window, ...], bool]:
    """Return which of the last windows are bad, and whether they are as many as are asked for."""
    keys = {window.key for window in bad}
    found = tuple(window for window in windows[-asked.of :] if window.key in keys)
    return found, len(found) >= asked.windows


def _persistence(asked: Persistence, seen: int, of: str) -> Limit:
    reason = because("seen-in-windows", of=of, seen=seen, windows=asked.windows, last=asked.of)
    return Limit(name="persistence", holds_back=0 < seen < asked.windows, reason=reason)


@dataclass(frozen=True)
class Performance:
    """A rule is missed for certain in so many windows with mature labels."""

    name: str = "performance"

    def look(self, policy: Policy, watched: Watched) -> Finding:
        """Look at each rule and slice alone; the one that is missed most often speaks."""
        asked = policy.performance or Persistence()
        mature = watched.mature
        rows = {rule_of(row) for window in mature for row in window.realised}
        best: tuple[int, float, Finding] | None = None
        for rule in sorted(rows):
            harms = {
                window.key: harm
                for window in mature
                for row in window.realised
                if rule_of(row) == rule and (harm := shortfall(row)) is not None
            }
            bad, due = _seen_in(asked, mature, [window for window in mature if window.key in harms])
            if not bad:
                continue
            finding = self._finding(policy, rule, bad, harms[bad[-1].key], due=due)
            rank = (len(bad), harms[bad[-1].key].value or 0.0)
            if best is None or rank > best[:2]:
                best = (*rank, finding)
        if best is not None:
            return best[2]
        if policy.performance is None or not mature:
            return NOTHING
        change = because("would-retrain-missed", windows=asked.windows, last=asked.of)
        return Finding(None, _persistence(asked, 0, "performance"), change)

    @staticmethod
    def _finding(
        policy: Policy, rule: tuple[str, str, str, str], bad: tuple[Window, ...], harm: Estimate, *, due: bool
    ) -> Finding:
        asked = policy.performance
        labelled = sum(window.labelled for window in bad)
        rows = sum(window.rows for window in bad)
        last = (asked or Persistence()).of
        values: dict[str, Value] = {"metric": rule[0], "windows": len(bad), "last": last, "by": _rounded(harm.value)}
        reason = (
            because("missed-in-slice", slice=rule[3], **values) if rule[3] else because("missed-for-certain", **values)
        )
        asks = due and asked is not None
        signal = Signal(
            kind="realised",
            reason=reason,
            windows=tuple(window.key for window in bad),
            rule=rule,
            effect=harm.value,
            rows=labelled,
            share=labelled / rows if rows else None,
            harm=harm,
            asks_for="retrain" if asks else "watch",
        )
        if asked is None:
            return Finding(signal)
        change = None if asks else because("would-retrain-missed-more", further=asked.windows - len(bad), last=asked.of)
        return Finding(signal, _persistence(asked, len(bad), "performance"), change, asks)


def _rounded(value: float | None) -> float:
    return float(f"{value or 0.0:.3g}")


def harm_of(window: Window, watched: Watched) -> Estimate | None:
    """Return what is lost in a window for certain: by mature labels, else by an estimate that may decide."""
    if window.mature:
        found = [harm for row in window.realised if (harm := shortfall(row)) is not None]
        if found or any(_known(row) for row in window.realised):
            return max(found, key=lambda harm: harm.value or 0.0, default=None)
    known = [
        harm for row in window.estimated if (harm := estimated_harm(row, higher=watched.higher(row.metric))) is not None
    ]
    return max(known, key=lambda harm: harm.value or 0.0, default=None)


@dataclass(frozen=True)
class DriftWithHarm:
    """Persistent drift in windows in which performance suffers for certain."""

    name: str = "drift"

    def look(self, policy: Policy, watched: Watched) -> Finding:
        """Look at persistent drift; without harm it is watched."""
        asked = policy.drift or Persistence()
        drifting = [window for window in watched.windows[-asked.of :] if _drifting(window)]
        if not drifting:
            return NOTHING
        harms = {window.key: harm for window in drifting if (harm := harm_of(window, watched)) is not None}
        bad, due = _seen_in(asked, watched.windows, [window for window in drifting if window.key in harms])
        columns = sorted({name for window in drifting for name in _drifting(window)})
        largest = max(
            (each for window in drifting for each in window.drift if each.persistent), key=lambda each: each.corrected
        )
        asks = due and policy.drift is not None
        values: dict[str, Value] = {
            "columns": tuple(columns[:5]),
            "windows": len(drifting),
            "harmed": len(bad),
            "last": asked.of,
        }
        signal = Signal(
            kind="drift",
            reason=because("drift-with-harm", **values) if bad else because("drift-without-harm", **values),
            windows=tuple(window.key for window in (bad or drifting)),
            column=largest.column,
            effect=largest.corrected,
            rows=sum(window.rows for window in drifting),
            share=1.0,
            harm=harms[bad[-1].key] if bad else None,
            asks_for="retrain" if asks else "watch",
        )
        if policy.drift is None:
            return Finding(signal)
        change = None if asks else because("would-retrain-harm", further=asked.windows - len(bad), last=asked.of)
        return Finding(signal, _persistence(asked, len(bad), "drift"), change, asks)


def _drifting(window: Window) -> tuple[str, ...]:
    return tuple(each.column for each in window.drift if each.persistent and each.alarm and finite(each.corrected))


@dataclass(frozen=True)
class DataChange:
    """The training data is not what the champion was made from."""

    name: str = "data-change"

    def look(self, policy: Policy, watched: Watched) -> Finding:
        """Compare digests; what is not known asks for nothing."""
        if not policy.data_change:
            return NOTHING
        if not watched.facts.data_changed:
            known = watched.facts.data_changed is not None
            return Finding(would_change=because("would-retrain-data") if known else because("data-not-known"))
        return Finding(Signal(kind="data", reason=because("data-changed"), asks_for="retrain"), due=True)


@dataclass(frozen=True)
class NewRows:
    """So many labelled predictions since the champion was trained."""

    name: str = "new-rows"

    def look(self, policy: Policy, watched: Watched) -> Finding:
        """Count them."""
        if policy.new_rows is None:
            return NOTHING
        rows = watched.facts.labelled_since
        if rows is None:
            return Finding(would_change=because("rows-not-known"))
        due = rows >= policy.new_rows
        reason = because("new-rows", rows=rows, asked=policy.new_rows)
        limit = Limit(name="new-rows", holds_back=False, reason=reason)
        if not due:
            return Finding(None, limit, because("would-retrain-rows", further=policy.new_rows - rows))
        return Finding(Signal(kind="rows", reason=reason, rows=rows, asks_for="retrain"), limit, due=True)


@dataclass(frozen=True)
class Costs:
    """The loss that is expected until the next window costs more than a retraining."""

    name: str = "costs"

    def look(self, policy: Policy, watched: Watched) -> Finding:
        """Compare the newest certain shortfall of the primary metric with the price of a retraining."""
        if policy.costs is None:
            return NOTHING
        found = _newest_harm(watched)
        if found is None:
            return NOTHING
        window, harm, rule = found
        lost = (harm.value or 0.0) * window.rows * policy.costs.loss
        if not finite(lost):
            return NOTHING
        due = lost > policy.costs.retrain
        reason = because("loss-expected", lost=_rounded(lost), price=policy.costs.retrain, rows=window.rows)
        signal = Signal(
            kind="realised" if window.mature else "estimated",
            reason=reason,
            windows=(window.key,),
            rule=rule,
            effect=harm.value,
            rows=window.rows,
            share=1.0,
            harm=harm,
            asks_for="retrain" if due else "watch",
        )
        change = None if due else because("would-retrain-loss", price=policy.costs.retrain)
        return Finding(signal, None, change, due)


def _newest_harm(watched: Watched) -> tuple[Window, Estimate, tuple[str, ...]] | None:
    """Return the newest window of which the primary metric is known, what is lost in it for certain, by which rule."""
    primary = watched.facts.primary
    for window in reversed(watched.windows):
        rows = [row for row in window.realised if row.metric == primary and not row.slice and _known(row)]
        if window.mature and rows:
            harms = [(harm, rule_of(row)) for row in rows if (harm := shortfall(row)) is not None]
            worst = max(harms, key=lambda each: each[0].value or 0.0, default=None)
            return None if worst is None else (window, *worst)
        for each in window.estimated:
            if each.metric == primary and each.decides:
                harm = estimated_harm(each, higher=watched.higher(primary))
                return None if harm is None else (window, harm, (primary, ""))
    return None


def _by_date(stretch: str, since: datetime | None, now: datetime) -> tuple[datetime | None, bool]:
    due = None if since is None else after(since, stretch)
    return due, due is not None and now >= due


@dataclass(frozen=True)
class Calendar:
    """So long after the promotion."""

    name: str = "every"

    def look(self, policy: Policy, watched: Watched) -> Finding:
        """Count from the promotion."""
        if policy.every is None:
            return NOTHING
        date, due = _by_date(policy.every, watched.facts.champion_since, watched.facts.now)
        if date is None:
            return NOTHING
        if not due:
            return Finding(would_change=because("would-retrain-on", date=shown(date)))
        reason = because("calendar-due", every=policy.every, date=shown(date))
        return Finding(Signal(kind="calendar", reason=reason, asks_for="retrain"), due=True)


@dataclass(frozen=True)
class MaxAge:
    """The champion is older than it may get."""

    name: str = "max-age"

    def look(self, policy: Policy, watched: Watched) -> Finding:
        """Count from the newest training row, else from the promotion."""
        if policy.max_age is None:
            return NOTHING
        since = watched.facts.trained_until or watched.facts.champion_since
        date, due = _by_date(policy.max_age, since, watched.facts.now)
        if date is None:
            return NOTHING
        reason = because("max-age", age=policy.max_age, date=shown(date))
        limit = Limit(name="max-age", holds_back=False, reason=reason)
        if not due:
            return Finding(None, limit, because("would-retrain-on", date=shown(date)))
        signal = Signal(kind="age", reason=because("too-old", age=policy.max_age), asks_for="retrain")
        return Finding(signal, limit, due=True)


TRIGGERS: tuple[Trigger, ...] = (
    Performance(),
    DriftWithHarm(),
    Costs(),
    DataChange(),
    NewRows(),
    Calendar(),
    MaxAge(),
)
"""What may ask for a retraining; the first that does is the reason."""


def moment_of(text: str) -> datetime | None:
    """Return a decision's time; None where it cannot be read."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def retrainings(facts: Facts) -> tuple[tuple[datetime, PastDecision], ...]:
    """Return every retraining that was started, newest first; one whose time cannot be read counts as of now."""
    started = [each for each in facts.before if each.action == "retrain" and each.outcome != "none"]
    return tuple((moment_of(each.time) or facts.now, each) for each in started)


def under_way(facts: Facts) -> datetime | None:
    """Return since when a run goes on that a decision started; None where none does."""
    found = (each for each in facts.before if each.outcome == "open" and each.action in ("retrain", "roll-back"))
    times = (moment_of(each.time) or facts.now for each in found)
    return next((when for when in times if facts.now - when < LONGEST_RUN), None)


def cool_down(policy: Policy, facts: Facts) -> Limit:
    """No retraining soon after the last one, while one goes on, or after the alias moved."""
    going_on = under_way(facts)
    if going_on is not None:
        return Limit(name="cool-down", holds_back=True, reason=because("run-goes-on", since=shown(going_on)))
    if facts.champion_since is None:
        return Limit(name="cool-down", holds_back=True, reason=because("promotion-not-known"))
    last = max([facts.champion_since, *(when for when, _ in retrainings(facts))])
    until = after(last, policy.cool_down)
    values = {"stretch": policy.cool_down, "last": shown(last), "until": shown(until)}
    if facts.now < until:
        return Limit(name="cool-down", holds_back=True, reason=because("cools-down", **values))
    return Limit(name="cool-down", holds_back=False, reason=because("cooled-down", **values))


def budget(policy: Policy, facts: Facts) -> Limit:
    """Retrainings in any 30 days."""
    begin = facts.now - timedelta(days=BUDGET_DAYS)
    used = sorted(when for when, _ in retrainings(facts) if when > begin)
    values = {"used": len(used), "budget": policy.budget, "days": BUDGET_DAYS}
    if len(used) < policy.budget:
        return Limit(name="budget", holds_back=False, reason=because("budget-left", **values))
    if not policy.budget:
        return Limit(name="budget", holds_back=True, reason=because("no-budget"))
    free = used[len(used) - policy.budget] + timedelta(days=BUDGET_DAYS)
    return Limit(name="budget", holds_back=True, reason=because("budget-used", **values, until=shown(free)))


def quiet_hours(policy: Policy, facts: Facts) -> Limit | None:
    """Hours in which none is started; equal hours are the whole day."""
    if policy.quiet_hours is None:
        return None
    begin, end = (int(hour) for hour in policy.quiet_hours.split("-"))
    hour = facts.now.astimezone(ZoneInfo(facts.zone)).hour
    quiet = (begin <= hour < end) if begin < end else (hour >= begin or hour < end)
    values = {"begin": f"{begin:02d}:00", "end": f"{end:02d}:00", "zone": facts.zone}
    reason = because("quiet-now", **values) if quiet else because("quiet-later", **values)
    return Limit(name="quiet-hours", holds_back=quiet, reason=reason)


HOLDS: tuple[Callable[[Policy, Facts], Limit | None], ...] = (cool_down, budget, quiet_hours)
"""What holds a retraining back, whatever asked for it."""
