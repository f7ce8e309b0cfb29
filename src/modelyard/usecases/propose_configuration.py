"""Propose a commented modelyard.yml from the data and the repository, and try it; nothing is overwritten."""

from pathlib import Path
from typing import get_args

from modelyard.config.discovery import look
from modelyard.config.roles import NOTHING_ASKED, Asked
from modelyard.core.errors import ConfigError, nearest
from modelyard.core.files import write_atomic
from modelyard.core.vocabulary import Task
from modelyard.data.outline import outline
from modelyard.usecases.try_proposal import Tried, try_until_it_runs


def propose_configuration(path: Path, asked: Asked = NOTHING_ASKED) -> Tried:
    """Write a proposal that runs for the repository in the file's folder.

    Args:
        path: where to write.
        asked: what the user said of the columns.

    Returns:
        What is written, what was tried and did not work, and a line for each guess.

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
    tried = try_until_it_runs(root, look(root, outline), asked)
    write_atomic(path, tried.text.encode())
    return tried
