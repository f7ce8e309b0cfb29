"""``modelyard models``: which models of this repository a change affects, as a matrix of jobs."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from modelyard.cli import runner
from modelyard.cli.flags import Command
from modelyard.cli.session import workspace
from modelyard.core import terminal
from modelyard.core.errors import OK
from modelyard.github.event import Event, read_event
from modelyard.policy.in_force import base_commit
from modelyard.report.escape import code
from modelyard.usecases import affected_models
from modelyard.usecases.affected_models import Affected, Model
from modelyard.vcs import commits

SHOWN = 3
"""Files that are named for each model."""


def run(_command: Command, given: Mapping[str, str], _positional: list[str]) -> int:
    """Say which models are affected; returns the exit code."""
    root = workspace(Path.cwd())
    event = read_event(os.environ)
    known = affected_models.models(root)
    base = _base(root, event, given.get("base", ""))
    changed = None if base is None else [path for _, path in commits.changed_since(root, base)]
    found = affected_models.affected(known, changed)
    matrix = affected_models.matrix(found)
    names = [each.model.name for each in found]
    runner.outputs({"matrix": json.dumps(matrix), "models": json.dumps(names), "count": len(found)})
    runner.summary("\n".join(_markdown(known, found, base)))
    if given.get("json") == "true":
        terminal.put(json.dumps({"models": names, "matrix": matrix, "base": base}))
    else:
        terminal.put("\n".join(_lines(known, found, base)))
    return OK


def _base(root: Path, event: Event | None, reference: str) -> str | None:
    """Return the commit that the change is seen from; None where every model is to be looked at."""
    if event is not None and event.name == "push":
        before = event.before or ""
        return before if before.strip("0") and commits.resolve(root, before) else None
    return base_commit(root, event, reference)


def _why(each: Affected) -> tuple[Sequence[str], int]:
    return each.because[:SHOWN], len(each.because) - SHOWN


def _headline(known: Sequence[Model], found: Sequence[Affected], base: str | None) -> str:
    since = f"since {base[:12]}" if base else "what changed is not known here, so all of them are looked at"
    return f"{len(found)} of {len(known)} models affected: {since}"


def _lines(known: Sequence[Model], found: Sequence[Affected], base: str | None) -> list[str]:
    lines = [_headline(known, found, base)]
    for each in found:
        shown, more = _why(each)
        because = f": {', '.join(shown)}{f' and {more} more' if more > 0 else ''}" if shown else ""
        lines.append(f"  {each.model.name} ({each.model.config}){because}")
    return lines


def _markdown(known: Sequence[Model], found: Sequence[Affected], base: str | None) -> list[str]:
    lines = [_headline(known, found, base), "", "| model | because |", "|---|---|"]
    for each in found:
        shown, more = _why(each)
        because = ", ".join(code(path, in_table=True) for path in shown) + (f" and {more} more" if more > 0 else "")
        lines.append(f"| {code(each.model.name, in_table=True)} | {because} |")
    return lines if found else lines[:1]
