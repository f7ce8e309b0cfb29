"""Propose a commented modelyard.yml from the data and the repository; nothing is overwritten."""

from collections.abc import Sequence
from pathlib import Path

from modelyard.config.scaffold import look, propose
from modelyard.core.errors import ConfigError
from modelyard.core.files import write_atomic
from modelyard.data import reading


def propose_configuration(path: Path) -> None:
    """Write the proposal for the repository in the file's folder.

    Raises:
        ConfigError: the file exists, or nothing is found to start from.
        PlatformError: the disk would not take it.
    """
    if path.exists():
        raise ConfigError(
            f"{path.name} exists already, and nothing is overwritten",
            code="config/exists",
            hint="Move it away first, or write elsewhere: modelyard init --config other.yml",
        )
    root = path.parent.resolve()
    write_atomic(path, propose(root, look(root, columns)).encode())


def columns(path: Path) -> Sequence[tuple[str, str, int, int]]:
    """Return name, type, distinct and missing values of each column of a data file, and no value."""
    frame = reading.read((path,))
    return [(each.name, str(each.dtype), each.n_unique(), each.null_count()) for each in frame.get_columns()]
