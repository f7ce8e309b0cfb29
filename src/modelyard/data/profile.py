"""What a data set looks like, column by column, small and without raw values: kept with a version, compared later."""

import hashlib
import hmac
import math
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from modelyard.data.types import type_name

if TYPE_CHECKING:
    import polars as pl

QUANTILES = tuple((step + 0.5) / 20 for step in range(20))
"""2.5 %, 7.5 %, … 97.5 %: the extremes, which are single rows' values, are not among them."""

FEWEST = 10
"""What fewer rows than this have in common is not told."""

_LEVELS = 200
"""Most frequent categories that are told apart."""


def profile(frame: "pl.DataFrame", personal: Collection[str], key: bytes | None) -> dict[str, Any]:
    """Describe every column.

    Args:
        frame: The rows.
        personal: Columns with personal data, of which only type, rows and missing values are told.
        key: Secret key under which categories are named by HMAC-SHA256; None: no categories.

    Returns:
        ``{"rows": n, "columns": {name: {...}}}`` as JSON data without NaN, equal for equal rows and key. Per column
        ``type``, ``rows`` and ``missing`` (NaN is missing); ``distinct``; for finite numbers ``mean``, ``std``
        (n - 1) and ``quantiles`` (20, three digits), None under 10 rows; for text and truth values, with a key,
        ``categories``: [name, rows] from the most frequent, those under 10 rows and beyond the 200th summed up in
        ``merged``.
    """
    return {
        "rows": len(frame),
        "columns": {
            column.name: _basics(column)
            | ({} if column.name in personal else _numbers(column) | _categories(column, key))
            for column in frame.get_columns()
        },
    }


def _basics(column: "pl.Series") -> dict[str, Any]:
    return {"type": type_name(column.dtype), "rows": len(column), "missing": len(column) - len(_present(column))}


def _present(column: "pl.Series") -> "pl.Series":
    values = column.drop_nulls()
    return values.drop_nans() if values.dtype.is_float() else values


def _numbers(column: "pl.Series") -> dict[str, Any]:
    import polars as pl

    values = _present(column)
    if values.dtype.is_nested() or values.dtype in (pl.Object, pl.Binary, pl.Null):
        return {}
    told: dict[str, Any] = {"distinct": values.n_unique()}
    if not values.dtype.is_numeric():
        return told
    exact = values.cast(pl.Float64)
    finite = exact.filter(exact.is_finite())
    if len(finite) < FEWEST:
        return told | {"mean": None, "std": None, "quantiles": None}
    ordered = finite.sort()
    return told | {
        # Six digits: the order in which threads add up may change the last ones.
        "mean": _rounded(finite.mean(), 6),
        "std": _rounded(finite.std(), 6),
        "quantiles": [_rounded(ordered.quantile(share, interpolation="linear"), 3) for share in QUANTILES],
    }


def _categories(column: "pl.Series", key: bytes | None) -> dict[str, Any]:
    import polars as pl

    if key is None or column.dtype not in (pl.String, pl.Boolean, pl.Categorical, pl.Enum):
        return {}
    counted = column.drop_nulls().cast(pl.String).alias("level").value_counts()
    large = sorted(
        (
            [hmac.new(key, f"{column.name}\0{level}".encode(), hashlib.sha256).hexdigest(), rows]
            for level, rows in counted.filter(pl.col("count") >= FEWEST).iter_rows()
        ),
        key=lambda named: (-named[1], named[0]),
    )[:_LEVELS]
    told = sum(rows for _, rows in large)
    return {
        "categories": large,
        "merged": {"levels": len(counted) - len(large), "rows": int(counted["count"].sum()) - told},
    }


def _rounded(value: object, digits: int) -> float | None:
    if not isinstance(value, float):
        return None
    rounded = float(f"{value:.{digits}g}")  # the largest floats round to infinity
    return rounded if math.isfinite(rounded) else None
