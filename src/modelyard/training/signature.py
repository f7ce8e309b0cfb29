"""What the model takes and gives: its features by kind, its classes, and the truth and weights of the training rows."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelyard.config.sections.data import Columns
from modelyard.config.sections.model import Model
from modelyard.core.errors import ConfigError, DataError, nearest
from modelyard.core.vocabulary import ColumnKind
from modelyard.data.units import unit_of
from modelyard.models.child.score import spelling
from modelyard.records.results import Feature, Signature

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

Label = bool | int | str
_WORDS, _LOOKED_AT = 4, 10_000
"""Words of a value on average from which a column is free text, and values that are looked at for it."""


@dataclass(frozen=True)
class Target:
    """The truth of n rows.

    Attributes:
        classes: the labels in the order of their codes (binary: negative, positive); empty for regression.
        positive: the positive class of a binary task.
        codes: (n,) int64 class codes, or float64 values for regression.
        labels: (n,) the same in the user's labels (bool, int64 or text), which models are fitted on.
    """

    classes: tuple[Label, ...]
    positive: Label | None
    codes: "NDArray[Any]"
    labels: "NDArray[Any]"


@dataclass(frozen=True)
class Features:
    """The model's columns in the data's order, and those left out although nobody dropped them, each with why."""

    features: tuple[Feature, ...]
    left_out: dict[str, str]


def command_features(frame: "pl.DataFrame", columns: Columns) -> Features:
    """Return the columns that a command's model is scored on: as they stand, times, groups and units included.

    Only the target, the id, the weight, and what is protected or dropped are kept from it.

    Raises:
        DataError: a column of lists, structs or another type that models cannot take, or no column left.
    """
    taken = {columns.target, columns.id, columns.weight, *columns.protected, *columns.drop}
    found = [
        Feature(name=series.name, kind=_kind(series), type=_type(series))
        for series in frame.iter_columns()
        if series.name not in taken
    ]
    return _some(found, {})


def find_features(frame: "pl.DataFrame", columns: Columns) -> Features:
    """Return the columns that a model may use: those without another role that are not protected or dropped.

    Raises:
        DataError: a column of lists, structs or another type that models cannot take, or no column left.
    """
    unit = unit_of(frame, columns).column
    roles = {columns.target, columns.id, columns.time, columns.group, columns.weight, unit}
    taken = roles | set(columns.protected) | set(columns.drop)
    found, left_out = [], {}
    for series in frame.iter_columns():
        if series.name in taken:
            continue
        why = _left_out(series)
        if why:
            left_out[series.name] = why
        else:
            found.append(Feature(name=series.name, kind=_kind(series), type=_type(series)))
    return _some(found, left_out)


def _some(found: list[Feature], left_out: dict[str, str]) -> Features:
    if not found:
        raise DataError(
            "no column is left for the model",
            code="data/no-features",
            hint="All of them are the target, have another role under data.columns, are dropped, times or empty.",
        )
    return Features(tuple(found), left_out)


def _left_out(series: "pl.Series") -> str:
    if series.dtype.is_temporal():
        return "times are not features; derive numbers such as the hour from them in the data"
    if len(series) > 0 and series.null_count() == len(series):
        return "it has no value in the training rows"
    return ""


def _kind(series: "pl.Series") -> ColumnKind:
    import polars as pl

    dtype = series.dtype
    if dtype == pl.Boolean:
        return "boolean"
    if dtype.is_numeric():
        return "numeric"
    if dtype.is_temporal():
        return "time"
    if dtype in (pl.String, pl.Categorical, pl.Enum, pl.Null):
        return "categorical"
    raise DataError(
        f"column {series.name!r} has type {dtype.base_type()}, which a model cannot take",
        code="data/column-type",
        hint="Turn it into numbers, text or booleans, or name it under data.columns.drop.",
    )


def _type(series: "pl.Series") -> str:
    """Return the type that production gives: whole numbers and booleans as such, nullable where a value is missing."""
    import polars as pl

    dtype, missing = series.dtype, series.null_count() > 0
    if dtype == pl.Boolean:
        return "boolean" if missing else "bool"
    if dtype.is_integer() and dtype.to_python() is int and str(dtype) != "Int128":
        return str(dtype) if missing else str(dtype).lower()
    if dtype.is_numeric():
        return "float64"
    return "" if dtype.is_temporal() else "str"


def as_numbers(found: Features) -> Features:
    """Return the same columns with every number and boolean as float64, which our own preprocessing asks for."""
    numbers = ("numeric", "boolean")
    typed = [each.model_copy(update={"type": "float64"}) if each.kind in numbers else each for each in found.features]
    return Features(tuple(typed), found.left_out)


def free_text(found: Features, frame: "pl.DataFrame") -> Features:
    """Return the same columns, those of free text told from categories: most values differ and are several words."""
    typed = [
        each.model_copy(update={"kind": "text"}) if each.kind == "categorical" and _is_text(frame[each.name]) else each
        for each in found.features
    ]
    return Features(tuple(typed), found.left_out)


def _is_text(series: "pl.Series") -> bool:
    import polars as pl

    values = series.drop_nulls()
    if series.dtype != pl.String or len(values) < 2:
        return False
    words = values.head(_LOOKED_AT).str.count_matches(r"\S+").mean()
    return isinstance(words, float) and words >= _WORDS and values.n_unique() > len(values) / 2


def find_target(frame: "pl.DataFrame", column: str, model: Model, *, personal: bool = False) -> Target:
    """Return the truth of the rows, checked against the task.

    Raises:
        DataError: missing values, one class, more than two for a binary task, labels that differ in white space or
            case only, or no numbers for regression.
        ConfigError: the positive class is not among the labels.
    """
    import numpy as np

    series = frame[column]
    missing = series.null_count() + (int(series.is_nan().sum()) if series.dtype.is_float() else 0)
    if missing:
        raise DataError(
            f"{missing:,} training rows have no {column!r}",
            code="data/missing-target",
            hint="Set data.missing_target: drop.",
        )
    if model.task == "regression":
        if not series.dtype.is_numeric():
            raise DataError(
                f"the target {column!r} has type {series.dtype}, and regression needs numbers",
                code="data/target-type",
                hint="Set model.task: binary or multiclass for classes.",
            )
        values = series.cast(_float()).to_numpy()
        endless = int(np.sum(~np.isfinite(values)))
        if endless:
            raise DataError(f"{endless:,} training rows have an infinite {column!r}", code="data/infinite-target")
        return Target((), None, values, values)
    known = labels(series, column)
    classes, codes = np.unique(known, return_inverse=True)
    check_spelling(classes.tolist(), np.bincount(codes).tolist(), column, personal=personal)
    _check_count(len(classes), column, model.task)
    if model.task == "multiclass":
        return Target(tuple(classes.tolist()), None, codes.astype(np.int64), known)
    positive = positive_of(classes.tolist(), model)
    negative = next(label for label in classes.tolist() if label != positive)
    return Target((negative, positive), positive, (known == positive).astype(np.int64), known)


def _float() -> Any:
    import polars as pl

    return pl.Float64


def labels(series: "pl.Series", column: str) -> "NDArray[Any]":
    """Return the classes of some rows as booleans, whole numbers or text.

    Raises:
        DataError: a type that holds no classes.
    """
    import numpy as np
    import polars as pl

    if series.dtype == pl.Boolean:
        return np.asarray(series.to_numpy(), dtype=np.bool_)
    if series.dtype.is_integer():
        return np.asarray(series.to_numpy(), dtype=np.int64)
    if series.dtype in (pl.String, pl.Categorical, pl.Enum):
        return np.asarray(series.cast(pl.String).to_list(), dtype=np.str_)
    if series.dtype.is_float() and bool((series == series.round()).all()) and not series.is_infinite().any():
        return np.asarray(series.to_numpy(), dtype=np.int64)
    raise DataError(
        f"the target {column!r} has type {series.dtype}, which holds no classes",
        code="data/target-type",
        hint="Classes are booleans, whole numbers or text; set model.task: regression for other numbers.",
    )


def check_spelling(classes: list[Label], rows: list[int], column: str, *, personal: bool = False) -> None:
    """Refuse labels of which people see one and models two.

    Raises:
        DataError: with the spellings, or without them where the column is personal.
    """
    same: dict[str, list[tuple[Label, int]]] = {}
    for label, count in zip(classes, rows, strict=True):
        same.setdefault(spelling(label), []).append((label, count))
    for spellings in same.values():
        if len(spellings) > 1:
            found = " and ".join(
                f"{count:,} rows" if personal else f"{label!r} ({count:,} rows)" for label, count in spellings[:5]
            )
            raise DataError(
                f"the target {column!r} has labels that differ in white space or case only: {found}",
                code="data/label-spelling",
                hint="Write each class in one way in the data; give classes that do differ other names.",
            )


def _check_count(classes: int, column: str, task: str) -> None:
    if classes < 2:
        raise DataError(
            f"the target {column!r} has one class in the training rows, so nothing can be learned",
            code="data/one-class",
            hint="Look at data.split and the newest data: all training rows carry the same label.",
        )
    if task == "binary" and classes > 2:
        raise DataError(
            f"the target {column!r} has {classes:,} labels in the training rows, and a binary task has two",
            code="data/too-many-classes",
            hint="Set model.task: multiclass, or fix the labels.",
        )


def positive_of(classes: list[Label], model: Model) -> Label:
    """Return the positive one of two classes.

    Raises:
        ConfigError: the configuration names another.
    """
    if model.positive is None:
        return max(classes)
    for label in classes:
        if label == model.positive and isinstance(label, str) == isinstance(model.positive, str):
            return label
    kinds = {bool: "booleans", int: "whole numbers", str: "text"}
    raise ConfigError(
        f"model.positive: {model.positive!r} is none of the {len(classes)} labels of the target, which are "
        f"{kinds[type(classes[0])]}",
        code="config/unknown-class",
        hint=f"{nearest(str(model.positive), [str(label) for label in classes])} Write it as it stands in the column; "
        "text that looks like a number or a boolean needs quotes.".lstrip(),
    )


def signature(features: Features, target: Target, model: Model) -> Signature:
    """Return the signature of the model to be trained."""
    binary = model.task == "binary"
    return Signature(
        features=features.features,
        task=model.task,
        classes=target.classes,
        positive=target.positive,
        threshold=(model.threshold if isinstance(model.threshold, float) else 0.5) if binary else None,
    )


def find_weight(frame: "pl.DataFrame", columns: Columns) -> "NDArray[Any] | None":
    """(n,) row weights, or None where no column names them.

    Raises:
        DataError: weights that are missing, negative, infinite, no numbers, or all zero.
    """
    import numpy as np

    if columns.weight is None:
        return None
    series = frame[columns.weight]
    if not series.dtype.is_numeric():
        raise DataError(
            f"the weight {columns.weight!r} has type {series.dtype}, and weights are numbers", code="data/weights"
        )
    weight = series.cast(_float()).fill_null(float("nan")).to_numpy()
    bad = int(np.sum(~np.isfinite(weight) | (weight < 0)))
    if bad:
        raise DataError(
            f"{bad:,} training rows have a weight that is missing, negative or infinite", code="data/weights"
        )
    if not weight.any():
        raise DataError(f"the weights {columns.weight!r} are all zero", code="data/weights")
    return np.asarray(weight, dtype=np.float64)
