"""``modelyard config check`` and ``modelyard config schema``."""

import json
from collections.abc import Mapping

from modelyard.cli.flags import Command
from modelyard.cli.session import load_config, refuse_slips
from modelyard.config.schema import schema
from modelyard.core.errors import OK, ConfigError, nearest


def run(command: Command, given: Mapping[str, str], positional: list[str]) -> int:
    """Check the configuration, or print its schema."""
    action = positional[0]
    if action == "schema":
        print(json.dumps(schema(), indent=2))
        return OK
    if action != "check":
        hint = nearest(action, ["check", "schema"])
        raise ConfigError(
            f"modelyard config has no action {action!r}. {hint}".strip(), hint=f"Example: {command.example}"
        )
    from modelyard.training.candidates import problem_with

    root, loaded = load_config(given)
    task = loaded.config.model.task
    refuse_slips(root, loaded, lambda name: problem_with(name, task))
    if given.get("json") == "true":
        print(json.dumps({"exit-code": OK, "config-digest": loaded.digest}))
    else:
        print(f"{loaded.path.name}: no problem found ({loaded.digest[:19]}…)")
    return OK
