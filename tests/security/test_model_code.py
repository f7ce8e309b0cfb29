"""Code beside a model: a skops archive brings none, whatever stands in its folder."""

import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression

from modelyard.core.errors import DataError
from modelyard.models import store
from modelyard.models.adapters import ADAPTERS
from modelyard.models.scorer import Scorer
from modelyard.records.results import Feature, Signature

SIGNATURE = Signature(
    features=(Feature(name="size", kind="numeric"),), task="binary", classes=("no", "yes"), positive="yes"
)
OPTIONAL = ("bottleneck", "numexpr", "torch", "cupy", "dask", "quantile_forest", "sitecustomize", "pyarrow_hotfix")
"""Modules that the libraries of a scoring process import where they find them."""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    rows = pl.DataFrame({"size": [0.0, 1.0, 2.0, 3.0]}).to_pandas()
    store.save_sklearn(LogisticRegression().fit(rows, ["no", "no", "yes", "yes"]), folder)
    return folder


def score(folder: Path, scratch: Path) -> Scorer:
    scorer = Scorer("it", ADAPTERS.get("sklearn"), SIGNATURE, folder, Path(sys.executable))
    scratch.mkdir()
    scorer.score({"all": pl.DataFrame({"id": [1, 2], "size": [0.5, 2.5]})}, id_column="id", folder=scratch)
    return scorer


def module(home: str) -> Callable[[Path, Path], None]:
    def plant(folder: Path, canary: Path) -> None:
        for name in OPTIONAL:
            (folder / home / name).mkdir(parents=True)
            (folder / home / name / "__init__.py").write_text(f"open({str(canary)!r}, 'w')\n", "utf-8")

    return plant


def beside(name: str) -> Callable[[Path, Path], None]:
    def plant(folder: Path, canary: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"open({str(canary)!r}, 'w')\n", "utf-8")

    return plant


@pytest.mark.parametrize(
    "plant",
    [module("code"), module("."), beside("sitecustomize.py"), beside("code/x.pth"), beside("MLmodel"), beside(".x")],
    ids=["code", "beside", "sitecustomize", "pth", "MLmodel", "hidden"],
)
def test_nothing_beside_an_archive_runs_and_the_folder_is_refused(
    model: Path, tmp_path: Path, plant: Callable[[Path, Path], None]
) -> None:
    canary = tmp_path / "canary"
    plant(model, canary)
    with pytest.raises(DataError) as error:
        score(model, tmp_path / "scratch")
    assert error.value.code == "model/more-files"
    with pytest.raises(DataError, match="beside it"):
        ADAPTERS.get("sklearn").describe(
            Scorer("it", ADAPTERS.get("sklearn"), SIGNATURE, model, Path(sys.executable)), tmp_path
        )
    assert not canary.exists()


def test_an_archive_alone_is_scored(model: Path, tmp_path: Path) -> None:
    score(model, tmp_path / "scratch")
