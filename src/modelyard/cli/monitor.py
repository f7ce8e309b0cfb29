"""``modelyard monitor``: look at what serves; with an action, show again what was seen."""

from collections.abc import Callable, Mapping

from modelyard.cli import formats, step
from modelyard.cli.flags import Command
from modelyard.cli.monitor_actions import ACTIONS
from modelyard.cli.session import open_context
from modelyard.core import terminal
from modelyard.core.errors import OK
from modelyard.core.files import write_atomic


def run(command: Command, given: Mapping[str, str], positional: list[str]) -> int:
    """Look, or do what the action says; returns the exit code."""
    if positional:
        return _RUN[positional[0]](given)
    own = {flag.name for each in ACTIONS.values() for flag in each}
    return step.run(command, {name: value for name, value in given.items() if name not in own}, [])


def _report(given: Mapping[str, str]) -> int:
    """Render the page of what was seen, of the last windows alone where that is asked, and print it in short."""
    from modelyard.usecases.show_monitoring import page, short

    context = open_context(given, quiet=True)
    newest = int(given["newest"]) if given.get("newest") else None
    html, data = page(context.records, newest)
    path = context.run_dir / "monitor.html"
    write_atomic(path, html.encode())
    if given.get("json") == "true":
        formats.show_lines(given, (), data)
    else:
        terminal.put(short(context.records, newest))
        terminal.put(f"\n{path}")
    return OK


_RUN: Mapping[str, Callable[[Mapping[str, str]], int]] = {"report": _report}
