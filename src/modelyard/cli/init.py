"""``modelyard init``: a commented modelyard.yml from a look at the data and the repository; nothing is overwritten."""

from collections.abc import Mapping
from pathlib import Path

from modelyard.cli.flags import Command
from modelyard.config.roles import Asked
from modelyard.core import terminal
from modelyard.core.errors import OK
from modelyard.usecases.propose_configuration import propose_configuration


def run(_command: Command, given: Mapping[str, str], _positional: list[str]) -> int:
    """Look, and write the proposal."""
    path = Path.cwd() / given.get("config", "modelyard.yml")
    target, task, time, group = (given.get(name, "") for name in ("target", "task", "time", "group"))
    asked = Asked(target, task, time, group)
    proposed = propose_configuration(path, asked)
    for line in (*(f"tried: {note}" for note in proposed.notes), *proposed.guesses):
        terminal.put(line)
    terminal.put(
        f"wrote {path.name}, tried on the data; guesses are marked. Next: modelyard config check, then modelyard run"
    )
    return OK
