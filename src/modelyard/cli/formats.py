"""How commands that tell of versions print: for a terminal, as Markdown, or as JSON."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from modelyard.core.errors import ConfigError, nearest
from modelyard.report.document import Block
from modelyard.report.renderers.markdown import render_page
from modelyard.report.renderers.terminal import render_terminal

FORMATS = ("text", "markdown", "json")


def chosen(given: Mapping[str, str], formats: tuple[str, ...] = FORMATS) -> str:
    """The format that the flags ask for; ``--json`` is short for ``--format json``.

    Raises:
        ConfigError: there is none of this name.
    """
    wanted = given.get("format", "json" if given.get("json") == "true" else "text")
    if wanted not in formats:
        raise ConfigError(
            f"there is no format {wanted[:40]!r}. {nearest(wanted, formats)}".strip(),
            hint=f"There are {', '.join(formats)}.",
        )
    return wanted


def show(form: str, title: str, blocks: Iterable[Block], data: Mapping[str, Any]) -> None:
    """Print a page, or the data behind it."""
    if form == "json":
        print(json.dumps(data))
    else:
        print(render_page(title, blocks) if form == "markdown" else render_terminal(title, blocks))
