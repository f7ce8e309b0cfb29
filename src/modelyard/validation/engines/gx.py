"""Real Great Expectations as an engine: one expectation at a time, with what fails apart from what breaks."""

import datetime as dt
import math
import re
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from modelyard.records.results.validate import Note, Observed
from modelyard.validation.engine import ArgumentFault, Outcome
from modelyard.validation.engines.gx_backend import implementations, quiet
from modelyard.validation.suite import HOUSEKEEPING, Item

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
_CAUSES = (
    (r"'[<>=]+' not supported between instances of", "types-do-not-compare"),
    (r"must either be None or of the same type", "types-do-not-compare"),
    (r"Cannot compare Timestamp with datetime.date", "bound-needs-time"),
    (r"tz-naive and tz-aware|offset-naive and offset-aware", "bound-needs-zone"),
    (r"Invalid comparison between dtype=datetime", "bound-needs-zone-of-column"),
    (r"Cannot perform reduction|float\(\) argument must be", "needs-numbers"),
    (r"accessor with string values", "needs-text"),
    (r"is not defined", "condition-column"),
    (r"invalid syntax", "condition-syntax"),
    (r"Invalid partition_object", "partition"),
    (r"PandasExecutionEngine", "sql-only"),
)
"""Causes that may be passed on; other messages of an exception may quote values of the data, so they stay inside."""
_EXACT = 2**53
_NOT_FINITE = {"nan", "inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"}


class GreatExpectations:
    """The library as people have it installed; implements ``Engine``."""

    name = "gx"
    title = "Great Expectations"
    package = "great-expectations"

    def version(self) -> str:
        """Return name and version of the library."""
        return f"{self.package} {version('great_expectations')}"

    def knows(self) -> Mapping[str, frozenset[str]]:
        """Return every registered type with its arguments, those that do not change what is judged left out."""
        about = HOUSEKEEPING | {"id", "meta", "notes", "description", "severity"}
        return {kind: frozenset(set(each.__fields__) - about) for kind, each in _types().items()}

    def checks(self, kind: str, arguments: Mapping[str, Any]) -> ArgumentFault | None:
        """Return what is wrong with arguments: what the library refuses, or would take and judge as something else."""
        for name, value in arguments.items():
            message = _unusable(name, value)
            if message:
                return ArgumentFault(name, message)
        try:
            with quiet():
                _types()[kind](**arguments)
        except ValueError as error:  # pydantic's, whose own class depends on which pydantic the library found
            details = error.errors() if hasattr(error, "errors") else [{"loc": (), "msg": str(error)}]
            named = ".".join(str(part) for part in details[0]["loc"] if part != "__root__")
            return ArgumentFault(named, f"{kind}: {details[0]['msg']}")
        return None

    def evaluates(self, expression: str, parameters: Mapping[str, Any]) -> Any:
        """Return the value of an expression in the library's arithmetic."""
        with quiet():
            from great_expectations.core.suite_parameters import parse_suite_parameter
            from great_expectations.exceptions import SuiteParameterError

            try:
                return parse_suite_parameter(expression, dict(parameters))
            except SuiteParameterError as error:
                raise LookupError(expression) from error

    def asks_for_time(self, expression: str) -> bool:
        """Return whether an expression calls ``now()``."""
        return re.search(r"\bnow\s*\(", expression) is not None

    def judges(self, frame: "pl.DataFrame") -> "_Judge":
        """Return the judge of a data set."""
        with quiet():
            return _Judge(frame)


GX = GreatExpectations()


@cache
def _types() -> dict[str, Any]:
    return implementations()


def _unusable(name: str, value: Any) -> str:
    """Return what is wrong with a value that the library would take, and judge as something else."""
    if name in ("min_value", "max_value"):
        if isinstance(value, str) and value.strip().lower() in _NOT_FINITE:
            return f"{value!r} is not a bound: write a finite number, or leave it out"
        if isinstance(value, int) and abs(value) > _EXACT:
            return f"{value} is beyond 2^53, where Great Expectations would compare with a rounded bound"
    for pattern in [value] if name == "regex" else value if name == "regex_list" and isinstance(value, list) else []:
        try:
            re.compile(pattern)
        except (re.error, TypeError) as error:
            return f"not a regular expression: {error}"
    return ""


