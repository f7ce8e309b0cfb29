"""A log is followed as it grows: every row once, alarms while it flows, and nothing lost when the process is killed."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from modelyard.config.sections.data import Columns
from modelyard.core.errors import DataError, PlatformError
from modelyard.log import Rotate, Writer, tidy
from modelyard.log.layouts import layout_of
from modelyard.log.sources import open_sources
from modelyard.monitoring import follow
from modelyard.monitoring.follow import Follower
from modelyard.records.results.monitor import Alarm
from tests.follow_log import KEY, NOON, WAIT, features, followed, follower

ROOT = Path(__file__).parents[2]


def serve(
    log: Writer, chosen: np.random.Generator, rows: int, *, start: int = 0, shift: float = 0.0, most: float = 0.3,
    wrong: float = 0.0, step: timedelta = timedelta(seconds=10),
) -> int:  # fmt: skip
    """Write predictions of a version and their labels; returns the next row's number."""
    for at, row in enumerate(features(chosen, rows, shift=shift, most=most).iter_rows(named=True)):
        probability = 1 / (1 + np.exp(-2 * (row["far"] - shift)))
        late = bool(chosen.random() < probability) ^ bool(chosen.random() < wrong)
        moment = NOON + (start + at) * step
        log.write(id=start + at, time=moment, prediction={"True": probability, "False": 1 - probability}, features=row)
        log.label(id=start + at, label=late, time=moment + timedelta(hours=1))
    return start + rows


def looked(running: Follower) -> list[Alarm]:
    return [alarm for told in running.look() for alarm in told]


def test_every_row_is_counted_once_over_partitions_and_processes(tmp_path: Path) -> None:
    chosen, folder = np.random.default_rng(3), tmp_path / "log"
    with Writer(folder, model="v7", rotate=Rotate(size=20_000)) as log:
        at = serve(log, chosen, 200)
        running = follower(tmp_path, folder)
        assert looked(running) == []
        assert (running.totals.predictions, running.totals.labels) == ({"v7": 200}, 200)
        at = serve(log, chosen, 50, start=at)
        assert looked(running) == []
        assert (running.totals.predictions, running.totals.labels) == ({"v7": 250}, 250)
        log.write(id=0, time=NOON, prediction={"True": 0.5, "False": 0.5})
        log.label(id=0, label=True, time=NOON)
        looked(running)
        assert (running.totals.repeated, running.totals.repeated_labels) == (1, 1)
        running.close()
        at = serve(log, chosen, 30, start=at)
    with Writer(folder, model="v7", format="parquet") as log:
        serve(log, chosen, 20, start=at)
    again = follower(tmp_path, folder)
    looked(again)
    assert (again.totals.predictions, again.totals.labels, again.totals.repeated) == ({"v7": 300}, 300, 1)
    looked(again)
    assert again.totals.predictions == {"v7": 300}


@pytest.mark.parametrize("format_", ["jsonl", "parquet", "csv"])
def test_a_partition_that_is_completed_meanwhile_is_not_counted_again(tmp_path: Path, format_: str) -> None:
    chosen, folder = np.random.default_rng(3), tmp_path / "log"
    log = Writer(folder, model="v7", format=format_)
    serve(log, chosen, 40)
    running = follower(tmp_path, folder)
    looked(running)
    serve(log, chosen, 10, start=40)
    log.close()
    looked(running)
    assert (running.totals.predictions, running.totals.repeated, running.totals.repeated_labels) == ({"v7": 50}, 0, 0)


def test_a_torn_last_line_is_counted_once_it_is_whole(tmp_path: Path) -> None:
    with Writer(tmp_path / "log", model="v7") as log:
        log.write(id=1, time=NOON, prediction=True)
        (path,) = (tmp_path / "log").iterdir()
        whole = path.read_bytes()
        path.write_bytes(whole + whole[:20])
        running = follower(tmp_path, tmp_path / "log")
        looked(running)
        assert running.totals.predictions == {"v7": 1}
        path.write_bytes(whole + whole.replace(b'"1"', b'"2"'))
        looked(running)
        assert running.totals.predictions == {"v7": 2}


