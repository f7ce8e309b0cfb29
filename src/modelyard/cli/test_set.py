"""``modelyard test-set``: the labelled rows that a series of decisions, or one gate, needs before any is drawn."""

from collections.abc import Mapping
from typing import cast

from modelyard.cli import formats
from modelyard.cli.flags import Command
from modelyard.core.errors import OK, ConfigError
from modelyard.stats.planning import Adaptivity
from modelyard.usecases.plan_test_set import rows_needed, rows_to_pass


def run(command: Command, given: Mapping[str, str], positional: list[str]) -> int:
    """Print the number of rows."""
    if positional == ["pass"]:
        example = "modelyard test-set pass --margin 0.01 --disagreement 0.05"
        margin, disagreement = (float(_required(given, flag, example)) for flag in ("margin", "disagreement"))
        rows, note = rows_to_pass(margin, disagreement), ": there a model exactly as good passes four times in five"
    else:
        rows, note = _size(command, given), ""
    formats.show_lines(given, [f"{rows:,} labelled rows{note}"], {"rows": rows})
    return OK


def _size(command: Command, given: Mapping[str, str]) -> int:
    bound = given.get("disagreement")
    return rows_needed(
        _required(given, "condition", command.example),
        reliability=float(given.get("reliability", "0.99")),
        steps=int(given.get("steps", "32")),
        adaptivity=cast("Adaptivity", given.get("adaptivity", "full")),
        disagreement=None if bound is None else float(bound),
    )


def _required(given: Mapping[str, str], flag: str, example: str) -> str:
    if flag not in given:
        raise ConfigError(f"--{flag} is missing", code="command/missing-flag", hint=f"Example: {example}")
    return given[flag]
