"""The document as one self-contained HTML file: no script, no address, its own style, light and dark."""

from functools import cache
from typing import TYPE_CHECKING, Any

from modelyard.core.verdict import Verdict
from modelyard.report import charts, compose, escape, numbers
from modelyard.report.document import MOST_ROWS
from modelyard.report.registry import Records
from modelyard.report.verdict_style import CLASSES, WORDS

if TYPE_CHECKING:
    from jinja2 import Environment


def render_html(records: Records) -> str:
    """Render one HTML file that needs nothing else: inline style and charts, no script, no address.

    Every text goes through Jinja's autoescaping, and only our own charts are let in as markup.
    """
    return _environment().get_template("report.html.j2").render(document=compose.document(records))


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    def svg(markup: str) -> Markup:
        return Markup(markup)  # noqa: S704 - written by charts.py through an element tree, which escapes # nosec B704

    def mark(verdict: Verdict) -> Markup:
        shape = charts.verdict_mark(verdict)
        return Markup(shape)  # noqa: S704 - a constant shape # nosec B704

    filters: dict[str, Any] = {
        "kind": lambda value: type(value).__name__,
        "clean": lambda text, longest=2000: escape.clean(text, longest=longest),
        "spaced": lambda text: escape.spaced(text, escape.clean(text, longest=2000)),
        "block": escape.clean_block,
        "count": numbers.count,
        "svg": svg,
        "mark": mark,
        "word": WORDS.__getitem__,
        "tone": CLASSES.__getitem__,
    }
    environment = Environment(
        loader=PackageLoader("modelyard.report", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters.update(filters)
    environment.globals["most"] = MOST_ROWS
    return environment
