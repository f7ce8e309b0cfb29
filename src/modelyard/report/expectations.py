"""Expectations in words: what is asked for, what was observed, and why one could not be judged."""

import json
import math
import re
from typing import Any

from modelyard.records.results.validate import Expectation, Note, Observed

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


_CAUSES = {
    "types-do-not-compare": "its values and the bound have types that do not compare",
    "bound-needs-time": "write the bound with a time, such as 2013-01-31T00:00:00",
    "bound-needs-zone": "write the bound with a zone, such as 2013-01-31T00:00Z",
    "bound-needs-zone-of-column": "write the bound with a zone exactly where the column has one",
    "needs-numbers": "this needs numbers",
    "needs-text": "this needs text",
    "condition-column": "row_condition names a column that is not there",
    "condition-syntax": "row_condition is not an expression that pandas can read",
    "partition": "partition_object is not a partition",
    "sql-only": "Great Expectations runs this type on SQL only",
}
_NOTES = {
    "no-rows": "the set holds no rows",
    "no-value": "no row has a value to judge",
    "no-value-under-condition": "no row that meets the condition has a value to judge",
    "mostly-zero": "mostly: 0 accepts anything",
    "no-bounds": "no bounds: any value is accepted",
    "no-quantile-bounds": "no bounds: any quantile is accepted",
    "no-argument": "no {argument}: anything is accepted",
    "empty-argument": "{argument} is empty: there is nothing to compare with",
    "empty-regex": "the regex is empty: it matches anything",
    "other-position": "the column stands in another position",
    "not-critical": "severity {severity}: listed, and does not fail the suite",
    "never-equal": "the column holds {column}, the set {set}: no value could ever match",
    "infinite": "the column holds infinite values, beside which no value is far from the mean",
}


def subject(item: Expectation) -> str:
    """Return the column or columns that an expectation is about, or ``table``."""
    return ", ".join(item.columns) or "table"


def expected(item: Expectation) -> str:
    """Return what is asked for: ``between 0 and 24, mostly 99%``."""
    arguments = item.arguments
    mostly, condition = arguments.get("mostly", 1), arguments.get("row_condition")
    parts = [_demand(item)]
    if arguments.get("strictly"):
        parts.append("strictly")
    if mostly != 1 and isinstance(mostly, int | float):
        parts.append(f"mostly {percent(mostly)}")
    if condition:
        parts.append(f"where {condition}")
    return ", ".join(parts)


def observed(item: Expectation) -> str:
    """Return what was found."""
    if item.observed is not None:
        return _measured(item.observed)
    if not item.evaluated or item.unexpected is None:
        return ""
    text = f"{item.unexpected:,} of {item.evaluated:,} rows {_UNEXPECTED.get(item.type, 'unexpected')}"
    text += f" ({percent(item.unexpected / item.evaluated)})" if item.unexpected else ""
    return f"{text}; {item.missing:,} missing, not judged" if item.missing else text


def notes(item: Expectation) -> str:
    """Return why an expectation could not be judged, and what to know of its end."""
    return "; ".join(map(_note, item.notes))


def _note(note: Note) -> str:
    facts = note.facts
    if note.code == "no-column":
        near = f" Did you mean {facts['nearest']!r}?" if "nearest" in facts else ""
        return f"no column {facts.get('column', '')!r}.{near}"
    if note.code == "broken":
        cause = _CAUSES.get(facts.get("cause", ""), "")
        return f"could not be judged ({facts.get('kind', 'Exception')}){': ' if cause else ''}{cause}"
    return re.sub(r"\{(\w+)\}", lambda match: facts.get(match[1], ""), _NOTES[note.code])


