"""Models in the formats of LightGBM and XGBoost: columns and classes as they say them, predictions as the library's."""

import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn

from modelyard.core.errors import ConfigError
from modelyard.models.adapters import ADAPTERS, placed
from modelyard.models.adapters.native import NativeAdapter
from modelyard.models.child import score
from modelyard.models.child.score import OtherClassesError, RefusedError

DRAW = np.random.default_rng(0)
ROWS = pd.DataFrame(DRAW.normal(size=(120, 3)), columns=["long name", "b", "c"])
CODES = (ROWS["long name"] + ROWS["b"] > 0).astype(int).to_numpy()
THIRDS = np.digitize(ROWS["b"], [-0.5, 0.5])


def lightgbm_model(kind: str, folder: Path, target: Any, rows: Any = ROWS) -> Any:
    import lightgbm

    model = getattr(lightgbm, f"LGBM{kind}")(n_estimators=5, verbose=-1, n_jobs=1).fit(rows, target)
    model.booster_.save_model(folder / "model.txt")
    return model


def xgboost_model(kind: str, folder: Path, target: Any, **more: Any) -> Any:
    import xgboost

    model = getattr(xgboost, f"XGB{kind}")(n_estimators=5, n_jobs=1, **more).fit(ROWS, target)
    model.save_model(folder / "model.json")
    return model


FITTED: dict[str, Any] = {"lightgbm": lightgbm_model, "xgboost": xgboost_model}


def job(name: str, folder: Path, task: str, classes: list[Any], positive: Any = None, **more: Any) -> dict[str, Any]:
    features = [{"name": column, "kind": "numeric", "type": "float64"} for column in ROWS.columns]
    native = ADAPTERS.get(name)
    assert isinstance(native, NativeAdapter)
    loader = native.loader.__file__
    return {"model_dir": str(folder), "format": name, "trusted": [], "loader": loader, "features": features,
            "task": task, "classes": classes, "positive": positive, "python_path": [], **more}  # fmt: skip


def predicted(given: dict[str, Any]) -> dict[str, Any]:
    model = score.load(Path(given["model_dir"]), given["format"], [], loader=given["loader"])
    wanted = [(feature["name"], feature["kind"]) for feature in given["features"]]
    return score.predicted(model, pl.from_pandas(ROWS), wanted, given)


@pytest.mark.parametrize("name", ["lightgbm", "xgboost"])
def test_two_classes_by_number_are_the_datas(name: str, tmp_path: Path) -> None:
    model = FITTED[name]("Classifier", tmp_path, CODES)
    wanted = model.predict_proba(ROWS)
    found = predicted(job(name, tmp_path, "binary", [0, 1], 1))
    np.testing.assert_allclose(found["probability"], wanted[:, 1], rtol=1e-6)
    found = predicted(job(name, tmp_path, "binary", [True, False], False))
    np.testing.assert_allclose(found["probability"], wanted[:, 0], rtol=1e-5)


@pytest.mark.parametrize("name", ["lightgbm", "xgboost"])
def test_other_labels_are_refused_until_somebody_says_whose_they_are(name: str, tmp_path: Path) -> None:
    model = FITTED[name]("Classifier", tmp_path, CODES)
    with pytest.raises(OtherClassesError, match=r"\[0, 1\], and the data's are \['no', 'yes'\]"):
        predicted(job(name, tmp_path, "binary", ["no", "yes"], "yes"))
    found = predicted(job(name, tmp_path, "binary", ["no", "yes"], "yes", outputs=["yes", "no"]))
    np.testing.assert_allclose(found["probability"], model.predict_proba(ROWS)[:, 0], rtol=1e-5)


@pytest.mark.parametrize("name", ["lightgbm", "xgboost"])
def test_three_classes_and_values(name: str, tmp_path: Path) -> None:
    of = FITTED[name]
    model = of("Classifier", tmp_path, THIRDS)
    found = predicted(job(name, tmp_path, "multiclass", ["x", "y", "z"], outputs=["z", "x", "y"]))
    np.testing.assert_allclose(found["probability_0"], model.predict_proba(ROWS)[:, 1], rtol=1e-5)
    model = of("Regressor", tmp_path, ROWS["c"] * 10)
    np.testing.assert_allclose(predicted(job(name, tmp_path, "regression", []))["prediction"], model.predict(ROWS))


def test_early_stopping_and_binary_json_of_xgboost(tmp_path: Path) -> None:
    import xgboost

    model = xgboost.XGBClassifier(n_estimators=60, early_stopping_rounds=1, learning_rate=1.0, n_jobs=1)
    model.fit(ROWS[:60], CODES[:60], eval_set=[(ROWS[60:], CODES[60:])], verbose=False)
    model.save_model(tmp_path / "model.ubj")
    assert model.best_iteration < model.get_booster().num_boosted_rounds() - 1
    found = predicted(job("xgboost", tmp_path, "binary", [0, 1], 1))
    np.testing.assert_allclose(found["probability"], model.predict_proba(ROWS)[:, 1], rtol=1e-6)


