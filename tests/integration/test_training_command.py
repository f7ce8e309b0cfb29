"""Training by a command: rows in, a model folder out, its metrics picked up, its faults with its own last words."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from modelyard.core import platforms
from modelyard.core.errors import ConfigError, DataError
from modelyard.models import store
from modelyard.training.job import TrainingRows
from modelyard.training.train import Trained, train
from modelyard.training.ways.command import read_metrics
from tests.training_samples import config, leftovers, rows, wheel, workplace

SCRIPT = """
import json, pathlib, sys
train, out, seed = sys.argv[1:4]
with open(train, "rb") as rows:
    head = rows.readline().decode().strip() if train.endswith(".csv") else rows.read(4).decode()
pathlib.Path(out, "model.txt").write_text(f"{head} {seed}")
json.dump({"auc": 0.5, "fold": {"best": 3, "deep": {"x": 1}}, "curve": [1, 2], "note": "ok"}, open("metrics.json", "w"))
print("done")
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "train.py").write_text(SCRIPT, "utf-8")
    return tmp_path


def go(workspace: Path, command: str = "", suffix: Any = ".csv", code: str | None = None, **given: Any) -> Trained:
    if code is not None:
        (workspace / "train.py").write_text(code, "utf-8")
    command = command or f"{sys.executable} train.py {{train}} {{model_dir}} {{seed}}"
    frame = rows(60)
    here = TrainingRows(frame, "sha256:" + "0" * 64, test=frame.head(10), test_digest="sha256:" + "1" * 64,
                        suffix=suffix)  # fmt: skip
    return train(config({"command": command, "seed": 5, **given}), here, at=workplace(workspace), inputs={"code": "0"})


def test_the_script_gets_its_rows_in_the_sources_format_and_its_model_is_kept(workspace: Path) -> None:
    trained = go(workspace)
    kept = (workspace / "run" / "model" / "model.txt").read_text("utf-8")
    assert kept == "id,delay,distance,night,carrier,late 5", "what is dropped does not reach the script"
    assert trained.result.adapter == "command"
    assert trained.result.signature is not None
    assert [feature.name for feature in trained.result.signature.features] == ["delay", "distance", "night", "carrier"]
    assert leftovers(workspace) == []
    go(workspace, suffix=".parquet")
    assert (workspace / "run" / "model" / "model.txt").read_text("utf-8") == "PAR1 5"


def test_its_metrics_are_picked_up_flat_and_scalar(workspace: Path) -> None:
    trained = go(workspace, metrics="metrics.json")
    assert trained.result.own_metrics == {"auc": 0.5, "fold.best": 3, "note": "ok"}


def test_an_unchanged_command_is_not_run_again(workspace: Path) -> None:
    first = go(workspace, metrics="metrics.json")
    (workspace / "metrics.json").unlink()
    again = go(workspace, metrics="metrics.json")
    assert (again.result.fits, again.result.fits_from_cache) == (0, 1)
    assert again.result.own_metrics == first.result.own_metrics
    assert again.result.model_digest == first.result.model_digest
    assert go(workspace, seed=6).fit_digest != first.fit_digest


def test_test_rows_are_written_for_those_who_ask(workspace: Path) -> None:
    code = "import pathlib, sys\npathlib.Path(sys.argv[2], 'm').write_text(str(len(open(sys.argv[1]).readlines())))\n"
    go(workspace, f"{sys.executable} train.py {{test}} {{model_dir}}", code=code)
    assert (workspace / "run" / "model" / "m").read_text("utf-8") == "11"


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("print('loading')\nraise SystemExit('no such column')\n", r"exit status 1 \["),
        ("print('fine')\n", r"wrote nothing into \{model_dir\}"),
        ("import os\nos.abort()\n", r"signal SIGABRT"),
        ("import os, sys\nos.symlink('/etc/hostname', sys.argv[2] + '/model')\nopen(sys.argv[2] + '/x', 'w')\n",
         r"'model', which is a link"),
    ],
)  # fmt: skip
def test_a_command_that_fails_says_why_and_leaves_the_old_model(workspace: Path, code: str, found: str) -> None:
    before = go(workspace).result.model_digest
    with pytest.raises(DataError, match=found) as caught:
        go(workspace, code=code, seed=9)
    assert caught.value.exit_code == 3
    assert store.digest(workspace / "run" / "model")[0] == before
    assert leftovers(workspace) == []


