"""Decisions in a registry's journal: what became of each, and whether one may start a run."""

import re
import shlex
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from modelyard.core.errors import ModelyardError
from modelyard.core.vocabulary import DecisionAction
from modelyard.records.results import Decided, Decision, PastDecision
from modelyard.registry.journal import JournalEntry
from modelyard.registry.protocol import Registry

LONGEST = timedelta(days=3)
"""After which a decision starts nothing any more: what it was made on is too old."""
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_FLAG = "--decision"
_IN_REASON = re.compile(r"\(decision (sha256:[0-9a-f]{64})\)$")


class DecisionRefused(ModelyardError):  # noqa: N818 - it says what happened
    """The decision that a run names is none that may start it; both values are in the message."""

    exit_code = 2


def command_of(command: str, decision: str) -> str:
    """Return a command as the journal keeps it, with the decision that it followed."""
    return shlex.join([*command.split(), _FLAG, decision]) if decision else ""


def named_by(entry: JournalEntry) -> str:
    """Return the decision that a move of an alias followed; empty where it followed none.

    A promotion names it in its command. A roll-back has a proof of its own, and names it in its reason.
    """
    if entry.kind == "rolled-back":
        found = _IN_REASON.search(entry.reason)
        return "" if found is None else found[1]
    return next((after for before, after in pairwise(entry.command.split()) if before == _FLAG), "")


def past(entries: Iterable[JournalEntry], alias: str) -> tuple[PastDecision, ...]:
    """Return every decision and what became of it, newest first.

    Args:
        entries: of kind decided, and moves of aliases; newest first.
        alias: the champion's.
    """
    latest: dict[str, Decided] = {}
    urls: dict[str, str] = {}
    moved: dict[str, JournalEntry] = {}
    for entry in entries:
        if entry.decided is not None:
            name = entry.decided.decision.digest
            latest.setdefault(name, entry.decided)
            if entry.decided.run:
                urls.setdefault(name, entry.decided.run)
        elif entry.alias == alias and (name := named_by(entry)):
            moved.setdefault(name, entry)
    found = [_past(name, each, moved.get(name), urls.get(name, "")) for name, each in latest.items()]
    return tuple(sorted(found, key=lambda each: each.time, reverse=True))


def _past(name: str, known: Decided, moved: JournalEntry | None, run: str) -> PastDecision:
    decision = known.decision
    said = {"digest": name, "time": decision.time, "action": decision.action, "reason": decision.reason, "run": run}
    if moved is not None:
        return PastDecision.model_validate({**said, "outcome": "promoted", "version": moved.to or ""})
    outcome = {"made": "none", "not-started": "none", "started": "open"}.get(known.state, known.state)
    return PastDecision.model_validate({**said, "outcome": outcome})


def accepted(
    registry: Registry,
    named: str,
    *,
    action: DecisionAction,
    alias: str,
    champion: str | None,
    now: datetime | None,
) -> Decision:
    """Accept the decision that a run was started on.

    Args:
        registry: where decisions are kept.
        named: the digest that the run was started with.
        action: what the run does.
        alias: the champion's.
        champion: where it points now.
        now: today; None where its age does not matter.

    Raises:
        DecisionRefused: it was never made, is another model's or another action's, was made on another champion, was
            used before, or is too old.
    """
    if not _DIGEST.fullmatch(named):
        raise DecisionRefused(
            f"the decision {named[:80]!r} is no digest",
            code="decide/refused",
            hint="Name what decide gave out: sha256: and 64 hex digits.",
        )
    entries = registry.decisions().entries
    decision = _kept(entries, named)
    if decision is None:
        raise DecisionRefused(
            f"no decision of {registry.model} has the digest {named}",
            code="decide/refused",
            hint="Decisions are kept by `modelyard decide`; start the run from there, or without a decision.",
        )
    _same("the decision is about the model", decision.model, "this registry's is", registry.model)
    _same("the decision says", decision.action, "this run would", action)
    _same("the decision is about the alias", decision.alias, "this run moves", alias)
    used = next((entry for entry in entries if entry.alias == alias and named_by(entry) == named), None)
    if used is not None:
        raise DecisionRefused(
            f"the decision was used before: {alias} moved to {used.to} on it at {used.at}",
            code="decide/refused",
            hint="One decision, one move. Decide again.",
        )
    _same(f"the decision was made on the {alias}", decision.champion, "it is now", champion or "none")
    if now is not None and now - datetime.fromisoformat(decision.time) > LONGEST:
        raise DecisionRefused(
            f"the decision was made at {decision.time}, more than {LONGEST.days} days ago",
            code="decide/refused",
            hint="What it was made on is too old. Decide again.",
        )
    return decision


def _kept(entries: Sequence[JournalEntry], named: str) -> Decision | None:
    return next(
        (entry.decided.decision for entry in entries if entry.decided and entry.decided.decision.digest == named), None
    )


def _same(what: str, found: str, now: str, wanted: str) -> None:
    if found != wanted:
        raise DecisionRefused(
            f"{what} {found}, and {now} {wanted}", code="decide/refused", hint="Decide again: modelyard decide"
        )
