"""The move of a rollback, in a job that has a proof's record and nothing else: one row for each thing that holds it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from modelyard.cli.session import open_context
from modelyard.core.canonical import digest
from modelyard.core.errors import ConfigError, ModelyardError
from modelyard.core.verdict import Verdict
from modelyard.github.event import Event
from modelyard.records.envelope import Envelope, Record, plain_record, write_record
from modelyard.records.results import ProveResult
from modelyard.registry.evidence import NotProved, ProofRefused
from modelyard.registry.local.registry import LocalRegistry
from modelyard.steps.context import Context
from modelyard.steps.once import Once
from modelyard.steps.prove.step import RollbackInputs
from modelyard.steps.rollback import step as rollback
from tests.registry_samples import JUDGED, promote, published, record
from tests.registry_samples import registry as local

CONFIG = f"{JUDGED}registry: {{kind: local, durable: true}}\n"
EVENT = Event(
    name="workflow_dispatch", trigger="default-branch", repository="acme/demo", ref="refs/heads/main", sha="1" * 40,
    actor="octocat", run_id="41", attempt=1, api_url="http://127.0.0.1:9", server_url="http://127.0.0.1:9",
)  # fmt: skip


@pytest.fixture
def where(tmp_path: Path) -> LocalRegistry:
    """v1 to v3, promoted one after the other."""
    found = local(tmp_path)
    seen = None
    for version in published(found, tmp_path, "one", "two", "three"):
        promote(found, version, seen=seen)
        seen = version.name
    return found


@pytest.fixture
def context(tmp_path: Path, where: LocalRegistry, monkeypatch: pytest.MonkeyPatch) -> Context:
    (tmp_path / "modelyard.yml").write_text(CONFIG, "utf-8")
    for name in ("train.csv", "test.csv", "predictions.csv"):
        (tmp_path / name).write_text("late\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_EVENT_PATH"):
        monkeypatch.delenv(name, raising=False)
    return open_context({}, quiet=True)


def prove(context: Context, *, verdict: Verdict = Verdict.PASS, run: str = "", **changed: Any) -> Envelope:
    """A proof of v1, written as the proving job does; ``changed`` is what it says else."""
    target = context.versions.open().resolve("v1")
    shown = ProveResult(
        version="v1", version_digest=target.digest, model_digest=target.manifest.model_digest, alias="champion",
        seen="v3", asked="golden", shown="golden", reproduced=True, said="came out again",
    ).model_copy(update=changed)  # fmt: skip
    made = plain_record(record("prove", shown, [], verdict=verdict))
    made["circumstances"]["run_id"] = run
    return write_record(context.records.path("prove"), Record.model_validate(made))


def move(context: Context, **inputs: Any) -> Any:
    context = replace(context, versions=replace(context.versions, _once=Once()))  # another process
    asked = {"reason": "errors since the morning", "part": "move", **inputs}
    return rollback.run(context, RollbackInputs.model_validate(asked)).result


def refused(context: Context, kind: type[ModelyardError], **inputs: Any) -> str:
    before = context.versions.open().entries()
    with pytest.raises(kind) as caught:
        move(context, **inputs)
    assert context.versions.open().entries() == before
    return caught.value.message


def test_a_move_on_a_proof_is_journalled_with_it(context: Context) -> None:
    proof = prove(context)
    done = move(context, to="v1")
    (last,) = context.versions.open().history("champion", newest=1)
    assert (done.version, done.previous, last.from_, last.to) == ("v1", "v3", "v3", "v1")
    assert (last.kind, last.reason) == ("rolled-back", "errors since the morning")
    assert last.command == f"modelyard rollback --to v1 --proof-digest {proof.digest}"


@pytest.mark.parametrize("what", ["version_digest", "model_digest"])
def test_a_version_that_is_not_the_one_that_was_proved_is_refused(context: Context, what: str) -> None:
    changed: dict[str, Any] = {what: digest("another")}
    prove(context, **changed)
    assert digest("another") in refused(context, ProofRefused)


def test_a_move_to_another_version_than_the_proved_one_is_refused(context: Context) -> None:
    prove(context)
    assert refused(context, ProofRefused, to="v2") == "the proof is of the version v1, the move is to v2"


@pytest.mark.parametrize("to", ["", "previous"])
def test_a_job_that_may_write_goes_where_it_was_told_to_and_not_where_the_record_says(
    context: Context, to: str
) -> None:
    context.event = EVENT
    proof = prove(context, run="41")
    found = refused(context, ProofRefused, to=to, proof_digest=proof.digest)
    assert found == "the proof is of the version v1, the move is to v2"


@pytest.mark.parametrize("word", ["rollback", "modelyard", "--to", "v1", "--proof-digest"])
def test_a_word_of_the_last_moves_command_is_no_proof_of_it(context: Context, word: str) -> None:
    prove(context)
    move(context, to="v1")
    prove(context, said="a later one")
    assert "the one that is named is" in refused(context, ProofRefused, proof_digest=word)


def test_a_proof_that_shows_nothing_moves_nothing(context: Context) -> None:
    prove(context, verdict=Verdict.FAIL)
    assert "v1 is not proved" in refused(context, NotProved)
    prove(context, verdict=Verdict.NOT_APPLICABLE, asked="none", shown="none", reproduced=None)
    assert "asked for as none, the move asks for golden" in refused(context, ProofRefused)


@pytest.mark.parametrize(
    ("proof", "said"), [("none", "WITHOUT PROOF: "), ("loading", "proved by loading alone: "), ("golden", "")]
)
def test_the_history_says_what_a_move_rests_on(context: Context, proof: Any, said: str) -> None:
    verdict = Verdict.NOT_APPLICABLE if proof == "none" else Verdict.PASS
    prove(context, verdict=verdict, asked=proof, shown=proof, reproduced=True if proof == "golden" else None)
    move(context, proof=proof)
    (last,) = context.versions.open().history("champion", newest=1)
    assert last.reason == f"{said}errors since the morning"
    assert (f"--proof {proof}" in last.command) == (proof != "golden")


def test_a_job_of_actions_takes_the_proof_of_its_own_run_that_was_handed_to_it(context: Context) -> None:
    context.event = EVENT
    proof = prove(context, run="41")
    assert refused(context, ConfigError) == "input 'proof-digest' is missing"
    assert digest("another") in refused(context, ProofRefused, proof_digest=digest("another"))
    other = prove(context, run="40")
    found = refused(context, ProofRefused, proof_digest=other.digest)
    assert found == "the proof was made by run 40, this is run 41"
    assert "two jobs" in refused(context, ConfigError, part="both", proof_digest=proof.digest)
    prove(context, run="41")
    assert move(context, to="v1", proof_digest=proof.digest).version == "v1"


def test_a_rollback_without_a_reason_or_from_a_pull_request_moves_nothing(context: Context) -> None:
    prove(context)
    assert refused(context, ConfigError, reason=" ") == "a rollback needs a reason"
    context.event = replace(EVENT, name="pull_request", trigger="pull-request")
    assert "nothing is rolled back on pull_request" in refused(context, ConfigError)


def test_a_second_attempt_does_what_is_left_and_another_proof_is_no_second_attempt(context: Context) -> None:
    proof = prove(context)
    first = move(context)
    again = first.model_copy(update={"already": True})
    assert move(context) == again
    assert move(context, proof_digest=proof.digest) == again
    prove(context, said="a later one")
    assert "the proof saw champion at v3, it points at v1" in refused(context, ProofRefused)
    assert [entry.to for entry in context.versions.open().history("champion")] == ["v1", "v2", "v3", "v1"]


def test_a_promotion_is_no_second_attempt_of_a_rollback_to_the_same_version(
    context: Context, where: LocalRegistry
) -> None:
    proof = prove(context)
    promote(where, where.resolve("v1"), seen="v3", command=f"modelyard rollback --proof-digest {proof.digest}")
    assert "the proof saw champion at v3, it points at v1" in refused(context, ProofRefused)


@pytest.mark.parametrize(("best", "then"), [("v1", "v1"), ("v2", "v1"), ("v3", "v1")])
def test_a_rollback_takes_the_mark_of_the_best_along_where_it_would_be_left_behind(
    context: Context, where: LocalRegistry, best: str, then: str
) -> None:
    marked = where.resolve(best)
    evidence = marked.manifest.evidence
    where.set_alias("best-promoted", best, seen=None, actor="a", reason="b", evidence=evidence, kind="promoted")
    prove(context)
    move(context)
    found = where.find("best-promoted")
    assert found is not None
    assert found.name == then
    assert len(where.history("best-promoted")) == (1 if best == then else 2)
