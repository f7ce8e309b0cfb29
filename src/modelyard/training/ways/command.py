"""Training by a command of the user's: any script, any framework, in an environment of its own if it names one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from modelyard.config.configuration import Config
from modelyard.config.sections.data import Columns
from modelyard.core import processes
from modelyard.core.errors import DataError
from modelyard.core.files import disk_errors, inside, sha256_file
from modelyard.models import environment, store
from modelyard.training.candidates import PlaceOf
from modelyard.training.job import Job, Made
from modelyard.training.signature import Features, command_features
from modelyard.training.way import Way
from modelyard.training.ways import script

if TYPE_CHECKING:
    import polars as pl

WHAT = "train.command"
_MOST_METRICS = 200
Scalar = bool | int | float | str | None


@dataclass(frozen=True)
class Command:
    """A training command and where it runs.

    Attributes:
        template: with {train}, {test}, {model_dir} and {seed}.
        seed: what {seed} stands for.
        timeout: the longest it may take.
        cwd: the folder it runs in, that of the configuration.
        root: the workspace, which its metrics file may not leave.
        metrics: the metrics file that it writes, relative to ``cwd`` or to the model folder.
        lock: requirements file of an environment of its own.
        environments: folder in which such environments are built and reused.
    """

    template: str
    seed: int
    timeout: str
    cwd: Path
    root: Path
    metrics: str | None
    lock: Path | None
    environments: Path

    def path_first(self) -> Path | None:
        """Return the folder of programs of its own environment, which is built where it is not there."""
        return None if self.lock is None else environment.python_for_lock(self.lock, cache=self.environments).parent


class CommandWay(Way):
    """``train.command``: a command that writes model files."""

    name = "command"

    def is_configured(self, config: Config) -> bool:
        """Return whether a command is named."""
        return config.train is not None and config.train.command is not None

    def check(self, config: Config, place: PlaceOf) -> None:
        """Refuse a model that the script leaves somewhere and that nothing here scores."""
        super().check(config, place)
        named = config.train.model if config.train else None
        problem = named and script.check(config, named)
        if problem:
            problem.place = place(("train", "model"))
            raise problem

    def features(self, frame: "pl.DataFrame", columns: Columns) -> Features:
        """Return the columns as they stand, times, groups and units included."""
        return command_features(frame, columns)

    def run(self, job: Job, model_dir: Path, scratch: Path) -> Made:
        """Run the command on all training rows, unless it was run with equal ones before."""
        command, rows, at = _command(job), job.rows, job.at
        if job.train.model is not None:
            return script.run(job, command, model_dir, scratch, at.log)
        fit_digest = job.fit_digest(
            "command",
            command=command.template,
            metrics=command.metrics,
            lock=sha256_file(command.lock) if command.lock is not None and command.lock.is_file() else None,
            test=rows.test_digest if "{test}" in command.template else None,
            suffix=rows.suffix,
        )
        facts = job.from_cache(fit_digest, model_dir)
        if facts is not None:
            return Made(fit_digest, "command", from_cache=1, own_metrics=facts)
        columns = job.config.data.columns
        hidden = {*columns.protected, *columns.drop}
        at.progress(0, 1, command.template)
        facts = run(
            command,
            rows.frame.drop(hidden, strict=False),
            None if rows.test is None else rows.test.drop(hidden, strict=False),
            suffix=rows.suffix,
            model_dir=model_dir,
            scratch=scratch,
            log=at.log,
        )
        job.cache.put_model(fit_digest, model_dir, facts)
        at.progress(1, 1, command.template)
        return Made(fit_digest, "command", fits=1, own_metrics=facts)


def _command(job: Job) -> Command:
    section, at = job.train, job.at
    return Command(
        template=str(section.command),
        seed=section.seed,
        timeout=section.timeout,
        cwd=at.base,
        root=at.root,
        metrics=section.metrics,
        lock=None if section.environment is None else at.inside(section.environment, "train.environment"),
        environments=at.environments,
    )


def run(
    command: Command,
    train: "pl.DataFrame",
    test: "pl.DataFrame | None",
    *,
    suffix: Literal[".csv", ".parquet"],
    model_dir: Path,
    scratch: Path,
    log: Path,
) -> dict[str, Scalar]:
    """Run the command on the training rows; returns the metrics that it wrote itself.

    Args:
        command: what to run.
        train: the training rows with the target.
        test: the test rows, written only where the command asks for {test}.
        suffix: the format of the rows, that of the source.
        model_dir: an empty folder for the model.
        scratch: an empty folder for the rows.
        log: where its output goes.

    Raises:
        ConfigError: the template, the limit or the lock cannot be used.
        DataError: it failed, hung, wrote no model, or wrote metrics that are none.
        PlatformError: its environment could not be built.
    """
    values = {"train": str(scratch / f"train{suffix}"), "model_dir": str(model_dir), "seed": str(command.seed)}
    if test is not None:
        values["test"] = str(scratch / f"test{suffix}")
    processes.arguments(command.template, values, what=WHAT)  # a mistake in it is said before anything is written
    path_first = command.path_first()
    _write(train, Path(values["train"]))
    if test is not None and "{test}" in command.template:
        _write(test, Path(values["test"]))
    before = _stamp(command, model_dir)
    processes.run_command(
        command.template, values, cwd=command.cwd, timeout=command.timeout, environment_path=path_first, log=log,
        what=WHAT,
    )  # fmt: skip
    if not any(path.is_file() for path in model_dir.rglob("*")):
        raise DataError(
            f"{WHAT} ended well but wrote nothing into {{model_dir}}",
            code="train/no-model",
            hint=f"Its model files must go into that folder. All of its output: {log}",
        )
    store.manifest(model_dir)
    return {} if command.metrics is None else _metrics(command, model_dir, before)


def _write(frame: "pl.DataFrame", path: Path) -> None:
    with disk_errors(path):
        if path.suffix == ".csv":
            frame.write_csv(path)
        else:
            frame.write_parquet(path)


def _metrics_paths(command: Command, model_dir: Path) -> list[Path]:
    if command.metrics is None:
        return []
    return [inside(command.root, command.cwd / command.metrics, what="train.metrics"), model_dir / command.metrics]


def _stamp(command: Command, model_dir: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in _metrics_paths(command, model_dir) if path.is_file()}


def _metrics(command: Command, model_dir: Path, before: Mapping[Path, int]) -> dict[str, Scalar]:
    paths = [path for path in _metrics_paths(command, model_dir) if path.is_file()]
    fresh = [path for path in paths if before.get(path) != path.stat().st_mtime_ns]
    if not fresh:
        what = "left the old one as it was" if paths else "did not write it"
        raise DataError(
            f"train.metrics: {command.metrics} was expected from the command, which {what}",
            code="train/no-metrics",
            hint="Let the script write it in every run, or remove the key.",
        )
    return read_metrics(fresh[0])


def read_metrics(path: Path) -> dict[str, Scalar]:
    """Return the scalars of a metrics file, one level flattened as ``outer.inner``; deeper ones are left out.

    Raises:
        DataError: not a JSON object, a NaN or an infinity, or too many of them.
    """
    what = f"train.metrics: {path.name}"
    try:
        found = json.loads(path.read_text("utf-8"), parse_constant=_refuse_constant)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{what} is not readable JSON: {error}", code="train/metrics-file", hint="Write a JSON object of numbers."
        ) from error
    if not isinstance(found, dict):
        raise DataError(
            f"{what} holds no JSON object", code="train/metrics-file", hint="Write a JSON object of numbers."
        )
    flat: dict[str, Scalar] = {}
    for name, value in found.items():
        inner: dict[str, Any] = (
            {f"{name}.{key}": part for key, part in value.items()} if isinstance(value, dict) else {}
        )
        for key, part in (inner or {name: value}).items():
            if isinstance(part, float) and not isfinite(part):
                raise DataError(f"{what}: {key} is not a finite number", code="train/metrics-file")
            if part is None or isinstance(part, bool | int | float):
                flat[key] = part
            elif isinstance(part, str):
                flat[key] = part[:200]
    if len(flat) > _MOST_METRICS:
        raise DataError(
            f"{what} holds {len(flat):,} values, at most {_MOST_METRICS} can be shown", code="train/metrics-file"
        )
    return flat


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number that JSON knows")
