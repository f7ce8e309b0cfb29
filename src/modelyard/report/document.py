"""The document that sections produce and both renderings read: text in pieces, tables, code, folds and charts.

Every string in it is taken for hostile, our own words included, so no piece of text has a way around the escaping.
The one exception is ``Plot.svg``, which only :mod:`modelyard.report.charts` makes.
"""

from dataclasses import dataclass, field
from typing import Literal

from modelyard.core.verdict import Verdict

MOST_ROWS = 10_000
"""Rows of a table or a list that a page shows; what a record holds beyond that is counted."""


@dataclass(frozen=True)
class Text:
    """Running text; ``tone`` is its weight on the page."""

    text: str
    tone: Literal["", "strong", "muted"] = ""


@dataclass(frozen=True)
class Code:
    """A name or value from outside, shown in fixed width."""

    text: str


@dataclass(frozen=True)
class Badge:
    """A verdict, by shape and word; ``word`` replaces the usual one."""

    verdict: Verdict
    word: str = ""


@dataclass(frozen=True)
class Plot:
    """A small chart as inline SVG, for HTML only."""

    svg: str


@dataclass(frozen=True)
class Break:
    """A new line within a cell; Markdown joins the two with ``markdown``, which is a constant of ours."""

    markdown: str = " · "


@dataclass(frozen=True)
class Shade:
    """A cell's text on a ground as dark as ``level`` says, 0 to 5; ``worse`` is the ground of what grew worse."""

    text: str
    level: int
    worse: bool = False
    below: str = ""
    """A second line, smaller."""


@dataclass(frozen=True)
class Link:
    """A link of the comment, to a page of the repository's own; the page of the report has none.

    What ``escape.address`` refuses is shown as its text alone.
    """

    text: str
    address: str
    strong: bool = False
    code: bool = False


Inline = Text | Code | Badge | Plot | Break | Shade | Link
Line = tuple[Inline, ...]


def line(*parts: Inline | str) -> Line:
    """Build a line from pieces; a bare string is running text."""
    return tuple(Text(part) if isinstance(part, str) else part for part in parts)


@dataclass(frozen=True)
class Paragraph:
    """A paragraph; ``note`` sets it apart as something the reader must not miss."""

    content: Line
    note: bool = False


@dataclass(frozen=True)
class Listing:
    """A bullet list."""

    items: tuple[Line, ...]
    markdown_only: bool = False
    more: int = 0
    """Items that only the record holds."""


@dataclass(frozen=True)
class CodeBlock:
    """Lines to copy or an output to read, in fixed width."""

    text: str
    language: str = "text"


@dataclass(frozen=True)
class Column:
    """A column of a table; ``role`` says where a narrow screen puts it.

    A lead and a plot take a whole line, a verdict stands at the end of the lead's.
    """

    header: str
    role: Literal["lead", "verdict", "value", "plot"] = "value"
    number: bool = False
    centre: bool = False
    header_plot: Plot | None = None
    html_only: bool = False
    markdown_only: bool = False


@dataclass(frozen=True)
class Table:
    """A table. ``stacked`` ones become a stack of cards on a narrow screen; the others scroll within themselves."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Line, ...], ...]
    stacked: bool = False
    row_verdicts: tuple[Verdict, ...] = ()
    more: int = 0
    """Rows that only the record holds."""
    before_fold: int = 12
    """Rows that a page shows; the others are in a fold below."""
    matrix: bool = False
    """The first cell of a row is its heading, and the others are narrow."""


@dataclass(frozen=True)
class Figure:
    """A chart that stands alone, with its caption; HTML only."""

    plot: Plot
    caption: str


@dataclass(frozen=True)
class Gallery:
    """Figures side by side, as many as fit; HTML only."""

    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Details:
    """A fold. ``open`` is for HTML; Markdown always folds it."""

    summary: str
    blocks: "tuple[Block, ...]"
    open: bool = False
    html_only: bool = False


Block = Paragraph | Listing | CodeBlock | Table | Figure | Gallery | Details


@dataclass(frozen=True)
class Section:
    """A part of the report that is shown whole or not at all. The lowest ``priority`` is left out first."""

    key: str
    title: str
    summary: str
    """One line that stands for the section where it is folded or left out."""
    blocks: tuple[Block, ...]
    priority: int
    folded: bool = True
    """Folded in Markdown; HTML folds only what says ``html_folded``."""
    html_folded: bool = False
    html_only: bool = False
    after: str = "curves"
    """Key of the section that it comes after, where its own key has no place of its own in ``ORDER``."""


ORDER = (
    "problem",
    "moved",
    "proof",
    "rules",
    "gates",
    "validation!",
    "checks",
    "models",
    "slices",
    "discovered",
    "flips",
    "curves",
    "wear",
    "training",
    "validation",
    "changed",
    "made",
    "reproduce",
)
"""The sections of a report in their order; ``validation!`` is one that a reader must see."""


def place(section: Section) -> float:
    """Return the place of a section among the others."""
    key = section.key.partition("-")[0]
    if key == "validation" and not section.folded:
        key = "validation!"
    return ORDER.index(key) if key in ORDER else ORDER.index(section.after) + 0.5


@dataclass(frozen=True)
class Tile:
    """One of the few numbers at the head of the HTML report."""

    label: str
    value: str
    detail: str
    verdict: Verdict | None = None
    """The one that it decided."""


@dataclass(frozen=True)
class Headline:
    """The verdict of the run in words, and why, in one sentence."""

    verdict: Verdict
    words: str
    sentence: str
    lead: Line = ()
    """The same sentence, with what decides set apart; the first line of a comment."""


@dataclass(frozen=True)
class Document:
    """A whole report."""

    model: str
    headline: Headline
    origin: Line = ()
    """Where a page comes from, in one line: when, which commit, run, champion and rows."""
    under: Line = ()
    """The second line: where to read on, and what the verdict is about."""
    notes: tuple[Line, ...] = ()
    tiles: tuple[Tile, ...] = ()
    sections: tuple[Section, ...] = ()
    footer: Line = field(default_factory=tuple)
