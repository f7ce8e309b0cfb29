"""report, presented: the files, and the report itself as the step summary."""

from typing import Any

from modelyard.records.envelope import Envelope
from modelyard.records.results import ReportResult
from modelyard.steps.presenter import Plain


class ReportPresenter(Plain[ReportResult]):
    """Where the report is."""

    def facts(self, result: ReportResult) -> str:
        """Return the names of the files."""
        return f"{result.markdown}, {result.html}"

    def files(self, result: ReportResult) -> tuple[str, ...]:
        """Return the page."""
        return (result.html,)

    def summary(self, envelope: Envelope, context: Any, line: str) -> str:
        """Return the report."""
        path = context.run_dir / "report.md"
        return path.read_text("utf-8") if path.is_file() else super().summary(envelope, context, line)
