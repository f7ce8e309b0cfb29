"""Records in, a report out: Markdown for a comment, HTML for whoever wants to see all of it. Nothing else is read."""

from modelyard.report import steps as steps
from modelyard.report.conclusion import headline
from modelyard.report.document import Headline
from modelyard.report.registry import REPORTS, Records, StepReport
from modelyard.report.renderers.html import render_html
from modelyard.report.renderers.markdown import render_markdown

__all__ = ["REPORTS", "Headline", "Records", "StepReport", "headline", "render_html", "render_markdown"]
