"""``modelyard gates suggest``: margins that this test set can resolve, before anybody has seen it judge."""

from collections.abc import Mapping
from dataclasses import asdict

from modelyard.cli import formats
from modelyard.cli.flags import Command
from modelyard.cli.session import open_context
from modelyard.cli.views import margins
from modelyard.core.errors import OK
from modelyard.usecases.suggest_gates import suggest_gates


def run(_command: Command, given: Mapping[str, str], _positional: list[str]) -> int:
    """Print them; nothing is written."""
    suggestion = suggest_gates(open_context(given, quiet=True).records.find("train"))
    formats.show_lines(given, margins.lines(suggestion), asdict(suggestion))
    return OK
