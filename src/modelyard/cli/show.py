"""``modelyard show v7``: what a version is, from what it carries; a removed one still has its manifest and history."""

from collections.abc import Mapping

from modelyard.cli import formats
from modelyard.cli.flags import Command
from modelyard.cli.session import open_context
from modelyard.cli.views import version
from modelyard.core.errors import OK
from modelyard.usecases.describe_version import describe


def run(_command: Command, given: Mapping[str, str], positional: list[str]) -> int:
    """Show a version."""
    form = formats.chosen(given)
    registry = open_context(given, quiet=True).versions.open()
    facts = describe(registry, positional[0])
    formats.show(
        form,
        f"{facts.name} of {registry.model}",
        version.blocks(facts, packages=given.get("all") == "true" or form != "text"),
        version.data(facts),
    )
    return OK
