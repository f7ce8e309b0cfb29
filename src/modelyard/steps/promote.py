"""promote: publish exactly what this run evaluated as a version, and move the alias to it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import modelyard.records.results as r
from modelyard.errors import ConfigError, DataError
from modelyard.github.event import MAY_PROMOTE
from modelyard.models import store
from modelyard.records.chain import verify_records
from modelyard.records.envelope import STEPS, Envelope, Step
from modelyard.records.manifest import Content
from modelyard.registry.base import Bundle, Version
from modelyard.registry.bundle import collect
from modelyard.registry.promotion import EvidenceRefused, check_evidence
from modelyard.registry.reference import best_alias
from modelyard.spec import TOKEN, Inputs, Outputs, StepSpec
from modelyard.steps import carry
from modelyard.steps.base import Outcome, StepDefinition
from modelyard.steps.context import Context
from modelyard.steps.now import committed_tree
from modelyard.verdict import Verdict


class PromoteInputs(Inputs):
    """Inputs of promote."""

    evidence_digest: str = ""
    """Digest of the evaluation record to promote on. Default: the one in the run folder."""
    reason: str = ""
    """Why; it stands in the history."""


class PromoteOutputs(Outputs):
    """Outputs of promote."""

    version: str
    """The version that the alias points at now."""


SPEC = StepSpec(
    name="promote",
    summary="Publish exactly what was evaluated, and move the alias to it; refuse without passing evidence.",
    example='modelyard promote --reason "month of July added"',
    inputs=PromoteInputs,
    outputs=PromoteOutputs,
    permissions={"contents": "write"},
    environment="carry",
    secrets=(TOKEN,),
)
CARRIED: tuple[Step, ...] = ("detect", "validate", "train", "evaluate", "report")
"""Records that a version carries; promote's own stands in the journal."""


def reads(context: Context, _inputs: Inputs) -> Mapping[str, Any]:
    """The evidence and the alias."""
    evaluation = context.record_or_none("evaluate")
    champion = context.champion
    return {
        "evidence": None if evaluation is None else evaluation.digest,
        "champion": None if champion is None else champion.name,
    }


def run(context: Context, inputs: PromoteInputs) -> Outcome:
    """Check the evidence against what is at hand, publish, move."""
    _refuse_where_nothing_is_promoted(context, inputs)
    records = {step: context.record(step) for step in STEPS if step in CARRIED and context.record_path(step).is_file()}
    model_dir = context.run_dir / "model"
    if not model_dir.is_dir():
        raise DataError(f"there is no model in {context.run_dir.name}", do="Run `modelyard run` first.")
    for step in ("detect", "train", "evaluate"):
        context.record(step)
    broken = verify_records(records)
    if broken:
        raise EvidenceRefused(f"the chain of records is broken: {broken[0]}", do="Run `modelyard run` again.")
    champion, evaluation = context.champion, records["evaluate"]
    _refuse_another_run(context, evaluation)
    model_digest, _ = store.digest(model_dir)
    if champion is not None and (champion.manifest.evidence, champion.manifest.model_digest) == (
        evaluation.digest,
        model_digest,
    ):
        _mark_best(context, champion, evaluation)
        return _done_before(context, champion, model_digest)
    check_evidence(
        evaluation=evaluation,
        detect=records["detect"],
        model_now=context.config.model.name,
        model_digest_now=model_digest,
        champion_now=None if champion is None else champion.name,
        tree_now=committed_tree(context),
        config_digest_now=context.loaded.digest,
        data_now=context.data_digests,
        registry_now=context.registry_kind,
        alias=context.config.registry.alias,
    )
    if inputs.evidence_digest and inputs.evidence_digest != evaluation.digest:
        raise EvidenceRefused(
            f"the evidence named is {inputs.evidence_digest}, but this run folder's evaluation is {evaluation.digest}",
            do="Hand over the run folder of the evaluation that is named.",
        )
    files = bundle_files(context, records)
    version = context.registry.publish(Bundle(_content(context, records, model_digest), files))
    alias = context.config.registry.alias
    entry = context.registry.set_alias(
        alias,
        version.name,
        seen=None if champion is None else champion.name,
        actor=context.actor,
        reason=inputs.reason,
        evidence=evaluation.digest,
        kind="promoted",
    )
    _mark_best(context, version, evaluation)
    _tell_ledger(context, evaluation)
    result = r.PromoteResult(
        version=version.name,
        alias=alias,
        previous=entry.from_,
        model_digest=model_digest,
        evidence=evaluation.digest,
        actor=context.actor,
        reason=inputs.reason,
        journal=entry.seq,
    )
    return Outcome(result, Verdict.PASS, model_digest=model_digest, champion_version=entry.from_)


