"""rollback: move the alias back to a version, on the proof that it still works, with a reason."""

import shlex
from collections.abc import Mapping

from modelyard.core.errors import ConfigError, PlatformError
from modelyard.core.verdict import Verdict
from modelyard.records.envelope import Envelope
from modelyard.records.results import ProofLevel, ProveResult, RollbackResult
from modelyard.registry.evidence import check_proof, check_target
from modelyard.registry.journal import JournalEntry
from modelyard.registry.protocol import AliasMoved, Version
from modelyard.registry.reference import best_alias
from modelyard.steps.context import Context
from modelyard.steps.execution import Outcome, StepDefinition, execute
from modelyard.steps.prove import step as prove
from modelyard.steps.prove.step import PROVE, SPEC, RollbackInputs, reads

_SAID: Mapping[ProofLevel, str] = {"golden": "", "loading": "proved by loading alone: ", "none": "WITHOUT PROOF: "}
"""What stands before the reason in the history."""


def run(context: Context, inputs: RollbackInputs) -> Outcome:
    """Move the alias on a proof; at a desk, make the proof first."""
    prove.refuse_slips(context, inputs)
    if inputs.part == "both":
        proof = execute(PROVE, context, inputs)
        handed = proof.digest
    else:
        proof = context.records.read("prove")
        handed = inputs.proof_digest or _own(context, proof)
    now = context.versions.find_champion()
    if now is not None and (entry := _moved_before(context, now, handed)) is not None:
        return _outcome(context, proof, now, entry, inputs)
    shown = check_proof(
        proof,
        handed=handed,
        run_now="" if context.event is None else context.event.run_id,
        model_now=context.config.model.name,
        alias_now=context.config.registry.alias,
        champion_now=None if now is None else now.name,
        asked=inputs.proof,
    )
    target = prove.target_of(context, inputs.to or shown.version)
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
            error.message, hint="Nothing was changed. Look at `modelyard history`, then prove and move again."
        ) from error
    return _outcome(context, proof, target, entry, inputs)


def _own(context: Context, proof: Envelope) -> str:
    """The digest of the run folder's own proof, which at a desk nobody else could have put there.

    Raises:
        ConfigError: in GitHub Actions, where the artifact came from elsewhere.
    """
    if context.event is not None:
        raise ConfigError(
            "input 'proof-digest' is missing",
            hint="Hand over the proof's: with: {proof-digest: ${{ needs.prove.outputs.record-digest }}}.",
        )
    return proof.digest


def _command(target: Version, proof: str, level: ProofLevel) -> str:
    """What did it, as the journal keeps it: which proof, and whether one was waived."""
    waived = () if level == "golden" else ("--proof", level)
    return shlex.join(["modelyard", "rollback", "--to", target.name, *waived, "--proof-digest", proof])


def _moved_before(context: Context, now: Version, handed: str) -> JournalEntry | None:
    """The move that an earlier attempt of this run made on the same proof; only what comes after it is left to do."""
    last = context.versions.open().history(context.config.registry.alias, newest=1)
    if last and last[0].kind == "rolled-back" and last[0].to == now.name and handed in last[0].command.split():
        return last[0]
    return None


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
    """A rollback behind the best promoted version takes that mark with it: nothing later is held up as the best."""
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


ROLLBACK = StepDefinition(SPEC, "rollback", (), reads, run, optional=("prove",), reads_data=False)