def test_labels_that_are_read_before_their_predictions_count(tmp_path: Path) -> None:
    with Writer(tmp_path / "log", model="v7") as log:
        log.label(id=1, label=True, time=NOON)
        running = follower(tmp_path, tmp_path / "log")
        looked(running)
        assert running.totals.labels == 0
        log.write(id=1, time=NOON, prediction={"True": 0.7, "False": 0.3})
        log.write(id=1, time=NOON, prediction={"True": 0.7, "False": 0.3}, model="v8")
        assert [(alarm.kind, alarm.what) for alarm in looked(running)] == [("version", "v8")]
        assert (running.totals.labels, running.totals.predictions) == (2, {"v7": 1, "v8": 1})


def test_alarms_come_while_the_log_grows_and_are_told_once(tmp_path: Path) -> None:
    chosen, folder = np.random.default_rng(5), tmp_path / "log"
    with Writer(folder, model="v7") as log:
        at = serve(log, chosen, 1500)
        running = follower(tmp_path, folder)
        assert looked(running) == [], "nothing has changed"
        found: dict[tuple[str, str], int] = {}
        for _ in range(15):
            at = serve(log, chosen, 100, start=at, shift=0.8, most=0.6, wrong=0.45)
            for alarm in looked(running):
                assert alarm.began
                found[alarm.kind, alarm.what] = alarm.rows
        assert set(found) >= {("drift", "far"), ("drift", "carrier"), ("performance", "accuracy")}
        assert found["drift", "far"] <= 2100
        running.close()
        assert looked(follower(tmp_path, folder)) == []


def test_days_are_the_values_where_rows_depend_on_each_other(tmp_path: Path) -> None:
    chosen, folder = np.random.default_rng(6), tmp_path / "log"
    columns = Columns(target="late", time="at")
    with Writer(folder, model="v7") as log:
        at = serve(log, chosen, 800, step=timedelta(hours=1))
        running = follower(tmp_path, folder, columns=columns)
        assert running.by_day
        assert looked(running) == []
        serve(log, chosen, 1200, start=at, step=timedelta(hours=1), shift=3.0)
        assert ("drift", "far") in {(alarm.kind, alarm.what) for alarm in looked(running)}
    rows = sqlite3.connect(tmp_path / "state.db", timeout=0)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        rows.execute("SELECT * FROM waiting")
    running.close()
    days = [name for (name,) in rows.execute("SELECT name FROM state WHERE name LIKE 'day %'")]
    assert len(days) <= 2, "days that are over are summed up and gone"


def test_what_nobody_waits_for_is_forgotten(tmp_path: Path) -> None:
    chosen, folder = np.random.default_rng(7), tmp_path / "log"
    with Writer(folder, model="v7") as log:
        serve(log, chosen, 500, step=timedelta(hours=1))
        running = follower(tmp_path, folder)
        looked(running)
        running.close()
    kept = sqlite3.connect(tmp_path / "state.db")
    for table in ("waiting", "early"):
        query = {"waiting": "SELECT COUNT(*) FROM waiting", "early": "SELECT COUNT(*) FROM early"}[table]
        assert kept.execute(query).fetchone()[0] <= 2 * WAIT / timedelta(hours=1) + 2


def test_a_process_that_is_killed_at_any_moment_goes_on_with_equal_totals(tmp_path: Path) -> None:
    chosen, folder, when = np.random.default_rng(8), tmp_path / "log", random.Random(8)  # noqa: S311 - no secret
    with Writer(folder, model="v7", rotate=Rotate(size=30_000)) as log:
        serve(log, chosen, 700)
    other = follower(tmp_path / "other", folder)
    looked(other)
    command = [sys.executable, "-m", "tests.follow_log", str(tmp_path), str(folder), "1"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    for _ in range(2):
        child = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE)
        assert child.stdout is not None
        for _ in range(when.randrange(1, 12)):
            child.stdout.readline()
        child.send_signal(signal.SIGKILL)
        child.communicate()
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True)
    assert "kept" in done.stdout
    resumed = follower(tmp_path, folder)
    assert resumed.totals == other.totals
    assert (resumed.totals.predictions, resumed.totals.labels) == ({"v7": 700}, 700)


