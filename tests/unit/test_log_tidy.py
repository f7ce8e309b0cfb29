"""What killed processes left of a log is completed; what a process still writes to is left alone."""

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from modelyard.log import ConfigError, DataError, Rotate, Tidied, Writer, read, tidy
from modelyard.log.schema import OPEN

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOW = timedelta(0)
CHILD = """
import os, signal, sys
from modelyard.log import Writer
log = Writer(sys.argv[1], model="v7")
for at in range(5):
    log.write(id=at, prediction=at)
    log.label(id=at, label=at)
os.kill(os.getpid(), signal.SIGKILL)
"""


def killed(folder: Path) -> list[Path]:
    subprocess.run([sys.executable, "-c", CHILD, str(folder)], check=False)
    found = sorted(folder.glob(f"*{OPEN}"))
    assert len(found) == 2
    return found


@pytest.mark.parametrize("format_", ["jsonl", "parquet", "csv"])
def test_partitions_of_a_killed_process_are_completed(tmp_path: Path, format_: str) -> None:
    labels, predictions = killed(tmp_path)
    predictions.write_bytes(predictions.read_bytes() + b'{"id":"5","ti')
    before = read(tmp_path)
    assert before.counts.torn_lines == 1
    assert tidy(tmp_path, format=format_, idle=NOW) == Tidied(2, 0, 1, 0, 0)
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{path.name.removesuffix(OPEN)}.{format_}" for path in (labels, predictions)
    }
    after = read(tmp_path)
    assert after.counts.torn_lines == 0
    assert after.frame["id"].to_list() == before.frame["id"].to_list() == ["0", "1", "2", "3", "4"]
    assert after.frame["label"].to_list() == [0, 1, 2, 3, 4]
    assert tidy(tmp_path, format=format_, idle=NOW) == Tidied(0, 0, 0, 0, 0)


def test_a_partition_with_a_writer_is_left_alone_and_its_writer_goes_on(tmp_path: Path) -> None:
    with Writer(tmp_path, model="v7") as log:
        log.write(id=1, prediction=1)
        assert tidy(tmp_path, idle=NOW) == Tidied(0, 0, 0, 1, 0)
        log.write(id=2, prediction=2)
    assert read(tmp_path).frame["id"].to_list() == ["1", "2"]
    assert tidy(tmp_path, idle=NOW).busy == 0


def test_a_writer_in_another_process_is_seen(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD.replace("os.kill(os.getpid(), signal.SIGKILL)", "print(flush=True); input()"),
         str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert child.stdout is not None
    child.stdout.readline()
    assert tidy(tmp_path, idle=NOW).busy == 2
    child.kill()
    child.communicate()
    assert tidy(tmp_path, idle=NOW).completed == 2


def test_a_forked_child_that_lives_on_keeps_no_lock_of_its_parent(tmp_path: Path) -> None:
    script = """
import os, sys, time
from modelyard.log import Writer
log = Writer(sys.argv[1], model="v7")
log.write(id=1, prediction=1)
if os.fork():
    os._exit(0)
print(flush=True)
sys.stdin.read()
os._exit(0)
"""
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    child.wait()
    child.stdout.readline()
    assert tidy(tmp_path, idle=NOW).completed == 1
    child.communicate()


def test_what_was_written_to_a_short_while_ago_is_left(tmp_path: Path) -> None:
    killed(tmp_path)
    assert tidy(tmp_path) == Tidied(0, 0, 0, 2, 0)
    assert tidy(tmp_path, idle=NOW).completed == 2


def test_leftovers_go_and_nothing_is_there_twice(tmp_path: Path) -> None:
    _, predictions = killed(tmp_path)
    final = predictions.with_name(f"{predictions.name.removesuffix(OPEN)}.jsonl")
    final.write_bytes(predictions.read_bytes())
    half = tmp_path / f".{final.name}.x7f"
    half.write_bytes(b"PAR1")
    mine = tmp_path / "README.md"
    mine.write_text("what this folder is")
    empty = tmp_path / f"predictions-20260301T120000.000000Z-1-00000000{OPEN}"
    empty.write_bytes(b'{"id":')
    assert tidy(tmp_path, idle=NOW) == Tidied(2, 1, 1, 0, 0)
    assert not predictions.exists()
    assert not empty.exists()
    assert not half.exists()
    assert mine.exists()
    assert read(tmp_path).counts.duplicate_predictions == 0


def test_a_damaged_partition_stays_for_somebody_to_look_at(tmp_path: Path) -> None:
    damaged = tmp_path / f"predictions-20260301T120000.000000Z-1-00000000{OPEN}"
    damaged.write_bytes(b"[1]\n")
    assert tidy(tmp_path, format="parquet", idle=NOW) == Tidied(0, 0, 0, 0, 1)
    assert damaged.read_bytes() == b"[1]\n"


def test_several_tidy_and_read_and_write_at_once(tmp_path: Path) -> None:
    for _ in range(3):
        subprocess.run([sys.executable, "-c", CHILD, str(tmp_path)], check=False)
    done: list[Tidied] = []
    threads = [threading.Thread(target=lambda: done.append(tidy(tmp_path, idle=NOW))) for _ in range(4)]
    with Writer(tmp_path, model="v7", rotate=Rotate(size=200)) as log:
        for thread in threads:
            thread.start()
        for at in range(100):
            log.write(id=f"new-{at}", prediction=at)
            assert read(tmp_path).counts.predictions == 5 + at + 1
        for thread in threads:
            thread.join()
    assert sum(each.completed for each in done) == 6
    assert read(tmp_path).counts.predictions == 105


def test_what_cannot_be_tidied_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="log/no-folder"):
        tidy(tmp_path / "none")
    with pytest.raises(ConfigError, match="log/unknown-format"):
        tidy(tmp_path, format="avro")
    os.mkfifo(tmp_path / "predictions.fifo")
    assert tidy(tmp_path) == Tidied(0, 0, 0, 0, 0)
