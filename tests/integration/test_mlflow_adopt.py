"""A model that somebody logged in MLflow becomes the first champion, and is scored in a process of its own."""

import sys
from pathlib import Path

import polars as pl
import pytest

from modelyard.models.child import score as score_child
from tests import desk
from tests.act import TOOLS
from tests.mlflow_server import Running

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements" / "ml-mlflow.txt"
"""Packages that the model is scored with: kept for offline use, with MLflow's client among them."""
CONFIG = desk.QUICK.replace("metric: roc_auc}", "metric: roc_auc, format: joblib}")

LOG = """
import sys
import mlflow, pandas as pd
from mlflow.models import infer_signature
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
mlflow.set_tracking_uri(sys.argv[1])
frame = pd.read_csv(sys.argv[2])
rows = frame[["colour", "size"]]
model = make_pipeline(
    make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["colour"]), remainder="passthrough"),
    LogisticRegression(),
).fit(rows, frame["answer"])
with mlflow.start_run():
    mlflow.sklearn.log_model(
        model, name="model", registered_model_name="elsewhere", pyfunc_predict_fn="predict_proba",
        signature=infer_signature(rows, model.predict_proba(rows)), pip_requirements=["scikit-learn"],
        serialization_format="cloudpickle",
    )
mlflow.MlflowClient().set_registered_model_alias("elsewhere", "champion", "1")
frame.assign(probability=model.predict_proba(rows)[:, 1])[["key", "probability"]].to_csv(sys.argv[3], index=False)
"""


@pytest.fixture
def logged(tmp_path: Path, mlflow_at: Running) -> tuple[Path, dict[str, str], Path]:
    """A repository, the environment in which MLflow is found, and what the logged model gives for its rows."""
    import subprocess

    for name in ("elsewhere", "tiny"):
        mlflow_at.forget(name)
    folder = desk.repository(tmp_path / "repository", CONFIG)
    environ = {"MLFLOW_TRACKING_URI": mlflow_at.url, "UV_OFFLINE": "1", "UV_CACHE_DIR": str(TOOLS / "uv-cache")}
    arguments = [mlflow_at.url, str(folder / "data" / "part-1.csv"), str(tmp_path / "known.csv")]
    done = subprocess.run(
        [sys.executable, "-I", "-W", "ignore", "-c", LOG, *arguments], capture_output=True, text=True, check=False,
        cwd=tmp_path, env=desk.environment(environ),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder, environ, tmp_path / "known.csv"


def test_a_pyfunc_model_is_adopted_scored_as_the_champion_and_replaced(
    tmp_path: Path, logged: tuple[Path, dict[str, str], Path]
) -> None:
    folder, environ, known = logged
    desk.edit(folder / "modelyard.yml", "format: joblib", "format: skops")
    refused = desk.modelyard(folder, "adopt", "models:/elsewhere@champion", environ=environ)
    assert refused.code == 2
    assert "models:/elsewhere@champion is a pyfunc model of MLflow, which runs code of its own" in refused.err
    desk.edit(folder / "modelyard.yml", "format: skops", "format: joblib")
    loose = desk.modelyard(folder, "adopt", "models:/elsewhere@champion", environ=environ)
    assert loose.code == 2
    assert "requirements.txt:2: scikit-learn is not pinned to one version" in loose.err
    done = desk.modelyard(folder, "adopt", "models:/elsewhere@champion", "--environment", str(LOCK), environ=environ)
    assert done.code == 0, done.err
    (move,) = desk.modelyard(folder, "history", "--json").json
    assert (move["kind"], move["to"], move["evidence"]) == ("adopted", "v1", "none")
    assert move["reason"] == f"elsewhere/1 of the MLflow server at {environ['MLFLOW_TRACKING_URI']}"
    done = desk.modelyard(folder, "run", "--promote", "--json", environ=environ)
    assert done.code == 0, done.out + done.err
    record = desk.record(folder, "evaluate")
    assert record["result"]["champion_adopted"] is True
    scored = pl.read_parquet(folder / "modelyard-run" / "predictions" / "champion.parquet")
    wanted = scored.select("key").join(pl.read_csv(known), on="key", how="left", maintain_order="left")
    assert (scored["probability"] - wanted["probability"]).abs().max() < 1e-12  # type: ignore[operator] # a number
    back = ("rollback", "--to", "v1", "--reason", "to see it loaded")
    done = desk.modelyard(folder, *back, "--proof", "loading", environ=environ)
    assert done.code == 0, done.out + done.err
    desk.edit(folder / "modelyard.yml", "format: joblib", "format: skops")
    done = desk.modelyard(folder, "evaluate", environ=environ)
    assert done.code == 3
    assert "the champion v1 is a pyfunc model of MLflow, which runs code of its own" in done.err


def test_what_modelyard_published_is_adopted_as_what_it_is(
    tmp_path: Path, logged: tuple[Path, dict[str, str], Path]
) -> None:
    folder, environ, _ = logged
    desk.edit(folder / "modelyard.yml", "format: joblib", "format: skops")
    done = desk.modelyard(folder, "run", "--promote", "--registry", "mlflow", environ=environ)
    assert done.code == 0, done.out + done.err
    done = desk.modelyard(folder, "adopt", "models:/tiny@champion", environ=environ)
    assert done.code == 0, done.err
    home = folder / ".modelyard" / "registry" / "tiny" / "versions" / "v1.json"
    assert '"adapter":"sklearn"' in home.read_text("utf-8")
    assert '"model/model.skops"' in home.read_text("utf-8")
    assert '"model/code' not in home.read_text("utf-8")


class Answers:
    """A pyfunc model that answers what it was made with."""

    def __init__(self, answer: object, classes: object = None) -> None:
        self.answer = answer
        self.classes_ = classes

    def get_raw_model(self) -> object:
        return self

    def predict(self, _frame: object) -> object:
        return self.answer


JOB = {"task": "binary", "classes": ["no", "yes"], "positive": "yes"}


@pytest.mark.parametrize(
    ("answer", "job", "name", "first"),
    [
        ([[0.9, 0.1], [0.2, 0.8]], JOB, "probability", 0.1),
        ([0.1, 0.8], {**JOB, "classes": [0, 1], "positive": 1}, "probability", 0.1),
        ([[0.1], [0.8]], {**JOB, "classes": [0, 1], "positive": 1}, "probability", 0.1),
        (["no", "yes"], JOB, "prediction", "no"),
        ([0.0, 1.0], {**JOB, "classes": [0, 1], "positive": 1}, "prediction", 0.0),
        ([1.5, 2.5], {"task": "regression", "classes": []}, "prediction", 1.5),
        ([[0.2, 0.3, 0.5], [1, 0, 0]], {"task": "multiclass", "classes": ["a", "b", "c"]}, "probability_2", 0.5),
    ],
)
def test_what_a_pyfunc_model_answers_is_read_as_labels_or_probabilities(
    answer: object, job: dict[str, object], name: str, first: object
) -> None:
    import numpy as np

    found = score_child.predict_pyfunc(Answers(np.array(answer), job["classes"]), [None, None], job)
    assert found[name][0] == first


@pytest.mark.parametrize("answer", [[0.1], [[0.1, 0.2, 0.7], [0.1, 0.2, 0.7]]])
def test_an_answer_that_fits_neither_rows_nor_classes_is_an_error(answer: object) -> None:
    import numpy as np

    with pytest.raises(ValueError, match=r"the model gave|gives 3 columns"):
        score_child.predict_pyfunc(Answers(np.array(answer)), [None, None], JOB)
