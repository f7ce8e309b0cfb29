"""rollback: move the alias back to a version, on the proof that it still works, with a reason."""

import shlex
from collections.abc import Mapping
from itertools import pairwise

import modelyard.records.results as r
from modelyard.core.errors import ConfigError, PlatformError
from modelyard.core.verdict import Verdict
from modelyard.records.envelope import Envelope
from modelyard.records.results import ProofLevel, ProveResult, RollbackResult
from modelyard.registry.evidence import check_proof, check_target
from modelyard.registry.journal import JournalEntry
from modelyard.registry.protocol import AliasMoved, Version
from modelyard.registry.reference import best_alias
from modelyard.steps.context import Context
from modelyard.steps.definition import Outcome, StepDefinition
from modelyard.steps.execution import execute
from modelyard.steps.prove import step as prove
from modelyard.steps.prove.step import PROVE, SPEC, RollbackInputs, reads
from modelyard.steps.rollback.present import RollbackPresenter

_SAID: Mapping[ProofLevel, str] = {"golden": "", "loading": "proved by loading alone: ", "none": "WITHOUT PROOF: "}
"""What stands before the reason in the history."""


def run(context: Context, inputs: RollbackInputs) -> Outcome:
    """Move the alias on a proof; locally, make the proof first."""
    prove.refuse_slips(context, inputs)
    now = context.versions.find_champion()
    last = None if now is None else _last_rollback(context, now)
    if now is not None and last is not None and _is_asked_again(context, inputs, now, last):
        return _made_before(context, inputs, now, last)
    if inputs.part == "both":
        proof = execute(PROVE, context, inputs)
        handed = proof.digest
    else:
        proof = context.records.read("prove")
        handed = inputs.proof_digest or _own(context, proof)
        if now is not None and last is not None and _rests_on(last, handed):
            return _made_before(context, inputs, now, last)
    shown = check_proof(
        proof,
        handed=handed,
        run_now="" if context.event is None else context.event.run_id,
        model_now=context.config.model.name,
        alias_now=context.config.registry.alias,
        champion_now=None if now is None else now.name,
        asked=inputs.proof,
    )
    # In a job that may write, a record never says where to: whoever started it does.
    target = prove.target_of(context, inputs.to or ("" if context.event else shown.version))
    check_target(shown, target)
    try:
        entry = context.versions.open().set_alias(
            shown.alias,
            target.name,
            seen=shown.seen,
            actor=context.actor,
            reason=f"{_SAID[shown.shown]}{inputs.reason}",
            evidence=target.manifest.evidence,
            kind="rolled-back",
            command=_command(target, handed, inputs.proof),
        )
    except AliasMoved as error:
        raise PlatformError(
            error.message,
            code="rollback/moved-meanwhile",
            hint="Nothing was changed. Look at `modelyard history`, then prove and move again.",
        ) from error
    return _outcome(context, proof, target, entry, inputs)


def _own(context: Context, proof: Envelope) -> str:
    """Return the digest of the run folder's own proof, which locally nobody else could have put there.

    Raises:
        ConfigError: in GitHub Actions, where the artifact came from elsewhere.
    """
    if context.event is not None:
        raise ConfigError(
            "input 'proof-digest' is missing",
            code="command/missing-input",
            hint="Hand over the proof's: with: {proof-digest: ${{ needs.prove.outputs.record-digest }}}.",
        )
    return proof.digest


def _command(target: Version, proof: str, level: ProofLevel) -> str:
    """Return what did it, as the journal keeps it: which proof, and whether one was waived."""
    waived = () if level == "golden" else ("--proof", level)
    return shlex.join(["modelyard", "rollback", "--to", target.name, *waived, "--proof-digest", proof])


def _rests_on(entry: JournalEntry, proof: str) -> bool:
    """Tell whether a move was made on a proof, by its digest."""
    return ("--proof-digest", proof) in pairwise(entry.command.split())


