"""monitor at a desk: a tiny model serves for a week, and what is seen of it, from a log as serving code writes it."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from modelyard.log import Writer
from tests import desk
from tests.desk import inside, modelyard

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
DAY = timedelta(days=1)
CONFIG = (
    desk.QUICK
    + """\
monitor:
  log: {source: predictions}
  window: 1 day
  labels: 12 hours
  performance:
    - {metric: accuracy, no_worse_than: test, margin: 0.1}
"""
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A champion, v1."""
    folder = desk.repository(tmp_path_factory.mktemp("monitor") / "tiny", CONFIG)
    done = modelyard(folder, "run", "--promote")
    assert done.code == 0, done.err
    return folder


@pytest.fixture
def tiny(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "tiny")
    return tmp_path / "tiny"


def serve(folder: Path, rows: pl.DataFrame, day: int, *, model: str = "v1", labels: bool = True) -> None:
    """Score rows with the model that was promoted, and log what it said on that day; labels come six hours later."""
    import skops.io

    file = folder / "modelyard-run" / "model" / "model.skops"
    scorer = skops.io.load(file, trusted=skops.io.get_untrusted_types(file=file))
    scores = scorer.predict_proba(rows.select(scorer.feature_names_in_.tolist()).to_pandas())
    classes = [str(each) for each in scorer.classes_]
    with Writer(folder / "predictions", model=model) as log:
        for at, (row, score) in enumerate(zip(rows.iter_rows(named=True), scores.tolist(), strict=True)):
            name, moment = f"{day}-{row['key']}", BEGIN + day * DAY + at * DAY / len(rows)
            features = {each: row[each] for each in ("size", "colour")}
            log.write(id=name, time=moment, prediction=dict(zip(classes, score, strict=True)), features=features)
            if labels:
                log.label(id=name, label=row["answer"], time=moment + DAY / 4)


def look(folder: Path, day: int, *arguments: str) -> tuple[dict[str, Any], str]:
    """Monitor when a day is over and its labels are there; returns the record's result and what was said."""
    moment = (BEGIN + (day + 1.75) * DAY).isoformat()
    done = inside(folder, "monitor", "--as-of", moment, *arguments)
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads((folder / "modelyard-run" / "records" / "monitor.json").read_bytes())["record"]
    return {**found["result"], "verdict": found["verdict"]}, done.out + done.err


def test_a_quiet_week_and_a_second_look_that_reads_nothing_again(tiny: Path) -> None:
    for day in range(4):
        serve(tiny, desk.rows(300, seed=50 + day), day)
    result, said = look(tiny, 3)
    assert [window["key"] for window in result["windows"]] == [f"2026-03-0{day}" for day in (2, 3, 4, 5)]
    assert all(window["faults"] == [] for window in result["windows"]), result["windows"]
    assert not any(each["alarm"] for window in result["windows"] for each in window["drift"])
    assert {each["column"] for each in result["windows"][0]["drift"]} >= {"size", "colour"}
    held = result["windows"][-1]["realised"][0]
    assert (held["metric"], held["against"], held["looks"]) == ("accuracy", "test", 4)
    assert held["test"] - 0.1 == pytest.approx(held["bound"])
    assert "2026-03-05 by v1: 300 predictions" in said
    assert all(window["read_anew"] for window in result["windows"])
    page = (tiny / "modelyard-run" / "monitor.html").read_text("utf-8")
    assert "Performance over time" in page
    assert "<script" not in page

    again, said = look(tiny, 3)
    assert "2026-03-05 by v1: 300 predictions, unchanged" in said
    assert not any(window["read_anew"] for window in again["windows"])
    told = [{**window, "read_anew": None} for window in result["windows"]]
    assert [{**window, "read_anew": None} for window in again["windows"]] == told

    (damaged, *_) = sorted((tiny / ".modelyard" / "monitor" / "windows").rglob("*.json"))
    damaged.write_bytes(b"{}")
    mended, _ = look(tiny, 3)
    assert [{**window, "read_anew": None} for window in mended["windows"]] == told


