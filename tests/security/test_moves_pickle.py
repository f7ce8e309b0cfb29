"""What carries a model carries bytes: pickles planted beside model, golden rows, profile and code never run."""

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from modelyard.models import store
from modelyard.records.envelope import Envelope, Record, Step, plain_record, read_record, write_record
from modelyard.records.results import in_order
from modelyard.registry.local.registry import LocalRegistry
from modelyard.steps import bundle
from tests import desk, payloads
from tests.desk import modelyard
from tests.hub import hub
from tests.registry_samples import variant_of
from tests.security.test_registry_pickle import Bomb

PLANTED = (
    "model/evil.pkl", "model/__init__.py", "model/sitecustomize.py", "golden/evil.pkl", "golden/conftest.py",
    "profile/evil.pkl", "code/evil.pkl",
)  # fmt: skip


def plant(run: Path, canary: Path) -> None:
    """Put pickles everywhere, and make the records speak of them as if evaluation had judged them."""
    for name in PLANTED:
        (run / name).parent.mkdir(exist_ok=True)
        (run / name).write_bytes(pickle.dumps(Bomb(canary)))
    model = store.digest(run / "model")[0]
    carried = bundle.digests(bundle.carried(run))
    known: dict[Step, Envelope] = {}
    for step in (kind.name for kind in in_order()):
        path = run / "records" / f"{step}.json"
        if not path.is_file():
            continue
        plain = plain_record(read_record(path).record)
        changed: dict[str, Any] = {"builds_on": [known[link["step"]].link.model_dump() for link in plain["builds_on"]]}
        if step in ("train", "evaluate"):
            changed["model_digest"] = model
            changed["result"] = plain["result"] | ({"model_digest": model} if step == "train" else {"carried": carried})
        known[step] = write_record(path, Record.model_validate(plain | changed))


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = desk.repository(tmp_path_factory.mktemp("planted") / "tiny", desk.QUICK)
    assert modelyard(folder, "run").code == 0
    return folder


def test_no_command_that_carries_a_model_runs_what_is_in_it(judged: Path, tmp_path: Path) -> None:
    canary, run = tmp_path / "canary", judged / "modelyard-run"
    plant(run, canary)
    done = modelyard(judged, "promote", "--reason", "first")
    assert done.code == 0, done.err
    where = LocalRegistry(judged / ".modelyard", "tiny")
    one = where.resolve("v1")
    assert {file.path for file in one.manifest.files} >= set(PLANTED)

    def pickled(home: Path) -> None:
        (home / "model" / "model.skops").unlink()
        (home / "model" / "model.joblib").write_bytes(pickle.dumps(Bomb(canary)))

    two = where.publish(variant_of(where, "v1", tmp_path / "two", pickled))
    where.set_alias("champion", two.name, seen="v1", actor="a", reason="b", evidence="none", kind="rolled-back")
    back = modelyard(judged, "rollback", "--to", "v1", "--reason", "c", "--proof", "none")
    assert back.code == 0, back.err
    proof = modelyard(judged, "rollback", "--to", "v2", "--reason", "c", "--part", "prove")
    assert proof.code == 3
    assert "v2 is stored as a pickle" in proof.err
    for command in (
        ("history",), ("verify",), ("verify", "--version", "v1"), ("verify", "--version", "v2"), ("report",),
        ("why", "--version", "v1"), ("promote", "--dry-run"),
    ):  # fmt: skip
        told = modelyard(judged, *command)
        assert told.code in (0, 2), told.err
    assert not canary.exists()


def test_a_comment_and_an_issue_are_made_of_records_alone(judged: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    plant(judged / "modelyard-run", canary)
    event = tmp_path / "event.json"
    event.write_text(json.dumps(payloads.pull_request(7, "a" * 40)), "utf-8")
    with hub(tmp_path / "github") as server:
        server.tokens["ghs_comment"] = {"pull-requests"}
        server.pulls[7] = {"number": 7, "state": "open", "head": {"sha": "a" * 40}}
        environ = {
            "GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": str(event),
            "GITHUB_REPOSITORY": server.name, "GITHUB_SHA": "b" * 40, "GITHUB_RUN_ID": "1",
            "GITHUB_REF": "refs/pull/7/merge", "GITHUB_API_URL": server.url, "MODELYARD_TOKEN": "ghs_comment",
            "GITHUB_OUTPUT": str(tmp_path / "output"), "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        }  # fmt: skip
        done = modelyard(judged, "report", "--part", "comment", environ=environ)
        assert done.code == 0, done.err
        assert len(server.comments) == 1
    assert not canary.exists()


@pytest.mark.parametrize("step", ["detect", "train", "evaluate"])
def test_a_record_that_is_a_pickle_promotes_nothing(judged: Path, tmp_path: Path, step: str) -> None:
    canary, path = tmp_path / "canary", judged / "modelyard-run" / "records" / f"{step}.json"
    kept = path.read_bytes()
    path.write_bytes(pickle.dumps(Bomb(canary)))
    done = modelyard(judged, "promote")
    path.write_bytes(kept)
    assert done.code == 3
    assert "not a readable record" in done.err
    assert not canary.exists()
