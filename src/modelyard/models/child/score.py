"""Scores rows with a model in a process of its own, in the environment that the model's version records.

This one file runs there as a script, so it imports nothing of modelyard: the standard library, Polars to read and write
Parquet, and what the model itself needs. It is also imported for its two frame functions, so that training and
validation see the very frames that scoring sees.

    python -I score.py job.json

The job: ``model_dir``, ``format`` (skops, joblib or pyfunc), ``trusted`` (skops types), ``features`` (name and kind),
``task``, ``classes``, ``positive``, ``id`` (column that names a row), ``python_path``, and ``tables``: pairs of Parquet
files, rows in and predictions out. Predictions hold the id and ``probability`` (binary), ``probability_<class>``
(multiclass; without ``id``, ``probability_0`` … in the order of ``classes``), or ``prediction``. With ``golden`` (seed,
rows, quantiles of numbers, and two paths) made-up inputs and their predictions are written too: by these a version
proves later that it still works. A failure is a traceback and then one JSON line on standard error, and exit code 3;
the line holds nothing of a row.

Other jobs load no model: ``compare`` says how two prediction files differ, ``make`` writes made-up inputs, ``csv``
writes a Parquet file as CSV or a CSV file as Parquet. They are here so that who asks needs no Parquet reader.
"""

import json
import os
import re
import sys
import time
import traceback
import unicodedata
import warnings
from datetime import datetime
from pathlib import Path
from typing import Any

ROWS_AT_ONCE = 500_000


class RefusedError(ValueError):
    """Why rows are not scored, in our own words and without a value of any row: the parent may repeat it."""


class OtherClassesError(RefusedError):
    """The classes of a model or of an answer are not the data's, or nothing says which column is whose."""


class UnknownCategoryError(RefusedError):
    """A column holds categories that the model does not know, and the model failed."""


class UntrustedTypesError(RefusedError):
    """An archive holds types that are not on the reviewed list."""


class DamagedError(RefusedError):
    """An archive was damaged, or made to crash whoever loads it."""


class WrongTypeError(RefusedError, TypeError):
    """A column has a type that models cannot take."""


def to_pandas(frame: Any) -> Any:
    """Return a Polars frame as a pandas one, without pyarrow; missing values become NaN, NaT or a missing string.

    Integers and booleans keep their type where nothing is missing, and are float64 where something is.

    Raises:
        WrongTypeError: a column of lists, structs or another type that models cannot take; the message names it.
    """
    import pandas as pd
    import polars as pl

    columns = {}
    for series in frame.iter_columns():
        dtype = series.dtype
        if dtype.is_decimal():
            series = series.cast(pl.Float64)
        if dtype in (pl.String, pl.Categorical, pl.Enum):
            values = pd.Series(series.cast(pl.String).to_list(), dtype="str")
        elif dtype == pl.Null:
            values = pd.Series([float("nan")] * len(series))
        elif dtype == pl.Datetime and dtype.time_zone:
            naive = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
            values = pd.Series(naive.to_numpy()).dt.tz_localize("UTC")
        elif dtype.is_temporal() and dtype != pl.Time:
            values = pd.Series(series.to_numpy())
        elif dtype == pl.Boolean or dtype.is_numeric():
            whole = dtype == pl.Boolean or dtype.is_integer()
            values = pd.Series((series.cast(pl.Float64) if whole and series.null_count() else series).to_numpy())
        else:
            raise WrongTypeError(f"column {series.name!r} has type {dtype}, which a model cannot take")
        columns[series.name] = values
    return pd.DataFrame(columns)


_POLARS = {"numeric": "Float64", "boolean": "Float64", "categorical": "String", "text": "String"}
"""Kind of a column to the type in which models get it that record no other."""


def features(frame: Any, wanted: list[tuple[str, str]], types: dict[str, str] | None = None) -> Any:
    """Return the model's columns as pandas, in the types of its signature, else numbers float64 and categories text.

    Whole numbers and booleans stay so, nullable where the signature says so or a value is missing today; numbers with
    fractions today stay numbers with fractions.

    Args:
        frame: Polars frame with at least the wanted columns.
        wanted: (name, kind) pairs in the signature's order.
        types: name to type by pandas' names, as the signature records them.

    Raises:
        WrongTypeError: a column is no numbers today, counted.
    """
    import pandas as pd

    return pd.DataFrame({name: _column(frame[name], kind, (types or {}).get(name, "")) for name, kind in wanted})


