"""Evaluated = promoted: is this evidence a pass, and is it about exactly what is at hand now?"""

from collections.abc import Mapping
from dataclasses import dataclass

from modelyard.errors import NOT_PASSED, DataError, ModelyardError
from modelyard.records.chain import verify_records
from modelyard.records.envelope import Envelope, Step
from modelyard.records.results import DetectResult
from modelyard.verdict import Verdict


class EvidenceRefused(ModelyardError):  # noqa: N818 - it says what happened
    """The evidence is not for what would be promoted; both values are in the message."""

    exit_code = 2


class NotPassed(EvidenceRefused):
    """The evidence is in order, and it does not say pass: the product's answer."""

    exit_code = NOT_PASSED


@dataclass(frozen=True)
class AtHand:
    """What would be promoted, and where, as it is now and not as any record says."""

    model: str
    """Name of the model in the configuration."""
    model_digest: str
    """Digest of the bytes that would be published."""
    champion: str | None
    """The version that the alias points at."""
    tree: str
    config_digest: str
    data: Mapping[str, str]
    """Data set to digest of its contents."""
    registry: str
    """Kind of the registry."""
    alias: str = "champion"


_AGAIN = "Run `modelyard run` again, and promote what that run evaluated."


def check_evidence(records: Mapping[Step, Envelope], now: AtHand) -> Envelope:
    """Accept the evaluation record as evidence and return it, or say what differs.

    Args:
        records: the records of this run, detect and evaluate among them.
        now: what is at hand.

    Raises:
        EvidenceRefused: the evidence is for something else, or was changed (exit code 2).
        NotPassed: it is in order, and its verdict is fail or inconclusive (exit code 1).
        DataError: there is no evaluation, or it ended with an error (exit code 3).
    """
    evaluation, detect = _present(records, "evaluate"), _present(records, "detect")
    for step, envelope in records.items():
        _whole(step, envelope)
        _same(f"the {step} record is of the model", envelope.record.model, "the configuration names", now.model)
    _passed(evaluation)
    _builds_on(evaluation, detect)
    record = evaluation.record
    _same("the evaluation judged the model", record.model_digest, "what would be published is", now.model_digest)
    if record.champion_version != now.champion:
        against = f"Evaluate again against {now.champion}" if now.champion else "Evaluate again"
        raise EvidenceRefused(
            f"the evaluation compared with {record.champion_version or 'no champion'}, "
            f"and {now.alias} points at {now.champion or 'nothing'} now",
            do=f"{against}: modelyard run",
        )
    _same("the evaluation was made at the tree", record.tree, "the tree now is", now.tree)
    _settings(detect, now)
    _settings(evaluation, now)
    if broken := verify_records(records):
        raise EvidenceRefused(f"the records are not one chain: {broken[0]}", do=_AGAIN)
    return evaluation


def _present(records: Mapping[Step, Envelope], step: Step) -> Envelope:
    if step not in records:
        raise DataError(f"there is no {step} record, and nothing is promoted without one", do="Run `modelyard run`.")
    return records[step]


def _whole(step: Step, envelope: Envelope) -> None:
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
            do="Read the report: it says which gate, and what would decide it.",
        )
    raise DataError(f"the evaluation ended with {verdict}, and only pass is promoted", do=_AGAIN)


def _builds_on(evaluation: Envelope, detect: Envelope) -> None:
    linked = [link.digest for link in evaluation.record.builds_on if link.step == "detect"]
    if detect.digest not in linked:
        raise EvidenceRefused(
            f"the evaluation builds on {f'the detect record {linked[0]}' if linked else 'no detect record'}, "
            f"this run's detect record is {detect.digest}",
            do=_AGAIN,
        )


def _settings(envelope: Envelope, now: AtHand) -> None:
    record = envelope.record
    what = f"the {record.step} record has the"
    _same(f"{what} configuration digest", record.config_digest, "the configuration now has", now.config_digest)
    for name in sorted({*record.data, *now.data}):
        then = f"{what} digest of the data set {name!r} as"
        _same(then, record.data.get(name), "the data now has", now.data.get(name))
    if record.step == "detect":
        outcome = record.outcome
        kind = outcome.registry if isinstance(outcome, DetectResult) else None
        _same("the detect record was made for the registry", kind, "the registry now is", now.registry)


def _same(said: str, found: str | None, now: str, wanted: str | None) -> None:
    """Both are there and equal; an empty value is never evidence."""
    if found != wanted or not found:
        raise EvidenceRefused(f"{said} {found or 'none'}, {now} {wanted or 'none'}", do=_AGAIN)
