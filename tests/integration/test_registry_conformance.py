"""One behaviour for every registry: publish, resolve, move, history, fetch, refuse."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from modelyard.core.canonical import digest
from modelyard.core.errors import ConfigError, DataError, PlatformError
from modelyard.core.reasons import because
from modelyard.github.client import GitHub
from modelyard.records.envelope import Record, plain_record, read_record, write_record
from modelyard.records.results import Decided, Decision
from modelyard.registry.github.registry import GitHubRegistry
from modelyard.registry.local.registry import LocalRegistry
from modelyard.registry.mlflow.registry import MlflowRegistry
from modelyard.registry.mlflow.server import Server
from modelyard.registry.protocol import AliasMoved, DecisionOvertaken, Registry
from modelyard.registry.records import version_records
from modelyard.registry.verify import verify_registry
from tests import desk
from tests.hub import Hub, hub
from tests.memory_registry import Memory, MemoryRegistry
from tests.mlflow_server import Running
from tests.registry_samples import (
    MODEL,
    NOON,
    Clock,
    adopted,
    bundle,
    promote,
    published,
    run_folder,
    snapshot,
)

Opener = Callable[..., Registry]


def start(stack: ExitStack, folder: Path) -> Hub:
    """GitHub with a repository of one commit, and tokens that read and write."""
    server = stack.enter_context(hub(folder / "github"))
    server.tokens["ghs_write"] = {"contents"}
    (folder / "code").mkdir()
    (folder / "code" / "README").write_text("code\n", "utf-8")
    desk.git(folder / "code", "init", "-q", "-b", "main")
    desk.git(folder / "code", "add", "-A")
    desk.git(folder / "code", "commit", "-qm", "code")
    server.push(folder / "code")
    return server


@pytest.fixture(params=["local", "github", "mlflow", "memory"])
def registry(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opener]:
    """Opens the registry of a kind; what it keeps lies outside the test's own folder."""
    home = tmp_path_factory.mktemp("registry")
    with ExitStack() as stack:
        if request.param == "local":
            yield lambda _folder, clock=None: LocalRegistry(home / ".modelyard", MODEL, now=clock or Clock())
            return
        if request.param == "memory":
            memory = Memory()
            yield lambda _folder, clock=None: MemoryRegistry(memory, MODEL, home / "scratch", now=clock or Clock())
            return
        if request.param == "mlflow":
            running: Running = request.getfixturevalue("mlflow_at")
            running.forget(MODEL)
            yield lambda _folder, clock=None: MlflowRegistry(
                Server(running.url), MODEL, scratch=home / "scratch", now=clock or Clock()
            )
            assert not [path for path in (home / "scratch").glob("*") if path.suffix != ".lock"]
            return
        server = start(stack, home)
        client = GitHub(server.url, server.name, "ghs_write", pause=lambda _: None)
        yield lambda _folder, clock=None: GitHubRegistry(
            client, MODEL, scratch=home / "scratch", target="main", now=clock or Clock()
        )
        assert server.violations == []


def test_what_is_published_can_be_fetched_byte_for_byte(tmp_path: Path, registry: Opener) -> None:
    where, run = registry(tmp_path), run_folder(tmp_path / "run")
    version = where.publish(bundle(run))
    where.fetch(version, tmp_path / "fetched" / "v1")
    assert version.name == "v1"
    assert where.resolve("v1") == version
    files = snapshot(tmp_path / "fetched" / "v1")
    assert files == {path: found for path, found in snapshot(run).items() if path in files}
    assert sorted(files) == [
        "environment.txt",
        "model/model.bin",
        "model/nested/notes.txt",
        "records/detect.json",
        "records/evaluate.json",
        "records/report.json",
        "records/train.json",
    ]


def test_the_same_thing_published_twice_is_one_version(tmp_path: Path, registry: Opener) -> None:
    where, run = registry(tmp_path), run_folder(tmp_path / "run")
    first = where.publish(bundle(run))
    (run / "environment.txt").write_text("rendered again\n", "utf-8")
    assert where.publish(bundle(run)) == first
    old = adopted(tmp_path / "old")
    assert where.publish(old) == where.publish(old)
    assert [version.name for version in where.list()] == ["v1", "v2"]


def test_one_model_on_new_evidence_is_a_new_version_of_the_same_bytes(tmp_path: Path, registry: Opener) -> None:
    where = registry(tmp_path)
    first = where.publish(bundle(run_folder(tmp_path / "a", "same")))
    second = where.publish(bundle(run_folder(tmp_path / "b", "same", champion="v1")))
    assert (first.name, second.name) == ("v1", "v2")
    assert first.manifest.model_digest == second.manifest.model_digest
    assert where.resolve(first.manifest.model_digest).name == "v2"


