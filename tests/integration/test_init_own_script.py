"""examples/own-script: a repository as people have them stays as it is; all that is added is a short modelyard.yml."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
import yaml

from modelyard.config.checks import check
from modelyard.config.load import Loaded, load
from modelyard.config.scaffold import look, propose
from modelyard.core.errors import DataError
from modelyard.data import reading
from modelyard.data.outline import outline
from modelyard.data.sources import files
from modelyard.data.splits import split

EXAMPLE = Path(__file__).parents[2] / "examples" / "own-script"
COMMITTED = (
    ".gitignore", "README.md", "data/.gitignore", "data/breast_cancer.csv.dvc", "make_data.py", "modelyard.yml",
    "predict.py", "requirements.txt", "train.py",
)  # fmt: skip


def run(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    assert done.stderr == ""
    return done.stdout


def loaded_from(folder: Path) -> Loaded:
    return load(folder / "modelyard.yml", root=folder)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example as a clone has it: without data."""
    folder = tmp_path_factory.mktemp("bare") / "own-script"
    for name in COMMITTED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(EXAMPLE / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def example(bare: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example with its data."""
    folder = tmp_path_factory.mktemp("example") / "own-script"
    shutil.copytree(bare, folder)
    assert run(folder, sys.executable, "make_data.py") == "569 rows in data/breast_cancer.csv\n"
    return folder


def test_the_data_is_what_the_dvc_pointer_says(example: Path) -> None:
    (pointer,) = yaml.safe_load((example / "data" / "breast_cancer.csv.dvc").read_text("utf-8"))["outs"]
    data = (example / "data" / pointer["path"]).read_bytes()
    assert pointer["hash"] == "md5"
    assert pointer["size"] == len(data)
    assert pointer["md5"] == hashlib.md5(data, usedforsecurity=False).hexdigest()


def test_git_keeps_the_pointer_and_ignores_data_model_and_metrics(example: Path) -> None:
    run(example, "git", "init", "--quiet")
    for name in ("metrics.json", "model/model.txt"):
        (example / name).parent.mkdir(exist_ok=True)
        (example / name).touch()
    listed = run(example, "git", "ls-files", "--others", "--exclude-standard").splitlines()
    assert sorted(listed) == sorted(COMMITTED)


def test_the_scripts_know_nothing_of_modelyard_and_the_configuration_is_short() -> None:
    for name in ("train.py", "predict.py", "make_data.py", "requirements.txt"):
        assert "modelyard" not in (EXAMPLE / name).read_text("utf-8")
    assert len((EXAMPLE / "modelyard.yml").read_text("utf-8").splitlines()) <= 15


def test_the_configuration_checks_clean(example: Path) -> None:
    loaded = loaded_from(example)
    assert check(loaded, root=example, estimator_problem=lambda _: "none is named here") == []


def test_without_its_data_the_answer_is_dvc_pull(bare: Path) -> None:
    source = loaded_from(bare).config.data.sets["all"]
    with pytest.raises(DataError, match="only its DVC pointer is") as caught:
        files.resolve(bare, bare, "all", source)
    assert "dvc pull" in caught.value.hint


def test_the_scripts_train_and_score_what_they_are_handed(example: Path, tmp_path: Path) -> None:
    config = loaded_from(example).config
    assert config.data.split is not None
    (path,) = files.resolve(example, example, "all", config.data.sets["all"])
    rows = split(reading.read((path,)), config.data.split, config.data.columns)
    assert (len(rows.train), len(rows.test)) == (341, 228)
    rows.train.write_csv(tmp_path / "train.csv")
    rows.test.drop("diagnosis").write_csv(tmp_path / "rows.csv")
    model = tmp_path / "model"
    run(example, sys.executable, "train.py", "--data", str(tmp_path / "train.csv"), "--model-dir", str(model))
    assert [each.name for each in model.iterdir()] == ["model.txt"]
    assert set(json.loads((example / "metrics.json").read_text("utf-8"))) >= {"valid_roc_auc", "valid_log_loss"}
    out = tmp_path / "predictions.csv"
    run(
        example, sys.executable, "predict.py", "--model-dir", str(model), "--input", str(tmp_path / "rows.csv"),
        "--output", str(out),
    )  # fmt: skip
    predictions = pl.read_csv(out)
    assert predictions.columns == ["sample", "probability"]
    assert predictions["sample"].to_list() == rows.test["sample"].to_list()
    found = predictions["probability"].to_numpy() >= 0.5
    malignant = (rows.test["diagnosis"] == "malignant").to_numpy()
    assert (found & malignant).sum() >= 76, "the recall gate of the example passes from 76 of 85 on"


def test_init_would_propose_the_commands_of_this_repository(example: Path) -> None:

    text = propose(example, look(example, outline))
    ours = loaded_from(example).config
    proposed = example / "proposed.yml"
    proposed.write_text(text, "utf-8")
    config = load(proposed, root=example).config
    proposed.unlink()
    assert config.train is not None
    assert ours.train is not None
    assert (config.train.command, config.train.metrics) == (ours.train.command, ours.train.metrics)
    assert config.evaluate.predict == ours.evaluate.predict
    assert (config.data.sets, config.data.columns) == (ours.data.sets, ours.data.columns)
    assert config.requirements == ours.requirements
    assert "a pointer of DVC" in text
