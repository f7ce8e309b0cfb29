"""A command's model is scored in the environment of its own version: in evaluation, in a proof, and once adopted."""

import json
from pathlib import Path

import pytest

from tests import desk
from tests.desk import edit, modelyard
from tests.training_samples import wheel

COMMANDS = """\
train: {command: "python train.py {train} {model_dir}", environment: requirements.lock}
evaluate:
  predict: {command: "python predict.py {model_dir} {rows_csv} {predictions_csv}"}
"""
TRAIN = "import pathlib, sys, tiny_model\npathlib.Path(sys.argv[2], 'made-in').write_text(tiny_model.VERSION)\n"
PREDICT = """\
import csv, math, os, pathlib, sys, tiny_model
made_in = pathlib.Path(sys.argv[1], "made-in").read_text()
with open(os.environ["SCORED"], "a") as log:
    print(made_in, "in", tiny_model.VERSION, file=log)
with open(sys.argv[2]) as rows, open(sys.argv[3], "w") as out:
    print("key,probability", file=out)
    for row in csv.DictReader(rows):
        print(row["key"], 1 / (1 + math.exp(-float(row["size"]))), sep=",", file=out)
"""
GATE = "    - {metric: roc_auc, no_worse_than: champion, margin: 0.05}\n"
OWN = {"1.0 in 1.0", "2.0 in 2.0"}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A command's model whose environment is a lock, with two versions of its package to be had."""
    (tmp_path / "wheels").mkdir()
    for version in ("1.0", "2.0"):
        wheel(tmp_path / "wheels", version)
    for name, value in (("UV_FIND_LINKS", tmp_path / "wheels"), ("UV_OFFLINE", 1), ("SCORED", tmp_path / "scored")):
        monkeypatch.setenv(name, str(value))
    head, _, rest = desk.QUICK.partition("train:\n")
    folder = tmp_path / "tiny"
    folder.mkdir()
    for name, text in (("train.py", TRAIN), ("predict.py", PREDICT), ("requirements.lock", "tiny-model==1.0\n")):
        (folder / name).write_text(text, "utf-8")
    return desk.repository(folder, head + COMMANDS + rest.partition("evaluate:\n")[2])


def scored(folder: Path) -> set[str]:
    """Which model was scored in which version of the package, since this was last asked."""
    log = folder.parent / "scored"
    found = set(log.read_text("utf-8").splitlines())
    log.unlink()
    return found


def test_the_champion_is_scored_in_its_own_environment_and_not_in_the_challengers(repository: Path) -> None:
    first = modelyard(repository, "run", "--promote")
    assert first.code == 0, first.err
    assert scored(repository) == {"1.0 in 1.0"}

    edit(repository / "requirements.lock", "1.0", "2.0")
    second = modelyard(repository, "run")
    assert second.code in (0, 1), second.err
    assert scored(repository) == OWN


@pytest.mark.parametrize("renamed", [False, True], ids=["same lock", "lock renamed since"])
def test_a_proof_uses_the_environment_of_the_old_version(repository: Path, *, renamed: bool) -> None:
    assert modelyard(repository, "run", "--promote").code == 0
    edit(repository / "requirements.lock", "1.0", "2.0")
    edit(repository / "modelyard.yml", GATE, "")
    if renamed:
        (repository / "requirements.lock").rename(repository / "other.lock")
        edit(repository / "modelyard.yml", "requirements.lock", "other.lock")
    assert modelyard(repository, "run", "--promote").code == 0
    scored(repository)

    shown = modelyard(repository, "rollback", "--to", "v1", "--part", "prove", "--reason", "errors since the morning")
    assert shown.code == 0, shown.err
    assert desk.record(repository, "prove")["result"]["reproduced"] is True
    assert scored(repository) == {"1.0 in 1.0"}


def test_an_adopted_command_is_scored_in_the_environment_that_it_was_adopted_with(repository: Path) -> None:
    old = repository.parent / "old"
    old.mkdir()
    (old / "made-in").write_text("1.0", "utf-8")
    (repository.parent / "pins.txt").write_text("tiny-model==1.0\n", "utf-8")
    edit(repository / "requirements.lock", "1.0", "2.0")
    adopted = modelyard(repository, "adopt", str(old), "--environment", str(repository.parent / "pins.txt"))
    assert adopted.code == 0, adopted.err

    done = modelyard(repository, "run")
    assert done.code in (0, 1), done.err
    assert scored(repository) == OWN


def test_an_adopted_command_keeps_todays_environment(repository: Path) -> None:
    old = repository.parent / "old"
    old.mkdir()
    (old / "made-in").write_text("1.0", "utf-8")
    assert modelyard(repository, "adopt", str(old)).code == 0
    edit(repository / "requirements.lock", "1.0", "2.0")
    assert modelyard(repository, "run").code in (0, 1)
    assert scored(repository) == OWN


def test_in_actions_the_environment_is_built_once_and_not_in_the_workspace(repository: Path, tmp_path: Path) -> None:
    edit(repository / "modelyard.yml", GATE, GATE + "registry: {kind: local, durable: true}\n")
    (tmp_path / "event.json").write_text(json.dumps({"repository": {"default_branch": "main", "full_name": "a/b"}}))
    environ = {
        "GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "push", "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
        "GITHUB_REF": "refs/heads/main", "GITHUB_REPOSITORY": "a/b", "GITHUB_SHA": "b" * 40, "GITHUB_RUN_ID": "42",
        "GITHUB_RUN_ATTEMPT": "1", "GITHUB_ACTOR": "octocat", "RUNNER_TEMP": str(tmp_path / "temp"),
    }  # fmt: skip
    done = modelyard(repository, "run", environ=environ)
    assert done.code == 0, done.err
    built = [path for folder in (repository, tmp_path / "temp") for path in folder.rglob("pyvenv.cfg")]
    assert [path.parents[1] for path in built] == [tmp_path / "temp" / "modelyard" / "envs"]
