"""``modelyard history``: what served when, who decided, why, and on what evidence."""

import json
from collections.abc import Mapping

from modelyard.cli.flags import Command
from modelyard.cli.open import open_context
from modelyard.errors import OK


def run(_command: Command, given: Mapping[str, str], _positional: list[str]) -> int:
    """Print the history, newest last."""
    context = open_context(given, quiet=True)
    entries = context.registry.history(context.config.registry.alias)
    if given.get("json") == "true":
        print(json.dumps([entry.model_dump(mode="json", by_alias=True) for entry in entries]))
        return OK
    if not entries:
        print(f"{context.config.model.name} has no history yet: nothing was promoted or adopted")
        return OK
    for entry in entries:
        evidence = entry.evidence if entry.evidence == "none" else entry.evidence[:19] + "…"
        moved = f"{entry.from_ or 'nothing'} → {entry.to}"
        why = entry.reason or "no reason given"
        print(f"{entry.at}  {entry.alias}  {moved:<13} {entry.kind:<11} {entry.actor}: {why} (evidence {evidence})")
    return OK
