"""Training by a function of the user's, run in a process of its own: this process never imports user code."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelyard.core import processes
from modelyard.core.errors import ConfigError, DataError
from modelyard.core.files import disk_errors
from modelyard.records.results import Signature

if TYPE_CHECKING:
    import polars as pl

    from modelyard.core.vocabulary import Format

CHILD = "modelyard.training.entrypoint_child"
WHAT = "train.entrypoint"


@dataclass(frozen=True)
class Entrypoint:
    """A ``package.module:function``, the folders it is found in, and how it is called."""

    name: str
    python_path: tuple[Path, ...]
    parameters: Mapping[str, Any]
    seed: int
    timeout: str
    format: "Format"
    needs_probability: str = ""
    """The metric that needs predict_proba, if it does."""


def run(
    entrypoint: Entrypoint,
    features: "pl.DataFrame",
    roles: "pl.DataFrame",
    signature: Signature,
    *,
    cwd: Path,
    model_dir: Path,
    scratch: Path,
    log: Path,
) -> None:
    """Call the user's function and store the model that it returns, with the code that it needs under ``code/``.

    Args:
        entrypoint: what to call.
        features: the columns of the signature, n rows.
        roles: ``target``, and where declared ``weight``, ``unit`` and ``group``, n rows.
        signature: names and kinds of the features.
        cwd: the folder it runs in.
        model_dir: an empty folder that the model goes into.
        scratch: an empty folder for what the process is handed.
        log: where its output goes.

    Raises:
        ConfigError: there is no such module or function.
        DataError: it raised, hung, died, or returned no model; the message names the user's file and line.
    """
    rows, told = scratch / "features.parquet", scratch / "roles.parquet"
    job = {
        "entrypoint": entrypoint.name,
        "python_path": [str(folder) for folder in entrypoint.python_path],
        "parameters": dict(entrypoint.parameters),
        "seed": entrypoint.seed,
        "format": entrypoint.format,
        "needs_probability": entrypoint.needs_probability,
        "features": [[feature.name, feature.kind] for feature in signature.features],
        "rows": str(rows),
        "roles": str(told),
        "model_dir": str(model_dir),
        "problem": str(scratch / "problem.json"),
    }
    with disk_errors(scratch):
        features.write_parquet(rows)
        roles.write_parquet(told)
        (scratch / "job.json").write_text(json.dumps(job), "utf-8")
    argv = [sys.executable, "-I", "-X", "utf8", "-m", CHILD, str(scratch / "job.json")]
    limit = processes.seconds(entrypoint.timeout, what="train.timeout")
    result = processes.run_group(
        argv, cwd=cwd, limit=limit, environment=processes.own_child_environment(), log=log, what=WHAT,
        timeout=entrypoint.timeout,
    )  # fmt: skip
    if result.returncode != 0:
        _fail(scratch / "problem.json", result, entrypoint, log, cwd)


def _fail(path: Path, result: processes.CommandResult, entrypoint: Entrypoint, log: Path, cwd: Path) -> None:
    try:
        problem = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        problem = {}
    if not problem:
        raise DataError(
            f"{WHAT}: the process of {entrypoint.name} {processes.ended(result)}",
            hint=f"All of its output: {log}",
        )
    if problem["configuration"]:
        raise ConfigError(f"{WHAT}: {problem['message']}", hint=problem["hint"])
    where = _where(problem, (cwd, *entrypoint.python_path))
    raise DataError(f"{WHAT}: {where}{problem['message']}", hint=problem["hint"] or f"All of its output: {log}")


def _where(problem: Mapping[str, Any], roots: Sequence[Path]) -> str:
    if not problem["file"]:
        return ""
    file = Path(problem["file"])
    shown = next((file.relative_to(root.resolve()) for root in roots if file.is_relative_to(root.resolve())), file)
    return f"{shown}:{problem['line']}: "