def test_a_model_says_its_columns_and_none_where_it_was_given_an_array(tmp_path: Path) -> None:
    lightgbm_model("Classifier", tmp_path, CODES)
    assert score.describe(job("lightgbm", tmp_path, "binary", []))["columns"] == ["long_name", "b", "c"]
    lightgbm_model("Classifier", tmp_path, CODES, ROWS.to_numpy())
    found = score.describe(job("lightgbm", tmp_path, "binary", []))
    assert (found["columns"], found["inputs"], found["classes"]) == ([], 3, [0, 1])


def test_an_objective_without_probabilities_is_refused_in_words(tmp_path: Path) -> None:
    xgboost_model("Classifier", tmp_path, CODES, objective="binary:hinge")
    with pytest.raises(RefusedError, match="binary:hinge, which gives no probabilities"):
        predicted(job("xgboost", tmp_path, "binary", [0, 1], 1))


def test_labels_of_a_model_without_probabilities_are_the_datas(tmp_path: Path) -> None:
    class Labels:
        classes_ = np.array([0, 1])

        def predict(self, frame: Any) -> Any:
            return np.arange(len(frame)) % 2

    given = {"task": "binary", "classes": ["no", "yes"], "positive": "yes", "outputs": ["yes", "no"]}
    assert score.predict(Labels(), ROWS[:3], given) == {"prediction": ["yes", "no", "yes"]}


@pytest.mark.parametrize(
    ("written", "adapter", "stored"),
    [("m.pkl", "sklearn", "model.joblib"), ("m.pickle", "sklearn", "model.joblib"),
     ("M.SKOPS", "sklearn", "model.skops"),
     ("m.txt", "lightgbm", "model.txt"), ("m.ubj", "xgboost", "model.ubj"), ("m.cbm", "catboost", "model.cbm"),
     ("m.onnx", "onnx", "model.onnx"), ("m/MLmodel", "pyfunc", "")],
)  # fmt: skip
def test_a_kind_of_model_is_known_by_what_was_written(tmp_path: Path, written: str, adapter: str, stored: str) -> None:
    (tmp_path / written).parent.mkdir(exist_ok=True)
    (tmp_path / written).write_text("x", "utf-8")
    found = placed(tmp_path / Path(written).parts[0])
    assert (found[0].name, found[1]) == (adapter, stored)


def test_an_unknown_kind_names_those_that_are_known(tmp_path: Path) -> None:
    (tmp_path / "m.pt").write_text("x", "utf-8")
    with pytest.raises(ConfigError) as caught:
        placed(tmp_path / "m.pt")
    assert (caught.value.code, ".cbm" in caught.value.hint) == ("model/unknown-kind", True)


def test_outputs_are_written_only_where_there_are_some() -> None:
    from modelyard.records.results import Signature

    plain = Signature(features=(), task="binary")
    assert "outputs" not in plain.model_dump()
    assert json.loads(plain.model_copy(update={"outputs": (1, 0)}).model_dump_json())["outputs"] == [1, 0]


def test_a_pickle_of_something_else_is_called_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "model.joblib").write_bytes(pickle.dumps({"model": 1, "scaler": 2}))
    with pytest.raises(RefusedError, match="holds a dict, which has no predict"):
        score.load(tmp_path, "joblib", [])


def test_a_class_of_the_script_itself_is_named(tmp_path: Path) -> None:
    code = "import pickle, sys\nclass Cleaner: pass\nopen(sys.argv[1], 'wb').write(pickle.dumps(Cleaner()))\n"
    (tmp_path / "train.py").write_text(code, "utf-8")
    subprocess.run([sys.executable, "train.py", "model.joblib"], cwd=tmp_path, check=True)
    given = {"do": "describe", "model_dir": str(tmp_path), "format": "joblib", "trusted": [], "python_path": []}
    (tmp_path / "job.json").write_text(json.dumps(given), "utf-8")
    command = [sys.executable, "-I", score.__file__, str(tmp_path / "job.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = json.loads(done.stderr.splitlines()[-1])
    assert said["message"].startswith("it needs Cleaner, which the script that wrote it defines itself")


def test_a_model_of_another_version_of_scikit_learn_is_refused_when_it_is_described(tmp_path: Path) -> None:
    from sklearn.linear_model import LinearRegression

    data = pickle.dumps(LinearRegression().fit([[1.0], [2.0]], [1.0, 2.0]))
    version = sklearn.__version__.encode()
    (tmp_path / "model.joblib").write_bytes(data.replace(version, b"0" * len(version)))
    given = {"model_dir": str(tmp_path), "format": "joblib", "trusted": [], "python_path": []}
    with pytest.raises(Warning, match="Trying to unpickle estimator"):
        score.describe(given)