def test_what_it_printed_is_in_the_log_alone(workspace: Path) -> None:
    with pytest.raises(DataError) as caught:
        go(workspace, code="for n in range(100):\n    print('Ada', n)\nraise SystemExit(4)\n")
    assert caught.value.message == "train.command ended with exit status 4"
    log = workspace / ".modelyard" / "logs" / "train.log"
    assert str(log) in caught.value.hint
    assert len(log.read_text("utf-8").splitlines()) == 100


def test_a_command_that_hangs_is_ended_with_all_that_it_started(workspace: Path) -> None:
    code = """
import pathlib, subprocess, sys, threading
child = subprocess.Popen([sys.executable, "-c", "import threading; threading.Event().wait()"])
pathlib.Path("child").write_text(str(child.pid))
threading.Event().wait()
"""
    with pytest.raises(DataError, match=r"train\.command was still running after 5s") as caught:
        go(workspace, code=code, timeout="5s")
    assert "train.timeout" in caught.value.hint
    assert _gone(int((workspace / "child").read_text("utf-8")))
    assert leftovers(workspace) == []


def test_a_command_that_ignores_being_asked_is_killed(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platforms, "GRACE", 0.1)
    code = """
import pathlib, signal, subprocess, sys, threading
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import threading; threading.Event().wait()"])
pathlib.Path("children").write_text(f"{child.pid} {__import__('os').getpid()}")
threading.Event().wait()
"""
    with pytest.raises(DataError, match="still running"):
        go(workspace, code=code, timeout="3s")
    assert all(_gone(int(pid)) for pid in (workspace / "children").read_text("utf-8").split())


def test_what_a_command_leaves_running_is_ended_with_it(workspace: Path) -> None:
    code = """
import pathlib, signal, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import threading; threading.Event().wait()"])
pathlib.Path(sys.argv[2], "child").write_text(str(child.pid))
"""
    go(workspace, code=code)
    assert _gone(int((workspace / "run" / "model" / "child").read_text("utf-8")))


def _gone(pid: int) -> bool:
    """Whether a process ends; a kill takes a moment to arrive."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{pid}/stat").read_text("utf-8").rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except OSError:
            return True
    return False


def test_ctrl_c_ends_the_command_and_leaves_nothing_partial(workspace: Path) -> None:
    code = "import os, threading\nprint('pid', os.getpid(), flush=True)\nopen(os.sys.argv[2] + '/part', 'w')\n"
    code += "open('started', 'w').write(str(os.getpid()))\nthreading.Event().wait()\n"
    (workspace / "train.py").write_text(code, "utf-8")
    parent = f"""
import sys
import time
from pathlib import Path
from tests.integration.test_training_command import go
try:
    go(Path({str(workspace)!r}))
except KeyboardInterrupt:
    sys.exit(130)
