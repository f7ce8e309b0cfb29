"""``modelyard history``: what served when, who decided, why, and on what evidence."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from modelyard.cli import formats
from modelyard.cli.flags import Command
from modelyard.cli.session import open_context
from modelyard.cli.views import history as view
from modelyard.core import terminal
from modelyard.core.errors import OK, ConfigError
from modelyard.usecases.history import moves, served_on

EVERY = "every"


def run(_command: Command, given: Mapping[str, str], _positional: list[str]) -> int:
    """Print the history, newest last, or what served at a moment."""
    form = formats.chosen(given)
    context = open_context(given, quiet=True)
    registry, own = context.versions.open(), context.config.registry.alias
    alias, moment = given.get("alias", own), given.get("on", "")
    if moment:
        if alias == EVERY:
            raise ConfigError(
                "--on asks about one alias",
                code="command/bad-value",
                hint="Example: modelyard history --alias champion --on 2026-05-03",
            )
        service = served_on(registry, alias, moment, datetime.now(UTC))
        title = view.service_title(service, registry.model, moment)
        formats.show(form, title, view.service(service), view.service_data(service, moment))
        return OK
    newest = int(given["newest"]) if "newest" in given else None
    entries = moves(registry, None if alias == EVERY else alias, newest=newest)
    if form == "json":
        terminal.data(json.dumps([entry.model_dump(mode="json", by_alias=True) for entry in entries]))
    elif entries:
        formats.show(form, f"History of {registry.model}", [view.moves(entries)], {})
    else:
        what = registry.model if alias in (EVERY, own) else f"{alias} of {registry.model}"
        terminal.put(f"{what} has no history yet: nothing was promoted or adopted")
    return OK
