"""``modelyard answer``: the command in the comment that started this job of GitHub Actions."""

import os
from collections.abc import Mapping
from typing import Any

from modelyard.cli import runner
from modelyard.cli.flags import Command
from modelyard.cli.views import gate
from modelyard.core import terminal
from modelyard.core.errors import OK, ConfigError
from modelyard.github.credentials import client_for
from modelyard.github.event import read_event
from modelyard.usecases.answer.answer import answer
from modelyard.usecases.answer.command import Desk
from modelyard.usecases.answer.spec import AnswerInputs


def run(_command: Command, given: Mapping[str, str], _positional: list[str]) -> int:
    """Answer it; a comment without a command, or of somebody who may not ask, is no fault."""
    event, inputs = read_event(os.environ), AnswerInputs.from_strings(given)
    comment = None if event is None else event.comment
    if event is None or comment is None:
        raise ConfigError(
            "there is no comment to answer" + (f": this is {event.name}" if event else " locally"),
            code="github/needs-comment",
            hint="Run it in a workflow on: issue_comment, as the template ml-commands does.",
        )
    client = client_for(os.environ, repository=event.repository)

    def seat(now: Mapping[str, Any]) -> Desk:
        return Desk(
            client=client,
            inputs=inputs,
            number=comment.number,
            branch=event.ref.removeprefix("refs/heads/"),
            author=str(now["user"]["login"]),
            asked=str(now["created_at"]),
            url=str(now["html_url"]),
            story=gate.story,
        )

    outcome = answer(client, comment, seat, event.run_url)
    terminal.put(f"{outcome.command or 'no command'}: {outcome.said or 'nothing to answer'}")
    runner.outputs({"command": outcome.command, "answer": outcome.said})
    if outcome.error is not None:
        raise outcome.error
    return OK
