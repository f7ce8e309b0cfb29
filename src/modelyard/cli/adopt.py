"""``modelyard adopt``: a model made elsewhere becomes the first champion, without evidence and marked as such."""

from collections.abc import Mapping

from modelyard.cli import formats
from modelyard.cli.flags import Command
from modelyard.cli.session import open_context, taken
from modelyard.core.errors import OK
from modelyard.usecases.adopt import Given, adopt


def run(_command: Command, given: Mapping[str, str], positional: list[str]) -> int:
    """Register the model and point the alias at it."""
    with taken(open_context(given)) as context:
        alias = context.config.registry.alias
        adopted = adopt(
            context,
            positional[0],
            Given(
                environment=given.get("environment", ""),
                columns=_listed(given.get("columns", "")),
                python_path=_listed(given.get("python-path", "")),
                replace=given.get("replace") == "true",
                reason=given.get("reason", ""),
            ),
        )
    name = adopted.version.name
    formats.show_lines(
        given,
        [f"{alias} points at {name}, adopted without evidence; every report says so until it is replaced"],
        {"verdict": "pass", "exit-code": OK, "version": name, "journal": adopted.entry.seq},
    )
    return OK


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
