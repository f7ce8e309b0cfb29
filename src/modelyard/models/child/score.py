"""Scores rows with a model in a process of its own, in the environment that the model's version records.

This one file runs there as a script, so it imports nothing of modelyard: the standard library, Polars to read and write
Parquet, and what the model itself needs. It is also imported for its two frame functions, so that training and
validation see the very frames that scoring sees.

    python -I score.py job.json

The job: ``model_dir``, ``format`` (skops, joblib or pyfunc), ``trusted`` (skops types), ``features`` (name and kind),
``task``, ``classes``, ``positive``, ``id`` (column that names a row), ``python_path``, and ``tables``: pairs of Parquet
files, rows in and predictions out. Predictions hold the id and ``probability`` (binary), ``probability_0`` …
(multiclass, in the order of ``classes``), or ``prediction``. With ``golden`` (seed, rows, quantiles of numbers, and two
paths) made-up inputs and their predictions are written too: by these a version proves later that it still works. A
failure is one JSON line on standard error and exit code 3.

Other jobs load no model: ``compare`` says how two prediction files differ, ``make`` writes made-up inputs, ``csv``
writes a Parquet file as CSV or a CSV file as Parquet. They are here so that who asks needs no Parquet reader.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

ROWS_AT_ONCE = 500_000


def to_pandas(frame: Any) -> Any:
    """Return a Polars frame as a pandas one, without pyarrow; missing values become NaN, NaT or a missing string.

    Integers and booleans keep their type where nothing is missing, and are float64 where something is.

    Raises:
        TypeError: a column of lists, structs or another type that models cannot take; the message names it.
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
            raise TypeError(f"column {series.name!r} has type {dtype}, which a model cannot take")
        columns[series.name] = values
    return pd.DataFrame(columns)


def features(frame: Any, wanted: list[tuple[str, str]]) -> Any:
    """Return the model's columns as pandas, in the type of their kind: numbers float64, categories text.

    Args:
        frame: Polars frame with at least the wanted columns.
        wanted: (name, kind) pairs in the signature's order.
    """
    import polars as pl

    types = {"numeric": pl.Float64, "boolean": pl.Float64, "categorical": pl.String}
    return to_pandas(frame.select(pl.col(name).cast(types[kind]) for name, kind in wanted))


def load(model_dir: Path, stored_as: str, trusted: list[str], audit: str = "") -> Any:
    """Load the model of a folder; which format may be loaded was decided by the caller's configuration.

    ``audit`` is the file that checks the decision nodes of an archive; types are checked with it, before any is built.
    """
    if stored_as == "pyfunc":
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        import mlflow.pyfunc

        return mlflow.pyfunc.load_model(str(model_dir), suppress_warnings=True)
    if stored_as == "skops":
        import skops.io

        if audit:
            _look(model_dir / "model.skops", trusted, audit)
        return skops.io.load(model_dir / "model.skops", trusted=trusted)
    import joblib

    return joblib.load(model_dir / "model.joblib")


def _look(path: Path, trusted: list[str], audit: str) -> None:
    """Refuse an archive for its types or its trees, before anything of it is built."""
    import importlib.util

    import skops.io

    data = path.read_bytes()
    strange = sorted(set(skops.io.get_untrusted_types(data=data)) - set(trusted))
    if strange:
        raise TypeError(f"UntrustedTypes: it holds types that are not on the reviewed list: {', '.join(strange[:5])}")
    spec = importlib.util.spec_from_file_location("tree_nodes", audit)
    if spec is None or spec.loader is None:
        raise ImportError(f"{audit} is not there")
    nodes = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(nodes)
    if broken := nodes.problem(data):
        raise ValueError(f"it holds a {broken}: it was damaged, or made to crash whoever loads it")


def predict(model: Any, frame: Any, job: dict[str, Any]) -> dict[str, Any]:
    """Prediction columns for a frame of features."""
    import numpy as np

    if job["task"] == "regression":
        return {"prediction": np.asarray(model.predict(frame), dtype=np.float64).reshape(len(frame))}
    if not hasattr(model, "predict_proba"):
        return {"prediction": [_plain(label) for label in model.predict(frame)]}
    probability = np.asarray(model.predict_proba(frame), dtype=np.float64)
    known = [_plain(label) for label in getattr(model, "classes_", job["classes"])]
    if probability.ndim == 1 and job["task"] == "binary":
        return {"probability": probability}
    if job["task"] == "binary":
        return {"probability": probability[:, known.index(job["positive"])]}
    missing = [label for label in job["classes"] if label not in known]
    if missing:
        raise ValueError(f"the model knows no class {missing[0]!r}")
    return {f"probability_{at}": probability[:, known.index(label)] for at, label in enumerate(job["classes"])}


def predicted(model: Any, frame: Any, wanted: list[tuple[str, str]], job: dict[str, Any]) -> dict[str, Any]:
    """Prediction columns for a Polars frame of rows, whichever kind of model this is."""
    if job["format"] == "pyfunc":
        return predict_pyfunc(model, pyfunc_features(model, frame, wanted), job)
    return predict(model, features(frame, wanted), job)


