"""Windows of a log: complete stretches of one version each; what came after the moment of looking is not there."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from modelyard.log.layouts import layout_of
from modelyard.log.sources import open_sources
from modelyard.log.stretches import Scan
from modelyard.monitoring.planned import Plan, planned
from modelyard.monitoring.windows import Cut, later

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday


COLUMNS = {
    "id": "id",
    "time": "time",
    "model": "model",
    "prediction": "p",
    "label": "label",
    "label_time": "label_time",
}


def _log(hours: int, *, version: str = "v1", begin: datetime = NOON, delay: int = 48) -> pl.DataFrame:
    times = [begin + timedelta(hours=at) for at in range(hours)]
    moment = pl.Datetime("us", "UTC")
    return pl.DataFrame(
        {
            "id": [f"{version}-{at:05}" for at in range(hours)],
            "time": pl.Series(times, dtype=moment),
            "model": [version] * hours,
            "p": [1] * hours,
            "label": [1] * hours,
            "label_time": pl.Series([time + timedelta(hours=delay) for time in times], dtype=moment),
        }
    )


def _plan(frame: pl.DataFrame, folder: Path, every: str, now: datetime, zone: str = "UTC") -> Plan:
    path = folder / "log.parquet"
    frame.write_parquet(path)
    opened = Scan(open_sources(path, layout_of(COLUMNS, "", "")), reach=timedelta(days=28), now=now)
    return planned(opened, every=every, zone=zone, labels="2 days")


def _read(plan: Plan) -> list[Cut]:
    return [cut for ahead in plan.windows if (cut := ahead.read()[0]) is not None]


def _cut(frame: pl.DataFrame, folder: Path, every: str = "1 day", zone: str = "UTC") -> list[str]:
    plan = _plan(frame, folder, every, NOON + timedelta(days=400), zone)
    return [f"{cut.version} {cut.key} {len(cut.frame)}" for cut in _read(plan)]


def test_days_begin_at_midnight_of_the_zone_and_a_day_that_is_not_over_is_none(tmp_path: Path) -> None:
    assert _cut(_log(36), tmp_path) == ["v1 2026-03-02 12", "v1 2026-03-03 24"]
    assert _cut(_log(36), tmp_path, zone="Asia/Tokyo") == ["v1 2026-03-02 3", "v1 2026-03-03 24", "v1 2026-03-04 9"]
    found = _plan(_log(36), tmp_path, "1 day", NOON + timedelta(hours=30))
    assert [cut.key for cut in _read(found)] == ["2026-03-02"]
    assert found.open_rows == 19, "of the day that is not over, up to now"


@pytest.mark.parametrize(
    ("every", "keys"),
    [
        ("7 days", ["2026-03-02", "2026-03-09", "2026-03-16", "2026-03-23", "2026-03-30"]),
        ("1 week", ["2026-03-02", "2026-03-09", "2026-03-16", "2026-03-23", "2026-03-30"]),
        ("1 month", ["2026-03", "2026-04"]),
        ("12 hours", ["2026-03-02T12:00+0000", "2026-03-03T00:00+0000"]),
    ],
)
def test_stretches_of_a_calendar(every: str, keys: list[str], tmp_path: Path) -> None:
    found = _cut(_log(24 * 32), tmp_path, every)
    assert [each.split()[1] for each in found][: len(keys)] == keys


def test_a_stretch_across_the_change_of_clocks_is_one_window(tmp_path: Path) -> None:
    begin = datetime(2026, 3, 28, 23, tzinfo=UTC)  # midnight in Paris; the next day has 23 hours
    assert _cut(_log(47, begin=begin), tmp_path, zone="Europe/Paris") == ["v1 2026-03-29 23", "v1 2026-03-30 24"]


def test_a_window_in_which_the_version_changed_is_two_by_when_they_began(tmp_path: Path) -> None:
    both = pl.concat([_log(6, version="v2", begin=NOON + timedelta(hours=6)), _log(6, version="v1")])
    assert _cut(both, tmp_path) == ["v1 2026-03-02 6", "v2 2026-03-02 6"]


def test_rows_are_counted_for_each_version_and_the_rest_waits(tmp_path: Path) -> None:
    both = pl.concat([_log(25, version="v1"), _log(12, version="v2", begin=NOON + timedelta(days=3))])
    found = _plan(both, tmp_path, "10 rows", NOON + timedelta(days=30))
    keys = [f"{cut.version} {cut.key}" for cut in _read(found)]
    assert keys == ["v1 rows 1-10", "v1 rows 11-20", "v2 rows 1-10"]
    assert found.open_rows == 7


def test_what_came_after_the_moment_of_looking_is_not_seen(tmp_path: Path) -> None:
    (found,) = _read(_plan(_log(12), tmp_path, "12 hours", NOON + timedelta(hours=50)))
    frame = found.frame
    assert frame["label"].null_count() == 9, "labels of the first three hours alone were known"
    assert frame["label_time"].null_count() == frame["first_label_time"].null_count() == 9
    assert not found.mature
    (later_on,) = _read(_plan(_log(12), tmp_path, "12 hours", NOON + timedelta(hours=60)))
    assert later_on.mature


def test_the_digest_is_of_the_rows_and_their_labels(tmp_path: Path) -> None:
    early, late, later_on = (NOON + timedelta(days=days) for days in (2, 9, 12))

    def digests(now: datetime, said: int = 1) -> list[str]:
        plan = _plan(_log(36).with_columns(p=said), tmp_path, "1 day", now)
        return [ahead.digest for ahead in plan.windows]

    assert digests(late) == digests(later_on), "nothing came in between"
    assert digests(late)[0] != digests(early)[0]
    assert digests(late)[0] != digests(late, 2)[0]


def test_a_month_later_is_the_last_day_that_there_is() -> None:
    assert later(datetime(2026, 1, 31, tzinfo=UTC), "1 month") == datetime(2026, 2, 28, tzinfo=UTC)
    assert later(datetime(2026, 11, 30, tzinfo=UTC), "3 months") == datetime(2027, 2, 28, tzinfo=UTC)
