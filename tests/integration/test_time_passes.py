"""A suite that compares with the time of the run is judged on each run, also where nothing else changed."""

import datetime as dt
import json
import shutil
from pathlib import Path

import polars as pl
import pytest
from great_expectations.core.suite_parameters import SuiteParameterParser

from modelyard.cli.session import working
from modelyard.cli.step import following
from modelyard.core.errors import DataError
from modelyard.records.envelope import Envelope
from modelyard.steps.catalogue import STEPS
from modelyard.steps.data_view import DataView
from modelyard.steps.execution import perform
from modelyard.validation.engines.gx import GX
from modelyard.validation.suite import asks_for_time
from tests import desk
from tests.desk import inside as modelyard

NOON = dt.datetime(2026, 3, 1, 12)
FRESH = {
    "name": "fresh",
    "expectations": [
        {
            "type": "expect_column_max_to_be_between",
            "kwargs": {"column": "seen", "min_value": {"$PARAMETER": "now() - timedelta(hours=4)"}},
        }
    ],
}
CONFIG = desk.CONFIG.replace("id: key}", "id: key, drop: [seen]}")


def at(patch: pytest.MonkeyPatch, hours: float) -> None:
    """Let it be so many hours after the newest row."""
    patch.setitem(SuiteParameterParser.fn, "now", lambda: NOON + dt.timedelta(hours=hours))


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that passed an hour after the newest row, and was not promoted."""
    folder = desk.repository(tmp_path_factory.mktemp("time") / "tiny", CONFIG)
    rows = desk.rows().with_columns(
        seen=pl.Series([NOON - dt.timedelta(minutes=each) for each in range(desk.ROWS)]).dt.to_string("%F %T")
    )
    rows.write_csv(folder / "data" / "part-1.csv")
    (folder / "suite.json").write_text(json.dumps(FRESH), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        at(patch, 1)
        done = modelyard(folder, "run")
    assert done.code == 0, done.out + done.err
    return folder


@pytest.fixture
def tiny(first: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(first, tmp_path / "tiny"))


@pytest.fixture(scope="module")
def second(first: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run an hour later, promoted."""
    folder = Path(shutil.copytree(first, tmp_path_factory.mktemp("later") / "tiny"))
    with pytest.MonkeyPatch.context() as patch:
        at(patch, 2)
        done = modelyard(folder, "run", "--promote", "--reason", "the first")
    assert done.code == 0, done.out + done.err
    assert "train: unchanged" in done.err
    return folder


@pytest.fixture
def promoted(second: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(second, tmp_path / "tiny"))


def test_what_passed_then_is_not_promoted_when_it_is_stale(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, 5)
    done = modelyard(tiny, "run", "--promote")
    assert done.code == 1, done.out + done.err
    assert "validate: running (suite.json compares with the time of the run)" in done.err
    assert "promote: not run, because validate did not pass" in done.err


def test_an_unchanged_champion_whose_data_is_stale_fails(promoted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, 5)
    for _ in range(2):
        done = modelyard(promoted, "run")
        assert done.code == 1, done.out + done.err
        assert "train: not run, because validate did not pass" in done.err
        assert "1 of 1 expectation" in (promoted / "modelyard-run" / "report.md").read_text("utf-8")
    assert modelyard(promoted, "verify").code == 0


def test_an_unchanged_champion_whose_data_is_fresh_stays(promoted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path: path.read_bytes() for path in (promoted / "modelyard-run" / "records").iterdir()}
    at(monkeypatch, 3)
    done = modelyard(promoted, "run", "--promote")
    assert done.code == 0, done.out + done.err
    assert "nothing to do" in done.out
    assert "validate: pass" in done.err
    assert "train: not run, because nothing changed since v1" in done.err
    assert {path: path.read_bytes() for path in before} == before


def test_without_a_run_folder_an_unchanged_champion_is_judged_and_reported(
    promoted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(promoted / "modelyard-run")
    at(monkeypatch, 3)
    assert modelyard(promoted, "run").code == 0
    assert modelyard(promoted, "report").code == 0
    told = (promoted / "modelyard-run" / "report.md").read_text("utf-8")
    assert "Nothing to do" in told
    assert "suites still pass" in told


def test_a_suite_that_cannot_be_judged_by_now_is_an_error(promoted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise DataError("the disk is gone", code="data/unreadable")

    monkeypatch.setattr(DataView, "read", broken)
    done = modelyard(promoted, "run")
    assert done.code == 3, done.out + done.err
    assert "validate: error" in done.err
    assert "the disk is gone" in (promoted / "modelyard-run" / "report.md").read_text("utf-8")


def test_detect_calls_for_validate_where_nothing_but_time_passed(promoted: Path) -> None:
    with working({"config": str(promoted / "modelyard.yml")}) as context:
        step = STEPS.get("detect")
        found = perform(step, context, step.inputs_of({}))
        assert following(Envelope.seal(found), step, context, {}) == ["validate", "report"]


@pytest.mark.parametrize(
    ("expression", "timed"),
    [("now() - timedelta(hours=4)", True), ("now ()", True), ("known(3)", False), ("now", False), ("cutoff", False)],
)
def test_a_suite_asks_for_the_time_only_where_it_calls_now(tmp_path: Path, expression: str, timed: bool) -> None:
    kwargs = {"column": "seen", "min_value": {"$PARAMETER": expression}}
    (tmp_path / "s.json").write_text(json.dumps({"expectations": [{"type": "x", "kwargs": kwargs}]}), "utf-8")
    assert asks_for_time("s.json", tmp_path, GX) is timed
