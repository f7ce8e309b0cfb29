"""promote: publish exactly what this run evaluated as a version, and move the alias to it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import modelyard.records.results as r
from modelyard.core.errors import ConfigError, DataError
from modelyard.core.verdict import Verdict
from modelyard.github.event import MAY_PROMOTE
from modelyard.models import store
from modelyard.records.chain import verify_records
from modelyard.records.envelope import Envelope, Step
from modelyard.records.manifest import Content
from modelyard.registry import decided
from modelyard.registry.bundle import collect
from modelyard.registry.evidence import EvidenceRefused, check_evidence
from modelyard.registry.journal import JournalEntry
from modelyard.registry.protocol import AliasMoved, Bundle, Version
from modelyard.registry.records import version_records
from modelyard.registry.reference import best_alias
from modelyard.steps import bundle
from modelyard.steps.context import Context
from modelyard.steps.declaration import TOKEN, Inputs, Outputs, StepSpec
from modelyard.steps.definition import Outcome, Stage, StepDefinition
from modelyard.steps.execution import passed
from modelyard.steps.outside_code import command_of_version
from modelyard.steps.promote import pull_request as proposal
from modelyard.steps.promote.present import PromotePresenter
from modelyard.steps.promote.rolled_back import rolled_back


class PromoteInputs(Inputs):
    """Inputs of promote."""

    evidence_digest: str = ""
    """Digest of the evaluation record to promote on. Default: the one in the run folder."""
    reason: str = ""
    """Why; it stands in the history."""
    dry_run: bool = False
    """Check everything and say what would happen; nothing is published, moved or written."""
    part: Literal["promote", "merged"] = "promote"
    """promote: publish, and move the alias or open the pull request. merged: on the push that merged that pull request,
    move the alias to the version that it names; needs no run folder and no checkout."""

    @property
    def keeps_record(self) -> bool:
        """Whether the record is kept; a dry run leaves none."""
        return not self.dry_run


class PromoteOutputs(Outputs):
    """Outputs of promote."""

    version: str
    """The version that the alias points at now; with registry.via pull-request, that it moves to on merging."""
    pull_request: str = ""
    """Address of the pull request that waits, with registry.via pull-request."""


SPEC = StepSpec(
    name="promote",
    summary="Publish exactly what was evaluated, and move the alias to it; refuse without passing evidence.",
    example='modelyard promote --reason "month of July added"',
    inputs=PromoteInputs,
    outputs=PromoteOutputs,
    permissions={"contents": "write"},
    permissions_of_part={"merged": {"contents": "write"}},
    permissions_via={"pull-request": {"pull-requests": "write"}},
    environment="carry",
    secrets=(TOKEN,),
)


def carried_records() -> tuple[Step, ...]:
    """Return the steps whose records a version carries: those of the run; promote's own stands in the journal."""
    return tuple(kind.name for kind in r.in_order() if kind.of_run)


def reads(context: Context, _inputs: Inputs) -> Mapping[str, Any]:
    """Return the evidence and the alias."""
    evaluation = context.records.find("evaluate")
    champion = context.versions.find_champion()
    return {
        "evidence": None if evaluation is None else evaluation.digest,
        "champion": None if champion is None else champion.name,
    }


def run(context: Context, inputs: PromoteInputs) -> Outcome:
    """Check the evidence against what is at hand, publish, move."""
    _refuse_where_nothing_is_promoted(context, inputs)
    if inputs.part == "merged":
        return _run_merged(context, inputs)
    records = {step: context.records.read(step) for step in carried_records() if context.records.exists(step)}
    model_dir = context.run_dir / "model"
    if not model_dir.is_dir():
        raise DataError(
            f"there is no model in {context.run_dir.name}", code="promote/no-model", hint="Run `modelyard run` first."
        )
    for step in ("detect", "train", "evaluate"):
        context.records.read(step)
    for envelope in records.values():
        if envelope.record.problem is not None:
            passed(envelope)
    broken = verify_records(records)
    if broken:
        raise EvidenceRefused(
            f"the chain of records is broken: {broken[0]}",
            code="promote/broken-chain",
            hint="Run `modelyard run` again.",
        )
    champion, evaluation = context.versions.find_champion(), records["evaluate"]
    _refuse_another_run(context, evaluation)
    if inputs.evidence_digest and inputs.evidence_digest != evaluation.digest:
        raise EvidenceRefused(
            f"the evidence named is {inputs.evidence_digest}, but this run folder's evaluation is {evaluation.digest}",
            code="promote/other-evidence",
            hint="Hand over the run folder of the evaluation that is named.",
        )
    model_digest, _ = store.digest(model_dir)
    if champion is not None and (champion.manifest.evidence, champion.manifest.model_digest) == (
        evaluation.digest,
        model_digest,
    ):
        if not inputs.dry_run:
            _mark_best(context, champion, evaluation)
        return _done_before(context, champion)
    check_evidence(
        evaluation=evaluation,
        detect=records["detect"],
        model_now=context.config.model.name,
        model_digest_now=model_digest,
        champion_now=None if champion is None else champion.name,
        tree_now=context.read_committed_tree(),
        config_digest_now=context.loaded.digest,
        data_now=context.digest_data(),
        registry_now=context.versions.open().kind,
        alias=context.config.registry.alias,
    )
    decision = _decision_of(records["detect"])
    _refuse_decision(context, decision, champion)
    files, waiting = bundle_files(context, records), proposal.waits(context)
    again = None if waiting else rolled_back(context, model_digest, reason=inputs.reason, decision=decision)
    content = _content(context, records, model_digest)
    said: dict[str, Any] = {
        "alias": context.config.registry.alias,
        "previous": None if champion is None else champion.name,
        "model_digest": model_digest,
        "evidence": evaluation.digest,
        "actor": context.actor,
        "reason": inputs.reason,
        "rolled_back": again,
    }
    if inputs.dry_run:
        return _outcome(r.PromoteResult(**said, version="", journal=0, dry_run=True))
    version = context.versions.open().publish(Bundle(content, files))
    if waiting:
        asked = proposal.open_pull_request(context, version, champion, records, inputs.reason)
        _tell_ledger(context, evaluation)
        return _outcome(r.PromoteResult(**said, version=version.name, journal=0, pull_request=asked))
    entry = _move(context, version, evaluation, inputs.reason, decision)
    _tell_ledger(context, evaluation)
    return _outcome(r.PromoteResult(**said, version=version.name, journal=entry.seq))


