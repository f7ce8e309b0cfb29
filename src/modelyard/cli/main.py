"""The front door: finds the command, hands it its arguments, and is the only catcher of errors."""

import importlib
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

from modelyard import __version__
from modelyard.cli.commands import COMMANDS, INTERNAL_COMMANDS
from modelyard.cli.flags import Command
from modelyard.core.errors import INTERNAL, INTERRUPTED, OK, ConfigError, ModelyardError, nearest

PREFIX = "MODELYARD_"


def entry() -> NoReturn:
    """The ``modelyard`` command."""
    # What a cancelled job is sent, seconds after SIGINT: it ends as Ctrl-C does, with nothing half-written.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main(sys.argv[1:]))


def main(argv: Sequence[str]) -> int:
    """Run one command line; returns the exit code. Every error ends here."""
    as_json = "--json" in argv
    in_actions = os.environ.get("GITHUB_ACTIONS") == "true"
    if in_actions:
        _quieten()
    try:
        return _dispatch(list(argv), os.environ)
    except ModelyardError as error:
        _print_error(error, as_json=as_json)
        if in_actions:
            _tell_runner(error.exit_code, error)
        return error.exit_code
    except KeyboardInterrupt:
        print("\nmodelyard: interrupted; what was finished is kept, and nothing half-written remains", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except Exception:
        import traceback

        traceback.print_exc()
        print("\nmodelyard: this is a fault of ours; please report it with the lines above", file=sys.stderr)
        if in_actions:
            _tell_runner(INTERNAL, None)
        return INTERNAL


def _dispatch(argv: list[str], environ: Mapping[str, str]) -> int:
    if not argv or argv[0] in ("-h", "--help", "help"):
        if len(argv) > 1 and argv[1] in COMMANDS:
            print(command_help(COMMANDS[argv[1]]))
        else:
            print(overview())
        return OK
    if argv[0] in ("-V", "--version"):
        print(f"modelyard {__version__}")
        return OK
    name, rest = argv[0], argv[1:]
    command = COMMANDS.get(name) or INTERNAL_COMMANDS.get(name)
    if command is None:
        raise ConfigError(
            f"there is no command {name!r}. {nearest(name, COMMANDS)}".strip(),
            hint="`modelyard --help` lists them all.",
        )
    if any(argument in ("-h", "--help") for argument in rest):
        print(command_help(command))
        return OK
    given, positional = parse(command, rest, environ)
    module = importlib.import_module(command.module)
    code: int = module.run(command, given, positional)
    return code


def parse(command: Command, argv: Sequence[str], environ: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Flags by name, from the command line before the environment's MODELYARD_* variables, and the arguments.

    Raises:
        ConfigError: an unknown flag, a flag without its value, or too many or too few arguments.
    """
    flags = {flag.name: flag for flag in command.flags}
    given: dict[str, str] = {}
    for flag in command.flags:
        value = environ.get(PREFIX + flag.name.upper().replace("-", "_"), "")
        if value:
            given[flag.name] = value
    positional: list[str] = []
    waiting = list(argv)
    while waiting:
        argument = waiting.pop(0)
        if not argument.startswith("--") or argument == "--":
            positional += waiting if argument == "--" else [argument]
            if argument == "--":
                break
            continue
        name, equals, value = argument[2:].partition("=")
        if name not in flags:
            raise ConfigError(
                f"modelyard {command.name} has no flag --{name}. {nearest(name, flags)}".strip(),
                hint=f"`modelyard {command.name} --help` lists its flags.",
            )
        if flags[name].switch:
            given[name] = value if equals else "true"
        elif equals or (waiting and not waiting[0].startswith("--")):
            given[name] = value if equals else waiting.pop(0)
        else:
            raise ConfigError(f"--{name} needs a value", hint=f"Example: {command.example}")
    _check_positional(command, positional)
    return given, positional


def _check_positional(command: Command, positional: list[str]) -> None:
    required = [name for name, _ in command.positional if not name.endswith("?")]
    if len(positional) < len(required):
        raise ConfigError(
            f"modelyard {command.name} needs {required[len(positional)]}", hint=f"Example: {command.example}"
        )
    if len(positional) > len(command.positional):
        raise ConfigError(
            f"modelyard {command.name} does not take {positional[len(command.positional)][:60]!r}",
            hint=f"Example: {command.example}",
        )


def overview() -> str:
    """What ``modelyard --help`` prints."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {command.summary}" for name, command in COMMANDS.items()]
    return "\n".join(
        [
            "modelyard: CI/CD for machine learning that lives in a GitHub repository",
            "",
            "usage: modelyard COMMAND [--flag VALUE …]",
            "",
            *lines,
            "",
            "Start with `modelyard init`, then `modelyard run`. `modelyard COMMAND --help` shows flags and an example.",
            "Exit codes: 0 pass, 1 fail or inconclusive, 2 bad input or configuration, 3 bad data or model,",
            "4 GitHub, registry or disk, 70 a fault of ours, 130 interrupted.",
        ]
    )


def command_help(command: Command) -> str:
    """What ``modelyard COMMAND --help`` prints."""
    arguments = "".join(
        f" [{name[:-1].upper()}]" if name.endswith("?") else f" {name.upper()}" for name, _ in command.positional
    )
    lines = [command.summary, "", f"usage: modelyard {command.name}{arguments} [--flag VALUE …]", ""]
    shown = [(name.rstrip("?").upper(), text) for name, text in command.positional]
    shown += [
        (
            f"--{flag.name}" + ("" if flag.switch else " VALUE"),
            flag.help + (f" (default: {flag.default})" if flag.default else ""),
        )
        for flag in command.flags
    ]
    width = max((len(name) for name, _ in shown), default=0)
    lines += [f"  {name:<{width}}  {text}" for name, text in shown]
    return "\n".join([*lines, "", f"example: {command.example}"])


def _print_error(error: ModelyardError, *, as_json: bool) -> None:
    sys.stderr.write(f"modelyard: {error}\n")
    if as_json:
        said = {
            "error": {"message": error.message, "hint": error.hint, "place": str(error.place) if error.place else None}
        }
        print(json.dumps({**said, "exit-code": error.exit_code, "verdict": "error"}))


def _quieten() -> None:
    from modelyard.cli import runner  # not at a desk, where it would cost time

    runner.quieten()


def _tell_runner(exit_code: int, error: ModelyardError | None) -> None:
    from modelyard.cli import runner
    from modelyard.cli.annotations import of_error

    runner.failed(exit_code, [] if error is None else of_error(error))
