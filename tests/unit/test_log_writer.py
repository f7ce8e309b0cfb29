"""Prediction logs are written a line a row, sampled, redacted and rotated; what is no prediction is refused."""

import json
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from modelyard.log import ConfigError, DataError, PlatformError, Rotate, Writer, read
from modelyard.log.schema import kept

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def rows(folder: Path, kind: str = "predictions") -> list[dict[str, Any]]:
    return [
        json.loads(line) for path in sorted(folder.glob(f"{kind}-*.jsonl*")) for line in path.read_text().splitlines()
    ]


def test_a_row_is_in_the_file_once_write_returns(tmp_path: Path) -> None:
    log = Writer(tmp_path / "log", model="v7")
    assert log.write(
        id=7, prediction={"late": 0.8, "on time": 0.2}, features={"hour": 17, "x": float("nan")}, time=NOON
    )
    (path,) = (tmp_path / "log").iterdir()
    assert path.name.endswith(".jsonl.open")
    assert rows(tmp_path / "log") == [
        {
            "id": "7",
            "time": "2026-03-01T12:00:00.000000Z",
            "model": "v7",
            "probability_late": 0.8,
            "probability_on time": 0.2,
            "feature_hour": 17,
            "feature_x": None,
        }
    ]
    log.close()
    (path,) = (tmp_path / "log").iterdir()
    assert path.suffix == ".jsonl"
    with pytest.raises(ConfigError, match="log/closed"):
        log.write(id=8, prediction="late")


