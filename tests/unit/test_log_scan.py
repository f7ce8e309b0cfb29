"""A log is read by stretches of time: the same rows as at once, in little memory, and nothing twice."""

import json
import random
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from modelyard.config.sections.monitor import Log
from modelyard.log import ConfigError, DataError, Rotate, Writer, read, scan
from modelyard.log.layouts import LAYOUTS
from modelyard.log.source import Want
from modelyard.log.sources import open_sources, own
from modelyard.log.stretches import Scan, scan_of, total

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
MIDNIGHT = NOON.replace(hour=0)


def logged(folder: Path, *, days: int = 6, rows: int = 40, seed: int = 1, format_: str = "jsonl") -> None:
    """A log of two versions and two processes, with late, repeated and changed rows and labels."""
    chosen = random.Random(seed)  # noqa: S311 - rows are no secret
    writers = [Writer(folder, model="v7", rotate=Rotate(size=2500), format=format_) for _ in range(2)]
    for day in range(days):
        for at in range(rows):
            log, id_ = writers[at % 2], f"{day}-{at}"
            moment = MIDNIGHT + day * DAY + timedelta(seconds=chosen.randrange(86_400))
            model = "v8" if day >= days // 2 and at % 3 == 0 else "v7"
            log.write(id=id_, prediction=at % 5, time=moment, model=model, features={"at": at, "w": "x" * (at % 7)})
            if at % 11 == 0:
                log.write(id=id_, prediction=at % 5 + at % 2, time=moment + DAY / 2, model=model)
            for wait in chosen.choices([0.1, 1, 2.5, 9], k=at % 3):
                log.label(id=id_, label=chosen.randrange(2), time=moment + wait * DAY)
    for log in writers:
        log.close()


def later(folder: Path, cache: Path, **given: Any) -> Scan:
    """A scan of some seconds later, when the status of files is trusted."""
    sources = open_sources(folder, None)
    return Scan(sources, cache=cache, clock=lambda: time.time_ns() + 10**10, **{"reach": DAY, **given})


def by_day(source: Any, days: int, **given: Any) -> pl.DataFrame:
    log = scan(source, **given)
    frames = [log.between(MIDNIGHT + at * DAY, MIDNIGHT + (at + 1) * DAY).frame for at in range(days)]
    return pl.concat([frame for frame in frames if len(frame)], how="diagonal_relaxed")


@pytest.mark.parametrize("format_", ["jsonl", "parquet"])
def test_stretches_hold_the_rows_that_are_read_at_once(tmp_path: Path, format_: str) -> None:
    logged(tmp_path, format_=format_)
    whole = read(tmp_path)
    assert whole.counts.changed_predictions > 5 < whole.counts.duplicate_predictions
    assert whole.counts.changed_labels > 5
    parts = by_day(tmp_path, 7, reach=12 * DAY)
    assert_frame_equal(
        parts.sort("id", "model"), whole.frame.sort("id", "model"), check_column_order=False, check_dtypes=False
    )
    log = scan(tmp_path, reach=12 * DAY)
    counts = total([log.between(MIDNIGHT + at * DAY, MIDNIGHT + (at + 1) * DAY).counts for at in range(7)])
    for name in ("predictions", "models", "duplicate_predictions", "changed_predictions", "labelled", "changed_labels"):
        assert getattr(counts, name) == getattr(whole.counts, name), name
    assert (log.first, log.last) == (whole.frame["time"].min(), read(tmp_path).frame["time"].max())
    assert sum(log.volume().values()) == sum(log.versions.values()) == len(whole.frame) + 6 * 4


