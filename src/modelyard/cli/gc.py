"""``modelyard gc``: what in the registry nothing needs any more; shown, and removed where asked."""

from collections.abc import Mapping
from datetime import UTC, datetime

from modelyard.cli import formats
from modelyard.cli.flags import Command
from modelyard.cli.session import open_context
from modelyard.cli.views import garbage
from modelyard.core.errors import OK
from modelyard.registry.retention import Policy
from modelyard.steps.promote.pull_request import proposed
from modelyard.usecases.collect_garbage import collect, plan_collection


def run(_command: Command, given: Mapping[str, str], _positional: list[str]) -> int:
    """Show what would go, or remove it."""
    context = open_context(given, quiet=True)
    keep = context.config.registry.keep
    collection = plan_collection(
        context.versions.open(), Policy(keep.versions, keep.days), datetime.now(UTC), proposed(context)
    )
    if given.get("apply") == "true":
        collection = collect(context.versions.open(), collection, actor=context.actor, command=garbage.APPLY)
    formats.show_lines(given, garbage.lines(collection), garbage.data(collection))
    return OK
