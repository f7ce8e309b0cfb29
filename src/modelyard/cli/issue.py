"""The issues that tell of rollbacks and decisions: written from records, in GitHub Actions; no verdict changes by them.

A model has one open issue of decisions. It is opened when there is something to do, brought up to date after each
monitoring, commented on when the action changes, and closed when things are quiet again. Where a person closed it, it
stays closed until the action changes or, after a quiet time, something new begins.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from modelyard.cli import runner
from modelyard.core import terminal
from modelyard.core.errors import PlatformError
from modelyard.core.verdict import Verdict
from modelyard.github.client import GitHub
from modelyard.github.credentials import client_for
from modelyard.github.issues import (
    Issue,
    IssueMarker,
    PostedIssue,
    close_issue,
    open_issue,
    own_issues,
    update_issue,
    upsert_issue,
)
from modelyard.github.log import Annotation
from modelyard.records.envelope import Envelope
from modelyard.records.results import DecideResult, RollbackResult
from modelyard.report import escape, wording
from modelyard.steps.context import Context
from modelyard.steps.decide import present as decide
from modelyard.steps.prove import present as prove

_SAID = {
    "opened": "opened the issue",
    "updated": "updated the issue",
    "unchanged": "the issue says this already",
    "closed": "closed the issue",
    "closed-by-hand": "the issue was closed by hand, and stays closed until the action changes or something new begins",
}
_LOOK_BACK = timedelta(days=180)
"""How long ago an issue may have been touched last to be found once it is closed."""


def tell(context: Context, envelope: Envelope) -> None:
    """Open, update or close the issue of a record that has one; nothing for other records, and nothing locally."""
    if context.event is None or envelope.record.verdict is Verdict.ERROR:
        return
    for kind, write, lead in _TELLERS:
        found = envelope.record.find(kind)
        if found is None:
            continue
        try:
            told = write(context, envelope, found)
        except PlatformError as error:
            why = f"{context.config.model.name} {lead}; the issue about it was not written: {error}"
            terminal.put(why)
            runner.annotate([Annotation("notice", why, title=f"modelyard {envelope.record.step}")])
            return
        if told.action in _SAID:
            terminal.put(f"{_SAID[told.action]}: {told.url}")


def _client(context: Context) -> GitHub:
    assert context.event is not None  # noqa: S101 - looked at by the caller
    return client_for(context.environ, repository=context.event.repository)


def _run(context: Context) -> str:
    event = context.event
    assert event is not None  # noqa: S101 - looked at by the caller
    return f"<sub>[run {event.run_id}]({event.run_url}), attempt {event.attempt}</sub>"


def _rollback(context: Context, envelope: Envelope, moved: RollbackResult) -> PostedIssue:
    if envelope.record.verdict is not Verdict.PASS:
        return PostedIssue("none")
    model = context.config.model.name
    below = (
        f"\n**Next.** A run on the same data may make {moved.previous} again and promote it if it passes: set "
        "`mode: report-only`, or let somebody approve promotions, until the cause is mended. Then close this issue; "
        f"the next rollback opens another.\n\n{_run(context)}\n"
    )
    bare = " without proof" if moved.shown == "none" else ""
    return upsert_issue(
        _client(context),
        IssueMarker("rollback", model, (("entry", str(moved.journal)),)),
        title=f"{model}: {moved.alias} was rolled back from {moved.previous} to {moved.version}{bare}",
        markdown=prove.as_markdown(envelope, context) + below,
    )


def _decision(context: Context, envelope: Envelope, result: DecideResult) -> PostedIssue:
    client, model = _client(context), context.config.model.name
    told = (("action", result.action), ("episode", result.episode.removeprefix("sha256:")[:16]))
    marker = IssueMarker("decision", model, told if result.to_do else (("action", result.action),))
    words = wording.ACTIONS[result.action]
    held = ", held back" if result.to_do and result.action == "watch" else ""
    since = f", since the window {result.first_bad_window}" if result.first_bad_window else ""
    said: dict[str, str] = {
        "title": f"{model}: {words}{held}{since}"[:200],
        "markdown": f"{decide.as_markdown(envelope)}\n{_run(context)}\n",
    }
    known = list(own_issues(client, marker.kind, model))
    for other in known[1:]:
        text = f"Told in #{known[0].number}.\n\n{_run(context)}\n"
        close_issue(client, other, IssueMarker(marker.kind, model), **said, comment=text)
    if not known:
        return _opened(context, client, marker, said) if result.to_do else PostedIssue("none")
    comment = f"**{words.capitalize()}{held}.** {escape.plain(wording.because(result.reason))}.\n\n{_run(context)}\n"
    if result.to_do:
        changed = known[0].marker.get("action") != result.action
        return update_issue(client, known[0], marker, **said, comment=comment if changed else "")
    if result.action == "not-enough-yet":
        return update_issue(client, known[0], known[0].marker, **said)
    return close_issue(client, known[0], marker, **said, comment=comment)


def _opened(context: Context, client: GitHub, marker: IssueMarker, said: dict[str, str]) -> PostedIssue:
    """Open an issue, unless a person closed the one that said the same."""
    since = (context.now() - _LOOK_BACK).strftime("%Y-%m-%dT%H:%M:%SZ")
    closed: list[Issue] = list(own_issues(client, marker.kind, marker.model, state="closed", since=since))
    if closed and closed[-1].marker == marker:
        return PostedIssue("closed-by-hand", closed[-1].url)
    return open_issue(client, marker, **said)


_TELLERS: tuple[tuple[Any, Callable[[Context, Envelope, Any], PostedIssue], str], ...] = (
    (RollbackResult, _rollback, "is rolled back"),
    (DecideResult, _decision, "was decided on"),
)
