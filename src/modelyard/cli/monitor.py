"""``modelyard monitor``: look at what serves; with an action, show again what was seen, or try policies."""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from modelyard.cli import formats, step
from modelyard.cli.flags import Command
from modelyard.cli.monitor_actions import ACTIONS, FOLLOW
from modelyard.cli.session import open_context
from modelyard.core import terminal
from modelyard.core.errors import OK
from modelyard.core.files import write_atomic
from modelyard.report import wording

if TYPE_CHECKING:
    from modelyard.records.results.monitor import Alarm


def run(command: Command, given: Mapping[str, str], positional: list[str]) -> int:
    """Look, or do what the action says; returns the exit code."""
    if positional:
        return _RUN[positional[0]](given)
    if given.get("follow") == "true":
        return _follow(given)
    own = {flag.name for flags in (*ACTIONS.values(), FOLLOW) for flag in flags}
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


def _follow(given: Mapping[str, str]) -> int:
    """Count what is logged as it comes, and print alarms, until the process is ended: a line each, or JSON."""
    from modelyard.usecases.follow_log import follow, follower

    context = open_context(given, quiet=True)
    with_json = given.get("json") == "true"
    running = follower(context)
    seconds = int(given.get("every", "5"))

    def tell(alarm: "Alarm") -> None:
        (terminal.data if with_json else terminal.put)(alarm.model_dump_json() if with_json else wording.alarm(alarm))

    try:
        follow(running, tell, lambda: time.sleep(seconds), looks=int(given["looks"]) if given.get("looks") else None)
    finally:
        said = running.totals
        running.close()
        rows = sum(said.predictions.values())
        terminal.tell(f"{rows:,} predictions, {said.labels:,} of them with a label, until {said.until or 'now'}")
    return OK


def _simulate(given: Mapping[str, str]) -> int:
    """Try policies of retraining on the data that is there, and print what each would have done; nothing is kept."""
    from modelyard.cli.views import policies
    from modelyard.usecases.simulate_policies import Asked, prices, simulate

    context = open_context(given, quiet=given.get("json") == "true")
    costs = prices(given.get("retrain-cost", ""), given.get("loss-cost", ""))
    asked = Asked(given.get("window", ""), int(given.get("candidate", "1")), costs)
    found = simulate(context, asked, context.console.say)
    formats.show_lines(given, policies.lines(found), found.as_data())
    return OK


_RUN: Mapping[str, Callable[[Mapping[str, str]], int]] = {"report": _report, "simulate": _simulate}
