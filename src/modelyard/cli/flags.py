"""Flags of a command: declared as data, so that help costs nothing and documentation can be generated."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Flag:
    """One ``--flag``; a switch takes no value. ``many`` flags may be given more than once."""

    name: str
    help: str
    default: str = ""
    switch: bool = False


@dataclass(frozen=True)
class Command:
    """A command as the help shows it; ``positional`` names its arguments, ``…?`` where they may be left out."""

    name: str
    summary: str
    example: str
    module: str
    flags: tuple[Flag, ...] = ()
    positional: tuple[tuple[str, str], ...] = ()


COMMON = (
    Flag("config", "path of the configuration", "modelyard.yml"),
    Flag("run-dir", "run folder, where records and reports are written; relative to the workspace", "modelyard-run"),
    Flag("registry", "registry to use instead of the configuration's: local, github or mlflow"),
)
