"""Six repositories in the shape of public ones: copied with their data, committed, and run as they are."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tests import desk

HERE = Path(__file__).parent
NAMES = ("script", "lightgbm", "network", "torch", "notebook", "mlflow")


@dataclass(frozen=True)
class Tried:
    """A run of a repository, its lines of YAML, and how long it took."""

    done: desk.Done
    lines: int
    seconds: float


def make(name: str, folder: Path) -> Path:
    """Copy a repository, make its data, and commit it."""
    shutil.copytree(HERE / name, folder)
    for each in ("data", "models", "input", "output", "checkpoints"):
        (folder / each).mkdir()
        (folder / each / ".gitkeep").touch()
    _DATA[name](folder)
    (folder / ".gitignore").write_text("mlruns/\nmlflow.db\n", "utf-8")
    desk.commit(folder)
    return folder


def scripts(folder: Path) -> dict[str, bytes]:
    """Return the scripts of a repository by path."""
    found = [path for pattern in ("*.py", "*.ipynb", "MLproject") for path in folder.rglob(pattern)]
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in found if "modelyard-run" not in path.parts
    }


def run(name: str, folder: Path) -> Tried:
    """Run a repository with promotion in a process of its own."""
    make(name, folder)
    started = time.monotonic()
    done = desk.modelyard(folder, "run", "--promote")
    lines = len((HERE / name / "modelyard.yml").read_text("utf-8").splitlines())
    return Tried(done, lines, time.monotonic() - started)


def _loaded(name: str, target: str) -> pl.DataFrame:
    import sklearn.datasets

    found = getattr(sklearn.datasets, f"load_{name}")(as_frame=True)
    return pl.from_pandas(found.frame.rename(columns={"target": target}))


def _wine(folder: Path) -> None:
    frame = _loaded("wine", "cultivar")
    labels = pl.col("cultivar").replace_strict({0: "barolo", 1: "grignolino", 2: "barbera"}, return_dtype=pl.String)
    frame.with_columns(labels).write_csv(folder / "data" / "wine.csv")


def _tumours(folder: Path) -> None:
    frame = _loaded("breast_cancer", "target").with_row_index("id").sample(fraction=1, shuffle=True, seed=1)
    frame[:340].write_csv(folder / "input" / "train.csv")
    frame[340:].write_csv(folder / "input" / "test.csv")


def _measurements(folder: Path) -> None:
    frame = _loaded("breast_cancer", "malignant").with_columns(pl.col("malignant") == 0).with_row_index("sample")
    frame.write_parquet(folder / "data" / "measurements.parquet")


def _measurements_as_text(folder: Path) -> None:
    _measurements(folder)
    place = folder / "data" / "measurements.parquet"
    pl.read_parquet(place).write_csv(place.with_suffix(".csv"))
    place.unlink()


def _diabetes(folder: Path) -> None:
    _loaded("diabetes", "progression").write_csv(folder / "data" / "diabetes.csv")


def _flowers(folder: Path) -> None:
    names = pl.col("species").replace_strict({0: "setosa", 1: "versicolor", 2: "virginica"}, return_dtype=pl.String)
    _loaded("iris", "species").with_columns(names).write_csv(folder / "flowers.csv")


_DATA = {
    "script": _wine, "lightgbm": _tumours, "network": _measurements, "torch": _measurements_as_text,
    "notebook": _diabetes, "mlflow": _flowers,
}  # fmt: skip
