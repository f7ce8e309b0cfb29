"""A proof moves exactly what it proved: one row per way in which it can be of something else, with both values."""

from typing import Any

import pytest

from modelyard.core.canonical import digest
from modelyard.core.verdict import Verdict
from modelyard.records.envelope import Envelope, Record, plain_record
from modelyard.records.results import ProveResult
from modelyard.registry.evidence import NotProved, ProofRefused, check_proof, check_target
from tests.registry_samples import MODEL, record
from tests.unit.test_registry_retention import version

OTHER = digest("something else")
SHOWN = ProveResult(
    version="v3",
    version_digest=digest("manifest"),
    model_digest=digest("model"),
    alias="champion",
    seen="v7",
    asked="golden",
    shown="golden",
    reproduced=True,
    said="all 32 golden predictions came out again",
)


def sealed(**changed: Any) -> Envelope:
    made = plain_record(record("prove", SHOWN, []))
    circumstances = {**made["circumstances"], "run_id": "41"}
    return Envelope.seal(Record.model_validate({**made, "circumstances": circumstances, **changed}))


def at_hand(proof: Envelope, **now: Any) -> dict[str, Any]:
    known = {"handed": proof.digest, "run_now": "41", "model_now": MODEL, "alias_now": "champion"}
    return {**known, "champion_now": "v7", "asked": "golden", **now}


def test_a_proof_of_exactly_this_is_accepted() -> None:
    proof = sealed()
    assert check_proof(proof, **at_hand(proof)) == SHOWN
    assert check_proof(proof, **at_hand(proof, run_now="")) == SHOWN


@pytest.mark.parametrize(
    ("now", "values"),
    [
        ({"handed": OTHER}, (OTHER, "the one that is named")),
        ({"handed": ""}, ("none",)),
        ({"run_now": "42"}, ("run 41", "run 42")),
        ({"model_now": "another"}, (MODEL, "another")),
        ({"alias_now": "canary"}, ("champion", "canary")),
        ({"champion_now": "v8"}, ("v7", "v8")),
        ({"champion_now": None}, ("v7", "none")),
        ({"asked": "none"}, ("golden", "none")),
    ],
)
def test_a_proof_of_something_else_is_refused_with_both_values(now: dict[str, Any], values: tuple[str, ...]) -> None:
    proof = sealed()
    with pytest.raises(ProofRefused) as caught:
        check_proof(proof, **at_hand(proof, **now))
    assert caught.value.exit_code == 2
    assert all(value in caught.value.message for value in values)


def test_an_edited_proof_is_refused_with_both_digests() -> None:
    proof = sealed()
    edited = proof.model_copy(update={"record": proof.record.model_copy(update={"tool_version": "9.9.9"})})
    with pytest.raises(ProofRefused, match="was changed") as caught:
        check_proof(edited, **at_hand(proof))
    assert proof.digest in caught.value.message


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR, Verdict.NOT_APPLICABLE])
def test_what_is_no_proof_moves_nothing(verdict: Verdict) -> None:
    proof = sealed(verdict=verdict)
    with pytest.raises(NotProved) as caught:
        check_proof(proof, **at_hand(proof))
    assert caught.value.exit_code == 1
    assert "--proof" in caught.value.hint


def test_a_waived_proof_moves_only_where_that_was_asked_for_on_both_sides() -> None:
    waived = SHOWN.model_copy(update={"asked": "none", "shown": "none", "reproduced": None})
    proof = sealed(verdict=Verdict.NOT_APPLICABLE, result=waived.model_dump(mode="json"))
    assert check_proof(proof, **at_hand(proof, asked="none")) == waived
    with pytest.raises(ProofRefused, match="asked for as none, the move asks for golden"):
        check_proof(proof, **at_hand(proof))


def test_a_record_of_another_step_is_no_proof() -> None:
    other = Envelope.seal(Record.model_validate({**plain_record(sealed().record), "step": "evaluate", "result": None}))
    with pytest.raises(ProofRefused, match="the record is one of evaluate, what is needed is one of prove"):
        check_proof(other, **at_hand(other))


@pytest.mark.parametrize(
    ("changed", "values"),
    [
        ({"version": "v2"}, ("of the version v2", "the move is to v3")),
        ({"version_digest": OTHER}, (f"v3 had the digest {OTHER}", "it has sha256:")),
        ({"model_digest": OTHER}, (f"v3 had the model {OTHER}", "it has sha256:")),
    ],
)
def test_the_version_that_is_moved_to_is_the_one_that_was_proved(
    changed: dict[str, Any], values: tuple[str, str]
) -> None:
    target = version(3)
    found = {"version_digest": target.digest, "model_digest": target.manifest.model_digest}
    check_target(SHOWN.model_copy(update=found), target)
    with pytest.raises(ProofRefused) as caught:
        check_target(SHOWN.model_copy(update={**found, **changed}), target)
    assert all(value in caught.value.message for value in values)
