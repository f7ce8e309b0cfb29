"""A run on data in a bucket, from the command line: trained once, known by its listing, trained again when it moved."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import obstore
import pytest

from tests import desk, payloads
from tests.object_servers import Door, Given, S3Server, door, s3_server
from tests.security.test_pull_request_rules import Repository, written

CONFIG = desk.QUICK.replace("data/*.csv", "s3://tiny/parts/*.csv").replace("folds: 3", "folds: 2")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with s3_server(tmp_path_factory.mktemp("s3")) as running:
        yield running


@pytest.fixture
def way(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    with door(server.url) as opened:
        for name, value in {**server.variables, "AWS_ENDPOINT_URL": opened.url}.items():
            monkeypatch.setenv(name, value)
        yield opened


@pytest.fixture
def bucket(server: S3Server) -> Any:
    made = server.bucket("tiny")
    for each in obstore.list(made).collect():
        obstore.delete(made, each["path"])
    put(made, 1)
    return made


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    made = tmp_path / "repo"
    made.mkdir()
    (made / "modelyard.yml").write_text(CONFIG, "utf-8")
    desk.commit(made)
    return made


def put(bucket: Any, number: int, seed: int | None = None) -> None:
    rows = desk.rows(seed=number if seed is None else seed, first=1000 * number)
    obstore.put(bucket, f"parts/part-{number}.csv", rows.write_csv().encode())


def record(repo: Path, step: str = "detect") -> Any:
    return json.loads((repo / f"modelyard-run/records/{step}.json").read_bytes())["record"]


def test_an_unchanged_bucket_costs_a_listing_and_what_moved_is_told(repo: Path, bucket: Any, way: Door) -> None:
    first = desk.inside(repo, "run", "--promote")
    assert first.code == 0, first.err
    assert [each.method for each in way.asked] == ["GET", "GET"], "a listing, and one object for all the steps"

    # Another machine: the registry and git are there, nothing of the data is.
    shutil.rmtree(repo / ".modelyard" / "remote")
    shutil.rmtree(repo / "modelyard-run")
    way.asked.clear()
    again = desk.inside(repo, "run", "--promote")
    assert again.code == 0, again.err
    assert "nothing changed since v1" in again.out + again.err
    assert len(way.asked) == 1
    assert "list-type" in way.asked[0].path

    # What was trained and held is not trained again on the same data, and what it saw is not read again either.
    put(bucket, 2)
    desk.edit(repo / "modelyard.yml", "at_least: 0.6", "at_least: 0.99")
    assert desk.inside(repo, "run").code == 1
    shutil.rmtree(repo / ".modelyard" / "remote")
    way.asked.clear()
    assert desk.inside(repo, "detect").code == 0
    assert len(way.asked) == 1
    assert (record(repo)["result"]["changed"], record(repo)["result"]["held"]) == (True, "fail")
    desk.edit(repo / "modelyard.yml", "at_least: 0.99", "at_least: 0.6")

    way.asked.clear()
    put(bucket, 0)
    assert desk.inside(repo, "detect").code == 0
    result = record(repo)["result"]
    assert result["reasons"] == ["data"]
    assert result["details"]["data"] == ["all: parts/part-0.csv added, late", "all: parts/part-2.csv added"]
    assert len(way.asked) == 4, "a listing, and all three, over which types are decided anew"

    # What the listing says is the same, and contents are not: nothing is trained on that.
    for number in (0, 2):
        obstore.delete(bucket, f"parts/part-{number}.csv")
    desk.edit(repo / "modelyard.yml", "C: [0.1, 1]", "C: [0.1, 2]")
    shutil.rmtree(repo / ".modelyard" / "remote")
    part = next(each for each in result["sets"][0]["partitions"] if each["path"] == "parts/part-1.csv")
    lie = desk.rows(seed=77, first=1000).write_csv().encode().ljust(part["size"])[: part["size"]]
    told = {"ETag": part["etag"], "Last-Modified": "Fri, 27 Nov 2026 07:00:00 GMT"}
    way.meet = lambda asked: None if "list-type" in asked.path else Given(200, lie, told)
    ended = desk.inside(repo, "run")
    assert ended.code == 3
    assert "changed while it was read" in ended.err + ended.out


def test_a_users_script_gets_the_rows_and_no_credential(repo: Path, bucket: Any, way: Door) -> None:
    del bucket, way
    (repo / "train.py").write_text(
        "import os, pathlib, sys\n"
        "left = [name for name in os.environ if name.startswith(('AWS_ACCESS', 'AWS_SECRET'))]\n"
        "rows = pathlib.Path(sys.argv[1]).read_text().splitlines()\n"
        "pathlib.Path(sys.argv[2]).write_text(f'{rows[0]} {len(rows) > 100} {left}')\n",
        "utf-8",
    )
    config = (
        CONFIG[: CONFIG.index("train:")]
        + """\
