"""Logs in tables: SQLite by the standard library, and the payload tables of MLflow model serving."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from modelyard.config.sections.monitor import Log
from modelyard.log import ConfigError, DataError, Writer, read, scan
from modelyard.log.sources.sql import Postgresql, Table
from modelyard.log.stretches import scan_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
MIDNIGHT = NOON.replace(hour=0)
COLUMNS = {
    "id": "request id", "time": "at", "model": "by", "probability": "p%", "label": "late", "label_time": "known",
    "features": ["hour", 'the "word"'],
}  # fmt: skip


@pytest.fixture
def served(tmp_path: Path) -> Path:
    """A file with 4 days of 30 predictions, every third of them without a label."""
    path = tmp_path / "served.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            'CREATE TABLE "its log" ("request id" INTEGER, at TEXT, "by" TEXT, "p%" REAL, late INTEGER, known TEXT,'
            ' hour INTEGER, "the ""word""" TEXT, secret TEXT)'
        )
        for at in range(120):
            when = MIDNIGHT + at // 30 * DAY + timedelta(minutes=at % 30)
            known = None if at % 3 == 0 else f"{when + DAY:%Y-%m-%dT%H:%M:%SZ}"
            late = None if known is None else at % 2
            connection.execute(
                'INSERT INTO "its log" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
                (119 - at, f"{when:%Y-%m-%dT%H:%M:%SZ}", "v7", at / 120, late, known, at, "x", "s"),
            )  # fmt: skip
    return path


def test_a_table_is_read_by_a_mapping_and_says_what_a_file_says(served: Path, tmp_path: Path) -> None:
    found = read(f"sqlite:///{served}#its log", COLUMNS)
    with closing(sqlite3.connect(served)) as connection:
        rows = connection.execute('SELECT * FROM "its log"').fetchall()
        names = [each[0] for each in connection.execute('SELECT * FROM "its log"').description]
    pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None).write_parquet(tmp_path / "log.parquet")
    assert_frame_equal(found.frame, read(tmp_path / "log.parquet", COLUMNS).frame)
    assert (found.counts.predictions, found.counts.labelled) == (120, 80)
    assert found.frame["id"].dtype == pl.String
    assert "feature_secret" not in found.frame.columns


def test_a_table_is_scanned_day_by_day(served: Path) -> None:
    log = scan(f"sqlite:///{served}#its log", COLUMNS)
    assert [entry.piece.name for entry in log.entries] == ["2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04"]
    day = (MIDNIGHT + DAY, MIDNIGHT + 2 * DAY)
    assert log.between(*day).frame["feature_hour"].to_list() == list(range(30, 60))
    digests = [log.digest(MIDNIGHT + at * DAY, MIDNIGHT + (at + 1) * DAY) for at in range(4)]
    with closing(sqlite3.connect(served)) as connection, connection:
        connection.execute("UPDATE \"its log\" SET late = 1 - late, known = NULL WHERE at >= '2026-03-04'")
    again = scan(f"sqlite:///{served}#its log", COLUMNS, reach=timedelta(0))
    before = scan(f"sqlite:///{served}#its log", COLUMNS, reach=timedelta(0))
    assert again.digest(*day) == before.digest(*day)
    now = scan(f"sqlite:///{served}#its log", COLUMNS)
    assert now.digest(MIDNIGHT + 3 * DAY, MIDNIGHT + 4 * DAY) != digests[3]


def test_a_table_that_is_written_to_is_read_as_it_was(served: Path) -> None:
    log = scan(f"sqlite:///{served}#its log", COLUMNS)
    assert log.versions == {"v7": 120}
    with closing(sqlite3.connect(served)) as connection, connection:
        connection.execute(
            "INSERT INTO \"its log\" VALUES (999, '2026-03-09T00:00:00Z', 'v8', 0.5, 1, NULL, 1, 'y', '')"
        )
    assert log.between(MIDNIGHT + 7 * DAY, MIDNIGHT + 9 * DAY).frame.is_empty()
    assert scan(f"sqlite:///{served}#its log", COLUMNS).versions == {"v7": 120, "v8": 1}


@pytest.mark.parametrize(
    ("source", "error", "code"),
    [
        ("sqlite:///{}", ConfigError, "log/bad-address"),
        ("sqlite:///{}#a.b.c", ConfigError, "log/bad-address"),
        ("sqlite://host/{}#t", ConfigError, "log/bad-address"),
        ("sqlite:///#t", ConfigError, "log/bad-address"),
        ("sqlite:///{}.not#t", DataError, "log/no-file"),
        ("sqlite:///{}#lgo", DataError, "no such table.*log/database"),
        ("sqlite:///{}#its log\"; DROP TABLE \"its log", DataError, "log/database"),
        ("sqllite:///{}#t", ConfigError, r"unknown source of a log 'sqllite://'.*log/unknown-source[^✗]*sqlite"),
        ("postgresql://me:secret@host/db#t", ConfigError, "log/credentials-in-address"),
        ("postgresql://host/db?password=secret#t", ConfigError, "log/credentials-in-address"),
        ("postgresql://host:port/db#t", ConfigError, "log/bad-address"),
    ],
)  # fmt: skip
def test_addresses_that_make_no_sense_are_refused(served: Path, source: str, error: type[Exception], code: str) -> None:
    with pytest.raises(error, match=code) as raised:
        read(source.format(served), COLUMNS)
    assert "secret" not in str(raised.value)
    assert read(f"sqlite:///{served}#its log", COLUMNS).counts.predictions == 120