def _column(series: Any, kind: str, wanted: str) -> Any:
    import pandas as pd
    import polars as pl

    if wanted in ("bool", "boolean"):
        series = _cast(series, pl.Boolean)
    elif "int" in wanted.lower():
        series = _whole(
            series, getattr(pl, ("UInt" if wanted[0] in "uU" else "Int") + wanted.lower().partition("int")[2])
        )
    else:
        series = _cast(series, getattr(pl, _POLARS[kind]) if kind in _POLARS else series.dtype)
    if kind == "text":  # which has no missing value for those who count its words
        series = series.fill_null("")
    if series.dtype != pl.Boolean and not series.dtype.is_integer():
        return to_pandas(series.to_frame())[series.name]
    if wanted != "boolean" and wanted.islower() and not series.null_count():
        return pd.Series(series.to_numpy())
    gone = series.is_null().to_numpy().copy()
    array: Any = pd.arrays.BooleanArray if series.dtype == pl.Boolean else pd.arrays.IntegerArray
    filled = series.fill_null(value=False) if series.dtype == pl.Boolean else series.fill_null(0)
    return pd.Series(array(filled.to_numpy().copy(), gone))


def _whole(series: Any, dtype: Any) -> Any:
    """Return whole numbers as such, and a column that has fractions today as it is."""
    import polars as pl

    if not series.dtype.is_integer():
        series = _cast(series, pl.Float64).fill_nan(None)
        if not ((series == series.round()) & (series.abs() < 2**53)).all():
            return series
    try:
        return series.cast(dtype)
    except pl.exceptions.PolarsError:  # larger than any that the model was fitted on
        return series if series.dtype.is_integer() else series.cast(pl.Int64)


def _cast(series: Any, dtype: Any) -> Any:
    import polars as pl

    try:
        cast = series.cast(dtype, strict=False)
    except pl.exceptions.PolarsError as error:
        raise WrongTypeError(f"column {series.name!r} is {series.dtype} today, and the model takes {dtype}") from error
    if lost := cast.null_count() - series.null_count():
        raise WrongTypeError(f"{lost:,} of {len(series):,} values of column {series.name!r} are no {dtype} today")
    return cast


def as_fitted(model: Any, frame: Any, wanted: list[tuple[str, str]]) -> Any:
    """Turn text into pandas' categories where the model was fitted on those, with the ones that it holds."""
    import pandas as pd

    text = [name for name, kind in wanted if kind == "categorical"]
    model = _given_the_same(model, [name for name, _ in wanted]) if text else model
    known = _categories(model)
    if known and len(known) == len(text):
        return frame.assign(
            **{
                name: pd.Categorical(frame[name].where(frame[name].isin(values)), values)
                for name, values in zip(text, known, strict=True)
            }
        )
    if text and _holds_categories(model):
        return frame.astype(dict.fromkeys(text, "category"))
    return frame


def _given_the_same(model: Any, columns: list[str]) -> Any:
    """Return the end of a pipeline, or what is calibrated, where it was given these very columns; else the model."""
    inner = model
    while True:
        steps, calibrated = getattr(inner, "steps", None), getattr(inner, "calibrated_classifiers_", None)
        deeper = steps[-1][1] if steps else calibrated[0].estimator if calibrated else None
        if deeper is None:
            break
        inner = deeper
    names = getattr(inner, "feature_names_in_", ())
    return inner if inner is model or [str(name) for name in names] == columns else model


def _categories(model: Any) -> Any:
    """Return the categories of a LightGBM model in the order of its columns of categories."""
    return getattr(getattr(model, "booster_", model), "pandas_categorical", None)


def _holds_categories(model: Any) -> bool:
    """Whether this is an XGBoost model that knows its categories by value, in whatever order they come today."""
    try:
        return not model.get_booster().get_categories().empty()
    except Exception:  # another kind of model, or a version that knows positions alone
        return False


