"""A job that is cancelled half way: the runner signals the process that it started, which is the step's script."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests import desk
from tests.act import ROOT

COMMAND = f"""\
train:
  command: "{sys.executable} slow.py {{model_dir}} {{train}}"
  timeout: 5m
"""
SLOW = """\
import pathlib, sys, time
pathlib.Path(sys.argv[1], "half.txt").write_text("half")
with open("started", "w") as told:
    told.write("now")
time.sleep(240)
"""


@pytest.fixture
def training(tmp_path: Path) -> Path:
    """A repository whose training command says that it began, through a pipe, and then takes its time."""
    config = desk.QUICK[: desk.QUICK.index("train:")] + COMMAND + desk.QUICK[desk.QUICK.index("evaluate:") :]
    config = config.replace("evaluate:\n", "evaluate:\n  predict: {command: 'cp {rows} {predictions}'}\n")
    repo = desk.repository(tmp_path / "repo", config)
    (repo / "slow.py").write_text(SLOW, "utf-8")
    os.mkfifo(repo / "started")
    assert desk.modelyard(repo, "detect").code == 0
    return repo


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM], ids=lambda sent: sent.name)
def test_a_cancelled_step_ends_at_once_and_leaves_nothing_half_done(training: Path, sent: signal.Signals) -> None:
    steps = yaml.safe_load((ROOT / "actions" / "train" / "action.yml").read_text("utf-8"))["runs"]["steps"]
    (training / "script.sh").write_text(steps[-1]["run"], "utf-8")
    process = subprocess.Popen(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "script.sh"],
        cwd=training, env=desk.environment({"MODELYARD_INTERPRETER": sys.executable}), start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with (training / "started").open(encoding="utf-8") as told:
        assert told.read() == "now"
    os.kill(process.pid, sent)  # this process alone, as GitHub's runner does it
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "interrupted" in said
    assert "Traceback" not in said
    run = training / "modelyard-run"
    assert [path.name for path in run.glob(".training-*")] == []
    assert not (run / "model").exists()
    assert not (run / "records" / "train.json").exists()
    left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(training) not in left, "the command outlived the step"
    assert json.loads((run / "records" / "detect.json").read_text("utf-8"))["record"]["verdict"] == "pass"
