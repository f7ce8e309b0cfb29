"""Arrays of any kind as Polars columns and prediction frames, checked for shape, length and missing values."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from modelyard.core.errors import DataError
from modelyard.records.results import Signature


def column(values: Any, name: str) -> pl.Series:
    """Return an array as a column of n values.

    Args:
        values: a list, a NumPy array, a Series of pandas or Polars, or what NumPy makes an array of.
        name: what messages call it.

    Raises:
        DataError: not one-dimensional, or values of several kinds.
    """
    if isinstance(values, pl.Series):
        return values.alias(name)
    zone = getattr(getattr(values, "dtype", None), "tz", None)
    if zone is not None:  # pandas' times with a zone, of which NumPy has none
        naive = values.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
        return pl.Series(name, naive).dt.replace_time_zone("UTC").dt.convert_time_zone(str(zone))
    plain = list(values) if isinstance(values, range | tuple | set | frozenset) else values
    if isinstance(plain, list) and not any(isinstance(each, np.generic | np.ndarray | list | tuple) for each in plain):
        return _of_objects(plain, name)
    found = _array(plain, name)
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if found.ndim != 1:
        raise DataError(
            f"{name} has the shape {found.shape}, and one value for each row is needed",
            code="data/array-shape",
            hint="Pass an array of one dimension.",
        )
    if found.dtype == object:
        return _of_objects(found.tolist(), name)
    if found.dtype.kind == "M" and np.datetime_data(found.dtype)[0] != "D":
        found = found.astype("datetime64[us]")  # Polars takes not every resolution
    if found.dtype.kind not in "biufMUT":
        raise _kinds(name)
    return pl.Series(name, found.astype(np.float32) if found.dtype == np.float16 else found)


def _array(values: Any, name: str) -> Any:
    try:
        found = np.asarray(values)
    except ValueError as error:
        raise DataError(
            f"{name} holds rows of several lengths", code="data/array-shape", hint="Pass one value for each row."
        ) from error
    if found.dtype == object and found.ndim and len(found) and all(isinstance(each, np.generic) for each in found.flat):
        return np.array([each.item() for each in found.flat], dtype=object).reshape(found.shape)
    return found


def _of_objects(values: list[Any], name: str) -> pl.Series:
    """Return Python values of one kind as a column; what is missing is missing, and NaN among numbers stays NaN."""
    clean = [None if _missing(each) else each for each in values]
    kinds = {"a number" if _is_number(each) else type(each).__name__ for each in clean if each is not None}
    try:
        if len(kinds) > 1:
            raise TypeError
        found = pl.Series(name, clean, strict=kinds != {"a number"})
        if found.dtype == pl.Object or found.dtype.is_nested():
            raise TypeError
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError) as error:
        raise _kinds(name) from error
    return found


def _kinds(name: str) -> DataError:
    return DataError(
        f"{name} holds values of several kinds, or of one that is no column's",
        code="data/array-kinds",
        hint="Pass numbers, booleans, times or text, and nothing beside them.",
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _missing(value: Any) -> bool:
    """Tell whether a value is none: None, NaN, NaT or pandas' NA."""
    return (
        value is None or type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and value != value)
    )


def same_length(found: pl.Series | pl.DataFrame, rows: int, name: str) -> None:
    """Refuse an array of another length.

    Raises:
        DataError: with both lengths.
    """
    if len(found) != rows:
        raise DataError(
            f"{name} has {len(found):,} rows, and y has {rows:,}",
            code="data/array-length",
            hint="Pass one value for each test row, in the order of y.",
        )


def predictions(given: Any, signature: Signature, order: Sequence[Any], who: str) -> pl.DataFrame:
    """Return predictions as a prediction file would hold them.

    Args:
        given: as ``judge`` takes them.
        signature: the task and its classes.
        order: the classes in the order of columns without names.
        who: what messages call the model.

    Raises:
        DataError: another shape, or another number of columns than there are classes.
    """
    names = list(given) if isinstance(given, Mapping) else getattr(given, "columns", None)
    if names is not None:
        return _named(given, [str(name) for name in names], list(names), who)
    found = given if isinstance(given, pl.Series) else _array_of(given, who)
    if not isinstance(found, pl.Series) and found.ndim == 2 and found.shape[1] > 1:
        return _table(found, signature, order, who)
    known = column(given, who)
    if signature.task == "binary" and known.dtype.is_float():
        return pl.DataFrame({"probability": known})
    return pl.DataFrame({"prediction": known})


def _array_of(given: Any, who: str) -> Any:
    """Return the shape of what was given; text and objects only need theirs."""
    if isinstance(given, list | tuple | range) and not (given and isinstance(given[0], Sequence | np.ndarray)):
        return np.zeros(len(given))
    if isinstance(given, list | tuple) and given and isinstance(given[0], str):
        return np.zeros(len(given))
    return _array(given, who)


def _table(found: Any, signature: Signature, order: Sequence[Any], who: str) -> pl.DataFrame:
    if signature.task == "regression":
        raise DataError(
            f"{who} has the shape {found.shape}, and a regression has one number for each row",
            code="data/array-shape",
            hint="Pass an array of one dimension.",
        )
    if found.shape[1] != len(order):
        classes = ", ".join(map(repr, order))
        raise DataError(
            f"{who}: {found.shape[1]} columns of probabilities, and {len(order)} classes: {classes}",
            code="model/other-classes",
            hint="Pass classes=[…], all of them in the order of the columns, such as model.classes_.",
        )
    return pl.DataFrame({f"probability_{label}": found[:, at] for at, label in enumerate(order)})


_OF_A_FILE = ("probability", "prediction")


def _named(given: Any, names: list[str], keys: list[Any], who: str) -> pl.DataFrame:
    """Return columns with names: of a prediction file, or one of probabilities for each class."""
    of_a_file = all(name in _OF_A_FILE or name.startswith("probability_") for name in names)
    columns = [
        column(given[key], name if of_a_file else f"probability_{name}") for name, key in zip(names, keys, strict=True)
    ]
    if len(set(names)) < len(names) or len({len(each) for each in columns}) != 1:
        raise DataError(
            f"{who}: two of its columns have one name, or other lengths",
            code="data/array-shape",
            hint="Pass columns of one length, each with a name of its own.",
        )
    return pl.DataFrame(columns)