def test_a_stretch_of_one_version_has_no_rows_of_another(tmp_path: Path) -> None:
    logged(tmp_path)
    log = scan(tmp_path)
    both = log.between(MIDNIGHT + 3 * DAY, MIDNIGHT + 4 * DAY)
    one = log.between(MIDNIGHT + 3 * DAY, MIDNIGHT + 4 * DAY, version="v8")
    assert set(both.frame["model"]) == {"v7", "v8"}
    assert set(one.frame["model"]) == {"v8"}
    assert log.between(MIDNIGHT, MIDNIGHT + DAY, version="v8").frame.is_empty()
    assert log.between(MIDNIGHT, MIDNIGHT + DAY, version="v8").counts.predictions == 0
    assert log.versions.keys() == {"v7", "v8"}


def test_labels_out_of_reach_do_not_count(tmp_path: Path) -> None:
    with Writer(tmp_path, model="v7") as log:
        for at in range(3):
            log.write(id=at, prediction=1, time=NOON)
            log.label(id=at, label=1, time=NOON + at * 5 * DAY)
        log.write(id=3, prediction=1, time=NOON)
        log.label(id=3, label=1, time=NOON - 5 * DAY)
    end = MIDNIGHT + DAY
    assert scan(tmp_path, reach=DAY).between(MIDNIGHT, end).frame["label"].to_list() == [1, None, None, None]
    assert scan(tmp_path, reach=6 * DAY).between(MIDNIGHT, end).frame["label"].to_list() == [1, 1, None, None]
    assert scan(tmp_path).until == NOON + 10 * DAY


def test_an_unchanged_stretch_has_the_digest_it_had_and_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, cache = tmp_path / "log", tmp_path / "cache"
    logged(folder)
    days = [(MIDNIGHT + at * DAY, MIDNIGHT + (at + 1) * DAY) for at in range(6)]
    first = later(folder, cache)
    digests = [first.digest(*day) for day in days]
    assert [first.between(*day).digest for day in days] == digests
    assert first.read_anew == len(first.entries) > 10
    monkeypatch.setattr(own, "read_partition", None)
    again = later(folder, cache)
    assert [again.digest(*day) for day in days] == digests
    assert again.read_anew == 0
    monkeypatch.undo()
    with Writer(folder, model="v7") as log:
        log.write(id="new", prediction=1, time=days[4][0])
    third = later(folder, cache)
    changed = [one != two for one, two in zip(digests, [third.digest(*day) for day in days], strict=True)]
    assert changed == [False, False, False, False, True, True], "the day itself, and the next, whose repeats are told"
    assert third.read_anew == 1


def test_a_damaged_cache_is_worked_out_again(tmp_path: Path) -> None:
    folder, cache = tmp_path / "log", tmp_path / "cache"
    logged(folder, days=2)
    known = later(folder, cache).digest(MIDNIGHT, NOON)
    (kept,) = cache.rglob("*.json")
    data = kept.read_bytes()
    body = json.loads(data[data.index(b"\n") :])
    body["value"] = {name: [entry[0], entry[1], {**entry[2], "days": {}}] for name, entry in body["value"].items()}
    for damaged in (data[:-5], b"", data.replace(b'"v7"', b'"v9"'), data[:72] + json.dumps(body).encode(), b"[]"):
        kept.write_bytes(damaged)
        log = later(folder, cache)
        assert log.digest(MIDNIGHT, NOON) == known
        assert log.read_anew == len(log.entries)


def test_what_is_written_to_meanwhile_is_not_seen(tmp_path: Path) -> None:
    writer = Writer(tmp_path, model="v7")
    writer.write(id=1, prediction=1, time=NOON)
    writer.label(id=1, label=1, time=NOON)
    log = scan(tmp_path)
    digest = log.digest(MIDNIGHT, MIDNIGHT + DAY)
    writer.write(id=2, prediction=1, time=NOON)
    writer.label(id=1, label=0, time=NOON + DAY)
    for path in list(tmp_path.glob("predictions*")):
        path.write_bytes(path.read_bytes() + b'{"id"')
    assert log.between(MIDNIGHT, MIDNIGHT + DAY).frame["id", "label"].rows() == [("1", 1)]
    assert log.between(MIDNIGHT, MIDNIGHT + DAY).digest == digest
    now = scan(tmp_path).between(MIDNIGHT, MIDNIGHT + DAY)
    assert now.frame["id", "label"].rows() == [("1", 0), ("2", None)]
    assert now.counts.torn_lines == 1


