"""Runs a suite with real Great Expectations, one expectation at a time, and keeps what fails apart from what breaks."""

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from modelyard.core.errors import nearest
from modelyard.core.verdict import Verdict
from modelyard.records.results import Expectation, ExpectationState, SuiteResult
from modelyard.validation import wording
from modelyard.validation.engines.gx_backend import implementations, quiet
from modelyard.validation.suite import Item, Suite
from modelyard.validation.vacuity import cannot_fail

if TYPE_CHECKING:
    import polars as pl

_BASIC = {"result_format": {"result_format": "BASIC", "partial_unexpected_count": 0}}
"""Counts, and no list of values."""
_JUDGE_MISSINGNESS = (
    "expect_column_values_to_be_null",
    "expect_column_values_to_not_be_null",
    "expect_column_proportion_of_non_null_values_to_be_between",
)
_COMPARE_WITH_SET = re.compile(r"expect_column_(values|distinct_values|most_common_value)_to_.*set")
_SPREAD = ("expect_column_value_z_scores_to_be_less_than", "expect_column_values_to_not_be_outliers")
_CAUSE = re.compile(r"^(?:\w+\.)*(\w+): ?(.*)$", re.MULTILINE)
_EXPLAINED = (
    (r"'[<>=]+' not supported between instances of", "its values and the bound have types that do not compare"),
    (r"must either be None or of the same type", "its values and the bound have types that do not compare"),
    (r"Cannot compare Timestamp with datetime.date", "write the bound with a time, such as 2013-01-31T00:00:00"),
    (r"tz-naive and tz-aware|offset-naive and offset-aware", "write the bound with a zone, such as 2013-01-31T00:00Z"),
    (r"Invalid comparison between dtype=datetime", "write the bound with a zone exactly where the column has one"),
    (r"Cannot perform reduction|float\(\) argument must be", "this needs numbers"),
    (r"accessor with string values", "this needs text"),
    (r"is not defined", "row_condition names a column that is not there"),
    (r"invalid syntax", "row_condition is not an expression that pandas can read"),
    (r"Invalid partition_object", "partition_object is not a partition"),
    (r"PandasExecutionEngine", "Great Expectations runs this type on SQL only"),
)
"""Causes that may be passed on; other messages of an exception may quote values of the data, so they stay inside."""


def run_gx(
    suite: Suite, frame: "pl.DataFrame", *, set_name: str, suite_path: str, personal: Collection[str] = ()
) -> SuiteResult:
    """Judge every expectation of a suite on a data set.

    Each ends as passed, failed, errored (could not be judged) or vacuous (judged on nothing, or unable to fail). One
    that breaks takes no other with it, and the results stand in the suite's order.

    Args:
        suite: from `modelyard.validation.suite.load_suite`.
        frame: the whole set.
        set_name: its name in the configuration.
        suite_path: the suite's file as configured.
        personal: columns of which nothing but counts is shown.

    Returns:
        Verdict error if anything errored or was vacuous or there are no rows; fail if an expectation of severity
        critical failed; else pass.
    """
    with quiet():
        import great_expectations

        if frame.height:
            judge = _Judge(frame, personal)
            done = tuple(judge(item) for item in suite.items)
        else:
            done = tuple(_ended(item, "vacuous", note="the set holds no rows") for item in suite.items)
    return SuiteResult(
        set=set_name,
        suite=suite_path,
        rows=frame.height,
        engine=f"great-expectations {great_expectations.__version__}",
        verdict=_verdict(suite, done),
        expectations=done,
    )


def _verdict(suite: Suite, done: tuple[Expectation, ...]) -> Verdict:
    if not done or any(one.state in ("errored", "vacuous") for one in done):
        return Verdict.ERROR
    failed = any(
        one.state == "failed" and item.severity == "critical" for item, one in zip(suite.items, done, strict=True)
    )
    return Verdict.FAIL if failed else Verdict.PASS


def _ended(item: Item, state: ExpectationState, **found: Any) -> Expectation:
    return Expectation(
        index=item.index,
        type=item.type,
        subject=wording.subject(item),
        expected=wording.expected(item),
        state=state,
        line=item.line,
        **found,
    )


