"""Loads a published model for ``mlflow.pyfunc.load_model``, in an environment that need not hold modelyard.

The mlflow registry stores this file with its neighbours ``score``, ``tree_nodes`` and ``trusted`` beside a model,
as a package of its own, and MLflow imports it from there. It checks every file's digest, then the skops archive as
modelyard does (types on the reviewed list, node indices inside their trees), and gives the predictions that modelyard's
own scoring gives: a table with ``probability``, ``probability_<class>`` for every class, or ``prediction``.
"""

import hashlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import score, tree_nodes, trusted

FACTS = "modelyard.json"
"""Beside the folder that is loaded: the signature, and the digest of every file."""


class Champion:
    """A model with the signature that it was published with."""

    def __init__(self, model: Any, facts: dict[str, Any]) -> None:
        self.model = model
        self.facts = facts

    def predict(self, model_input: Any, params: Any = None) -> Any:
        """Predictions of a pandas table with at least the signature's columns, in its order of rows.

        Raises:
            ValueError: a column of the signature is missing.
        """
        del params  # MLflow hands them over where a signature names some; ours names none
        import pandas as pd

        pairs = [(feature["name"], feature["kind"]) for feature in self.facts["features"]]
        given = score.as_fitted(self.model, features(model_input, self.facts["features"]), pairs)
        found = score.answered(score.predict, self.model, given, self.facts)
        columns = {score.of_class(name, self.facts["classes"]): column for name, column in found.items()}
        return pd.DataFrame(columns, index=getattr(model_input, "index", None))


def features(table: Any, wanted: Sequence[dict[str, str]]) -> Any:
    """Return the signature's columns in the types that the model was fitted on: numbers in theirs, categories as text.

    Raises:
        ValueError: a column is missing.
    """
    import pandas as pd

    missing = [feature["name"] for feature in wanted if feature["name"] not in table.columns]
    if missing:
        raise ValueError(f"the model needs the columns {', '.join(missing[:5])}, which the rows do not have")
    columns = {}
    for feature in wanted:
        values = table[feature["name"]]
        if feature["kind"] in ("categorical", "text"):
            gone = values.isna()
            nothing = "" if feature["kind"] == "text" else None
            text = [nothing if none else _text(value) for value, none in zip(values, gone, strict=True)]
            columns[feature["name"]] = pd.Series(text, index=table.index, dtype="str")
        elif feature["kind"] == "time":
            columns[feature["name"]] = pd.to_datetime(values)
        else:
            columns[feature["name"]] = _number(pd.to_numeric(values), feature.get("type") or "float64")
    return pd.DataFrame(columns, index=table.index)


def _number(values: Any, wanted: str) -> Any:
    """Return numbers in the type of the signature, nullable where one is missing today."""
    if wanted != "float64" and bool((values.dropna() % 1 == 0).all()):
        nullable = {"bool": "boolean"}.get(wanted, wanted.replace("u", "U").replace("int", "Int"))
        return values.astype(nullable if values.isna().any() else wanted)
    return values.astype("float64")


def _text(value: Any) -> str:
    """Return a category as modelyard reads it from Parquet: booleans in small letters."""
    plain = value.item() if hasattr(value, "item") else value
    return str(plain).lower() if isinstance(plain, bool) else str(plain)


def _load_pyfunc(path: str) -> Champion:
    """Load the model for MLflow, which calls this with the path of its files.

    Raises:
        ValueError: a file is missing, was added or changed, or the model is one that must not be loaded here.
    """
    folder = Path(path)
    facts = json.loads((folder.parent / FACTS).read_text("utf-8"))
    found = {file.relative_to(folder).as_posix(): _sha256(file) for file in sorted(folder.rglob("*")) if file.is_file()}
    if found != facts["files"]:
        changed = sorted(name for name in {*found, *facts["files"]} if found.get(name) != facts["files"].get(name))
        raise ValueError(f"the model's files are not those that were published: {', '.join(changed[:5])}")
    stored_as = "skops" if "model.skops" in found else "joblib"
    if stored_as == "joblib" and os.environ.get("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "").lower() in ("false", "0"):
        raise ValueError("the model is a pickle, and MLFLOW_ALLOW_PICKLE_DESERIALIZATION is false")
    if stored_as == "skops":
        _audit(folder / "model.skops")
    if (folder / "code").is_dir():
        sys.path.append(str(folder / "code"))
    return Champion(score.load(folder, stored_as, sorted(trusted.TRUSTED)), facts)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"


def _audit(path: Path) -> None:
    import skops.io

    data = path.read_bytes()
    unknown = sorted(set(skops.io.get_untrusted_types(data=data)) - trusted.TRUSTED)
    if unknown:
        raise ValueError(f"the model holds types that are not on the reviewed list: {', '.join(unknown[:5])}")
    if broken := tree_nodes.problem(data):
        raise ValueError(f"the model holds a {broken}")
