"""From a comment to one reply and one reaction: who may ask, what was asked, what came of it.

A stranger's comment costs at most two reads and one reaction, and no reply. What a command starts is started once
at most: the reply is written before, says that it has begun, and a job that finds such a reply starts nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from modelyard.core.reasons import Reason
from modelyard.github import people, replies
from modelyard.github.client import GitHub, GitHubError
from modelyard.github.event import Commented
from modelyard.report.replies import reply, said
from modelyard.usecases.answer.command import PULLS, Answer, Desk, PullCommand
from modelyard.usecases.answer.commands import COMMANDS
from modelyard.usecases.answer.parse import Asked, Mistake, parse

Seat = Callable[[Mapping[str, Any]], Desk]
"""Makes the desk of a command out of the comment as GitHub has it."""


@dataclass(frozen=True)
class Outcome:
    """What came of a comment, by codes; ``error`` is what GitHub would not do, once the reply says so."""

    command: str = ""
    said: str = ""
    error: GitHubError | None = None


NOTHING = Outcome()
"""There is no command in it."""


def answer(client: GitHub, comment: Commented, seat: Seat, run_url: str) -> Outcome:
    """Answer the command in a comment.

    Args:
        client: the repository.
        comment: as the event has it.
        seat: what the command works with.
        run_url: page of this job's run.

    Returns:
        What came of it; nothing is asked of GitHub where the comment holds no command.

    Raises:
        GitHubError: GitHub would not say who asked, or would not take the reply.
    """
    if not (comment.written and comment.on_pull and comment.by_person):
        return NOTHING
    asked = parse(comment.body)
    if asked is None:
        return NOTHING
    name = asked.command.name if isinstance(asked, Asked) else ""
    now = client.find(f"issues/comments/{comment.id}", needs=PULLS)
    if now is None or not _is_same(now, comment):
        return Outcome(name, "comment-changed")
    if not people.may_write(client, str((now.get("user") or {}).get("login") or "")):
        _react(client, comment.id, "-1")
        return Outcome(name, "no-right")
    known = replies.find(client, comment.number, comment.id, str(now["created_at"]))
    if known is not None and known.state == "done":
        return Outcome(name, "answered-already")
    if known is not None:
        return _finish(client, comment, known, name, Answer(said("interrupted")))
    if isinstance(asked, Mistake):
        return _finish(client, comment, None, "", Answer(said(asked.kind)))
    if asked.command.acts:
        known = replies.write(client, comment.number, comment.id, "begun", _text(said("begun")), None)
    found, error = _carried_out(asked.command, seat(now), asked.argument, run_url)
    return _finish(client, comment, known, name, found, error)


def _is_same(now: Mapping[str, Any], comment: Commented) -> bool:
    """Return whether the comment still says what the event's payload says, on the same pull request."""
    where = str(now.get("issue_url") or "")
    return now.get("body") == comment.body and where.endswith(f"/issues/{comment.number}")


def _carried_out(command: PullCommand, desk: Desk, argument: str, run_url: str) -> tuple[Answer, GitHubError | None]:
    try:
        return command.answer(desk, argument), None
    except GitHubError as error:
        code = "lost" if error.lost and command.acts else "refused"
        return Answer(said(code, status=error.status, url=run_url)), error


def _finish(
    client: GitHub,
    comment: Commented,
    known: replies.Reply | None,
    name: str,
    found: Answer,
    error: GitHubError | None = None,
) -> Outcome:
    """Write the reply, and react."""
    replies.write(client, comment.number, comment.id, "done", _text(found.reason, found.quoted), known)
    _react(client, comment.id, "+1" if found.done else "confused")
    return Outcome(name, found.reason.code, error)


def _react(client: GitHub, comment: int, content: people.Reaction) -> None:
    """React; the reply says it all, so a reaction that GitHub does not take changes nothing."""
    try:
        people.react(client, comment, content)
    except GitHubError:
        return


def _text(reason: Reason, quoted: str = "") -> str:
    return reply(reason, {f"/modelyard {each.usage}": each.does for each in COMMANDS}, quoted=quoted)
