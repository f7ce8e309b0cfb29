"""What a person sees while a command works: a bar on a terminal, plain lines elsewhere; always on standard error."""

import sys
from typing import Any

from modelyard.core import terminal
from modelyard.steps.context import Console

_PLAIN_STEPS = 4


class Progress:
    """Progress of one long stage after another."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._title = ""
        self._shown = 0

    def __call__(self, done: int, total: int, text: str) -> None:
        """Show that ``done`` of ``total`` are finished; ``text`` names what."""
        if total <= 0:
            return
        if sys.stderr.isatty():
            self._on_terminal(done, total, text)
        else:
            self._plain(done, total, text)

    def _on_terminal(self, done: int, total: int, text: str) -> None:
        from tqdm import tqdm

        if self._bar is None or self._bar.total != total:
            self.close()
            self._bar = tqdm(total=total, leave=False, file=sys.stderr)
        self._bar.set_description_str(terminal.visible(text[:60]))
        self._bar.update(done - self._bar.n)
        if done >= total:
            self.close()

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
        """Take the bar off the screen."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def console(*, quiet: bool = False) -> Console:
    """Return the console of a command; a quiet one prints nothing."""
    if quiet:
        return Console()
    return Console(say=terminal.tell, progress=Progress())
