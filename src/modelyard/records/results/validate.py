"""What validate found: every expectation of every suite, as codes and numbers; report/expectations words them."""

from typing import Literal

from pydantic import Field, JsonValue

from modelyard.core.verdict import Verdict
from modelyard.records.results.kind import RecordKind
from modelyard.records.results.part import Part

ExpectationState = Literal["passed", "failed", "errored", "vacuous"]
Severity = Literal["critical", "warning", "info"]
Plain = bool | int | float | str | None
NoteCode = Literal[
    "no-rows", "no-value", "no-value-under-condition", "mostly-zero", "no-bounds", "no-quantile-bounds", "no-argument",
    "empty-argument", "empty-regex", "no-column", "other-position", "not-critical", "never-equal", "infinite", "broken",
]  # fmt: skip


class Note(Part):
    """Why an expectation could not be judged, or what to know of its end; ``facts`` fill the words of its code."""

    code: NoteCode
    facts: dict[str, str] = Field(default_factory=dict)


class Observed(Part):
    """What an engine measured besides rows that broke an expectation; never a text value of the data."""

    value: Plain = None
    """A number, a boolean, a moment in ISO 8601, or the name of a type."""
    quantiles: tuple[tuple[float, Plain], ...] = ()
    distinct: int | None = None
    """Distinct values outside the set."""
    absent: int | None = None
    """Members of the set that no row has."""
    columns: int | None = None
    """Columns of the table."""
    mismatched: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Columns that are ``missing`` or ``unexpected``."""
    positions: int | None = None
    """Positions at which the columns differ; the first of them, with the two names."""
    first: tuple[Plain, Plain, Plain] | None = None
    hidden: Literal["", "personal", "value"] = ""
    """Why what was measured is not shown: of a personal column, or itself a value of the data."""


class Expectation(Part):
    """How one expectation of a suite ended; it holds no raw values of rows."""

    index: int
    type: str
    columns: tuple[str, ...] = ()
    """The columns that it is about; none where it is about the table."""
    severity: Severity = "critical"
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    """What the suite asks for; of a long list its beginning."""
    lengths: dict[str, int] = Field(default_factory=dict)
    """How long each list is that was shortened."""
    state: ExpectationState
    observed: Observed | None = None
    unexpected: int | None = None
    missing: int | None = None
    evaluated: int | None = None
    notes: tuple[Note, ...] = ()
    line: int | None = None


class SuiteResult(Part):
    """One suite on one data set."""

    set: str
    suite: str
    rows: int
    engine: str
    verdict: Verdict
    expectations: tuple[Expectation, ...]


class ValidateResult(Part):
    """All suites."""

    suites: tuple[SuiteResult, ...]


VALIDATE = RecordKind("validate", 20, ValidateResult, judges=True)
