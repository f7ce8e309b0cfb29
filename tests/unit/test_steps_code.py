"""The code of a fit is every file that it may run or read: what commands name, their folders, editable packages."""

import json
from pathlib import Path
from typing import Any

import pytest

from modelyard.config.configuration import Config
from modelyard.core.errors import ConfigError
from modelyard.steps import code

PREDICT = "python ../../libs/predict.py {model_dir} {rows_csv} {predictions_csv}"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in (
        "libs/train.py",
        "libs/helper.py",
        "libs/lookup.csv",
        "libs/predict.py",
        "conf/big.yaml",
        "conf/other.yaml",
        "shared/tables/zip.parquet",
        "models/churn/modelyard.yml",
        "models/churn/data.csv",
        "models/churn/rates.csv",
        "models/churn/monthly/a.csv",
        "models/other/train.py",
        "README.md",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name, "utf-8")
    return tmp_path


def digest(root: Path, **train: Any) -> str:
    data = {"sets": {"all": "data.csv", "more": "monthly/*.csv"}, "columns": {"target": "y", "id": "i"}}
    config = Config.model_validate(
        {
            "model": {"name": "churn", "task": "binary"},
            "data": {**data, "split": {"of": "all", "by": "random"}},
            "train": train,
            "evaluate": {"predict": {"command": PREDICT}} if "command" in train else {},
        }
    )
    base = root / "models/churn"
    return code.digest_code(config, root, base, base / "modelyard.yml")


COMMAND = {"command": "python ../../libs/train.py --conf=../../conf/big.yaml {train} {model_dir}"}


@pytest.mark.parametrize(
    ("train", "changed"),
    [
        (COMMAND, "libs/train.py"),
        (COMMAND, "libs/helper.py"),
        (COMMAND, "libs/lookup.csv"),
        (COMMAND, "conf/big.yaml"),
        (COMMAND, "models/churn/rates.csv"),
        ({**COMMAND, "code": ["../../shared"]}, "shared/tables/zip.parquet"),
        ({**COMMAND, "code": ["../../conf/other.yaml"]}, "conf/other.yaml"),
        ({"entrypoint": "fit:fit"}, "models/churn/rates.csv"),
        ({"entrypoint": "fit:fit", "python-path": ["../../libs"]}, "libs/lookup.csv"),
        ({"candidates": [{"estimator": "a.B"}], "code": ["../../libs"]}, "libs/helper.py"),
    ],
)
def test_a_change_of_what_a_fit_may_read_is_a_change_of_its_code(tree: Path, train: Any, changed: str) -> None:
    before = digest(tree, **train)
    assert digest(tree, **train) == before
    (tree / changed).write_text("changed", "utf-8")
    assert digest(tree, **train) != before


@pytest.mark.parametrize(
    "changed",
    [
        "models/churn/data.csv",
        "models/churn/monthly/a.csv",
        "models/churn/monthly/b.csv",
        "models/churn/modelyard.yml",
        "conf/other.yaml",
        "models/other/train.py",
        "README.md",
    ],
)
def test_declared_data_and_other_folders_are_no_code(tree: Path, changed: str) -> None:
    before = digest(tree, **COMMAND)
    (tree / changed).write_text("changed", "utf-8")
    assert digest(tree, **COMMAND) == before


def test_a_file_that_is_removed_or_added_counts(tree: Path) -> None:
    before = digest(tree, **COMMAND)
    (tree / "libs/helper.py").rename(tree / "libs/renamed.py")
    assert digest(tree, **COMMAND) != before


def test_code_outside_the_workspace_is_refused(tree: Path) -> None:
    with pytest.raises(ConfigError):
        digest(tree, **COMMAND, code=["../../../elsewhere"])


class _Package:
    """An installed package as importlib.metadata gives it."""

    def __init__(self, name: str, folder: Path, *, editable: bool = True) -> None:
        self.metadata = {"Name": name}
        self._url = json.dumps({"url": folder.as_uri(), "dir_info": {"editable": editable}})

    def read_text(self, name: str) -> str | None:
        return self._url if name == "direct_url.json" else None


@pytest.mark.parametrize("inside", ["src/lib/core.py", "lib/core.py", "lib.py"])
def test_an_editable_package_is_code(
    tree: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, inside: str
) -> None:
    project = tmp_path_factory.mktemp("project with blanks")
    (project / inside).parent.mkdir(parents=True, exist_ok=True)
    (project / inside).write_text("1", "utf-8")
    installed = [_Package("my_lib", project), _Package("modelyard", tree / "libs")]
    monkeypatch.setattr("importlib.metadata.distributions", lambda: installed)
    train = {"entrypoint": "fit:fit"}
    before = digest(tree, **train)
    (project / "README.md").write_text("words", "utf-8")
    assert digest(tree, **train) == before
    (project / inside).write_text("2", "utf-8")
    assert digest(tree, **train) != before
