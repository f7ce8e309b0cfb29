"""The report's files for other tools: JUnit, SARIF and a badge; they follow from the records and count for nothing."""

from collections.abc import Mapping

from modelyard import __version__
from modelyard.records.envelope import Envelope, Step
from modelyard.report.cases import cases
from modelyard.report.renderers.badge import render_badge
from modelyard.report.renderers.junit import render_junit
from modelyard.report.renderers.sarif import render_sarif
from modelyard.steps.context import Context
from modelyard.steps.places import places


def files_for_tools(context: Context, records: Mapping[Step, Envelope]) -> dict[str, str]:
    """Return each file by its name in the run folder."""
    model = context.config.model
    found = cases(records, places(context))
    return {
        "report.junit.xml": render_junit(found, model=model.name),
        "report.sarif": render_sarif(found, model=model.name, version=__version__),
        "badge.json": render_badge(records, model=model.name, metric=model.metric or ""),
    }
