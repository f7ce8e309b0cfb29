"""Judge a suite on a data set with any engine; what can be told without an engine is told here, for all of them."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from modelyard.core.errors import closest
from modelyard.core.verdict import Verdict
from modelyard.records.results.validate import Expectation, Note, SuiteResult
from modelyard.validation.engine import Engine, Judge, Outcome
from modelyard.validation.suite import Item, Suite
from modelyard.validation.vacuity import cannot_fail

if TYPE_CHECKING:
    import polars as pl

_SHOWN = 8
"""Entries of a list among the arguments that the record keeps."""
_EXACT = 2**53
_ABOUT_TEXT = re.compile("strftime|dateutil|regex|like_pattern|value_lengths")
_TEXT_TYPES = {"str", "string", "object", "object_"}
_COLUMN_EXISTS = "expect_column_to_exist"


def judge_suite(
    suite: Suite,
    frame: "pl.DataFrame",
    engine: Engine,
    *,
    set_name: str,
    suite_path: str,
    personal: Collection[str] = (),
    text_of: "Callable[[Sequence[str]], pl.DataFrame | None]" = lambda _columns: None,
) -> SuiteResult:
    """Judge every expectation of a suite on a data set.

    Each ends as passed, failed, errored (could not be judged) or vacuous (judged on nothing, or unable to fail). One
    that breaks takes no other with it, and the results stand in the suite's order.

    Args:
        suite: from ``load_suite``.
        frame: the whole set.
        engine: what judges.
        set_name: its name in the configuration.
        suite_path: the suite's file as configured.
        personal: columns of which nothing but counts is shown.
        text_of: gives columns as their files write them; None where the files hold no text.

    Returns:
        Verdict error if anything errored or was vacuous or there are no rows; fail if an expectation of severity
        critical failed; else pass.
    """
    judge = engine.judges(frame) if frame.height else None
    written = [item for item in suite.items if _about_text(item, frame)] if judge else []
    text = _as_written(frame, written, text_of)
    judge_text = engine.judges(text) if text is not None else judge
    outcomes = [
        _outcome(item, frame, judge_text if item in written else judge, frozenset(personal)) for item in suite.items
    ]
    return SuiteResult(
        set=set_name,
        suite=suite_path,
        rows=frame.height,
        engine=engine.version(),
        verdict=_verdict(suite, outcomes),
        expectations=tuple(_recorded(item, outcome) for item, outcome in zip(suite.items, outcomes, strict=True)),
    )


def _about_text(item: Item, frame: "pl.DataFrame") -> bool:
    """Return whether an expectation is about how times are written, which are parsed by now."""
    types = item.kwargs.get("type_"), *(item.kwargs.get("type_list") or ())
    about = bool(_ABOUT_TEXT.search(item.type)) or any(str(each).lower() in _TEXT_TYPES for each in types)
    return about and any(name in frame.columns and frame.schema[name].is_temporal() for name in item.columns)


def _as_written(
    frame: "pl.DataFrame", items: Sequence[Item], text_of: "Callable[[Sequence[str]], pl.DataFrame | None]"
) -> "pl.DataFrame | None":
    """Return the frame with the times that items are about as text; None where there is none."""
    names = dict.fromkeys(name for item in items for name in item.columns if frame.schema[name].is_temporal())
    text = text_of(list(names)) if names else None
    if text is None:
        return None
    return frame.with_columns(
        text[name].set(frame[name].is_null() & text[name].is_not_null(), None) for name in text.columns
    )


def _verdict(suite: Suite, outcomes: list[Outcome]) -> Verdict:
    if not outcomes or any(outcome.state not in ("passed", "failed") for outcome in outcomes):
        return Verdict.ERROR
    failed = any(
        outcome.state == "failed" and item.severity == "critical"
        for item, outcome in zip(suite.items, outcomes, strict=True)
    )
    return Verdict.FAIL if failed else Verdict.PASS


def _outcome(item: Item, frame: "pl.DataFrame", judge: Judge | None, personal: frozenset[str]) -> Outcome:
    """Return how an expectation ended; the engine is asked only where it could pass, and could fail."""
    if judge is None:
        return Outcome("vacuous", notes=(Note(code="no-rows"),))
    vacuous = cannot_fail(item.type, item.kwargs)
    if vacuous:
        return Outcome("vacuous", notes=(vacuous,))
    absent = _absent(item, frame.columns)
    if absent and item.type != _COLUMN_EXISTS:
        return Outcome("errored", notes=(absent,))
    outcome = judge(item, hidden=not personal.isdisjoint(item.columns))
    if outcome.state in ("passed", "failed") and outcome.evaluated == 0:
        code = "no-value-under-condition" if item.kwargs.get("row_condition") else "no-value"
        return Outcome("vacuous", evaluated=0, notes=(Note(code=code),))
    return outcome if outcome.state != "failed" else _with_notes(item, outcome, absent)


def _with_notes(item: Item, outcome: Outcome, absent: Note | None) -> Outcome:
    notes = list(outcome.notes)
    if item.type == _COLUMN_EXISTS:
        notes.append(absent or Note(code="other-position"))
    if item.severity != "critical":
        notes.append(Note(code="not-critical", facts={"severity": item.severity}))
    return Outcome(
        outcome.state, outcome.evaluated, outcome.unexpected, outcome.missing, outcome.observed, tuple(notes)
    )


def _absent(item: Item, columns: list[str]) -> Note | None:
    absent = next((name for name in item.columns if name not in columns), None)
    if absent is None:
        return None
    near = closest(absent, columns)
    return Note(code="no-column", facts={"column": absent, **({"nearest": near} if near else {})})


def _recorded(item: Item, outcome: Outcome) -> Expectation:
    arguments, lengths = _shortened(item.kwargs)
    return Expectation(
        index=item.index,
        type=item.type,
        columns=item.columns,
        severity=item.severity,
        arguments=arguments,
        lengths=lengths,
        state=outcome.state,
        observed=outcome.observed,
        unexpected=outcome.unexpected,
        missing=outcome.missing,
        evaluated=outcome.evaluated,
        notes=outcome.notes,
        line=item.line,
    )


def _shortened(kwargs: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, int]]:
    """Return the arguments as canonical JSON can carry them, long lists cut, with the lengths of those."""
    lengths = {name: len(value) for name, value in kwargs.items() if isinstance(value, list) and len(value) > _SHOWN}
    return {name: _plain(value[:_SHOWN] if name in lengths else value) for name, value in kwargs.items()}, lengths


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return str(value) if isinstance(value, int) and abs(value) >= _EXACT else value