"""
    child = subprocess.Popen([sys.executable, "-c", parent], cwd=Path(__file__).parents[2])
    log = workspace / ".modelyard" / "logs" / "train.log"
    while not (log.is_file() and log.read_text("utf-8").endswith("\n")) and child.poll() is None:
        pass
    child.send_signal(signal.SIGINT)
    assert child.wait(60) == 130
    assert _gone(int(log.read_text("utf-8").split()[1]))
    assert leftovers(workspace) == []


@pytest.mark.parametrize(
    ("command", "error", "found"),
    [
        ("no-such-program {train}", DataError, "'no-such-program' was not found on PATH"),
        ("./train.py {train}", DataError, "is not executable"),
        ("./absent.sh", DataError, r"no program './absent\.sh'"),
        ("python train.py {trian} {model_dir}", ConfigError, r"\{trian\} is not known here. Did you mean 'train'"),
        ("python 'train.py", ConfigError, "cannot be split"),
        ("''", DataError, "not found"),
    ],
)
def test_a_command_that_cannot_start_says_why(workspace: Path, command: str, error: type, found: str) -> None:
    with pytest.raises(error, match=found):
        go(workspace, command)


def test_no_shell_reads_the_command_and_no_value_adds_an_argument(workspace: Path) -> None:
    code = "import json, pathlib, sys\npathlib.Path(sys.argv[1], 'm').write_text(json.dumps(sys.argv[2:]))\n"
    folder = workspace / "a folder; with $HOME"
    folder.mkdir()
    go(folder, f"{sys.executable} train.py {{model_dir}} 'two words' $(id) ; && {{seed}}x '{{\"a\": 1}}'", code=code)
    assert json.loads((folder / "run" / "model" / "m").read_text("utf-8")) == [
        "two words", "$(id)", ";", "&&", "5x", '{"a": 1}',
    ]  # fmt: skip


def test_the_command_sees_the_environment_without_our_variables_and_tokens(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = {"GITHUB_TOKEN": "secret-1", "MODELYARD_TOKEN": "secret-2", "MODELYARD_CONFIG": "a", "GH_TOKEN": "secret-3",
            "ACTIONS_RUNTIME_TOKEN": "t", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "t", "GITHUB_OUTPUT": "f",
            "ALSO_THE_TOKEN": "secret-1", "HF_TOKEN": "the data's", "AWS_ACCESS_KEY_ID": "k"}  # fmt: skip
    theirs = {"HF_HOME": "their own", "AWS_REGION": "eu-west-1", "PYTHONPATH": "lib", "GITHUB_ACTIONS": "true"}
    for name, value in (ours | theirs).items():
        monkeypatch.setenv(name, value)
    code = "import json, os, sys\njson.dump(dict(os.environ), open(sys.argv[2] + '/m', 'w'))\n"
    go(workspace, code=code)
    seen = json.loads((workspace / "run" / "model" / "m").read_text("utf-8"))
    assert not set(ours) & set(seen)
    assert {name: seen[name] for name in theirs} == theirs


def test_the_command_finds_its_own_environment_first(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (workspace / "wheels").mkdir()
    wheel(workspace / "wheels", "1.0")
    monkeypatch.setenv("UV_FIND_LINKS", str(workspace / "wheels"))
    monkeypatch.setenv("UV_OFFLINE", "1")
    (workspace / "requirements.lock").write_text("tiny-model==1.0\n", "utf-8")
    code = "import pathlib, sys, tiny_model\npathlib.Path(sys.argv[1], 'm').write_text(tiny_model.VERSION)\n"
    before = os.environ["PATH"]
    first = go(workspace, "python train.py {model_dir}", code=code, environment="requirements.lock")
    assert (workspace / "run" / "model" / "m").read_text("utf-8") == "1.0"
    assert os.environ["PATH"] == before
    (workspace / "requirements.lock").write_text("# other\ntiny-model==1.0\n", "utf-8")
    assert go(workspace, "python train.py {model_dir}", environment="requirements.lock").fit_digest != first.fit_digest


@pytest.mark.parametrize(
    ("text", "found"),
    [("{", "not readable JSON"), ('{"auc": NaN}', "NaN"), ('{"auc": 1e999}', "not a finite number"),
     ("[1]", "no JSON object"), ('{"a": {"b": -Infinity}}', "Infinity")],
)  # fmt: skip
def test_metrics_that_are_none_are_refused(tmp_path: Path, text: str, found: str) -> None:
    (tmp_path / "metrics.json").write_text(text, "utf-8")
    with pytest.raises(DataError, match=found):
        read_metrics(tmp_path / "metrics.json")


def test_a_metrics_file_of_another_run_is_not_taken_for_this_ones(workspace: Path) -> None:
    (workspace / "metrics.json").write_text('{"auc": 1.0}', "utf-8")
    code = "import sys\nopen(sys.argv[2] + '/m', 'w').close()\n"
    with pytest.raises(DataError, match="left the old one as it was"):
        go(workspace, metrics="metrics.json", code=code)
    (workspace / "metrics.json").unlink()
    with pytest.raises(DataError, match="did not write it"):
        go(workspace, metrics="metrics.json", code=code)


def test_a_command_is_scored_on_columns_as_they_stand(workspace: Path) -> None:
    frame = rows(60).with_columns(when=pl.col("when").cast(pl.Date))
    columns = {"drop": ["minutes", "weight", "month"], "time": "when"}
    command = f"{sys.executable} train.py {{train}} {{model_dir}} {{seed}}"
    made = train(config({"command": command}, columns=columns), TrainingRows(frame, "sha256:" + "0" * 64),
                 at=workplace(workspace), inputs={})  # fmt: skip
    assert made.result.signature is not None
    assert made.result.signature.features[-1].model_dump() == {"name": "when", "kind": "time"}
