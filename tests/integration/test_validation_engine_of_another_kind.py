"""An engine of validation is one class and its registration: a suite is read, judged and reported by it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from modelyard.cli.main import main
from modelyard.core.errors import ConfigError
from modelyard.core.verdict import Verdict
from modelyard.records.results.validate import Observed
from modelyard.report import expectations
from modelyard.validation import engines
from modelyard.validation.engine import ArgumentFault, Outcome
from modelyard.validation.judge import judge_suite
from modelyard.validation.suite import Item, load_suite

CONFIG = """\
model: {name: counted, task: binary}
data:
  sets: {all: rows.csv}
  split: {of: all, by: stratified, test: 0.3}
  columns: {target: late}
validate: {suites: {all: suite.json}}
train:
  candidates: [{estimator: sklearn.dummy.DummyClassifier}]
"""


class Counter:
    """Knows one type of expectation: how many rows a table has."""

    name, title, package = "counter", "The Counter", "counter"

    def version(self) -> str:
        return "counter 1"

    def knows(self) -> Mapping[str, frozenset[str]]:
        return {"expect_table_row_count_to_be_between": frozenset({"min_value", "max_value"})}

    def checks(self, kind: str, arguments: Mapping[str, Any]) -> ArgumentFault | None:
        low = arguments.get("min_value", 0)
        return None if isinstance(low, int) else ArgumentFault("min_value", f"{kind}: counts are whole")

    def evaluates(self, expression: str, parameters: Mapping[str, Any]) -> Any:
        raise LookupError(expression)

    def asks_for_time(self, expression: str) -> bool:
        return not expression

    def judges(self, frame: pl.DataFrame) -> Any:
        def judge(item: Item, *, hidden: bool) -> Outcome:
            assert not hidden
            enough = frame.height >= item.kwargs["min_value"]
            return Outcome("passed" if enough else "failed", observed=Observed(value=frame.height))

        return judge


def suite(folder: Path, *arguments: dict[str, Any]) -> str:
    items = [{"type": "expect_table_row_count_to_be_between", "kwargs": each} for each in arguments]
    (folder / "suite.json").write_text(json.dumps({"name": "s", "expectations": items}, indent=1), "utf-8")
    return "suite.json"


def test_a_suite_is_judged_by_an_engine_that_is_handed_in(tmp_path: Path) -> None:
    loaded = load_suite(suite(tmp_path, {"min_value": 3}, {"min_value": 9}, {}), tmp_path, Counter())
    frame = pl.DataFrame({"x": [1, 2, 3, 4]})
    result = judge_suite(loaded, frame, Counter(), set_name="all", suite_path="suite.json")
    assert (result.engine, result.verdict) == ("counter 1", Verdict.ERROR)
    assert [each.state for each in result.expectations] == ["passed", "failed", "vacuous"]
    assert expectations.observed(result.expectations[1]) == "4"
    assert [note.code for note in result.expectations[2].notes] == ["no-bounds"]


def test_what_an_engine_does_not_know_or_refuses_has_its_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_suite(suite(tmp_path, {"min_value": 0.5}, {"min_valu": 1}), tmp_path, Counter())
    assert [(each.place and each.place.key, each.code) for each in caught.value.problems] == [
        ("expectations[0].kwargs.min_value", "suite/bad-argument"),
        ("expectations[1].kwargs.min_valu", "suite/unknown-key"),
    ]


def test_the_step_names_no_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    counter = Counter()
    monkeypatch.setattr(engines.ENGINES, "_items", dict(engines.ENGINES._items))
    engines.ENGINES.register(counter)
    monkeypatch.setattr(engines, "default_engine", lambda: engines.ENGINES.get("counter"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "modelyard.yml").write_text(CONFIG, "utf-8")
    (tmp_path / "rows.csv").write_text("late,x\n" + "true,1\nfalse,2\n" * 5, "utf-8")
    suite(tmp_path, {"min_value": 10})
    assert main(["detect"]) == 0
    assert main(["validate"]) == 0, capsys.readouterr().err
    record = json.loads((tmp_path / "modelyard-run/records/validate.json").read_bytes())["record"]
    assert record["result"]["suites"][0]["engine"] == "counter 1"


def test_an_engine_that_is_not_registered_is_refused() -> None:
    with pytest.raises(ConfigError, match="unknown validation engine 'gxx'"):
        engines.ENGINES.get("gxx")
