"""A small real-shaped data set, configurations for it, and a workplace: what the tests of training share."""

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from modelyard.config.configuration import Config
from modelyard.core.canonical import digest
from modelyard.training.job import TrainingRows, Workplace
from modelyard.training.train import Trained, train

LOGISTIC = {"estimator": "sklearn.linear_model.LogisticRegression", "params": {"C": [0.1, 1.0]}}
BOOSTING = {
    "estimator": "sklearn.ensemble.HistGradientBoostingClassifier",
    "params": {"max_iter": 5, "learning_rate": 0.2},
}


def rows(n: int = 300, seed: int = 0) -> pl.DataFrame:
    """Numbers with gaps, a boolean, a category with gaps and rare levels, a time, a weight; ``late`` is the target."""
    random = np.random.default_rng(seed)
    delay = random.normal(size=n)
    carrier = random.choice(["AA", "BB", "CC", "rare"], n, p=[0.4, 0.3, 0.29, 0.01])
    late = delay + (carrier == "AA") + random.normal(size=n) > 0.5
    frame = pl.DataFrame(
        {
            "id": np.arange(n),
            "delay": delay,
            "distance": random.integers(100, 3000, n),
            "night": random.random(n) < 0.3,
            "carrier": carrier,
            "weight": random.random(n) + 0.5,
            "late": late,
            "minutes": delay * 10 + random.normal(size=n),
            "month": [["jan", "feb", "mar"][index % 3] for index in range(n)],
        }
    )
    gap = pl.int_range(pl.len()) % 17 == 0
    return frame.with_columns(
        delay=pl.when(gap).then(None).otherwise(pl.col("delay")),
        carrier=pl.when(gap).then(None).otherwise(pl.col("carrier")),
        when=pl.datetime(2024, 1, 1) + pl.duration(hours=pl.int_range(pl.len())),
    )


def config(
    section: Mapping[str, Any], *, columns: Mapping[str, Any] | None = None, model: Mapping[str, Any] | None = None
) -> Config:
    """A configuration for ``rows``; the default task is binary with ``late`` as its target."""
    shared = {"target": "late", "id": "id", "drop": ["minutes", "month", "weight", "when"]}
    return Config.model_validate(
        {
            "model": {"name": "flights", "task": "binary", **(model or {})},
            "data": {"sets": {"train": "a", "test": "b"}, "columns": {**shared, **(columns or {})}},
            "train": {"jobs": 1, "search": {"folds": 3}, **section},
            **({"evaluate": {"predict": {"command": "predict"}}} if "command" in section else {}),
        }
    )


def workplace(folder: Path, **told: Any) -> Workplace:
    """A workspace whose model goes into ``run/model``."""
    return Workplace(folder, folder, folder / ".modelyard", folder / "run" / "model", folder / "envs", **told)


def run(folder: Path, configured: Config, frame: pl.DataFrame | None = None, **told: Any) -> Trained:
    """Train in a folder on ``rows`` or other ones."""
    frame = rows() if frame is None else frame
    contents = digest(frame.hash_rows(seed=0).cast(pl.String).to_list())
    return train(configured, TrainingRows(frame, contents), at=workplace(folder, **told), inputs={"code": "0"})


def wheel(folder: Path, version: str, name: str = "tiny-model", files: Mapping[str, str] | None = None) -> None:
    """Put a wheel into a folder; by default it holds one module that says its version."""
    plain = name.replace("-", "_")
    info = f"{plain}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{plain}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in ({f"{plain}.py": f"VERSION = {version!r}\n"} if files is None else files).items():
            archive.writestr(path, text)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")


def leftovers(folder: Path) -> Sequence[str]:
    """What training left beside its model and its state, and half entries of its cache."""
    beside = [path.name for path in (folder / "run").glob("*") if path.name != "model"]
    half = [path.name for path in (folder / ".modelyard").rglob(".new-*")]
    return [*beside, *half]
