"""DeepEval's test runs: a file of ``DEEPEVAL_RESULTS_FOLDER``, or ``.deepeval/.latest_test_run.json``."""

from pathlib import Path
from typing import Any, ClassVar

from modelyard.core.vocabulary import OutcomeFormat
from modelyard.evaluation.outcomes.attempts import Attempt, number_of, outcome_of
from modelyard.evaluation.outcomes.formats.format import (
    Ask,
    Format,
    at,
    chosen,
    fingerprint,
    json_of,
    numbered,
    other_shape,
    rows_of,
    tags_of,
)  # fmt: skip


class DeepEval(Format):
    """Test cases, each with its metrics; a case is what it asks, since names count up in the order of a run."""

    name: ClassVar[OutcomeFormat] = "deepeval"
    takes: ClassVar[tuple[str, ...]] = ("case",)
    selects: ClassVar[tuple[str, ...]] = ("metric",)

    def read(self, path: Path, ask: Ask, where: str) -> list[Attempt]:
        """Read a file."""
        found = json_of(path, where)
        run = found.get("testRunData", found)
        lists = [run[key] for key in ("testCases", "conversationalTestCases") if isinstance(run, dict) and key in run]
        if not lists:
            raise other_shape(where, "a list of test cases")
        rows = [row for each in lists for row in rows_of(each, where, "a list of test cases")]
        metric = ask.only.get("metric", "")
        if metric:
            chosen((str(one.get("name")) for row in rows for one in _metrics(row, where)), metric, "metric", where)
        return numbered([_attempt(row, ask, metric, where) for row in rows])


def _metrics(row: dict[str, Any], where: str) -> list[dict[str, Any]]:
    return rows_of(row.get("metricsData") or [], where, "a list of metrics")


def _attempt(row: dict[str, Any], ask: Ask, metric: str, where: str) -> Attempt:
    case = str(at(row, ask.case)) if ask.case else _asked(row)
    metrics = [one for one in _metrics(row, where) if not metric or one.get("name") == metric]
    passed, score = outcome_of(row.get("success"), where)
    if metric:
        passed, score = (None, None) if not metrics else outcome_of(metrics[0].get("success"), where)
    if len(metrics) == 1 and passed is not None:
        score = number_of(metrics[0].get("score"), where)
    if any(one.get("error") for one in metrics):
        passed = score = None
    return Attempt(
        case, "", passed, score, number_of(row.get("tokenCost"), where), tags_of([row.get("metadata")], ask.tags)
    )


def _asked(row: dict[str, Any]) -> str:
    asked = [row.get(key) for key in ("input", "expectedOutput", "context", "scenario", "expectedOutcome")]
    return fingerprint(asked) if any(asked) else str(row.get("name"))
