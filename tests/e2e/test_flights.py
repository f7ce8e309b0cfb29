"""examples/flights, first turn and second month, through the commands of its README, on the real data."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def _run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path}
    )


def _modelyard(folder: Path, *arguments: str) -> tuple[int, dict[str, Any], str]:
    done = _run(folder, "modelyard", *arguments, "--json")
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout), done.stderr


@pytest.fixture
def flights(tmp_path: Path) -> Path:
    folder = tmp_path / "flights"
    shutil.copytree(ROOT / "examples" / "flights", folder, ignore=shutil.ignore_patterns("data", "loop"))
    (folder / ".gitignore").write_text("data/\n", "utf-8")
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "first"]):
        named = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        subprocess.run(["git", *named, *command], cwd=folder, check=True)
    return folder


def test_months_arrive_and_challengers_are_judged(flights: Path) -> None:
    assert _run(flights, "python", "make_data.py", "--months", "1-6").returncode == 0
    code, first, said = _modelyard(flights, "run", "--promote")
    assert (code, first["verdict"]) == (0, "pass"), said
    assert first["outputs"]["promote"]["version"] == "v1"
    assert first["outputs"]["detect"]["reasons"] == "first-run"
    markdown = (flights / "modelyard-run" / "report.md").read_text("utf-8")
    assert "82,767 rows" in markdown
    assert "91 days" in markdown
    assert "0.9050" in markdown

    code, again, _ = _modelyard(flights, "run", "--promote")
    assert code == 0
    assert {stage["step"]: stage["action"] for stage in again["stages"]} == {
        "detect": "run", "validate": "skip", "train": "skip", "evaluate": "skip", "report": "skip", "promote": "skip",
    }  # fmt: skip

    assert _run(flights, "python", "make_data.py", "--months", "7").returncode == 0
    code, detected, _ = _modelyard(flights, "detect")
    assert (code, detected["changed"], detected["reasons"]) == (0, True, "data")
    code, second, said = _modelyard(flights, "run", "--promote", "--reason", "July arrived")
    assert (code, second["verdict"], second["outputs"]["promote"]["version"]) == (0, "pass", "v2"), said

    record = json.loads((flights / "modelyard-run" / "records" / "evaluate.json").read_bytes())["record"]
    against = next(gate for gate in record["result"]["gates"] if gate["reference"] == "champion")
    assert record["champion_version"] == "v1"
    assert against["estimate"]["value"] == pytest.approx(0.0009, abs=0.0003)
    assert against["estimate"]["n"] == 92

    code, moves, _ = _modelyard(flights, "history")
    assert [(move["from"], move["to"], move["reason"]) for move in moves] == [  # type: ignore[index]  # a list of moves
        (None, "v1", ""),
        ("v1", "v2", "July arrived"),
    ]


def test_months_in_hours_instead_of_minutes_stop_before_training(flights: Path) -> None:
    import polars as pl

    assert _run(flights, "python", "make_data.py", "--months", "1-7").returncode == 0
    path = flights / "data" / "flights-2013-07.parquet"
    frame = pl.read_parquet(path)
    frame.with_columns((pl.col("dep_delay") / 60).cast(frame["dep_delay"].dtype)).write_parquet(path)
    code, found, _ = _modelyard(flights, "run")
    assert (code, found["verdict"]) == (1, "fail")
    actions = {stage["step"]: stage["action"] for stage in found["stages"]}
    assert (actions["validate"], actions["train"], actions["report"]) == ("run", "skip", "run")
