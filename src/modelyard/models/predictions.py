"""Prediction files: read, joined to the truth by row id, checked, and turned into arrays.

A file holds the row id and, by task, ``probability`` (binary, of the positive class), ``probability_<class>``
of every class, or ``prediction`` (a label, or a value for regression).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from modelyard.core.errors import DataError, nearest
from modelyard.core.vocabulary import DATA_SUFFIXES
from modelyard.data.opened import kind
from modelyard.data.reading import read
from modelyard.metrics.predictions import Bools, Floats, Ints, Predictions
from modelyard.models.child.score import OtherClassesError, class_key, misspelt, probability_columns
from modelyard.records.results import Signature

UNMATCHED_LIMIT = 0.01
"""Share of test rows without a prediction from which a join is an error rather than a count."""


@dataclass(frozen=True)
class Joined:
    """Predictions in the order of the test rows; rows with ``matched`` false have none and must not be judged."""

    predictions: Predictions
    matched: Bools


def read_predictions(path: Path, who: str) -> Any:
    """Read a prediction file, of any kind that data sets are read from, as a Polars frame.

    Raises:
        DataError: missing, unreadable or empty.
    """
    if not path.is_file():
        raise DataError(
            f"{who}: no prediction file {path}",
            code="model/no-prediction-file",
            hint="Name an existing Parquet or CSV file.",
        )
    if not kind(path):
        raise DataError(
            f"{who}: {path.name} is not a kind of file that predictions are read from",
            code="model/unreadable-predictions",
            hint=f"Write Parquet or CSV; readable are {', '.join(DATA_SUFFIXES)}.",
        )
    try:
        frame = read((path,))
    except DataError as error:
        message = error.message.removeprefix(f"{path.as_posix()}: ")
        raise DataError(
            f"{who}: {path.name} is not a readable prediction file: {message}",
            code="model/unreadable-predictions",
            hint="Write Parquet or CSV with a header.",
        ) from error
    if len(frame) == 0:
        raise DataError(f"{who}: {path.name} holds no predictions", code="model/no-predictions")
    return frame


def join(frame: Any, ids: Any, *, id_column: str, signature: Signature, threshold: float, who: str) -> Joined:
    """Bring predictions into the order of the test rows and check them.

    Args:
        frame: Polars frame as ``read_predictions`` gives it.
        ids: Polars Series of the test rows' ids, in their order.
        id_column: name of the id column.
        signature: what the model's classes are.
        threshold: probability from which a binary prediction is positive.
        who: what messages call the model.

    Raises:
        DataError: no id column, duplicate ids, NaN, probabilities outside 0 to 1, unknown labels, or more than 1 % of
            the test rows without a prediction.
    """
    import polars as pl

    if id_column not in frame.columns:
        raise DataError(
            f"{who}: the predictions have no column {id_column!r}",
            code="model/prediction-columns",
            hint=f"A prediction file is Parquet or CSV, and its header names {id_column!r} and the predictions. "
            f"{_columns(frame.columns, id_column)}",
        )
    if frame[id_column].dtype.is_integer() and ids.dtype == pl.String:
        numbers = ids.cast(pl.Int128, strict=False)
        if not numbers.null_count() and numbers.n_unique() == len(ids):
            ids = numbers  # codes with leading zeros, which whoever wrote the predictions read as numbers
    if frame[id_column].dtype.is_float() and ids.dtype.is_integer():
        frame = frame.with_columns(pl.when(_exact(pl.col(id_column))).then(pl.col(id_column)))
    if frame[id_column].dtype != ids.dtype:
        # Cast before duplicates are looked for: "1" and "01" are one number.
        frame = frame.with_columns(pl.col(id_column).cast(ids.dtype, strict=False))
    frame = frame.filter(pl.col(id_column).is_not_null())
    duplicates = len(frame) - frame[id_column].n_unique()
    if duplicates:
        raise DataError(
            f"{who}: {duplicates:,} predictions repeat an id in {id_column!r}",
            code="model/repeated-ids",
            hint="One prediction a row.",
        )
    truth = pl.DataFrame({id_column: ids}).with_row_index("__order__")
    found = truth.join(frame.with_columns(pl.lit(value=True).alias("__found__")), on=id_column, how="left")
    found = found.sort("__order__")
    matched: Bools = found["__found__"].fill_null(value=False).to_numpy()
    unmatched = int((~matched).sum())
    if unmatched > UNMATCHED_LIMIT * len(truth):
        raise DataError(
            f"{who}: {unmatched:,} of {len(truth):,} test rows have no prediction (allowed: 1 %)",
            code="model/unmatched-rows",
            hint=f"Every test row needs one prediction, joined by {id_column!r}.",
        )
    predictions = checked(found, matched, signature=signature, threshold=threshold, who=who)
    return Joined(predictions, matched)


def _exact(numbers: Any) -> Any:
    """Return whether floats are whole numbers that no other one was rounded to."""
    return (numbers == numbers.round()) & (numbers.abs() < 2**53)


def checked(found: Any, matched: Bools, *, signature: Signature, threshold: float, who: str) -> Predictions:
    """Return the predictions of a frame as arrays.

    Args:
        found: Polars frame of n rows, with the columns of a prediction file.
        matched: (n,) which rows have a prediction; nothing is looked at in the others.
        signature: what the model's classes are.
        threshold: probability from which a binary prediction is positive.
        who: what messages call the model.

    Raises:
        DataError: NaN, probabilities outside 0 to 1, or unknown labels.
    """
    if signature.task == "regression":
        return Predictions(value=_numbers(found, "prediction", matched, who))
    classes = list(signature.classes)
    if signature.task == "binary" and "probability" in found.columns:
        probability = _probabilities(_numbers(found, "probability", matched, who), matched, who)
        return Predictions(2, label=(probability >= threshold).astype(np.int64), probability=probability)
    names = _probability_columns(found.columns, classes, who)
    if names:
        table = np.column_stack([_numbers(found, name, matched, who) for name in names])
        _probabilities(table[matched].ravel(), np.ones(table[matched].size, dtype=bool), who)
        sums = table[matched].sum(axis=1)
        if np.abs(sums - 1).max() > 1e-3:
            raise DataError(
                f"{who}: {int((np.abs(sums - 1) > 1e-3).sum()):,} rows of probabilities do not sum to 1",
                code="model/probability-range",
            )
        if signature.task == "binary":
            positive: Floats = table.T[[label == signature.positive for label in classes].index(True)]
            return Predictions(2, label=(positive >= threshold).astype(np.int64), probability=positive)
        return Predictions(len(classes), label=np.argmax(table, axis=1).astype(np.int64), probability=table)
    if "prediction" not in found.columns:
        wanted = "probability" if signature.task == "binary" else "probability_<class> for every class"
        raise DataError(
            f"{who}: the predictions have neither {wanted} nor prediction",
            code="model/prediction-columns",
            hint=_columns(found.columns),
        )
    return Predictions(len(classes), label=_labels(found, matched, signature, who))


def encode(labels: Sequence[Any], signature: Signature) -> Ints:
    """Labels as codes: binary 1 for the positive class, multiclass the position in ``classes``; −1 where unknown."""
    if signature.task == "binary":
        codes = {class_key(label): 0 for label in signature.classes}
        codes[class_key(signature.positive)] = 1
    else:
        codes = {class_key(label): at for at, label in enumerate(signature.classes)}
    return np.array([codes.get(class_key(label), -1) for label in labels], dtype=np.int64)


def _columns(names: Sequence[str], id_column: str = "") -> str:
    """Return what may be told of a file's columns: one without a header has values of a row for names."""
    known = [name for name in names if name in (id_column, "id", "probability", "prediction")]
    among = f", among them {', '.join(known)}" if known else ""
    return f"The first line here names {len(names)} columns{among}. {nearest(id_column, names)}".rstrip()