def pyfunc_features(model: Any, frame: Any, wanted: list[tuple[str, str]]) -> Any:
    """Return the columns of a pyfunc model in the types of its signature; without one, as for scikit-learn."""
    import polars as pl

    schema = model.metadata.get_input_schema()
    if schema is None or not schema.has_input_names():
        return features(frame, wanted)
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
        ValueError: an answer that fits neither the classes nor the rows.
    """
    import numpy as np

    answer = model.predict(frame)
    names = [str(name) for name in getattr(answer, "columns", [])]
    known = [name for name in names if name in ("probability", "prediction") or name.startswith("probability_")]
    if known:
        return {name: np.asarray(answer[name]) for name in known}
    values = np.asarray(answer)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if len(values) != len(frame) or values.ndim > 2:
        raise ValueError(f"the model gave {values.shape} predictions for {len(frame)} rows")
    if values.ndim == 2:
        if values.shape[1] != len(job["classes"]):
            raise ValueError(f"the model gave {values.shape[1]} columns for {len(job['classes'])} classes")
        if job["task"] == "binary":
            return {"probability": values[:, job["classes"].index(job["positive"])].astype(np.float64)}
        return {f"probability_{at}": values[:, at].astype(np.float64) for at in range(values.shape[1])}
    inside = job["task"] == "binary" and values.dtype.kind == "f" and bool(((values >= 0) & (values <= 1)).all())
    if inside and not bool(np.isin(values, (0, 1)).all()):
        return {"probability": values.astype(np.float64)}
    return {"prediction": [_plain(value) for value in values]}


def _plain(label: Any) -> Any:
    return label.item() if hasattr(label, "item") else label


def score(job: dict[str, Any]) -> None:
    """Load the model once and score every table of the job, in blocks of bounded size."""
    import polars as pl

    sys.path.extend(job["python_path"])
    model = load(Path(job["model_dir"]), job["format"], job["trusted"], job.get("audit", ""))
    wanted = [(feature["name"], feature["kind"]) for feature in job["features"]]
    for table in job["tables"]:
        rows = pl.read_parquet(table["rows"])
        named = job["id"] or row_id(rows.columns, wanted)
        blocks = []
        for start in range(0, max(len(rows), 1), ROWS_AT_ONCE):
            block = rows.slice(start, ROWS_AT_ONCE)
            found = predicted(model, block, wanted, job)
            blocks.append(pl.DataFrame({named: block[named], **found}))
        pl.concat(blocks).write_parquet(table["predictions"])
    if job.get("golden"):
        golden(model, job)


def row_id(columns: list[str], wanted: list[tuple[str, str]]) -> str:
    """Return the column that names a row, where the job does not say: the first that the model does not take."""
    return next(column for column in columns if column not in dict(wanted))


def levels(model: Any) -> dict[str, list[str]]:
    """Column to the categories that a fitted scikit-learn model itself holds, found in its encoders."""
    found: dict[str, list[str]] = {}
    waiting: list[tuple[Any, list[str]]] = [(model, [])]
    while waiting:
        part, columns = waiting.pop()
        for name, inner, its_columns in getattr(part, "transformers_", []):
            if name != "remainder":
                waiting.append((inner, [str(column) for column in its_columns]))
        waiting += [(inner, columns) for _, inner in getattr(part, "steps", [])]
        if hasattr(part, "categories_") and len(part.categories_) == len(columns):
            for column, values in zip(columns, part.categories_, strict=True):
                found[column] = [str(value) for value in values if value == value]  # NaN is no level
    return found


def golden(model: Any, job: dict[str, Any]) -> None:
    """Write made-up inputs and the model's predictions for them."""
    import polars as pl

    wanted = job["golden"]
    frame = golden_rows(
        job["features"], wanted["quantiles"], levels(model), seed=wanted["seed"], rows=wanted["rows"],
        named=job["id"] or "__row__",
    )  # fmt: skip
    pairs = [(feature["name"], feature["kind"]) for feature in job["features"]]
    named = frame.columns[0]
    predictions = pl.DataFrame({named: frame[named], **predicted(model, frame, pairs, job)})
    frame.write_parquet(wanted["inputs"])
    predictions.write_parquet(wanted["predictions"])


def golden_rows(
    wanted: list[dict[str, str]],
    quantiles: dict[str, list[float]],
    known: dict[str, list[str]],
    *,
    seed: str,
    rows: int,
    named: str,
) -> Any:
    """Made-up inputs as a Polars frame, the row's id first.

    Numbers come from the profile's quantiles, categories from the levels that the model holds; what neither knows is
    missing. The seed is the model's digest, so that the same model always gets the same rows.
    """
    import random

    import polars as pl

    draw = random.Random(seed)  # noqa: S311 - rows to try, no secret
    columns: dict[str, Any] = {named: list(range(rows))}
    types: dict[str, Any] = {"numeric": pl.Float64, "boolean": pl.Float64, "categorical": pl.String}
    types["time"] = pl.Datetime("us")
    for feature in wanted:
        name, kind = feature["name"], feature["kind"]
        choices = {"numeric": quantiles.get(name, []), "boolean": [0.0, 1.0]}.get(kind, known.get(name, []))
        values = [draw.choice(choices) if choices else None for _ in range(rows)]
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
    try:
        job = json.loads(Path(path).read_text("utf-8"))
        other = {"compare": compare, "csv": csv, "make": make}.get(job.get("do", "score"))
        print(json.dumps(other(job))) if other else score(job)
    except Exception as error:  # whatever a model raises ends as one line for the parent
        lines = str(error).strip().splitlines() or [""]
        print(json.dumps({"kind": type(error).__name__, "message": lines[0][:500]}), file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
