"""What MLflow makes of a version: a model that its own loader opens, a page with numbers and report; no code runs."""

import hashlib
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from mlflow import MlflowClient

from modelyard.core.canonical import digest
from modelyard.core.errors import ModelyardError
from modelyard.models import store
from modelyard.models.adapters import ADAPTERS
from modelyard.models.child import score as score_child
from modelyard.models.scorer import Scorer
from modelyard.records.envelope import read_record, write_record
from modelyard.records.manifest import Content
from modelyard.records.results import Feature, Signature
from modelyard.registry.bundle import collect
from modelyard.registry.mlflow.models import describe, fetch_logged
from modelyard.registry.mlflow.registry import MlflowRegistry
from modelyard.registry.mlflow.server import Server
from modelyard.registry.protocol import Bundle
from tests.mlflow_server import Running
from tests.registry_samples import MODEL, Clock, bundle, promote, run_folder
from tests.security.test_registry_pickle import Bomb

SIGNATURE = Signature(
    features=(
        Feature(name="size", kind="numeric"),
        Feature(name="colour", kind="categorical"),
        Feature(name="weekend", kind="boolean"),
    ),
    task="binary",
    classes=("no", "yes"),
    positive="yes",
)


@pytest.fixture
def server(mlflow_at: Running) -> Running:
    mlflow_at.forget(MODEL)
    return mlflow_at


def opened(server: Running, folder: Path) -> MlflowRegistry:
    return MlflowRegistry(Server(server.url), MODEL, scratch=folder / "scratch", now=Clock())


def rows(count: int = 400) -> pl.DataFrame:
    draw = np.random.default_rng(7)
    size = draw.normal(size=count).round(3)
    frame = pl.DataFrame(
        {
            "id": np.arange(count),
            "size": size,
            "colour": draw.choice(["red", "green", "blue"], count),
            "weekend": draw.random(count) > 0.7,
            "answer": np.where(size + draw.normal(size=count) > 0.2, "yes", "no"),
        }
    )
    missing = pl.int_range(pl.len()) % 11 == 0
    return frame.with_columns(
        pl.when(missing).then(None).otherwise(pl.col("size")).alias("size"),
        pl.when(missing).then(None).otherwise(pl.col("colour")).alias("colour"),
    )


def fitted(frame: pl.DataFrame) -> Any:
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    encode = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    model = make_pipeline(
        make_column_transformer((encode, ["colour"]), remainder="passthrough"),
        HistGradientBoostingClassifier(max_iter=10),
    )
    wanted: list[tuple[str, str]] = [(feature.name, feature.kind) for feature in SIGNATURE.features]
    return model.fit(score_child.features(frame, wanted), frame["answer"].to_numpy())


def content(model: Path, **own: Any) -> Content:
    said: dict[str, Any] = {"adapter": "sklearn", "signature": SIGNATURE, "evidence": "none"}
    return Content(
        model=MODEL,
        model_digest=store.digest(model)[0],
        environment_digest=digest("environment"),
        **{**said, **own},
    )


def stored(folder: Path, frame: pl.DataFrame) -> Bundle:
    store.save_sklearn(fitted(frame), folder / "model")
    (folder / "environment.txt").write_text(f"# python 3.11.7 linux x86_64\nnumpy=={np.__version__}\n", "utf-8")
    return Bundle(content(folder / "model"), collect({name: folder / name for name in ("model", "environment.txt")}))


LOADED = """
import json, sys
import mlflow, pandas as pd
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model(sys.argv[2], suppress_warnings=True)
found = model.predict(pd.read_pickle(sys.argv[3]))
print(json.dumps({"columns": list(found.columns), "values": found.to_numpy().tolist(), "index": list(found.index),
                  "modelyard": [name for name in sys.modules if name.partition(".")[0] == "modelyard"]}))
"""


