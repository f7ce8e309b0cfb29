"""The mlflow registry against a real server: what people change by hand, what breaks off, and what MLflow shows."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from mlflow import MlflowClient

from modelyard.core.errors import ConfigError, PlatformError
from modelyard.core.files import sha256_bytes
from modelyard.records.manifest import Sealed
from modelyard.registry.mlflow.registry import MlflowRegistry
from modelyard.registry.mlflow.server import Server
from modelyard.registry.protocol import Version
from modelyard.registry.verify import verify_registry
from tests.mlflow_server import Running
from tests.registry_samples import MODEL, Clock, bundle, promote, published, run_folder

JOURNAL = f"{MODEL}.journal"
ROOT = Path(__file__).parents[2]


class Killed(BaseException):
    """The process ends here: nothing of ours may catch it."""


@pytest.fixture
def server(mlflow_at: Running) -> Running:
    mlflow_at.forget(MODEL)
    return mlflow_at


@pytest.fixture
def client(server: Running) -> MlflowClient:
    return MlflowClient(server.url, server.url)


Opener = Callable[..., MlflowRegistry]


@pytest.fixture
def opened(server: Running, tmp_path: Path) -> Opener:
    """Opens the registry anew, as another process would see it."""

    def open_it(tell: Callable[[str], None] = lambda _: None) -> MlflowRegistry:
        return MlflowRegistry(
            Server(server.url), MODEL, scratch=tmp_path / "scratch", now=Clock(), tell=tell, pause=lambda _: None
        )

    return open_it


def moved(where: MlflowRegistry, folder: Path) -> list[Version]:
    """Two versions, each promoted in its turn."""
    one, two = published(where, folder, "one", "two")
    promote(where, one, seen=None)
    promote(where, two, seen="v1")
    return [one, two]


@contextmanager
def cut(at: int, *, acted: bool, ends: BaseException | None = None) -> Iterator[list[str]]:
    """Count requests; at that one the process dies, or the connection breaks: before the server acted, or after."""
    seen: list[str] = []
    send = requests.sessions.Session.send

    def counted(self: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        seen.append(f"{request.method} {request.path_url.partition('?')[0]}")
        if len(seen) != at:
            return send(self, request, **options)
        if acted:
            send(self, request, **options)
        raise ends or Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(requests.sessions.Session, "send", counted)
        yield seen


# what breaks off


def attempt(where: MlflowRegistry, run: Path) -> Version:
    """What promote does: publish and move; a second time it does what is left to do."""
    version, now = where.publish(bundle(run)), where.find("champion")
    if now is None or now.name != version.name:
        promote(where, version, seen=now.name if now else None)
    return version


def writes(seen: list[str]) -> list[int]:
    """Numbers of the requests after which the server holds something else: every POST, and the last file of a row."""
    kept = []
    for at, request in enumerate(seen, 1):
        one_of_many = request.startswith("PUT") and seen[at : at + 1] and seen[at].startswith("PUT")
        if not request.startswith("GET") and not one_of_many and not request.endswith("/search"):
            kept.append(at)
    return kept


def test_a_publisher_killed_after_any_write_leaves_the_old_state_or_the_new_one(
    tmp_path: Path, opened: Opener, client: MlflowClient
) -> None:
    attempt(opened(), run_folder(tmp_path / "first", "first"))
    with cut(0, acted=False) as seen:
        attempt(opened(), run_folder(tmp_path / "second", "second", champion="v1"))
    points = writes(seen)
    assert len(points) >= 10
    for round_, at in enumerate(points):
        before = opened().resolve("champion").name
        names = [version.name for version in opened().list()]
        run = run_folder(tmp_path / f"run-{round_}", f"payload {round_}", champion=before)
        with cut(at, acted=True) as done, pytest.raises(Killed):
            attempt(opened(), run)
        assert len(done) == at
        after = opened()
        visible = [version.name for version in after.list()]
        assert visible[: len(names)] == names
        assert len(visible) - len(names) in (0, 1)
        assert after.resolve("champion").name in (before, visible[-1])
        version = attempt(opened(), run)
        assert opened().resolve("champion") == version
        assert client.get_model_version_by_alias(MODEL, "champion").version == str(version.number)
    where = opened()
    report = verify_registry(where)
    assert report.intact, report.broken
    assert [entry.to for entry in where.history()] == [version.name for version in where.list()]
    assert len(where.list()) == len(points) + 2
    unfinished = client.search_model_versions(f"name = '{MODEL}' AND tags.`modelyard.state` = 'unfinished'")
    assert unfinished == []


@pytest.mark.parametrize("acted", [False, True], ids=["before the server acted", "after it acted"])
@pytest.mark.parametrize("what", ["model-versions/create", "registered-models/alias"])
def test_a_connection_that_breaks_off_is_a_message_and_running_again_does_nothing_twice(
    tmp_path: Path, opened: Opener, what: str, acted: bool
) -> None:
    (one, two) = moved(opened(), tmp_path)
    with cut(0, acted=False) as seen:
        promote(opened(), one, seen="v2")
    at = next(number for number, request in enumerate(seen, 1) if request.endswith(what))
    with (
        cut(at, acted=acted, ends=requests.ConnectionError("Connection aborted")),
        pytest.raises(PlatformError, match="cannot be reached: the connection broke off") as caught,
    ):
        promote(opened(), two, seen="v1")
    assert caught.value.exit_code == 4
    where = opened()
    if where.resolve("champion").name == "v1":
        promote(where, two, seen="v1")
    assert [entry.to for entry in opened().history()] == ["v1", "v2", "v1", "v2"]
    assert opened().resolve("champion") == two
    assert verify_registry(opened()).intact


def test_a_line_that_is_written_twice_counts_once(tmp_path: Path, opened: Opener, client: MlflowClient) -> None:
    moved(opened(), tmp_path)
    last = client.search_model_versions(f"name = '{JOURNAL}'", order_by=["version_number DESC"], max_results=1)[0]
    client.create_model_version(JOURNAL, last.source, last.run_id, tags=dict(last.tags), await_creation_for=None)
    assert [entry.to for entry in opened().history()] == ["v1", "v2"]
    assert verify_registry(opened()).intact


def test_an_entry_that_had_not_seen_the_last_one_is_void_for_every_reader(
    tmp_path: Path, opened: Opener, client: MlflowClient
) -> None:
    one, _ = moved(opened(), tmp_path)
    stale = opened()
    stale._ledger.read()
    promote(opened(), one, seen="v2")
    late = stale.history()[-1].model_copy(update={"reason": "late"})
    assert not stale._ledger.append(late)
    assert [entry.reason for entry in opened().entries()] == ["better", "better", "better"]
    ledger = opened()._ledger.read()
    assert ledger.last - len(ledger.counted) == 1
    assert opened().resolve("champion") == one


# what people change by hand


def test_an_alias_that_was_moved_by_hand_is_put_back_and_said(
    tmp_path: Path, opened: Opener, client: MlflowClient
) -> None:
    _, two = moved(opened(), tmp_path)
    said: list[str] = []
    client.set_registered_model_alias(MODEL, "champion", "1")
    assert opened(said.append).find("champion") == two
    assert client.get_model_version_by_alias(MODEL, "champion").version == "2"
    assert len(said) == 1
    assert said[0].startswith(
        "champion of flights-late pointed at v1 in MLflow, where the journal says v2; it has been"
    )
    client.delete_registered_model_alias(MODEL, "champion")
    assert opened(said.append).resolve("champion") == two
    assert client.get_model_version_by_alias(MODEL, "champion").version == "2"
    assert "pointed at nothing" in said[1]
    assert opened(said.append).find("champion") == two
    assert len(said) == 2


def test_an_alias_of_somebody_elses_is_left_alone(tmp_path: Path, opened: Opener, client: MlflowClient) -> None:
    moved(opened(), tmp_path)
    client.set_registered_model_alias(MODEL, "staging", "1")
    where = opened()
    assert where.find("staging") is None
    with pytest.raises(ConfigError, match="there is no staging"):
        where.resolve("staging")
    assert client.get_model_version_by_alias(MODEL, "staging").version == "1"


def test_a_version_that_was_deleted_by_hand_is_said_and_nothing_points_at_it(
    tmp_path: Path, opened: Opener, client: MlflowClient
) -> None:
    one, _ = moved(opened(), tmp_path)
    client.delete_model_version(MODEL, "1")
    for ask in (lambda: opened().resolve("v1"), lambda: opened().previous("champion"), lambda: opened().list()):
        with pytest.raises(PlatformError, match="v1 of flights-late was deleted by hand in MLflow") as caught:
            ask()
        assert caught.value.exit_code == 4
    with pytest.raises(PlatformError, match="deleted by hand"):
        promote(opened(), one, seen="v2")
    assert opened().resolve("champion").name == "v2"
    assert not verify_registry(opened()).intact
    client.delete_model_version(MODEL, "2")
    with pytest.raises(PlatformError, match="v2 of flights-late was deleted by hand"):
        opened().find("champion")


def test_a_version_of_somebody_elses_is_none_of_ours(tmp_path: Path, opened: Opener, client: MlflowClient) -> None:
    moved(opened(), tmp_path)
    ours = client.get_model_version(MODEL, "2")
    client.create_model_version(MODEL, ours.source, ours.run_id, await_creation_for=None)
    assert [version.name for version in opened().list()] == ["v1", "v2"]
    (four,) = published(opened(), tmp_path, "four")
    assert four.name == "v4"
    with pytest.raises(ConfigError, match="there is no version v3"):
        opened().resolve("v3")


@pytest.mark.parametrize("line", ["1", "2", "3", "4"])
def test_a_journal_line_that_was_deleted_by_hand_stops_everything(
    tmp_path: Path, opened: Opener, client: MlflowClient, line: str
) -> None:
    moved(opened(), tmp_path)
    client.delete_model_version(JOURNAL, line)
    where = opened()
    for ask in (where.list, where.history, lambda: where.find("champion"), lambda: where.append(actor="a", reason="")):
        with pytest.raises(PlatformError, match=f"line {line} of the registered model"):
            ask()


@pytest.mark.parametrize("line", ["2", "4"])
@pytest.mark.parametrize("tag", ["modelyard.line", "modelyard.digest"])
def test_a_journal_line_that_was_edited_by_hand_stops_everything(
    tmp_path: Path, opened: Opener, client: MlflowClient, line: str, tag: str
) -> None:
    moved(opened(), tmp_path)
    old = client.get_model_version(JOURNAL, line).tags[tag]
    client.set_model_version_tag(JOURNAL, line, tag, old.replace("v2", "v1").replace("sha256:", "sha256:0")[:-1] + "0")
    with pytest.raises(PlatformError, match=rf"line {line} of the registered model {JOURNAL} in MLflow was changed"):
        opened().find("champion")


def test_an_edited_line_with_a_digest_to_match_breaks_the_chain(
    tmp_path: Path, opened: Opener, client: MlflowClient
) -> None:
    moved(opened(), tmp_path)
    number = next(
        version.version
        for version in client.search_model_versions(f"name = '{JOURNAL}'", order_by=["version_number ASC"])
        if '"kind":"promoted"' in version.tags["modelyard.line"]
    )
    text = client.get_model_version(JOURNAL, number).tags["modelyard.line"].replace("octocat", "mallory")
    client.set_model_version_tag(JOURNAL, number, "modelyard.line", text)
    client.set_model_version_tag(JOURNAL, number, "modelyard.digest", sha256_bytes(text.encode()))
    with pytest.raises(PlatformError, match="follows an entry that is not there"):
        opened().find("champion")


def test_a_version_that_somebody_registered_in_the_journal_says_nothing(
    tmp_path: Path, opened: Opener, client: MlflowClient
) -> None:
    one, _ = moved(opened(), tmp_path)
    ours = client.get_model_version(MODEL, "2")
    client.create_model_version(JOURNAL, ours.source, ours.run_id, await_creation_for=None)
    promote(opened(), one, seen="v2", reason='not a line"modelyard/published/v1')
    assert [entry.to for entry in opened().entries()] == ["v1", "v2", "v1"]
    assert verify_registry(opened()).intact
    last = client.search_model_versions(f"name = '{JOURNAL}'", order_by=["version_number DESC"], max_results=1)[0]
    for tag in list(last.tags):
        client.delete_model_version_tag(JOURNAL, last.version, tag)
    with pytest.raises(PlatformError, match=f"line {last.version} of the registered model .* was changed by hand"):
        opened().find("champion")


def test_a_journal_that_is_gone_is_never_a_first_run(tmp_path: Path, opened: Opener, client: MlflowClient) -> None:
    moved(opened(), tmp_path)
    client.delete_registered_model(JOURNAL)
    with pytest.raises(PlatformError, match=r"line 4 of the registered model flights-late\.journal"):
        opened().find("champion")


def test_a_model_that_is_gone_is_said(tmp_path: Path, opened: Opener, client: MlflowClient) -> None:
    moved(opened(), tmp_path)
    client.delete_registered_model(MODEL)
    asks: list[Callable[[], object]] = [lambda: opened().find("champion"), lambda: opened().resolve("v1")]
    for ask in asks:
        with pytest.raises(PlatformError, match="deleted by hand in MLflow"):
            ask()


def test_bytes_that_were_changed_or_are_gone_are_named_and_not_fetched(
    tmp_path: Path, opened: Opener, server: Running, client: MlflowClient
) -> None:
    one, _ = moved(opened(), tmp_path)
    where, run = opened(), client.get_model_version(MODEL, "1").run_id
    (home,) = server.files.glob(f"*/{run}/artifacts/model/data/model.bin")
    home.write_bytes(b"another")
    with pytest.raises(PlatformError, match=r"model/model.bin was changed in MLflow: the manifest says sha256:"):
        where.fetch(one, tmp_path / "fetched")
    assert not (tmp_path / "fetched").exists()
    assert [problem.where for problem in where.damaged(one)] == ["v1 model/model.bin"]
    home.unlink()
    with pytest.raises(PlatformError, match=r"model/model\.bin is gone from MLflow's artifacts"):
        where.fetch(one, tmp_path / "fetched")
    manifest = home.parents[2] / "manifests" / "v1.json"
    manifest.write_bytes(manifest.read_bytes().replace(b"octocat", b"mallory").replace(b'"number":1', b'"number":2'))
    with pytest.raises(PlatformError, match=r"manifests/v1.json in MLflow is not the version's manifest"):
        opened().resolve("v1")


def test_a_manifest_that_was_edited_and_sealed_again_is_not_the_one_that_the_ledger_names(
    tmp_path: Path, opened: Opener, server: Running, client: MlflowClient
) -> None:
    (one,) = published(opened(), tmp_path, "one")
    run = client.get_model_version(MODEL, "1").run_id
    (path,) = server.files.glob(f"*/{run}/artifacts/manifests/v1.json")
    forged = Sealed.seal(one.manifest.model_copy(update={"metrics": {"roc_auc": 0.99}}))
    path.write_bytes(forged.to_bytes())
    with pytest.raises(PlatformError, match=r"manifests/v1\.json in MLflow is not the version's manifest") as caught:
        opened().resolve("v1")
    assert forged.digest in caught.value.message
    assert one.digest in caught.value.message


def test_a_deleted_experiment_is_named_with_the_way_back(
    tmp_path: Path, opened: Opener, server: Running, client: MlflowClient
) -> None:
    published(opened(), tmp_path, "one")
    found = client.get_experiment_by_name(f"modelyard/{MODEL}")
    assert found is not None
    client.delete_experiment(found.experiment_id)
    try:
        with pytest.raises(PlatformError, match=f"the experiment modelyard/{MODEL} was deleted in MLflow") as caught:
            published(opened(), tmp_path, "two")
        assert "mlflow experiments restore" in caught.value.hint
    finally:
        client.restore_experiment(found.experiment_id)
    (two,) = published(opened(), tmp_path / "again", "two")
    assert [version.name for version in opened().list()] == ["v1", two.name]


# at once


def test_three_processes_that_move_one_alias_leave_one_line_of_history(
    tmp_path: Path, opened: Opener, server: Running, client: MlflowClient
) -> None:
    published(opened(), tmp_path, "one", "two")
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.registry_child", "move", server.url, f"process-{at}", "6"],
            cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for at in range(3)
    ]  # fmt: skip
    for process in processes:
        _, errors = process.communicate()
        assert process.returncode == 0, errors
    entries = opened().entries()
    assert [entry.seq for entry in entries] == list(range(1, 19))
    assert [entry.from_ for entry in entries] == [None, *(entry.to for entry in entries[:-1])]
    assert sorted(entry.reason for entry in entries) == sorted(f"process-{at} {n}" for at in range(3) for n in range(6))
    assert f"v{client.get_model_version_by_alias(MODEL, 'champion').version}" == entries[-1].to
    assert verify_registry(opened()).intact


def test_two_publishers_of_one_thing_make_one_version(
    tmp_path: Path, opened: Opener, client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_folder(tmp_path / "run")
    slow, fast = opened(), opened()
    store = slow._publisher.store

    def overtaken(*arguments: Any) -> int:
        number = store(*arguments)
        fast.publish(bundle(run))
        return number

    monkeypatch.setattr(slow._publisher, "store", overtaken)  # somebody else is faster, just there
    assert slow.publish(bundle(run)) == fast.resolve("v2")
    assert [version.name for version in opened().list()] == ["v2"]
    assert [version.version for version in client.search_model_versions(f"name = '{MODEL}'")] == ["2"]


@pytest.mark.parametrize("swept", [True, False], ids=["and tidied up", "and died"])
def test_of_two_publishers_whose_lines_are_written_at_once_the_first_line_counts(
    tmp_path: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch, swept: bool
) -> None:
    run = run_folder(tmp_path / "run")
    slow, fast = opened(), opened()
    append = slow._ledger.append

    def overtaken(line: Any) -> bool:
        if not swept:
            monkeypatch.setattr(fast._publisher, "finish", lambda _: None)
        fast.publish(bundle(run))
        return append(line)

    monkeypatch.setattr(slow._ledger, "append", overtaken)
    version = slow.publish(bundle(run))
    where = opened()
    assert version == where.resolve("v2")
    assert [each.name for each in where.list()] == ["v2"]
    total = where._ledger.read()
    assert (total.numbers, total.last - len(total.counted)) == ([2], 1)
    assert slow.publish(bundle(run)) == version
    where.fetch(version, tmp_path / "fetched")
    assert verify_registry(where).intact


def test_a_number_is_published_once_whoever_writes_its_line_again(tmp_path: Path, opened: Opener) -> None:
    one, two = published(opened(), tmp_path, "one", "two")
    where = opened()
    known = where._ledger.read().published[2]
    forged = known.model_copy(update={"number": 1, "identity": sha256_bytes(b"another")})
    assert not where._ledger.append(forged)
    assert [opened().resolve(name) for name in ("v1", "v2")] == [one, two]
