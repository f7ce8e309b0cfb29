"""The one way to a terminal: what is printed holds no control character, whatever a record, a file or a name holds."""

import re
import sys

_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Controls but tab and line feed, marks that reorder what stands beside them, and halves of characters."""


def visible(text: str) -> str:
    """Return text in which what would steer a terminal is replaced."""
    return _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text)


def put(text: str) -> None:
    """Print to standard output, at once."""
    print(visible(text), flush=True)


def tell(text: str) -> None:
    """Print to standard error, at once."""
    print(visible(text), file=sys.stderr, flush=True)
