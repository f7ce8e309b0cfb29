"""Behaviour tests: what a model must do on rows that are changed or made up, whatever its averages say.

The kinds are those of CheckList (Ribeiro et al., ACL 2020): invariance, directional expectation, minimum functionality;
and golden, which holds a model to the predictions that the champion's version carries.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from modelyard.core.documents import read_file
from modelyard.core.errors import ConfigError, DataError, Place, nearest
from modelyard.core.explain import checked
from modelyard.core.nodes import Limits
from modelyard.core.reasons import Reason, because
from modelyard.core.sections import Section, Text, wrong
from modelyard.core.verdict import Verdict
from modelyard.metrics.predictions import Bools, Floats, Predictions
from modelyard.models.predictions import encode
from modelyard.records.results import CheckResult, Signature

Value = bool | int | float | str | None
LIMITS = Limits(bytes=16 << 20, nodes=1_000_000)
"""Made-up rows may have many columns."""
SHOWN = 3
"""Rows that are named where a test fails."""


class BehaviourTest(Section):
    """One test."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    """What it is called in the report."""
    kind: Literal["invariance", "directional", "minimum", "golden"]
    """invariance: a change must not matter. directional: it must move the prediction one way. minimum: made-up rows
    have one right answer. golden: the champion's recorded predictions."""
    column: Text | None = None
    """The column that is changed."""
    set: Value = None
    """What it is changed to."""
    add: float | None = None
    """What is added to it."""
    multiply: float | None = None
    """What it is multiplied with."""
    where: dict[str, Value] = Field(default_factory=dict)
    """Test rows that are taken: column and value."""
    expect: Literal["increase", "decrease"] | None = None
    """Of a directional test."""
    rows: Annotated[tuple[dict[str, Value], ...], Field(max_length=1000)] = ()
    """Of a minimum test: the columns' values; what is left out is missing. ``answer`` holds the right one."""
    sample: Annotated[int, Field(ge=1, le=100_000)] = 500
    """Test rows that are changed, at most."""
    tolerance: Annotated[float, Field(ge=0)] = 0.0
    """How far a probability or value may move."""
    at_least: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the rows that must obey."""
    gate: bool = False
    """Whether a model that fails it is held back."""

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        changes = [name for name in ("set", "add", "multiply") if getattr(self, name) is not None]
        if self.kind in ("invariance", "directional"):
            if self.column is None or len(changes) != 1:
                raise wrong(f"{self.kind} needs a column, and one of set, add and multiply", code="behaviour/change")
            if (self.expect is None) == (self.kind == "directional"):
                raise wrong(
                    "expect: increase or decrease belongs to a directional test, and to no other",
                    code="behaviour/expect",
                )
        elif self.column or changes or self.expect:
            raise wrong(f"{self.kind} changes no column", code="behaviour/change")
        if (self.kind == "minimum") != bool(self.rows):
            raise wrong("rows belong to a minimum test, and to no other", code="behaviour/rows")
        if any("answer" not in row for row in self.rows):
            raise wrong("each of the rows needs its answer", code="behaviour/missing-answer")
        return self


class BehaviourTests(Section):
    """A file of behaviour tests."""

    tests: Annotated[tuple[BehaviourTest, ...], Field(min_length=1, max_length=200)]
    """The tests."""


def read(path: Path, file: str) -> tuple[BehaviourTest, ...]:
    """Read a file of behaviour tests.

    Args:
        path: the file.
        file: the name that messages give it.

    Raises:
        ConfigError: not such a file; every mistake comes with its line and key.
    """
    return checked(read_file(path, file, what="the file of behaviour tests", limits=LIMITS), BehaviourTests).tests


@dataclass(frozen=True)
class Prepared:
    """A test with the rows that the model is to score for it: Polars frames with the id column."""

    test: BehaviourTest
    changed: Any
    before: Any = None
    """The same rows as they were; None for minimum and golden tests."""
    answers: tuple[Value, ...] = ()
    golden: Any = None
    """Recorded predictions of the same rows (``Predictions``), for a golden test."""


def prepare(
    tests: Sequence[BehaviourTest],
    frame: Any,
    signature: Signature,
    *,
    id_column: str,
    shown: str,
    golden: tuple[Any, Any] | None,
    seed: int,
) -> list[Prepared]:
    """Return the rows of every test.

    Args:
        tests: what is asked.
        frame: the test rows.
        signature: what the model takes.
        id_column: the column that names a row.
        shown: the file's name, for messages.
        golden: inputs and predictions that the champion's version carries.
        seed: of the samples.

    Raises:
        ConfigError: a test names a column that there is not.
    """
    import polars as pl

    taken = [feature.name for feature in signature.features]
    found = []
    for test in tests:
        named = [test.column] if test.column else []
        named += [*test.where, *(column for row in test.rows for column in row if column != "answer")]
        for column in named:
            if column not in frame.columns:
                raise ConfigError(
                    f"the behaviour test {test.name!r} names the column {column!r}, which the data does not have",
                    code="behaviour/unknown-column",
                    hint=nearest(column, frame.columns) or f"Columns: {', '.join(frame.columns[:20])}.",
                    place=Place(shown),
                )
        if test.column and test.column not in taken:
            raise ConfigError(
                f"the behaviour test {test.name!r} changes {test.column!r}, which the model does not use",
                code="behaviour/unused-column",
                hint=f"It uses {', '.join(taken[:20])}.",
                place=Place(shown),
            )
        if test.kind == "minimum":
            found.append(Prepared(test, _made_up(test, frame, taken, id_column, shown), answers=_answers(test)))
        elif test.kind == "golden":
            inputs, predictions = golden if golden is not None else (frame.clear(), None)
            found.append(Prepared(test, inputs, golden=predictions))
        else:
            rows = frame
            for column, value in test.where.items():
                rows = rows.filter(pl.col(column).eq_missing(_fitting(value, test, column, frame, shown)))
            rows = rows.sample(min(test.sample, len(rows)), seed=seed) if len(rows) else rows
            found.append(Prepared(test, _changed(test, rows, shown), before=rows))
    return found


def _changed(test: BehaviourTest, rows: Any, shown: str) -> Any:
    import polars as pl

    assert test.column is not None  # noqa: S101 - the test's own rule
    kind = rows.schema[test.column]
    column = pl.col(test.column)
    if test.set is None and not kind.is_numeric():
        raise ConfigError(
            f"the behaviour test {test.name!r} adds or multiplies {test.column!r}, which holds no numbers",
            code="behaviour/not-a-number",
            hint="Use set: for it.",
            place=Place(shown),
        )
    if test.set is not None:
        given = _fitting(test.set, test, test.column, rows, shown)
        return rows.with_columns(pl.lit(given, dtype=kind).alias(test.column))
    moved = column + test.add if test.add is not None else column * test.multiply
    return rows.with_columns(moved.cast(kind if kind.is_float() else pl.Float64).alias(test.column))


def _fitting(value: Value, test: BehaviourTest, column: str, frame: Any, shown: str) -> Any:
    """Return a value of a test as one of its column's type."""
    import polars as pl

    kind = frame.schema[column]
    try:
        given = pl.Series([value], strict=False)
        if kind.is_temporal() and isinstance(value, str):
            given = given.str.strptime(kind)
        found = given.cast(kind)[0]
    except pl.exceptions.PolarsError:
        found = None
    changed = kind.is_numeric() and isinstance(value, int | float) and found != value
    if (found is None and value is not None) or changed:
        raise ConfigError(
            f"the behaviour test {test.name!r} has {value!r} for {column!r}, which is not a {kind} as in that column",
            code="behaviour/wrong-type",
            hint="Write a value that the column could hold.",
            place=Place(shown),
        )
    return found


