"""Columns in the types that ``data.read`` states, and numbers with the decimal sign that it states."""

import re
from typing import TYPE_CHECKING

from modelyard.config.sections.data import ReadAs
from modelyard.core.errors import DataError
from modelyard.core.vocabulary import MISSING_WORDS, DeclaredType
from modelyard.data.types import Seen, as_dates, as_decimals, as_moments, as_text, as_truths, inferred

if TYPE_CHECKING:
    import polars as pl

_CLOCK = re.compile(r"%[-_0]?[HIMSTXcspfRrsz]")
"""What a format holds that says more than the day."""
_WORDS: dict[DeclaredType, str] = {
    "text": "text",
    "integer": "whole numbers",
    "decimal": "numbers",
    "boolean": "true or false",
    "date": "dates such as 2013-01-31",
    "time": "times such as 2013-01-31 05:00:00",
}


def states(name: str, how: ReadAs) -> bool:
    """Return whether the configuration says what a column is."""
    return name in how.types or name in how.dates


def as_stated(column: "pl.Series", how: ReadAs, place: str) -> "tuple[pl.Series, Seen]":
    """Return a column in the stated type, with what was seen of it.

    Raises:
        DataError: values of another type, with their count.
    """
    import polars as pl

    name, kind = column.name, how.types.get(column.name)
    rows, missing = len(column), column.null_count()
    if column.dtype != pl.String:
        bare, found = column, _cast(column, kind, how.dates.get(name))
    elif kind == "text":
        words = int(column.is_in(MISSING_WORDS).sum())
        return column, Seen(column.dtype, rows, missing, words, declared=True)
    else:
        bare = column.str.strip_chars()
        bare = bare.set(bare.is_in(MISSING_WORDS), None)
        found = _parsed(bare, kind, how)
    lost = found.null_count() - bare.null_count()
    if lost:
        what = _WORDS[kind] if kind else f"written as {how.dates[name]}"
        raise DataError(
            f"{place}: column {name!r}: {lost:,} of {rows - bare.null_count():,} values are not {what}",
            code="data/other-than-stated",
            hint="Fix those values, or what data.read says of the column.",
        )
    return found, Seen(found.dtype, rows, missing, words=bare.null_count() - missing, declared=True)


def guessed(column: "pl.Series", how: ReadAs) -> "tuple[pl.Series, Seen]":
    """Return a column of text in the type that all its values have, with decimals as they are said to be written."""
    if how.decimal == ".":
        return inferred(column)
    swapped = _swapped(column)
    found, seen = inferred(swapped)
    if found.dtype.is_numeric():
        return found, seen
    if seen.coded or seen.numbers:
        return column, seen
    found, seen = inferred(column)
    return (column, as_text(column)) if found.dtype.is_numeric() else (found, seen)


def _swapped(column: "pl.Series") -> "pl.Series":
    return column.str.replace_many([",", "."], [".", ","])


def _parsed(bare: "pl.Series", kind: DeclaredType | None, how: ReadAs) -> "pl.Series":
    import polars as pl

    if kind == "integer":
        large = bare.cast(pl.Int128, strict=False)
        small = large.cast(pl.Int64, strict=False)
        return small if small.null_count() == large.null_count() else large
    if kind == "decimal":
        return as_decimals(bare if how.decimal == "." else _swapped(bare))
    if kind is not None:
        return {"boolean": as_truths, "date": as_dates, "time": as_moments}[kind](bare)
    form = how.dates[bare.name]
    return bare.str.strptime(pl.Datetime("us") if _CLOCK.search(form) else pl.Date(), form, strict=False)


def _cast(column: "pl.Series", kind: DeclaredType | None, form: str | None) -> "pl.Series":
    """Return a column of a file that tells types in another; what does not fit becomes missing."""
    import polars as pl

    if form is not None:
        return column if column.dtype.is_temporal() else column.clear(len(column))
    types: dict[DeclaredType | None, pl.DataType] = {
        "text": pl.String(), "integer": pl.Int64(), "decimal": pl.Float64(), "boolean": pl.Boolean(), "date": pl.Date(),
        "time": pl.Datetime("us"),
    }  # fmt: skip
    found = column.cast(types[kind], strict=False)
    if kind in ("integer", "boolean", "date"):
        found = found.set(~found.cast(column.dtype, strict=False).eq_missing(column), None)
    return found