def bundle_files(context: Context, records: Mapping[Step, Envelope]) -> dict[str, Path]:
    """What goes into a version, by its path there: model, records, and what the evaluation carried.

    Raises:
        EvidenceRefused: a carried file is not the one that the evaluation wrote.
    """
    beside = carry.carried(context.run_dir)
    judged = records["evaluate"].record.outcome
    known = judged.carried if isinstance(judged, r.EvaluateResult) else {}
    found = carry.digests(beside)
    for name in sorted({*known, *found}):
        if known.get(name) != found.get(name):
            raise EvidenceRefused(
                f"{name} beside the model is {found.get(name, 'missing')}, the evaluation wrote "
                f"{known.get(name, 'none')}",
                do="Run `modelyard evaluate` again, and promote what it judged.",
            )
    sources = {"model": context.run_dir / "model"}
    sources |= {f"records/{step}.json": context.record_path(step) for step in records}
    return collect(sources) | beside


def _done_before(context: Context, champion: Version, model_digest: str) -> Outcome:
    """A second attempt of a run whose first one moved the alias already: there is nothing left to do."""
    alias = context.config.registry.alias
    (entry,) = context.registry.history(alias, newest=1)
    result = r.PromoteResult(
        version=champion.name,
        alias=alias,
        previous=entry.from_,
        model_digest=model_digest,
        evidence=champion.manifest.evidence,
        actor=entry.actor,
        reason=entry.reason,
        journal=entry.seq,
    )
    return Outcome(result, Verdict.PASS, model_digest=model_digest, champion_version=entry.from_)


def _mark_best(context: Context, version: Version, evaluation: Envelope) -> None:
    """Move the alias of the best promoted version, where this one is surely better on the primary metric."""
    judged = evaluation.record.outcome
    alias = best_alias(context.config.registry.alias)
    best = context.registry.find(alias)
    over = judged.over_best if isinstance(judged, r.EvaluateResult) else None
    if best is not None and (best.name == version.name or over is None or over.low is None or over.low <= 0):
        return
    context.registry.set_alias(
        alias,
        version.name,
        seen=None if best is None else best.name,
        actor=context.actor,
        reason="the first to be promoted" if best is None else f"better than {best.name} on the primary metric",
        evidence=evaluation.digest,
        kind="promoted",
    )


def _tell_ledger(context: Context, evaluation: Envelope) -> None:
    judged = evaluation.record.outcome
    if isinstance(judged, r.EvaluateResult) and judged.evaluation is not None:
        context.registry.append(actor=context.actor, reason="evaluated", evaluation=judged.evaluation)


def _refuse_where_nothing_is_promoted(context: Context, inputs: PromoteInputs) -> None:
    if context.trigger not in MAY_PROMOTE:
        name = context.event.name if context.event else context.trigger
        raise ConfigError(
            f"nothing is promoted on {name}"
            + (" outside the default branch" if context.trigger == "elsewhere" else ""),
            do="A pull request's verdict is advice to its reviewer; promote on a push to the default branch, a "
            "schedule or a dispatch.",
        )
    if context.mode == "report-only":
        raise ConfigError("mode is report-only, which promotes nothing", do="Remove `mode: report-only` to promote.")
    if context.event is not None and not inputs.evidence_digest:
        raise ConfigError(
            "input 'evidence-digest' is missing",
            do="Hand over the evaluation's: with: {evidence-digest: ${{ needs.evaluate.outputs.record-digest }}}.",
        )


def _refuse_another_run(context: Context, evaluation: Envelope) -> None:
    run = evaluation.record.circumstances.run_id
    if context.event is not None and run != context.event.run_id:
        raise EvidenceRefused(
            f"the evidence was made by run {run or 'none, at a desk'}, and this is run {context.event.run_id}",
            do="Promote in the run that evaluates; no other run's records are evidence here.",
        )


def _content(context: Context, records: Mapping[Step, Envelope], model_digest: str) -> Content:
    evaluation = records["evaluate"]
    trained, judged = records["train"].record.outcome, evaluation.record.outcome
    if not isinstance(trained, r.TrainResult) or not isinstance(judged, r.EvaluateResult) or trained.signature is None:
        raise DataError("the train record has no signature", do="Run `modelyard train` again.")
    if evaluation.record.environment_digest is None:
        raise DataError("the evaluation names no environment", do="Run `modelyard evaluate` again.")
    champion, predict = context.champion, context.config.evaluate.predict
    return Content(
        model=context.config.model.name,
        model_digest=model_digest,
        adapter=trained.adapter,
        signature=trained.signature,
        environment_digest=evaluation.record.environment_digest,
        fit_digest=evaluation.record.fit_digest,
        config_digest=evaluation.record.config_digest,
        data=evaluation.record.data,
        tree=evaluation.record.tree,
        evidence=evaluation.digest,
        result_digest=evaluation.result_digest,
        metrics={row.metric: row.challenger.value for row in judged.metrics if row.challenger.value is not None},
        parent=None if champion is None else champion.name,
        predict_command="" if predict is None else predict.command,
    )


PROMOTE = StepDefinition(SPEC, "promote", (), reads, run, optional=("evaluate",), reads_data=False)
