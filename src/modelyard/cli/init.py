"""``modelyard init``: a commented modelyard.yml from a look at the data and the repository; nothing is overwritten."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from modelyard.cli.flags import Command
from modelyard.config.scaffold import look, propose
from modelyard.core.errors import OK, ConfigError
from modelyard.core.files import write_atomic
from modelyard.data import sources


def run(_command: Command, given: Mapping[str, str], _positional: list[str]) -> int:
    """Look, and write the proposal."""
    path = Path.cwd() / given.get("config", "modelyard.yml")
    if path.exists():
        raise ConfigError(
            f"{path.name} exists already, and nothing is overwritten",
            hint="Move it away first, or write elsewhere: modelyard init --config other.yml",
        )
    root = path.parent.resolve()
    write_atomic(path, propose(root, look(root, peek)).encode())
    print(f"wrote {path.name}; every guess in it is marked. Next: modelyard config check, then modelyard run")
    return OK


def peek(path: Path) -> Sequence[tuple[str, str, int, int]]:
    """Name, type, distinct and missing values of each column of a data file; no value leaves this function."""
    frame = sources.read((path,))
    return [(each.name, str(each.dtype), each.n_unique(), each.null_count()) for each in frame.get_columns()]
