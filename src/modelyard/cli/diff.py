"""``modelyard diff v7 v8``: what differs between two versions, from what they carry."""

from collections.abc import Mapping

from modelyard.cli import formats
from modelyard.cli.flags import Command
from modelyard.cli.session import open_context
from modelyard.cli.views import comparison
from modelyard.core.errors import OK
from modelyard.usecases.compare_versions import compare


def run(_command: Command, given: Mapping[str, str], positional: list[str]) -> int:
    """Show what differs."""
    form = formats.chosen(given)
    registry = open_context(given, quiet=True).versions.open()
    compared = compare(registry, *positional)
    title = f"{compared.old.name} and {compared.new.name} of {registry.model}"
    formats.show(form, title, comparison.blocks(compared), comparison.data(compared))
    return OK
