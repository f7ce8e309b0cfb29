"""The front door: finds the command, hands it its arguments, and is the only catcher of errors."""

import importlib
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

from modelyard import __version__
from modelyard.cli.arguments import parse
from modelyard.cli.commands import COMMANDS, INTERNAL_COMMANDS
from modelyard.cli.help import command_help, overview
from modelyard.core.errors import INTERNAL, INTERRUPTED, OK, ModelyardError


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
            print(command_help(COMMANDS.get(argv[1])))
        else:
            print(overview())
        return OK
    if argv[0] in ("-V", "--version"):
        print(f"modelyard {__version__}")
        return OK
    name, rest = argv[0], argv[1:]
    command = (INTERNAL_COMMANDS if name in INTERNAL_COMMANDS else COMMANDS).get(name)
    if any(argument in ("-h", "--help") for argument in rest):
        print(command_help(command))
        return OK
    given, positional = parse(command, rest, environ)
    module = importlib.import_module(command.module)
    code: int = module.run(command, given, positional)
    return code


def _print_error(error: ModelyardError, *, as_json: bool) -> None:
    sys.stderr.write(f"modelyard: {error}\n")
    if as_json:
        head = {"message": error.message, "code": error.code, "hint": error.hint}
        body = {"error": {**head, "place": str(error.place) if error.place else None}}
        problems = [problem.as_data() for problem in error.problems]
        print(json.dumps({**body, "problems": problems, "exit-code": error.exit_code, "verdict": "error"}))


def _quieten() -> None:
    from modelyard.cli import runner  # not at a desk, where it would cost time

    runner.quieten()


def _tell_runner(exit_code: int, error: ModelyardError | None) -> None:
    from modelyard.cli import runner
    from modelyard.cli.annotations import of_error

    runner.failed(exit_code, [] if error is None else of_error(error))