def test_a_partition_that_is_completed_meanwhile_is_found(tmp_path: Path) -> None:
    with Writer(tmp_path, model="v7", format="parquet") as writer:
        writer.write(id=1, prediction=1, time=NOON)
        log = scan(tmp_path)
        digest = log.digest(MIDNIGHT, MIDNIGHT + DAY)
        writer.write(id=2, prediction=1, time=NOON)
    assert log.between(MIDNIGHT, MIDNIGHT + DAY).frame["id"].to_list() == ["1"]
    assert scan(tmp_path).digest(MIDNIGHT, MIDNIGHT + DAY) != digest


def test_what_went_away_or_shrank_meanwhile_is_an_error(tmp_path: Path) -> None:
    logged(tmp_path, days=1)
    log = scan(tmp_path)
    assert len(log.entries) > 3
    path = max(tmp_path.glob("predictions-*"), key=lambda path: path.stat().st_size)
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"\n") + 1])
    with pytest.raises(DataError, match="log/changed-while-read"):
        log.between(MIDNIGHT, MIDNIGHT + DAY)
    path.unlink()
    with pytest.raises(DataError, match="log/gone"):
        log.between(MIDNIGHT, MIDNIGHT + DAY)


def test_windows_of_so_many_rows_keep_rows_of_one_moment_together(tmp_path: Path) -> None:
    logged(tmp_path / "log")
    for version in ("v7", "v8", ""):
        log = scan(tmp_path / "log", cache=tmp_path / "cache")
        frames = [entry.source.read(entry.piece, Want()).predictions for entry in log.entries]
        rows = [row for frame in frames if len(frame) for row in frame["time", "model"].rows()]
        times = sorted(moment for moment, model in rows if version in ("", model))
        cuts = log.cuts(25, version=version)
        assert cuts == scan(tmp_path / "log", cache=tmp_path / "cache").cuts(25, version=version)
        assert [sum(begin <= each < end for each in times) for begin, end in cuts] == [25] * (len(times) // 25)
        assert all(one[1] == two[0] for one, two in pairwise(cuts))
    with Writer(tmp_path / "ties", model="v7") as writer:
        for at in range(10):
            writer.write(id=at, prediction=1, time=NOON + at // 4 * DAY)
    assert scan(tmp_path / "ties").cuts(3) == [
        (NOON, NOON + timedelta(microseconds=1)),
        (NOON + timedelta(microseconds=1), NOON + DAY + timedelta(microseconds=1)),
    ]
    assert scan(tmp_path / "ties").cuts(99) == []


def test_clocks_that_are_wrong_widen_nothing_but_their_own_days(tmp_path: Path) -> None:
    logged(tmp_path, days=2)
    with Writer(tmp_path, model="v7") as log:
        log.write(id="past", prediction=1, time=datetime(1970, 1, 1, tzinfo=UTC))
        log.write(id="future", prediction=1, time=datetime(2099, 1, 1, tzinfo=UTC))
    found = scan(tmp_path)
    skewed = [entry for entry in found.entries if "1970-01-01" in entry.facts.days.get("v7", {})]
    assert len(skewed) == 1
    us = int(NOON.timestamp() * 1e6)
    assert not skewed[0].holds(us, us + 1_000_000, "")
    assert found.between(MIDNIGHT, MIDNIGHT + DAY).counts.predictions == 40
    assert (
        found.between(datetime(2098, 12, 31, tzinfo=UTC), datetime(2099, 1, 2, tzinfo=UTC)).frame["id"][0] == "future"
    )


def test_other_files_are_scanned_by_a_mapping(tmp_path: Path) -> None:
    theirs = pl.DataFrame(
        {
            "request": range(60),
            "at": [MIDNIGHT + at * timedelta(hours=1) for at in range(60)],
            "score": [at / 60 for at in range(60)],
            "late": [None if at % 3 == 0 else at % 2 == 0 for at in range(60)],
        }
    )
    columns = {"id": "request", "time": "at", "probability": "score", "label": "late"}
    for at in range(3):
        theirs[at * 20 : at * 20 + 20].write_parquet(tmp_path / f"{at}.parquet")
    whole = read(tmp_path, columns, model="v7")
    parts = by_day(tmp_path, 3, columns=columns, model="v7", cache=tmp_path / ".cache")
    assert_frame_equal(parts, whole.frame, check_column_order=False)


def test_the_log_of_a_configuration_is_opened(tmp_path: Path) -> None:
    row = {"request": 1, "at": "2026-03-01T12:00:00", "late": 0.25, "on": 0.75, "y": "late", "hour": 7}
    pl.DataFrame([row]).write_csv(tmp_path / "served.csv")
    told = {
        "source": "served.csv", "version": "v7", "zone": "Europe/Paris",
        "columns": {
            "id": "request", "time": "at", "probability": {"late": "late", "on time": "on"}, "label": "y",
            "features": ["hour"],
        },
    }  # fmt: skip
    log = scan_of(Log.model_validate(told), root=tmp_path, reach=DAY)
    assert log.versions == {"v7": 1}
    (found,) = log.between(MIDNIGHT, MIDNIGHT + DAY).frame.iter_rows(named=True)
    assert (found["probability_late"], found["probability_on time"], found["label"]) == (0.25, 0.75, "late")
    logged(tmp_path / "log", days=1)
    assert scan_of(Log(source="log"), root=tmp_path, reach=DAY).versions == {"v7": 28, "v8": 16}
    assert Log.model_validate({"source": "p.parquet", "columns": "inference-table"}).columns in LAYOUTS


def test_what_makes_no_stretch_is_refused(tmp_path: Path) -> None:
    logged(tmp_path, days=1)
    with pytest.raises(ConfigError, match="log/naive-argument"):
        scan(tmp_path).between(datetime(2026, 3, 1), NOON)
    with pytest.raises(ConfigError, match="log/bad-argument"):
        scan(tmp_path).cuts(0)
    with pytest.raises(ConfigError, match="log/bad-argument"):
        scan(tmp_path, reach=-DAY)
    for path in tmp_path.iterdir():
        path.unlink()
    with pytest.raises(DataError, match="log/no-rows"):
        _ = scan(tmp_path).first


def test_a_stretch_takes_the_memory_of_a_stretch(tmp_path: Path) -> None:
    rows = 100_000
    numbers = pl.Series("id", range(rows))
    for day in range(12):
        pl.DataFrame({"id": numbers}).select(
            pl.format("{}-{}", pl.lit(day), "id").alias("id"),
            pl.lit(MIDNIGHT + day * DAY).dt.cast_time_unit("us").alias("time"),
            pl.lit("v7").alias("model"),
            pl.lit(0.5).alias("probability"),
            *(pl.col("id").cast(pl.Float64).alias(f"feature_{name}") for name in "abcdef"),
        ).write_parquet(tmp_path / f"predictions-{day:02}.parquet")
    script = f"""
import resource, sys
from datetime import UTC, datetime, timedelta
from modelyard.log import scan
log, begin = scan({str(tmp_path)!r}), datetime(2026, 3, 1, tzinfo=UTC)
peaks = []
for day in range(12):
    assert len(log.between(begin + day * timedelta(days=1), begin + (day + 1) * timedelta(days=1)).frame) == {rows}
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
print(peaks[5], peaks[-1])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    middle, last = map(int, done.stdout.split())
    assert last < middle + 40, f"{middle} MiB after 6 days, {last} after 12"