def _run_merged(context: Context, inputs: PromoteInputs) -> Outcome:
    """Move the alias to what the merged pointer names, on the record that the version carries."""
    pointer, version, evaluation = proposal.merged(context)
    champion = context.versions.find_champion()
    if champion is not None and champion.name == version.name:
        if not inputs.dry_run:
            _mark_best(context, version, evaluation)
        return _done_before(context, version)
    proposal.check_merged(context, version, evaluation)
    reason = inputs.reason or pointer.reason
    said: dict[str, Any] = {
        "version": version.name,
        "alias": pointer.alias,
        "previous": None if champion is None else champion.name,
        "model_digest": version.manifest.model_digest,
        "evidence": evaluation.digest,
        "actor": context.actor,
        "reason": reason,
    }
    if inputs.dry_run:
        return _outcome(r.PromoteResult(**said, journal=0, dry_run=True))
    detect = version_records(context.versions.open(), version).get("detect")
    decision = "" if detect is None else _decision_of(detect)
    _refuse_decision(context, decision, champion)
    entry = _move(context, version, evaluation, reason, decision)
    return _outcome(r.PromoteResult(**said, journal=entry.seq))


def _decision_of(detect: Envelope) -> str:
    """Return the digest of the decision that the run followed; empty where it followed none."""
    found = detect.record.find(r.DetectResult)
    return "" if found is None or found.decision is None else found.decision.digest


def _refuse_decision(context: Context, decision: str, champion: Version | None) -> None:
    """Refuse a decision that the registry does not keep, or that an alias moved on already.

    Raises:
        DecisionRefused: it is none that this promotion may follow.
    """
    if decision:
        decided.accepted(
            context.versions.open(),
            decision,
            action="retrain",
            alias=context.config.registry.alias,
            champion=None if champion is None else champion.name,
            now=None,
        )


def _move(context: Context, version: Version, evaluation: Envelope, reason: str, decision: str) -> JournalEntry:
    champion = context.versions.find_champion()
    try:
        entry = context.versions.open().set_alias(
            context.config.registry.alias,
            version.name,
            seen=None if champion is None else champion.name,
            actor=context.actor,
            reason=reason,
            evidence=evaluation.digest,
            kind="promoted",
            command=decided.command_of("modelyard promote", decision),
        )
    except AliasMoved as error:
        raise AliasMoved(error.alias, seen=error.seen, now=error.now, published=version.name) from error
    _mark_best(context, version, evaluation)
    return entry


def _outcome(result: r.PromoteResult) -> Outcome:
    return Outcome(result, Verdict.PASS, model_digest=result.model_digest, champion_version=result.previous)


def bundle_files(context: Context, records: Mapping[Step, Envelope]) -> dict[str, Path]:
    """Return what goes into a version, by its path there: model, records, and what the evaluation carried.

    Raises:
        EvidenceRefused: a carried file is not the one that the evaluation wrote.
    """
    beside = bundle.carried(context.run_dir)
    judged = records["evaluate"].record.outcome
    known = judged.carried if isinstance(judged, r.EvaluateResult) else {}
    found = bundle.digests(beside)
    for name in sorted({*known, *found}):
        if known.get(name) != found.get(name):
            raise EvidenceRefused(
                f"{name} beside the model is {found.get(name, 'missing')}, the evaluation wrote "
                f"{known.get(name, 'none')}",
                code="promote/changed-file",
                hint="Run `modelyard evaluate` again, and promote what it judged.",
            )
    sources = {"model": context.run_dir / "model"}
    sources |= {f"records/{step}.json": context.records.path(step) for step in records}
    return collect(sources) | beside