class _Judge:
    """One data set, handed to Great Expectations once."""

    def __init__(self, frame: "pl.DataFrame", personal: Collection[str]) -> None:
        import great_expectations

        self._frame = frame
        self._personal = frozenset(personal)
        self._types = implementations()
        self._counts: dict[tuple[str, str], tuple[int, int]] = {}
        context = great_expectations.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False, "metric_calculations": False}
        batch = context.data_sources.pandas_default.read_dataframe(_pandas(frame))
        # Batch.validate would hash the whole frame again for each expectation.
        self._validator = context.get_validator(batch_list=[batch])

    def __call__(self, item: Item) -> Expectation:
        refusal = cannot_fail(item.type, item.kwargs)
        if refusal:
            return _ended(item, "vacuous", note=refusal)
        refusal = "" if item.type == "expect_column_to_exist" else self._absent(item)
        refusal = refusal or self._never_equal(item) or self._infinite(item)
        if refusal:
            return _ended(item, "errored", note=refusal)
        try:
            success, result = self._run(item.type, item.kwargs)
            evaluated = self._evaluated(item, result)
        except _BrokenError as error:
            return _ended(item, "errored", note=str(error))
        if evaluated == 0:
            which = "row that meets the condition" if item.kwargs.get("row_condition") else "row"
            return _ended(item, "vacuous", evaluated=0, note=f"no {which} has a value to judge")
        hidden = not self._personal.isdisjoint(wording.columns(item))
        notes = []
        if not success and item.type == "expect_column_to_exist":
            notes.append(self._absent(item) or "the column stands in another position")
        if not success and item.severity != "critical":
            notes.append(f"severity {item.severity}: listed, and does not fail the suite")
        unexpected = result.get("unexpected_count")
        return _ended(
            item,
            "passed" if success else "failed",
            observed=wording.observed(item, result, evaluated, hidden=hidden),
            unexpected=None if unexpected is None else int(unexpected),
            evaluated=evaluated,
            note="; ".join(notes),
        )

    def _run(self, kind: str, kwargs: Mapping[str, Any]) -> tuple[bool, Mapping[str, Any]]:
        """Success and result of one expectation.

        Raises:
            _BrokenError: it could not be judged.
        """
        try:
            configuration = self._types[kind](**kwargs).configuration
            [found] = self._validator.graph_validate([configuration], _BASIC)
        except Exception as error:  # whatever a type raises is this expectation's own fault, and no other's
            raise _BrokenError(_explained(f"{type(error).__name__}: {error}")) from None
        # Flat for some faults; under the name of each metric for others.
        info = found.exception_info or {}
        faults = [info] if "raised_exception" in info else [one for one in info.values() if isinstance(one, dict)]
        raised = next((one for one in faults if one.get("raised_exception")), None)
        if raised:
            raise _BrokenError(_explained(str(raised.get("exception_traceback"))))
        return found.success is True or str(found.success) == "True", found.result or {}

    def _evaluated(self, item: Item, result: Mapping[str, Any]) -> int | None:
        """How many rows were judged; none for what judges the table or a type."""
        if "element_count" in result:
            missing = 0 if item.type in _JUDGE_MISSINGNESS else result.get("missing_count") or 0
            return int(result["element_count"]) - int(missing)
        from great_expectations.expectations.expectation import ColumnAggregateExpectation

        if not issubclass(self._types[item.type], ColumnAggregateExpectation):
            return None
        rows, present = self._count(item)
        return rows if item.type in _JUDGE_MISSINGNESS else present

    def _count(self, item: Item) -> tuple[int, int]:
        """Rows that meet the item's condition, and those of them with a value, as Great Expectations counts."""
        where = {key: item.kwargs[key] for key in ("column", "row_condition", "condition_parser") if key in item.kwargs}
        key = str(where.get("column")), repr(where.get("row_condition"))
        if key not in self._counts:
            _, result = self._run("expect_column_values_to_not_be_null", where)
            rows = int(result["element_count"])
            self._counts[key] = rows, rows - int(result["unexpected_count"])
        return self._counts[key]

    def _absent(self, item: Item) -> str:
        absent = next((name for name in wording.columns(item) if name not in self._frame.columns), None)
        return f"no column {absent!r}. {nearest(absent, self._frame.columns)}".rstrip() if absent else ""

    def _never_equal(self, item: Item) -> str:
        """A set of another type than the column's: everything would be unexpected, or nothing."""
        values = item.kwargs.get("value_set")
        if not _COMPARE_WITH_SET.fullmatch(item.type) or not isinstance(values, list):
            return ""
        dtype = self._frame.schema[item.kwargs["column"]]
        import polars as pl

        column = "numbers" if dtype.is_numeric() or dtype == pl.Boolean else "times" if dtype.is_temporal() else "text"
        holds = {"text" if isinstance(value, str) else "numbers" for value in values if value is not None}
        if "distinct" in item.type and column == "times":
            return ""  # parsed there, and only there
        if not holds or column in holds or dtype == pl.Null or dtype.is_nested():
            return ""
        return f"the column holds {column}, the set {' and '.join(sorted(holds))}: no value could ever match"

    def _infinite(self, item: Item) -> str:
        if item.type not in _SPREAD:
            return ""
        series = self._frame[item.kwargs["column"]]
        if series.dtype.is_float() and series.is_infinite().any():
            return "the column holds infinite values, beside which no value is far from the mean"
        return ""


class _BrokenError(Exception):
    """An expectation could not be judged; the text holds no value of the data."""


def _explained(trace: str) -> str:
    """The kind of a fault, and its cause in our words where it is a known one."""
    named = [(kind, text) for kind, text in _CAUSE.findall(trace) if kind.endswith(("Error", "Exception"))]
    kind = named[0][0] if named else "Exception"
    known = next((words for pattern, words in _EXPLAINED for _, text in named if re.search(pattern, text)), "")
    return f"could not be judged ({kind}){': ' if known else ''}{known}"


def _pandas(frame: "pl.DataFrame") -> Any:
    """The frame as training and scoring see it; columns that no model takes are kept, as plain objects."""
    import pandas as pd

    from modelyard.models.child.score import to_pandas

    columns = {}
    for name in frame.columns:
        try:
            columns[name] = to_pandas(frame.select(name))[name]
        except TypeError:
            columns[name] = pd.Series(frame[name].to_list(), dtype=object)
    return pd.DataFrame(columns)
