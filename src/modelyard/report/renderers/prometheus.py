"""What monitoring saw as a text file for Prometheus: the newest window of each version, as gauges.

The format is text-based exposition 0.0.4. What is not known has no sample, so that it is never taken for 0.
"""

from collections.abc import Iterator
from datetime import datetime

from modelyard.core.verdict import Verdict
from modelyard.records.envelope import Envelope
from modelyard.records.results import Estimate, MonitorResult, Window

Sample = tuple[str, dict[str, str], float | None]

HELP = {
    "window_predictions": "Predictions in the newest complete window of a version.",
    "window_labelled": "Of them, those with a label.",
    "window_mature": "1: its labels are as complete as they get.",
    "window_end_timestamp_seconds": "When the window ended.",
    "window_faults": "Faults of the data that only upstream can mend.",
    "fault_rows": "Rows that a fault touches.",
    "drift_effect": "How far a column is from the version's test rows, less what chance gives.",
    "drift_limit": "From which effect on it is large.",
    "drift_alarm": "1: significant and large in this window.",
    "drift_persistent": "1: in as many windows as are asked for.",
    "estimated_performance": "A metric that is estimated without labels.",
    "realised_performance": "A metric on the labels of the window.",
    "realised_limits": "Limits of a metric that hold at every look since the version began to serve.",
    "performance_missed": "1: a rule of performance is missed for certain.",
    "log_timestamp_seconds": "The last moment in the log.",
    "open_predictions": "Predictions of windows that are not over.",
}
"""What each gauge says, by its name without modelyard_."""


def render_prometheus(envelope: Envelope) -> str:
    """Return a record of monitoring as a text file.

    Raises:
        DataError: the record is not one of monitoring, or holds no result.
    """
    result, model = envelope.record.read(MonitorResult), envelope.record.model
    newest = {window.version: window for window in result.windows}
    samples: dict[str, list[str]] = {name: [] for name in HELP}
    for name, labels, value in _samples(result, newest):
        if value is not None:
            told = ",".join(f'{key}="{_escaped(text)}"' for key, text in {"model": model, **labels}.items())
            samples[name].append(f"modelyard_{name}{{{told}}} {_number(value)}")
    lines = []
    for name, found in samples.items():
        if found:
            lines += [f"# HELP modelyard_{name} {HELP[name]}", f"# TYPE modelyard_{name} gauge", *found]
    return "\n".join(lines) + "\n"


def _samples(result: MonitorResult, newest: dict[str, Window]) -> Iterator[Sample]:
    yield "log_timestamp_seconds", {}, _seconds(result.until)
    yield "open_predictions", {}, result.open_rows
    for version, window in newest.items():
        own = {"version": version}
        yield "window_predictions", own, window.rows
        yield "window_labelled", own, window.labelled
        yield "window_mature", own, window.mature
        yield "window_end_timestamp_seconds", own, _seconds(window.end)
        yield "window_faults", own, len(window.faults)
        for fault in window.faults:
            yield "fault_rows", {**own, "column": fault.column, "fault": fault.reason.code}, fault.rows
        for each in window.drift:
            named = {**own, "of": each.of, "column": each.column, "statistic": each.statistic}
            yield "drift_effect", named, each.corrected
            yield "drift_limit", named, each.limit
            yield "drift_alarm", named, each.alarm
            yield "drift_persistent", named, each.persistent
        for one in window.estimated:
            yield from _estimate("estimated_performance", {**own, "metric": one.metric}, one.estimate)
        for seen in window.realised:
            named = {**own, "metric": seen.metric, "slice": seen.slice, "rule": seen.operator}
            yield from _estimate("realised_performance", named, seen.window)
            yield "realised_limits", {**named, "end": "low"}, seen.low
            yield "realised_limits", {**named, "end": "high"}, seen.high
            yield "performance_missed", named, seen.verdict is Verdict.FAIL


def _estimate(name: str, labels: dict[str, str], found: Estimate) -> Iterator[Sample]:
    for end in ("value", "low", "high"):
        yield name, {**labels, "end": end}, getattr(found, end)


def _seconds(moment: str) -> float | None:
    return datetime.fromisoformat(moment).timestamp() if moment else None


def _number(value: float) -> str:
    return repr(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
