"""``modelyard config check`` and ``modelyard config schema``."""

import json
from collections.abc import Mapping

from modelyard.cli import formats
from modelyard.cli.flags import Command
from modelyard.cli.session import load_config, refuse_slips
from modelyard.config.schema import schema
from modelyard.core import terminal
from modelyard.core.errors import OK


def run(_command: Command, given: Mapping[str, str], positional: list[str]) -> int:
    """Check the configuration, or print its schema."""
    if positional[:1] == ["schema"]:
        terminal.data(json.dumps(schema(), indent=2))
        return OK
    from modelyard.training.candidates import problem_with

    root, loaded = load_config(given)
    task = loaded.config.model.task
    refuse_slips(root, loaded, lambda name: problem_with(name, task))
    line = f"{loaded.path.name}: no problem found ({loaded.digest[:19]}…)"
    formats.show_lines(given, [line], {"exit-code": OK, "config-digest": loaded.digest})
    return OK
