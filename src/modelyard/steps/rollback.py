"""rollback: move the alias back to the version before, or to a named one, with a reason."""

from collections.abc import Mapping
from typing import Any

from modelyard.errors import ConfigError
from modelyard.github.event import MAY_PROMOTE
from modelyard.records.results import RollbackResult
from modelyard.registry.base import Version
from modelyard.registry.reference import best_alias
from modelyard.spec import TOKEN, Inputs, Outputs, StepSpec
from modelyard.steps.base import Outcome, StepDefinition
from modelyard.steps.context import Context
from modelyard.verdict import Verdict

NO_PROOF = "none: this version of modelyard moves the alias without proving that the old model still works"


class RollbackInputs(Inputs):
    """Inputs of rollback."""

    to: str = ""
    """Version to go back to, such as v3. Default: the one before."""
    reason: str = ""
    """Why; it stands in the history."""


class RollbackOutputs(Outputs):
    """Outputs of rollback."""

    version: str
    """The version that the alias points at now."""


SPEC = StepSpec(
    name="rollback",
    summary="Move the alias back to the version before, or to a named one. It proves nothing about that model yet.",
    example='modelyard rollback --reason "errors since the morning"',
    inputs=RollbackInputs,
    outputs=RollbackOutputs,
    permissions={"contents": "write"},
    environment="carry",
    secrets=(TOKEN,),
)


def reads(context: Context, inputs: Inputs) -> Mapping[str, Any]:
    """The alias now, and what is asked."""
    champion = context.champion
    return {"champion": None if champion is None else champion.name, "asked": inputs.model_dump(mode="json")}


def run(context: Context, inputs: RollbackInputs) -> Outcome:
    """Move the alias."""
    if not inputs.reason.strip():
        raise ConfigError("a rollback needs a reason", do=f"Example: {SPEC.example}")
    if context.trigger not in MAY_PROMOTE:
        raise ConfigError(
            f"nothing is rolled back on {context.event.name if context.event else context.trigger}",
            do="Run it by hand (workflow_dispatch) on the default branch.",
        )
    alias = context.config.registry.alias
    now = context.champion
    if now is None:
        raise ConfigError(f"there is no {alias} to roll back", do="Nothing was ever promoted under this name.")
    target = context.registry.resolve(inputs.to) if inputs.to else context.registry.previous(alias)
    if target is None:
        raise ConfigError(
            f"{alias} points at {now.name}, and no version served before it", do="Name one: --to v1 (see the history)."
        )
    if target.name == now.name:
        raise ConfigError(
            f"{alias} already points at {now.name}", do="Name another version: --to v1 (see the history)."
        )
    entry = context.registry.set_alias(
        alias,
        target.name,
        seen=now.name,
        actor=context.actor,
        reason=inputs.reason,
        evidence=target.manifest.evidence,
        kind="rolled-back",
    )
    _move_best(context, target, inputs.reason)
    result = RollbackResult(
        version=target.name,
        alias=alias,
        previous=now.name,
        actor=context.actor,
        reason=inputs.reason,
        journal=entry.seq,
        proof=NO_PROOF,
    )
    return Outcome(result, Verdict.PASS, model_digest=target.manifest.model_digest, champion_version=now.name)


def _move_best(context: Context, target: Version, reason: str) -> None:
    """A rollback behind the best promoted version takes that mark with it: nothing later is held up as the best."""
    alias = best_alias(context.config.registry.alias)
    best = context.registry.find(alias)
    if best is None or best.number <= target.number:
        return
    context.registry.set_alias(
        alias,
        target.name,
        seen=best.name,
        actor=context.actor,
        reason=reason,
        evidence=target.manifest.evidence,
        kind="rolled-back",
    )


ROLLBACK = StepDefinition(SPEC, "rollback", (), reads, run, reads_data=False)
