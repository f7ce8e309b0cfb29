"""Which expectations cannot fail, told from what they ask for alone."""

from collections.abc import Mapping
from typing import Any

from modelyard.records.results.validate import Note

_COMPARED_WITH = ("value_set", "regex_list", "like_pattern_list", "type_list", "column_set", "value_pairs_set")
_ANYTHING_WHEN_ABSENT = {
    "expect_column_values_to_be_in_type_list": "type_list",
    "expect_table_columns_to_match_set": "column_set",
    "expect_table_columns_to_match_ordered_list": "column_list",
    "expect_column_kl_divergence_to_be_less_than": "threshold",
}


def cannot_fail(kind: str, kwargs: Mapping[str, Any]) -> Note | None:
    """Return why an expectation of this type with these arguments judges nothing; None where it does judge."""
    if kwargs.get("mostly") == 0:
        return Note(code="mostly-zero")
    if kind == "expect_column_quantile_values_to_be_between":
        ranges = (kwargs.get("quantile_ranges") or {}).get("value_ranges")
        if isinstance(ranges, list) and all(bound is None for pair in ranges for bound in pair or ()):
            return Note(code="no-quantile-bounds")
    elif kind.endswith("_to_be_between") and kwargs.get("min_value") is None and kwargs.get("max_value") is None:
        return Note(code="no-bounds")
    required = _ANYTHING_WHEN_ABSENT.get(kind)
    if required and kwargs.get(required) is None:
        return Note(code="no-argument", facts={"argument": required})
    empty = next((key for key in _COMPARED_WITH if kwargs.get(key) == []), "")
    if empty:
        return Note(code="empty-argument", facts={"argument": empty})
    return Note(code="empty-regex") if kwargs.get("regex") == "" else None