def test_a_version_is_found_by_number_digest_and_alias(tmp_path: Path, registry: Opener) -> None:
    where = registry(tmp_path)
    one, two = published(where, tmp_path, "one", "two")
    promote(where, two, seen=None)
    assert where.resolve("1") == where.resolve("v1") == one
    assert where.resolve(two.manifest.model_digest[: len("sha256:") + 12]) == two
    assert where.resolve("champion") == where.find("champion") == two


@pytest.mark.parametrize(
    ("reference", "hint"),
    [
        ("v9", "The nearest is v2; there is v1 to v2."),
        ("chapion", "Did you mean 'champion'?"),
        ("sha256:000000000000", "The newest version is v2."),
        ("champion@2026-05-01", "The first was v1, at 2026-05-03T12:00:00+00:00."),
    ],
)
def test_what_is_not_there_is_told_the_nearest_that_is(
    tmp_path: Path, registry: Opener, reference: str, hint: str
) -> None:
    where = registry(tmp_path)
    one, _ = published(where, tmp_path, "one", "two")
    promote(where, one, seen=None)
    with pytest.raises(ConfigError) as caught:
        where.resolve(reference)
    assert caught.value.hint == hint


def test_history_says_what_served_when_who_decided_why_and_on_what_evidence(tmp_path: Path, registry: Opener) -> None:
    clock = Clock()
    where = registry(tmp_path, clock)
    one, two = published(where, tmp_path, "one", "two")
    promote(where, one, seen=None, reason="the first")
    clock.now += timedelta(days=2)
    promote(where, two, seen="v1", reason="July added", actor="hubot", command="modelyard promote")
    clock.now += timedelta(days=2)
    promote(where, one, seen="v2", reason="errors since\nthe morning", kind="rolled-back", evidence="none")
    rows = [
        (entry.seq, entry.at[:10], entry.kind, entry.alias, entry.from_, entry.to, entry.actor, entry.reason)
        for entry in where.history("champion")
    ]
    assert rows == [
        (1, "2026-05-03", "promoted", "champion", None, "v1", "octocat", "the first"),
        (2, "2026-05-05", "promoted", "champion", "v1", "v2", "hubot", "July added"),
        (3, "2026-05-07", "rolled-back", "champion", "v2", "v1", "octocat", "errors since the morning"),
    ]
    assert [entry.evidence for entry in where.history()] == [one.manifest.evidence, two.manifest.evidence, "none"]
    assert [entry.to_digest for entry in where.history()] == [one.digest, two.digest, one.digest]
    assert where.previous("champion") == two
    assert where.history(newest=1) == where.history()[-1:]


@pytest.mark.parametrize(
    ("moment", "served"),
    [
        ("2026-05-03", "v1"),
        ("2026-05-04", "v1"),
        ("2026-05-05", "v2"),
        ("2026-05-05T11:59:59+00:00", "v1"),
        ("2026-05-05T12:00:00Z", "v2"),
        ("2026-05-07", "v2"),
    ],
)
def test_what_served_on_a_date_is_the_last_version_of_that_day(
    tmp_path: Path, registry: Opener, moment: str, served: str
) -> None:
    clock = Clock()
    where = registry(tmp_path, clock)
    one, two = published(where, tmp_path, "one", "two")
    promote(where, one, seen=None)
    clock.now += timedelta(days=2)
    promote(where, two, seen="v1")
    clock.now += timedelta(days=2)
    assert where.resolve(f"champion@{moment}").name == served


def test_the_future_is_not_known(tmp_path: Path, registry: Opener) -> None:
    where = registry(tmp_path)
    promote(where, published(where, tmp_path, "one")[0], seen=None)
    with pytest.raises(ConfigError, match="2026-05-04 lies in the future"):
        where.resolve("champion@2026-05-04")


def test_a_clock_that_went_back_does_not_hide_a_later_move(tmp_path: Path, registry: Opener) -> None:
    clock = Clock()
    where = registry(tmp_path, clock)
    one, two = published(where, tmp_path, "one", "two")
    clock.now = datetime(2026, 9, 1, tzinfo=UTC)
    promote(where, one, seen=None)
    clock.now = NOON
    promote(where, two, seen="v1")
    assert where.resolve("champion@2026-05-03") == where.resolve("champion") == two


