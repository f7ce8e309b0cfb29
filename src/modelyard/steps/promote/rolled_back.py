"""A model that was rolled back does not come back by itself: its bytes are promoted again on a person's word alone."""

from collections.abc import Sequence

from modelyard.core.errors import ConfigError
from modelyard.records.results import RolledBack
from modelyard.registry.journal import JournalEntry
from modelyard.registry.protocol import Registry
from modelyard.steps.context import Context

_NEWEST = 200
"""Moves that are looked back on."""


def rolled_back(context: Context, model_digest: str, *, reason: str, decision: str) -> RolledBack | None:
    """Return the rollback from this very model that a promotion takes back; None where there was none.

    A model that was promoted again since then is not asked about twice.

    Args:
        context: what is at hand.
        model_digest: the model that is to be promoted.
        reason: why, as it was given.
        decision: digest of a decision that the run follows, which is nobody's word.

    Raises:
        ConfigError: there was one, and no person says why the model is good now.
    """
    registry = context.versions.open()
    moves = registry.history(context.config.registry.alias, newest=_NEWEST)
    found = _left(registry, moves, model_digest)
    if found is None:
        return None
    name = context.event.name if context.event else "desk"
    if reason and not decision and name in ("desk", "workflow_dispatch"):
        return found
    raise ConfigError(
        f"this model is {found.version}, byte for byte, which was rolled back on {found.at[:10]} by {found.actor}: "
        f"{found.reason or 'no reason given'}",
        code="promote/rolled-back-model",
        hint="It is promoted again only where a person says why: `modelyard run --promote --reason …`, or Run workflow "
        "with a reason. Otherwise mend what was wrong, and what is trained differs.",
    )


def _left(registry: Registry, moves: Sequence[JournalEntry], model_digest: str) -> RolledBack | None:
    if not any(move.kind == "rolled-back" for move in moves):
        return None
    digests = {each.name: each.manifest.model_digest for each in (*registry.list(), *registry.removed())}
    for move in reversed(moves):
        if move.kind == "rolled-back" and move.from_ and digests.get(move.from_) == model_digest:
            return RolledBack(version=move.from_, at=move.at, actor=move.actor, reason=move.reason)
        if move.to and digests.get(move.to) == model_digest:
            return None
    return None
