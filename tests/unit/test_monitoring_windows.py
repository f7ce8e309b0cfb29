"""Windows of a log: complete stretches of one version each; what came after the moment of looking is not there."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from modelyard.monitoring.windows import later, windows

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday


def _log(hours: int, *, version: str = "v1", begin: datetime = NOON, delay: int = 48) -> pl.DataFrame:
    times = [begin + timedelta(hours=at) for at in range(hours)]
    moment = pl.Datetime("us", "UTC")
    labelled = [time + timedelta(hours=delay) for time in times]
    return pl.DataFrame(
        {
            "id": [f"{version}-{at:05}" for at in range(hours)],
            "time": pl.Series(times, dtype=moment),
            "model": [version] * hours,
            "label": [1] * hours,
            "label_time": pl.Series(labelled, dtype=moment),
            "first_label_time": pl.Series(labelled, dtype=moment),
        }
    )


def _cut(frame: pl.DataFrame, every: str = "1 day", now: datetime | None = None, zone: str = "UTC") -> list[str]:
    found = windows(frame, every=every, zone=zone, labels="2 days", now=now or NOON + timedelta(days=400))
    return [f"{cut.version} {cut.key} {len(cut.frame)}" for cut in found.cuts]


def test_days_begin_at_midnight_of_the_zone_and_a_day_that_is_not_over_is_none() -> None:
    assert _cut(_log(36)) == ["v1 2026-03-02 12", "v1 2026-03-03 24"]
    assert _cut(_log(36), zone="Asia/Tokyo") == ["v1 2026-03-02 3", "v1 2026-03-03 24", "v1 2026-03-04 9"]
    found = windows(_log(36), every="1 day", zone="UTC", labels="2 days", now=NOON + timedelta(hours=30))
    assert [cut.key for cut in found.cuts] == ["2026-03-02"]
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
def test_stretches_of_a_calendar(every: str, keys: list[str]) -> None:
    found = _cut(_log(24 * 32), every)
    assert [each.split()[1] for each in found][: len(keys)] == keys


def test_a_stretch_across_the_change_of_clocks_is_one_window() -> None:
    begin = datetime(2026, 3, 28, 23, tzinfo=UTC)  # midnight in Paris; the next day has 23 hours
    assert _cut(_log(47, begin=begin), zone="Europe/Paris") == ["v1 2026-03-29 23", "v1 2026-03-30 24"]


def test_a_window_in_which_the_version_changed_is_two_by_when_they_began() -> None:
    both = pl.concat([_log(6, version="v2", begin=NOON + timedelta(hours=6)), _log(6, version="v1")])
    assert _cut(both) == ["v1 2026-03-02 6", "v2 2026-03-02 6"]


def test_rows_are_counted_for_each_version_and_the_rest_waits() -> None:
    both = pl.concat([_log(25, version="v1"), _log(12, version="v2", begin=NOON + timedelta(days=3))])
    found = windows(both, every="10 rows", zone="UTC", labels="2 days", now=NOON + timedelta(days=30))
    keys = [f"{cut.version} {cut.key}" for cut in found.cuts]
    assert keys == ["v1 rows 1-10", "v1 rows 11-20", "v2 rows 1-10"]
    assert found.open_rows == 7


def test_what_came_after_the_moment_of_looking_is_not_seen() -> None:
    now = NOON + timedelta(hours=50)
    found = windows(_log(12), every="12 hours", zone="UTC", labels="2 days", now=now)
    frame = found.cuts[0].frame
    assert frame["label"].null_count() == 9, "labels of the first three hours alone were known"
    assert frame["label_time"].null_count() == frame["first_label_time"].null_count() == 9
    assert not found.cuts[0].mature
    later_on = windows(_log(12), every="12 hours", zone="UTC", labels="2 days", now=NOON + timedelta(hours=60))
    assert later_on.cuts[0].mature


def test_the_digest_is_of_the_rows_and_their_labels() -> None:
    def digests(frame: pl.DataFrame, now: datetime) -> list[str]:
        return [cut.digest for cut in windows(frame, every="1 day", zone="UTC", labels="2 days", now=now).cuts]

    early, late = NOON + timedelta(days=2), NOON + timedelta(days=9)
    assert digests(_log(36), late) == digests(_log(36).sample(fraction=1, shuffle=True, seed=3), late)
    assert digests(_log(36), late)[0] != digests(_log(36), early)[0]


def test_a_month_later_is_the_last_day_that_there_is() -> None:
    assert later(datetime(2026, 1, 31, tzinfo=UTC), "1 month") == datetime(2026, 2, 28, tzinfo=UTC)
    assert later(datetime(2026, 11, 30, tzinfo=UTC), "3 months") == datetime(2027, 2, 28, tzinfo=UTC)
