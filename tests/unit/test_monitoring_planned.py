"""Windows of a log that is larger than memory are those of the same log read at once."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from modelyard.log import Writer, read
from modelyard.log.sources import open_sources
from modelyard.log.stretches import Scan
from modelyard.monitoring.planned import planned
from tests.windows_at_once import windows

BEGIN = datetime(2026, 3, 20, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 days over the change of the clock, 2 versions that follow each other, labels within 5 days."""
    folder = tmp_path_factory.mktemp("log")
    chosen = random.Random(4)  # noqa: S311 - rows are no secret
    for part in range(10):
        with Writer(folder, model="v7") as writer:
            for at in range(60):
                moment = BEGIN + part * 2 * DAY + timedelta(seconds=chosen.randrange(2 * 86_400))
                version = "v8" if moment > BEGIN + 9.4 * DAY else "v7"
                writer.write(id=f"{part}-{at}", prediction=at, time=moment, model=version, features={"at": at})
                if at % 4:
                    writer.label(id=f"{part}-{at}", label=at % 2, time=moment + chosen.random() * 5 * DAY)
    return folder


@pytest.mark.parametrize("every", ["1 day", "7 days", "1 week", "1 month", "6 hours"])
@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_windows_are_those_of_the_log_read_at_once(log: Path, every: str, zone: str) -> None:
    now = BEGIN + 19 * DAY
    whole = windows(read(log).frame, every=every, zone=zone, labels="5 days", now=now)
    plan = planned(Scan(open_sources(log, None), reach=9 * DAY, now=now), every=every, zone=zone, labels="5 days")
    found = [cut for each in plan.windows if (cut := each.read()[0]) is not None]
    assert plan.open_rows == whole.open_rows
    told = [(each.key, each.begin, each.end, each.version, each.mature) for each in whole.cuts]
    assert [(each.key, each.begin, each.end, each.version, each.mature) for each in found] == told
    for one, two in zip(found, whole.cuts, strict=True):
        assert_frame_equal(one.frame, two.frame, check_column_order=False, check_dtypes=False)


def test_windows_of_so_many_rows(log: Path) -> None:
    now = BEGIN + 15 * DAY
    whole = windows(read(log).frame, every="50 rows", zone="UTC", labels="5 days", now=now)
    plan = planned(Scan(open_sources(log, None), reach=9 * DAY, now=now), every="50 rows", zone="UTC", labels="5 days")
    assert plan.open_rows == whole.open_rows
    found = [cut for each in plan.windows if (cut := each.read()[0]) is not None]
    assert [(cut.key, cut.version, cut.mature) for cut in found] == [
        (cut.key, cut.version, cut.mature) for cut in whole.cuts
    ]
    for one, two in zip(found, whole.cuts, strict=True):
        assert one.frame["id"].to_list() == two.frame["id"].to_list()


def test_a_label_of_later_is_not_seen_and_the_one_before_counts(tmp_path: Path) -> None:
    with Writer(tmp_path, model="v7") as writer:
        writer.write(id=1, prediction=1, time=BEGIN)
        writer.label(id=1, label=0, time=BEGIN + DAY)
        writer.label(id=1, label=1, time=BEGIN + 3 * DAY)
    for now, label in ((2 * DAY, 0), (4 * DAY, 1)):
        log = Scan(open_sources(tmp_path, None), reach=9 * DAY, now=BEGIN + now)
        (window,) = planned(log, every="1 day", zone="UTC", labels="1 day").windows
        cut, counts = window.read()
        assert cut is not None
        assert cut.frame["label"].to_list() == [label]
        assert counts.predictions == 1


def test_days_that_a_wrong_clock_wrote_make_their_own_windows_alone(tmp_path: Path) -> None:
    with Writer(tmp_path, model="v7") as writer:
        writer.write(id=1, prediction=1, time=datetime(1970, 1, 1, tzinfo=UTC))
        writer.write(id=2, prediction=1, time=BEGIN)
        writer.write(id=3, prediction=1, time=BEGIN + 60 * DAY)
    plan = planned(Scan(open_sources(tmp_path, None), reach=DAY), every="1 day", zone="UTC", labels="1 day")
    assert [each.key for each in plan.windows] == ["1970-01-01", "2026-03-20"]
    assert plan.open_rows == 1
    frames = [cut.frame for each in plan.windows if (cut := each.read()[0]) is not None]
    assert pl.concat(frames)["id"].to_list() == ["1", "2"]
