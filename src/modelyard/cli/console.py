"""What a person sees while a command works: one line that is written over on a terminal, plain lines elsewhere.

Always on standard error, and as much as ``-q`` and ``-v`` ask for.
"""

import sys
import time
from collections.abc import Callable

from modelyard.core import terminal
from modelyard.steps.context import Console

_PLAIN_STEPS = 4
_OFTEN = 0.1
"""Seconds between two looks at a line that is written over."""


class Progress:
    """Progress of one long stage after another: ``3/35 label 12 s``."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._title = ""
        self._shown = 0
        self._total = 0
        self._began = self._last = 0.0
        self.open = False
        """A line stands that the next one is written over."""

    def __call__(self, done: int, total: int, text: str) -> None:
        """Show that ``done`` of ``total`` are finished; ``text`` names what."""
        if total <= 0:
            return
        if sys.stderr.isatty():
            self._on_terminal(done, total, text)
        else:
            self._plain(done, total, text)

    def _on_terminal(self, done: int, total: int, text: str) -> None:
        now = self._clock()
        if not self.open or total != self._total:
            self._began, self._last, self._total = now, now - _OFTEN, total
        if done >= total:
            self.close()
        elif now - self._last >= _OFTEN:
            self._last, self.open = now, True
            elapsed = f" {now - self._began:.0f} s"
            room = (terminal.width(sys.stderr) or 80) - len(f"  {done}/{total} {elapsed}") - 2
            label = text if len(text) <= room else f"{text[: max(1, room - 1)]}…"
            terminal.write_over(f"  {done}/{total} {label}{elapsed}")

    def _plain(self, done: int, total: int, text: str) -> None:
        if text != self._title and done <= 1:
            self._title, self._shown = text, 0
        quarter = done * _PLAIN_STEPS // total
        if quarter > self._shown or done == total:
            self._shown = quarter
            terminal.tell(f"  {done}/{total} {text}")
        if done >= total:
            self._shown = 0

    def close(self) -> None:
        """Take the line off the screen."""
        if self.open:
            terminal.write_over("")
            self.open = False


class _Speaker:
    """Say lines above the line of progress; with the time since the start where more is asked for."""

    def __init__(self, progress: Progress, *, timed: bool) -> None:
        self._progress, self._timed, self._began = progress, timed, time.monotonic()

    def __call__(self, text: str) -> None:
        self._progress.close()
        stamp = f"[{time.monotonic() - self._began:7.1f} s] " if self._timed else ""
        terminal.tell("\n".join(f"{stamp}{each}" for each in text.split("\n")))


def console(*, quiet: bool = False) -> Console:
    """Return the console of a command; a quiet one prints nothing, as one asked to be with ``-q`` does."""
    level = terminal.level()
    if quiet or level == "quiet":
        return Console()
    progress = Progress()
    return Console(say=_Speaker(progress, timed=level == "verbose"), progress=progress)
