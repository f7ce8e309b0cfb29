"""Read a comment: the one command in it, what is wrong with it, or that there is none. Pure, and strict.

A command is a line of its own that begins with ``/modelyard`` at its first character. Lines in code blocks, quotations
and HTML comments are no commands, since others wrote them or nobody sees them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from modelyard.usecases.answer.command import PullCommand
from modelyard.usecases.answer.commands import COMMANDS

_WORD = "/modelyard"
_LONGEST = 200
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_QUOTE = re.compile(r" {0,3}>")
_HIDDEN = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)


@dataclass(frozen=True)
class Asked:
    """A command that may be carried out."""

    command: PullCommand
    argument: str = ""


@dataclass(frozen=True)
class Mistake:
    """A line that was meant as a command and is none."""

    kind: Literal["several-commands", "unknown-command", "bad-argument"]


def parse(body: str) -> Asked | Mistake | None:
    """Return what a comment asks for; None where it asks for nothing.

    Args:
        body: the comment, as its author typed it.
    """
    lines = [line for line in _spoken(body) if line == _WORD or line.startswith((f"{_WORD} ", f"{_WORD}\t"))]
    if not lines:
        return None
    if len(lines) > 1:
        return Mistake("several-commands")
    line = lines[0]
    if len(line) > _LONGEST or not line.isascii():
        return Mistake("unknown-command")
    words = line.split()
    if len(words) < 2 or words[1] not in COMMANDS:
        return Mistake("unknown-command")
    command, arguments = COMMANDS.get(words[1]), words[2:]
    if command.argument is None:
        return Mistake("bad-argument") if arguments else Asked(command)
    if len(arguments) != 1 or not command.argument.fullmatch(arguments[0]):
        return Mistake("bad-argument")
    return Asked(command, arguments[0])


def _spoken(body: str) -> Iterator[str]:
    """Yield the lines that the author says themselves, without the white space at their ends."""
    fence, quoted = "", False
    for line in _HIDDEN.sub("", body.replace("\r\n", "\n").replace("\r", "\n")).split("\n"):
        found = _FENCE.match(line)
        if fence:
            closes = found and found[1].startswith(fence) and not line.strip().strip(fence[0])
            fence = "" if closes else fence
            continue
        if found and not (found[1][0] == "`" and "`" in line[found.end() :]):
            fence, quoted = found[1], False
            continue
        # A line right below a quotation belongs to it, as Markdown has it.
        quoted = bool(_QUOTE.match(line)) or (quoted and bool(line.strip()))
        if not quoted:
            yield line.rstrip(" \t")
