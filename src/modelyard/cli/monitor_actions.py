"""What `modelyard monitor` takes beside the inputs of its step: actions and their flags, so that help costs nothing."""

from collections.abc import Mapping
from dataclasses import replace

from modelyard.cli.flags import Argument, Command, Flag

ACTIONS: Mapping[str, tuple[Flag, ...]] = {
    "report": (Flag("newest", "report: so many of the last windows; without this, all of them", number="whole"),),
}
"""Flags of each action."""
_STEP = "monitor"


def with_actions(command: Command) -> Command:
    """Return the command of the step monitor with its actions; any other as it is."""
    if command.name != _STEP:
        return command
    flags = tuple(flag for each in ACTIONS.values() for flag in each)
    action = Argument(
        "action", "report: render again what was seen; without one, look", choices=tuple(ACTIONS), optional=True
    )
    return replace(
        command,
        module="modelyard.cli.monitor",
        flags=(*command.flags[:-1], *flags, *command.flags[-1:]),
        arguments=(action,),
    )
