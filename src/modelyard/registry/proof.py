"""An alias moves back on a proof alone: is this the proof of exactly this move, and was it one?"""

from modelyard.core.errors import NOT_PASSED, ModelyardError
from modelyard.core.verdict import Verdict
from modelyard.records.envelope import Envelope
from modelyard.records.results import ProofLevel, ProveResult
from modelyard.registry.base import Version

_AGAIN = "Prove again, and move on what that proof says: modelyard rollback."


class ProofRefused(ModelyardError):  # noqa: N818 - it says what happened
    """The proof is not of this move; both values are in the message."""

    exit_code = 2


class NotProved(ProofRefused):
    """The proof is in order, and it shows that the old version does not work, or not enough: the product's answer."""

    exit_code = NOT_PASSED


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
        run_now: number of this run of GitHub Actions; empty at a desk.
        model_now: name of the model in the configuration.
        alias_now: the alias that would move.
        champion_now: the version that it points at.
        asked: what the move is to rest on.

    Raises:
        ProofRefused: it is of something else, or was changed.
        NotProved: it is in order, and no proof.
    """
    record = proof.record
    _same("the record is one of", record.step, "what is needed is one of", "prove")
    _same("the proof was changed: its digest says", proof.digest, "its content is", Envelope.seal(record).digest)
    _same("the proof in the run folder is", proof.digest, "the one that is named is", handed)
    _same("the proof is of the model", record.model, "the configuration names", model_now)
    if run_now:
        _same("the proof was made by run", record.circumstances.run_id, "this is run", run_now)
    shown = record.outcome
    if not isinstance(shown, ProveResult):
        raise ProofRefused("the proof's record holds no proof", hint=_AGAIN)
    _same("the proof is for the alias", shown.alias, "the alias to move is", alias_now)
    _same(f"the proof saw {alias_now} at", shown.seen, "it points at", champion_now)
    _same("the proof was asked for as", shown.asked, "the move asks for", asked)
    if record.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE):
        raise NotProved(f"{shown.version} is not proved: {shown.said}", hint=advice(shown))
    waived = record.verdict is Verdict.NOT_APPLICABLE and asked == "none"
    if record.verdict is not Verdict.PASS and not waived:
        raise NotProved(f"the proof of {shown.version} ended with {record.verdict}", hint=advice(shown))
    return shown


def check_target(shown: ProveResult, target: Version) -> None:
    """The version in the registry is the one that was proved.

    Raises:
        ProofRefused: it is another one, or was changed since.
    """
    _same("the proof is of the version", shown.version, "the move is to", target.name)
    _same(f"{shown.version} had the digest", shown.version_digest, "it has", target.digest)
    _same(f"{shown.version} had the model", shown.model_digest, "it has", target.manifest.model_digest)


def advice(shown: ProveResult) -> str:
    """What a person can do who needs the move all the same."""
    if shown.shown == "loading":
        return "If that is enough, say so: proof: loading (--proof loading). The history keeps it."
    return (
        f"{shown.alias} stays at {shown.seen}. Go back to another version, or move without a proof: proof: none "
        "(--proof none). The history keeps it."
    )


def _same(said: str, found: str | None, now: str, wanted: str | None) -> None:
    """Both are there and equal."""
    if found != wanted or not found:
        raise ProofRefused(f"{said} {found or 'none'}, {now} {wanted or 'none'}", hint=_AGAIN)