def _measured(value: Observed) -> str:
    if value.hidden:
        return "not shown: the column is personal" if value.hidden == "personal" else "not shown: a value of the data"
    if value.quantiles:
        return "; ".join(f"quantile {level:g}: {_value(each)}" for level, each in value.quantiles)
    if value.distinct is not None or value.absent is not None:
        parts = [f"{value.distinct:,} distinct values outside the set"] if value.distinct is not None else []
        return ", ".join(parts + ([f"{value.absent:,} of the set absent"] if value.absent is not None else []))
    if value.mismatched:
        return "; ".join(f"{key}: {_list(names, len(names))}" for key, names in value.mismatched.items())
    if value.positions is not None and value.first is not None:
        where, name, wanted = value.first
        return f"{value.positions} positions differ, first {where}: {name} for {wanted}"
    if value.columns is not None:
        return f"{value.columns} columns"
    return "" if value.value is None else _value(value.value)


def _demand(item: Expectation) -> str:
    kind, kwargs = item.type, item.arguments
    words = re.sub(r"^expect_(column_values_to_|column_|table_|multicolumn_)?", "", kind).replace("_", " ")
    if kind in _PHRASES:
        return _PHRASES[kind]
    if kind == "expect_column_quantile_values_to_be_between":
        return _quantile_bounds(kwargs.get("quantile_ranges"))
    if kind.endswith("_to_be_between"):
        aspect = words.removesuffix("to be between").removesuffix("be between").strip()
        strict = bool(kwargs.get("strict_min")), bool(kwargs.get("strict_max"))
        return f"{aspect} {_bounds(kwargs.get('min_value'), kwargs.get('max_value'), *strict)}".strip()
    if kind == "expect_column_pair_values_a_to_be_greater_than_b":
        relation = "at least" if kwargs.get("or_equal") else "greater than"
        return f"{kwargs.get('column_A')} {relation} {kwargs.get('column_B')}"
    words = words.removeprefix("be ")
    lengths = item.lengths
    rest = {key: value for key, value in kwargs.items() if key not in _ABOUT and value is not None}
    if not kind.startswith("expect_table_"):
        rest.pop("column_list", None)
    if len(rest) == 1:
        ((name, value),) = rest.items()
        return f"{words} {_value(value, lengths.get(name))}"
    return " ".join([words, *(f"{key}={_value(value, lengths.get(key))}" for key, value in rest.items())])


def _quantile_bounds(ranges: Any) -> str:
    levels, bounds = (ranges.get(key) if isinstance(ranges, dict) else None for key in ("quantiles", "value_ranges"))
    pairs = zip(levels, bounds, strict=False) if isinstance(levels, list) and isinstance(bounds, list) else ()
    known = [(level, pair) for level, pair in pairs if isinstance(pair, list) and len(pair) == 2]
    return "; ".join(f"quantile {_value(level)} {_bounds(*pair)}" for level, pair in known)


def _bounds(low: Any, high: Any, above: bool = False, below: bool = False) -> str:  # noqa: FBT001, FBT002 - GX's shape
    if low is not None and high is not None and not (above or below):
        return f"between {_value(low)} and {_value(high)}"
    parts = []
    if low is not None:
        parts.append(f"{'above' if above else 'at least'} {_value(low)}")
    if high is not None:
        parts.append(f"{'below' if below else 'at most'} {_value(high)}")
    return " and ".join(parts) or "without bounds"


def _value(value: Any, length: int | None = None) -> str:
    if isinstance(value, list):
        return _list(value, len(value) if length is None else length)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return number(value)
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _list(values: "list[Any] | tuple[Any, ...]", length: int) -> str:
    entries = ", ".join(map(_value, values[:_SHOWN]))
    return f"{entries}, … ({length} in all)" if length > _SHOWN else entries or "nothing"


def number(value: float) -> str:
    """Return ``336,776`` or ``12.555``: integers in full, others to six significant digits."""
    if isinstance(value, int) or (math.isfinite(value) and value == int(value) and abs(value) < 1e15):
        return f"{int(value):,}"
    return f"{value:,.6g}"


def percent(share: float) -> str:
    """Return a share as a percentage; what is neither none nor all never looks like it: ``0.004%``, ``99.998%``."""
    percentage = 100 * share
    if not 0 < percentage < 100:
        return f"{percentage:g}%"
    digits = 1 if 0.1 <= percentage <= 99.9 else 2 - math.floor(math.log10(min(percentage, 100 - percentage)))
    return f"{percentage:.{digits}f}".rstrip("0").rstrip(".") + "%"