def test_a_model_that_got_worse_fails_and_the_next_command_says_what_follows(tiny: Path) -> None:
    for day in range(4):
        rows = desk.rows(300, seed=60 + day)
        turned = pl.when(pl.col("answer") == "yes").then(pl.lit("no")).otherwise(pl.lit("yes"))
        serve(tiny, rows.with_columns(answer=turned) if day > 0 else rows, day)
    result, _ = look(tiny, 3)
    assert result["verdict"] == "fail"
    assert [window["realised"][0]["verdict"] for window in result["windows"]][-1] == "fail"
    done = inside(tiny, "decide", "--as-of", (BEGIN + 4.75 * DAY).isoformat(), "--json")
    assert done.json["action"] in ("retrain", "watch"), done.out  # held back by the cool-down after a promotion
    short = inside(tiny, "monitor", "report", "--newest", "2")
    assert "2026-03-05" in short.out
    assert "2026-03-02  v1" not in short.out


def test_a_unit_that_changed_is_a_fault_and_its_labels_are_not_counted(tiny: Path) -> None:
    for day in range(3):
        rows = desk.rows(300, seed=70 + day)
        serve(tiny, rows.with_columns(pl.col("size") * 1000) if day == 2 else rows, day)
    result, _ = look(tiny, 2)
    assert result["verdict"] == "fail"
    newest = result["windows"][-1]
    assert [(each["column"], each["reason"]["code"]) for each in newest["faults"]] == [("size", "unit-multiplied")]
    assert newest["realised"][0]["reason"]["code"] == "window-faulty"
    assert newest["realised"][0]["looks"] == 2


def test_predictions_of_another_model_are_a_fault(tiny: Path) -> None:
    serve(tiny, desk.rows(200, seed=80), 0)
    (written,) = (tiny / "predictions").glob("predictions-*.jsonl")
    lines = [json.loads(line) for line in written.read_text("utf-8").splitlines()]
    for row in lines:
        row["probability_yes"], row["probability_no"] = row["probability_no"], row["probability_yes"]
    written.write_text("".join(f"{json.dumps(row)}\n" for row in lines), "utf-8")
    result, _ = look(tiny, 0)
    assert "prediction-of-another" in {each["reason"]["code"] for each in result["windows"][0]["faults"]}


def test_a_version_that_nobody_published_is_a_fault(tiny: Path) -> None:
    serve(tiny, desk.rows(100, seed=90), 0, model="v9")
    result, _ = look(tiny, 0)
    assert [each["reason"]["code"] for each in result["windows"][0]["faults"]] == ["version-unknown"]


def test_without_labels_nothing_can_be_told_and_a_log_that_stopped_is_a_fault(tiny: Path) -> None:
    serve(tiny, desk.rows(200, seed=91), 0, labels=False)
    result, _ = look(tiny, 0)
    assert result["verdict"] == "inconclusive"
    assert result["windows"][0]["realised"][0]["verdict"] == "not-applicable"
    result, _ = look(tiny, 4)
    assert result["verdict"] == "fail"
    assert [each["reason"]["code"] for each in result["windows"][-1]["faults"]] == ["log-silent"]


@pytest.mark.parametrize(
    ("change", "arguments", "code", "words"),
    [
        (("monitor:\n", "# monitor:\n"), (), 2, "has no section monitor"),
        (("  log: {source: predictions}", "  log: {source: ../elsewhere}"), (), 2, "outside"),
        (("  log: {source: predictions}", "  log: {source: predictions, zone: Mars}"), (), 2, "unknown time zone"),
        (("margin: 0.1", "margin: -1"), (), 2, "margin"),
        (("", ""), ("--as-of", "yesterday"), 2, "is no moment"),
        (("", ""), (), 3, "predictions"),
    ],
)
def test_slips_are_told(tiny: Path, change: tuple[str, str], arguments: tuple[str, ...], code: int, words: str) -> None:
    path = tiny / "modelyard.yml"
    text = path.read_text("utf-8")
    if change[0] == "monitor:\n":
        text = text.partition("monitor:\n")[0]
    path.write_text(text.replace(*change) if change[0] else text, "utf-8")
    done = inside(tiny, "monitor", *arguments)
    assert done.code == code, done.err
    assert words in done.err


def test_before_the_first_promotion_there_is_nothing_to_watch(tmp_path: Path) -> None:
    folder = desk.repository(tmp_path / "tiny", CONFIG)
    done = inside(folder, "monitor")
    assert done.code == 2
    assert "there is no champion to watch" in done.err
