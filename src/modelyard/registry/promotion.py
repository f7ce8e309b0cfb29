"""Evaluated = promoted: is this evidence a pass, and is it about exactly what is at hand now?"""

from collections.abc import Mapping

from modelyard.core.errors import NOT_PASSED, DataError, ModelyardError
from modelyard.core.verdict import Verdict
from modelyard.records.envelope import Envelope
from modelyard.records.results import DetectResult


class EvidenceRefused(ModelyardError):  # noqa: N818 - it says what happened
    """The evidence is not for what would be promoted; both values are in the message."""

    exit_code = 2


class NotPassed(EvidenceRefused):
    """The evidence is in order, and it does not say pass: the product's answer."""

    exit_code = NOT_PASSED


_AGAIN = "Run `modelyard run` again, and promote what that run evaluated."


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
    """Accept evidence, or say what differs. What is compared with is what is at hand now, not what a record says.

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
            hint="Read the report: it says which gate, and what would decide it.",
        )
    raise DataError(f"the evaluation ended with {verdict}, and only pass is promoted", hint=_AGAIN)


def _builds_on(evaluation: Envelope, detect: Envelope) -> None:
    linked = [link.digest for link in evaluation.record.builds_on if link.step == "detect"]
    if detect.digest not in linked:
        raise EvidenceRefused(
            f"the evaluation builds on {f'the detect record {linked[0]}' if linked else 'no detect record'}, "
            f"this run's detect record is {detect.digest}",
            hint=_AGAIN,
        )


def _of_tree(evaluation: Envelope) -> str:
    """What to do where the checkout was not its commit, which is mostly that a step wrote files into it."""
    files = evaluation.record.circumstances.uncommitted
    if not files:
        return _AGAIN
    return (
        f"The checkout differed from its commit in {', '.join(map(repr, files))}. Commit these files, have git ignore "
        "them, or write them elsewhere; then run again."
    )


def _same(said: str, found: str | None, now: str, wanted: str | None, hint: str = _AGAIN) -> None:
    """Both are there and equal; an empty value is never evidence."""
    if found != wanted or not found:
        raise EvidenceRefused(f"{said} {found or 'none'}, {now} {wanted or 'none'}", hint=hint)
