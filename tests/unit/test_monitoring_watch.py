"""All complete windows of a log are looked at, and what is not over yet is counted alone."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from modelyard.config.sections.monitor import Monitor
from modelyard.core.reasons import because
from modelyard.log import Writer
from modelyard.log.stretches import scan_of
from modelyard.monitoring.watch import Version, watch

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
