"""``modelyard test-set size``: the labelled rows that a series of decisions needs, before any is drawn."""

import json
from collections.abc import Mapping
from typing import cast

from modelyard.cli.flags import Command
from modelyard.core.errors import OK, ConfigError, nearest
from modelyard.stats.planning import Adaptivity, rows_needed

ACTIONS = ("size", "pass")
ADAPTIVITIES = ("none", "full")


def run(command: Command, given: Mapping[str, str], positional: list[str]) -> int:
    """Print the number of rows."""
    if positional[0] not in ACTIONS:
        hint = nearest(positional[0], ACTIONS)
        raise ConfigError(f"modelyard test-set has no action {positional[0][:40]!r}. {hint}".strip(),
                          hint=f"Example: {command.example}")  # fmt: skip
    if positional[0] == "pass":
        return _rows_to_pass(given)
    condition = given.get("condition", "")
    if not condition:
        raise ConfigError("--condition is missing", hint=f"Example: {command.example}")
    adaptivity = given.get("adaptivity", "full")
    if adaptivity not in ADAPTIVITIES:
        raise ConfigError(f"--adaptivity {adaptivity[:40]!r}", hint="Allowed: none or full.")
    disagreement = given.get("disagreement", "")
    size = rows_needed(
        condition,
        reliability=_number("reliability", given.get("reliability", "0.99")),
        steps=int(_number("steps", given.get("steps", "32"))),
        adaptivity=cast("Adaptivity", adaptivity),
        disagreement=_number("disagreement", disagreement) if disagreement else None,
    )
    print(json.dumps({"rows": size}) if given.get("json") == "true" else f"{size:,} labelled rows")
    return OK


def _rows_to_pass(given: Mapping[str, str]) -> int:
    from modelyard.stats.power import rows_to_pass

    for flag in ("margin", "disagreement"):
        if not given.get(flag):
            raise ConfigError(
                f"--{flag} is missing", hint="Example: modelyard test-set pass --margin 0.01 --disagreement 0.05"
            )
    margin, disagreement = (_number(flag, given[flag]) for flag in ("margin", "disagreement"))
    try:
        rows = rows_to_pass(margin, disagreement)
    except ValueError as error:
        raise ConfigError(f"--margin {margin:g} --disagreement {disagreement:g}: {error}") from error
    text = f"{rows:,} labelled rows: there a model exactly as good passes four times in five"
    print(json.dumps({"rows": rows}) if given.get("json") == "true" else text)
    return OK


def _number(flag: str, text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = float("nan")
    if not abs(found) < 1e9 or (flag == "steps" and found != int(found)):
        raise ConfigError(f"--{flag} {text[:40]!r} is no number here", hint="Write it as 0.99, or 32 for steps.")
    return found