def test_what_fails_half_way_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Writer(tmp_path / "log", model="v7") as log:
        log.write(id=1, time=NOON, prediction={"True": 0.7, "False": 0.3})
    running = follower(tmp_path, tmp_path / "log")
    with monkeypatch.context() as patch:
        patch.setattr(follow, "summarise", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            looked(running)
    again = follower(tmp_path, tmp_path / "log")
    assert again.totals.predictions == {}
    looked(again)
    assert again.totals.predictions == {"v7": 1}


def test_a_state_of_another_log_or_one_in_use_or_damaged_is_refused(tmp_path: Path) -> None:
    for name in ("log", "other"):
        Writer(tmp_path / name, model="v7").close()
    running = follower(tmp_path, tmp_path / "log")
    with pytest.raises(PlatformError, match="monitor/followed-already"):
        follower(tmp_path, tmp_path / "log")
    running.close()
    with pytest.raises(DataError, match="monitor/other-state"):
        follower(tmp_path, tmp_path / "other")
    with pytest.raises(DataError, match="monitor/other-state"):
        Follower(
            tmp_path / "state.db", open_sources(tmp_path / "log", None), lambda _: None,
            columns=Columns(target="late"), wait=WAIT * 2, key=KEY,
        )  # fmt: skip
    (tmp_path / "state.db").write_bytes(b"no database, whatever its name may say, and longer than a header is" * 20)
    with pytest.raises(DataError, match="monitor/bad-state"):
        follower(tmp_path, tmp_path / "log")


def test_killed_writers_are_tidied_while_their_log_is_followed(tmp_path: Path) -> None:
    log = Writer(tmp_path / "log", model="v7")
    serve(log, np.random.default_rng(9), 30)
    running = follower(tmp_path, tmp_path / "log")
    looked(running)
    for part in log._state.parts.values():
        os.close(part.descriptor)
    assert tidy(tmp_path / "log", idle=timedelta(0)).completed == 2
    looked(running)
    assert (running.totals.predictions, running.totals.repeated) == ({"v7": 30}, 0)


def test_a_table_that_grows_is_followed_by_its_ids(tmp_path: Path) -> None:
    table = sqlite3.connect(tmp_path / "served.db", isolation_level=None)
    table.execute("CREATE TABLE served (id TEXT, at TEXT, p REAL, far REAL, late BOOLEAN)")

    def insert(first: int, last: int) -> None:
        rows = [
            (f"{at}", f"{NOON + at * timedelta(hours=1):%Y-%m-%d %H:%M:%S}", 0.5, 0.1, None)
            for at in range(first, last)
        ]
        table.executemany("INSERT INTO served VALUES (?, ?, ?, ?, ?)", rows)

    columns = {"id": "id", "time": "at", "probability": "p", "label": "late", "features": ["far"]}
    sources = open_sources("sqlite:///served.db#served", layout_of(columns, "v7", "UTC"), tmp_path)
    insert(0, 100)
    running = Follower(
        tmp_path / "state.db", sources, followed, columns=Columns(target="late", unit="row"), wait=WAIT, key=KEY
    )
    looked(running)
    insert(100, 110)
    table.execute("UPDATE served SET late = 1 WHERE CAST(id AS INTEGER) >= 105")
    looked(running)
    looked(running)
    assert running.totals.predictions == {"v7": 110}
    assert (running.totals.labels, running.totals.repeated, running.totals.repeated_labels) == (5, 0, 0)
