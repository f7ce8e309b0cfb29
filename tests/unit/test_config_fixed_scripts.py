"""Training code without options, as init finds it: where its model is, and what is said of it."""

import json
from pathlib import Path

import pytest

from modelyard.config.fixed_scripts import Fixed, find_fixed
from tests import repositories


def found(root: Path, name: str, code: str) -> Fixed | None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code, "utf-8")
    return find_fixed(root, [path])


@pytest.mark.parametrize(
    ("code", "model"),
    [
        ("import joblib\njoblib.dump(m, 'models/m.joblib')\n", "models/m.joblib"),
        ("from joblib import dump\ndump(value=m, filename='m.pkl')\n", "m.pkl"),
        ("with open('out/m.pickle', 'wb') as f:\n    pickle.dump(m, f)\n", "out/m.pickle"),
        ("OUT = 'm.skops'\nsio.dump(m, OUT)\n", "m.skops"),
        ("booster.save_model('m.txt')\n", "m.txt"),
        ("joblib.dump(scaler, 'scaler.pkl')\njoblib.dump(m, 'model.pkl')\n", "model.pkl"),
        ("open('notes.txt', 'w').write('x')\njson.dump(x, open('m.json', 'w'))\n", None),
        ("joblib.dump(m, '/abs/m.pkl')\n", None),
        ("joblib.dump(m, f'{folder}/m.pkl')\n", None),
        ("def broken(:\n", None),
    ],
)
def test_the_model_of_a_script_is_what_it_writes_last(tmp_path: Path, code: str, model: str | None) -> None:
    fixed = found(tmp_path, "train.py", code)
    assert (fixed and fixed.model) == model
    if fixed:
        assert fixed.command == "python train.py"


@pytest.mark.parametrize(
    ("name", "command", "model"),
    [
        ("script", "python train.py", "models/model.joblib"),
        ("notebook", "papermill --cwd notebooks notebooks/train.ipynb models/run.ipynb", "models/ridge.pkl"),
        ("mlflow", "mlflow run . --env-manager local", "mlruns/*/models/*/artifacts"),
    ],
)
def test_repositories_as_people_write_them(name: str, command: str, model: str) -> None:
    root = repositories.HERE / name
    fixed = find_fixed(root, sorted(path for path in root.rglob("*") if path.is_file()))
    assert fixed is not None
    assert (fixed.command, fixed.model) == (command, model)


def test_a_pickle_is_called_what_it_is_and_lines_stay_comments(tmp_path: Path) -> None:
    fixed = found(tmp_path, "src/train.py", "joblib.dump(m, 'm.pkl')\n")
    assert fixed is not None
    said = list(fixed.comments())
    assert all(line.startswith("# ") for line in said)
    assert "allow-pickles" in said[-1]
    assert "#   command: " + json.dumps("python src/train.py") in said
    assert "allow-pickles" not in "".join(Fixed("train.py", "python train.py", "m.txt").comments())


def test_magic_lines_and_other_notebooks_do_no_harm(tmp_path: Path) -> None:
    cells = [{"cell_type": "code", "source": ["%matplotlib inline\n", "!pip list\n", "joblib.dump(m, 'm.pkl')\n"]}]
    fixed = found(tmp_path, "train.ipynb", json.dumps({"cells": cells}))
    assert fixed is not None
    assert fixed.model == "m.pkl"
    assert found(tmp_path, "train.ipynb", "no notebook") is None
    assert found(tmp_path, "train.ipynb", json.dumps({"cells": [{"cell_type": "code"}]})) is None