def _made_up(test: BehaviourTest, frame: Any, taken: Sequence[str], id_column: str, shown: str) -> Any:
    import polars as pl

    made = pl.DataFrame(
        {
            name: pl.Series(
                [_fitting(row.get(name), test, name, frame, shown) for row in test.rows], dtype=frame.schema[name]
            )
            for name in taken
        }
    )
    return made.with_columns(pl.int_range(pl.len()).cast(pl.Int64).alias(id_column))


def _answers(test: BehaviourTest) -> tuple[Value, ...]:
    return tuple(row["answer"] for row in test.rows)


def judge(
    prepared: Prepared,
    changed: Predictions | None,
    before: Predictions | None,
    signature: Signature,
    *,
    champion: bool = False,
) -> CheckResult:
    """Return what a test found.

    Args:
        prepared: the test.
        changed: predictions of its rows; None where the model cannot be asked.
        before: predictions of the rows as they were.
        signature: what the model gives.
        champion: whether there is one.
    """
    test = prepared.test
    impossible = Verdict.ERROR if test.gate else Verdict.NOT_APPLICABLE
    if len(prepared.changed) == 0 and test.kind == "golden":
        if champion:
            return _result(test, impossible, because("behaviour-golden-absent"))
        return _result(test, Verdict.NOT_APPLICABLE, because("behaviour-no-champion"))
    if len(prepared.changed) == 0:
        return _result(test, Verdict.ERROR, because("behaviour-no-rows"))
    if changed is None:
        return _result(test, impossible, because("behaviour-predictions-only"))
    obeys = _obeys(prepared, changed, before, signature)
    failing = [int(at) + 1 for at in np.flatnonzero(~obeys)[:SHOWN]] if test.kind == "minimum" else []
    finding = because(
        "behaviour-obeyed",
        obeyed=int(obeys.sum()),
        rows=len(obeys),
        least=test.at_least,
        failing=tuple(map(str, failing)),
    )
    return _result(test, Verdict.PASS if float(obeys.mean()) >= test.at_least else Verdict.FAIL, finding)


