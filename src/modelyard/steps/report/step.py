"""report: Markdown and one self-contained HTML file, from the records alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import modelyard.records.results as r
from modelyard.core.errors import DataError
from modelyard.core.files import sha256_bytes, write_atomic
from modelyard.core.verdict import Verdict
from modelyard.records.envelope import Envelope, Step
from modelyard.records.results import ReportResult, in_order
from modelyard.records.store import RunRecords
from modelyard.steps.context import Context
from modelyard.steps.declaration import TOKEN, Inputs, JudgedInputs, Outputs, StepSpec
from modelyard.steps.definition import FollowUp, Outcome, Stage, StepDefinition
from modelyard.steps.report.for_tools import files_for_tools
from modelyard.steps.report.present import ReportPresenter


class ReportInputs(JudgedInputs):
    """Inputs of report."""

    part: Literal["render", "comment"] = "render"
    """render: write the report's files. comment: in GitHub Actions, render the records anew and comment on the pull
    request; needs no checkout."""
    comment: Literal["always", "on-change", "on-failure", "off", "true", "false"] = "always"
    """When to comment on a pull request: always; on-change, where there was anything to judge; on-failure, where the
    verdict is not promote; off. A comment that is there is brought up to date. true is always, false is off."""
    report_url: str = ""
    """Address of the report's page for the comment's link: the output artifact-url of the step that uploaded it. Of
    several models a line each, `name=address`."""
    merged: bool = False
    """One comment on all models; run-dir is then a folder with a run folder for each."""
    models: str = ""
    """Names of the models that a merged comment must speak of, as a JSON list; one without records could not be
    judged."""


class ReportOutputs(Outputs):
    """Outputs of report."""

    report_page: str = ""
    """In GitHub Actions, the report under a name of its own, report-<model>.html: uploaded as one file it opens in the
    browser."""


SPEC = StepSpec(
    name="report",
    summary="Render the records as Markdown and as one self-contained HTML file, or comment on the pull request.",
    example="modelyard report",
    inputs=ReportInputs,
    outputs=ReportOutputs,
    permissions={"pull-requests": "write"},
    permissions_of_part={"": {}, "render": {}},
    permissions_on_event={"workflow_run": {"contents": "read", "actions": "read"}},
    environment="carry",
    secrets=(TOKEN,),
)


def shown_steps() -> tuple[Step, ...]:
    """Return the steps whose records a report shows: those of the run before it."""
    return tuple(kind.name for kind in in_order() if kind.of_run and kind.order < r.REPORT.order)


def shown_records(known: RunRecords) -> dict[Step, Envelope]:
    """Return the records of this run: detect, and those that build on it.

    A changed one is an error, a missing one is not.

    A record that builds on another detect record is an earlier run's, about other data, and is left out; an error that
    came before it could name any is not.
    """
    found = {step: known.read(step) for step in shown_steps() if known.exists(step)}
    detected = found.get(r.DETECT.name)
    return {
        step: envelope
        for step, envelope in found.items()
        if detected is None
        or step == r.DETECT.name
        or detected.link in envelope.record.builds_on
        or (envelope.record.problem is not None and not envelope.record.builds_on)
    }


def page_of(run_dir: Path, model: str) -> Path:
    """Return where the page stands under a name of its own, by which an artifact of one file is called."""
    return run_dir / f"report-{model}.html"


def reads(context: Context, _inputs: Inputs) -> Mapping[str, Any]:
    """Return the records."""
    return {step: envelope.digest for step, envelope in shown_records(context.records).items()}


def run(context: Context, _inputs: Inputs) -> Outcome:
    """Render and write both files."""
    from modelyard.report.renderers.html import render_html
    from modelyard.report.renderers.markdown import render_markdown

    records = shown_records(context.records)
    if not records:
        raise DataError(
            f"{context.run_dir.name} holds no records to report on",
            code="report/no-records",
            hint="Run `modelyard run` first.",
        )
    markdown, html = render_markdown(records).encode(), render_html(records).encode()
    write_atomic(context.run_dir / "report.md", markdown)
    write_atomic(context.run_dir / "report.html", html)
    for name, text in files_for_tools(context, records).items():
        write_atomic(context.run_dir / name, text.encode())
    if context.event is not None:
        write_atomic(page_of(context.run_dir, context.config.model.name), html)
    result = ReportResult(
        markdown="report.md",
        html="report.html",
        markdown_digest=sha256_bytes(markdown),
        html_digest=sha256_bytes(html),
    )
    return Outcome(result, Verdict.PASS)


def _files_are_there(run_dir: Path, envelope: Envelope) -> bool:
    made = envelope.record.read(ReportResult)
    return all((run_dir / name).is_file() for name in (made.markdown, made.html))


REPORT = StepDefinition(
    SPEC,
    r.REPORT,
    (),
    reads,
    run,
    ReportPresenter(),
    sums_up=True,
    reads_data=False,
    stage=Stage(
        whatever_came_before=True,
        follow_up=FollowUp(
            "comment",
            "inputs.comment != 'off' && inputs.comment != 'false' && github.event_name == 'pull_request'",
            {"part": "comment", "report-url": "", "merged": "", "models": ""},
        ),
    ),
    intact=_files_are_there,
)
