"""``modelyard test-set``: the labelled rows that a series of decisions, or one gate, needs before any is drawn."""

from collections.abc import Mapping
from typing import cast

from modelyard.cli import formats
from modelyard.cli.flags import Command
from modelyard.core.errors import OK, ConfigError
from modelyard.stats.planning import Adaptivity
from modelyard.usecases.plan_test_set import rows_needed, rows_to_pass

_EXAMPLE = "modelyard test-set pass --margin 0.01 --disagreement 0.05"


def run(command: Command, given: Mapping[str, str], positional: list[str]) -> int:
    """Print the number of rows."""
    rows, text = _to_pass(given) if positional[0] == "pass" else _size(command, given)
    formats.show_lines(given, [text], {"rows": rows})
    return OK


def _size(command: Command, given: Mapping[str, str]) -> tuple[int, str]:
    disagreement = given.get("disagreement", "")
    rows = rows_needed(
        _required(given, "condition", command.example),
        reliability=_number("reliability", given.get("reliability", "0.99")),
        steps=int(_number("steps", given.get("steps", "32"))),
        adaptivity=cast("Adaptivity", given.get("adaptivity", "full")),
        disagreement=_number("disagreement", disagreement) if disagreement else None,
    )
    return rows, f"{rows:,} labelled rows"


def _to_pass(given: Mapping[str, str]) -> tuple[int, str]:
    margin, disagreement = (_number(flag, _required(given, flag, _EXAMPLE)) for flag in ("margin", "disagreement"))
    rows = rows_to_pass(margin, disagreement)
    return rows, f"{rows:,} labelled rows: there a model exactly as good passes four times in five"


def _required(given: Mapping[str, str], flag: str, example: str) -> str:
    if not given.get(flag):
        raise ConfigError(f"--{flag} is missing", code="command/missing-flag", hint=f"Example: {example}")
    return given[flag]


def _number(flag: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not abs(number) < 1e9 or (flag == "steps" and number != int(number)):
        raise ConfigError(
            f"--{flag} {text[:40]!r} is not a number",
            code="command/bad-value",
            hint="Write it as 0.99, or 32 for steps.",
        )
    return number
