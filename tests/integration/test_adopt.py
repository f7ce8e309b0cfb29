"""A model is adopted when it scored today's rows, with its own columns, modules and types; no alias is ever locked."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import joblib
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression

from modelyard.core.errors import ConfigError, DataError, ModelyardError, PlatformError
from modelyard.steps.evaluate.contenders import cannot_score
from tests import desk
from tests.desk import edit
from tests.desk import inside as modelyard

CONFIG = desk.QUICK.replace("metric: roc_auc}\ndata", "metric: roc_auc, format: joblib}\ndata")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return with_more_columns(tmp_path / "tiny")


def with_more_columns(place: Path) -> Path:
    folder = desk.repository(place, CONFIG)
    path = folder / "data" / "part-1.csv"
    known = pl.read_csv(path)
    known.with_columns(age=(pl.col("size") * 10).round().cast(pl.Int64), debt=pl.col("size") * 2).write_csv(path)
    return folder


def saved(folder: Path, columns: list[str], *, named: bool = True) -> None:
    known = pl.read_csv(folder / "data" / "part-1.csv").to_pandas()
    table = known[columns] if named else known[columns].to_numpy()
    joblib.dump(LogisticRegression().fit(table, known["answer"]), folder / "old.joblib")


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
    assert "the right one" in modelyard(repository, "history").out


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
    assert not (repository / ".modelyard" / "registry" / "tiny" / "versions").exists(), (
        "what is not proven is not there"
    )
    taken = modelyard(repository, "adopt", "old.joblib", "--python-path", "lib", "--columns", "age")
    assert taken.code == 0, taken.err
    home = repository / ".modelyard" / "registry" / "tiny" / "versions" / "v1.json"
    assert '"model/code/prep_of_old.py"' in home.read_text("utf-8"), (
        "the proof found it there: nothing else is on its path"
    )


@pytest.fixture(scope="module")
def promoted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose first champion was promoted on evidence, and a model to adopt."""
    folder = with_more_columns(tmp_path_factory.mktemp("promoted") / "tiny")
    assert modelyard(folder, "run", "--promote").code == 0
    saved(folder, ["size"])
    return folder


@pytest.fixture
def champion(promoted: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(promoted, tmp_path / "tiny", symlinks=True))


REPLACE = ("adopt", "old.joblib", "--replace")


def test_a_champion_that_scores_is_not_replaced(champion: Path) -> None:
    kept = modelyard(champion, *REPLACE, "--reason", "it is better")
    assert (kept.code, "scores today's rows" in kept.err) == (2, True), kept.err
    assert modelyard(champion, *REPLACE).code == 2, "a reason is needed"
    assert modelyard(champion, "adopt", "old.joblib", "--reason", "it is better").code == 2


def without_column(folder: Path) -> None:
    path = folder / "data" / "part-1.csv"
    pl.read_csv(path).drop("debt").write_csv(path)


def other_positive(folder: Path) -> None:
    edit(folder / "modelyard.yml", 'positive: "yes"', 'positive: "no"')


@pytest.mark.parametrize("change", [without_column, other_positive])
def test_a_champion_that_cannot_be_scored_has_a_way_out(champion: Path, change: Callable[[Path], None]) -> None:
    change(champion)
    stuck = modelyard(champion, "run")
    assert (stuck.code, "adopt MODEL --replace" in stuck.err) == (3, True), stuck.err
    done = modelyard(champion, *REPLACE, "--reason", "debt is gone")
    assert done.code == 0, done.err
    assert "debt is gone" in modelyard(champion, "history").out


@pytest.mark.parametrize(
    ("error", "so"),
    [
        (DataError("it fails", code="model/not-scored"), True),
        (PlatformError("no wheels", code="environment/not-built"), True),
        (PlatformError("no answer", code="github/unreachable"), False),
        (ConfigError("no such key", code="config/unknown-key"), False),
    ],
)
def test_only_its_model_and_its_packages_make_a_champion_replaceable(error: ModelyardError, so: bool) -> None:
    assert cannot_score(error) is so
