"""Training by a function of the user's, run in a process of its own: this process never imports user code."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelyard.config.configuration import Config
from modelyard.core import processes
from modelyard.core.errors import ConfigError, DataError
from modelyard.core.files import disk_errors
from modelyard.data.units import unit_codes
from modelyard.models.adapters import adapter_of
from modelyard.models.scorer import TRIED, Scorer
from modelyard.records.results import Signature
from modelyard.training.job import Job, Made
from modelyard.training.way import Way

if TYPE_CHECKING:
    import polars as pl

    from modelyard.core.vocabulary import Format

CHILD = "modelyard.training.ways.entrypoint_child"
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


class EntrypointWay(Way):
    """``train.entrypoint``: a function that returns a fitted scikit-learn model."""

    name = "entrypoint"

    def is_configured(self, config: Config) -> bool:
        """Return whether an entrypoint is named."""
        return config.train is not None and config.train.entrypoint is not None

    def run(self, job: Job, model_dir: Path, scratch: Path) -> Made:
        """Call the function on all training rows, unless it was called with equal ones before."""
        entry = _entrypoint(job)
        parameters = {name: repr(value) for name, value in entry.parameters.items()}
        fit_digest = job.fit_digest("entrypoint", entrypoint=entry.name, parameters=parameters)
        if job.from_cache(fit_digest, model_dir) is not None:
            return Made(fit_digest, "sklearn", from_cache=1)
        job.at.progress(0, 1, entry.name)
        run(
            entry,
            job.rows.frame.select(feature.name for feature in job.signature.features),
            _roles(job),
            job.signature,
            python=job.at.python,
            cwd=job.at.base,
            model_dir=model_dir,
            scratch=scratch,
            log=job.at.log,
        )
        _try(job, model_dir, scratch)
        job.cache.put_model(fit_digest, model_dir)
        job.at.progress(1, 1, entry.name)
        return Made(fit_digest, "sklearn", fits=1)


def _try(job: Job, model_dir: Path, scratch: Path) -> None:
    """Score some training rows as evaluation will, so that a model that cannot be scored is told at once.

    Raises:
        DataError: it does not load there, fails, has other classes, or gives no numbers.
    """
    signature, name = job.signature, "__row__"
    rows = job.rows.frame.head(TRIED).select(feature.name for feature in signature.features).with_row_index(name)
    scorer = Scorer(
        who="the new model",
        adapter=adapter_of("sklearn", "the new model"),
        signature=signature,
        model_dir=model_dir,
        python=job.at.python,
        logs=job.at.log.parent,
        made_here=True,
    )
    scorer.try_on(rows, id_column=name, folder=scratch)


def _entrypoint(job: Job) -> Entrypoint:
    section = job.train
    return Entrypoint(
        name=str(section.entrypoint),
        python_path=tuple(job.at.inside(folder, "train.python-path") for folder in section.python_path or (".",)),
        parameters=section.parameters,
        seed=section.seed,
        timeout=section.timeout,
        format=job.config.model.format,
        needs_probability=job.metric.name if job.metric.needs == "probability" else "",
    )


def _roles(job: Job) -> "pl.DataFrame":
    import polars as pl

    frame, columns = job.rows.frame, job.config.data.columns
    roles = {"target": pl.Series(job.target.labels), "weight": job.weight, "unit": unit_codes(frame, columns)[0]}
    table = pl.DataFrame({name: part for name, part in roles.items() if part is not None})
    return table if columns.group is None else table.with_columns(frame[columns.group].alias("group"))


def run(
    entrypoint: Entrypoint,
    features: "pl.DataFrame",
    roles: "pl.DataFrame",
    signature: Signature,
    *,
    python: Path,
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
        python: the interpreter of the process.
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
        "features": [[feature.name, feature.kind, feature.type] for feature in signature.features],
        "rows": str(rows),
        "roles": str(told),
        "model_dir": str(model_dir),
        "problem": str(scratch / "problem.json"),
    }
    with disk_errors(scratch):
        features.write_parquet(rows)
        roles.write_parquet(told)
        (scratch / "job.json").write_text(json.dumps(job), "utf-8")
    argv = [str(python), "-I", "-X", "utf8", "-m", CHILD, str(scratch / "job.json")]
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
            code="train/entrypoint-failed",
            hint=f"All of its output: {log}",
        )
    if problem["configuration"]:
        raise ConfigError(f"{WHAT}: {problem['message']}", code="train/entrypoint-configuration", hint=problem["hint"])
    where = _where(problem, (cwd, *entrypoint.python_path))
    raise DataError(
        f"{WHAT}: {where}{problem['message']}",
        code="train/entrypoint-failed",
        hint=problem["hint"] or f"All of its output: {log}",
    )


def _where(problem: Mapping[str, Any], roots: Sequence[Path]) -> str:
    if not problem["file"]:
        return ""
    file = Path(problem["file"])
    shown = next((file.relative_to(root.resolve()) for root in roots if file.is_relative_to(root.resolve())), file)
    return f"{shown}:{problem['line']}: "