def _labels(found: Any, matched: Bools, signature: Signature, who: str) -> Ints:
    labels = found["prediction"].to_list()
    codes = encode(labels, signature)
    unknown = (codes < 0) & matched
    if unknown.any():
        how = misspelt([labels[row] for row in np.flatnonzero(unknown)], list(signature.classes))
        raise DataError(
            f"{who}: {int(unknown.sum()):,} predicted labels are none of the {len(signature.classes)} classes{how}",
            code="model/unknown-labels",
            hint=f"Write them as they stand in the target. Classes: {', '.join(map(repr, signature.classes[:10]))}.",
        )
    return np.where(matched, codes, 0)


def _probability_columns(columns: Sequence[str], classes: Sequence[Any], who: str) -> list[str]:
    try:
        return probability_columns(list(columns), list(classes))
    except OtherClassesError as error:
        if "prediction" in columns:  # labels are named by themselves
            return []
        raise DataError(
            f"{who}: {error}",
            code="model/other-classes",
            hint="Name each column of probabilities by its class, as the class stands in the target.",
        ) from error


def _numbers(found: Any, name: str, matched: Bools, who: str) -> Floats:
    import polars as pl

    if name not in found.columns:
        raise DataError(
            f"{who}: the predictions have no column {name!r}",
            code="model/prediction-columns",
            hint=_columns(found.columns),
        )
    values: Floats = found[name].cast(pl.Float64, strict=False).to_numpy().astype(np.float64)
    bad = int((~np.isfinite(values) & matched).sum())
    if bad:
        raise DataError(
            f"{who}: {bad:,} of {int(matched.sum()):,} predictions are NaN, missing or infinite",
            code="model/not-finite",
            hint="A model that gives no number for a row is not judged; handle missing values in it.",
        )
    return np.where(matched, values, 0.5)


def _probabilities(values: Floats, matched: Bools, who: str) -> Floats:
    outside = int((((values < 0) | (values > 1)) & matched).sum())
    if outside:
        raise DataError(f"{who}: {outside:,} probabilities lie outside 0 to 1", code="model/probability-range")
    return values