def test_the_writer_imports_nothing_heavy() -> None:
    program = "import sys, modelyard.log; print(sorted({'numpy', 'polars', 'pydantic', 'pandas'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_values_of_numpy_times_and_lists_are_written(tmp_path: Path) -> None:
    with Writer(tmp_path, model="v7") as log:
        here = timezone(timedelta(hours=2))
        features = {"a": np.float32("nan"), "b": np.int64(3), "c": np.array([1.0, float("nan")]), "d": NOON, "e": "ü\n"}
        log.write(id=np.int64(1), prediction=np.float64(2.5), features=features, time=NOON.astimezone(here))  # type: ignore[arg-type] # NumPy's own
        log.write(id="2", prediction=np.bool_(True), model="v8")
        log.write(id="3", prediction={True: 0.25})
    first, second, third = rows(tmp_path)
    assert [first[f"feature_{name}"] for name in "abcde"] == [None, 3, [1.0, None], "2026-03-01T12:00:00+00:00", "ü\n"]
    assert (first["prediction"], first["time"]) == (2.5, "2026-03-01T12:00:00.000000Z")
    assert (second["prediction"], second["model"]) == (True, "v8")
    assert third["probability_true"] == 0.25


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"id": None}, "log/no-id"),
        ({"id": ""}, "log/no-id"),
        ({"id": 1.5}, "log/no-id"),
        ({"id": True}, "log/no-id"),
        ({"id": np.bool_(True)}, "log/no-id"),
        ({"time": datetime(2026, 3, 1)}, "log/naive-time"),
        ({"time": "2026-03-01"}, "log/naive-time"),
        ({"prediction": None}, "log/bad-value"),
        ({"prediction": ""}, "log/bad-value"),
        ({"prediction": float("nan")}, "log/bad-value"),
        ({"prediction": np.float32("inf")}, "log/bad-value"),
        ({"prediction": [0.5, 0.5]}, "log/bad-value"),
        ({"prediction": {}}, "log/bad-probability"),
        ({"prediction": {"a": 1.2}}, "log/bad-probability"),
        ({"prediction": {"a": "0.5", "b": 0.5}}, "log/bad-probability"),
        ({"prediction": {"a": 0.5, "b": 0.4}}, "log/bad-probability"),
        ({"prediction": {"a": float("nan"), "b": 0.4}}, "log/bad-value"),
        ({"features": {"a": float("inf")}}, "log/bad-value"),
        ({"features": {"a": object()}}, "log/bad-value"),
        ({"features": {"a": "\ud800"}}, "log/bad-value"),
        ({"features": {1: 2}}, "log/feature-name"),
    ],
)
def test_what_is_no_row_is_refused_and_nothing_is_written(tmp_path: Path, row: dict[str, Any], code: str) -> None:
    with Writer(tmp_path, model="v7") as log:
        with pytest.raises(DataError, match=code) as raised:
            log.write(**{"id": "1", "prediction": 1, **row})
        assert raised.value.hint
        with pytest.raises(DataError, match="log/bad-value"):
            log.label(id="1", label=float("nan"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"format": "parqet"}, "log/unknown-format"),
        ({"sample": 0}, "log/bad-argument"),
        ({"sample": 1.5}, "log/bad-argument"),
        ({"redact": "email"}, "log/bad-argument"),
        ({"rotate": 10}, "log/bad-argument"),
        ({"rotate": Rotate(every=timedelta(0))}, "log/bad-argument"),
        ({"model": 7}, "log/bad-argument"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(tmp_path: Path, given: dict[str, Any], code: str) -> None:
    with pytest.raises(ConfigError, match=code):
        Writer(tmp_path / "log", **given)
    assert not (tmp_path / "log").exists()


def test_a_prediction_needs_a_model(tmp_path: Path) -> None:
    with Writer(tmp_path) as log:
        log.label(id="1", label=1)
        with pytest.raises(ConfigError, match="log/no-model"):
            log.write(id="1", prediction=1)


def test_a_redacted_feature_is_never_written_and_a_slip_of_its_name_is_noticed(tmp_path: Path) -> None:
    with Writer(tmp_path, model="v7", redact=["email"]) as log:
        with pytest.raises(ConfigError, match=r"log/redact-unknown[^✗]*Did you mean 'e-mail'"):
            log.write(id="0", prediction=1, features={"e-mail": "a@example.org", "age": 3})
        for at in range(3):
            log.write(id=at, prediction=1, features={"email": "a@example.org", "age": 3})
    assert len(rows(tmp_path)) == 3
    assert all("feature_email" not in row and row["feature_age"] == 3 for row in rows(tmp_path))


def test_a_sample_keeps_the_same_ids_everywhere_and_drops_the_labels_of_others(tmp_path: Path) -> None:
    with Writer(tmp_path, model="v7", sample=0.25) as log:
        wrote = [log.write(id=at, prediction=1) for at in range(2000)]
        labelled = [log.label(id=at, label=1) for at in range(2000)]
    assert wrote == labelled == [kept(str(at), 0.25) for at in range(2000)]
    assert 430 < sum(wrote) < 570
    assert {row["sample"] for row in rows(tmp_path)} == {0.25}
    assert all(kept(str(at), 0.5) for at in range(2000) if kept(str(at), 0.25))
    counts = read(tmp_path).counts
    assert (counts.predictions, counts.labelled, counts.unmatched_labels) == (sum(wrote), sum(wrote), 0)


@pytest.mark.parametrize("format_", ["jsonl", "parquet", "csv"])
def test_partitions_are_completed_by_size_and_say_the_same_in_every_format(tmp_path: Path, format_: str) -> None:
    with Writer(tmp_path, model="v7", format=format_, rotate=Rotate(size=2000)) as log:
        for at in range(100):
            log.write(id=f"00{at}", prediction=at / 4, features={"word": 'a,"b"\nc', "n": at, "flag": at % 2 == 0})
            log.label(id=f"00{at}", label=at / 4, time=NOON)
    names = [path.name for path in tmp_path.iterdir()]
    assert all(name.endswith(f".{format_}") for name in names)
    assert len([name for name in names if name.startswith("predictions")]) > 5
    frame = read(tmp_path).frame
    assert frame["id"].to_list() == [f"00{at}" for at in range(100)]
    assert frame["prediction"].to_list() == frame["label"].to_list() == [at / 4 for at in range(100)]
    assert frame["feature_word"].unique().to_list() == ['a,"b"\nc']
    assert frame["feature_n"].to_list() == list(range(100))
    assert frame["feature_flag"].dtype == pl.Boolean
    assert frame["time"].dtype == frame["label_time"].dtype == pl.Datetime("us", "UTC")


def test_a_partition_is_completed_by_age(tmp_path: Path) -> None:
    with Writer(tmp_path, model="v7", rotate=Rotate(every=timedelta(microseconds=1))) as log:
        for at in range(3):
            log.write(id=at, prediction=1)
        assert len(list(tmp_path.glob("*.jsonl"))) == 3


def test_a_column_of_several_kinds_becomes_text_and_no_row_is_lost(tmp_path: Path) -> None:
    for format_ in ("parquet", "jsonl"):
        with Writer(tmp_path, model="v7", format=format_) as log:
            log.write(id=f"{format_}1", prediction=1, features={"a": True})
            log.write(id=f"{format_}2", prediction=1, features={"a": 3})
    with Writer(tmp_path, model="v7") as log:
        log.write(id="last", prediction=1, features={"a": 2.5})
    frame = read(tmp_path).frame
    assert frame["feature_a"].to_list() == ["true", "3", "true", "3", "2.5"]


@pytest.mark.parametrize("format_", ["jsonl", "parquet", "csv"])
def test_lists_and_objects_among_features_are_kept(tmp_path: Path, format_: str) -> None:
    for at, value in enumerate(([1, 2], [0.5], {"a": {"b": 1}}, {"c": 2}, None, "word")):
        with Writer(tmp_path, model="v7", format=format_) as log:
            log.write(id=at, prediction=1, features={"mixed": value, "list": [at, 1]}, time=NOON + timedelta(at))
    frame = read(tmp_path).frame
    assert [str(each).replace(" ", "") for each in frame["feature_mixed"]] == [
        "[1,2]", "[0.5]", '{"a":{"b":1}}', '{"c":2}', "None", "word"
    ]  # fmt: skip
    assert [str(each.to_list() if isinstance(each, pl.Series) else each) for each in frame["feature_list"]] == [
        f"[{at}, 1]" for at in range(6)
    ]


def test_threads_share_a_writer(tmp_path: Path) -> None:
    log = Writer(tmp_path, model="v7", format="parquet", rotate=Rotate(size=4000))

    def serve(thread: int) -> None:
        for at in range(200):
            log.write(id=f"{thread}-{at}", prediction=at, features={"word": "x" * 50})

    threads = [threading.Thread(target=serve, args=(each,)) for each in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    log.close()
    assert {path.suffix for path in tmp_path.iterdir()} == {".parquet"}
    found = read(tmp_path)
    assert set(found.frame["id"]) == {f"{thread}-{at}" for thread in range(8) for at in range(200)}
    assert found.counts.duplicate_predictions == found.counts.torn_lines == 0


FORK = """
import os, sys
from modelyard.log import Writer
log = Writer(sys.argv[1], model="v7")
log.write(id="parent-0", prediction=1)
children = []
for child in range(3):
    pid = os.fork()
    if pid == 0:
        for at in range(50):
            log.write(id=f"{child}-{at}", prediction=1)
        os._exit(0)
    children.append(pid)
for at in range(1, 50):
    log.write(id=f"parent-{at}", prediction=1)
assert all(os.waitpid(pid, 0)[1] == 0 for pid in children)
log.close()
"""


def test_forked_children_write_partitions_of_their_own(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", FORK, str(tmp_path)], check=True, timeout=60)
    found = read(tmp_path)
    assert set(found.frame["id"]) == {f"{who}-{at}" for who in ("parent", 0, 1, 2) for at in range(50)}
    assert len(list(tmp_path.iterdir())) == 4


PARQUET = """
import os, sys
import polars as pl
from modelyard.log import Rotate, Writer
log = Writer(sys.argv[1], model="v7", format="parquet", rotate=Rotate(size=300))
for at in range(4):
    log.write(id=f"parent-{at}", prediction=1)
pl.DataFrame({"a": list(range(100000))}).group_by(pl.col("a") % 7).len()
pid = os.fork()
for at in range(20):
    log.write(id=f"{pid == 0}-{at}", prediction=1)
log.close()
if pid == 0:
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
"""


def test_a_forked_child_needs_no_polars_which_a_fork_may_hang(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-W", "ignore", "-c", PARQUET, str(tmp_path)], check=True, timeout=60)
    assert {path.suffix for path in tmp_path.iterdir()} == {".parquet", ".jsonl"}
    found = read(tmp_path)
    assert found.counts.predictions == 44
    assert found.counts.duplicate_predictions == 0


def test_a_full_disk_is_told_and_the_rows_before_it_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Writer(tmp_path, model="v7")
    log.write(id="1", prediction=1)
    write = os.write

    def half(descriptor: int, data: bytes) -> int:
        if len(data) < 30:
            raise OSError(28, "No space left on device")
        return write(descriptor, data[: len(data) - 20])

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(PlatformError, match="disk/not-written"):
        log.write(id="2", prediction=1)
    monkeypatch.undo()
    log.write(id="3", prediction=1)
    log.flush()
    assert [row["id"] for row in rows(tmp_path)] == ["1", "3"]
    log.close()


def test_a_partition_that_cannot_be_completed_stays_readable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Writer(tmp_path, model="v7", format="parquet", rotate=Rotate(size=10))

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    log.write(id="1", prediction=1)
    monkeypatch.undo()
    log.write(id="2", prediction=1)
    log.close()
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".open", ".parquet"]
    assert read(tmp_path).frame["id"].to_list() == ["1", "2"]
