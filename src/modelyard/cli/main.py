"""The front door: find the command, hand it its arguments, and be the only catcher of errors."""

import gc
import importlib
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal, NoReturn

from modelyard import __version__
from modelyard.cli import errors
from modelyard.cli.arguments import parse
from modelyard.cli.commands import COMMANDS, INTERNAL_COMMANDS
from modelyard.cli.help import command_help, overview
from modelyard.core import terminal
from modelyard.core.actions import in_actions
from modelyard.core.errors import INTERNAL, INTERRUPTED, OK, ModelyardError

_LEVELS: Mapping[str, Literal["quiet", "verbose"]] = {
    "-q": "quiet", "--quiet": "quiet", "-v": "verbose", "--verbose": "verbose",
}  # fmt: skip


def entry() -> NoReturn:
    """Run the ``modelyard`` command."""
    _start_fast()
    # What a cancelled job is sent, seconds after SIGINT: it ends as Ctrl-C does, with nothing half-written.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    code = main(sys.argv[1:])
    if code == INTERRUPTED:  # a second one, while Python ends, would only add a traceback to what was printed
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(code)


def main(argv: Sequence[str]) -> int:
    """Run one command line and return its exit code. Every error ends here."""
    on_runner = in_actions(os.environ)
    if on_runner:
        _quieten()
    try:
        return _dispatch(list(argv), os.environ)
    except ModelyardError as error:
        terminal.tell(f"modelyard: {error}")
        _print_json(argv, errors.document(error))
        if on_runner:
            _tell_runner(error.exit_code, error)
        return error.exit_code
    except KeyboardInterrupt:
        terminal.tell("\nmodelyard: interrupted; what was finished is kept, and nothing half-written remains")
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except Exception as error:
        import traceback

        terminal.tell(traceback.format_exc().rstrip())
        terminal.tell("\nmodelyard: internal error, please report it with the lines above")
        _print_json(argv, errors.internal_document(error))
        if on_runner:
            _tell_runner(INTERNAL, None)
        return INTERNAL


def _dispatch(argv: list[str], environ: Mapping[str, str]) -> int:
    argv = _levelled(argv)
    if not argv or argv[0] in ("-h", "--help", "help"):
        if len(argv) > 1 and argv[1] in COMMANDS:
            terminal.put(command_help(COMMANDS.get(argv[1])))
        else:
            terminal.put(overview())
        return OK
    if argv[0] in ("-V", "--version"):
        terminal.put(f"modelyard {__version__}")
        return OK
    name, rest = argv[0], argv[1:]
    command = (INTERNAL_COMMANDS if name in INTERNAL_COMMANDS else COMMANDS).get(name)
    if any(argument in ("-h", "--help") for argument in rest):
        terminal.put(command_help(command))
        return OK
    given, positional = parse(command, rest, environ)
    module = importlib.import_module(command.module)
    code: int = module.run(command, given, positional)
    return code


def _levelled(argv: list[str]) -> list[str]:
    """Take ``-q`` and ``-v`` off a command line, wherever they stand before ``--``, and do as they say."""
    end = argv.index("--") if "--" in argv else len(argv)
    asked = [_LEVELS[each] for each in argv[:end] if each in _LEVELS]
    terminal.set_level(asked[-1] if asked else "normal")
    return [*(each for each in argv[:end] if each not in _LEVELS), *argv[end:]]


def _start_fast() -> None:
    """Spare short commands what costs them a tenth: collections while modules load, and a search for plugins."""
    gc.set_threshold(50_000, 20, 20)
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # core/processes keeps it from user code


def _print_json(argv: Sequence[str], document: Mapping[str, Any]) -> None:
    """Print an error as data where the command was asked for JSON, however little of its line could be read."""
    if {"--json", "--json=true", "--format=json"} & set(argv) or ("--format", "json") in pairwise(argv):
        terminal.data(json.dumps(document))


def _quieten() -> None:
    from modelyard.cli import runner  # only in Actions: it costs time

    runner.quieten()


def _tell_runner(exit_code: int, error: ModelyardError | None) -> None:
    from modelyard.cli import runner
    from modelyard.cli.annotations import of_error

    runner.failed(exit_code, [] if error is None else of_error(error))
