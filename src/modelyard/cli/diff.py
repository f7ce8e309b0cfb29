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
    context = open_context(given, quiet=True)
    registry = context.versions.open()
    compared = compare(registry, positional[0], positional[1], context.run_dir)
    title = f"{compared.old.name} and {compared.new.name} of {registry.model}"
    formats.show(form, title, comparison.blocks(compared), comparison.data(compared))
    return OK