def _obeys(prepared: Prepared, changed: Predictions, before: Predictions | None, signature: Signature) -> Bools:
    test = prepared.test
    if test.kind == "minimum":
        return _right(prepared.answers, changed, test, signature)
    held = prepared.golden if test.kind == "golden" else before
    now, then = _response(changed), _response(held) if held is not None else None
    if now is None or then is None:
        if test.kind == "directional":
            raise DataError(
                f"the behaviour test {test.name!r}: labels alone have no direction", code="behaviour/no-direction"
            )
        assert held is not None  # noqa: S101 - there is something to hold it to
        one, other = changed.probability, held.probability
        if one is not None and other is not None and one.shape == other.shape:
            return np.asarray(np.abs(one - other).max(axis=1) <= test.tolerance + 1e-12)
        return np.asarray(changed.label == held.label)
    if test.kind == "directional":
        moved = (now - then) * (1 if test.expect == "increase" else -1)
        return np.asarray(moved >= -test.tolerance - 1e-12)
    return np.asarray(np.abs(now - then) <= test.tolerance + 1e-12)


def _right(answers: Sequence[Value], changed: Predictions, test: BehaviourTest, signature: Signature) -> Bools:
    if changed.value is not None:
        wanted = np.array([float(each) if isinstance(each, int | float) else np.nan for each in answers])
        return np.asarray(np.abs(changed.value - wanted) <= test.tolerance + 1e-12)
    codes = encode(answers, signature)
    if (codes < 0).any():
        raise ConfigError(
            f"the behaviour test {test.name!r}: unknown class {answers[int(np.argmin(codes))]!r}",
            code="behaviour/unknown-class",
            hint=f"Classes: {', '.join(map(str, signature.classes))}.",
        )
    return np.asarray(changed.label == codes)


def _response(predictions: Predictions) -> Floats | None:
    """Return one number a row; None where there are labels alone, or a probability a class."""
    if predictions.value is not None:
        return predictions.value
    if predictions.probability is not None and predictions.probability.ndim == 1:
        return predictions.probability
    return None


def _result(test: BehaviourTest, verdict: Verdict, finding: Reason) -> CheckResult:
    return CheckResult(name=test.kind, subject=test.name, gate=test.gate, verdict=verdict, finding=finding)
