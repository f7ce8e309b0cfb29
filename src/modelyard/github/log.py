"""What a step tells the runner: outputs, the step summary, annotations; each escaped for its own channel.

Formats and limits are GitHub's: "Workflow commands for GitHub Actions"; at most ten annotations of a level are shown
for a step, a message is cut at 4,096 characters, and a summary over 1 MiB is dropped whole.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from modelyard.core.errors import PlatformError
from modelyard.core.files import disk_errors

Level = Literal["error", "warning", "notice"]
PER_LEVEL = 10
LONGEST_MESSAGE = 4096
LARGEST_SUMMARY = 1 << 20


@dataclass(frozen=True)
class Annotation:
    """A line on the run's page, beside a line of a file where one is known."""

    level: Level
    message: str
    title: str = ""
    file: str = ""
    line: int | None = None


def stop_commands() -> tuple[str, str]:
    """Two lines to print: from the first on the runner obeys nothing that is printed, until it sees the second.

    Whatever a message quotes, such as a column name that reads ``::error::``, is then only text.
    """
    token = secrets.token_hex(16)
    return f"::stop-commands::{token}", f"::{token}::"


def annotation_lines(annotations: Sequence[Annotation]) -> list[str]:
    """Workflow commands, ten a level in the order given; the last of a level that has more counts the rest."""
    lines = []
    for level in ("error", "warning", "notice"):
        found = [annotation for annotation in annotations if annotation.level == level]
        shown = found if len(found) <= PER_LEVEL else found[: PER_LEVEL - 1]
        lines += [_command(annotation) for annotation in shown]
        if len(found) > len(shown):
            lines.append(_command(Annotation(level, f"and {len(found) - len(shown)} more; the report has them all")))
    return lines


def output_text(outputs: Mapping[str, str]) -> str:
    """Lines for the file behind GITHUB_OUTPUT, each value between delimiters that nobody could guess.

    Raises:
        PlatformError: a name that is none, or a value that holds the delimiter.
    """
    parts = []
    for name, value in outputs.items():
        delimiter = f"modelyard_{secrets.token_hex(16)}"
        if not name.replace("-", "").isalnum() or delimiter in value or "\0" in value:
            raise PlatformError(f"the output {name!r} cannot be written", code="github/bad-output")
        parts.append(f"{name}<<{delimiter}\n{value}\n{delimiter}\n")
    return "".join(parts)


def append(path: str | None, text: str, *, limit: int | None = None) -> None:
    """Add to one of the runner's files; nothing where the runner gave none.

    Args:
        path: the file, from GITHUB_OUTPUT or GITHUB_STEP_SUMMARY.
        text: what to add.
        limit: bytes that the whole file may have; text that would not fit is left out.

    Raises:
        PlatformError: the disk would not take it.
    """
    if not path:
        return
    target, data = Path(path), text.encode("utf-8", "replace")
    with disk_errors(target):
        if limit is not None and target.exists() and target.stat().st_size + len(data) > limit:
            return
        with target.open("ab") as stream:
            stream.write(data)


def worst_first(annotations: Iterable[Annotation]) -> list[Annotation]:
    """Errors before warnings before notices, in their own order otherwise."""
    order = ("error", "warning", "notice")
    return sorted(annotations, key=lambda annotation: order.index(annotation.level))


def _command(annotation: Annotation) -> str:
    properties = {
        "file": annotation.file,
        "line": "" if annotation.line is None else str(annotation.line),
        "title": annotation.title[:200],
    }
    told = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value)
    message = annotation.message
    if len(message) > LONGEST_MESSAGE - 100:
        message = message[: LONGEST_MESSAGE - 100] + " …"
    return f"::{annotation.level}{f' {told}' if told else ''}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
