"""``modelyard init``: a commented modelyard.yml from a look at the data, and workflows with the repository's names."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from modelyard.cli.flags import Command
from modelyard.cli.session import workspace
from modelyard.config.roles import Asked
from modelyard.core import terminal
from modelyard.core.errors import OK
from modelyard.usecases.propose_configuration import propose_configuration


def run(_command: Command, given: Mapping[str, str], _positional: list[str]) -> int:
    """Look, and write the proposal; with ``--workflows`` the templates, and the proposal where there is none."""
    path = Path.cwd() / given.get("config", "modelyard.yml")
    with_workflows = given.get("workflows") == "true"
    if not with_workflows or not path.exists():
        _propose(path, given)
    if with_workflows:
        asked = [name.strip() for name in given.get("templates", "").split(",") if name.strip()]
        _write_workflows(path, asked, force=given.get("force") == "true")
    return OK


def _propose(path: Path, given: Mapping[str, str]) -> None:
    target, task, time, group = (given.get(name, "") for name in ("target", "task", "time", "group"))
    asked = Asked(target, task, time, group)
    proposed = propose_configuration(path, asked)
    for line in (*(f"tried: {note}" for note in proposed.notes), *proposed.guesses):
        terminal.put(line)
    terminal.put(
        f"wrote {path.name}, tried on the data; guesses are marked. Next: modelyard config check, then modelyard run"
    )


def _write_workflows(path: Path, asked: Sequence[str], *, force: bool) -> None:
    from modelyard.usecases.propose_workflows import propose_workflows

    root = workspace(path.parent)
    written = propose_workflows(root, path, force=force, asked=asked)
    for file in written:
        terminal.put(f"wrote {file}")
    terminal.put(
        "Next: modelyard doctor, then commit them" if written else "the workflows are there, and say this already"
    )
