"""What a decision starts on GitHub, and what became of what earlier ones started."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from modelyard.core.errors import DataError
from modelyard.core.reasons import because
from modelyard.core.verdict import Verdict
from modelyard.core.vocabulary import DecisionAction
from modelyard.github import dispatch
from modelyard.github.client import GitHub, GitHubError
from modelyard.github.workflow_run import fetch, kept_records
from modelyard.records.envelope import read_record
from modelyard.records.results import EVALUATE, Decided, Decision, Dispatch
from modelyard.registry.protocol import Decisions
from modelyard.report import wording
from modelyard.steps.context import Context

REFUSED = (401, 403, 404, 422)
"""Answers that do not change by asking again: no permission, no such workflow, no such input."""
LONGEST_REASON = 300


@dataclass(frozen=True)
class Target:
    """A workflow that carries an action out."""

    workflow: str
    to: str = ""
    """Of a roll-back, the version before."""


def begin(context: Context, decision: Decision, target: Target) -> Dispatch:
    """Start the workflow that carries a decision out, whose digest and reason it is given.

    Returns:
        ``not-allowed`` where GitHub refuses for good.

    Raises:
        GitHubError: GitHub has a fault, or the answer was lost.
    """
    event = context.event
    assert event is not None  # noqa: S101 - looked at by the caller
    ref = event.ref.removeprefix("refs/heads/")
    said = "".join(each if each.isprintable() else " " for each in wording.because(decision.reason))[:LONGEST_REASON]
    inputs = {"decision": decision.digest, "reason": said}
    if target.to:
        inputs = {"to": target.to, "reason": f"{said} (decision {decision.digest})"}
    try:
        started = dispatch.start(context.connect(), target.workflow, ref, inputs)
    except GitHubError as error:
        if error.status not in REFUSED:
            raise
        reason = because("dispatch-refused", status=error.status, workflow=target.workflow)
        return Dispatch(workflow=target.workflow, ref=ref, state="not-allowed", reason=reason)
    return Dispatch(workflow=target.workflow, ref=ref, url=started.url, state="started")


def endings(context: Context, known: Decisions) -> Iterator[Decided]:
    """Yield the decisions whose runs ended without moving the alias since it was last looked; nothing locally."""
    if context.event is None:
        return
    seen: set[str] = set()
    moved = "\n".join(f"{entry.command} {entry.reason}" for entry in known.entries if entry.alias)
    for entry in known.entries:
        each = entry.decided
        if each is None or each.decision.digest in seen:
            continue
        seen.add(each.decision.digest)
        if each.state != "started" or not each.run or each.decision.digest in moved:
            continue
        ended = _ended(context.connect(), each.run, each.decision.action)
        if ended is not None:
            yield each.model_copy(update={"state": ended})


def _ended(client: GitHub, url: str, action: DecisionAction) -> str | None:
    """Return held, where its gates did not pass or it found nothing to promote; failed; None while it goes on."""
    how = dispatch.ended(client, url)
    if how is None:
        return "failed"
    if how == "going-on":
        return None
    if how == "success":
        return "held"
    return "held" if action == "retrain" and _gates_held(client, url) else "failed"


def _gates_held(client: GitHub, url: str) -> bool:
    """Tell whether a run that did not succeed was judged, and its gates held the model back."""
    wanted = f"records/{EVALUATE.name}.json"
    try:
        for artifact in kept_records(client, dispatch.run_number(url)):
            with tempfile.TemporaryDirectory(prefix="modelyard-decide-") as scratch:
                record = read_record(fetch(client, artifact, [wanted], Path(scratch)) / wanted).record
            return record.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE)
    except (GitHubError, DataError):
        return False
    return False