def _done_before(context: Context, champion: Version) -> Outcome:
    """Record a move that an earlier attempt made; there is nothing left to do."""
    alias = context.config.registry.alias
    (entry,) = context.versions.open().history(alias, newest=1)
    result = r.PromoteResult(
        version=champion.name,
        alias=alias,
        previous=entry.from_,
        model_digest=champion.manifest.model_digest,
        evidence=entry.evidence,
        actor=entry.actor,
        reason=entry.reason,
        journal=entry.seq,
        already=True,
    )
    return _outcome(result)


def _mark_best(context: Context, version: Version, evaluation: Envelope) -> None:
    """Move the alias of the best promoted version, where this one is surely better on the primary metric.

    Only against the version that the evaluation compared with; where the mark was moved since, it stays.
    """
    judged = evaluation.record.outcome
    alias = best_alias(context.config.registry.alias)
    best = context.versions.open().find(alias)
    if best is not None:
        if best.name == version.name or not isinstance(judged, r.EvaluateResult) or judged.best != best.name:
            return
        if judged.over_best is None or judged.over_best.low is None or judged.over_best.low <= 0:
            return
    try:
        context.versions.open().set_alias(
            alias,
            version.name,
            seen=None if best is None else best.name,
            actor=context.actor,
            reason="the first to be promoted" if best is None else f"better than {best.name} on the primary metric",
            evidence=evaluation.digest,
            kind="promoted",
        )
    except AliasMoved as error:
        context.console.say(f"  {alias} is left alone: {error.message}")


def _tell_ledger(context: Context, evaluation: Envelope) -> None:
    judged = evaluation.record.outcome
    if isinstance(judged, r.EvaluateResult) and judged.evaluation is not None:
        context.versions.open().append(actor=context.actor, reason="evaluated", evaluation=judged.evaluation)


def _refuse_where_nothing_is_promoted(context: Context, inputs: PromoteInputs) -> None:
    if context.trigger not in MAY_PROMOTE:
        name = context.event.name if context.event else context.trigger
        raise ConfigError(
            f"nothing is promoted on {name}"
            + (" outside the default branch" if context.trigger == "elsewhere" else ""),
            code="promote/wrong-event",
            hint="A pull request's verdict is advice to its reviewer; promote on a push to the default branch, a "
            "schedule or a dispatch.",
        )
    if context.policy.rules.proposal:
        raise ConfigError(
            "the base has no rules for this model yet, so nothing is promoted by these",
            code="promote/proposal",
            hint="Promote without --base, or once the configuration stands on the base branch.",
        )
    if context.mode == "report-only":
        raise ConfigError(
            "mode is report-only, which promotes nothing",
            code="promote/report-only",
            hint="Remove `mode: report-only` to promote.",
        )
    if context.event is not None and not inputs.evidence_digest and inputs.part == "promote":
        raise ConfigError(
            "input 'evidence-digest' is missing",
            code="command/missing-input",
            hint="Hand over the evaluation's: with: {evidence-digest: ${{ needs.evaluate.outputs.record-digest }}}.",
        )


def _refuse_another_run(context: Context, evaluation: Envelope) -> None:
    run = evaluation.record.circumstances.run_id
    if context.event is not None and run != context.event.run_id:
        raise EvidenceRefused(
            f"the evidence was made by run {run or 'none, locally'}, and this is run {context.event.run_id}",
            code="promote/other-run",
            hint="Promote in the run that evaluates; no other run's records are evidence here.",
        )


def _content(context: Context, records: Mapping[Step, Envelope], model_digest: str) -> Content:
    evaluation = records["evaluate"]
    trained, judged = records["train"].record.outcome, evaluation.record.outcome
    if not isinstance(trained, r.TrainResult) or not isinstance(judged, r.EvaluateResult) or trained.signature is None:
        raise DataError(
            "the train record has no signature", code="record/no-signature", hint="Run `modelyard train` again."
        )
    if evaluation.record.environment_digest is None:
        raise DataError(
            "the evaluation names no environment", code="record/no-environment", hint="Run `modelyard evaluate` again."
        )
    champion, predict = context.versions.find_champion(), context.config.evaluate.predict
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
        predict_command="" if predict is None else command_of_version(predict.command),
    )


PROMOTE = StepDefinition(
    SPEC,
    r.PROMOTE,
    (),
    reads,
    run,
    PromotePresenter(),
    optional=("evaluate",),
    reads_data=False,
    needs_checkout=False,
    stage=Stage(asked_by="promote", runs_anew="asked for", evidence={"evidence-digest": "evaluate"}),
)
