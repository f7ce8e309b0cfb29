"""Blocks as lines for a terminal: the same text as in Markdown, made visible and inert by ``escape.clean``."""

from collections.abc import Iterable, Sequence

from modelyard.report import escape
from modelyard.report.document import Badge, Block, CodeBlock, Column, Details, Text
from modelyard.report.renderers.walk import TextRenderer
from modelyard.report.verdict_style import WORDS

_GAP = "  "


def render_terminal(title: str, blocks: Iterable[Block]) -> str:
    """Render a title and blocks as plain text, without a line break at the end."""
    return "\n\n".join([escape.clean(title), *_Terminal().blocks(blocks)])


class _Terminal(TextRenderer):
    """Plain text in aligned columns."""

    def text(self, part: Text, *, longest: int) -> str:
        return escape.clean(part.text, longest=longest)

    def code(self, text: str, *, in_table: bool) -> str:  # noqa: ARG002 - a cell needs no escaping here
        return escape.clean(text)

    def badge(self, badge: Badge) -> str:
        return escape.clean(badge.word or WORDS[badge.verdict])

    def paragraph(self, text: str, *, note: bool) -> str:  # noqa: ARG002 - a note has no mark here
        return text

    def listing(self, items: Sequence[str], *, more: int) -> str:  # noqa: ARG002 - there is no limit here
        return "\n".join(f"{_GAP}- {item}" for item in items)

    def code_block(self, block: CodeBlock) -> str:
        return escape.clean_block(block.text)

    def table(self, caption: str, columns: Sequence[Column], rows: Sequence[Sequence[str]], *, more: int) -> str:  # noqa: ARG002 - as above
        heads = [escape.clean(column.header) for column in columns]
        widths = [max(map(len, cells)) for cells in zip(heads, *rows, strict=True)]
        lines = [escape.clean(caption)]
        for row in [heads, *rows] if any(heads) else rows:
            cells = [_cell(cell, width, column) for cell, width, column in zip(row, widths, columns, strict=True)]
            lines.append(f"{_GAP}{_GAP.join(cells)}".rstrip())
        return "\n".join(lines)

    def details(self, block: Details) -> str:
        return "\n".join([escape.clean(block.summary), *self.blocks(block.blocks)])


def _cell(text: str, width: int, column: Column) -> str:
    return text.rjust(width) if column.number else text.ljust(width)