class _Judge:
    """One data set, handed to the library once."""

    def __init__(self, frame: "pl.DataFrame") -> None:
        import great_expectations

        self._frame = frame
        self._types = _types()
        self._counts: dict[tuple[str, str], tuple[int, int]] = {}
        context = great_expectations.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False, "metric_calculations": False}
        batch = context.data_sources.pandas_default.read_dataframe(_pandas(frame))
        # Batch.validate would hash the whole frame again for each expectation.
        self._validator = context.get_validator(batch_list=[batch])

    def __call__(self, item: Item, *, hidden: bool) -> Outcome:
        """Judge one expectation."""
        exists = item.type == "expect_column_to_exist"
        refusal = None if exists else self._never_equal(item) or self._infinite(item)
        if refusal:
            return Outcome("errored", notes=(refusal,))
        try:
            with quiet():
                success, result = self._run(item.type, item.kwargs)
                evaluated = self._evaluated(item, result)
        except _BrokenError as error:
            return Outcome("errored", notes=(error.note,))
        unexpected = result.get("unexpected_count")
        by_row = "element_count" in result and evaluated and unexpected is not None
        return Outcome(
            "passed" if success else "failed",
            evaluated=evaluated,
            unexpected=None if unexpected is None else int(unexpected),
            missing=int(result.get("missing_count") or 0) if by_row else None,
            observed=None if by_row else _observed(item, result, hidden=hidden),
        )

    def _run(self, kind: str, kwargs: Mapping[str, Any]) -> tuple[bool, Mapping[str, Any]]:
        """Return success and result of one expectation.

        Raises:
            _BrokenError: it could not be judged.
        """
        try:
            configuration = self._types[kind](**kwargs).configuration
            [found] = self._validator.graph_validate([configuration], _BASIC)
        except Exception as error:  # whatever a type raises is this expectation's own fault, and no other's
            raise _BrokenError(f"{type(error).__name__}: {error}") from None
        # Flat for some faults; under the name of each metric for others.
        info = found.exception_info or {}
        faults = [info] if "raised_exception" in info else [one for one in info.values() if isinstance(one, dict)]
        raised = next((one for one in faults if one.get("raised_exception")), None)
        if raised:
            raise _BrokenError(str(raised.get("exception_traceback")))
        return found.success is True or str(found.success) == "True", found.result or {}

    def _evaluated(self, item: Item, result: Mapping[str, Any]) -> int | None:
        """Return how many rows were judged; none for what judges the table or a type."""
        if "element_count" in result:
            missing = 0 if item.type in _JUDGE_MISSINGNESS else result.get("missing_count") or 0
            return int(result["element_count"]) - int(missing)
        from great_expectations.expectations.expectation import ColumnAggregateExpectation

        if not issubclass(self._types[item.type], ColumnAggregateExpectation):
            return None
        rows, present = self._count(item)
        return rows if item.type in _JUDGE_MISSINGNESS else present

    def _count(self, item: Item) -> tuple[int, int]:
        """Return how many rows meet the item's condition, and how many of them hold a value."""
        where = {key: item.kwargs[key] for key in ("column", "row_condition", "condition_parser") if key in item.kwargs}
        key = str(where.get("column")), repr(where.get("row_condition"))
        if key not in self._counts:
            _, result = self._run("expect_column_values_to_not_be_null", where)
            rows = int(result["element_count"])
            self._counts[key] = rows, rows - int(result["unexpected_count"])
        return self._counts[key]

    def _never_equal(self, item: Item) -> Note | None:
        """Return why a set of another type than the column's matches nothing."""
        values = item.kwargs.get("value_set")
        if not _COMPARE_WITH_SET.fullmatch(item.type) or not isinstance(values, list):
            return None
        dtype = self._frame.schema[item.kwargs["column"]]
        import polars as pl

        column = "numbers" if dtype.is_numeric() or dtype == pl.Boolean else "times" if dtype.is_temporal() else "text"
        holds = {"text" if isinstance(value, str) else "numbers" for value in values if value is not None}
        if "distinct" in item.type and column == "times":
            return None  # parsed there, and only there
        if not holds or column in holds or dtype == pl.Null or dtype.is_nested():
            return None
        return Note(code="never-equal", facts={"column": column, "set": " and ".join(sorted(holds))})

    def _infinite(self, item: Item) -> Note | None:
        """Return why a column of infinite values has no spread to judge."""
        if item.type not in _SPREAD:
            return None
        series = self._frame[item.kwargs["column"]]
        infinite = series.dtype.is_float() and series.is_infinite().any()
        return Note(code="infinite") if infinite else None


