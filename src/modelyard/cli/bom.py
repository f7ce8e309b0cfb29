"""``modelyard bom v7``: a version's bill of materials as CycloneDX, printed or written to a file."""

import json
from collections.abc import Mapping
from pathlib import Path

from modelyard.cli.flags import Command
from modelyard.cli.session import open_context
from modelyard.core import terminal
from modelyard.core.errors import OK
from modelyard.core.files import write_atomic
from modelyard.usecases.bill_of_materials import bill_of_materials


def run(_command: Command, given: Mapping[str, str], positional: list[str]) -> int:
    """Print it, or write it to a file."""
    registry = open_context(given, quiet=True).versions.open()
    text = json.dumps(bill_of_materials(registry, positional[0]), indent=2, ensure_ascii=False)
    output = given.get("output", "")
    if output:
        write_atomic(Path.cwd() / output, f"{text}\n".encode())
    else:
        terminal.data(text)
    return OK
