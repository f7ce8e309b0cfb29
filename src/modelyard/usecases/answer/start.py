"""``promote``, ``rollback`` and ``retrain``: each starts a workflow, which proves, judges and waits for approval."""

import re
from collections.abc import Mapping
from typing import ClassVar

from modelyard.github import dispatch
from modelyard.report.replies import said
from modelyard.usecases.answer.command import Answer, Desk, PullCommand


def _start(desk: Desk, workflow: str, inputs: Mapping[str, str]) -> Answer:
    started = dispatch.start(desk.client, workflow, desk.branch, {**inputs, "reason": desk.reason})
    return Answer(said("started", workflow=workflow, url=started.url or "-"), done=True)


class Promote(PullCommand):
    """Point the alias at a version that there is."""

    name = "promote"
    usage = "promote v7"
    does = "starts the workflow that proves version v7 and, once approved, makes it the champion"
    argument: ClassVar[re.Pattern[str] | None] = re.compile(r"v[1-9][0-9]{0,8}")

    def answer(self, desk: Desk, argument: str) -> Answer:
        """Start the workflow with that version."""
        return _start(desk, desk.inputs.rollback_workflow, {"to": argument})


class Rollback(PullCommand):
    """Go back to the version before."""

    name = "rollback"
    usage = "rollback"
    does = "starts the workflow that proves the version before and, once approved, goes back to it"

    def answer(self, desk: Desk, argument: str) -> Answer:
        """Start the workflow without a version."""
        del argument
        return _start(desk, desk.inputs.rollback_workflow, {})


class Retrain(PullCommand):
    """Train and judge what is on the default branch."""

    name = "retrain"
    usage = "retrain"
    does = "trains and judges the default branch, and promotes what passes and is approved"

    def answer(self, desk: Desk, argument: str) -> Answer:
        """Start the training workflow."""
        del argument
        return _start(desk, desk.inputs.train_workflow, {})
