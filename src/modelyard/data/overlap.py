"""Refuse sets named train and test that share rows, ids, groups or units, or whose test is older than the training."""

from collections.abc import Iterator, Sequence
from math import sqrt
from typing import TYPE_CHECKING

from modelyard.config.sections.data import Columns
from modelyard.core.errors import DataError
from modelyard.data.units import present, stretch_starts, unit_of, wall_clock

if TYPE_CHECKING:
    import polars as pl

_ERRORS = 3
"""Standard errors above what chance gives, from which rows that stand on both sides are a leak."""


def refuse_overlap(train: "pl.DataFrame", test: "pl.DataFrame", columns: Columns, row: str) -> None:
    """Raise where something of the test is known from training.

    Equal rows are refused where they are more than the training rows' own repeats make likely: data of few values
    repeats itself, and then a test does too.

    Args:
        train: training rows, at least one.
        test: test rows, at least one.
        columns: what the columns mean.
        row: name of a column of row numbers, which is left out of the comparison.

    Raises:
        DataError: what stands on both sides, with counts.
    """
    found = [*_shared_values(train, test, columns), *_shared_times(train, test, columns)]
    compared = [name for name in train.columns if name in test.columns and name not in (row, columns.id)]
    found += _shared_rows(train, test, compared)
    if found:
        raise DataError(
            f"the sets train and test are not apart: {'; '.join(found)}",
            code="data/sets-overlap",
            hint="Name sets that are apart, or let data.split make them of one set. If this is meant, say why: "
            'data.overlap: {allow: "the reason"}.',
        )


def _shared_values(train: "pl.DataFrame", test: "pl.DataFrame", columns: Columns) -> Iterator[str]:
    """Say which values of ids, groups and units by column stand on both sides."""
    roles = {columns.id: "ids", columns.group: "groups"}
    roles.setdefault(unit_of(train, columns).column, "units")
    for column, what in roles.items():
        if column is not None:
            key = f"data.columns.{what.removesuffix('s')}"
            known, judged = _alike(present(train, column, key), present(test, column, key))
            both = judged.is_in(known.unique().implode())
            if both.any():
                yield (
                    f"{judged.filter(both).n_unique():,} {what} ({column!r}) have rows in both, "
                    f"{int(both.sum()):,} of the {len(test):,} test rows"
                )


def _shared_times(train: "pl.DataFrame", test: "pl.DataFrame", columns: Columns) -> Iterator[str]:
    """Say how many test rows happened before the newest training row, or in a stretch that has training rows."""
    if columns.time is None:
        return
    unit = unit_of(train, columns)
    known, judged = (wall_clock(part, columns, unit.zone) for part in (train, test))
    older = int((judged < known.max()).sum())
    if older:
        yield f"{older:,} of the {len(test):,} test rows are older than the newest training row ({columns.time!r})"
    elif unit.every:
        starts = stretch_starts(known, unit.every).unique()
        both = int(stretch_starts(judged, unit.every).is_in(starts.implode()).sum())
        if both:
            yield f"{both:,} of the {len(test):,} test rows lie in a {unit.every} that has training rows"


def _shared_rows(train: "pl.DataFrame", test: "pl.DataFrame", compared: Sequence[str]) -> Iterator[str]:
    """Say how many test rows are training rows too, where that is more than chance."""
    import polars as pl

    if not compared:
        return
    pairs = [_alike(train[name], test[name]) for name in compared]
    known, judged = (pl.DataFrame(dict(zip(compared, side, strict=True))) for side in zip(*pairs, strict=True))
    both = len(judged.join(known.unique(), on=list(compared), how="semi", nulls_equal=True))
    twins = (int(known.is_duplicated().sum()) + 0.5) / (len(known) + 1)
    likely = twins * len(judged)
    error = sqrt(twins * (1 - twins) * len(judged) * (1 + len(judged) / len(known)))
    if both > likely + _ERRORS * error or (both == len(judged) and len(known) == len(judged)):
        yield f"{both:,} of the {len(judged):,} test rows are training rows too, equal in every column"


def _alike(one: "pl.Series", other: "pl.Series") -> "tuple[pl.Series, pl.Series]":
    """Return both in one type, also where one was read as whole numbers and the other as fractions or text."""
    import polars as pl

    if one.dtype == other.dtype:
        return one, other
    kind = pl.Float64 if one.dtype.is_numeric() and other.dtype.is_numeric() else pl.String
    return one.cast(kind), other.cast(kind)