train: {command: "python train.py {train} {model_dir}/told.txt"}
evaluate:
  predict: {command: "python train.py {rows} {predictions}"}
  gates: [{metric: roc_auc, at_least: 0.6}]
"""
    )
    (repo / "modelyard.yml").write_text(config, "utf-8")
    assert desk.inside(repo, "detect").code == 0
    assert desk.inside(repo, "train").code == 0
    assert (repo / "modelyard-run/model/told.txt").read_text("utf-8") == "key,size,colour,answer True []"


def test_a_forks_pull_request_says_that_it_may_not_read_and_what_a_maintainer_can_do(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(payloads, "pull_request", partial(payloads.pull_request, fork=True))
    (repo / "modelyard.yml").write_text(f"{CONFIG}registry: {{kind: local, durable: true}}\n", "utf-8")
    desk.git(repo, "commit", "-qam", "registry")
    proposal = Repository(repo, tmp_path / "runner")
    proposal.merged(written("notes.md", "a fork's\n"))
    done = proposal.run("detect")
    assert done.code == 4
    assert "data not readable from a fork: s3://tiny needs credentials" in done.err
    assert "git fetch origin pull/N/head" in done.err
    assert "[data/not-readable-from-fork]" in done.err
    assert json.loads((repo / "modelyard-run/records/detect.json").read_bytes())["record"]["verdict"] == "error"


def test_a_pushed_pointer_whose_data_was_not_fetched_is_said_in_a_job_and_taken_at_a_desk(tmp_path: Path) -> None:
    local = f"{desk.QUICK}registry: {{kind: local, durable: true}}\n"
    repo = desk.repository(tmp_path / "repo", local)
    data = repo / "data" / "part-1.csv"
    old = hashlib.md5(data.read_bytes(), usedforsecurity=False).hexdigest()
    told = f"outs:\n- md5: {old}\n  size: {data.stat().st_size}\n  hash: md5\n  path: part-1.csv\n"
    (repo / ".gitignore").write_text("*.csv\n", "utf-8")
    (repo / "data" / "part-1.csv.dvc").write_text(told, "utf-8")
    desk.git(repo, "add", "-A")
    desk.git(repo, "commit", "-qm", "pointer")
    head = desk.said(repo, "rev-parse", "HEAD")
    event = tmp_path / "event.json"
    event.write_text(json.dumps(payloads.push(head)), "utf-8")
    job = {
        "GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "push", "GITHUB_REPOSITORY": "acme/demo", "GITHUB_SHA": head,
        "GITHUB_EVENT_PATH": str(event), "GITHUB_RUN_ID": "1", "GITHUB_REF": "refs/heads/main",
        "GITHUB_WORKSPACE": str(repo), "GITHUB_OUTPUT": str(tmp_path / "output"), "RUNNER_TEMP": str(tmp_path / "temp"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
    }  # fmt: skip
    assert desk.inside(repo, "detect", environ=job).code == 0
    (repo / "data" / "part-1.csv.dvc").write_text(told.replace(old, "0" * 32), "utf-8")
    desk.git(repo, "commit", "-qam", "newer data, by its pointer")
    done = desk.inside(repo, "detect", environ=job)
    assert (done.code, "[data/stale]" in done.err, "dvc pull" in done.err) == (3, True, True)
    assert desk.inside(repo, "detect").code == 0
    data.unlink()
    assert "[data/pointer]" in desk.inside(repo, "detect", environ=job).err