def load(model_dir: Path, stored_as: str, trusted: list[str], audit: str = "", loader: str = "") -> Any:
    """Load the model of a folder; which format may be loaded was decided by the caller's configuration.

    ``audit`` is the file that checks the decision nodes of an archive; types are checked with it, before any is built.
    ``loader`` is the file that loads models in a library's own format.
    """
    if loader:
        try:
            return _module(loader).load(model_dir)
        except ValueError as error:
            raise RefusedError(str(error)) from error
    if stored_as == "pyfunc":
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        import mlflow.pyfunc

        return mlflow.pyfunc.load_model(str(model_dir), suppress_warnings=True)
    if stored_as == "skops":
        import skops.io

        if audit:
            _look(model_dir / "model.skops", trusted, audit)
        return skops.io.load(model_dir / "model.skops", trusted=trusted)
    return _unpickled(model_dir / "model.joblib")


def _loaded(job: dict[str, Any]) -> Any:
    return load(Path(job["model_dir"]), job["format"], job["trusted"], job.get("audit", ""), job.get("loader", ""))


def _unpickled(path: Path) -> Any:
    """Load a pickle; what commonly goes wrong with those of a script is said in words."""
    import joblib

    try:
        model = joblib.load(path)
    except AttributeError as error:
        lost = re.search(r"attribute '(\w+)' on <module '__main__'", str(error))
        if lost is None:
            raise
        raise RefusedError(
            f"it needs {lost[1]}, which the script that wrote it defines itself; move it to a module that the script "
            "imports, or name evaluate.predict.command"
        ) from error
    if not hasattr(model, "predict"):
        raise RefusedError(
            f"the file holds a {type(model).__name__}, which has no predict; save the fitted model alone, or name "
            "evaluate.predict.command"
        )
    return model


def _look(path: Path, trusted: list[str], audit: str) -> None:
    """Refuse an archive for its types or its trees, before anything of it is built."""
    import skops.io

    data = path.read_bytes()
    strange = sorted(set(skops.io.get_untrusted_types(data=data)) - set(trusted))
    if strange:
        raise UntrustedTypesError(f"it holds types that are not on the reviewed list: {', '.join(strange[:5])}")
    if broken := _module(audit).problem(data):
        raise DamagedError(f"it holds a {broken}: it was damaged, or made to crash whoever loads it")


