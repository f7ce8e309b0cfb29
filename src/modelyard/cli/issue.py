"""The issue that tells of a rollback: written from its records, in GitHub Actions; it never changes the verdict."""

from modelyard.cli import runner
from modelyard.core import terminal
from modelyard.core.errors import PlatformError
from modelyard.core.verdict import Verdict
from modelyard.github.credentials import client_for
from modelyard.github.issues import IssueMarker, PostedIssue, upsert_issue
from modelyard.github.log import Annotation
from modelyard.records.envelope import Envelope
from modelyard.records.results import RollbackResult
from modelyard.steps.context import Context
from modelyard.steps.prove.present import as_markdown

_SAID = {"opened": "opened the issue", "updated": "updated the issue", "unchanged": "the issue says this already"}


def tell(context: Context, envelope: Envelope) -> None:
    """Open or update the issue of a rollback that moved an alias; nothing for other records, and nothing locally."""
    if context.event is None or envelope.record.verdict is not Verdict.PASS:
        return
    moved = envelope.record.find(RollbackResult)
    if moved is None:
        return
    try:
        told = _write(context, envelope, moved)
    except PlatformError as error:
        why = f"{context.config.model.name} is rolled back; the issue about it was not written: {error}"
        terminal.put(why)
        runner.annotate([Annotation("notice", why, title="modelyard rollback")])
        return
    terminal.put(f"{_SAID[told.action]}: {told.url}")


def _write(context: Context, envelope: Envelope, moved: RollbackResult) -> PostedIssue:
    event, model = context.event, context.config.model.name
    assert event is not None  # noqa: S101 - looked at by the caller
    client = client_for(context.environ, repository=event.repository)
    run = f"<sub>[run {event.run_id}]({event.run_url}), attempt {event.attempt}</sub>"
    below = (
        f"\n**Next.** A run on the same data may make {moved.previous} again and promote it if it passes: set "
        "`mode: report-only`, or let somebody approve promotions, until the cause is mended. Then close this issue; "
        f"the next rollback opens another.\n\n{run}\n"
    )
    bare = " without proof" if moved.shown == "none" else ""
    return upsert_issue(
        client,
        IssueMarker(model, moved.journal),
        title=f"{model}: {moved.alias} was rolled back from {moved.previous} to {moved.version}{bare}",
        markdown=as_markdown(envelope, context) + below,
    )
