"""Expectations and what was observed, as a person would say it; never a value of a row."""

import datetime as dt
import json
import math
import re
from collections.abc import Mapping
from typing import Any

from modelyard.validation.suite import Item

_SHOWN = 8
_ABOUT = ("column", "column_A", "column_B", "mostly", "row_condition", "condition_parser", "ignore_row_if")
_PHRASES = {
    "expect_column_to_exist": "exists",
    "expect_column_values_to_not_be_null": "never missing",
    "expect_column_values_to_be_null": "always missing",
    "expect_column_values_to_be_unique": "every value unique",
    "expect_compound_columns_to_be_unique": "unique together",
    "expect_select_column_values_to_be_unique_within_record": "different within a row",
    "expect_column_values_to_be_increasing": "never falling",
    "expect_column_values_to_be_decreasing": "never rising",
    "expect_column_pair_values_to_be_equal": "equal in every row",
}
_UNEXPECTED = {
    "expect_column_values_to_be_between": "outside",
    "expect_column_values_to_be_in_set": "outside the set",
    "expect_column_values_to_not_be_in_set": "inside the set",
    "expect_column_values_to_not_be_null": "missing",
    "expect_column_values_to_be_null": "not missing",
    "expect_column_values_to_be_unique": "repeated",
    "expect_compound_columns_to_be_unique": "repeated",
    "expect_column_values_to_be_increasing": "out of order",
    "expect_column_values_to_be_decreasing": "out of order",
}


def columns(item: Item) -> list[str]:
    """The columns whose values an expectation judges; none where it judges the table."""
    kwargs = item.kwargs
    named = [kwargs[key] for key in ("column", "column_A", "column_B") if kwargs.get(key) is not None]
    if not named and not item.type.startswith("expect_table_"):
        named = list(kwargs.get("column_list") or ())
    return [str(name) for name in named]


def subject(item: Item) -> str:
    """The column or columns that an expectation is about, or ``table``."""
    return ", ".join(columns(item)) or "table"


def expected(item: Item) -> str:
    """What is asked for: ``between 0 and 24, mostly 99 %``."""
    kwargs = item.kwargs
    mostly, condition = kwargs.get("mostly", 1), kwargs.get("row_condition")
    parts = [_demand(item)]
    if kwargs.get("strictly"):
        parts.append("strictly")
    if mostly != 1:
        parts.append(f"mostly {percent(mostly)}")
    if condition:
        parts.append(f"where {condition}")
    return ", ".join(parts)


def _demand(item: Item) -> str:
    kind, kwargs = item.type, item.kwargs
    words = re.sub(r"^expect_(column_values_to_|column_|table_|multicolumn_)?", "", kind).replace("_", " ")
    if kind in _PHRASES:
        return _PHRASES[kind]
    if kind == "expect_column_quantile_values_to_be_between":
        ranges = kwargs["quantile_ranges"]
        pairs = zip(ranges.get("quantiles", ()), ranges.get("value_ranges", ()), strict=False)
        return "; ".join(f"quantile {level:g} {_bounds(pair[0], pair[1])}" for level, pair in pairs)
    if kind.endswith("_to_be_between"):
        aspect = words.removesuffix("to be between").removesuffix("be between").strip()
        strict = bool(kwargs.get("strict_min")), bool(kwargs.get("strict_max"))
        return f"{aspect} {_bounds(kwargs.get('min_value'), kwargs.get('max_value'), *strict)}".strip()
    if kind == "expect_column_pair_values_a_to_be_greater_than_b":
        relation = "at least" if kwargs.get("or_equal") else "greater than"
        return f"{kwargs.get('column_A')} {relation} {kwargs.get('column_B')}"
    words = words.removeprefix("be ")
    rest = {key: value for key, value in kwargs.items() if key not in _ABOUT and value is not None}
    if not kind.startswith("expect_table_"):
        rest.pop("column_list", None)
    if len(rest) == 1:
        return f"{words} {_value(next(iter(rest.values())))}"
    return " ".join([words, *(f"{key}={_value(value)}" for key, value in rest.items())])


