"""What the columns of a data file are like, without a value of theirs: from what ``modelyard init`` guesses."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from modelyard.config.discovery import Column
from modelyard.data import reading

if TYPE_CHECKING:
    import polars as pl

_BLANKS = 3
"""Text of this many blanks on average was written by somebody, and is no name."""


def outline(path: Path) -> Sequence[Column]:
    """Return what the columns of a data file are like, and no value."""
    frame = reading.read((path,))
    return [_column(each, frame) for each in frame.get_columns()]


def _column(series: "pl.Series", frame: "pl.DataFrame") -> Column:
    import polars as pl

    dtype, there = series.dtype, series.drop_nulls()
    number, text = dtype.is_numeric(), dtype == pl.String
    whole = number and bool(len(there)) and (dtype.is_integer() or bool((there == there.round()).all()))
    distinct = series.n_unique()
    return Column(
        name=series.name,
        dtype=str(dtype),
        distinct=distinct,
        missing=series.null_count(),
        rows=len(frame),
        whole=whole,
        counts=whole and len(there) == len(series) > 1 and bool((series.diff(null_behavior="drop") == 1).all()),
        prose=text and int(there.str.count_matches(r"\s").sum()) >= _BLANKS * max(len(there), 1),
        settles=_settled(series, frame) if (whole or text) and not series.null_count() else "",
        even=_even(series) if (whole or text) and not series.null_count() else 0,
    )


def _settled(series: "pl.Series", frame: "pl.DataFrame") -> str:
    """Return another column that is the same in all rows of one value, where rows of one value stand together."""
    import polars as pl

    if not _in_blocks(series):
        return ""
    blocks = series.rle_id()
    others = frame.select(pl.all().exclude(series.name).n_unique().over(blocks).max())
    return next(
        (name for name, most in others.row(0, named=True).items() if most == 1 and frame[name].n_unique() > 1), ""
    )


def _in_blocks(series: "pl.Series") -> bool:
    """Return whether rows of one value stand together, two or more on average."""
    blocks = int(series.rle_id()[-1]) + 1 if len(series) else 0
    return 1 < blocks <= len(series) / 2 and blocks == series.n_unique()


def _even(series: "pl.Series") -> int:
    import polars as pl

    counts = series.value_counts()["count"].unique()
    fits = len(counts) == 1 and counts[0] > 1 and (series.dtype == pl.String or _in_blocks(series))
    return int(counts[0]) if fits else 0
