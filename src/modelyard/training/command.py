"""Training by a command of the user's: any script, any framework, in an environment of its own if it names one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from modelyard.core import processes
from modelyard.core.errors import DataError
from modelyard.core.files import disk_errors, inside
from modelyard.models import environment, store

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
    path_first = None
    if command.lock is not None:
        path_first = environment.python_for_lock(command.lock, cache=command.environments).parent
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
            hint="Let the script write it in every run, or remove the key.",
        )
    return read_metrics(fresh[0])


def read_metrics(path: Path) -> dict[str, Scalar]:
    """The scalars of a metrics file, one level flattened as ``outer.inner``; lists and deeper levels are left out.

    Raises:
        DataError: not a JSON object, a NaN or an infinity, or too many of them.
    """
    what = f"train.metrics: {path.name}"
    try:
        found = json.loads(path.read_text("utf-8"), parse_constant=_refuse_constant)
    except (OSError, ValueError) as error:
        raise DataError(f"{what} is not readable JSON: {error}", hint="Write a JSON object of numbers.") from error
    if not isinstance(found, dict):
        raise DataError(f"{what} holds no JSON object", hint="Write a JSON object of numbers.")
    flat: dict[str, Scalar] = {}
    for name, value in found.items():
        inner: dict[str, Any] = (
            {f"{name}.{key}": part for key, part in value.items()} if isinstance(value, dict) else {}
        )
        for key, part in (inner or {name: value}).items():
            if isinstance(part, float) and not isfinite(part):
                raise DataError(f"{what}: {key} is not a finite number")
            if part is None or isinstance(part, bool | int | float):
                flat[key] = part
            elif isinstance(part, str):
                flat[key] = part[:200]
    if len(flat) > _MOST_METRICS:
        raise DataError(f"{what} holds {len(flat):,} values, at most {_MOST_METRICS} can be shown")
    return flat


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number that JSON knows")
