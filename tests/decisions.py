"""Monitoring results made by hand, for tests of what follows from them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from modelyard.config.sections.monitor import Policy
from modelyard.core.reasons import Reason, because
from modelyard.core.verdict import Verdict
from modelyard.monitoring.decision import decide
from modelyard.monitoring.policy import Facts
from modelyard.records.envelope import Envelope, Record, plain_record, write_record
from modelyard.records.results import (
    DecideResult,
    Drift,
    Estimate,
    EstimatedPerformance,
    Fault,
    MonitorResult,
    PastDecision,
    Persistence,
    RealisedPerformance,
    Separability,
    Window,
)
from tests.registry_samples import MODEL, record

NOW = datetime(2013, 9, 15, 12, tzinfo=UTC)
MONITORED = f"sha256:{'5e' * 32}"


def digest(of: int) -> str:
    """A digest that is told from others by a number."""
    return f"sha256:{of:064x}"


def fault(column: str = "distance", code: str = "unit-changed", *, share: float = 1.0, blocks: bool = True) -> Fault:
    """A fault of the data."""
    return Fault(column=column, reason=Reason(code), rows=int(1000 * share), share=share, blocks=blocks)


def drift(column: str = "dep_delay", *, persistent: bool = True, effect: float = 0.3) -> Drift:
    """An alarm of drift."""
    return Drift(
        column=column, statistic="kolmogorov-smirnov", n=1000, effect=effect, corrected=effect - 0.05, limit=0.1,
        p=1e-9, adjusted=1e-8, alarm=True, persistent=persistent,
    )  # fmt: skip


def quiet_drift(column: str = "dep_delay") -> Drift:
    """A column that was compared, without an alarm."""
    return Drift(
        column=column, statistic="kolmogorov-smirnov", n=1000, effect=0.02, corrected=0.0, limit=0.1, p=0.5,
        adjusted=0.9, alarm=False,
    )  # fmt: skip


def realised(
    verdict: Verdict = Verdict.PASS, *, metric: str = "roc_auc", value: float | None = None, slice_: str = ""
) -> RealisedPerformance:
    """Realised performance against a bound of 0.8, of which more is better."""
    at = {Verdict.PASS: 0.85, Verdict.FAIL: 0.7}.get(verdict, 0.8)
    at = at if value is None else value
    low, high = {Verdict.PASS: (0.81, 0.9), Verdict.FAIL: (0.65, 0.76)}.get(verdict, (0.7, 0.9))
    return RealisedPerformance(
        metric=metric, slice=slice_, operator="at_least", bound=0.8, low=low, high=high, n=1000, units=1000, looks=1,
        window=Estimate(value=at, low=at - 0.05, high=at + 0.05, n=1000, rows=1000), verdict=verdict,
    )  # fmt: skip


def estimated(value: float, *, decides: bool = True, metric: str = "roc_auc") -> EstimatedPerformance:
    """An estimate without labels, beside 0.85 on the test rows."""
    around = {"low": value - 0.02, "high": value + 0.02}
    return EstimatedPerformance(
        metric=metric, method="cbpe", decides=decides, estimate=Estimate(value=value, n=1000, **around),
        reference=Estimate(value=0.85, low=0.83, high=0.87, n=2000),
    )  # fmt: skip


def window(week: int, **changes: Any) -> Window:
    """The window of a week: mature, labelled and quiet."""
    begin = datetime(2013, 7, 1, tzinfo=UTC) + timedelta(weeks=week)
    known: dict[str, Any] = {
        "key": f"{begin:%Y-%m-%d}",
        "begin": begin.isoformat(),
        "end": (begin + timedelta(weeks=1)).isoformat(),
        "version": "v3",
        "rows": 1000,
        "labelled": 1000,
        "mature": True,
        "digest": digest(week),
        "drift": (quiet_drift(),),
        "realised": (realised(),),
    }
    return Window(**{**known, **changes})


def monitored(*windows: Window, champion: str = "v3", **changes: Any) -> MonitorResult:
    """What was seen."""
    known: dict[str, Any] = {
        "champion": champion,
        "until": max((each.end for each in windows), default=NOW.isoformat()),
        "predictions": sum(each.rows for each in windows),
        "labelled": sum(each.labelled for each in windows),
        "counts": {},
        "windows": windows,
        "persistence": Persistence(alarms=2, windows=3, false_alarms=0.001),
    }
    return MonitorResult(**{**known, **changes})


def facts(**changes: Any) -> Facts:
    """What is known beside the log: v3 was promoted in May."""
    known: dict[str, Any] = {
        "now": NOW,
        "champion": "v3",
        "champion_since": datetime(2013, 5, 1, tzinfo=UTC),
        "monitored": MONITORED,
        "previous": "v2",
        "primary": "roc_auc",
    }
    return Facts(**{**known, **changes})


def past(days: float, action: Any = "retrain", outcome: Any = "held", **changes: Any) -> PastDecision:
    """A decision so many days ago."""
    when = NOW - timedelta(days=days)
    reason = because("all-quiet", windows=1)
    at = int(abs(days) * 100)
    return PastDecision(
        digest=digest(at), time=when.isoformat(), action=action, reason=reason, outcome=outcome, **changes
    )


def told_apart() -> Separability:
    """A classifier that tells rows apart."""
    return Separability(auc=Estimate(value=0.9, low=0.88, high=0.92, n=1000), alarm=True, columns=("carrier",))


EVERYTHING: dict[str, Any] = {
    "every": "1 day", "new-rows": 1, "data-change": True, "max-age": "1 day", "cool-down": "1 hour",
    "costs": {"retrain": 0.01, "loss": 1000},
}  # fmt: skip
"""A policy by which anything is a reason to train."""


def screamed(
    before: Sequence[Sequence[Drift]], found: Sequence[Fault], drifted: Sequence[Drift], *, roll_back: bool = False
) -> DecideResult:
    """Decide where everything but faults asks for a retraining: missed for certain, drift with harm, age, rows.

    Args:
        before: the drift of each of the weeks before, which have no faults.
        found: faults of the last two weeks.
        drifted: their drift.
        roll_back: it may say that too.
    """
    missed = (realised(Verdict.FAIL),)
    weeks = [window(at, realised=missed, drift=tuple(each)) for at, each in enumerate(before)]
    bad = {"faults": tuple(found), "drift": tuple(drifted), "realised": missed, "separability": told_apart()}
    weeks += [window(len(before) + each, **bad) for each in range(2)]
    policy = Policy.model_validate({**EVERYTHING, "roll-back": roll_back})
    return decide(monitored(*weeks), policy, facts(data_changed=True, labelled_since=10**6))


def written(run_dir: Path, result: MonitorResult, *, run: str = "", model: str = MODEL) -> Envelope:
    """A monitoring record in a run folder, as the step leaves it."""
    made = plain_record(record("monitor", result, [], model=model, data={}))
    made["circumstances"]["run_id"] = run
    path = run_dir / "records" / "monitor.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_record(path, Record.model_validate(made))
