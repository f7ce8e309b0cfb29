"""A log is counted by processes, by Dask and by Spark, and the sums are those of one process, to the last digit."""

import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from modelyard.log import Rotate, Writer, read
from modelyard.log.sources import open_sources
from modelyard.monitoring.distributed import summarise_log
from modelyard.monitoring.profile import Reference
from modelyard.monitoring.reference import reference_of
from modelyard.monitoring.summary import summarise
from tests.cluster_child import KEY, count

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".tools" / "cluster" / "bin" / "python"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ROWS = 600


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reference, and a log in several partitions of all formats, some rows of another version."""
    folder, random = tmp_path_factory.mktemp("served"), np.random.default_rng(1)
    frame = pl.DataFrame({"far": random.normal(size=ROWS), "carrier": random.choice(["AA", "UA", "B6"], ROWS)})
    probability = pl.DataFrame({"probability": random.random(ROWS)})
    late = random.random(ROWS) < probability["probability"].to_numpy()
    reference = reference_of(frame, probability, late, task="binary", key=KEY, positive=True, threshold=0.5)
    (folder / "reference.json").write_text(reference.model_dump_json(), "utf-8")
    for part, format_ in enumerate(("jsonl", "parquet", "jsonl")):
        with Writer(folder / "log", model="v7", format=format_, rotate=Rotate(size=8000)) as log:
            for at in range(200):
                row = {"far": float(random.normal()), "carrier": str(random.choice(["AA", "UA", "B6", "new"]))}
                moment = NOON + timedelta(hours=part * 200 + at)
                told = {"true": float(random.random())}
                log.write(
                    id=f"{part}-{at}", time=moment, prediction=told, features=row, model="v8" if at % 9 == 0 else ""
                )
    return folder


@pytest.fixture(scope="module")
def alone(served: Path) -> str:
    return count(str(served / "log"), str(served / "reference.json"))


def test_one_process_counts_what_is_read_at_once(served: Path, alone: str) -> None:
    reference = Reference.model_validate_json((served / "reference.json").read_text("utf-8"))
    whole = read(served / "log").frame.filter(pl.col("model") == "v7")
    at_once = summarise(whole.drop("label", "label_time", "first_label_time"), reference, key=KEY)
    assert json.loads(at_once.model_dump_json()) == json.loads(alone)
    end = NOON + timedelta(days=2)
    some = summarise_log(open_sources(served / "log", None), reference, version="v7", key=KEY, begin=NOON, end=end)
    assert some.rows == whole.filter(pl.col("time") < end).height
    assert summarise_log(open_sources(served / "log", None), reference, version="v9").rows == 0


@pytest.mark.parametrize("way", ["processes", "dask", "spark"])
def test_many_processes_count_the_same(served: Path, alone: str, way: str) -> None:
    if not PYTHON.is_file():
        pytest.fail("Dask and Spark are not installed; run: tools/parts", pytrace=False)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SPARK_", "PYSPARK_", "DASK_"))}
    done = subprocess.run(
        [str(PYTHON), "-m", "tests.cluster_child", way, str(served / "log"), str(served / "reference.json")],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={**kept, "PYTHONPATH": str(ROOT), "PYSPARK_PYTHON": str(PYTHON), "SPARK_LOCAL_IP": "127.0.0.1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == json.loads(alone)
