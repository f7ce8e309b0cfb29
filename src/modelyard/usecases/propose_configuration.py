"""Propose a commented modelyard.yml from the data and the repository, and try it; nothing is overwritten."""

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from modelyard.config.scaffold import Asked, look
from modelyard.core.errors import ConfigError, nearest
from modelyard.core.files import write_atomic
from modelyard.core.vocabulary import Task
from modelyard.data import reading
from modelyard.usecases.try_proposal import try_until_it_runs

NOTHING_ASKED = Asked()


def propose_configuration(path: Path, asked: Asked = NOTHING_ASKED) -> tuple[str, ...]:
    """Write a proposal that runs for the repository in the file's folder.

    Args:
        path: where to write.
        asked: what the user said of the columns.

    Returns:
        What was tried and did not work, and what is written instead.

    Raises:
        ConfigError: the file exists, nothing is found to start from, or what was asked for is not there.
        DataError: what a run would stop at, where no other guess helps.
        PlatformError: the disk would not take it.
    """
    if path.exists():
        raise ConfigError(
            f"{path.name} exists already, and nothing is overwritten",
            code="config/exists",
            hint="Move it away first, or write elsewhere: modelyard init --config other.yml",
        )
    if asked.task and asked.task not in get_args(Task):
        raise ConfigError(
            f"--task: unknown task {asked.task!r}",
            code="config/unknown-task",
            hint=nearest(asked.task, get_args(Task)) or f"Tasks are {', '.join(get_args(Task))}.",
        )
    root = path.parent.resolve()
    tried = try_until_it_runs(root, look(root, columns), asked)
    write_atomic(path, tried.text.encode())
    return tried.notes


def columns(path: Path) -> Sequence[tuple[str, str, int, int, int]]:
    """Return name, type, distinct and missing values and rows of each column of a data file, and no value."""
    frame = reading.read((path,))
    return [
        (each.name, str(each.dtype), each.n_unique(), each.null_count(), len(frame)) for each in frame.get_columns()
    ]