def loaded(server: Running, reference: str, table: pd.DataFrame, folder: Path) -> dict[str, Any]:
    """What ``mlflow.pyfunc`` makes of it in a process of its own, where modelyard cannot be imported."""
    table.to_pickle(folder / "rows.pickle")
    block = "import sys; sys.modules['modelyard'] = None\n"
    done = subprocess.run(
        [sys.executable, "-I", "-c", block + LOADED, server.url, reference, str(folder / "rows.pickle")],
        capture_output=True, text=True, check=False, cwd=folder, env={**os.environ, "HOME": str(folder)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_mlflows_own_loader_gives_the_predictions_that_scoring_gives(tmp_path: Path, server: Running) -> None:
    frame = rows()
    said = stored(tmp_path / "run", frame)
    where = opened(server, tmp_path)
    version = where.publish(said)
    promote(where, version, seen=None, kind="adopted")
    (tmp_path / "scores").mkdir()
    scorer = Scorer("it", ADAPTERS.get("sklearn"), SIGNATURE, tmp_path / "run" / "model", Path(sys.executable))
    ours = pl.read_parquet(scorer.score({"all": frame}, id_column="id", folder=tmp_path / "scores")[0]["all"])
    table = score_child.to_pandas(frame.drop("answer"))
    table.index = table.index + 100
    found = loaded(server, f"models:/{MODEL}@champion", table, tmp_path)
    assert found["columns"] == ["probability"]
    assert [value for (value,) in found["values"]] == ours["probability"].to_list()
    assert found["index"] == list(range(100, 500))
    assert found["modelyard"] == ["modelyard"]


def test_mlflow_shows_digests_numbers_and_the_report(tmp_path: Path, server: Running) -> None:
    run = run_folder(tmp_path / "run")
    where = opened(server, tmp_path)
    version = where.publish(bundle(run))
    client = MlflowClient(server.url, server.url)
    page = client.get_model_version(MODEL, "1")
    assert page.tags["modelyard.evidence"] == version.manifest.evidence == page.tags["modelyard.record.evaluate"]
    assert page.tags["modelyard.model_digest"] == version.manifest.model_digest
    assert page.tags["modelyard.state"] == "published"
    made = client.get_run(page.run_id)
    assert made.data.metrics == {"roc_auc": 0.81}
    assert made.data.params["train_rows"] == "900"
    assert made.info.status == "FINISHED"
    assert {each.path for each in client.list_artifacts(page.run_id)} == {
        "manifests", "model", "report.html", "report.md", "version",
    }  # fmt: skip


def test_a_forged_page_of_the_training_job_is_not_shown(tmp_path: Path, server: Running) -> None:
    """Page and report record are of the job that ran the user's code, and the evidence covers neither."""
    run = run_folder(tmp_path / "run")
    forged = b"<script>alert(1)</script>"
    (run / "report.html").write_bytes(forged)
    path = run / "records" / "report.json"
    record = read_record(path).record
    assert record.result is not None
    result = {**record.result, "html_digest": f"sha256:{hashlib.sha256(forged).hexdigest()}"}
    write_record(path, record.model_copy(update={"result": result}))
    opened(server, tmp_path).publish(bundle(run))
    client = MlflowClient(server.url, server.url)
    page = client.download_artifacts(client.get_model_version(MODEL, "1").run_id, "report.html", str(tmp_path))
    text = Path(page).read_text("utf-8")
    assert "<script" not in text


def test_changed_files_are_not_loaded_by_mlflow_either(tmp_path: Path, server: Running) -> None:
    where = opened(server, tmp_path)
    where.publish(stored(tmp_path / "run", rows()))
    run = MlflowClient(server.url, server.url).get_model_version(MODEL, "1").run_id
    (home,) = server.files.glob(f"*/{run}/artifacts/model/data")
    (home / "added.txt").write_text("more", "utf-8")
    with pytest.raises(AssertionError, match=r"not those that were published: added\.txt"):
        loaded(server, f"models:/{MODEL}/1", pd.DataFrame({"size": [1.0]}), tmp_path)


def test_nothing_that_the_mlflow_registry_does_runs_a_planted_pickle(tmp_path: Path, server: Running) -> None:
    canary, run = tmp_path / "canary", run_folder(tmp_path / "run")
    folder = tmp_path / "planted"
    (folder / "model" / "code").mkdir(parents=True)
    for name in ("model.joblib", "python_model.pkl", "code/sitecustomize.py"):
        (folder / "model" / name).write_bytes(pickle.dumps(Bomb(canary)))
    (folder / "model" / "MLmodel").write_text("flavors: {python_function: {loader_module: mlflow.sklearn}}\n", "utf-8")
    where = opened(server, tmp_path)
    for adapter in ("sklearn", "pyfunc"):
        where.publish(Bundle(content(folder / "model", adapter=adapter), collect({"model": folder / "model"})))
    judged = where.publish(bundle(run))
    promote(where, where.resolve("v1"), seen=None, kind="adopted")
    promote(where, judged, seen="v1")
    promote(where, where.resolve("v2"), seen="v3", kind="rolled-back")
    for version in where.list():
        where.fetch(version, tmp_path / "fetched" / version.name)
        assert where.damaged(version) == ()
    assert [version.name for version in where.list()] == ["v1", "v2", "v3"]
    fetch_logged(Server(server.url), f"models:/{MODEL}@champion", tmp_path / "logged")
    assert describe(tmp_path / "logged").adapter == "pyfunc"
    where.remove("v1", actor="octocat", reason="")
    assert not canary.exists()
    with pytest.raises(AssertionError):
        loaded(server, f"models:/{MODEL}/2", pd.DataFrame({"size": [1.0]}), tmp_path)


@pytest.mark.parametrize(
    ("reference", "said", "hint"),
    [
        ("models:/nothing@champion", "there is no models:/nothing@champion", "no registered model 'nothing'"),
        (
            f"models:/{MODEL}@chapion",
            "there is no models:/flights-late@chapion",
            "Aliases of flights-late are champion",
        ),
        (f"models:/{MODEL}/9", "there is no models:/flights-late/9", "Aliases of flights-late are champion"),
        ("models:/a/b/c", "invalid reference to a model in MLflow", "Write models:/name@alias"),
        (f"models:/{MODEL}@../x", "invalid reference to a model in MLflow", "Write models:/name@alias"),
    ],
)
def test_a_reference_to_nothing_names_what_there_is(
    tmp_path: Path, server: Running, reference: str, said: str, hint: str
) -> None:
    where = opened(server, tmp_path)
    promote(where, where.publish(bundle(run_folder(tmp_path / "run"))), seen=None)
    with pytest.raises(ModelyardError) as caught:
        fetch_logged(Server(server.url), reference, tmp_path / "logged")
    assert caught.value.exit_code == 2
    assert said in caught.value.message
    assert hint in caught.value.hint
