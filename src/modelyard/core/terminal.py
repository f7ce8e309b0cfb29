"""The one way to a terminal: what is printed holds no control character, whatever a record, a file or a name holds."""

import os
import re
import sys
from typing import Literal, TextIO

_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Controls but tab and line feed, marks that reorder what stands beside them, and halves of characters."""


_LEVEL = ["normal"]


def level() -> str:
    """Return how much is told of work in progress: quiet, normal or verbose."""
    return _LEVEL[0]


def set_level(wanted: Literal["quiet", "normal", "verbose"]) -> None:
    """Set how much this process tells."""
    _LEVEL[0] = wanted


def visible(text: str) -> str:
    """Return text in which what would steer a terminal is replaced."""
    return _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text)


_NARROWEST = 40
_TONES = {
    "32": ("pass", "passed", "promote", "fixed"),
    "31": ("fail", "failed", "hold", "BROKEN"),
    "33": ("inconclusive", "cannot tell", "cannot tell yet", "vacuous", "warning"),
    "35": ("error", "errored", "could not judge"),
    "2": ("not-applicable", "not applicable", "nothing to do"),
}
"""SGR parameters (ECMA-48) by meaning: green passes, red does not, yellow is open, magenta broke, faint is idle."""
_TONE_OF = {word: tone for tone, words in _TONES.items() for word in words}
_WORD = re.compile(
    rf"(?m)(^ *|^[a-z-]+: (?:unchanged, )?| \(| {{2}}|: )({'|'.join(sorted(_TONE_OF, key=len, reverse=True))})"
    r"(?=$|\)| ·|  | \(|: |, waived| [0-9+−-])"
)
"""Words for how something ended, where one stands as a value: first in a line or a cell, or after a step's name."""


def coloured(stream: TextIO) -> bool:
    """Return whether a stream is to be coloured: a terminal, unless NO_COLOR or TERM=dumb; always with FORCE_COLOR."""
    if os.environ.get("NO_COLOR"):
        return False
    force = os.environ.get("FORCE_COLOR", "")
    return force not in ("", "0") or (stream.isatty() and os.environ.get("TERM") != "dumb")


def width(stream: TextIO | None = None) -> int:
    """Return the columns of a terminal; 0, for no limit, where the stream is none and COLUMNS does not say it is."""
    named = os.environ.get("COLUMNS", "")
    if named.isdecimal() and int(named):
        return max(_NARROWEST, int(named))
    try:
        return max(_NARROWEST, os.get_terminal_size((stream or sys.stdout).fileno()).columns)
    except (OSError, ValueError):
        return 0


def painted(text: str) -> str:
    """Return text with the words for verdicts in colour."""
    return _WORD.sub(lambda found: f"{found[1]}\x1b[{_TONE_OF[found[2]]}m{found[2]}\x1b[0m", text)


def _shown(text: str, stream: TextIO) -> str:
    safe = visible(text)
    return painted(safe) if coloured(stream) else safe


def put(text: str) -> None:
    """Print to standard output, at once."""
    print(_shown(text, sys.stdout), flush=True)


def tell(text: str) -> None:
    """Print to standard error, at once."""
    print(_shown(text, sys.stderr), file=sys.stderr, flush=True)


def write_over(text: str) -> None:
    """Write a line of standard error in place of the one before; an empty text takes it off."""
    columns = width(sys.stderr) or 80
    shown = visible(text).replace("\n", " ").replace("\t", " ")
    sys.stderr.write(f"\r\x1b[K{shown if len(shown) < columns else shown[: columns - 2] + '…'}")
    sys.stderr.flush()


def data(text: str) -> None:
    """Print data to standard output, at once and without colour."""
    print(visible(text), flush=True)