def test_an_alias_moves_only_from_the_version_that_was_seen(tmp_path: Path, registry: Opener) -> None:
    where = registry(tmp_path)
    one, two = published(where, tmp_path, "one", "two")
    promote(where, one, seen=None)
    with pytest.raises(AliasMoved) as caught:
        promote(where, two, seen=None)
    error = caught.value
    assert (error.alias, error.seen, error.now, error.exit_code) == ("champion", None, "v1", 4)
    assert "it pointed at nothing, and now at v1" in error.message
    assert "evaluate again against v1" in error.hint
    assert len(where.entries()) == 1


def test_aliases_are_independent(tmp_path: Path, registry: Opener) -> None:
    where = registry(tmp_path)
    one, two = published(where, tmp_path, "one", "two")
    promote(where, one, seen=None)
    where.set_alias(
        "best-promoted", "v2", seen=None, actor="octocat", reason="", evidence=two.manifest.evidence, kind="promoted"
    )
    assert [entry.to for entry in where.history("best-promoted")] == ["v2"]
    assert where.resolve("champion") == one


def test_a_note_is_in_the_journal_and_moves_nothing(tmp_path: Path, registry: Opener) -> None:
    where = registry(tmp_path)
    promote(where, published(where, tmp_path, "one")[0], seen=None)
    where.append(actor="octocat", reason="the test set was looked at")
    assert [entry.kind for entry in where.entries()] == ["promoted", "note"]
    assert [entry.kind for entry in where.history()] == ["promoted"]


def decided(number: int, state: Any = "made", **reason: Any) -> Decided:
    """A decision on a monitoring record."""
    decision = Decision(
        model=MODEL, alias="champion", action="retrain", reason=because("new-rows", rows=number, asked=1, **reason),
        champion="v1", monitored=digest(number), time="2026-05-03T12:00:00+00:00",
    )  # fmt: skip
    return Decided(decision=decision, state=state)


def test_decisions_are_kept_and_one_that_something_overtook_is_not(tmp_path: Path, registry: Opener) -> None:
    where = registry(tmp_path)
    one, two = published(where, tmp_path, "one", "two")
    promote(where, one, seen=None)
    assert where.decisions().head == 1
    where.decide(decided(1), seen=1, actor="octocat")
    where.append(actor="octocat", reason="a note overtakes nothing")
    where.decide(decided(1, "started"), seen=2, actor="octocat")
    with pytest.raises(DecisionOvertaken) as caught:
        where.decide(decided(2), seen=2, actor="octocat")
    assert caught.value.entry.seq == 4
    promote(where, two, seen="v1")
    with pytest.raises(DecisionOvertaken):
        where.decide(decided(2), seen=4, actor="octocat")
    where.decide(decided(1, "held"), seen=None, actor="octocat")
    found = registry(tmp_path).decisions()
    assert (found.head, [entry.kind for entry in found.entries]) == (
        6,
        ["decided", "promoted", "decided", "decided", "promoted"],
    )
    assert [entry.decided.state for entry in found.entries if entry.decided] == ["held", "started", "made"]
    assert {entry.decided.decision.digest for entry in found.entries if entry.decided} == {decided(1).decision.digest}
    assert [entry.to for entry in where.history()] == ["v1", "v2"]
    assert verify_registry(where).broken == ()


def test_only_the_newest_decisions_are_read_but_all_of_the_last_days(tmp_path: Path, registry: Opener) -> None:
    clock = Clock(NOON)
    where = registry(tmp_path, clock)
    for number in range(4):
        where.decide(decided(number), seen=None, actor="octocat")
        clock.now += timedelta(days=30)
    assert len(where.decisions(newest=1, days=1).entries) == 1
    assert len(where.decisions(newest=1, days=65).entries) == 2
    assert len(where.decisions(newest=3, days=1).entries) == 3


def test_a_decision_too_large_to_keep_everywhere_is_none() -> None:
    with pytest.raises(ValueError, match="at most 3000 bytes"):
        decided(1, columns="x" * 3000)


def test_a_promotion_names_the_evidence_that_the_version_carries(tmp_path: Path, registry: Opener) -> None:
    where = registry(tmp_path)
    (one,) = published(where, tmp_path, "one")
    old = where.publish(adopted(tmp_path / "old"))
    for version, evidence in ((one, digest("another")), (one, "none"), (old, one.manifest.evidence), (old, "none")):
        with pytest.raises(ConfigError) as caught:
            promote(where, version, seen=None, evidence=evidence)
        assert caught.value.exit_code == 2
    assert where.history() == ()


