"""promptfoo's JSON output (``promptfoo eval --output results.json``), versions 2 and 3."""

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
    rows_of,
    tags_of,
)  # fmt: skip

_ERROR = 2
"""``failureReason`` of a test that no assertion could look at."""


class Promptfoo(Format):
    """One result for each test, prompt and provider; a test that is repeated has no number of its own."""

    name: ClassVar[OutcomeFormat] = "promptfoo"
    takes: ClassVar[tuple[str, ...]] = ("case",)
    selects: ClassVar[tuple[str, ...]] = ("provider", "prompt")

    def read(self, path: Path, ask: Ask, where: str) -> list[Attempt]:
        """Read a file."""
        found = json_of(path, where).get("results")
        rows = rows_of(found.get("results") if isinstance(found, dict) else found, where, "a list of results")
        for key, name in (("provider", _provider), ("prompt", _prompt)):
            one = chosen(map(name, rows), ask.only.get(key, ""), key, where)
            rows = [row for row in rows if name(row) == one]
        return numbered([_attempt(row, ask, where) for row in rows])


def _provider(row: dict[str, Any]) -> str:
    given = row.get("provider")
    return str(at(given, "label") or at(given, "id") or "") if isinstance(given, dict) else str(given or "")


def _prompt(row: dict[str, Any]) -> str:
    return str(at(row, "prompt.label") or row.get("promptIdx", ""))


def _attempt(row: dict[str, Any], ask: Ask, where: str) -> Attempt:
    test = row.get("testCase") or {}
    asked = at(test, "vars") or row.get("vars") or {}
    if ask.case:
        named = at({**test, "vars": asked}, ask.case)
        case = fingerprint(None) if named is None else str(named)
    else:
        case = (
            f"{test.get('description') or row.get('description') or 'test'} {fingerprint([asked, test.get('assert')])}"
        )
    passed, score = outcome_of(row.get("success"), where)
    if row.get("failureReason") == _ERROR:
        passed = score = None
    elif row.get("score") is not None:
        score = number_of(row["score"], where)
    return Attempt(
        case, "", passed, score, number_of(row.get("cost"), where), tags_of([test.get("metadata"), asked], ask.tags)
    )
