"""A model is adopted when it scored today's rows, with its own columns, modules and types; no alias is ever locked."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import joblib
import polars as pl
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression

from tests import desk
from tests.desk import edit
from tests.desk import inside as modelyard

CONFIG = desk.QUICK.replace("metric: roc_auc}\ndata", "metric: roc_auc, format: joblib}\ndata")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = desk.repository(tmp_path / "tiny", CONFIG)
    path = folder / "data" / "part-1.csv"
    known = pl.read_csv(path)
    known.with_columns(age=(pl.col("size") * 10).round().cast(pl.Int64), debt=pl.col("size") * 2).write_csv(path)
    return folder


def saved(folder: Path, columns: list[str], *, named: bool = True, model: Any = None) -> None:
    known = pl.read_csv(folder / "data" / "part-1.csv").to_pandas()
    table = known[columns] if named else known[columns].to_numpy()
    joblib.dump((model or LogisticRegression()).fit(table, known["answer"]), folder / "old.joblib")


def test_its_own_columns_in_its_own_order_are_scored_and_another_may_take_its_place(repository: Path) -> None:
    saved(repository, ["debt", "age"])
    first = modelyard(repository, "adopt", "old.joblib")
    assert first.code == 0, first.err
    assert modelyard(repository, "adopt", "old.joblib").code == 2, "the very same model"
    saved(repository, ["size", "debt"], named=False)
    unnamed = modelyard(repository, "adopt", "old.joblib")
    assert (unnamed.code, "--columns" in unnamed.err) == (2, True), unnamed.err
    second = modelyard(repository, "adopt", "old.joblib", "--columns", "size,debt", "--reason", "the right one")
    assert second.code == 0, second.err
    saved(repository, ["size"], model=DummyClassifier())
    edit(repository / "data" / "part-1.csv", "yes", "Yes")
    other = modelyard(repository, "adopt", "old.joblib")
    assert other.code != 0
    done = modelyard(repository, "history")
    assert "the right one" in done.out
    assert "v3" not in done.out, "what cannot be judged is not published"


def test_its_modules_are_taken_along_or_it_is_refused(repository: Path) -> None:
    (repository / "lib").mkdir()
    (repository / "lib" / "prep_of_old.py").write_text("def as_text(X): return X.astype(str)\n", "utf-8")
    (repository / "make.py").write_text("""
import sys; sys.path.insert(0, "lib")
import joblib, pandas as pd
from prep_of_old import as_text
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
d = pd.read_csv("data/part-1.csv")
text = FunctionTransformer(as_text, feature_names_out="one-to-one")
model = make_pipeline(text, OneHotEncoder(handle_unknown="ignore"), LogisticRegression()).fit(d[["age"]], d.answer)
joblib.dump(model, "old.joblib")
""", "utf-8")  # fmt: skip
    subprocess.run([sys.executable, "make.py"], cwd=repository, check=True)
    refused = modelyard(repository, "adopt", "old.joblib")
    assert refused.code == 3, refused.err
    assert "prep_of_old" in refused.err
    assert "python-path" in refused.err
    taken = modelyard(repository, "adopt", "old.joblib", "--python-path", "lib", "--columns", "age")
    assert taken.code == 0, taken.err
    home = repository / ".modelyard" / "registry" / "tiny" / "versions" / "v1.json"
    assert '"model/code/prep_of_old.py"' in home.read_text("utf-8"), (
        "the proof found it there: nothing else is on its path"
    )


def test_a_champion_that_cannot_be_scored_has_a_way_out(repository: Path) -> None:
    assert modelyard(repository, "run", "--promote").code == 0
    saved(repository, ["size"])
    kept = modelyard(repository, "adopt", "old.joblib", "--replace", "--reason", "it is better")
    assert (kept.code, "scores today's rows" in kept.err) == (2, True), kept.err
    path = repository / "data" / "part-1.csv"
    pl.read_csv(path).drop("debt").write_csv(path)
    stuck = modelyard(repository, "run")
    assert (stuck.code, "adopt MODEL --replace" in stuck.err) == (3, True), stuck.err
    assert modelyard(repository, "adopt", "old.joblib", "--replace").code == 2, "a reason is needed"
    done = modelyard(repository, "adopt", "old.joblib", "--replace", "--reason", "debt is gone")
    assert done.code == 0, done.err
    assert "debt is gone" in modelyard(repository, "history").out
