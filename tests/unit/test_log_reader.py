"""Prediction logs are read with the label that counts; what is damaged or missing is an error."""

import json
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from modelyard.log import ConfigError, DataError, Rotate, Writer, read

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
THEIRS = {"id": "request", "time": "at", "prediction": "score", "features": ["hour"]}


def lines(path: Path, *rows: Any, end: str = "\n") -> Path:
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows) + end, "utf-8")
    return path


def test_labels_are_told_apart_and_the_last_by_its_time_counts(tmp_path: Path) -> None:
    with Writer(tmp_path, model="v7") as log:
        for name in ("plain", "changed", "twice", "conflict", "late", "early", "none"):
            log.write(id=name, prediction="a", time=NOON)
        log.write(id="plain", prediction="a", time=NOON + DAY)
        log.write(id="twice", prediction="b", time=NOON + DAY)
        log.write(id="plain", prediction="a", time=NOON, model="v8")
        log.label(id="changed", label="b", time=NOON + 2 * DAY)
        log.label(id="changed", label="a", time=NOON + DAY)
        log.label(id="plain", label="a", time=NOON + DAY)
        log.label(id="twice", label="a", time=NOON + DAY)
        log.label(id="twice", label="a", time=NOON + 3 * DAY)
        log.label(id="conflict", label="a", time=NOON + DAY)
        log.label(id="conflict", label="b", time=NOON + DAY)
        log.label(id="late", label="a", time=NOON + 9 * DAY)
        log.label(id="early", label="a", time=NOON - DAY)
        log.label(id="stranger", label="a", time=NOON + DAY)
    found = read(tmp_path, late_after=7 * DAY)
    counts = found.counts
    assert counts.models == {"v7": 7, "v8": 1}
    assert (counts.predictions, counts.duplicate_predictions, counts.changed_predictions) == (8, 1, 1)
    assert (counts.labels, counts.labelled, counts.duplicate_labels) == (10, 6, 1)
    assert (counts.changed_labels, counts.conflicting_labels, counts.unmatched_labels) == (2, 1, 1)
    assert (counts.late_labels, counts.early_labels, counts.labels_without_time) == (1, 1, 0)
    by = {(row["id"], row["model"]): row for row in found.frame.iter_rows(named=True)}
    assert by["changed", "v7"]["label"] == "b"
    assert by["changed", "v7"]["first_label_time"] == NOON + DAY
    assert by["twice", "v7"]["prediction"] == "a"
    assert by["conflict", "v7"]["label"] is by["conflict", "v7"]["label_time"] is by["none", "v7"]["label"] is None
    assert by["plain", "v8"]["label"] == "a"


def test_maturity_is_the_share_labelled_by_age_and_unknown_while_a_cohort_is_young(tmp_path: Path) -> None:
    with Writer(tmp_path, model="v7") as log:
        for day in range(3):
            for at in range(4):
                log.write(id=f"{day}-{at}", prediction=1, time=NOON + day * DAY)
                if at < 3:
                    log.label(id=f"{day}-{at}", label=1, time=NOON + (day + at) * DAY)
    found = read(tmp_path)
    assert found.until == NOON + 4 * DAY
    table = found.maturity("1d", ages=[timedelta(0), DAY, 3 * DAY])
    assert table.columns == ["cohort", "age", "predictions", "labelled", "share"]
    assert table["share"].to_list() == [0.25, 0.5, 0.75, 0.25, 0.5, None, 0.25, 0.5, None]
    known = found.maturity("1d", ages=[3 * DAY], as_of=NOON + 1.1 * DAY)
    assert known["labelled"].to_list() == [2, 1]
    with pytest.raises(ConfigError, match="log/naive-argument"):
        found.maturity(as_of=datetime(2026, 3, 1))


def test_a_torn_last_line_counts_as_not_written(tmp_path: Path) -> None:
    log = Writer(tmp_path, model="v7")
    for at in range(3):
        log.write(id=at, prediction=1)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-1])
    found = read(tmp_path)
    assert (found.frame["id"].to_list(), found.counts.torn_lines) == (["0", "1"], 1)
    log.close()
    with pytest.raises(DataError, match="log/damaged"):
        read(tmp_path)


def test_a_partition_cut_at_any_byte_loses_the_cut_line_alone(tmp_path: Path) -> None:
    log = Writer(tmp_path, model="v7")
    for at in range(3):
        log.write(id=at, prediction="ü", features={"word": "é\n", "n": at}, time=NOON)
    (path,) = tmp_path.iterdir()
    data = path.read_bytes()
    first = data.index(b"\n") + 1
    for size in range(first, len(data) + 1):
        path.write_bytes(data[:size])
        found = read(tmp_path)
        assert found.counts.predictions == data[:size].count(b"\n")
        assert found.counts.torn_lines == int(data[size - 1 : size] != b"\n")
        assert set(found.frame["feature_word"]) == {"é\n"}
    log.close()


