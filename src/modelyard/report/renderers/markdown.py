"""The document as GitHub Markdown under a budget of bytes: short on top, details folded.

Where it would be too long, the sections of lowest priority are left out whole and named in the text, and only where
that is not enough are rows of the remaining tables, worst first, cut with a count of what is missing.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from modelyard.core.verdict import Verdict
from modelyard.report import compose, escape, numbers
from modelyard.report.document import (
    Badge,
    Block,
    CodeBlock,
    Column,
    Details,
    Document,
    Line,
    Link,
    Section,
    Table,
    Text,
)
from modelyard.report.registry import Records
from modelyard.report.renderers.walk import PARAGRAPH, TextRenderer
from modelyard.report.verdict_style import SEVERITY, SIGNS, WORDS

_NUMBERED = re.compile(r"[a-z]{1,10} \d{1,20}")
WHOLE = "the report's page"
"""What has everything; where it is, the second line says, where anybody knows."""
_MOST_ROWS = 1000
"""Rows of a table that are tried first; more do not fit into any budget."""
_ROW_LIMITS = (200, 50, 20, 5, 1)


def render_markdown(records: Records, *, budget: int = 60_000, about: compose.About | None = None) -> str:
    """Render GitHub Markdown of at most ``budget`` bytes: verdict and gates on top, the rest folded.

    Args:
        records: the records of a run, any of them.
        budget: bytes of UTF-8; GitHub takes 65,536 characters in a comment.
        about: what a comment knows beside the records.

    Raises:
        ValueError: the budget is under 2,000 bytes.
    """
    if budget < 2000:
        raise ValueError(f"a report needs at least 2,000 bytes, not {budget}")
    return _within(compose.comment(records, about), budget)


def _within(document: Document, budget: int, *, inner: bool = False) -> str:
    """Return a document in so many bytes; ``inner``: without its title and footer, inside of another comment."""
    pages = _Pages(document, inner=inner)
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


def render_unjudged(model: str, about: compose.About) -> str:
    """Render what is said of a commit whose run left no record that can be read.

    Args:
        model: its name; ``*`` for all of them.
        about: the commit and the run.
    """
    named = "" if model == "*" else f" · {escape.code(model)}"
    parts = [
        f"## {SIGNS[Verdict.ERROR]} {_capital(Verdict.ERROR.words)}{named}",
        "The run ended before it kept a record that can be read, so there is no verdict on this commit; its log tells.",
        _WHOLE.line(compose.second_line((), {}, about)),
        _footer(compose.below((), Verdict.ERROR.words, about)),
    ]
    return "\n\n".join(parts) + "\n"


def render_merged(
    models: Mapping[str, tuple[Records, compose.About]], about: compose.About, verdict: Verdict, *, budget: int
) -> str:
    """Render one comment on several models: a line each, worst first, and a fold each as far as there is room.

    Args:
        models: name to records, and what is known beside them; no records where a run left none.
        about: what is known of the run of all.
        verdict: of all.
        budget: bytes of UTF-8.
    """
    documents = {model: compose.comment(records, its) if records else None for model, (records, its) in models.items()}
    order = sorted(models, key=lambda model: (SEVERITY[_verdict_of(documents[model])], model))
    heads = [_line_of(model, documents[model], models[model][1]) for model in order]
    counted = numbers.plural(len(models), "model")
    bad = [model for model in order if _verdict_of(documents[model]) is verdict]
    of = f"{len(bad)} of {counted}" if len(bad) < len(models) else counted
    parts = [f"## {SIGNS[verdict]} {_capital(verdict.words)} · {of}"]
    second = _WHOLE.line(compose.second_line((), {}, about))
    note = f"> {escape.plain(about.note, longest=PARAGRAPH)}" if about.note else ""
    footer = _footer(compose.below((), verdict.words, about))
    fixed = "\n\n".join([*parts, second, note, "", footer]) + "\n"
    left = budget - _bytes(fixed)
    kept: list[str] = []
    for head in heads:
        if _bytes(head) + 60 > left:
            kept.append(f"- and {numbers.count(len(heads) - len(kept))} more")
            break
        kept.append(head)
        left -= _bytes(head) + 1
    folds: list[str] = []
    for at, model in enumerate(order):
        document = documents[model]
        room = left // max(1, len(order) - at) - 200
        if document is None or room < 2_000:
            continue
        text = _within(document, room, inner=True)
        fold = _fold(f"{SIGNS[document.headline.verdict]} {document.model}", _capital(document.headline.words), text)
        folds.append(fold)
        left -= _bytes(fold) + 2
    return "\n\n".join(part for part in [*parts, "\n".join(kept), second, note, *folds, footer] if part) + "\n"


def _verdict_of(document: Document | None) -> Verdict:
    return Verdict.ERROR if document is None else document.headline.verdict


def _line_of(model: str, document: Document | None, about: compose.About) -> str:
    verdict = _verdict_of(document)
    if document is None:
        return f"- {SIGNS[verdict]} **{_capital(verdict.words)}** · {escape.code(model)} · its run left no record"
    where = f" · {_WHOLE.link(Link('report', about.report))}" if escape.address(about.report) else ""
    return (
        f"- {SIGNS[verdict]} **{_capital(document.headline.words)}** · {escape.code(model)} · {_lead(document)}{where}"
    )


class _Pages:
    """A document with fewer and fewer sections and rows; each section is rendered once for each number of rows."""

    def __init__(self, document: Document, *, inner: bool = False) -> None:
        self._footer = "" if inner or not document.footer else _footer(document.footer)
        self._head = _head(document)[1:] if inner else _head(document)
        self._rendered: dict[tuple[str, int], str] = {}

    def whole(self, kept: Sequence[Section], dropped: Sequence[Section], *, rows: int = _MOST_ROWS) -> str:
        parts = [*self._head, *(self._section(section, rows) for section in kept)]
        if dropped:
            parts.append(_left_out(dropped))
        parts.append(self._footer)
        return "\n\n".join(part for part in parts if part) + "\n"

    def _section(self, section: Section, rows: int) -> str:
        known = self._rendered.get((section.key, rows))
        if known is None:
            known = self._rendered[section.key, rows] = _section(section, _Markdown(rows))
        return known


def _footer(content: Line) -> str:
    return f"<sub>{_WHOLE.line(content)}</sub>"


def _head(document: Document) -> list[str]:
    head = document.headline
    title = f"## {SIGNS[head.verdict]} {_capital(head.words)} · {escape.code(document.model)}"
    notes = [f"> {_WHOLE.line(note, longest=PARAGRAPH)}" for note in document.notes]
    return [title, _lead(document), _WHOLE.line(document.under), *notes]


def _lead(document: Document) -> str:
    head = document.headline
    return _WHOLE.line(head.lead or (Text(head.sentence),), longest=1200)


def _head_only(document: Document) -> str:
    head = document.headline
    title = f"## {SIGNS[head.verdict]} {_capital(head.words)}"
    under = _WHOLE.line(document.under)
    return f"{title}\n\n{_lead(document)}\n\n{under}\n" if under else f"{title}\n\n{_lead(document)}\n"


def _section(section: Section, renderer: "_Markdown") -> str:
    body = "\n\n".join(renderer.blocks(section.blocks))
    if not section.folded:
        return f"### {escape.plain(section.title)}\n\n{body}" if section.title else body
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

    def link(self, link: Link) -> str:
        # A number of ours, such as a run's: no address is made of digits within a link, which a break would mend.
        own = _NUMBERED.fullmatch(link.text)
        shown = escape.code(link.text) if link.code else link.text if own else escape.plain(link.text)
        where = escape.address(link.address)
        linked = f"[{shown}]({where})" if where else shown
        return f"**{linked}**" if link.strong else linked

    def paragraph(self, text: str, *, note: bool) -> str:
        return f"> {text}" if note else text

    def listing(self, items: Sequence[str], *, more: int) -> str:
        lines = [f"- {item}" for item in items]
        return "\n".join([*lines, *([f"- and {numbers.count(more)} more in {WHOLE}"] if more else [])])

    def code_block(self, block: CodeBlock) -> str:
        return escape.fenced(block.text, language=block.language)

    def table(self, caption: str, columns: Sequence[Column], rows: Sequence[Sequence[str]], *, more: int) -> str:  # noqa: ARG002 - the caption is a heading of a page alone
        heads = [escape.plain(column.header) for column in columns]
        rulers = [":---:" if column.centre else "---:" if column.number else ":---" for column in columns]
        note = f"\n\nand {numbers.plural(more, 'more row')} in {WHOLE}" if more else ""
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
    return f"> {lead}. They are in {WHOLE}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _bytes(text: str) -> int:
    return len(text.encode())
