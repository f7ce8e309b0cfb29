"""From files or tables of outcomes to a judgement."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from modelyard.core.documents import shown
from modelyard.core.errors import ConfigError, DataError, ModelyardError, Place
from modelyard.core.vocabulary import Direction, OutcomeFormat
from modelyard.evaluation.outcomes.attempts import Attempt
from modelyard.evaluation.outcomes.cases import paired
from modelyard.evaluation.outcomes.formats import FORMATS
from modelyard.evaluation.outcomes.formats.format import Ask
from modelyard.evaluation.outcomes.formats.table import of_frame
from modelyard.evaluation.outcomes.judging import Asked, judge_cases
from modelyard.evaluation.outcomes.reading import read
from modelyard.gates import arrays, judging
from modelyard.gates.result import Judgement

_SIDES = ("challenger", "champion")


def judged(gates: Any, sides: Mapping[str, Any], **rest: Any) -> Judgement:
    """Judge, with the arguments of ``judge_outcomes``; messages name them."""
    try:
        return _judged(gates, {role: each for role, each in sides.items() if each is not None}, **rest)
    except ModelyardError as error:
        raise judging.in_arguments(error) from None


def _judged(
    gates: Any,
    sides: Mapping[str, Any],
    *,
    format: str | None,  # noqa: A002 - as in the configuration
    case: str,
    outcome: str,
    repeat: str,
    cost: str,
    direction: str,
    unit: str,
    only: Mapping[str, Any],
    confidence: float,
    seed: int,
) -> Judgement:
    if gates is None:
        raise ConfigError(
            "outcomes have no default gates",
            code="config/bad-value",
            hint='Write [{"metric": "pass_rate", "no_worse_than": "champion", "margin": 0.02}].',
            place=Place("gates"),
        )
    asked = Asked(judging.gates_of(gates), _direction(direction), unit, judging.confidence_of(confidence), seed)
    known: OutcomeFormat | None = None if format is None else FORMATS.get(format).name
    attempts = {}
    for role, given in sides.items():
        chosen = only.get(role, {}) if set(only) <= set(_SIDES) else only
        attempts[role] = _attempts(given, known, Ask(case, outcome, repeat, cost, asked.tags, chosen), role)
    if "challenger" not in attempts:
        raise DataError(
            "no outcomes of the challenger", code="outcomes/no-cases", hint="Pass challenger=, a file or a table."
        )
    cases = paired(attempts, asked.tags)
    found = judge_cases(cases, asked)
    return judging.in_words(
        found.gates,
        found.metrics,
        verdict=found.verdict,
        rows=len(cases),
        units=found.test_set.units,
        unit=found.test_set.unit_name,
        confidence=confidence,
    )


def _direction(given: str) -> Direction:
    if given == "lower":
        return "lower"
    if given != "higher":
        raise ConfigError(
            f"found {shown(given)}; allowed: higher, lower",
            code="config/bad-value",
            hint="Say which scores are better.",
            place=Place("direction"),
        )
    return "higher"


def _attempts(given: Any, name: OutcomeFormat | None, ask: Ask, role: str) -> list[Attempt]:
    if isinstance(given, str | Path):
        return read(Path(given), name, ask, role)
    if isinstance(given, pl.DataFrame):
        return of_frame(given, ask, role)
    if isinstance(given, list | tuple) and all(isinstance(each, Mapping) for each in given):
        keys = list(dict.fromkeys(key for each in given for key in each))
        given = {key: [each.get(key) for each in given] for key in keys}
    names = list(given) if isinstance(given, Mapping) else list(getattr(given, "columns", ()))
    if not names:
        raise DataError(
            f"{role}: found {shown(given)}, and outcomes are a file or a table",
            code="data/array-shape",
            hint="Pass a path, rows as mappings, columns by name, or a frame of pandas or Polars.",
        )
    columns = [arrays.column(given[key], str(key)) for key in names]
    if len({len(each) for each in columns}) != 1:
        raise DataError(
            f"{role}: its columns have several lengths", code="data/array-shape", hint="One value for each attempt."
        )
    return of_frame(pl.DataFrame(columns), ask, role)
