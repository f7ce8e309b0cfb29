"""Runs ``child/score.py`` under an interpreter: a job as JSON in, one line of JSON out, an error as one line."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelyard.core import processes
from modelyard.core.errors import DataError
from modelyard.core.files import disk_errors
from modelyard.models.child import score

if TYPE_CHECKING:
    from modelyard.models.adapters.adapter import Golden

TIMEOUT = 3600
"""Seconds that a job may take; commands name their own limit."""


def run(python: Path, job: Mapping[str, Any], folder: Path, who: str, done_to: str, log: Path | None = None) -> str:
    """Run one job; returns the last line that it printed.

    Args:
        python: The interpreter.
        job: What ``child/score.py`` reads.
        folder: Where the job's file is written, and what the child works in.
        who: What messages call the model.
        done_to: What is done to it, as a participle for messages.
        log: Where all that a failed job wrote goes, which may hold values of rows; messages tell its path alone.

    Raises:
        DataError: It failed or took too long.
    """
    path = folder / "job.json"
    path.write_text(json.dumps(job), "utf-8")
    command = [str(python), "-I", "-B", "-X", "utf8", score.__file__, str(path)]
    try:
        done = subprocess.run(
            command, check=False, cwd=folder, env=processes.own_child_environment(), capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=TIMEOUT,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise DataError(f"{who} took longer than {TIMEOUT} s to be {done_to}", code="model/timed-out") from error
    finally:
        path.unlink(missing_ok=True)
    if done.returncode != 0:
        raise _failure(who, done_to, done.stderr, log)
    return (done.stdout.strip().splitlines() or ["{}"])[-1]


def compare(python: Path, recorded: Path | None, found: Path, folder: Path) -> dict[str, Any]:
    """Return how two prediction files differ; see ``child/score.py``.

    Args:
        python: An interpreter with Polars.
        recorded: What came out before; without it, only whether the others are predictions.
        found: What came out now.
        folder: Where the job's file is written.

    Raises:
        DataError: A file is not readable.
    """
    job = {"do": "compare", "recorded": None if recorded is None else str(recorded), "found": str(found)}
    difference: dict[str, Any] = json.loads(run(python, job, folder, "the predictions", "compared"))
    return difference


def golden_job(golden: "Golden") -> dict[str, Any]:
    """Return the part of a job that asks for made-up inputs, and create their folder."""
    golden.folder.mkdir(parents=True, exist_ok=True)
    return {
        "seed": golden.seed,
        "rows": golden.rows,
        "personal": list(golden.personal),
        "quantiles": dict(golden.quantiles),
        "inputs": str(golden.folder / "inputs.parquet"),
        "predictions": str(golden.folder / "predictions.parquet"),
    }


def _failure(who: str, done_to: str, stderr: str, log: Path | None) -> DataError:
    """Return what may be told of a failure; the rest, which may hold values of rows, goes to the log."""
    where = ""
    if log is not None:
        with disk_errors(log):
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_text(stderr, "utf-8")
        where = f" All of its output: {log}"
    problem = _problem(stderr)
    kind, columns = str(problem["kind"]), [f"{name!r}" for name in problem.get("columns", [])]
    of = f" ({'column' if len(columns) == 1 else 'columns'} {', '.join(columns)})" if columns else ""
    text = f"{who} could not be {done_to}: {problem.get('message') or f'{kind}{of}'}"
    if kind == score.OtherClassesError.__name__:
        return DataError(text, code="model/other-classes", hint=f"{_CLASSES}{where}")
    if kind == score.UnknownCategoryError.__name__:
        return DataError(text, code="model/unknown-category", hint=f"{_CATEGORIES}{where}")
    if kind == score.UntrustedTypesError.__name__:
        return DataError(text, code="model/untrusted-type", hint=f"{_TYPES}{where}")
    if kind == ModuleNotFoundError.__name__:
        return DataError(text, code="model/missing-module", hint=f"{_MODULE}{where}")
    return DataError(text, code="model/not-scored", hint=f"{_FAILED if problem.get('loaded') else _PACKAGES}{where}")


_CLASSES = (
    "Fit the model on the labels as they stand in the target, or wrap it so that classes_ holds them. For a model of "
    "train.model, name the labels in the order of its own classes: train: {classes: [no, yes]}."
)
_CATEGORIES = "Let the model ignore what it does not know (handle_unknown), or train it on rows that have it."
_TYPES = "Set model.format: joblib to allow pickles."
_MODULE = (
    "Name it in the environment that the model is scored in, or take its folder along with the model (python-path)."
)
_PACKAGES = "The model must load in the packages its version records; see environment.txt beside it."
_FAILED = (
    "It was loaded and failed on the rows; columns come to it in the types that its signature names, text as text, and "
    "what else it needs must be done inside the model."
)


def _problem(stderr: str) -> dict[str, Any]:
    try:
        found = json.loads((stderr.strip().splitlines() or [""])[-1])
    except ValueError:
        found = None
    return found if isinstance(found, dict) and "kind" in found else {"kind": "its process died without a message"}