def test_columns_and_times_of_a_table_are_checked(served: Path) -> None:
    address = f"sqlite:///{served}#its log"
    with pytest.raises(DataError, match="data/missing-column"):
        read(address, {**COLUMNS, "probability": "q"})
    with pytest.raises(ConfigError, match="log/missing-field"):
        read(address)
    with closing(sqlite3.connect(served)) as connection, connection:
        connection.execute("UPDATE \"its log\" SET at = '2026-03-03 23:59:00+09:00' WHERE hour = 7")
    with pytest.raises(DataError, match=r"log/unordered-times|log/bad-time"):
        read(address, COLUMNS)
    with closing(sqlite3.connect(served)) as connection, connection:
        connection.execute('UPDATE "its log" SET at = NULL WHERE hour = 7')
    with pytest.raises(DataError, match=r"1 rows without a time.*log/missing-value"):
        read(address, COLUMNS)
    with closing(sqlite3.connect(served)) as connection, connection:
        connection.execute('DELETE FROM "its log"')
    with pytest.raises(DataError, match="log/no-rows"):
        read(address, COLUMNS)


def test_paths_are_relative_to_the_root(served: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert scan("sqlite:///served.db#its log", COLUMNS, root=served.parent).versions == {"v7": 120}
    address = read_address("postgresql://db.internal:5433/served#audit.predictions")
    assert isinstance(address.dialect, Postgresql)
    assert address.dialect.where == {"host": "db.internal", "port": 5433, "dbname": "served"}
    assert address.table == ("audit", "predictions")


def read_address(source: str) -> Table:
    from modelyard.log.layouts import layout_of
    from modelyard.log.sources import open_sources

    (found,) = open_sources(source, layout_of(COLUMNS, "", ""))
    assert isinstance(found, Table)
    return found


def request(at: int, asked: Any, told: Any, **other: Any) -> dict[str, Any]:
    return {
        "databricks_request_id": f"r{at}",
        "client_request_id": None,
        "timestamp_ms": int((NOON + at * timedelta(hours=1)).timestamp() * 1000),
        "status_code": 200,
        "sampling_fraction": 1.0,
        "execution_time_ms": 12,
        "request": json.dumps(asked),
        "response": json.dumps(told),
        "request_metadata": {"endpoint_name": "late", "model_name": "late", "model_version": "7"},
        **other,
    }


SPLIT = {"dataframe_split": {"columns": ["hour", "carrier"], "data": [[7, "UA"], [8, None]]}}


def table(path: Path, *rows: dict[str, Any]) -> Path:
    pl.DataFrame(list(rows), infer_schema_length=None).write_parquet(path)
    return path


def test_a_payload_table_has_a_row_for_each_prediction_of_each_request(tmp_path: Path) -> None:
    records = {"dataframe_records": [{"hour": 9, "carrier": "B6"}]}
    path = table(
        tmp_path / "payload.parquet",
        request(0, SPLIT, {"predictions": [1, 0]}),
        request(1, records, {"predictions": [1]}, client_request_id="mine"),
        request(2, {"inputs": {"hour": [1, 2], "carrier": ["AA", "AA"]}}, {"predictions": [[0], [1]]}),
        request(3, {"instances": [[1, 2], [3, 4]]}, {"predictions": [0, 1]}, sampling_fraction=0.5),
        request(4, SPLIT, {"error_code": "BAD_REQUEST"}, status_code=400),
        request(5, SPLIT, None, response=None),
    )
    found = read(path, "inference-table")
    assert found.frame["id"].to_list() == ["r0-0", "r0-1", "mine", "r2-0", "r2-1", "r3-0", "r3-1"]
    assert found.frame["prediction"].to_list() == [1, 0, 1, 0, 1, 0, 1]
    assert found.frame["feature_hour"].to_list() == [7, 8, 9, 1, 2, None, None]
    assert found.frame["feature_carrier"].to_list() == ["UA", None, "B6", "AA", "AA", None, None]
    assert found.frame["sample"].to_list() == [None, None, None, None, None, 0.5, 0.5]
    assert found.frame["time"][2] == NOON + timedelta(hours=1)
    assert (found.counts.models, found.counts.failed_requests) == ({"7": 7}, 2)


def test_the_newer_payload_table_and_labels_that_the_writer_wrote(tmp_path: Path) -> None:
    rows = []
    for at in range(3):
        row = request(at, SPLIT, {"predictions": [{"probability_late": 0.25}, {"probability_late": 0.75}]})
        for name in ("timestamp_ms", "request_metadata"):
            del row[name]
        rows.append({**row, "request_time": (NOON + at * DAY).replace(tzinfo=None), "served_entity_id": "late-8"})
    path = table(tmp_path / "payload.parquet", *rows)
    with Writer(tmp_path / "labels") as log:
        log.label(id="r1-1", label=True, time=NOON + 3 * DAY)
    both = [path, tmp_path / "labels"]
    found = read(both, "inference-table")
    assert found.counts.models == {"late-8": 6}
    assert found.frame.filter(pl.col("label").is_not_null())["id", "probability_late"].rows() == [("r1-1", 0.75)]
    assert scan(both, "inference-table").between(MIDNIGHT + DAY, MIDNIGHT + 2 * DAY).counts.labelled == 1
    assert read(both, "inference-table", model="v8").counts.models == {"v8": 6}


def test_a_payload_table_in_a_database(tmp_path: Path) -> None:
    path = tmp_path / "served.db"
    rows = [
        request(at, SPLIT, {"predictions": [at, at]}, request_metadata='{"model_version": "7"}') for at in range(48)
    ]
    with closing(sqlite3.connect(path)) as connection, connection:
        names = ", ".join(rows[0])
        connection.execute(f"CREATE TABLE payload ({names})")
        for row in rows:
            connection.execute("INSERT INTO payload VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", tuple(row.values()))
    log = scan(f"sqlite:///{path}#payload", "inference-table")
    assert log.versions == {"7": 96}
    assert len(log.between(MIDNIGHT + DAY, MIDNIGHT + 2 * DAY).frame) == 48


def test_labels_have_a_source_of_their_own(served: Path, tmp_path: Path) -> None:
    known = [{"request": at, "late": at % 5 == 0, "at": f"2026-03-05 {at % 24:02}:00:00Z"} for at in range(60)]
    pl.DataFrame(known).write_csv(tmp_path / "outcomes.csv")
    with closing(sqlite3.connect(served)) as connection, connection:
        connection.execute("CREATE TABLE outcomes (request INTEGER, late BOOLEAN, at TEXT)")
        rows = [(each["request"], each["late"], each["at"]) for each in sorted(known, key=lambda each: str(each["at"]))]
        connection.executemany("INSERT INTO outcomes VALUES (?, ?, ?)", rows)
    columns = {"id": "request id", "time": "at", "model": "by", "probability": "p%"}
    its = {"id": "request", "label": "late", "time": "at"}
    found = {}
    for source in ("outcomes.csv", "sqlite:///served.db#outcomes"):
        told = {
            "source": "sqlite:///served.db#its log", "columns": columns, "labels": {"source": source, "columns": its}
        }  # fmt: skip
        log = scan_of(Log.model_validate(told), root=tmp_path, reach=7 * DAY)
        day = log.between(MIDNIGHT + 2 * DAY, MIDNIGHT + 3 * DAY)
        assert day.counts.labelled == 30
        found[source] = day.frame.sort("id").with_columns(pl.col("label").cast(pl.Boolean))
    assert_frame_equal(*found.values())
    bare = {"source": "sqlite:///served.db#outcomes", "columns": {"id": "request", "label": "late"}}
    told = {"source": "sqlite:///served.db#its log", "columns": columns, "labels": bare}
    with pytest.raises(ConfigError, match="log/missing-field"):
        _ = scan_of(Log.model_validate(told), root=tmp_path, reach=DAY).entries


def test_payloads_that_cannot_be_understood_are_errors(tmp_path: Path) -> None:
    def code(row: dict[str, Any], **given: Any) -> str:
        with pytest.raises((DataError, ConfigError)) as raised:
            read(table(tmp_path / "p.parquet", row), "inference-table", **given)
        return raised.value.code

    assert code(request(0, SPLIT, {"predictions": [1]})) == "log/unlike-payload"
    assert code(request(0, SPLIT, {"predictions": [[0.2, 0.8], [0.1, 0.9]]})) == "log/unlike-payload"
    assert code(request(0, SPLIT, {"predictions": [{"score": 1}, {"score": 2}]})) == "log/unlike-payload"
    assert code(request(0, {"messages": []}, {"predictions": [1]})) == "log/unlike-payload"
    assert code(request(0, SPLIT, {"predictions": [1, 0]}, request="{")) == "log/damaged"
    assert code(request(0, SPLIT, {"predictions": [1, 0]}, request_metadata=None)) == "log/missing-value"
    bare = request(0, SPLIT, {"predictions": [1, 0]})
    assert code({name: value for name, value in bare.items() if name != "timestamp_ms"}) == "log/missing-column"
    assert code({name: value for name, value in bare.items() if name != "response"}) == "log/missing-column"
    with pytest.raises(ConfigError, match="log/unknown-layout"):
        read(tmp_path, "inference-tables")
