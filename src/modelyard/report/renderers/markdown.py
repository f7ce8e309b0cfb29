"""The document as GitHub Markdown under a budget of bytes: short on top, details folded.

Where it would be too long, the sections of lowest priority are left out whole and named in the text, and only where
that is not enough are rows of the remaining tables, worst first, cut with a count of what is missing.
"""

from collections.abc import Iterable, Sequence

from modelyard.core.verdict import Verdict
from modelyard.report import compose, escape, numbers
from modelyard.report.document import (
    Badge,
    Block,
    CodeBlock,
    Column,
    Details,
    Document,
    Section,
    Table,
    Text,
)
from modelyard.report.registry import Records
from modelyard.report.renderers.walk import PARAGRAPH, TextRenderer
from modelyard.report.verdict_style import SIGNS, WORDS

FULL_REPORT = "report.html"
_MOST_ROWS = 1000
"""Rows of a table that are tried first; more do not fit into any budget."""
_ROW_LIMITS = (200, 50, 20, 5, 1)


def render_markdown(records: Records, *, budget: int = 60_000) -> str:
    """Render GitHub Markdown of at most ``budget`` bytes: verdict and gates on top, the rest folded.

    Args:
        records: the records of a run, any of them.
        budget: bytes of UTF-8; GitHub takes 65,536 characters in a comment.

    Raises:
        ValueError: the budget is under 2,000 bytes.
    """
    document = compose.document(records)
    if budget < 2000:
        raise ValueError(f"a report needs at least 2,000 bytes, not {budget}")
    pages = _Pages(document)
    kept = [section for section in document.sections if not section.html_only]
    dropped: list[Section] = []
    text = pages.whole(kept, dropped)
    while _bytes(text) > budget:
        least = min(kept, key=lambda section: section.priority, default=None)
        if least is None or least.priority >= 80:
            break
        kept.remove(least)
        dropped.append(least)
        text = pages.whole(kept, dropped)
    for rows in _ROW_LIMITS:
        if _bytes(text) <= budget:
            return text
        text = pages.whole(kept, dropped, rows=rows)
    while _bytes(text) > budget and kept:
        least = min(kept, key=lambda section: section.priority)
        kept.remove(least)
        dropped.append(least)
        text = pages.whole(kept, dropped, rows=_ROW_LIMITS[-1])
    return text if _bytes(text) <= budget else _head_only(document)


def render_page(title: str, blocks: Iterable[Block]) -> str:
    """Render a title and blocks as GitHub Markdown, whole: a page of its own, not a report."""
    parts = [f"## {escape.plain(title)}"]
    for block in blocks:
        caption = f"### {escape.plain(block.caption)}\n\n" if isinstance(block, Table) and block.caption else ""
        if text := _WHOLE.block(block):
            parts.append(caption + text)
    return "\n\n".join(parts)


def render_unjudged(model: str, head: str, run_page: str) -> str:
    """Render what is said of a commit whose run left no record that can be read.

    Args:
        model: its name.
        head: the commit.
        run_page: address of the run, from GitHub's own numbers.
    """
    verdict = Verdict.ERROR
    return (
        f"## {SIGNS[verdict]} {_capital(verdict.words)} · {escape.code(model)}\n\n"
        f"The run for {escape.code(head[:12])} ended before it kept a record that can be read, so there is no verdict "
        f"on this commit. [Its log]({run_page}) says why.\n"
    )


class _Pages:
    """A document with fewer and fewer sections and rows; each section is rendered once for each number of rows."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._head = _head(document)
        self._rendered: dict[tuple[str, int], str] = {}

    def whole(self, kept: Sequence[Section], dropped: Sequence[Section], *, rows: int = _MOST_ROWS) -> str:
        parts = [*self._head, *(self._section(section, rows) for section in kept)]
        if dropped:
            parts.append(_left_out(dropped))
        if self._document.footer:
            parts.append(_WHOLE.line(self._document.footer))
        return "\n\n".join(part for part in parts if part) + "\n"

    def _section(self, section: Section, rows: int) -> str:
        known = self._rendered.get((section.key, rows))
        if known is None:
            known = self._rendered[section.key, rows] = _section(section, _Markdown(rows))
        return known


def _head(document: Document) -> list[str]:
    head = document.headline
    title = f"## {SIGNS[head.verdict]} {_capital(head.words)} · {escape.code(document.model)}"
    notes = [f"> {_WHOLE.line(note, longest=PARAGRAPH)}" for note in document.notes]
    return [title, escape.plain(head.sentence, longest=1200), *notes]


def _head_only(document: Document) -> str:
    head = document.headline
    title = f"## {SIGNS[head.verdict]} {_capital(head.words)}"
    return f"{title}\n\n{escape.plain(head.sentence)}\n\nEverything else is in {FULL_REPORT}.\n"


def _section(section: Section, renderer: "_Markdown") -> str:
    body = "\n\n".join(renderer.blocks(section.blocks))
    if not section.folded:
        return f"### {escape.plain(section.title)}\n\n{body}"
    return _fold(section.title, section.summary, body)


def _fold(title: str, summary: str, body: str) -> str:
    # The line of a summary is HTML, where Markdown is not read: escape.html leaves nothing of either.
    words = escape.html(f"{title} · {summary}" if summary else title)
    return f"<details><summary>{words}</summary>\n\n{body}\n\n</details>"


class _Markdown(TextRenderer):
    """GitHub Markdown; of a table or a list, at most so many rows."""

    def text(self, part: Text, *, longest: int) -> str:
        shown = escape.plain(part.text, longest=longest)
        return f"**{shown}**" if shown and part.tone == "strong" else shown

    def code(self, text: str, *, in_table: bool) -> str:
        return escape.code(text, in_table=in_table)

    def badge(self, badge: Badge) -> str:
        return f"{SIGNS[badge.verdict]} {escape.plain(badge.word or WORDS[badge.verdict])}"

    def paragraph(self, text: str, *, note: bool) -> str:
        return f"> {text}" if note else text

    def listing(self, items: Sequence[str], *, more: int) -> str:
        lines = [f"- {item}" for item in items]
        return "\n".join([*lines, *([f"- and {numbers.count(more)} more in {FULL_REPORT}"] if more else [])])

    def code_block(self, block: CodeBlock) -> str:
        return escape.fenced(block.text, language=block.language)

    def table(self, caption: str, columns: Sequence[Column], rows: Sequence[Sequence[str]], *, more: int) -> str:  # noqa: ARG002 - the caption is a heading of a page alone
        heads = [escape.plain(column.header) for column in columns]
        rulers = ["---:" if column.number else ":---" for column in columns]
        note = f"\n\nand {numbers.plural(more, 'more row')} in {FULL_REPORT}" if more else ""
        return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, rulers, *rows)) + note

    def details(self, block: Details) -> str:
        return "" if block.html_only else _fold(block.summary, "", "\n\n".join(self.blocks(block.blocks)))


_WHOLE = _Markdown()


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
