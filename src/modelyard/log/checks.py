"""What holds for the rows of every log, wherever they come from."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from modelyard.core.errors import DataError
from modelyard.log.schema import OF_A_CLASS, PREDICTION, PROBABILITY

if TYPE_CHECKING:
    import polars as pl

_TOLERANCE = 2e-3
"""How far from 1 logged probabilities may add up."""


def told_of(columns: Sequence[str]) -> list[str]:
    """Return the columns that hold the prediction itself."""
    return [name for name in columns if name in (PREDICTION, PROBABILITY) or name.startswith(OF_A_CLASS)]


def together(frames: "Sequence[pl.DataFrame]") -> "pl.DataFrame":
    """Return the rows of several pieces; a column that is of several types is text."""
    import polars as pl

    frames = [frame for frame in frames if not frame.is_empty()]
    if not frames:
        return pl.DataFrame()
    types: dict[str, set[str]] = {}
    for frame in frames:
        for name, dtype in frame.schema.items():
            if dtype != pl.Null:
                types.setdefault(name, set()).add("number" if dtype.is_numeric() else str(dtype.base_type()))
    mixed = [name for name, kinds in types.items() if len(kinds) > 1]
    return pl.concat([_as_text(frame, mixed) for frame in frames], how="diagonal_relaxed")


def _as_text(frame: "pl.DataFrame", names: list[str]) -> "pl.DataFrame":
    """Return columns that are of several types over the partitions as text."""
    import polars as pl

    def text(column: pl.Series) -> pl.Series:
        if column.dtype.is_nested():
            values = [None if value is None else json.dumps(value) for value in column.to_list()]
            return pl.Series(column.name, values, dtype=pl.String)
        return column.cast(pl.String)

    return frame.with_columns(text(frame[name]) for name in names if name in frame.columns)


def checked(rows: "pl.DataFrame") -> "pl.DataFrame":
    """Return predictions, whose ids, times, models and predictions are all there."""
    import polars as pl

    rows = rows.with_columns(pl.col("id").cast(pl.String), pl.col("model").cast(pl.String))
    for name, count in (
        ("id", rows["id"].null_count() + int((rows["id"] == "").sum())),
        ("time", rows["time"].null_count()),
        ("model", rows["model"].null_count()),
    ):
        if count:
            raise DataError(
                f"{count:,} of {len(rows):,} predictions have no {name}",
                code="log/missing-value",
                hint="Every prediction needs an id, a time and a model: fix what writes the log.",
            )
    by_class = [name for name in rows.columns if name.startswith(OF_A_CLASS)]
    told = [name for name in (PREDICTION, PROBABILITY) if name in rows.columns] + by_class
    none = rows.select(pl.all_horizontal(pl.col(told).is_null())).to_series() if told else pl.Series([True] * len(rows))
    bad = int(none.sum())
    for name in told:
        if rows[name].dtype.is_float():
            bad += len(rows) - rows[name].null_count() - int(rows[name].is_finite().sum())
    if bad:
        raise DataError(
            f"{bad:,} of {len(rows):,} predictions are missing, NaN or infinite",
            code="log/no-prediction",
            hint="A prediction that failed is none: do not log it.",
        )
    for name in told:
        if name == PREDICTION:
            continue
        numeric = rows[name].dtype.is_numeric() or rows[name].dtype == pl.Null
        if not numeric or not rows[name].cast(pl.Float64).is_between(0, 1).all():
            raise DataError(
                f"{name} has values outside 0 to 1",
                code="log/not-probabilities",
                hint="A score that is no probability is a prediction.",
            )
    if len(by_class) > 1:
        several = pl.sum_horizontal(pl.col(by_class).is_not_null()) > 1
        off = rows.filter(several & ((pl.sum_horizontal(by_class) - 1).abs() > _TOLERANCE))
        if len(off):
            raise DataError(
                f"probabilities of {len(off):,} of {len(rows):,} predictions do not add up to 1",
                code="log/not-probabilities",
                hint="Log the probabilities of all classes, or that of one.",
            )
    return rows


def checked_labels(labels: "pl.DataFrame") -> "pl.DataFrame":
    """Return rows with a label: ``id``, ``label``, ``label_time``."""
    import polars as pl

    moment = pl.Datetime("us", "UTC")
    if labels.is_empty():
        return pl.DataFrame(schema={"id": pl.String, "label": pl.Null, "label_time": moment})
    if "label_time" not in labels.columns:
        labels = labels.with_columns(label_time=pl.lit(None, dtype=moment))
    labels = labels.select(pl.col("id").cast(pl.String), "label", "label_time")
    label = labels["label"]
    lost = labels["id"].null_count() + label.null_count()
    if label.dtype.is_float():
        lost += int((~label.is_finite()).sum())
    if lost:
        raise DataError(
            f"{lost:,} of {len(labels):,} labels have no id, or are missing, NaN or infinite",
            code="log/missing-label",
            hint="A label that is not known yet is not written.",
        )
    return labels
