"""examples/flights on a real MLflow server: promoted, promoted again, rolled back, and loaded by MLflow itself."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl

from tests import desk
from tests.mlflow_server import Running

ROOT = Path(__file__).parents[2]

LOAD = """
import sys
import mlflow, polars as pl
from pandas import DataFrame
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model("models:/flights-late@champion")
rows = pl.read_parquet(sys.argv[2])
wanted = model.metadata.get_input_schema().input_names()
table = DataFrame({name: rows[name].to_numpy() if rows[name].dtype.is_numeric() else rows[name].to_list()
                   for name in wanted})
found = model.predict(table)["probability"].to_numpy()
pl.DataFrame({"flight_id": rows["flight_id"], "probability": found}).write_parquet(sys.argv[3])
"""


def modelyard(folder: Path, *arguments: str) -> Any:
    done = desk.modelyard(folder, *arguments, "--json")
    assert done.code == 0, done.out + done.err
    return done.json


def test_flights_is_promoted_twice_and_rolled_back_and_mlflow_loads_what_serves(
    tmp_path: Path, mlflow_at: Running
) -> None:
    mlflow_at.forget("flights-late")
    folder = tmp_path / "flights"
    shutil.copytree(ROOT / "examples" / "flights", folder, ignore=shutil.ignore_patterns("data", "loop"))
    (folder / ".gitignore").write_text("data/\n", "utf-8")
    with (folder / "modelyard.yml").open("a", encoding="utf-8") as stream:
        stream.write(f"\nregistry: {{kind: mlflow, uri: '{mlflow_at.url}'}}\n")
    desk.edit(folder / "modelyard.yml", "learning_rate: [0.05, 0.1], max_leaf_nodes: [31, 63]", "max_leaf_nodes: [31]")
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "first"]):
        desk.git(folder, *command)
    make = [sys.executable, "make_data.py", "--months"]
    subprocess.run([*make, "1-4"], cwd=folder, check=True, capture_output=True)
    assert modelyard(folder, "run", "--promote", "--reason", "first")["outputs"]["promote"]["version"] == "v1"
    subprocess.run([*make, "5"], cwd=folder, check=True, capture_output=True)
    second = modelyard(folder, "run", "--promote", "--reason", "May arrived")
    assert second["outputs"]["promote"]["version"] == "v2"
    modelyard(folder, "rollback", "--reason", "errors since the morning")
    moves = [(move["from"], move["to"], move["kind"], move["reason"]) for move in modelyard(folder, "history")]
    assert moves == [
        (None, "v1", "promoted", "first"),
        ("v1", "v2", "promoted", "May arrived"),
        ("v2", "v1", "rolled-back", "errors since the morning"),
    ]
    modelyard(folder, "verify", "--version", "v2")

    ours = pl.read_parquet(folder / "modelyard-run" / "predictions" / "champion.parquet")
    rows = pl.read_parquet(sorted((folder / "data").glob("*.parquet")))
    ours.select("flight_id").join(rows, on="flight_id", how="left", maintain_order="left").write_parquet(
        tmp_path / "rows.parquet"
    )
    paths = [str(tmp_path / "rows.parquet"), str(tmp_path / "found.parquet")]
    done = subprocess.run(
        [sys.executable, "-I", "-c", LOAD, mlflow_at.url, *paths],
        capture_output=True, text=True, check=False, cwd=tmp_path, env={**os.environ, "HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = pl.read_parquet(tmp_path / "found.parquet")
    assert len(found) > 50_000
    assert found["flight_id"].to_list() == ours["flight_id"].to_list()
    assert found["probability"].to_list() == ours["probability"].to_list()
