"""The document as GitHub Markdown under a budget of bytes: short on top, details folded.

Where it would be too long, the sections of lowest priority are left out whole and named in the text, and only where
that is not enough are rows of the remaining tables, worst first, cut with a count of what is missing.
"""

from collections.abc import Iterable, Sequence

from modelyard.report import compose, escape, numbers
from modelyard.report.conclusion import Records
from modelyard.report.document import (
    Badge,
    Block,
    Break,
    Code,
    CodeBlock,
    Column,
    Details,
    Document,
    Figure,
    Inline,
    Line,
    Listing,
    Paragraph,
    Plot,
    Section,
    Table,
    Text,
)
from modelyard.report.verdict_style import SIGNS, WORDS

FULL_REPORT = "report.html"
_ROW_LIMITS = (200, 50, 20, 5, 1)


def render_markdown(records: Records, *, budget: int = 60_000) -> str:
    """GitHub Markdown of at most ``budget`` bytes: verdict and gates on top, the rest folded.

    Args:
        records: the records of a run, any of them.
        budget: bytes of UTF-8; GitHub takes 65,536 characters in a comment.

    Raises:
        ValueError: the budget is under 2,000 bytes.
    """
    document = compose.document(records)
    if budget < 2000:
        raise ValueError(f"a report needs at least 2,000 bytes, not {budget}")
    kept = [section for section in document.sections if not section.html_only]
    dropped: list[Section] = []
    text = _whole(document, kept, dropped)
    while _bytes(text) > budget:
        least = min(kept, key=lambda section: section.priority, default=None)
        if least is None or least.priority >= 80:
            break
        kept.remove(least)
        dropped.append(least)
        text = _whole(document, kept, dropped)
    for rows in _ROW_LIMITS:
        if _bytes(text) <= budget:
            return text
        text = _whole(document, kept, dropped, rows=rows)
    while _bytes(text) > budget and kept:
        least = min(kept, key=lambda section: section.priority)
        kept.remove(least)
        dropped.append(least)
        text = _whole(document, kept, dropped, rows=_ROW_LIMITS[-1])
    return text if _bytes(text) <= budget else _head_only(document)


def render_page(title: str, blocks: Iterable[Block]) -> str:
    """A title and blocks as GitHub Markdown, whole: a page of its own, not a report."""
    return f"## {escape.plain(title)}\n\n{_page(blocks)}"


def _page(blocks: Iterable[Block]) -> str:
    parts = []
    for block in blocks:
        caption = f"### {escape.plain(block.caption)}\n\n" if isinstance(block, Table) and block.caption else ""
        if text := _block(block, rows=None):
            parts.append(caption + text)
    return "\n\n".join(parts)


def _whole(document: Document, kept: Sequence[Section], dropped: Sequence[Section], *, rows: int | None = None) -> str:
    parts = [*_head(document)]
    parts += [_section(section, rows=rows) for section in kept]
    if dropped:
        parts.append(_left_out(dropped))
    if document.footer:
        parts.append(_line(document.footer))
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(document: Document) -> list[str]:
    head = document.headline
    title = f"## {SIGNS[head.verdict]} {_capital(head.words)} · {escape.code(document.model)}"
    notes = [f"> {_line(note, longest=2000)}" for note in document.notes]
    return [title, escape.plain(head.sentence, longest=1200), *notes]


def _head_only(document: Document) -> str:
    head = document.headline
    title = f"## {SIGNS[head.verdict]} {_capital(head.words)}"
    return f"{title}\n\n{escape.plain(head.sentence)}\n\nEverything else is in {FULL_REPORT}.\n"


def _section(section: Section, *, rows: int | None) -> str:
    body = _blocks(section.blocks, rows=rows)
    if not section.folded:
        return f"### {escape.plain(section.title)}\n\n{body}"
    return _fold(section.title, section.summary, body)


def _fold(title: str, summary: str, body: str) -> str:
    # The line of a summary is HTML, where Markdown is not read: escape.html leaves nothing of either.
    words = escape.html(f"{title} · {summary}" if summary else title)
    return f"<details><summary>{words}</summary>\n\n{body}\n\n</details>"


def _blocks(blocks: Iterable[Block], *, rows: int | None) -> str:
    return "\n\n".join(text for block in blocks if (text := _block(block, rows=rows)))


def _block(block: Block, *, rows: int | None) -> str:
    match block:
        case Paragraph():
            text = _line(block.content, longest=2000)
            return f"> {text}" if block.note else text
        case Listing():
            items = block.items if rows is None else block.items[: max(rows, 3)]
            more = len(block.items) - len(items)
            lines = [f"- {_line(item, longest=2000)}" for item in items]
            return "\n".join([*lines, *([f"- and {numbers.count(more)} more in {FULL_REPORT}"] if more else [])])
        case CodeBlock():
            return escape.fenced(block.text, language=block.language)
        case Table():
            return _table(block, rows=rows)
        case Details():
            return "" if block.html_only else _fold(block.summary, "", _blocks(block.blocks, rows=rows))
        case Figure():
            return ""


def _table(table: Table, *, rows: int | None) -> str:
    shown = [index for index, column in enumerate(table.columns) if not column.html_only and column.role != "plot"]
    columns = [table.columns[index] for index in shown]
    lines = [
        _row(escape.plain(column.header) for column in columns),
        _row(_ruler(column) for column in columns),
    ]
    kept = table.rows if rows is None else table.rows[:rows]
    lines += [_row(_line(row[index], in_table=True) for index in shown) for row in kept]
    more = len(table.rows) - len(kept)
    note = f"\n\nand {numbers.plural(more, 'more row')} in {FULL_REPORT}" if more else ""
    return "\n".join(lines) + note


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _ruler(column: Column) -> str:
    return "---:" if column.number else ":---"


def _line(content: Line, *, in_table: bool = False, longest: int = escape.LONGEST) -> str:
    return "".join(_inline(part, in_table=in_table, longest=longest) for part in content).strip()


def _inline(part: Inline, *, in_table: bool, longest: int) -> str:
    match part:
        case Text():
            return _text(part, longest=longest)
        case Code():
            return escape.code(part.text, in_table=in_table)
        case Badge():
            return f"{SIGNS[part.verdict]} {escape.plain(part.word or WORDS[part.verdict])}"
        case Break():
            return part.markdown
        case Plot():
            return ""


def _text(part: Text, *, longest: int) -> str:
    shown = escape.plain(part.text, longest=longest)
    if not shown:
        return " " if part.text else ""
    before = " " if part.text[0].isspace() else ""
    after = " " if part.text[-1].isspace() else ""
    return f"{before}**{shown}**{after}" if part.tone == "strong" else f"{before}{shown}{after}"


def _left_out(dropped: Sequence[Section]) -> str:
    names = "; ".join(
        f"{section.title} ({section.summary})" if section.summary else section.title
        for section in sorted(dropped, key=lambda section: -section.priority)
    )
    lead = f"Left out here to stay within the size of a comment: {escape.plain(names, longest=1200)}"
    return f"> {lead}. They are in {escape.code(FULL_REPORT)}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _bytes(text: str) -> int:
    return len(text.encode())
