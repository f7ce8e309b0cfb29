"""Accept the record that a move of an alias rests on: an evaluation to promote, a proof to roll back."""

from collections.abc import Mapping

from modelyard.core.errors import NOT_PASSED, DataError, ModelyardError
from modelyard.core.verdict import Verdict
from modelyard.records.envelope import Envelope
from modelyard.records.results import DETECT, DetectResult, ProofLevel, ProveResult
from modelyard.registry.protocol import Version


class EvidenceRefused(ModelyardError):  # noqa: N818 - it says what happened
    """The evidence is not for what would be promoted; both values are in the message."""

    exit_code = 2


class NotPassed(EvidenceRefused):
    """The evidence is in order, and it does not say pass: the product's answer."""

    exit_code = NOT_PASSED


class ProofRefused(ModelyardError):  # noqa: N818 - it says what happened
    """The proof is not of this move; both values are in the message."""

    exit_code = 2


class NotProved(ProofRefused):
    """The proof is in order, and it shows that the old version does not work, or not enough: the product's answer."""

    exit_code = NOT_PASSED


_EVALUATE_AGAIN = "Run `modelyard run` again, and promote what that run evaluated."
_PROVE_AGAIN = "Prove again, and move on what that proof says: modelyard rollback."


def check_evidence(
    *,
    evaluation: Envelope,
    detect: Envelope,
    model_now: str,
    model_digest_now: str,
    champion_now: str | None,
    tree_now: str,
    config_digest_now: str,
    data_now: Mapping[str, str],
    registry_now: str,
    alias: str = "champion",
) -> None:
    """Accept evidence, or name what differs from what is at hand now; no record is believed about the present.

    Args:
        evaluation: the evaluation record that is the evidence.
        detect: this run's detect record, which the evidence must build on.
        model_now: name of the model in the configuration.
        model_digest_now: digest of the bytes that would be published.
        champion_now: the version that the alias points at.
        tree_now: git's tree.
        config_digest_now: digest of the configuration.
        data_now: data set to digest of its contents.
        registry_now: kind of the registry.
        alias: the alias that would move.

    Raises:
        EvidenceRefused: the evidence is for something else, or was changed (exit code 2).
        NotPassed: it is in order, and its verdict is fail or inconclusive (exit code 1).
        DataError: it is in order, and the evaluation itself ended with an error (exit code 3).
    """
    for step, envelope in (("evaluate", evaluation), ("detect", detect)):
        _whole(step, envelope)
        _same(f"the {step} record is of the model", envelope.record.model, "the configuration names", model_now)
    _passed(evaluation)
    _builds_on(evaluation, detect)
    record = evaluation.record
    _same("the evaluation judged the model", record.model_digest, "what would be published is", model_digest_now)
    if record.champion_version != champion_now:
        against = f"Evaluate again against {champion_now}" if champion_now else "Evaluate again"
        raise EvidenceRefused(
            f"the evaluation compared with {record.champion_version or 'no champion'}, "
            f"and {alias} points at {champion_now or 'nothing'} now",
            code="promote/champion-moved",
            hint=f"{against}: modelyard run",
        )
    _same("the evaluation was made at the tree", record.tree, "the tree now is", tree_now, _of_tree(evaluation))
    for envelope in (detect, evaluation):
        what = f"the {envelope.record.step} record has the"
        found = envelope.record.config_digest
        _same(f"{what} configuration digest", found, "the configuration now has", config_digest_now)
        for name in sorted({*envelope.record.data, *data_now}):
            known = envelope.record.data.get(name)
            _same(f"{what} digest of the data set {name!r} as", known, "the data now has", data_now.get(name))
    outcome = detect.record.outcome
    registry = outcome.registry if isinstance(outcome, DetectResult) else None
    _same("the detect record was made for the registry", registry, "the registry now is", registry_now)


def _whole(step: str, envelope: Envelope) -> None:
    _same(f"the {step} record is one of", envelope.record.step, "what is needed is one of", step)
    sealed, what = Envelope.seal(envelope.record), f"the {step} record was changed: its"
    _same(f"{what} digest says", envelope.digest, "its content is", sealed.digest)
    _same(f"{what} result digest says", envelope.result_digest, "its content is", sealed.result_digest)


def _passed(evaluation: Envelope) -> None:
    verdict = evaluation.record.verdict
    if verdict is Verdict.PASS:
        return
    if verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE):
        raise NotPassed(
            f"the evaluation ended with {verdict} ({verdict.words}), and only pass is promoted",
            code="promote/not-passed",
            hint="Read the report: it says which gate, and what would decide it.",
        )
    raise DataError(
        f"the evaluation ended with {verdict}, and only pass is promoted",
        code="promote/evaluation-failed",
        hint=_EVALUATE_AGAIN,
    )


