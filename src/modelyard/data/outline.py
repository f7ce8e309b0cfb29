"""What the columns of a data file are like, without a value of theirs: from what ``modelyard init`` guesses."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from modelyard.config.discovery import Column, Outline
from modelyard.config.sections.data import ReadAs
from modelyard.core.errors import DataError
from modelyard.data import reading

if TYPE_CHECKING:
    import polars as pl

_BLANKS = 3
"""Text of this many blanks on average was written by somebody, and is no name."""
_ADVICE = re.compile(r"data\.read: \{<set>: (\{.*?)(?:, names: \[…\])?\}\}")
"""What the reader advises, as it stands in its hints; columns without a header are called column_1 and so on."""
_NO_GUESS = ("data/not-utf8",)
"""Every file could be in latin-1."""
_FIRST = 100
_YEARS = (1500, 2200)
_DAYS = (
    "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d %b %Y", "%b %d %Y",
    "%b %d, %Y", "%d-%b-%Y",
)  # fmt: skip
_FORMS = tuple(f"{day}{clock}" for day in _DAYS for clock in ("", " %H:%M", " %H:%M:%S"))
"""How times are written that are not written as ISO 8601 has it."""


def outline(path: Path) -> Outline:
    """Return what a data file is like, and no value; what its reader advises of ``data.read`` is followed.

    Raises:
        DataError: it cannot be read, and no advice helps.
    """
    how: dict[str, Any] = {}
    while True:
        try:
            frame = reading.read((path,), how=ReadAs.model_validate(how))
        except DataError as error:
            advice = None if error.code in _NO_GUESS else _ADVICE.search(error.hint)
            more = yaml.safe_load(f"{advice[1]}}}") if advice else {}
            if not set(more) - set(how):
                raise
            how |= more
        else:
            return Outline([_column(each, frame) for each in frame.get_columns()], how)


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
        forms=_forms(there) if text else (),
    )


def _forms(there: "pl.Series") -> tuple[str, ...]:
    """Return each way of writing times that all values of text follow."""
    return tuple(form for form in _FORMS if _follows(there.head(_FIRST), form) and _follows(there, form))


def _follows(there: "pl.Series", form: str) -> bool:
    import polars as pl

    times = there.str.strptime(pl.Datetime("us") if "%H" in form else pl.Date(), form, strict=False)
    return bool(len(times)) and bool(times.dt.year().is_between(*_YEARS).fill_null(value=False).all())


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