def _last_rollback(context: Context, now: Version) -> JournalEntry | None:
    """Return the last move of the alias, where it was a rollback to where it points now."""
    last = context.versions.open().history(context.versions.alias, newest=1)
    return last[0] if last and last[0].kind == "rolled-back" and last[0].to == now.name else None


def _is_asked_again(context: Context, inputs: RollbackInputs, now: Version, last: JournalEntry) -> bool:
    """Return whether a rollback was made already: it names where the last one went, or finishes one that was cut off.

    A rollback to "the version before" is asked again only where the proof in the run folder is that of the last move
    and nothing was recorded of the move itself.
    """
    if inputs.part == "move" and (inputs.proof_digest or context.event is not None):
        return False  # the proof that is handed over says which move is meant
    if inputs.to:
        return inputs.to != "previous" and prove.resolve(context, inputs.to).name == now.name
    proof = context.records.find("prove")
    recorded = context.records.find_result("rollback", RollbackResult)
    return recorded is None and proof is not None and _rests_on(last, proof.digest)


def _made_before(context: Context, inputs: RollbackInputs, now: Version, entry: JournalEntry) -> Outcome:
    """Record a move that an earlier attempt made; only what comes after it is left to do."""
    proof = context.records.find("prove")
    shown = proof.record.find(ProveResult) if proof is not None and _rests_on(entry, proof.digest) else None
    level: ProofLevel = next((each for each, lead in _SAID.items() if lead and entry.reason.startswith(lead)), "golden")
    result = RollbackResult(
        version=now.name,
        alias=entry.alias or "",
        previous=entry.from_,
        actor=entry.actor,
        reason=entry.reason,
        journal=entry.seq,
        already=True,
        proof=f"journal entry {entry.seq}" if shown is None else shown.said,
        shown=level if shown is None else shown.shown,
        proof_digest=proof.digest if proof is not None and shown is not None else None,
    )
    _move_best(context, now, inputs.reason)
    apart = frozenset() if shown is not None else frozenset({"prove"})
    return Outcome(
        result,
        Verdict.PASS,
        model_digest=now.manifest.model_digest,
        champion_version=entry.from_,
        apart_from=apart,
    )


def _outcome(
    context: Context, proof: Envelope, target: Version, entry: JournalEntry, inputs: RollbackInputs
) -> Outcome:
    shown = proof.record.outcome
    assert isinstance(shown, ProveResult)  # noqa: S101 - a proof was checked, now or when it moved the alias
    _move_best(context, target, inputs.reason)
    result = RollbackResult(
        version=target.name,
        alias=entry.alias or "",
        previous=entry.from_,
        actor=entry.actor,
        reason=entry.reason,
        journal=entry.seq,
        proof=shown.said,
        shown=shown.shown,
        proof_digest=proof.digest,
    )
    return Outcome(
        result, Verdict.PASS, model_digest=target.manifest.model_digest, champion_version=entry.from_
    )  # fmt: skip


def _move_best(context: Context, target: Version, reason: str) -> None:
    """Take the mark of the best promoted version along, where a rollback goes behind it."""
    alias = best_alias(context.config.registry.alias)
    best = context.versions.open().find(alias)
    if best is None or best.number <= target.number:
        return
    try:
        context.versions.open().set_alias(
            alias,
            target.name,
            seen=best.name,
            actor=context.actor,
            reason=reason,
            evidence=target.manifest.evidence,
            kind="rolled-back",
        )
    except AliasMoved as error:
        context.console.say(f"  {alias} is left alone: {error.message}")


ROLLBACK = StepDefinition(
    SPEC,
    r.ROLLBACK,
    (),
    reads,
    run,
    RollbackPresenter(),
    optional=("prove",),
    reads_data=False,
    about_data=False,
    needs_checkout=False,
    part=lambda inputs: PROVE if inputs.part == "prove" else None,
)