def test_a_model_is_adopted_where_there_is_none_or_in_place_of_what_was_seen(tmp_path: Path, registry: Opener) -> None:
    where = registry(tmp_path)
    old = where.publish(adopted(tmp_path / "old"))
    promote(where, old, seen=None, kind="adopted")
    assert (where.history()[0].kind, where.history()[0].evidence) == ("adopted", "none")
    other = where.publish(adopted(tmp_path / "other", "another model"))
    with pytest.raises(ConfigError, match="champion points at v1 already"):
        promote(where, other, seen=None, kind="adopted")
    with pytest.raises(PlatformError) as caught:
        promote(where, other, seen="v2", kind="adopted")
    assert caught.value.code == "registry/alias-moved"
    promote(where, other, seen="v1", kind="adopted")
    assert {entry.to for entry in where.history()} == {"v1", "v2"}
    assert where.resolve("champion").name == "v2"


@pytest.mark.parametrize("alias", ["../champion", "Champion", "v7", "previous", "a/b", "chаmpion", ""])
def test_a_bad_alias_name_changes_nothing(tmp_path: Path, registry: Opener, alias: str) -> None:
    where = registry(tmp_path)
    (one,) = published(where, tmp_path, "one")
    before = snapshot(tmp_path)
    with pytest.raises(ConfigError):
        where.set_alias(alias, "v1", seen=None, actor="a", reason="", evidence=one.manifest.evidence, kind="promoted")
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"model_digest": digest("x")}, "the files under model/ have"),
        ({"evidence": digest("x")}, "the evidence is"),
        ({"result_digest": digest("x")}, "the result digest is"),
        ({"config_digest": digest("x")}, "the configuration digest is"),
        ({"data": {}}, "the digest of the data set 'all' is none in the manifest"),
        ({"tree": "another"}, "the tree is another in the manifest"),
        ({"parent": "v3"}, "the champion at the time is v3 in the manifest and none in the record"),
        ({"model": "another"}, "cannot be published as one of flights-late"),
    ],
)
def test_a_bundle_that_says_other_things_than_its_bytes_is_not_published(
    tmp_path: Path, registry: Opener, changed: dict[str, object], said: str
) -> None:
    where = registry(tmp_path)
    with pytest.raises(DataError) as caught:
        where.publish(bundle(run_folder(tmp_path / "run"), **changed))
    assert said in caught.value.message
    assert where.list() == ()


def test_a_model_changed_after_it_was_judged_is_not_published(tmp_path: Path, registry: Opener) -> None:
    where, run = registry(tmp_path), run_folder(tmp_path / "run")
    said = bundle(run)
    (run / "model" / "model.bin").write_bytes(b"another")
    with pytest.raises(DataError, match="the model digest is sha256:"):
        where.publish(said)
    with pytest.raises(DataError, match="manifest → evaluate: the model digest is sha256:"):
        where.publish(bundle(run))
    assert where.list() == ()


def test_a_record_changed_after_it_was_sealed_is_not_published(tmp_path: Path, registry: Opener) -> None:
    where, run = registry(tmp_path), run_folder(tmp_path / "run")
    said, path = bundle(run), run / "records" / "train.json"
    path.write_bytes(path.read_bytes().replace(b'"train_rows":900', b'"train_rows":901'))
    with pytest.raises(DataError, match=r"records/train.json was changed"):
        where.publish(said)
    assert where.list() == ()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"verdict": "fail"}, "the evidence ended with fail, not with pass"),
        ({"builds_on": []}, "the evidence builds on no detect record"),
    ],
)
def test_evidence_that_is_none_is_not_published(
    tmp_path: Path, registry: Opener, changed: dict[str, object], said: str
) -> None:
    where, run = registry(tmp_path), run_folder(tmp_path / "run")
    (run / "records" / "report.json").unlink()
    path = run / "records" / "evaluate.json"
    plain = plain_record(read_record(path).record)
    write_record(path, Record.model_validate({**plain, **changed}))
    with pytest.raises(DataError, match=said):
        where.publish(bundle(run))
    assert where.list() == ()


def test_an_intact_registry_verifies_as_a_whole(tmp_path: Path, registry: Opener) -> None:
    where = registry(tmp_path)
    one, two = published(where, tmp_path, "one", "two")
    promote(where, one, seen=None)
    promote(where, two, seen="v1")
    report = verify_registry(where)
    assert report.intact
    assert "v2 model/model.bin" in report.checked
    assert report.checked[-1] == "journal of 2 entries"
    assert version_records(where, two)["evaluate"].digest == two.manifest.evidence


def test_a_fetch_replaces_nothing(tmp_path: Path, registry: Opener) -> None:
    where = registry(tmp_path)
    (one,) = published(where, tmp_path, "one")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "work.txt").write_text("mine", "utf-8")
    with pytest.raises(PlatformError, match="is there already"):
        where.fetch(one, tmp_path / "mine")
    assert (tmp_path / "mine" / "work.txt").read_text("utf-8") == "mine"
