"""Evaluated = promoted: one row per way in which evidence can mismatch, each with both values and what to do."""

from pathlib import Path
from typing import Any

import pytest

from modelyard.core.canonical import digest
from modelyard.core.errors import DataError, ModelyardError
from modelyard.core.verdict import Verdict
from modelyard.records.envelope import Envelope, Record, Step, plain_record
from modelyard.registry.evidence import EvidenceRefused, NotPassed, check_evidence
from tests.registry_samples import CONFIG, DATA, MODEL, TREE, run_folder, write_chain

OTHER = digest("something else")


@pytest.fixture
def chain(tmp_path: Path) -> dict[Step, Envelope]:
    return write_chain(run_folder(tmp_path / "run"), champion="v7")


def at_hand(chain: dict[Step, Envelope], **now: Any) -> dict[str, Any]:
    asked = {
        "evaluation": chain["evaluate"],
        "detect": chain["detect"],
        "model_now": MODEL,
        "model_digest_now": chain["evaluate"].record.model_digest,
        "champion_now": "v7",
        "tree_now": TREE,
        "config_digest_now": CONFIG,
        "data_now": DATA,
        "registry_now": "local",
    }
    return {**asked, **now}


def remade(envelope: Envelope, **changed: Any) -> Envelope:
    return Envelope.seal(Record.model_validate({**plain_record(envelope.record), **changed}))


def test_evidence_for_exactly_this_is_accepted(chain: dict[Step, Envelope]) -> None:
    check_evidence(**at_hand(chain))


@pytest.mark.parametrize(
    ("now", "values", "hint"),
    [
        ({"model_now": "another-model"}, (MODEL, "another-model"), "modelyard run"),
        ({"model_digest_now": OTHER}, ("judged the model sha256:", OTHER), "modelyard run"),
        ({"champion_now": "v8"}, ("compared with v7", "champion points at v8 now"), "Evaluate again against v8"),
        ({"champion_now": None}, ("compared with v7", "points at nothing now"), "Evaluate again"),
        ({"tree_now": "a" * 40}, (TREE, "a" * 40), "modelyard run"),
        ({"tree_now": TREE + " dirty"}, (f"tree {TREE},", f"{TREE} dirty"), "modelyard run"),
        ({"config_digest_now": OTHER}, (CONFIG, OTHER), "modelyard run"),
        ({"data_now": {"all": OTHER}}, ("'all'", DATA["all"], OTHER), "modelyard run"),
        ({"data_now": {}}, ("'all'", DATA["all"], "none"), "modelyard run"),
        ({"data_now": {**DATA, "more": OTHER}}, ("'more'", "none", OTHER), "modelyard run"),
        ({"registry_now": "mlflow"}, ("local", "mlflow"), "modelyard run"),
    ],
)
def test_evidence_for_something_else_is_refused_with_both_values(
    chain: dict[Step, Envelope], now: dict[str, Any], values: tuple[str, ...], hint: str
) -> None:
    with pytest.raises(EvidenceRefused) as caught:
        check_evidence(**at_hand(chain, **now))
    assert caught.value.exit_code == 2
    assert hint in caught.value.hint
    for value in values:
        assert value in caught.value.message


def test_files_that_made_the_checkout_differ_from_its_commit_are_named(chain: dict[Step, Envelope]) -> None:
    told = chain["evaluate"].record.circumstances.model_copy(update={"uncommitted": ("out.txt", "a\x1b[31m.pyc")})
    evidence = remade(chain["evaluate"], circumstances=told.model_dump(mode="json"))
    with pytest.raises(EvidenceRefused) as caught:
        check_evidence(**at_hand(chain, evaluation=evidence, tree_now="a" * 40))
    assert "differed from its commit in 'out.txt', 'a\\x1b[31m.pyc'. Commit these files, have git" in caught.value.hint


@pytest.mark.parametrize(
    ("changed", "values"),
    [
        ({"model": "another-model"}, ("another-model", MODEL)),
        ({"model_digest": OTHER}, (OTHER,)),
        ({"model_digest": None}, ("judged the model none",)),
        ({"champion_version": None}, ("compared with no champion", "v7")),
        ({"champion_version": "v6"}, ("compared with v6", "v7")),
        ({"tree": ""}, ("tree none", TREE)),
        ({"config_digest": OTHER}, (OTHER, CONFIG)),
        ({"data": {"all": OTHER}}, (OTHER, DATA["all"])),
        ({"builds_on": []}, ("no detect record", "this run's detect record is sha256:")),
        ({"step": "train"}, ("train", "evaluate")),
    ],
)
def test_a_record_that_speaks_of_something_else_is_refused(
    chain: dict[Step, Envelope], changed: dict[str, Any], values: tuple[str, ...]
) -> None:
    now = {"evaluation": remade(chain["evaluate"], **changed)}
    with pytest.raises(EvidenceRefused) as caught:
        check_evidence(**at_hand(chain, model_digest_now=chain["evaluate"].record.model_digest) | now)
    assert caught.value.exit_code == 2
    for value in values:
        assert value in caught.value.message


