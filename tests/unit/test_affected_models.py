"""Which models of a repository a change affects."""

import subprocess
from pathlib import Path

import pytest

from modelyard.core.errors import ConfigError
from modelyard.usecases.affected_models import Affected, affected, matrix, models
from tests import desk

TRAINED = """\
model: {{name: {name}, task: binary, positive: "yes", metric: roc_auc}}
data:
  sets: {{all: {data}}}
  split: {{of: all, by: hash, test: 0.4}}
  columns: {{target: answer, id: key}}
train:
  {train}
evaluate:
  gates: [{{metric: roc_auc, at_least: 0.6}}]
  {evaluate}
"""
CANDIDATES = "candidates: [{estimator: sklearn.linear_model.LogisticRegression, params: {C: [0.1]}}]"
PREDICT = 'predict: {command: "python ../common/predict.py {model_dir} {rows} {predictions}"}'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three models: one alone, one with data beside it, one with a script and modules in a shared folder."""
    for name, data, train, evaluate in (
        ("churn", "data/*.csv", CANDIDATES, ""),
        ("fraud", "../../warehouse/fraud/*.parquet", CANDIDATES, ""),
        ("ranking", "data/*.csv", 'command: "python ../common/train.py {train} {model_dir}"', PREDICT),
    ):
        folder = tmp_path / "models" / name
        folder.mkdir(parents=True)
        text = TRAINED.format(name=name, data=data, train=train, evaluate=evaluate)
        (folder / "modelyard.yml").write_text(text, "utf-8")
    common = tmp_path / "models" / "common"
    common.mkdir()
    for name in ("train.py", "predict.py", "features.py"):
        (common / name).write_text("", "utf-8")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    return tmp_path


def names(found: tuple[Affected, ...]) -> list[str]:
    return [each.model.name for each in found]


@pytest.mark.parametrize(
    ("changed", "wanted"),
    [
        (["models/churn/modelyard.yml"], ["churn"]),
        (["models/churn/data/part-2.csv"], ["churn"]),
        (["models/churn-old/notes.md"], []),
        (["warehouse/fraud/2026-11.parquet"], ["fraud"]),
        (["warehouse/fraud.dvc"], ["fraud"]),
        (["warehouse/fraud/2026-11.parquet.dvc"], ["fraud"]),
        (["warehouse/sales/2026-11.parquet"], []),
        (["models/common/features.py"], ["ranking"]),
        (["README.md", ".github/workflows/ml-monorepo.yml"], []),
        (["models/churn/a.py", "models/common/train.py"], ["churn", "ranking"]),
        ([], []),
        (None, ["churn", "fraud", "ranking"]),
    ],
)
def test_a_model_is_affected_by_its_folder_its_data_and_the_code_beside_its_scripts(
    root: Path, changed: list[str] | None, wanted: list[str]
) -> None:
    found = affected(models(root), changed)
    assert names(found) == wanted
    assert all(each.because for each in found) is (changed is not None)


def test_a_model_at_the_top_owns_what_no_other_model_does(root: Path) -> None:
    text = TRAINED.format(name="top", data="data/*.csv", train=CANDIDATES, evaluate="")
    (root / "modelyard.yml").write_text(text, "utf-8")
    known = models(root)
    assert names(affected(known, ["src/features.py"])) == ["top"]
    assert names(affected(known, ["models/churn/data/part-2.csv"])) == ["churn"]


def test_a_matrix_names_the_model_and_its_configuration(root: Path) -> None:
    found = matrix(affected(models(root), ["models/churn/modelyard.yml"]))
    assert found == {"include": [{"model": "churn", "config": "models/churn/modelyard.yml"}]}


def test_two_models_of_one_name_and_a_repository_without_one_are_refused(root: Path, tmp_path: Path) -> None:
    path = root / "models" / "fraud" / "modelyard.yml"
    path.write_text(path.read_text("utf-8").replace("name: fraud", "name: churn"), "utf-8")
    with pytest.raises(ConfigError, match=r"two configurations: models/churn/modelyard\.yml and models/fraud"):
        models(root)
    empty = tmp_path / "empty"
    empty.mkdir()
    subprocess.run(["git", "init", "-q", str(empty)], check=True)
    with pytest.raises(ConfigError, match=r"there is no modelyard\.yml"):
        models(empty)


def test_a_configuration_that_cannot_be_read_ends_it_with_file_and_line(root: Path) -> None:
    (root / "models" / "churn" / "modelyard.yml").write_text("model: {name: churn, tusk: binary}\n", "utf-8")
    with pytest.raises(ConfigError) as caught:
        models(root)
    assert "models/churn/modelyard.yml:1" in str(caught.value)


def test_the_command_lists_what_changed_since_a_commit_and_every_model_without_one(root: Path) -> None:
    desk.git(root, "add", "-A")
    desk.git(root, "commit", "-qm", "three models")
    (root / "models" / "common" / "features.py").write_text("x = 1\n", "utf-8")
    done = desk.inside(root, "models", "--base", "HEAD")
    assert done.code == 0, done.err
    first, second = done.out.splitlines()
    assert first.startswith("1 of 3 models affected: since ")
    assert second == "  ranking (models/ranking/modelyard.yml): models/common/features.py"
    every = desk.inside(root, "models", "--json")
    assert every.json["models"] == ["churn", "fraud", "ranking"]
    assert desk.inside(root, "models", "--base", "nowhere").code == 2
