"""``modelyard lock``: the pins of the user and of modelyard in one hashed file, for an action's environment."""

from collections.abc import Mapping
from pathlib import Path

from modelyard.cli.flags import Command
from modelyard.cli.session import load_config
from modelyard.core import files
from modelyard.core.errors import OK
from modelyard.models.locking import compile_lock


def run(_command: Command, given: Mapping[str, str], _positional: list[str]) -> int:
    """Write the lock where the configuration or the input names pins; else write nothing."""
    root, loaded = load_config(given)
    named = given.get("requirements") or loaded.config.requirements
    if named:
        path = files.inside(root, loaded.path.parent / named, what="requirements")
        extra = given.get("extra", "")
        text = compile_lock(path, uv=Path(given["uv"]), python=Path(given["python"]), extra=extra)
        Path(given["output"]).write_bytes(text.encode())
    return OK
