"""The process in which a user's training function runs: ``python -I -m <this module> job.json``."""

import importlib
import inspect
import json
import os
import random
import sys
import traceback
from pathlib import Path
from typing import Any

from modelyard.core.errors import ConfigError, DataError, ModelyardError, nearest
from modelyard.models import store, user_code
from modelyard.models.child import score as score_child
from modelyard.training.data import TrainingData

FAILED = 3


def main(path: str) -> int:
    """Run a job file; returns the exit code."""
    job = json.loads(Path(path).read_text("utf-8"))
    roots = [Path(folder).resolve() for folder in job["python_path"]]
    # Appended, never put first: a planted json.py must not be what we, or the user's libraries, import.
    sys.path.extend(str(root) for root in roots)
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"  # for the workers that the user's function starts
    try:
        _train(job, roots)
    except ModelyardError as error:
        _report(job, str(error.message), error.hint, configuration=isinstance(error, ConfigError))
        return FAILED
    except (Exception, SystemExit) as error:  # whatever the user's code raises ends as one line for the parent
        traceback.print_exc()  # into the log, where the user finds all of it
        file, line = _last_place(error, roots)
        _report(job, _told(error), "", file=file, line=line)
        return FAILED
    return 0


def _train(job: dict[str, Any], roots: list[Path]) -> None:
    import numpy as np

    fit = _function(job["entrypoint"], roots)
    random.seed(job["seed"])
    np.random.seed(job["seed"] % 2**32)
    model = fit(_data(job), dict(job["parameters"]), job["seed"])
    _check(model, job)
    folder = Path(job["model_dir"])
    store.save_sklearn(model, folder, format=job["format"])
    if job["format"] == "joblib":  # a skops archive holds no type of the user's
        user_code.copy_imported(roots, folder)


def _function(name: str, roots: list[Path]) -> Any:
    module_name, _, function_name = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not (module_name == error.name or module_name.startswith(f"{error.name}.")):
            raise
        known = sorted(path.stem for root in roots for path in (*root.glob("*.py"), *root.glob("*/")))
        raise ConfigError(
            f"there is no module {module_name!r} in train.python-path. {nearest(module_name, known)}".rstrip(),
            code="config/unknown-module",
            hint="Name its folder under train.python-path (default: the folder of the configuration).",
        ) from error
    function = getattr(module, function_name, None)
    if not callable(function):
        known = [key for key, value in vars(module).items() if callable(value)]
        raise ConfigError(
            f"module {module_name} has no function {function_name!r}. {nearest(function_name, known)}".rstrip(),
            code="config/unknown-function",
            hint="Name one that is called as fit(data, parameters, seed).",
        )
    try:
        inspect.signature(function).bind(None, {}, 0)
    except TypeError as error:
        raise DataError(
            f"{name} cannot be called as {function_name}(data, parameters, seed): {error}",
            code="train/entrypoint-arguments",
            hint="Let it take these three arguments.",
        ) from error
    except ValueError:  # a callable that tells no signature
        pass
    return function


def _data(job: dict[str, Any]) -> TrainingData:
    import polars as pl

    features = score_child.features(
        pl.read_parquet(job["rows"]),
        [(name, kind) for name, kind, _ in job["features"]],
        {name: dtype for name, _, dtype in job["features"]},
    )
    roles = score_child.to_pandas(pl.read_parquet(job["roles"]))
    return TrainingData(features, **{name: roles[name] for name in roles.columns})


def _check(model: Any, job: dict[str, Any]) -> None:
    if model is None or not callable(getattr(model, "predict", None)):
        raise DataError(
            f"{job['entrypoint']} returned a {type(model).__name__}, which has no predict",
            code="train/not-a-model",
            hint="Return the model.",
        )
    if job["needs_probability"] and not callable(getattr(model, "predict_proba", None)):
        raise DataError(
            f"the {type(model).__name__} has no predict_proba, which {job['needs_probability']} needs",
            code="train/no-probabilities",
            hint="Return a model that gives probabilities, or name a metric of labels as model.metric.",
        )


def _told(error: BaseException) -> str:
    """Return the kind of an error, with its text only where that can hold no value of a row."""
    kind, lines = type(error).__name__, str(error).strip().splitlines() or [""]
    return f"{kind}: {lines[0][:300]}" if isinstance(error, ImportError | SyntaxError) else kind


def _last_place(error: BaseException, roots: list[Path]) -> tuple[str, int | None]:
    """File and line of the last frame in the user's own code."""
    frames = [(Path(frame.filename).resolve(), frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        frames.append((Path(error.filename).resolve(), error.lineno))
    own = [
        (file, line)
        for file, line in frames
        if any(file.is_relative_to(root) for root in roots) and "site-packages" not in file.parts
    ]
    return (str(own[-1][0]), own[-1][1]) if own else ("", None)


def _report(
    job: dict[str, Any],
    message: str,
    hint: str,
    *,
    configuration: bool = False,
    file: str = "",
    line: int | None = None,
) -> None:
    problem = {"message": message, "hint": hint, "configuration": configuration, "file": file, "line": line}
    Path(job["problem"]).write_text(json.dumps(problem), "utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
