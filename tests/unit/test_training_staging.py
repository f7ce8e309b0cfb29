"""The staged copy: code as it is, data files of training rows alone, and no way round to the others."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from modelyard.core.errors import ConfigError, DataError
from modelyard.data.copying import FileCopy
from modelyard.training.job import Workplace
from modelyard.training.staging import Stage, stage, variables
from tests.desk import commit, git

TRAINING = b"id,y\n1,a\n3,c\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "all.csv").write_bytes(b"id,y\n1,a\n2,b\n3,c\n")
    (folder / "train.py").write_text("print('x')\n", "utf-8")
    return folder


def staged(root: Path, *more: FileCopy, base: str = "", outputs: tuple[str, ...] = ("models/model.pkl",)) -> Stage:
    into = root.parent / "stage"
    into.mkdir()
    data = [FileCopy(root / "data" / "all.csv", np.array([True, False, True])), *more]
    return stage(place(root, base), into, data=data, outputs=outputs)


def place(root: Path, base: str = "") -> Workplace:
    return Workplace(root / base, root, root / ".modelyard", root / "run", root / "envs", code=lambda: [root])


def names(found: Stage) -> set[str]:
    return {name for name in found.given if not name.startswith(".git/")}


def test_data_files_hold_training_rows_and_code_is_byte_identical(root: Path) -> None:
    found = staged(root)
    assert (found.root / "data" / "all.csv").read_bytes() == TRAINING
    assert (found.root / "train.py").read_bytes() == (root / "train.py").read_bytes()


def test_models_and_metrics_of_earlier_runs_are_left_out_and_their_folders_are_there(root: Path) -> None:
    (root / "models").mkdir()
    (root / "models" / "model.pkl").write_bytes(b"old")
    (root / "models" / "other.txt").write_bytes(b"kept")
    (root / "mlruns" / "0" / "abc" / "model").mkdir(parents=True)
    (root / "mlruns" / "0" / "abc" / "model" / "MLmodel").write_bytes(b"old")
    found = staged(root, outputs=("models/model.pkl", "mlruns/*/*/model", "reports/metrics.json"))
    assert names(found) == {"data/all.csv", "train.py", "models/other.txt"}
    assert (found.root / "reports").is_dir()


def test_what_git_ignores_is_not_there_and_the_rest_is(root: Path) -> None:
    (root / ".gitignore").write_text("*.log\nmodels/\n", "utf-8")
    (root / "models").mkdir()
    (root / "models" / "model.pkl").write_bytes(b"old")
    (root / "run.log").write_bytes(b"x")
    (root / "new.py").write_bytes(b"x = 1\n")
    git(root, "init", "-q")
    git(root, "add", "train.py")
    assert names(staged(root)) == {".gitignore", "data/all.csv", "new.py", "train.py"}


def test_git_in_the_copy_is_the_copys_own_at_the_same_commit(root: Path) -> None:
    commit(root)
    found = staged(root)

    def asked(folder: Path, *words: str) -> str:
        return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()

    assert Path(asked(found.base, "rev-parse", "--show-toplevel")) == found.root.resolve()
    assert asked(found.base, "rev-parse", "HEAD") == asked(root, "rev-parse", "HEAD")
    assert asked(found.base, "status", "--porcelain") == "M data/all.csv"
    assert asked(root, "status", "--porcelain") == ""


def test_links_stay_links_and_lead_to_training_rows(root: Path) -> None:
    (root / "data" / "latest.csv").symlink_to("all.csv")
    (root / "input").symlink_to(root / "data")
    found = staged(root)
    assert (found.root / "data" / "latest.csv").read_bytes() == TRAINING
    assert (found.root / "input" / "all.csv").read_bytes() == TRAINING
    assert (found.root / "input").is_symlink()


def test_a_data_file_that_is_itself_a_link_has_training_rows_under_both_names(root: Path) -> None:
    (root / "store").mkdir()
    (root / "data" / "all.csv").rename(root / "store" / "v1.csv")
    (root / "data" / "all.csv").symlink_to("../store/v1.csv")
    found = staged(root)
    assert (found.root / "data" / "all.csv").read_bytes() == TRAINING
    assert (found.root / "store" / "v1.csv").read_bytes() == TRAINING


def test_an_ignored_folder_that_is_a_link_to_data_is_there_too(root: Path) -> None:
    (root / "data").rename(root / "store")
    (root / "data").symlink_to("store")
    (root / ".gitignore").write_text("data\nstore\n", "utf-8")
    git(root, "init", "-q")
    into = root.parent / "stage"
    into.mkdir()
    data = [FileCopy(root / "store" / "all.csv", np.array([True, False, True]))]
    found = stage(place(root), into, data=data, outputs=(), named=["data/*.csv"])
    assert (found.root / "data" / "all.csv").read_bytes() == TRAINING


def test_a_file_that_stands_for_the_test_holds_training_rows(root: Path) -> None:
    (root / "data" / "test.csv").write_bytes(b"id,y\n9,a\n")
    found = staged(root, FileCopy(root / "data" / "test.csv", like=root / "data" / "all.csv"))
    assert (found.root / "data" / "test.csv").read_bytes() == TRAINING


def test_other_data_is_as_it_is(root: Path) -> None:
    (root / "data" / "weather.csv").write_bytes(b"day,rain\n1,2\n")
    found = staged(root, FileCopy(root / "data" / "weather.csv"))
    assert (found.root / "data" / "weather.csv").read_bytes() == b"day,rain\n1,2\n"


def test_a_second_copy_of_the_data_is_refused(root: Path) -> None:
    (root / "backup.csv").write_bytes((root / "data" / "all.csv").read_bytes())
    with pytest.raises(DataError) as caught:
        staged(root)
    assert caught.value.code == "train/second-copy-of-data"
    assert "backup.csv" in caught.value.message


@pytest.mark.parametrize("written", ["{root}/data/all.csv", "{root}/data", "{root}"])
def test_a_whole_path_to_the_data_is_refused_with_its_line(root: Path, written: str) -> None:
    (root / "train.py").write_text(f"import os\nDATA = '{written.format(root=root)}'\n", "utf-8")
    with pytest.raises(ConfigError, match=r"train.py, line 2") as caught:
        staged(root)
    assert caught.value.code == "train/absolute-path"


def test_a_whole_path_to_something_else_is_no_matter(root: Path) -> None:
    (root / "train.py").write_text(f"P = '{root}/.venv/bin/python'\nQ = '{root}-old/data'\n", "utf-8")
    assert "train.py" in names(staged(root))


def test_of_a_notebook_only_code_counts(root: Path) -> None:
    output = {"output_type": "stream", "name": "stdout", "text": [f"{root}/data/all.csv\n"]}
    cell = {"cell_type": "code", "source": ["x = 1\n"], "outputs": [output], "metadata": {}, "execution_count": 1}
    (root / "train.ipynb").write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4}), "utf-8")
    assert "train.ipynb" in names(staged(root))
    cell["source"] = [f"x = '{root}/data'\n"]
    (root / "train.ipynb").write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4}), "utf-8")
    (root.parent / "stage").rename(root.parent / "before")
    with pytest.raises(ConfigError, match="whole path"):
        staged(root)


def test_variables_that_name_the_workspace_name_the_copy(root: Path) -> None:
    (root / "src").mkdir()
    (root / "src" / "tool.py").write_bytes(b"x = 1\n")
    found = staged(root)
    given = {"PYTHONPATH": f"{root}/src:/opt/x", "DATA": f"{root}/data", "PATH": f"{root}/.venv/bin:/bin", "A": "b"}
    told = variables(given, root, found)
    assert told["PYTHONPATH"] == f"{found.root}/src{os.pathsep}/opt/x"
    assert told["DATA"] == f"{found.root}/data"
    assert told["PATH"] == given["PATH"], "the environment of packages is not copied"
    assert (told["A"], told["PWD"]) == ("b", str(found.base))


def test_an_editable_package_of_the_workspace_is_imported_from_the_copy(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "src").mkdir()
    (root / "src" / "tool.py").write_bytes(b"x = 1\n")
    monkeypatch.setattr("modelyard.training.staging.editable_packages", lambda: [("tool", root)])
    found = staged(root)
    assert variables({}, root, found)["PYTHONPATH"] == f"{found.root}/src"


def test_a_folder_below_is_where_commands_run(root: Path) -> None:
    (root / "project").mkdir()
    (root / "project" / "train.py").write_bytes(b"x = 1\n")
    found = staged(root, base="project")
    assert found.base == found.root / "project"
    (found.base / "model.bin").write_bytes(b"new")
    assert found.made() == ["model.bin"]
