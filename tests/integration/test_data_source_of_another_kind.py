"""A kind of data source is one class and its registration: a package of its own brings one, and steps work with it."""

import importlib
import json
import sys
from pathlib import Path

import pytest

from modelyard.cli.main import main
from modelyard.data.source import Location
from modelyard.data.sources import SOURCES, open_source

PACKAGE = '''
"""Rows that are made in memory, by the number in the address."""

from dataclasses import dataclass

import polars as pl

from modelyard.core.canonical import digest
from modelyard.data.source import Location
from modelyard.data.sources import SOURCES
from modelyard.records.results import DataSet, Partition


@dataclass
class MemorySource:
    location: Location

    @property
    def rows(self):
        return int(self.location.source.removeprefix("memory://"))

    def list(self):
        return ("rows",)

    def fingerprint(self):
        known = digest(self.rows)
        part = Partition(path="rows", digest=known, size=self.rows)
        return DataSet(name=self.location.set, source=self.location.source, digest=known, partitions=(part,))

    def read(self, columns=None):
        frame = pl.DataFrame({"x": range(self.rows), "late": [row % 3 == 0 for row in range(self.rows)]})
        return frame if columns is None else frame.select(columns)

    def describe(self):
        return dict(self.read().schema)

    def row_format(self):
        return ".parquet"


class MemorySources:
    name = "memory"

    def open(self, location):
        return MemorySource(location)


SOURCES.register(MemorySources())
'''
CONFIG = """\
model: {name: in-memory, task: binary}
data:
  sets: {all: "memory://90"}
  split: {of: all, by: stratified, test: 0.3}
  columns: {target: late}
train:
  candidates: [{estimator: sklearn.dummy.DummyClassifier}]
  search: {folds: 2}
  jobs: 1
"""


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "memory_source.py").write_text(PACKAGE, "utf-8")
    monkeypatch.syspath_prepend(tmp_path / "packages")
    monkeypatch.setattr(SOURCES, "_items", dict(SOURCES._items))
    monkeypatch.delitem(sys.modules, "memory_source", raising=False)
    importlib.import_module("memory_source")
    return tmp_path


def test_steps_fingerprint_and_read_a_source_that_they_do_not_know(
    memory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    work = memory / "work"
    work.mkdir()
    (work / "modelyard.yml").write_text(CONFIG, "utf-8")
    monkeypatch.chdir(work)
    assert main(["detect"]) == 0
    record = json.loads((work / "modelyard-run/records/detect.json").read_bytes())["record"]
    assert [each["source"] for each in record["result"]["sets"]] == ["memory://90"]
    assert main(["train"]) == 0, capsys.readouterr().err
    record = json.loads((work / "modelyard-run/records/train.json").read_bytes())["record"]
    assert (record["result"]["train_rows"], record["result"]["test_rows"]) == (63, 27)


def test_it_is_described_and_listed_like_any_other(memory: Path) -> None:
    source = open_source(Location("all", "memory://12", memory, memory))
    assert (source.list(), list(source.describe()), len(source.read(["late"]))) == (("rows",), ["x", "late"], 12)