class _BrokenError(Exception):
    """An expectation could not be judged; the note holds no value of the data."""

    def __init__(self, trace: str) -> None:
        named = [(kind, text) for kind, text in _CAUSE.findall(trace) if kind.endswith(("Error", "Exception"))]
        kind = named[0][0] if named else "Exception"
        cause = next((code for pattern, code in _CAUSES for _, text in named if re.search(pattern, text)), "")
        self.note = Note(code="broken", facts={"kind": kind, **({"cause": cause} if cause else {})})
        super().__init__(kind)


def _observed(item: Item, result: Mapping[str, Any], *, hidden: bool) -> Observed | None:
    """Return what Great Expectations measured; text values of the data and lists of values are left out."""
    if item.type.startswith("expect_column_distinct_values_"):
        return Observed(distinct=result.get("unexpected_count"), absent=result.get("missing_count"))
    if item.type.startswith("expect_table_columns_to_match"):
        return _columns(result)
    if "observed_value" not in result:
        return None
    if hidden:
        return Observed(hidden="personal")
    value = result["observed_value"]
    if item.type in ("expect_column_values_to_be_of_type", "expect_column_type_to_be") or "type_list" in item.type:
        return Observed(value=str(value))
    if item.type == "expect_column_quantile_values_to_be_between":
        pairs = zip(value["quantiles"], value["values"], strict=True)
        return Observed(quantiles=tuple((float(level), _plain(each).value) for level, each in pairs))
    return _plain(value)


def _columns(result: Mapping[str, Any]) -> Observed:
    mismatched = (result.get("details") or {}).get("mismatched")
    if isinstance(mismatched, dict):
        named = {str(key): tuple(sorted(map(str, names))) for key, names in mismatched.items() if names}
        return Observed(mismatched=named)
    if isinstance(mismatched, list) and mismatched:
        keys = ("Expected Column Position", "Found", "Expected")
        where, found, expected = (mismatched[0].get(key) for key in keys)
        return Observed(positions=len(mismatched), first=(where, found, expected))
    return Observed(columns=len(result.get("observed_value") or ()))


def _plain(value: Any) -> Observed:
    """Return a measured number, boolean or moment; anything else may be a value of the data."""
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, bool):
        return Observed(value=value)
    if isinstance(value, int | float):
        exact = math.isfinite(value) and (isinstance(value, float) or abs(value) < _EXACT)
        return Observed(value=value if exact else str(value))
    if isinstance(value, dt.date):  # pandas' timestamps too
        return Observed(value=value.isoformat())
    return Observed(hidden="value")


def _beyond_floats(column: "pl.Series") -> bool:
    """Return whether whole numbers are exact only as Python's own: beyond 64 bits, or beyond 2^53 with some missing."""
    import polars as pl

    if not column.dtype.is_integer() or column.null_count() == len(column):
        return False
    if column.dtype in (pl.Int128, pl.UInt128):
        return True
    least, most = column.min(), column.max()
    return column.null_count() > 0 and max(abs(int(str(least))), abs(int(str(most)))) > _EXACT


def _pandas(frame: "pl.DataFrame") -> Any:
    """Return the frame as training and scoring see it; columns that no model takes are kept, as plain objects."""
    import pandas as pd

    from modelyard.models.child.score import to_pandas

    columns = {}
    for name in frame.columns:
        if _beyond_floats(frame[name]):
            columns[name] = pd.Series(frame[name].to_list(), dtype=object)
            continue
        try:
            columns[name] = to_pandas(frame.select(name))[name]
        except TypeError:
            columns[name] = pd.Series(frame[name].to_list(), dtype=object)
    return pd.DataFrame(columns)
