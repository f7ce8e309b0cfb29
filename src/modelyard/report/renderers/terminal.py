"""Blocks as lines for a terminal: the same text as in Markdown, made visible and inert by ``escape.clean``."""

from collections.abc import Iterable, Iterator

from modelyard.report import escape
from modelyard.report.document import (
    Badge,
    Block,
    Break,
    Code,
    CodeBlock,
    Column,
    Details,
    Figure,
    Inline,
    Line,
    Listing,
    Paragraph,
    Plot,
    Table,
    Text,
)
from modelyard.report.verdict_style import WORDS

_GAP = "  "


def render_terminal(title: str, blocks: Iterable[Block]) -> str:
    """A title and blocks as plain text, without a line break at the end."""
    return "\n".join([escape.clean(title), *(line for block in blocks for line in ("", *_block(block)))])


def _block(block: Block) -> Iterator[str]:
    match block:
        case Paragraph():
            yield _line(block.content, longest=2000)
        case Listing():
            for item in block.items:
                yield f"  - {_line(item, longest=2000)}"
        case CodeBlock():
            yield from escape.clean_block(block.text).splitlines()
        case Table():
            yield from _table(block)
        case Details():
            yield escape.clean(block.summary)
            for inner in block.blocks:
                yield from _block(inner)
        case Figure():
            return


def _table(table: Table) -> Iterator[str]:
    shown = [at for at, column in enumerate(table.columns) if not column.html_only and column.role != "plot"]
    columns = [table.columns[at] for at in shown]
    heads = [escape.clean(column.header) for column in columns]
    rows = [[_line(row[at]) for at in shown] for row in table.rows]
    widths = [max(map(len, cells)) for cells in zip(heads, *rows, strict=True)]
    yield escape.clean(table.caption)
    for row in [heads, *rows] if any(heads) else rows:
        cells = [_cell(cell, width, column) for cell, width, column in zip(row, widths, columns, strict=True)]
        yield f"{_GAP}{_GAP.join(cells)}".rstrip()


def _cell(text: str, width: int, column: Column) -> str:
    return text.rjust(width) if column.number else text.ljust(width)


def _line(content: Line, *, longest: int = escape.LONGEST) -> str:
    return "".join(_inline(part, longest=longest) for part in content).strip()


def _inline(part: Inline, *, longest: int) -> str:
    match part:
        case Text():
            shown = escape.clean(part.text, longest=longest)
            before = " " if part.text[:1].isspace() else ""
            after = " " if part.text[-1:].isspace() and shown else ""
            return f"{before}{shown}{after}"
        case Code():
            return escape.clean(part.text, longest=longest)
        case Badge():
            return escape.clean(part.word or WORDS[part.verdict])
        case Break():
            return part.markdown
        case Plot():
            return ""
