"""Read a command line: flags from it before the environment's ``MODELYARD_*`` variables, and positional arguments."""

import math
from collections.abc import Mapping, Sequence

from modelyard.cli.flags import Argument, Command, Flag
from modelyard.core.errors import ConfigError, nearest

PREFIX = "MODELYARD_"
LARGEST = 10**9


def parse(command: Command, argv: Sequence[str], environ: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the flags by name, and the positional arguments.

    Raises:
        ConfigError: an unknown flag, a flag without its value or with one that it does not have, too many or too few
            arguments.
    """
    flags = {flag.name: flag for flag in command.flags}
    given = {name: value for name in flags if (value := environ.get(PREFIX + name.upper().replace("-", "_"), ""))}
    positional: list[str] = []
    waiting = list(argv)
    while waiting:
        argument = waiting.pop(0)
        if argument == "--":
            positional += waiting
            break
        if not argument.startswith("--"):
            positional.append(argument)
            continue
        name, equals, value = argument[2:].partition("=")
        flag = _known(command, flags, name)
        if flag.switch:
            given[name] = value if equals else "true"
        elif equals or (waiting and not waiting[0].startswith("--")):
            given[name] = value if equals else waiting.pop(0)
        else:
            raise _refusal(command, f"--{name} needs a value", "command/missing-value")
    for name, value in given.items():
        _check_choice(command, f"--{name}", value, flags[name].choices)
        _check_number(command, flags[name], value)
    _check_positional(command, positional)
    return given, positional


def _known(command: Command, flags: Mapping[str, Flag], name: str) -> Flag:
    if name not in flags:
        raise ConfigError(
            f"unknown flag --{name} of modelyard {command.name}",
            code="command/unknown-flag",
            hint=f"{nearest(name, flags)} `modelyard {command.name} --help` lists its flags.".strip(),
        )
    return flags[name]


def _check_choice(command: Command, name: str, value: str, choices: Sequence[str]) -> None:
    if choices and value not in choices:
        raise ConfigError(
            f"unknown value {value[:40]!r} for {name} of modelyard {command.name}",
            code="command/bad-value",
            hint=f"{nearest(value, choices)} Allowed: {', '.join(choices)}.".strip(),
        )


def _check_number(command: Command, flag: Flag, value: str) -> None:
    try:
        number = float(value) if flag.number == "real" else int(value) if flag.number else 1
    except ValueError:
        number = math.nan
    if not abs(number) < LARGEST or (flag.number == "whole" and number < 1):
        kind = f"{flag.number} number".removeprefix("real ")
        raise _refusal(command, f"--{flag.name} {value[:40]!r} is not a {kind}", "command/bad-value")


def _check_positional(command: Command, positional: Sequence[str]) -> None:
    required: list[Argument] = [argument for argument in command.arguments if not argument.optional]
    if len(positional) < len(required):
        missing = required[len(positional)].name
        raise _refusal(command, f"modelyard {command.name} needs {missing}", "command/missing-argument")
    if len(positional) > len(command.arguments):
        extra = positional[len(command.arguments)][:60]
        raise _refusal(command, f"unexpected argument {extra!r} of modelyard {command.name}", "command/extra-argument")
    for argument, value in zip(command.arguments, positional, strict=False):
        _check_choice(command, argument.name, value, argument.choices)


def _refusal(command: Command, message: str, code: str) -> ConfigError:
    return ConfigError(message, code=code, hint=f"Example: {command.example}")
