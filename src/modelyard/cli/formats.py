"""Print what a command found: for a terminal, as Markdown, or as JSON."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from modelyard.core import terminal
from modelyard.report.document import Block
from modelyard.report.renderers.markdown import render_page
from modelyard.report.renderers.terminal import render_terminal


def chosen(given: Mapping[str, str]) -> str:
    """Return the format that the flags ask for; ``--json`` is short for ``--format json``."""
    return given.get("format", "json" if given.get("json") == "true" else "text")


def show(form: str, title: str, blocks: Iterable[Block], data: Mapping[str, Any]) -> None:
    """Print a page, or the data behind it."""
    if form == "json":
        terminal.data(json.dumps(data))
    elif form == "markdown":
        terminal.data(render_page(title, blocks))
    else:
        terminal.put(render_terminal(title, blocks, width=terminal.width()))


def show_lines(given: Mapping[str, str], lines: Iterable[str], data: Any) -> None:
    """Print lines, or with ``--json`` the data behind them."""
    if given.get("json") == "true":
        terminal.data(json.dumps(data))
    else:
        terminal.put("\n".join(lines))
