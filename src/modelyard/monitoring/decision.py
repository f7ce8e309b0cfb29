"""What follows from what monitoring saw: pure, and for every input one of six actions with its reasons in numbers.

In this order: what is not about today's champion or has no complete window is not enough; a fault of the data in the
newest window is for whoever makes the data, and blocks everything else; a configured roll-back; a retraining that a
trigger asks for and no limit holds back; then what is worth watching, what is not known yet, and nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from modelyard.config.sections.monitor import Persistence, Policy
from modelyard.core.reasons import Reason, Value, because
from modelyard.core.verdict import Verdict
from modelyard.core.vocabulary import DecisionAction
from modelyard.monitoring.policy import (
    BUDGET_DAYS,
    HOLDS,
    TRIGGERS,
    Facts,
    Finding,
    Performance,
    Watched,
    finite,
    rule_of,
    shortfall,
    under_way,
)
from modelyard.records.results import Course, DecideResult, Fault, Limit, MonitorResult, Point, Signal, Window

T = TypeVar("T")
MOST_BEFORE, MOST_POINTS = 20, 16


@dataclass(frozen=True)
class _Bad:
    """A fault that is there in the newest windows."""

    fault: Fault
    windows: tuple[Window, ...]
    """Without a break, the first one first."""


def decide(monitor: MonitorResult, policy: Policy, facts: Facts) -> DecideResult:
    """Return what follows.

    Args:
        monitor: what was seen; windows oldest first.
        policy: ``monitor.policy``.
        facts: what is known beside the log.

    Returns:
        The decision; ``dispatch`` is left to whoever acts on it.
    """
    decided = _decided(monitor, policy, facts)
    age = _age(facts)
    said = {"age_days": age, "before": facts.before[:MOST_BEFORE], "course": course(monitor, decided, facts)}
    return decided.model_copy(update=said)


def _decided(monitor: MonitorResult, policy: Policy, facts: Facts) -> DecideResult:
    stretches = _stretches(monitor.windows)
    bad = _faults(stretches)
    told = tuple(_contract(each) for each in bad)
    if bad:
        return _investigate(bad, told, facts)
    if not facts.champion or monitor.champion != facts.champion:
        reason = because("champion-changed", monitored=monitor.champion or "none", champion=facts.champion or "none")
        return _result("not-enough-yet", reason, facts, would_change=(because("would-monitor-again"),))
    own = {facts.champion, *facts.names}
    windows = tuple(window for window in monitor.windows if window.version in own and not window.blocked)
    if not any(window.rows > 0 for window in windows) or not stretches:
        reason = because("no-complete-window", champion=facts.champion, rows=monitor.open_rows)
        return _result("not-enough-yet", reason, facts, would_change=(because("would-complete-window"),))
    watched = Watched(windows, facts)
    findings = tuple(trigger.look(policy, watched) for trigger in TRIGGERS)
    seen = _once(_signals(findings, watched))
    back = _roll_back(monitor, policy, watched)
    limits = tuple(limit for hold in HOLDS if (limit := hold(policy, facts)) is not None)
    limits += tuple(each.limit for each in findings if each.limit is not None)
    changes = _once([each.would_change for each in findings if each.would_change is not None])
    if back is not None and under_way(facts) is None:
        return _result("roll-back", back.reason, facts, signals=_first(back, seen), limits=limits)
    due = back or next((each.signal for each in findings if each.due and each.signal is not None), None)
    held = next((limit for limit in limits if limit.holds_back and limit.name != "persistence"), None)
    if due is not None and held is None:
        signals = _first(due, seen)
        return _result("retrain", due.reason, facts, signals=signals, limits=limits, would_change=_undo(policy))
    if due is not None and held is not None:
        reason = because("held-back", action=due.asks_for, by=held.name)
        signals = _first(due, seen)
        return _result("watch", reason, facts, signals=signals, limits=limits, would_change=(held.reason, *changes))
    return _quiet(policy, watched, seen, limits, changes)


def _quiet(
    policy: Policy,
    watched: Watched,
    seen: tuple[Signal, ...],
    limits: tuple[Limit, ...],
    changes: tuple[Reason, ...],
) -> DecideResult:
    facts = watched.facts
    worth = next((signal for signal in seen if signal.asks_for == "watch"), None)
    if worth is not None:
        signals = _first(worth, seen)
        return _result("watch", worth.reason, facts, signals=signals, limits=limits, would_change=changes)
    if policy.performance is not None and not _performance_known(policy.performance, watched):
        known, asked = len(watched.mature), policy.performance.windows
        reason = because("labels-not-mature", known=known, asked=asked, windows=len(watched.windows))
        more = because("would-mature", further=asked - known)
        return _result("not-enough-yet", reason, facts, signals=seen, limits=limits, would_change=(more, *changes))
    reason = because("all-quiet", windows=len(watched.windows))
    return _result("nothing", reason, facts, signals=seen, limits=limits, would_change=changes)


def _performance_known(asked: Persistence, watched: Watched) -> bool:
    """Tell whether as many windows speak of performance as could ever ask for a retraining."""
    spoken = {window.key for window in watched.mature}
    spoken |= {window.key for window in watched.windows if any(each.decides for each in window.estimated)}
    return len(spoken) >= asked.windows


def _result(
    action: DecisionAction,
    reason: Reason,
    facts: Facts,
    *,
    signals: tuple[Signal, ...] = (),
    limits: tuple[Limit, ...] = (),
    would_change: tuple[Reason, ...] = (),
    first_bad: str = "",
) -> DecideResult:
    return DecideResult(
        action=action,
        reason=reason,
        signals=signals,
        limits=limits,
        champion=facts.champion,
        first_bad_window=first_bad,
        would_change=would_change,
        monitored=facts.monitored,
    )


def _first(signal: Signal, others: tuple[Signal, ...]) -> tuple[Signal, ...]:
    return (signal, *(each for each in others if each != signal))


def _once(found: Sequence[T]) -> tuple[T, ...]:
    return tuple(each for at, each in enumerate(found) if each not in found[:at])


def _signals(findings: Sequence[Finding], watched: Watched) -> tuple[Signal, ...]:
    found = [each.signal for each in findings if each.signal is not None]
    newest = watched.windows[-1]
    if newest.separability is not None and newest.separability.alarm:
        auc = newest.separability.auc.value
        found.append(
            Signal(
                kind="separability",
                reason=because("told-apart", columns=newest.separability.columns[:5], window=newest.key),
                windows=(newest.key,),
                column=(newest.separability.columns or ("",))[0],
                effect=auc if finite(auc) else None,
                rows=newest.rows,
                share=1.0,
                asks_for="watch",
            )
        )
    return (*found, *(_contract(_Bad(fault, (newest,))) for fault in newest.faults))


def _undo(policy: Policy) -> tuple[Reason, ...]:
    return (because("would-hold", cool_down=policy.cool_down, budget=policy.budget, days=BUDGET_DAYS),)


def _age(facts: Facts) -> float | None:
    since = facts.trained_until or facts.champion_since
    return None if since is None else round(max((facts.now - since).total_seconds(), 0.0) / 86_400, 2)


# what decided, window by window


def course(monitor: MonitorResult, decided: DecideResult, facts: Facts) -> Course | None:
    """Return what decided over the last windows; None where it is no matter of windows."""
    signal = next(iter(decided.signals), None)
    if signal is None or not signal.windows:
        return None
    own = {facts.champion, *facts.names}
    windows = [each for each in monitor.windows if each.version in own or signal.kind == "contract"][-MOST_POINTS:]
    name, part = signal.column, ""
    if signal.kind == "contract":
        of, points = "fault", [_of_fault(each, name) for each in windows]
    elif signal.kind == "drift":
        of, points = "drift", [_of_drift(each, name) for each in windows]
    elif signal.kind in ("realised", "estimated") and signal.rule:
        name, part = signal.rule[0], signal.rule[-1]
        of = signal.kind
        points = [_of_realised(each, signal.rule) if of == "realised" else _of_estimate(each, name) for each in windows]
    else:
        return None
    marked = tuple(
        point.model_copy(update={"bad": window.key in signal.windows})
        for point, window in zip(points, windows, strict=True)
    )
    return Course.model_validate({"of": of, "name": name, "slice": part, "points": marked})


def _of_fault(window: Window, column: str) -> Point:
    share = max((each.share for each in window.faults if each.column == column), default=0.0)
    return Point(window=window.key, rows=window.rows, value=share)


def _of_drift(window: Window, column: str) -> Point:
    found = max((each for each in window.drift if each.column == column), key=lambda each: each.corrected, default=None)
    if found is None:
        return Point(window=window.key, rows=window.rows, value=None)
    return Point(window=window.key, rows=found.n, value=found.corrected, limit=found.limit)


def _of_realised(window: Window, rule: tuple[str, ...]) -> Point:
    found = next((each for each in window.realised if rule_of(each) == rule), None)
    if found is None:
        return Point(window=window.key, rows=0, value=None)
    seen = found.window
    return Point(
        window=window.key, rows=window.labelled, value=seen.value, low=seen.low, high=seen.high, limit=found.bound
    )  # fmt: skip


def _of_estimate(window: Window, metric: str) -> Point:
    found = next((each for each in window.estimated if each.metric == metric), None)
    if found is None:
        return Point(window=window.key, rows=window.rows, value=None)
    seen, then = found.estimate, found.reference
    limit = None if then is None else then.value
    return Point(window=window.key, rows=window.rows, value=seen.value, low=seen.low, high=seen.high, limit=limit)


# faults


def _stretches(windows: Sequence[Window]) -> tuple[tuple[Window, ...], ...]:
    """Return windows by key, oldest first: one stretch may have windows of several versions."""
    found: dict[str, list[Window]] = {}
    for window in sorted(windows, key=lambda each: (each.end, each.begin)):
        found.setdefault(window.key, []).append(window)
    return tuple(tuple(each) for each in found.values())


def _faults(stretches: Sequence[tuple[Window, ...]]) -> tuple[_Bad, ...]:
    """Return the faults that block in the newest stretch that was judged, each back to where its unbroken run began.

    A stretch in which nothing could be compared, as with three rows in it, neither ends a fault nor begins one.
    """
    told = [stretch for stretch in stretches if any(window.blocked or _judged(window) for window in stretch)]
    if not told:
        return ()
    newest = [(window, fault) for window in told[-1] for fault in window.faults if fault.blocks]
    found: dict[tuple[str, str], _Bad] = {}
    for window, fault in newest:
        run = [window]
        for earlier in reversed(told[:-1]):
            same = next((each for each in earlier if _has(each, fault)), None)
            if same is None:
                break
            run.insert(0, same)
        found.setdefault((fault.column, fault.reason.code), _Bad(fault, tuple(run)))
    return tuple(sorted(found.values(), key=lambda each: (-each.fault.share, each.fault.column)))


def _judged(window: Window) -> bool:
    return bool(window.drift or window.realised or window.estimated)


def _has(window: Window, fault: Fault) -> bool:
    return any(each.blocks and each.column == fault.column for each in window.faults)


def _contract(bad: _Bad) -> Signal:
    same = [fault for window in bad.windows for fault in window.faults if fault.column == bad.fault.column]
    rows = sum(window.rows for window in bad.windows)
    touched = sum(
        max((each.rows for each in w.faults if each.column == bad.fault.column), default=0) for w in bad.windows
    )
    return Signal(
        kind="contract",
        reason=bad.fault.reason,
        windows=tuple(window.key for window in bad.windows),
        column=bad.fault.column,
        effect=max((fault.share for fault in same), default=None),
        rows=touched,
        share=min(touched / rows, 1.0) if rows else None,
        asks_for="investigate" if bad.fault.blocks else "nothing",
    )


def _investigate(bad: Sequence[_Bad], told: tuple[Signal, ...], facts: Facts) -> DecideResult:
    worst = bad[0]
    first = worst.windows[0].key
    values: dict[str, Value] = {
        "first": first,
        "windows": len(worst.windows),
        "rows": worst.fault.rows,
        "share": worst.fault.share,
    }
    reason = (
        because("fault-in-column", column=worst.fault.column, **values)
        if worst.fault.column
        else because("fault-in-window", **values)
    )
    limit = Limit(name="fault", holds_back=True, reason=reason)
    clean = because("would-end-fault")
    return _result("investigate", reason, facts, signals=told, limits=(limit,), would_change=(clean,), first_bad=first)


# back to the version before


def _roll_back(monitor: MonitorResult, policy: Policy, watched: Watched) -> Signal | None:
    """Return what asks for a roll-back: the champion misses a rule in so many windows that the one before held.

    Not to a version that a roll-back left, and not without windows in which that version held the rule for certain.
    """
    facts = watched.facts
    if not policy.roll_back or not facts.previous or facts.moved_by != "promoted":
        return None
    asked = policy.performance or Persistence()
    finding = Performance().look(policy.model_copy(update={"performance": asked}), watched)
    if finding.signal is None or not finding.due:
        return None
    newest = watched.mature[-1]
    missed = [row for row in newest.realised if shortfall(row) is not None]
    earlier = [window for window in monitor.windows if window.version == facts.previous and not window.blocked]
    judged = [window for window in earlier if window.mature and window.realised]
    if not missed or not judged:
        return None
    for row in missed:
        same = [each for each in judged[-1].realised if rule_of(each) == rule_of(row)]
        if not same or any(each.verdict is not Verdict.PASS or not finite(each.low, each.high) for each in same):
            return None
    reason = because(
        "before-held", metric=missed[0].metric, previous=facts.previous, window=judged[-1].key, windows=asked.windows
    )
    return finding.signal.model_copy(update={"reason": reason, "asks_for": "roll-back"})
