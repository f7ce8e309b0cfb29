"""Inspect's logs as JSON (``inspect eval --log-format json``, or ``inspect log convert --to json``)."""

from pathlib import Path
from typing import Any, ClassVar

from modelyard.core.errors import DataError
from modelyard.core.vocabulary import OutcomeFormat
from modelyard.evaluation.outcomes.attempts import Attempt, number_of, outcome_of
from modelyard.evaluation.outcomes.formats.format import Ask, Format, chosen, json_of, other_shape, rows_of, tags_of

_LETTERS: dict[str, tuple[bool | None, float]] = {
    "C": (True, 1.0),
    "I": (False, 0.0),
    "N": (False, 0.0),
    "P": (None, 0.5),
}
"""Correct, incorrect, no answer, partly correct: with what Inspect counts them as."""


class Inspect(Format):
    """Samples by id and epoch, each with the values of its scorers."""

    name: ClassVar[OutcomeFormat] = "inspect"
    selects: ClassVar[tuple[str, ...]] = ("scorer",)

    def read(self, path: Path, ask: Ask, where: str) -> list[Attempt]:
        """Read a file."""
        found = json_of(path, where)
        status = found.get("status")
        if "eval" not in found or status is None:
            raise other_shape(where, "an evaluation with its status")
        if status != "success":
            raise DataError(
                f"{where}: the evaluation has the status {str(status)[:20]!r}, and only a finished one can be judged",
                code="outcomes/unfinished",
                hint="Finish it: inspect eval-retry.",
            )
        rows = rows_of(found.get("samples"), where, "a list of samples")
        known = (str(name) for row in rows for name in (row.get("scores") or {}))
        scorer = chosen(known, ask.only.get("scorer", ""), "scorer", where)
        return [_attempt(row, ask, scorer, where) for row in rows]


def _attempt(row: dict[str, Any], ask: Ask, scorer: str, where: str) -> Attempt:
    value = ((row.get("scores") or {}).get(scorer) or {}).get("value")
    passed: bool | None
    score: float | None
    if row.get("error"):
        passed = score = None
    elif isinstance(value, str) and value in _LETTERS:
        passed, score = _LETTERS[value]
    else:
        passed, score = outcome_of(value, f"{where}, scorer {scorer!r}")
    used = [each.get("total_tokens") for each in (row.get("model_usage") or {}).values() if isinstance(each, dict)]
    tokens = [each for each in (number_of(one, where) for one in used) if each is not None]
    return Attempt(
        str(row.get("id")),
        str(row.get("epoch", "")),
        passed,
        score,
        sum(tokens) if tokens else None,
        tags_of([row.get("metadata")], ask.tags),
    )
