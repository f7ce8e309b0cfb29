"""A run as the JSON that shields.io's endpoint badge reads: verdict, primary metric, champion."""

import json

from modelyard.core.verdict import Verdict
from modelyard.records.results import EVALUATE, EvaluateResult
from modelyard.report import conclusion, numbers
from modelyard.report.escape import clean
from modelyard.report.registry import Records

_COLOURS = {
    Verdict.PASS: "brightgreen", Verdict.FAIL: "red", Verdict.INCONCLUSIVE: "yellow", Verdict.ERROR: "lightgrey",
    Verdict.NOT_APPLICABLE: "lightgrey",
}  # fmt: skip


def render_badge(records: Records, *, model: str, metric: str) -> str:
    """Return the badge.

    Args:
        records: of the run.
        model: the model's name, the badge's left side.
        metric: the primary metric; empty for the first of those that were measured.
    """
    headline = conclusion.headline(records)
    words = [headline.words]
    result = conclusion.outcome(records[EVALUATE.name]) if EVALUATE.name in records else None
    if isinstance(result, EvaluateResult):
        row = next((each for each in result.metrics if metric in ("", each.metric)), None)
        if row is not None and row.challenger.value is not None:
            words.append(f"{row.metric} {numbers.metric(row.challenger.value)}")
        if result.champion:
            words.append(f"champion {result.champion}")
    badge = {
        "schemaVersion": 1,
        "label": clean(model),
        "message": clean(" · ".join(words)),
        "color": _COLOURS[headline.verdict],
        "isError": headline.verdict is Verdict.ERROR,
    }
    return json.dumps(badge, ensure_ascii=False) + "\n"
