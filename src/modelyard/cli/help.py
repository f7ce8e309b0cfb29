"""The texts of ``--help``, as wide as the terminal, and 80 columns where there is none."""

from collections.abc import Iterable, Iterator, Mapping

from modelyard.cli.commands import COMMANDS, GROUPS
from modelyard.cli.flags import Command, Flag
from modelyard.core import terminal

_WIDTH = 80
_WIDEST = 100
_HEAD = 26
"""Columns of a flag with its value; a longer one has its text on the next line."""
EVERYWHERE = (
    ("-q, --quiet", "print the result alone, and nothing while working"),
    ("-v, --verbose", "print the time since the start with every line of progress"),
    ("-h, --help", "print this"),
)
"""What every command takes."""
_VALUES: Mapping[str, str] = {
    "config": "PATH", "run-dir": "PATH", "output": "PATH", "environment": "PATH", "requirements": "PATH",
    "python-path": "PATHS", "store": "PATH", "registry": "KIND", "base": "REF", "version": "VERSION", "to": "VERSION",
    "model": "NAME", "repository": "OWNER/NAME", "alias": "NAME", "target": "COLUMN", "time": "COLUMN",
    "group": "COLUMN", "columns": "COLUMNS", "task": "TASK", "decision": "DIGEST", "rules-digest": "DIGEST",
    "evidence-digest": "DIGEST", "proof-digest": "DIGEST", "on": "MOMENT", "as-of": "MOMENT", "window": "DURATION",
    "part": "PART", "proof": "PROOF", "condition": "FORMULA",
}  # fmt: skip
"""What a flag's value is, in a word; the others are text."""


def overview() -> str:
    """Return what ``modelyard --help`` prints."""
    width = max(map(len, COMMANDS.names()))
    lines = ["modelyard: CI/CD for machine learning that lives in a GitHub repository", ""]
    lines += ["usage: modelyard COMMAND [--flag VALUE …]"]
    for group, title in GROUPS.items():
        lines += ["", f"{title}:"]
        for command in COMMANDS:
            if command.group == group:
                lines += _entry(command.name, command.summary, width + 2)
    lines += ["", *_wrapped("Start with `modelyard init`, then `modelyard run`. `modelyard COMMAND --help` shows flags "
                            "and an example.")]  # fmt: skip
    lines += _wrapped(
        "Exit codes: 0 pass, 1 fail or inconclusive, 2 bad input or configuration, 3 bad data or model, 4 GitHub, "
        "registry or disk, 70 an internal error, 130 interrupted."
    )
    return "\n".join(lines)


def command_help(command: Command) -> str:
    """Return what ``modelyard COMMAND --help`` prints."""
    names = [argument.name.upper() for argument in command.arguments]
    usage = "".join(
        f" [{name}]" if argument.optional else f" {name}"
        for name, argument in zip(names, command.arguments, strict=True)
    )
    shown = [(name, argument.help) for name, argument in zip(names, command.arguments, strict=True)]
    shown += [(_flag(flag), _said(flag)) for flag in command.flags]
    head = min(max(len(name) for name, _ in (*shown, *EVERYWHERE)) + 2, _HEAD)
    lines = [*_wrapped(command.summary), "", f"usage: modelyard {command.name}{usage} [--flag VALUE …]", ""]
    lines += [text for name, said in shown for text in _entry(name, said, head)]
    lines += ["", *(text for name, said in EVERYWHERE for text in _entry(name, said, head))]
    return "\n".join([*lines, "", *_wrapped(f"example: {command.example}", then="  ")])


def _flag(flag: Flag) -> str:
    return f"--{flag.name}" if flag.switch else f"--{flag.name} {value_of(flag)}"


def value_of(flag: Flag) -> str:
    """Return what a flag's value is, in a word."""
    if flag.choices:
        return "|".join(flag.choices)
    return _VALUES.get(flag.name, {"": "TEXT", "whole": "N", "real": "NUMBER"}[flag.number])


def _said(flag: Flag) -> str:
    return flag.help + (f" (default: {flag.default})" if flag.default else "")


def _entry(name: str, text: str, head: int) -> Iterator[str]:
    """Return a name and its text, which hangs beside it."""
    first, *rest = _wrapped(text, first=" " * (head + 2), then=" " * (head + 2))
    if len(name) + 2 > head:
        yield f"  {name}"
        yield first
    else:
        yield f"  {name}".ljust(head + 2) + first[head + 2 :]
    yield from rest


def _wrapped(text: str, *, first: str = "", then: str = "") -> list[str]:
    """Break text between words, so that a line fits; a word that is longer than a line stays whole."""
    width, lines, line = min(terminal.width() or _WIDTH, _WIDEST), [], first
    for word in _words(text):
        if len(line) + len(word) + 1 > width and line.strip():
            lines.append(line.rstrip())
            line = then
        line += word if not line.strip() else f" {word}"
    return [*lines, line.rstrip()]


def _words(text: str) -> Iterable[str]:
    return text.split()
