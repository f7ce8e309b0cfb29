"""What `modelyard monitor` takes beside the inputs of its step: actions and their flags, so that help costs nothing."""

from collections.abc import Mapping
from dataclasses import replace

from modelyard.cli.flags import Argument, Command, Flag

ACTIONS: Mapping[str, tuple[Flag, ...]] = {
    "report": (Flag("newest", "report: so many of the last windows; without this, all of them", number="whole"),),
    "simulate": (
        Flag("window", "simulate: how long a window is, such as 1 week. Default: monitor.window, else a month"),
        Flag("candidate", "simulate: number of the candidate that is trained as of every window", "1", number="whole"),
        Flag("retrain-cost", "simulate: what a retraining costs. Default: monitor.policy.costs", number="real"),
        Flag(
            "loss-cost",
            "simulate: what one unit of the primary metric costs, for one prediction. Default: monitor.policy.costs",
            number="real",
        ),
    ),
}
"""Flags of each action."""
FOLLOW = (
    Flag(
        "follow",
        "look at every row as it is logged, until the process is ended; alarms hold at every look",
        switch=True,
    ),
    Flag("every", "with --follow: seconds between two looks", "5", number="whole"),
    Flag("looks", "with --follow: end after so many looks; without this, never", number="whole"),
)
"""Flags for a log that grows."""
_STEP = "monitor"


def with_actions(command: Command) -> Command:
    """Return the command of the step monitor with its actions; any other as it is."""
    if command.name != _STEP:
        return command
    flags = (*(flag for each in ACTIONS.values() for flag in each), *FOLLOW)
    action = Argument(
        "action",
        "report: render again what was seen; simulate: try policies on history; without one, look",
        choices=tuple(ACTIONS),
        optional=True,
    )
    return replace(
        command,
        module="modelyard.cli.monitor",
        flags=(*command.flags[:-1], *flags, *command.flags[-1:]),
        arguments=(action,),
    )