@pytest.mark.parametrize("format_", ["jsonl", "parquet", "csv"])
def test_a_log_is_read_while_it_is_written_to(tmp_path: Path, format_: str) -> None:
    log = Writer(tmp_path, model="v7", format=format_, rotate=Rotate(size=500))
    written = [0]

    def serve() -> None:
        for at in range(300):
            log.write(id=at, prediction=at)
            written[0] = at + 1

    log.write(id="first", prediction=-1)
    thread = threading.Thread(target=serve)
    thread.start()
    while thread.is_alive():
        before = written[0]
        found = read(tmp_path)
        ids = set(found.frame["id"])
        assert {str(at) for at in range(before)} < ids
        assert found.counts.duplicate_predictions == 0
    thread.join()
    log.close()
    assert read(tmp_path).counts.predictions == 301


def test_a_partition_and_what_it_was_made_from_count_once(tmp_path: Path) -> None:
    with Writer(tmp_path, model="v7", format="parquet") as log:
        log.write(id=1, prediction=1)
        (path,) = tmp_path.iterdir()
        data = path.read_bytes()
    path.write_bytes(data)
    assert len(list(tmp_path.iterdir())) == 2
    counts = read(tmp_path).counts
    assert (counts.predictions, counts.duplicate_predictions) == (1, 0)


def test_damage_within_a_log_is_an_error(tmp_path: Path) -> None:
    row = {"id": "1", "time": "2026-03-01T12:00:00.000000Z", "model": "v7", "prediction": 1}
    path = tmp_path / "predictions-a.jsonl"
    for rows, code in (
        ((row, '{"id": "2"', row), r"line 2 is not a JSON object \[log/damaged"),
        (({**row, "prediktion": 1},), r"'prediktion' \[log/unknown-column"),
        (({"id": "1", "model": "v7"},), "log/missing-column"),
        (({**row, "time": "2026-03-01"},), "log/bad-time"),
        (({**row, "time": None}, row), "log/missing-value"),
        (({**row, "id": None}, row), "log/missing-value"),
        (({**row, "prediction": None}, row), "log/no-prediction"),
        (({**row, "probability": 1.5},), "log/not-probabilities"),
        (({**row, "probability_a": 0.5, "probability_b": 0.1},), "log/not-probabilities"),
    ):
        lines(path, *rows)
        with pytest.raises(DataError, match=code) as raised:
            read(tmp_path)
        assert raised.value.hint
    path.unlink()
    with pytest.raises(DataError, match="log/no-rows"):
        read(tmp_path)
    (tmp_path / "predictions-a.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(DataError, match="log/damaged"):
        read(tmp_path)
    with pytest.raises(DataError, match="log/no-folder"):
        read(tmp_path / "other")


@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl"])
def test_other_files_are_read_by_a_mapping_of_columns(tmp_path: Path, suffix: str) -> None:
    theirs = pl.DataFrame(
        {
            "request": [1, 2, 3],
            "at": [NOON, NOON + DAY, NOON + 2 * DAY],
            "score": [0.1, 0.2, 0.3],
            "late": [True, None, False],
            "known": [NOON + DAY, None, NOON + 5 * DAY],
            "hour": [7, 8, 9],
            "other": ["x", "y", "z"],
        }
    )
    path = tmp_path / f"log.{suffix}"
    if suffix == "parquet":
        theirs.write_parquet(path)
    elif suffix == "csv":
        theirs.with_columns(pl.col("at", "known").dt.strftime("%Y-%m-%dT%H:%M:%S%:z")).write_csv(path)
    else:
        theirs.with_columns(pl.col("at", "known").dt.strftime("%Y-%m-%dT%H:%M:%S%:z")).write_ndjson(path)
    columns = {
        "id": "request", "time": "at", "probability": "score", "label": "late", "label_time": "known",
        "features": ["hour"],
    }  # fmt: skip
    found = read(source=str(tmp_path / "*"), columns=columns, model="v7")
    assert found.frame.columns == [
        "id", "time", "probability", "feature_hour", "model", "label", "label_time", "first_label_time"
    ]  # fmt: skip
    assert found.frame["id"].to_list() == ["1", "2", "3"]
    assert found.frame["label"].to_list() == [True, None, False]
    assert found.frame["time"].to_list() == [NOON, NOON + DAY, NOON + 2 * DAY]
    assert (found.counts.labels, found.counts.labelled, found.counts.models) == (2, 2, {"v7": 3})


def test_json_lines_of_others_may_be_written_to_just_now(tmp_path: Path) -> None:
    row = {"request": "1", "at": "2026-03-01T12:00:00Z", "score": 0.5, "hour": 1}
    whole = lines(tmp_path / "a.jsonl", row, {**row, "request": "2"}, end="")
    assert read(whole, THEIRS, model="v7").counts.predictions == 2
    torn = lines(tmp_path / "b.jsonl", row, '{"request": "2", "at"', end="")
    counts = read(torn, THEIRS, model="v7").counts
    assert (counts.predictions, counts.torn_lines) == (1, 1)
    with pytest.raises(DataError, match=r"b\.jsonl: line 2 is not a JSON object"):
        read(lines(tmp_path / "b.jsonl", row, '{"request": "2", "at"', row), THEIRS, model="v7")


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({**THEIRS, "lable": "y"}, r"unknown field 'lable'.*log/unknown-field[^✗]*label"),
        ({"time": "at", "prediction": "score"}, "no field id.*log/missing-field"),
        ({"id": "request", "prediction": "score"}, "no field time.*log/missing-field"),
        ({"id": "request", "time": "at"}, "no field prediction or probability.*log/missing-field"),
        ({**THEIRS, "label_time": "y"}, "log/missing-field"),
        ({**THEIRS, "features": "hour"}, "log/bad-field"),
        ({**THEIRS, "model": "v"}, "log/bad-field"),
    ],
)
def test_a_mapping_that_makes_no_sense_is_refused(tmp_path: Path, columns: dict[str, Any], code: str) -> None:
    with pytest.raises(ConfigError, match=code):
        read(tmp_path, columns, model="v7")


