"""Runs ``child/score.py`` under an interpreter: a job as JSON in, one line of JSON out, an error as one line."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelyard.core import processes
from modelyard.core.errors import DataError
from modelyard.models.child import score

if TYPE_CHECKING:
    from modelyard.models.adapters.adapter import Golden

TIMEOUT = 3600
"""Seconds that a job may take; commands name their own limit."""


def run(python: Path, job: Mapping[str, Any], folder: Path, who: str, done_to: str) -> str:
    """Run one job; returns the last line that it printed.

    Args:
        python: The interpreter.
        job: What ``child/score.py`` reads.
        folder: Where the job's file is written, and what the child works in.
        who: What messages call the model.
        done_to: What is done to it, as a participle for messages.

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
        raise DataError(
            f"{who} could not be {done_to}: {_last_words(done.stderr)}",
            code="model/not-scored",
            hint=_advice(done.stderr),
        )
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
        "quantiles": dict(golden.quantiles),
        "inputs": str(golden.folder / "inputs.parquet"),
        "predictions": str(golden.folder / "predictions.parquet"),
    }


def _last_words(stderr: str) -> str:
    last = (stderr.strip().splitlines() or ["no message"])[-1]
    try:
        problem = json.loads(last)
        return f"{problem['kind']}: {problem['message']}"
    except (ValueError, KeyError, TypeError):
        return last[:500]


def _advice(stderr: str) -> str:
    if "UntrustedTypes" in stderr:
        return "The model holds types that are not on the reviewed list; set model.format: joblib to allow pickles."
    return "The model must load and score in the packages its version records; see environment.txt beside it."