def _module(path: str) -> Any:
    """Import a file that stands beside this one; it is no package there."""
    import importlib.util

    spec = importlib.util.spec_from_file_location(Path(path).stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not there")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def predict(model: Any, frame: Any, job: dict[str, Any]) -> dict[str, Any]:
    """Prediction columns for a frame of features; each probability is taken by the name of its class.

    Raises:
        OtherClassesError: the model's classes are not the data's, or it does not say which column is whose.
    """
    import numpy as np

    if job["task"] == "regression":
        return {"prediction": np.asarray(model.predict(frame), dtype=np.float64).reshape(len(frame))}
    known = job.get("outputs") or known_classes(model)
    order = None if known is None else class_order(known, job["classes"])
    if not hasattr(model, "predict_proba"):
        return {"prediction": _labels(model, model.predict(frame), job)}
    probability = np.asarray(model.predict_proba(frame), dtype=np.float64)
    if probability.ndim == 1 and job["task"] == "binary":  # by custom of the second of its classes
        probability = np.column_stack([1 - probability, probability])
    return _in_order(probability, order, job, "its predict_proba")


def _labels(model: Any, found: Any, job: dict[str, Any]) -> list[Any]:
    """Return predicted labels as the data's, where the model was fitted on others."""
    outputs = job.get("outputs") or []
    own = known_classes(model) or list(range(len(outputs)))
    label_of = {class_key(label): output for label, output in zip(own, outputs, strict=False)}
    return [label_of.get(class_key(label), _plain(label)) for label in found]


def known_classes(model: Any) -> list[Any] | None:
    """Return the classes that a fitted model says it has, in the order of its columns."""
    import numpy as np

    found = getattr(model, "classes_", None)
    return None if found is None else [_plain(label) for label in np.asarray(found).ravel()]


def spelling(label: Any) -> str:
    """Return a label as people read it, without what differs in white space, case or the way letters are composed."""
    text = unicodedata.normalize("NFKC", str(_plain(label)))
    return " ".join("".join(one for one in text if unicodedata.category(one) != "Cf").split()).casefold()


def misspelt(labels: list[Any], classes: list[Any]) -> str:
    """Return what to add to a message about labels that are no classes where all of them are read as classes."""
    keys, known = {class_key(label) for label in classes}, {spelling(label) for label in classes}
    other = {spelling(label) for label in labels if class_key(label) not in keys}
    return "; they differ in white space or case only" if other and other <= known else ""


def class_order(known: list[Any], classes: list[Any]) -> list[int]:
    """Return where each of the data's classes stands among the known ones.

    Raises:
        OtherClassesError: they are not the same; both lists are named.
    """
    keys, wanted = [class_key(label) for label in known], [class_key(label) for label in classes]
    if sorted(keys) != sorted(wanted):
        raise OtherClassesError(
            f"the model's classes are {_listed(known)}, and the data's are {_listed(classes)}{misspelt(known, classes)}"
        )
    return [keys.index(key) for key in wanted]


def class_key(label: Any) -> str:
    """Return what is equal for two writings of one class: 1, 1.0 and True, or "a" and "a"."""
    label = _plain(label)
    if isinstance(label, bool) or (isinstance(label, float) and label.is_integer()):
        return str(int(label))
    return {"true": "1", "false": "0"}.get((text := str(label)).lower(), text)


def probability_columns(names: list[str], classes: list[Any]) -> list[str]:
    """Return the column ``probability_<class>`` of each class; nothing where no column has such a name.

    Raises:
        OtherClassesError: some are there, but not one for every class; both lists are named.
    """
    named = [name for name in names if name.startswith("probability_")]
    given = {class_key(name.removeprefix("probability_")): name for name in named}
    if len(given) < len(named):
        raise OtherClassesError(f"two of the columns {_listed(named)} name one class")
    if given and not {class_key(label) for label in classes} <= set(given):
        known = [name.removeprefix("probability_") for name in given.values()]
        raise OtherClassesError(
            f"columns of probabilities are {_listed(list(given.values()))}, and the data's classes are "
            f"{_listed(classes)}{misspelt(known, classes)}; each class needs its column probability_<class>"
        )
    return [given[class_key(label)] for label in classes] if given else []


def _in_order(probability: Any, order: list[int] | None, job: dict[str, Any], what: str) -> dict[str, Any]:
    """Return columns of probabilities in the order of the data's classes, or of the positive class alone."""
    if order is None or probability.ndim != 2 or probability.shape[1] != len(order):
        columns = probability.shape[1] if probability.ndim == 2 else 1
        raise OtherClassesError(
            f"{what} gives {columns} columns, and nothing says which of the data's classes "
            f"{_listed(job['classes'])} each belongs to; give the model classes_ with these labels in the order of its "
            "columns"
        )
    ordered = probability[:, order]
    if job["task"] == "binary":
        return {"probability": ordered[:, job["classes"].index(job["positive"])]}
    return {f"probability_{at}": ordered[:, at] for at in range(len(order))}


def _listed(labels: list[Any]) -> str:
    shown = ", ".join(repr(label)[:40] for label in labels[:12])
    return f"[{shown}{f', and {len(labels) - 12} more' if len(labels) > 12 else ''}]"


def predicted(model: Any, frame: Any, wanted: list[tuple[str, str]], job: dict[str, Any]) -> dict[str, Any]:
    """Prediction columns for a Polars frame of rows, whichever kind of model this is."""
    if job["format"] == "pyfunc":
        return answered(predict_pyfunc, model, pyfunc_features(model, frame, wanted, job), job)
    return answered(predict, model, as_fitted(model, features(frame, wanted, _types(job)), wanted), job)


def answered(of: Any, model: Any, given: Any, job: dict[str, Any]) -> dict[str, Any]:
    """Prediction columns of ``predict`` or ``predict_pyfunc``.

    A model that fails on nullable columns gets the same values as float64 with NaN, as pandas reads them from CSV.
    """
    try:
        found: dict[str, Any] = of(model, given, job)
    except RefusedError:
        raise
    except Exception:
        plain = _without_nullable(given)
        if plain is None:
            raise
        found = of(model, plain, job)
    return found


def _without_nullable(given: Any) -> Any:
    """Return a frame with its nullable columns as float64, or None where it has none or a number would change."""
    names = {name: str(given[name].dtype) for name in given.columns}
    nullable = [name for name, kind in names.items() if kind == "boolean" or kind[:1] in "IU"]  # Int64, UInt8 and such
    if not nullable or any((given[name].dropna().astype("int64").abs() >= 2**53).any() for name in nullable):
        return None
    return given.astype(dict.fromkeys(nullable, "float64"))


def _types(job: dict[str, Any]) -> dict[str, str]:
    return {feature["name"]: feature.get("type", "") for feature in job["features"]}


def pyfunc_features(model: Any, frame: Any, wanted: list[tuple[str, str]], job: dict[str, Any]) -> Any:
    """Return the columns of a pyfunc model in the types of its signature; without one, as for scikit-learn."""
    import polars as pl

    schema = model.metadata.get_input_schema()
    if schema is None or not schema.has_input_names():
        return features(frame, wanted, _types(job))
    types: dict[str, Any] = {
        "boolean": pl.Boolean, "integer": pl.Int32, "long": pl.Int64, "float": pl.Float32, "double": pl.Float64,
        "string": pl.String, "datetime": pl.Datetime("ns"),
    }  # fmt: skip
    asked = {column.name: getattr(column.type, "name", "any") for column in schema.inputs}
    return to_pandas(
        frame.select(
            pl.col(name).cast(types[asked[name]]) if asked.get(name) in types else pl.col(name) for name, _ in wanted
        )
    )


def predict_pyfunc(model: Any, frame: Any, job: dict[str, Any]) -> dict[str, Any]:
    """Prediction columns of a pyfunc model, whose answer may be a table, an array of labels, or of probabilities.

    Raises:
        RefusedError: an answer that fits neither the classes nor the rows, or whose columns could be any class's.
    """
    import numpy as np

    answer, classes = model.predict(frame), job["classes"]
    names = [str(name) for name in getattr(answer, "columns", [])]
    if found := [name for name in names if name in ("probability", "prediction")]:
        return {name: np.asarray(answer[name]) for name in found}
    if found := probability_columns(names, classes):
        return _in_order(np.asarray(answer[found], dtype=np.float64), list(range(len(found))), job, "its answer")
    values = np.asarray(answer)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if len(values) != len(frame) or values.ndim > 2:
        raise RefusedError(f"the model gave {values.shape} predictions for {len(frame)} rows")
    if values.ndim == 2 and job["task"] != "regression":
        keyed = len(names) == len(classes) and {*map(class_key, names)} == {*map(class_key, classes)}
        known = names if keyed else job.get("outputs") or known_classes(_raw(model))
        order = None if known is None else class_order(known, classes)
        return _in_order(values.astype(np.float64), order, job, "its answer")
    inside = job["task"] == "binary" and values.dtype.kind == "f" and bool(((values >= 0) & (values <= 1)).all())
    if inside and not bool(np.isin(values, (0, 1)).all()):
        if job.get("outputs"):
            return {"probability": values if job["outputs"][-1] == job["positive"] else 1 - values}
        if class_key(job["positive"]) != "1":  # by custom a lone probability is that of 1
            raise OtherClassesError(
                f"its answer is one probability a row, and nothing says which of the data's classes {_listed(classes)} "
                "it belongs to; return a table with the column probability, of the positive class"
            )
        return {"probability": values.astype(np.float64)}
    return {"prediction": _labels(_raw(model), values, job)}


def _raw(model: Any) -> Any:
    """Return the model within a pyfunc model, where its flavor gives it away."""
    try:
        return model.get_raw_model()
    except Exception:  # flavors raise what they like; then nothing is known of its classes
        return None


def _plain(label: Any) -> Any:
    return label.item() if hasattr(label, "item") else label


def score(job: dict[str, Any]) -> None:
    """Load the model once and score every table of the job, in blocks of bounded size."""
    import polars as pl

    sys.path.extend(job["python_path"])
    model = _loaded(job)
    job["loaded"] = True
    wanted = [(feature["name"], feature["kind"]) for feature in job["features"]]
    for table in job["tables"]:
        began = time.perf_counter()
        rows = pl.read_parquet(table["rows"])
        named = job["id"] or row_id(rows.columns, wanted)
        blocks = []
        for start in range(0, max(len(rows), 1), ROWS_AT_ONCE):
            block = rows.slice(start, ROWS_AT_ONCE)
            found = _tried(model, block, wanted, job)
            if job["id"]:  # for whoever joins them by name; golden predictions keep their places
                found = {of_class(name, job["classes"]): column for name, column in found.items()}
            blocks.append(pl.DataFrame({named: block[named], **found}))
        pl.concat(blocks).write_parquet(table["predictions"])
        Path(table["predictions"]).with_suffix(".seconds").write_text(repr(time.perf_counter() - began), "utf-8")
    if job.get("golden"):
        print(json.dumps({"without_golden": golden(model, job)}))


def _tried(model: Any, frame: Any, wanted: list[tuple[str, str]], job: dict[str, Any]) -> dict[str, Any]:
    """Predict; where the model fails, look whether categories that it does not know are why."""
    try:
        return predicted(model, frame, wanted, job)
    except RefusedError:
        raise
    except Exception as error:
        if unknown := unknown_categories(model, frame, wanted):
            raise UnknownCategoryError(f"unknown categories in {unknown}") from error
        raise


def unknown_categories(model: Any, frame: Any, wanted: list[tuple[str, str]]) -> str:
    """Return the columns with categories that the model does not know, each with its number of such rows."""
    import polars as pl

    known, found = levels(model), list[str]()
    for name, kind in wanted:
        if kind == "categorical" and name in known:
            text = frame[name].cast(pl.String)
            rows = int((~text.is_in(known[name])).fill_null(value=False).sum())
            if rows:
                found.append(f"column {name!r} ({rows:,} of {len(frame):,} rows)")
    return ", ".join(found[:5])


def of_class(name: str, classes: list[Any]) -> str:
    """Return the name of a column of probabilities by its class, where it has it by its place."""
    return f"probability_{classes[int(name.rpartition('_')[2])]}" if name.startswith("probability_") else name


def row_id(columns: list[str], wanted: list[tuple[str, str]]) -> str:
    """Return the column that names a row, where the job does not say: the first that the model does not take."""
    return next(column for column in columns if column not in dict(wanted))


def parts(model: Any) -> Any:
    """Yield the parts of a fitted scikit-learn model, each with the columns that it is known to be given."""
    waiting: list[tuple[Any, list[str]]] = [(model, [])]
    while waiting:
        part, columns = waiting.pop()
        for name, inner, its_columns in getattr(part, "transformers_", []):
            if name != "remainder":
                named = [its_columns] if isinstance(its_columns, str) else its_columns
                waiting.append((inner, [str(column) for column in named]))
        waiting += [
            (inner, columns) for _, inner in [*getattr(part, "steps", []), *getattr(part, "transformer_list", [])]
        ]
        yield part, columns


def levels(model: Any) -> dict[str, list[str]]:
    """Column to the categories that a fitted scikit-learn model itself holds, found in its encoders."""
    found: dict[str, list[str]] = {}
    for part, columns in parts(model):
        if hasattr(part, "categories_") and len(part.categories_) == len(columns):
            for column, values in zip(columns, part.categories_, strict=True):
                found[column] = [str(value) for value in values if value == value]  # NaN is no level
    return found


def words(model: Any) -> dict[str, list[str]]:
    """Column to the words that a fitted model itself holds for it, found in its vectorizers; "" for any column."""
    found: dict[str, list[str]] = {}
    for part, columns in parts(model):
        known = getattr(part, "vocabulary_", None)
        if isinstance(known, dict) and known and all(isinstance(word, str) for word in known):
            found[columns[0] if len(columns) == 1 else ""] = sorted(known)
    return found


def golden(model: Any, job: dict[str, Any]) -> str:
    """Write made-up inputs and the model's predictions for them; returns why it does not take such, if it does not."""
    import polars as pl

    wanted, pairs = job["golden"], [(feature["name"], feature["kind"]) for feature in job["features"]]
    known, spoken = _kept(model, pairs), words(model)
    if private := {*wanted.get("personal", ())}:
        known = {name: values for name, values in known.items() if name not in private}
        spoken = {name: values for name, values in spoken.items() if name and name not in private}
    problem = ""
    for unknown in (None, "made up"):  # what stands for text of which the model tells no value
        frame = golden_rows(
            job["features"], wanted["quantiles"], known, seed=wanted["seed"], rows=wanted["rows"],
            named=job["id"] or "__row__", words=spoken, unknown=unknown,
        )  # fmt: skip
        try:
            found = predicted(model, frame, pairs, job)
        except Exception as error:  # it scored real rows; made-up ones are no reason to refuse it
            traceback.print_exc()
            problem = problem or type(error).__name__
            continue
        named = frame.columns[0]
        frame.write_parquet(wanted["inputs"])
        pl.DataFrame({named: frame[named], **found}).write_parquet(wanted["predictions"])
        return ""
    return f"the model does not take made-up ones ({problem})"


def _kept(model: Any, pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    text = [name for name, kind in pairs if kind == "categorical"]
    known = _categories(_given_the_same(model, [name for name, _ in pairs]))
    also = dict(zip(text, known, strict=True)) if known and len(known) == len(text) else {}
    return levels(model) | {name: [str(value) for value in values] for name, values in also.items()}


_TIMES = [datetime(2000 + at, 1 + at % 12, 1 + at % 28, at % 24, tzinfo=None) for at in range(40)]  # noqa: DTZ001 - of no zone
"""Times that rows are made up of, whichever the data has."""


def golden_rows(
    wanted: list[dict[str, str]],
    quantiles: dict[str, list[float]],
    known: dict[str, list[str]],
    *,
    seed: str,
    rows: int,
    named: str,
    words: dict[str, list[str]] | None = None,
    unknown: str | None = None,
) -> Any:
    """Made-up inputs as a Polars frame, the row's id first.

    Numbers come from the profile's quantiles, whole where the model takes whole ones; categories from the levels and
    text from the words that the model holds; what nobody knows is ``unknown``. The seed is the model's digest, so that
    the same model always gets the same rows.
    """
    import random

    import polars as pl

    draw = random.Random(seed)  # noqa: S311 - rows to try, no secret
    columns: dict[str, Any] = {named: list(range(rows))}
    types: dict[str, Any] = {"numeric": pl.Float64, "boolean": pl.Float64, "categorical": pl.String, "text": pl.String}
    types["time"] = pl.Datetime("us")
    for feature in wanted:
        name, kind, of = feature["name"], feature["kind"], feature.get("type", "")
        made: dict[str, list[Any]] = {"numeric": quantiles.get(name, []), "boolean": [0.0, 1.0], "time": _TIMES}
        choices = made.get(kind, known.get(name, []))
        spoken = (words or {}).get(name) or (words or {}).get("", [])
        values: list[Any] = [draw.choice(choices) if choices else None for _ in range(rows)]
        if kind in ("categorical", "text") and not choices:
            values = [" ".join(draw.choices(spoken, k=8)) if spoken else unknown for _ in range(rows)]
        if "int" in of.lower():
            columns[name] = pl.Series(name, [None if value is None else round(value) for value in values], pl.Int64)
        elif of in ("bool", "boolean"):
            columns[name] = pl.Series(name, [bool(value) for value in values], pl.Boolean)
        else:
            columns[name] = pl.Series(name, values, dtype=types[kind])
    return pl.DataFrame(columns)


def compare(job: dict[str, Any]) -> dict[str, Any]:
    """How predictions differ from those that were recorded for the same rows.

    Returns:
        ``problem`` (empty where every recorded value has a new one of its kind), ``rows``, ``exact`` (rows that are the
        same to the last bit), ``largest`` (difference, relative to the recorded value where that is above 1), and
        ``unlike`` (values that differ and are no numbers). Without ``recorded`` it looks for numbers alone.
    """
    import math

    import polars as pl

    found = pl.read_parquet(job["found"])
    if not job.get("recorded"):
        values = [value for column in found.columns[1:] for value in found[column].to_list()]
        bad = sum(not isinstance(value, str | bool) and not _is_number(value) for value in values)
        problem = f"{bad} predictions are missing or not finite" if bad else "" if len(found) else "it predicts nothing"
        return {"problem": problem, "rows": len(found), "exact": 0, "largest": 0.0, "unlike": 0}
    recorded = pl.read_parquet(job["recorded"])
    told: dict[str, Any] = {"problem": "", "rows": len(recorded), "exact": 0, "largest": 0.0, "unlike": 0}
    named, columns = recorded.columns[0], recorded.columns[1:]
    if not set(recorded.columns) <= set(found.columns):
        lost = [column for column in recorded.columns if column not in found.columns]
        return {**told, "problem": f"there is no column {lost[0]!r} now"}
    if len(found) != len(recorded) or set(map(str, found[named])) != set(map(str, recorded[named])):
        return {**told, "problem": f"{len(recorded)} rows were recorded, and {len(found)} came back, or other ones"}
    if not len(recorded):
        return {**told, "problem": "no row was recorded"}
    now = {str(row[named]): row for row in found.iter_rows(named=True)}
    for row in recorded.iter_rows(named=True):
        same = True
        for column in columns:
            was, value = row[column], now[str(row[named])][column]
            if was == value or (was != was and value != value):
                continue
            same = False
            if _is_number(was) and _is_number(value):
                told["largest"] = max(told["largest"], math.fabs(was - value) / max(1.0, math.fabs(was)))
            else:
                told["unlike"] += 1
        told["exact"] += same
    return told


def _is_number(value: Any) -> bool:
    import math

    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def make(job: dict[str, Any]) -> dict[str, Any]:
    """Write made-up inputs for a model that this process does not load."""
    wanted = job["golden"]
    frame = golden_rows(
        job["features"], wanted["quantiles"], {}, seed=wanted["seed"], rows=wanted["rows"], named="__row__"
    )  # fmt: skip
    frame.write_parquet(wanted["inputs"])
    return {}


def describe(job: dict[str, Any]) -> dict[str, Any]:
    """Load a model and return what it says of itself: its columns or their number, its classes, and modules it needs.

    Returns:
        ``columns`` (empty where it knows none), ``inputs`` (0 where it does not tell), ``classes`` (or None), and
        ``modules``: the files or folders that it imported from the folders of ``python_path``.
    """
    sys.path.extend(job["python_path"])
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "Trying to unpickle estimator")  # of another version of scikit-learn
        model = _loaded(job)
    schema = model.metadata.get_input_schema() if job["format"] == "pyfunc" else None
    names = getattr(model, "feature_names_in_", getattr(model, "feature_names_", None))  # CatBoost's
    if schema is not None and schema.has_input_names():
        names = schema.input_names()
    known = None if job["format"] == "pyfunc" else known_classes(model)
    return {
        "columns": [] if names is None else [str(name) for name in names],
        "inputs": int(getattr(model, "n_features_in_", 0)),
        "classes": known,
        "modules": sorted(_imported([Path(folder).resolve() for folder in job["python_path"]])),
    }


def _imported(roots: list[Path]) -> set[str]:
    found = set()
    for top in {name.partition(".")[0] for name in list(sys.modules)}:
        module = sys.modules.get(top)
        folders = [Path(folder).resolve() for folder in getattr(module, "__path__", [])]
        file = getattr(module, "__file__", None)
        found |= {str(path) for path in folders or ([Path(file).resolve()] if file else []) if path.parent in roots}
    return found


def csv(job: dict[str, Any]) -> dict[str, Any]:
    """Write a table in the other format: the suffix of each path says which."""
    import polars as pl

    source, target = Path(job["source"]), Path(job["target"])
    if source.suffix == ".csv":
        pl.read_csv(source, infer_schema_length=None).write_parquet(target)
    else:
        pl.read_parquet(source).write_csv(target)
    return {}


def main(path: str) -> int:
    """Run a job file; returns the exit code."""
    job: dict[str, Any] = {}
    try:
        job = json.loads(Path(path).read_text("utf-8"))
        other = {"compare": compare, "csv": csv, "describe": describe, "make": make}.get(job.get("do", "score"))
        print(json.dumps(other(job))) if other else score(job)
    except Exception as error:  # whatever a model raises ends as one line for the parent
        traceback.print_exc()
        print(json.dumps(_problem(error, job)), file=sys.stderr)
        return 3
    return 0


def _problem(error: Exception, job: dict[str, Any]) -> dict[str, Any]:
    """Return what may be told of an error: its kind, and what of its text is no value of a row."""
    text = str(error)
    names = [str(feature["name"]) for feature in job.get("features", [])]
    quoted = [name for name in names if f"'{name}'" in text or f"{name}: " in text or f'"{name}"' in text]
    message = text if isinstance(error, RefusedError) else ""
    if isinstance(error, ModuleNotFoundError):
        message = f"there is no module {error.name!r}"
    return {
        "kind": type(error).__name__, "message": message[:1000], "columns": quoted[:5],
        "loaded": bool(job.get("loaded")),
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