def test_values_that_make_no_log_are_refused(tmp_path: Path) -> None:
    row = {"request": "1", "at": "2026-03-01T12:00:00Z", "score": 0.5, "hour": 1}

    def code(*rows: dict[str, Any], **given: Any) -> str:
        with pytest.raises(DataError) as raised:
            read(lines(tmp_path / "a.jsonl", *rows), {**THEIRS, **given}, model="v7")
        return raised.value.code

    assert code({**row, "at": "2026-03-01T12:00:00"}) == "log/naive-times"
    assert code(row, {**row, "at": "2026-03-01T12:00:00"}) == "log/bad-time"
    assert code({**row, "at": 1772366400}) == "log/bad-time"
    assert code({**row, "at": "yesterday"}) == "log/bad-time"
    assert code(row, {**row, "request": None}) == "log/missing-value"
    assert code(row, {**row, "at": None}) == "log/missing-value"
    assert code(row, {**row, "score": None}) == "log/no-prediction"
    assert code(row, id="requst") == "data/missing-column"
    assert code(row, probability="hour", label="nothing") == "data/missing-column"
    pl.DataFrame([{**row, "at": NOON, "score": float("nan")}]).write_parquet(tmp_path / "n.parquet")
    with pytest.raises(DataError, match="log/no-prediction"):
        read(tmp_path / "n.parquet", THEIRS, model="v7")
    pl.DataFrame([{**row, "at": date(2026, 3, 1)}]).write_parquet(tmp_path / "d.parquet")
    with pytest.raises(DataError, match="log/bad-time"):
        read(tmp_path / "d.parquet", THEIRS, model="v7")
    (tmp_path / "c.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(DataError, match="data/"):
        read(tmp_path / "c.parquet", THEIRS, model="v7")
    with pytest.raises(DataError, match="log/no-file"):
        read(tmp_path / "z*", THEIRS, model="v7")
    with pytest.raises(DataError, match="log/unknown-kind"):
        read(lines(tmp_path / "log.txt", row), THEIRS, model="v7")


def test_times_without_zone_are_read_in_the_zone_that_is_stated(tmp_path: Path) -> None:
    row = {"request": "1", "at": "2026-03-01T12:00:00", "score": 0.5, "hour": 1}
    found = read(lines(tmp_path / "a.jsonl", row), THEIRS, model="v7", zone="Europe/Paris")
    assert found.frame["time"].to_list() == [NOON - timedelta(hours=1)]
    with pytest.raises(ConfigError, match="log/unknown-zone"):
        read(tmp_path / "a.jsonl", THEIRS, model="v7", zone="Europe/Pariss")
    twice = lines(tmp_path / "b.jsonl", {**row, "at": "2026-10-25T02:30:00"})
    with pytest.raises(DataError, match="log/ambiguous-time"):
        read(twice, THEIRS, model="v7", zone="Europe/Paris")
