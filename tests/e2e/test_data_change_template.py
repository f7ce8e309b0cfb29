"""ml-data-change on a real runner, with a real S3 server and a GitHub with state: a look, new data, a bad message."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import obstore
import pytest

from tests import desk, payloads
from tests.act import Run, Runner
from tests.e2e.conftest import WRITE
from tests.e2e.test_templates import template
from tests.hub import Hub
from tests.object_servers import Door, S3Server, door, s3_server

CONFIG = desk.QUICK.replace("{all: data/*.csv}", '{all: "s3://tiny/parts/*.csv"}').replace("folds: 3", "folds: 2")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[tuple[S3Server, Door]]:
    with s3_server(tmp_path / "s3") as server, door(server.url) as way:
        put(server, 1)
        yield server, way


def put(server: S3Server, number: int) -> None:
    rows = desk.rows(seed=number, first=1000 * number)
    obstore.put(server.bucket("tiny"), f"parts/part-{number}.csv", rows.write_csv().encode())


def test_a_schedule_looks_and_ends_new_data_is_promoted_and_a_message_that_is_none_is_refused(
    tmp_path: Path, store: tuple[S3Server, Door], github: Hub
) -> None:
    server, way = store
    repo = tmp_path / "repo"
    repo.mkdir()
    (repo / "modelyard.yml").write_text(CONFIG, "utf-8")
    (repo / ".gitignore").write_text("modelyard-run/\n", "utf-8")
    desk.commit(repo)
    desk.git(repo, "branch", "-M", "main")
    github.push(repo)
    variables = {**server.variables, "AWS_ENDPOINT_URL": way.url}
    local = {"GITHUB_API_URL": github.url, "GITHUB_REPOSITORY": github.name, "MODELYARD_TOKEN": WRITE, **variables}
    assert desk.inside(repo, "run", "--promote", "--registry", "github", environ=local).code == 0

    def run(event: str, payload: dict[str, Any]) -> Run:
        way.asked.clear()
        github.calls.clear()
        runner = Runner(tmp_path, api_url=github.url, token=WRITE, environ=variables, cache=tmp_path / "caches")
        return runner.run(repo, template("ml-data-change"), event, payload)

    quiet = run("schedule", payloads.schedule())
    assert quiet.jobs == {"look": "success"}, quiet.last
    assert "unchanged since v1" in quiet.text
    assert [each.method for each in way.asked] == ["GET"], "a listing"
    assert github.writes == []

    refused = run("repository_dispatch", payloads.repository_dispatch(source="s3://tiny/x\n::error::y", run="id"))
    assert refused.jobs == {"look": "failure"}, refused.last
    assert refused.outputs("detect")["exit-code"] == "2"
    assert any("modelyard-data-changed: source is" in said for said in refused.annotations)
    assert way.asked == []

    put(server, 2)
    trained = run("repository_dispatch", payloads.repository_dispatch(source="s3://tiny/parts/part-2.csv", size=1))
    assert trained.jobs == {"look": "success", "evaluate": "success", "promote": "success"}, trained.last
    assert "a message told of s3://tiny/parts/part-2.csv" in trained.text
    state = json.loads(github.run("show", "modelyard-state:tiny/state.json"))
    assert state["journal"]["aliases"]["champion"] == "v2"
    (kept,) = (tmp_path / "caches").glob("modelyard-judged-*")
    assert {path.name for path in kept.iterdir()} >= {"detect.json", "evaluate.json"}