def _builds_on(evaluation: Envelope, detect: Envelope) -> None:
    linked = [link.digest for link in evaluation.record.builds_on if link.step == DETECT.name]
    if detect.digest not in linked:
        raise EvidenceRefused(
            f"the evaluation builds on {f'the detect record {linked[0]}' if linked else 'no detect record'}, "
            f"this run's detect record is {detect.digest}",
            code="promote/evidence-refused",
            hint=_EVALUATE_AGAIN,
        )


def _of_tree(evaluation: Envelope) -> str:
    """Return the hint for a checkout that was not its commit, mostly because a step wrote files into it."""
    files = evaluation.record.circumstances.uncommitted
    if not files:
        return _EVALUATE_AGAIN
    return (
        f"The checkout differed from its commit in {', '.join(map(repr, files))}. Commit these files, have git ignore "
        "them, or write them elsewhere; then run again."
    )


def check_proof(
    proof: Envelope,
    *,
    handed: str,
    run_now: str,
    model_now: str,
    alias_now: str,
    champion_now: str | None,
    asked: ProofLevel,
) -> ProveResult:
    """Accept a proof, or say what differs.

    Args:
        proof: the record, as it stands in the run folder.
        handed: the digest that the proving job gave out, by a way that no artifact takes.
        run_now: number of this run of GitHub Actions; empty locally.
        model_now: name of the model in the configuration.
        alias_now: the alias that would move.
        champion_now: the version that it points at.
        asked: what the move is to rest on.

    Raises:
        ProofRefused: it is of something else, or was changed.
        NotProved: it is in order, and no proof.
    """
    record = proof.record
    _same_in_proof("the record is one of", record.step, "what is needed is one of", "prove")
    sealed = Envelope.seal(record)
    _same_in_proof("the proof was changed: its digest says", proof.digest, "its content is", sealed.digest)
    _same_in_proof("the proof in the run folder is", proof.digest, "the one that is named is", handed)
    _same_in_proof("the proof is of the model", record.model, "the configuration names", model_now)
    if run_now:
        _same_in_proof("the proof was made by run", record.circumstances.run_id, "this is run", run_now)
    shown = record.outcome
    if not isinstance(shown, ProveResult):
        raise ProofRefused("the proof's record holds no proof", code="rollback/proof-refused", hint=_PROVE_AGAIN)
    _same_in_proof("the proof is for the alias", shown.alias, "the alias to move is", alias_now)
    _same_in_proof(f"the proof saw {alias_now} at", shown.seen, "it points at", champion_now)
    _same_in_proof("the proof was asked for as", shown.asked, "the move asks for", asked)
    if record.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE):
        message = f"{shown.version} is not proved: {shown.said}"
        raise NotProved(message, code="rollback/not-proved", hint=advice(shown))
    waived = record.verdict is Verdict.NOT_APPLICABLE and asked == "none"
    if record.verdict is not Verdict.PASS and not waived:
        message = f"the proof of {shown.version} ended with {record.verdict}"
        raise NotProved(message, code="rollback/not-proved", hint=advice(shown))
    return shown


def check_target(shown: ProveResult, target: Version) -> None:
    """Accept the version in the registry as the one that was proved.

    Raises:
        ProofRefused: it is another one, or was changed since.
    """
    _same_in_proof("the proof is of the version", shown.version, "the move is to", target.name)
    _same_in_proof(f"{shown.version} had the digest", shown.version_digest, "it has", target.digest)
    _same_in_proof(f"{shown.version} had the model", shown.model_digest, "it has", target.manifest.model_digest)


def advice(shown: ProveResult) -> str:
    """Return what a person can do who needs the move all the same."""
    if shown.shown == "loading":
        return "If that is enough, say so: proof: loading (--proof loading). The history keeps it."
    return (
        f"{shown.alias} stays at {shown.seen}. Go back to another version, or move without a proof: proof: none "
        "(--proof none). The history keeps it."
    )


def _same(label: str, recorded: str | None, current_label: str, current: str | None, hint: str = "") -> None:
    if difference := _difference(label, recorded, current_label, current):
        raise EvidenceRefused(difference, code="promote/evidence-refused", hint=hint or _EVALUATE_AGAIN)


def _same_in_proof(label: str, recorded: str | None, current_label: str, current: str | None) -> None:
    if difference := _difference(label, recorded, current_label, current):
        raise ProofRefused(difference, code="rollback/proof-refused", hint=_PROVE_AGAIN)


def _difference(label: str, recorded: str | None, current_label: str, current: str | None) -> str:
    """Return nothing where both values are there and equal; an empty value is never evidence."""
    if recorded == current and recorded:
        return ""
    return f"{label} {recorded or 'none'}, {current_label} {current or 'none'}"
