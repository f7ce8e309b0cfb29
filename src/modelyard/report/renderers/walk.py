"""Walk the blocks and lines of a document; a renderer says what each leaf becomes in its kind of text."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

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
    Gallery,
    Inline,
    Line,
    Link,
    Listing,
    Paragraph,
    Plot,
    Shade,
    Table,
    Text,
)

PARAGRAPH = 2000
"""Characters of one piece of a paragraph or a list that are shown."""


class TextRenderer(ABC):
    """One kind of text, without charts; an empty block is left out, and ``limit`` rows of a table are shown."""

    def __init__(self, limit: int | None = None) -> None:
        self._limit = limit

    def blocks(self, blocks: Iterable[Block]) -> list[str]:
        """Return the text of every block that has any."""
        return [text for block in blocks if (text := self.block(block))]

    def block(self, block: Block) -> str:
        """Return the text of a block."""
        match block:
            case Paragraph():
                return self.paragraph(self.line(block.content, longest=PARAGRAPH), note=block.note)
            case Listing():
                kept = block.items if self._limit is None else block.items[: max(self._limit, 3)]
                items = [self.line(item, longest=PARAGRAPH) for item in kept]
                return self.listing(items, more=len(block.items) - len(items) + block.more)
            case CodeBlock():
                return self.code_block(block)
            case Table():
                return self._table(block)
            case Details():
                return self.details(block)
            case Figure() | Gallery():
                return ""

    def _table(self, table: Table) -> str:
        shown = [index for index, column in enumerate(table.columns) if not column.html_only and column.role != "plot"]
        rows = [[self.line(row[index], in_table=True) for index in shown] for row in table.rows[: self._limit]]
        columns = [table.columns[index] for index in shown]
        return self.table(table.caption, columns, rows, more=len(table.rows) - len(rows) + table.more)

    def line(self, content: Line, *, in_table: bool = False, longest: int = escape.LONGEST) -> str:
        """Return the text of a line."""
        pieces: list[str] = []
        for part in content:
            piece = self._inline(part, in_table=in_table, longest=longest)
            pieces.append(escape.apart(pieces[-1] if pieces else "", piece))
        return "".join(pieces).strip()

    def _inline(self, part: Inline, *, in_table: bool, longest: int) -> str:
        match part:
            case Text():
                return escape.spaced(part.text, self.text(part, longest=longest))
            case Code():
                return self.code(part.text, in_table=in_table)
            case Badge():
                return self.badge(part)
            case Break():
                return part.markdown
            case Shade():
                return self.text(Text(" ".join(filter(None, (part.text, part.below)))), longest=longest)
            case Link():
                return self.link(part)
            case Plot():
                return ""

    @abstractmethod
    def text(self, part: Text, *, longest: int) -> str:
        """Return running text; the space at its ends is kept by the walk."""

    @abstractmethod
    def code(self, text: str, *, in_table: bool) -> str:
        """Return a name or value from outside."""

    def link(self, link: Link) -> str:
        """Return the text of a link, without its address."""
        return self.code(link.text, in_table=False) if link.code else self.text(Text(link.text), longest=escape.LONGEST)

    @abstractmethod
    def badge(self, badge: Badge) -> str:
        """Return a verdict."""

    @abstractmethod
    def paragraph(self, text: str, *, note: bool) -> str:
        """Return a paragraph of this text."""

    @abstractmethod
    def listing(self, items: Sequence[str], *, more: int) -> str:
        """Return a list of these items, and how many more there are."""

    @abstractmethod
    def code_block(self, block: CodeBlock) -> str:
        """Return lines in fixed width."""

    @abstractmethod
    def table(self, caption: str, columns: Sequence[Column], rows: Sequence[Sequence[str]], *, more: int) -> str:
        """Return a table of these cells, and how many more rows there are."""

    @abstractmethod
    def details(self, block: Details) -> str:
        """Return a fold."""