def test_evidence_of_another_run_is_refused(chain: dict[Step, Envelope]) -> None:
    again = remade(chain["detect"], inputs_digest=OTHER)
    with pytest.raises(EvidenceRefused) as caught:
        check_evidence(**at_hand(chain, detect=again))
    assert chain["detect"].digest in caught.value.message
    assert again.digest in caught.value.message


@pytest.mark.parametrize(
    ("changed", "value"),
    [
        ({"config_digest": OTHER}, OTHER),
        ({"data": {"all": OTHER}}, OTHER),
        ({"model": "another-model"}, "another-model"),
    ],
)
def test_a_detect_record_of_something_else_is_refused(
    chain: dict[Step, Envelope], changed: dict[str, Any], value: str
) -> None:
    detect = remade(chain["detect"], **changed)
    evaluation = remade(chain["evaluate"], builds_on=[detect.link.model_dump()])
    with pytest.raises(EvidenceRefused) as caught:
        check_evidence(**at_hand(chain, detect=detect, evaluation=evaluation))
    assert value in caught.value.message


@pytest.mark.parametrize("step", ["evaluate", "detect"])
def test_an_edited_record_is_refused_with_both_digests(chain: dict[Step, Envelope], step: Step) -> None:
    edited = chain[step].record.model_copy(update={"tool_version": "9.9.9"})
    chain[step] = chain[step].model_copy(update={"record": edited})
    with pytest.raises(EvidenceRefused) as caught:
        check_evidence(**at_hand(chain))
    assert f"the {step} record was changed" in caught.value.message
    assert chain[step].digest in caught.value.message
    assert Envelope.seal(edited).digest in caught.value.message


@pytest.mark.parametrize("step", ["evaluate", "detect"])
def test_an_edited_result_digest_is_refused_though_the_record_is_whole(chain: dict[Step, Envelope], step: Step) -> None:
    known = chain[step].result_digest
    chain[step] = chain[step].model_copy(update={"result_digest": OTHER})
    with pytest.raises(EvidenceRefused, match=f"the {step} record was changed: its result digest") as caught:
        check_evidence(**at_hand(chain))
    assert OTHER in caught.value.message
    assert known in caught.value.message


@pytest.mark.parametrize(("verdict", "words"), [(Verdict.FAIL, "hold"), (Verdict.INCONCLUSIVE, "cannot tell yet")])
def test_a_verdict_that_is_not_pass_is_the_product_s_answer(
    chain: dict[Step, Envelope], verdict: Verdict, words: str
) -> None:
    with pytest.raises(NotPassed) as caught:
        check_evidence(**at_hand(chain, evaluation=remade(chain["evaluate"], verdict=verdict)))
    assert caught.value.exit_code == 1
    assert words in caught.value.message


@pytest.mark.parametrize("verdict", [Verdict.ERROR, Verdict.NOT_APPLICABLE])
def test_an_evaluation_that_could_not_judge_is_no_answer(chain: dict[Step, Envelope], verdict: Verdict) -> None:
    with pytest.raises(DataError) as caught:
        check_evidence(**at_hand(chain, evaluation=remade(chain["evaluate"], verdict=verdict)))
    assert caught.value.exit_code == 3


def test_a_failing_verdict_changed_to_pass_by_hand_is_refused(chain: dict[Step, Envelope]) -> None:
    failed = remade(chain["evaluate"], verdict=Verdict.FAIL)
    forged = failed.model_copy(update={"record": failed.record.model_copy(update={"verdict": Verdict.PASS})})
    with pytest.raises(EvidenceRefused, match="was changed"):
        check_evidence(**at_hand(chain, evaluation=forged))


@pytest.mark.parametrize("empty", ["tree_now", "model_digest_now", "config_digest_now", "registry_now", "model_now"])
def test_nothing_at_hand_is_never_a_match(chain: dict[Step, Envelope], empty: str) -> None:
    with pytest.raises(ModelyardError):
        check_evidence(**at_hand(chain, **{empty: ""}))


def test_no_tree_on_both_sides_is_never_a_match(chain: dict[Step, Envelope]) -> None:
    with pytest.raises(EvidenceRefused):
        check_evidence(**at_hand(chain, evaluation=remade(chain["evaluate"], tree=""), tree_now=""))
