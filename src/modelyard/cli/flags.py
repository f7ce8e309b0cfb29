"""What a command takes, declared as data, so that help costs nothing and documentation can be generated."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Flag:
    """One ``--flag``; a switch has no value, and ``choices`` are all the values that others have."""

    name: str
    help: str
    default: str = ""
    switch: bool = False
    choices: tuple[str, ...] = ()
    number: Literal["", "whole", "real"] = ""
    """What its value must be read as; a whole number is at least 1."""


@dataclass(frozen=True)
class Argument:
    """A positional argument."""

    name: str
    help: str
    choices: tuple[str, ...] = ()
    optional: bool = False


@dataclass(frozen=True)
class Command:
    """A command as the help shows it; ``module`` has its ``run(command, given, positional) -> exit code``."""

    name: str
    summary: str
    example: str
    module: str
    flags: tuple[Flag, ...] = ()
    arguments: tuple[Argument, ...] = ()
    group: str = "pipeline"
    """Under which head of the help it stands: a key of ``commands.GROUPS``."""


COMMON = (
    Flag("config", "path of the configuration", "modelyard.yml"),
    Flag("run-dir", "run folder, where records and reports are written; relative to the workspace", "modelyard-run"),
    Flag("registry", "registry to use instead of the configuration's: local, github or mlflow"),
)
