"""A change that brings its own test rows is judged on the base's too, as far as anybody can read these."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import desk
from tests.security.test_pull_request_rules import LOCAL, Repository, written

GATE = "    - {metric: roc_auc, no_worse_than: champion, margin: 0.05}\n"
ONE_GATE = LOCAL.replace(GATE, "")


def repository_of(tmp_path: Path, config: str = ONE_GATE, ignored: str = "") -> Repository:
    folder = desk.repository(tmp_path / "repo", config)
    (folder / ".gitignore").write_text(ignored, "utf-8")
    desk.git(folder, "add", "-A")
    desk.git(folder, "commit", "-q", "--allow-empty", "-m", "with data")
    return Repository(folder, tmp_path / "runner")


def rewritten(change: Callable[[list[dict[str, str]]], list[dict[str, str]]]) -> Callable[[Path], None]:
    """Rewrite the rows of the only data set."""

    def edit(folder: Path) -> None:
        path = folder / "data" / "part-1.csv"
        with path.open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        with path.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(change(rows))

    return edit


def other_answers(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{**row, "answer": "no" if row["answer"] == "yes" else "yes"} for row in rows]


def judged(repository: Repository, *arguments: str) -> tuple[desk.Done, dict[str, Any]]:
    done = repository.run("run", *arguments)
    found: dict[str, Any] = desk.record(repository.folder, "evaluate")
    return done, found


def test_a_change_of_the_only_data_set_is_judged_on_the_bases_rows_too(tmp_path: Path) -> None:
    repository = repository_of(tmp_path)
    repository.merged(rewritten(other_answers))
    done, record = judged(repository)
    assert done.code == 1, done.out + done.err
    assert record["verdict"] == "fail"
    assert [gate["verdict"] for gate in record["result"]["gates"]] == ["pass"], "its own rows would have let it pass"
    rows = record["result"]["base_rows"]
    assert [gate["verdict"] for gate in rows["gates"]] == ["fail"]
    assert (rows["added"], rows["removed"], rows["why"]) == (0, 0, "")
    assert rows["changed"] == rows["rows"] > 100
    report = (repository.folder / "modelyard-run" / "report.md").read_text("utf-8")
    note = next(line for line in report.splitlines() if line.startswith(">"))
    assert "0 added, 242 changed, 0 removed" in note
    assert "the worse verdict counts" in note
    assert report.startswith("## ❌ Hold")


def test_rows_that_were_added_and_removed_are_counted(tmp_path: Path) -> None:
    def change(rows: list[dict[str, str]]) -> list[dict[str, str]]:
        return [*rows[50:], *({**row, "key": f"new-{at}"} for at, row in enumerate(rows[:20]))]

    repository = repository_of(tmp_path)
    repository.merged(rewritten(change))
    done, record = judged(repository)
    rows = record["result"]["base_rows"]
    assert rows["removed"] > 0
    assert rows["added"] > 0
    assert rows["changed"] == 0
    assert done.code in (0, 1)


def test_rows_of_the_base_that_the_change_trains_on_are_not_judged_on(tmp_path: Path) -> None:
    """Sets that are named: the base's test rows become training rows, which would flatter the challenger."""
    config = ONE_GATE.replace("  sets: {all: data/*.csv}\n  split: {of: all, by: hash, test: 0.4}\n",
                              "  sets: {train: data/train.csv, test: data/test.csv}\n")  # fmt: skip
    repository = repository_of(tmp_path, config)
    table = (repository.folder / "data" / "part-1.csv").read_text("utf-8").splitlines(keepends=True)

    def write(folder: Path, train: list[str], test: list[str]) -> None:
        (folder / "data" / "train.csv").write_text("".join([table[0], *train]), "utf-8")
        (folder / "data" / "test.csv").write_text("".join([table[0], *test]), "utf-8")

    write(repository.folder, table[1:400], table[400:])
    desk.git(repository.folder, "add", "-A")
    desk.git(repository.folder, "commit", "-qm", "named sets")
    repository.merged(lambda folder: write(folder, table[150:450], [*table[1:150], *table[450:]]))
    _, record = judged(repository)
    rows = record["result"]["base_rows"]
    assert rows["trained_on"] == 50
    assert rows["rows"] == len(table[400:]) - 50


def test_rows_that_nobody_can_read_are_said_in_the_second_line(tmp_path: Path) -> None:
    repository = repository_of(tmp_path)
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 10\n"
    data = repository.folder / "data" / "part-1.csv"
    text = data.read_text("utf-8")
    data.write_text(pointer.format("0" * 64), "utf-8")
    desk.git(repository.folder, "commit", "-qam", "a pointer")
    repository.merged(written("data/part-1.csv", text))
    done, record = judged(repository)
    assert record["result"]["base_rows"]["why"] == "pointer"
    report = (repository.folder / "modelyard-run" / "report.md").read_text("utf-8")
    second = [line for line in report.splitlines() if line][1]
    assert "those of the base cannot be read" in second
    assert done.code in (0, 1)


@pytest.mark.parametrize("ignored", ["", "data/\n"], ids=["tracked", "not-in-git"])
def test_nothing_is_said_where_the_test_rows_are_the_bases(tmp_path: Path, ignored: str) -> None:
    repository = repository_of(tmp_path, ignored=ignored)
    repository.merged(written("notes.txt", "words"))
    done, record = judged(repository)
    assert done.code == 0, done.out + done.err
    assert record["result"]["base_rows"] is None
