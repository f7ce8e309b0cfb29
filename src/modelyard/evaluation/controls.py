"""Control variates of gates: a column of the test rows, and its mean on the rows that were dealt to training."""

from typing import Any

import numpy as np

from modelyard.config.sections.data import Columns
from modelyard.core.errors import DataError
from modelyard.data import splits
from modelyard.stats.adjusted import Control


def control_of(name: str, test: Any, others: Any | None, columns: Columns, weight: Any | None) -> Control:
    """Return the control variate of a column; a missing value counts as the mean of the others that are known.

    Args:
        name: the column.
        test: Polars frame of the test rows.
        others: of the other rows that chance might as well have made test rows; None where there are none such.
        columns: what the columns mean.
        weight: (n,) of the others.

    Raises:
        DataError: no such rows, a column that is missing or holds no numbers, or units on both sides.
    """
    if others is None or len(others) < 2:
        raise DataError(
            f"adjust_by: {name!r} has to be known of other rows than the test rows, which chance dealt; there are none",
            code="evaluate/no-other-rows",
            hint="Split one set by random, hash or stratified, or leave adjust_by out.",
        )
    numbers = [frame[name].cast(float) for frame in (test, others) if name in frame.columns and _numeric(frame[name])]
    if len(numbers) < 2 or not np.isfinite(numbers[1].drop_nulls().to_numpy()).any():
        raise DataError(
            f"adjust_by: the data has no column {name!r} of numbers",
            code="evaluate/no-control",
            hint="Name a column of numbers that every row has, such as the score of an earlier model.",
        )
    known = numbers[1].to_numpy()
    mean = float(known[np.isfinite(known)].mean())
    filled = [np.where(np.isfinite(each), each, mean) for each in (column.to_numpy() for column in numbers)]
    return Control.of(name, filled[0], filled[1], _units(test, others, columns), weight)


def _numeric(column: Any) -> bool:
    import polars as pl

    return bool(column.dtype.is_numeric() or column.dtype == pl.Boolean)


def _units(test: Any, others: Any, columns: Columns) -> Any:
    """Return the units of the other rows; none of them may have test rows too, since the sides are then not apart."""
    import polars as pl

    both = pl.concat([test.select(others.columns), others], how="vertical_relaxed")
    codes, named, _ = splits.unit_codes(both, columns)
    if codes is None:
        return None
    of_test, of_others = codes[: len(test)], codes[len(test) :]
    shared = len(np.intersect1d(of_test, of_others))
    if shared:
        raise DataError(
            f"adjust_by: {shared:,} {named}s have both test rows and others, so that the two are not apart",
            code="evaluate/shared-units",
            hint="Split by hash of the unit's column, or name it as group.",
        )
    return of_others