def _bounds(low: Any, high: Any, above: bool = False, below: bool = False) -> str:  # noqa: FBT001, FBT002 - GX's shape
    if low is not None and high is not None and not (above or below):
        return f"between {_value(low)} and {_value(high)}"
    parts = []
    if low is not None:
        parts.append(f"{'above' if above else 'at least'} {_value(low)}")
    if high is not None:
        parts.append(f"{'below' if below else 'at most'} {_value(high)}")
    return " and ".join(parts) or "without bounds"


def _value(value: Any) -> str:
    if isinstance(value, list):
        shown = ", ".join(_value(entry) for entry in value[:_SHOWN])
        return f"{shown}, … ({len(value)} in all)" if len(value) > _SHOWN else shown or "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return number(value)
    return value if isinstance(value, str) else json.dumps(value, default=str)


def number(value: float) -> str:
    """``336,776`` or ``12.555``: integers in full, others to six significant digits."""
    if isinstance(value, int) or (math.isfinite(value) and value == int(value) and abs(value) < 1e15):
        return f"{int(value):,}"
    return f"{value:,.6g}"


def percent(share: float) -> str:
    """A share as a percentage; what is neither none nor all never looks like it: ``0.004 %``, ``99.998 %``."""
    percentage = 100 * share
    if percentage in (0, 100):
        return f"{percentage:.0f} %"
    digits = 1 if 0.1 <= percentage <= 99.9 else 2 - math.floor(math.log10(min(percentage, 100 - percentage)))
    return f"{percentage:.{digits}f}".rstrip("0").rstrip(".") + " %"


def observed(item: Item, result: Mapping[str, Any], evaluated: int | None, *, hidden: bool) -> str:
    """What was found, from Great Expectations' result; text values of the data and lists of values are left out.

    Args:
        item: the expectation.
        result: the ``result`` object of Great Expectations.
        evaluated: rows that entered the judgement, where rows were judged one by one.
        hidden: the column is personal, so that not even its mean or maximum is shown.
    """
    bad = result.get("unexpected_count")
    if "element_count" in result and evaluated and bad is not None:
        text = f"{bad:,} of {evaluated:,} rows {_UNEXPECTED.get(item.type, 'unexpected')}"
        text += f" ({percent(bad / evaluated)})" if bad else ""
        missing = result.get("missing_count") or 0
        return f"{text}; {missing:,} missing, not judged" if missing else text
    if item.type.startswith("expect_column_distinct_values_"):
        absent = result.get("missing_count")
        parts = [f"{bad:,} distinct values outside the set"] if bad is not None else []
        parts += [f"{absent:,} of the set absent"] if absent is not None else []
        return ", ".join(parts)
    if item.type.startswith("expect_table_columns_to_match"):
        return _mismatched(result)
    if "observed_value" not in result:
        return ""
    return "not shown: the column is personal" if hidden else _aggregate(item, result["observed_value"])


def _mismatched(result: Mapping[str, Any]) -> str:
    mismatched = (result.get("details") or {}).get("mismatched")
    if isinstance(mismatched, dict):
        parts = [f"{key}: {_value(sorted(map(str, names)))}" for key, names in mismatched.items() if names]
        return "; ".join(parts)
    if isinstance(mismatched, list) and mismatched:
        first = mismatched[0]
        where = first.get("Expected Column Position")
        return f"{len(mismatched)} positions differ, first {where}: {first.get('Found')} for {first.get('Expected')}"
    return f"{len(result.get('observed_value') or ())} columns"


def _aggregate(item: Item, value: Any) -> str:
    if item.type in ("expect_column_values_to_be_of_type", "expect_column_type_to_be") or "type_list" in item.type:
        return str(value)
    if item.type == "expect_column_quantile_values_to_be_between":
        pairs = zip(value["quantiles"], value["values"], strict=True)
        return "; ".join(f"quantile {level:g}: {_plain(quantile)}" for level, quantile in pairs)
    return _plain(value)


def _plain(value: Any) -> str:
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return number(value) if math.isfinite(value) else str(value)
    if isinstance(value, dt.date):  # pandas' timestamps too
        return value.isoformat()
    return "not shown: a value of the data"
