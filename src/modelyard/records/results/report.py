"""The rendered files of a report."""

from typing import Annotated

from modelyard.core.verdict import Verdict
from modelyard.records.results.kind import RecordKind
from modelyard.records.results.part import CIRCUMSTANCE, Digest, Part


class ReportResult(Part):
    """The rendered files."""

    markdown: str
    html: str
    markdown_digest: Annotated[Digest, CIRCUMSTANCE]
    html_digest: Annotated[Digest, CIRCUMSTANCE]


REPORT = RecordKind("report", 50, ReportResult, accepts=frozenset(Verdict))
