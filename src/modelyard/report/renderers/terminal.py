"""Blocks as lines for a terminal: the same text as in Markdown, made visible and inert by ``escape.clean``."""

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from modelyard.report import escape
from modelyard.report.document import Badge, Block, CodeBlock, Column, Details, Text
from modelyard.report.renderers.walk import TextRenderer
from modelyard.report.verdict_style import WORDS

_GAP = "  "
_PAIR = 2
_DIGEST = re.compile(r"\b((?:sha256|tree):)?([0-9a-f]{12})[0-9a-f]{28,52}\b")
"""A digest or a commit, of which twelve characters are shown where lines are to fit; data has them whole."""


def render_terminal(title: str, blocks: Iterable[Block], *, width: int = 0) -> str:
    """Render a title and blocks as plain text, without a line break at the end.

    Args:
        title: the first line.
        blocks: what follows.
        width: columns that lines are to fit; 0 for no limit. What is too wide for a table becomes a list of its rows.
    """
    return "\n\n".join([escape.clean(title), *_Terminal(width).blocks(blocks)])


class _Terminal(TextRenderer):
    """Plain text in aligned columns."""

    def __init__(self, width: int = 0) -> None:
        super().__init__()
        self._width = width

    def text(self, part: Text, *, longest: int) -> str:
        return escape.clean(part.text, longest=longest)

    def code(self, text: str, *, in_table: bool) -> str:
        shown = escape.clean(text)
        return _DIGEST.sub(r"\1\2…", shown) if self._width and in_table else shown

    def badge(self, badge: Badge) -> str:
        return escape.clean(badge.word or WORDS[badge.verdict])

    def paragraph(self, text: str, *, note: bool) -> str:  # noqa: ARG002 - a note has no mark here
        return self._wrapped(text)

    def listing(self, items: Sequence[str], *, more: int) -> str:  # noqa: ARG002 - there is no limit here
        return "\n".join(self._wrapped(item, first=f"{_GAP}- ", then=f"{_GAP}  ") for item in items)

    def code_block(self, block: CodeBlock) -> str:
        return escape.clean_block(block.text)

    def table(self, caption: str, columns: Sequence[Column], rows: Sequence[Sequence[str]], *, more: int) -> str:  # noqa: ARG002 - as above
        heads = [escape.clean(column.header) for column in columns]
        widths = [max(map(len, cells)) for cells in zip(heads, *rows, strict=True)]
        lines = [escape.clean(caption)]
        if self._width and sum(widths) + len(_GAP) * len(widths) > self._width:
            return "\n".join([*lines, *(text for row in rows for text in self._row(heads, row))])
        for row in [heads, *rows] if any(heads) else rows:
            cells = [_cell(cell, width, column) for cell, width, column in zip(row, widths, columns, strict=True)]
            lines.append(f"{_GAP}{_GAP.join(cells)}".rstrip())
        return "\n".join(lines)

    def _row(self, heads: Sequence[str], row: Sequence[str]) -> Iterator[str]:
        """Return a row of a table that is too wide: its first cell, and the others below it, each with its head."""
        if len(row) == _PAIR:
            yield self._wrapped(row[1], first=f"{_GAP}{row[0]}: ", then=_GAP * 2)
            return
        yield self._wrapped(row[0], first=_GAP, then=_GAP * 2)
        for head, cell in zip(heads[1:], row[1:], strict=True):
            if cell:
                yield self._wrapped(cell, first=f"{_GAP * 2}{head}: " if head else _GAP * 2, then=_GAP * 3)

    def _wrapped(self, text: str, *, first: str = "", then: str = "") -> str:
        if not self._width:
            return first + text
        return "\n".join(
            textwrap.wrap(
                text, self._width, initial_indent=first, subsequent_indent=then, break_long_words=False,
                break_on_hyphens=False,
            )
        ) or first  # fmt: skip

    def details(self, block: Details) -> str:
        return "\n".join([escape.clean(block.summary), *self.blocks(block.blocks)])


def _cell(text: str, width: int, column: Column) -> str:
    return text.rjust(width) if column.number else text.ljust(width)
