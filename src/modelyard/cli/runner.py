"""What a command tells the runner of GitHub Actions, in this order: outputs, step summary, annotations.

While a command works, the runner obeys nothing that is printed; only annotations are let through.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from modelyard.core import terminal
from modelyard.core.actions import in_actions
from modelyard.core.errors import PlatformError
from modelyard.github import log
from modelyard.github.log import Annotation

_RESUME: list[str] = []


def quieten() -> None:
    """From here on what is printed is text and no command; nothing locally."""
    if in_actions(os.environ):
        stop, resume = log.stop_commands()
        _RESUME[:] = [resume]
        terminal.data(stop)


def outputs(values: Mapping[str, Any]) -> None:
    """Set outputs of the step: booleans as true and false, everything else as text."""
    if in_actions(os.environ):
        told = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in values.items()}
        log.append(os.environ.get("GITHUB_OUTPUT"), log.output_text(told))


def summary(markdown: str) -> None:
    """Add to the step summary."""
    if in_actions(os.environ):
        log.append(os.environ.get("GITHUB_STEP_SUMMARY"), markdown + "\n", limit=log.LARGEST_SUMMARY)


def annotate(annotations: Sequence[Annotation]) -> None:
    """Show annotations on the run's page."""
    if not in_actions(os.environ) or not annotations:
        return
    if _RESUME:
        terminal.data(_RESUME[0])
    terminal.data("\n".join(log.annotation_lines(log.worst_first(annotations))))
    quieten()


def failed(exit_code: int, annotations: Sequence[Annotation]) -> None:
    """Say in the outputs that a command ended before it had a record to show."""
    try:
        outputs({"verdict": "error", "exit-code": exit_code})
    except PlatformError as error:
        terminal.put(f"modelyard: {error}")
    annotate(annotations)
