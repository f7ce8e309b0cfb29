"""Rows of a log as arrays: what was predicted, what came true, and what is independent."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from modelyard.config.sections.data import Columns
from modelyard.data.units import stretch_starts, unit_of, wall_clock
from modelyard.log.schema import FEATURE, OF_A_CLASS, PREDICTION, PROBABILITY
from modelyard.metrics.predictions import Bools, Floats, Ints, Predictions
from modelyard.models.child.score import class_key
from modelyard.models.predictions import encode
from modelyard.records.results import Signature


@dataclass(frozen=True)
class Served:
    """Rows with a prediction and a label.

    Attributes:
        y: (n,) class codes, 1 for the positive one of two; or values.
        predictions: of these rows.
        rows: (n,) where they stand in the frame.
        unlabelled: rows without a label.
        unknown: rows whose label is none of the model's classes, or no finite number.
        early: rows whose label was known before they were predicted, which is another row's, or a clock that is off.
        unscored: rows without a usable prediction.
    """

    y: Ints | Floats
    predictions: Predictions
    rows: Ints
    unlabelled: int
    unknown: int
    early: int
    unscored: int

    def take(self, rows: Bools | Ints) -> "Served":
        """Return some of the rows."""
        return replace(self, y=self.y[rows], predictions=self.predictions.take(rows), rows=self.rows[rows])


def labelled(frame: pl.DataFrame, signature: Signature) -> Served:
    """Return the rows of a log's frame whose label counts.

    Args:
        frame: as ``modelyard.log.read`` gives it, without a column ``label`` where no label came.
        signature: of the version that predicted.
    """
    predictions, scored = scores(frame, signature)
    there, y, known = _labels(frame, signature)
    early = np.zeros(len(frame), dtype=np.bool_)
    if {"label_time", "time"} <= set(frame.columns):
        early = (frame["label_time"] < frame["time"]).fill_null(value=False).to_numpy()
    rows = np.flatnonzero(scored & there & known & ~early)
    return Served(
        y[rows], predictions.take(rows), rows, unlabelled=int((~there).sum()), unknown=int((there & ~known).sum()),
        early=int(early.sum()), unscored=int((~scored).sum()),
    )  # fmt: skip


def scores(frame: pl.DataFrame, signature: Signature) -> tuple[Predictions, Bools]:
    """Return what was predicted for each row, and which rows have a usable prediction; NaN, say, is none.

    Labels are those that were served where they are logged, else those of the version's threshold.
    """
    if signature.task == "regression":
        value = _numbers(frame, PREDICTION)
        return Predictions(value=np.nan_to_num(value)), np.isfinite(value)
    told = _codes(frame, PREDICTION, signature)
    if signature.task == "binary":
        probability = _positive(frame, signature)
        usable = (probability >= 0) & (probability <= 1)
        own = (probability >= (signature.threshold or 0.5)).astype(np.int64)
        label = np.where(told >= 0, told, own)
        if not usable.any():
            return Predictions(2, label=np.maximum(told, 0)), told >= 0
        return Predictions(2, label=label, probability=np.where(usable, probability, 0.5)), usable
    classes = len(signature.classes)
    table = np.column_stack([_of_class(frame, label) for label in signature.classes])
    total = table.sum(axis=1)
    usable = (np.nan_to_num(table, nan=-1.0) >= 0).all(axis=1) & (np.abs(total - 1) <= 2e-3)
    if not usable.any():
        return Predictions(classes, label=np.maximum(told, 0)), told >= 0
    table = np.where(usable[:, None], table, 1 / classes)
    label = np.where(told >= 0, told, table.argmax(axis=1))
    return Predictions(classes, label=label, probability=table), usable


def unit_names(frame: pl.DataFrame, columns: Columns) -> tuple[Any, str, bool]:
    """Return the name of each row's unit as the configuration has it, what a unit is called, and whether it is time.

    Args:
        frame: of a log; the time of a prediction stands for the configuration's time column.
        columns: what the columns of the data mean; a unit that is a column has to be among the logged features.

    Returns:
        (n,) names, such as days, that are the same in every window; None where rows are independent, or where the unit
        is not logged.
    """
    features = {name: name.removeprefix(FEATURE) for name in frame.columns if name.startswith(FEATURE)}
    bare = frame.select([*features, "time"]).rename(features | {"time": columns.time or "time"}, strict=False)
    needed = {each for each in (columns.group, getattr(columns.unit, "column", None)) if each}
    if isinstance(columns.unit, str) or not needed <= set(bare.columns):
        return None, "row", False
    unit = unit_of(bare, columns)
    if unit.column is not None:
        return bare[unit.column].cast(pl.String).fill_null("").to_numpy(), unit.name, False
    if unit.every is None:
        return None, "row", False
    timed = columns.model_copy(update={"time": columns.time or "time"})
    return stretch_starts(wall_clock(bare, timed, unit.zone), unit.every).cast(pl.String).to_numpy(), unit.name, True


def _numbers(frame: pl.DataFrame, name: str) -> Floats:
    if name not in frame.columns:
        return np.full(len(frame), np.nan)
    return frame[name].cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy().astype(np.float64)


def _of_class(frame: pl.DataFrame, label: Any) -> Floats:
    """Return the logged probability of a class, whichever way its name is written."""
    wanted = class_key(label)
    named = (name for name in frame.columns if name.startswith(OF_A_CLASS))
    column = next((name for name in named if class_key(name.removeprefix(OF_A_CLASS)) == wanted), "")
    return _numbers(frame, column)


def _positive(frame: pl.DataFrame, signature: Signature) -> Floats:
    own = _numbers(frame, PROBABILITY)
    positive = class_key(signature.positive)
    other = next((label for label in signature.classes if class_key(label) != positive), None)
    for probability in (_of_class(frame, signature.positive), 1 - _of_class(frame, other)):
        own = np.where(np.isfinite(own), own, probability)
    return np.nan_to_num(own, nan=-1.0)


def _labels(frame: pl.DataFrame, signature: Signature) -> tuple[Bools, Ints | Floats, Bools]:
    """Return which rows have a label, what it is, and which labels can be used."""
    if "label" not in frame.columns:
        nothing = np.zeros(len(frame), dtype=np.bool_)
        return nothing, np.zeros(len(frame)), nothing
    there = frame["label"].is_not_null().to_numpy()
    if signature.task == "regression":
        value = _numbers(frame, "label")
        return there, value, np.isfinite(value)
    codes = _codes(frame, "label", signature)
    return there, codes, codes >= 0


def _codes(frame: pl.DataFrame, name: str, signature: Signature) -> Ints:
    """Return the codes of a column's classes, −1 for what is none."""
    if name not in frame.columns:
        return np.full(len(frame), -1, dtype=np.int64)
    distinct = frame[name].unique(maintain_order=True)
    values: Sequence[Any] = distinct.to_list()
    codes = np.where([value is None for value in values], -1, encode(values, signature))
    at = frame.select(name).join(
        distinct.to_frame(name).with_row_index("at"), on=name, how="left", nulls_equal=True, maintain_order="left"
    )["at"]
    return np.asarray(codes[at.to_numpy()], dtype=np.int64)
