"""All complete windows of a log are looked at, and what is not over yet is counted alone."""

import gc
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import polars as pl
import pytest

from modelyard.config.sections.data import Columns
from modelyard.config.sections.monitor import Monitor
from modelyard.core.reasons import because
from modelyard.log import Writer
from modelyard.log.stretches import scan_of
from modelyard.monitoring import watch as watching
from modelyard.monitoring.kept import Kept
from modelyard.monitoring.reference import reference_of
from modelyard.monitoring.watch import Version, watch
from modelyard.records.results import Feature, MonitorResult, Signature

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def test_a_log_of_a_version_that_nobody_knows_is_a_fault_of_every_window(tmp_path: Path) -> None:
    with Writer(tmp_path / "log", model="v7") as log:
        for at in range(50):
            log.write(id=at, prediction=at, time=NOON + at * DAY / 10)
            log.write(id=at, prediction=at, time=NOON + at * DAY / 10)
            log.label(id=at, label=at, time=NOON + at * DAY / 10 + DAY)
    told: dict[str, Any] = {"log": {"source": "log"}, "window": "1 day", "labels": "1 day"}
    settings = Monitor.model_validate(told)
    opened = scan_of(settings.log, root=tmp_path, reach=28 * DAY, now=NOON + 4 * DAY)
    unknown = Version("v7", because("version-unknown", version="v7"))
    said: list[str] = []
    result = watch(opened, {"v7": unknown}, settings, cast("Any", None), champion="v8", key=None, say=said.append)
    assert [window.key for window in result.windows] == ["2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04"]
    assert [window.rows for window in result.windows] == [5, 10, 10, 10]
    assert [window.labelled for window in result.windows] == [5, 10, 10, 6]
    assert [window.mature for window in result.windows] == [True, True, True, False]
    assert all(window.faults[0].reason.code == "version-unknown" and window.blocked for window in result.windows)
    assert (result.open_rows, result.counts["duplicate_predictions"]) == (12, 35)
    assert said[0] == "2026-03-01 by v7: 5 predictions"


X = np.random.default_rng(1).normal(size=400)
FAR = Feature(name="far", type="Float64", kind="numeric")
SIGNATURE = Signature(features=(FAR,), task="binary", classes=(False, True), positive=True, threshold=0.5)


def known() -> Version:
    probability = pl.DataFrame({"probability": 1 / (1 + np.exp(-X))})
    reference = reference_of(pl.DataFrame({"far": X}), probability, X > 0, task="binary", positive=True, threshold=0.5)
    return Version("v7", None, Kept(reference=reference), SIGNATURE, "sha256:12ab34cd")


def serve(log: Writer, day: int, *, rows: int = 60) -> None:
    random = np.random.default_rng(day)
    for at, far in enumerate(random.normal(size=rows).tolist()):
        moment, score = NOON + day * DAY + at * DAY / (2 * rows), 1 / (1 + float(np.exp(-far)))
        log.write(id=f"{day}-{at}", prediction={"True": score, "False": 1 - score}, time=moment, features={"far": far})
        log.label(id=f"{day}-{at}", label=bool(random.random() < score), time=moment + DAY / 2)


def seen(folder: Path, days: float, *, say: Any = lambda _text: None, **other: Any) -> MonitorResult:
    told: dict[str, Any] = {"log": {"source": "log"}, "window": "1 day", "labels": "1 day"}
    settings = Monitor.model_validate(told)
    opened = scan_of(settings.log, root=folder, reach=28 * DAY, now=NOON + days * DAY)
    columns = Columns(target="late", unit="row")
    config = cast("Any", SimpleNamespace(model=_MODEL, data=SimpleNamespace(columns=columns)))
    return watch(
        opened, {"v7": known()}, settings, config, champion="v7", key=None, cache=folder / "kept", say=say, **other
    )


class _Model:
    metric, task = "accuracy", "binary"

    def model_dump(self, **_: Any) -> dict[str, str]:
        return {"metric": self.metric}


_MODEL = _Model()


def test_a_window_whose_rows_are_the_same_in_other_files_is_not_looked_at_again(tmp_path: Path) -> None:
    with Writer(tmp_path / "log", model="v7") as log:
        for day in range(5):
            serve(log, day)
    first = seen(tmp_path, 5)
    assert [window.mature for window in first.windows] == [True] * 4 + [False]
    assert [window.read_anew for window in first.windows] == [True] * 5
    # Labels of rows of another day, known soon enough to be looked for: the files that a window is read from are more.
    with Writer(tmp_path / "log", model="v7") as log:
        serve(log, 5)
    said: list[str] = []
    second = seen(tmp_path, 6, say=said.append)
    assert [window.read_anew for window in second.windows] == [False] * 4 + [True] * 2
    assert [said[0], said[-1]] == ["2026-03-01 by v7: 60 predictions, unchanged", "2026-03-06 by v7: 60 predictions"]
    shown = {"digest": "", "read_anew": False}
    assert [each.model_copy(update=shown) for each in second.windows[:4]] == [
        each.model_copy(update=shown) for each in first.windows[:4]
    ]
    assert first.windows[0].digest != second.windows[0].digest
    # Labels that change a row make it another window, and so those after it.
    with Writer(tmp_path / "log", model="v7") as log:
        for label in (True, False):
            log.label(id=f"1-{int(label)}", label=label, time=NOON + 3 * DAY)
    third = seen(tmp_path, 6)
    assert [window.read_anew for window in third.windows] == [False] + [True] * 5


def test_of_windows_before_a_sample_is_kept_and_not_all_of_their_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "MOST_EARLIER", 100)
    for day in range(6):
        with Writer(tmp_path / "log", model="v7") as log:
            serve(log, day, rows=80)
    rows: list[int] = []

    def count(_text: str) -> None:
        frames = [each for each in gc.get_objects() if isinstance(each, pl.DataFrame)]
        rows.append(sum(len(each) for each in frames if "feature_far" in each.columns))

    seen(tmp_path, 8, say=count)
    assert len(rows) == 6
    assert max(rows) == 100
