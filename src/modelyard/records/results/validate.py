"""What validate found: every expectation of every suite."""

from typing import Literal

from modelyard.core.verdict import Verdict
from modelyard.records.results.kind import RecordKind
from modelyard.records.results.part import Part

ExpectationState = Literal["passed", "failed", "errored", "vacuous"]


class Expectation(Part):
    """How one expectation of a suite ended; observed and expected hold no raw values of rows."""

    index: int
    type: str
    subject: str
    expected: str
    state: ExpectationState
    observed: str = ""
    unexpected: int | None = None
    evaluated: int | None = None
    note: str = ""
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
