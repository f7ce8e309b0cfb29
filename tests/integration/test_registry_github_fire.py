"""The github registry under fire: every request fails in every way, processes race, and state stays small and whole."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from modelyard.github.client import GitHub
from modelyard.registry.github.documents import RegistryState
from modelyard.registry.github.registry import GitHubRegistry
from modelyard.registry.github.state import BRANCH
from modelyard.registry.verify import verify_registry
from tests.github_fire import PARTS, WAYS, Fire, Way, fire, promotion
from tests.hub import Hub
from tests.integration.test_registry_conformance import start
from tests.registry_samples import MODEL, bundle

ROOT = Path(__file__).parents[2]
STICKY = (
    "reset after the server acted",
    "timeout before the server acted",
    "403, secondary limit",
    "429 without",
    "500 before the server acted",
    "truncated body",
)
"""Ways in which repetitions fail too, so that the run dies; benchmarks/github_fire.py has every way both ways."""


@pytest.fixture(scope="module")
def burning(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fire]:
    with fire(tmp_path_factory.mktemp("fire")) as made:
        assert made.hub.violations == []
        made.hub.checked = False  # the same requests, hundreds of times
        yield made


def test_a_promotion_is_few_requests(burning: Fire) -> None:
    """A job's own token has 1,000 an hour."""
    assert {part: len(requests) for part, requests in burning.parts.items()} == {
        "publish": 23, "set_alias": 11, "append": 6, "fetch": 6,
    }  # fmt: skip


ENDED_AT_ONCE = {
    "reset before the server acted": 45,
    "reset after the server acted": 12,
    "timeout before the server acted": 10,
    "timeout after the server acted": 46,
    "403, no permission": 0,
    "403, secondary limit": 2,
    "409": 5,
    "422": 3,
    "429 with Retry-After": 46,
    "429 without": 2,
    "429 for an hour": 0,
    "500 before the server acted": 10,
    "502 after the server acted": 46,
    "truncated body": 14,
}
"""Of 46 runs, each with another request that fails, those that end well all the same; the others take a second one."""


@pytest.mark.parametrize("way", WAYS)
def test_whichever_request_fails_the_next_run_ends_in_the_one_right_state(burning: Fire, way: str) -> None:
    outcomes = [burning.case(at, WAYS[way], sticky=way in STICKY) for at in range(burning.requests)]
    assert sum(outcome.ended for outcome in outcomes) == ENDED_AT_ONCE[way]
    assert len(outcomes) == 46


def test_an_upload_that_leaves_an_empty_asset_is_sent_again(burning: Fire) -> None:
    uploads = [at for at, call in enumerate(calls(burning)) if call == "repos/upload-release-asset"]
    assert len(uploads) == 3
    for at in uploads:
        assert burning.case(at, Way("starter"), sticky=False).ended


def calls(burning: Fire) -> list[str]:
    """The operations of one promotion that meets no fault, in order."""
    burning.reset()
    list(promotion(burning.opened("calls"), bundle(burning.run), burning.folder / "calls"))
    return [call.operation for call in burning.hub.calls]


def test_what_a_promotion_asks_of_github_in_order(burning: Fire) -> None:
    writes = [call for call in calls(burning) if call.startswith(("git/create", "git/update", "repos/"))]
    commit = ["git/create-tree", "git/create-commit", "git/update-ref"]
    assert [call for call in writes if not call.startswith("repos/get")] == [
        *commit,  # the number is taken
        "repos/create-release",
        *commit,  # the draft's id is kept
        *["repos/upload-release-asset"] * 3,
        "repos/update-release",
        *commit,  # the version has its name
        *commit,  # the alias moves
        *commit,  # the ledger
    ]
    assert tuple(burning.parts) == PARTS


def test_the_state_branch_is_an_orphan_of_one_line_and_git_finds_no_fault(burning: Fire) -> None:
    calls(burning)
    hub = burning.hub
    hub.run("config", "core.repositoryformatversion", "0")
    hub.run("fsck", "--strict")
    assert hub.run("rev-list", "--max-parents=0", BRANCH, "main").count("\n") == 1
    messages = hub.run("log", "--format=%s", BRANCH).splitlines()
    assert all(message.startswith("modelyard: ") and message.endswith(" [skip ci]") for message in messages)
    assert len(set(messages)) > 5


@pytest.fixture
def github(tmp_path: Path) -> Iterator[Hub]:
    with ExitStack() as stack:
        server = start(stack, tmp_path)
        yield server
        assert server.violations == []


def test_four_processes_that_promote_five_models_each_leave_one_line_of_history(github: Hub, tmp_path: Path) -> None:
    program = [sys.executable, "-m", "tests.github_child", github.url, github.name]
    processes = [
        subprocess.Popen(
            [*program, str(tmp_path / str(at)), str(at), "5"],
            cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for at in range(4)
    ]  # fmt: skip
    for process in processes:
        _, errors = process.communicate()
        assert process.returncode == 0, errors
    client = GitHub(github.url, github.name, "ghs_read", session=github.session())
    where = GitHubRegistry(client, MODEL, scratch=tmp_path / "scratch")
    versions, entries = where.list(), where.entries()
    assert [version.number for version in versions] == list(range(1, 21))
    assert [entry.seq for entry in entries] == list(range(1, 21))
    assert [entry.from_ for entry in entries] == [None, *(entry.to for entry in entries[:-1])]
    assert sorted(entry.reason for entry in entries) == sorted(
        f"process {at}, {n}" for at in range(4) for n in range(5)
    )
    assert {entry.to for entry in entries} == {version.name for version in versions}
    assert verify_registry(where).intact
    assert [release["draft"] for release in github.releases.values()] == [False] * 20
    assert RegistryState.model_validate_json(github.raw("show", f"{BRANCH}:{MODEL}/state.json")).pending == {}
    assert github.run("rev-list", "--merges", BRANCH) == ""
