"""Flights as a log has them: weeks of served predictions, quiet, drifting, or with a fault in their data."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelyard.monitoring.contract import WindowFacts
from modelyard.monitoring.profile import Reference, Summary
from modelyard.monitoring.reference import reference_of
from modelyard.monitoring.summary import summarise

KEY = b"flights that were never flown" * 2
MONDAY = datetime(2013, 1, 7, tzinfo=UTC)
WEEKS = 13
CARRIERS = ("UA", "B6", "EV", "DL", "AA", "MQ", "US", "9E", "WN", "VX")
NONE: Mapping[str, float] = {}
_SHARES = np.array([0.17, 0.16, 0.16, 0.14, 0.1, 0.08, 0.06, 0.06, 0.04, 0.03])
_PLACES = tuple(f"{chr(65 + at // 26)}{chr(65 + at % 26)}{chr(65 + at * 7 % 26)}" for at in range(90))
_HOURS = np.array([0, 0, 0, 0, 0, 2, 8, 9, 8, 6, 5, 5, 6, 6, 7, 8, 7, 7, 6, 6, 4, 2, 1, 0], dtype=float)
_WEEK = np.array([1.05, 1.03, 1.04, 1.06, 1.06, 0.8, 0.96])

Floats = NDArray[np.float64]


def flights(
    draw: np.random.Generator, first: int, weeks: int, *, a_day: int = 150, change: Mapping[str, float] = {}
) -> pl.DataFrame:
    """Return so many weeks of features, with the time of each prediction; ``change`` is drift.

    Drift: ``delay`` in standard deviations, ``mass`` of carriers moved from the first to the third, ``evening`` flights
    more.
    """
    days = np.arange(7 * first, 7 * (first + weeks))
    counts = draw.poisson(a_day * _WEEK[days % 7])
    day = np.repeat(days, counts)
    n = len(day)
    hours = _HOURS * np.where(np.arange(24) >= 17, 1 + change.get("evening", 0.0), 1.0)
    hour = draw.choice(24, n, p=hours / hours.sum())
    minute = draw.integers(0, 12, n) * 5
    shares = _SHARES.copy()
    shares[0], shares[2] = shares[0] - change.get("mass", 0.0), shares[2] + change.get("mass", 0.0)
    place = np.minimum(draw.exponential(18, n).astype(int), 89)
    warm = _remembered(draw, days, 5.0)
    wind = _remembered(draw, days, 2.0)
    busy = np.exp(0.3 * _remembered(draw, days, 1.0))
    temperature = 12 + warm[day - days[0]] + 4 * np.sin((hour - 9) / 24 * 2 * np.pi) + draw.normal(0, 1, n)
    delay = busy[day - days[0]] * draw.exponential(18, n) * (0.6 + hour / 20) - 6
    delay += change.get("delay", 0.0) * 22
    begin = np.array([(MONDAY - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()]) + day * 86_400.0 + hour * 3_600.0
    when = pl.Series(((begin + minute * 60) * 1e6).astype(np.int64)).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    frame = pl.DataFrame(
        {
            "carrier": draw.choice(CARRIERS, n, p=shares),
            "origin": draw.choice(["EWR", "JFK", "LGA"], n, p=[0.36, 0.33, 0.31]),
            "dest": np.array(_PLACES)[place],
            "distance": 180 + 25 * place + 7 * (place % 5),
            "hour": hour,
            "minute": minute,
            "dep_delay": np.round(delay),
            "temp": np.round(temperature * 1.8 + 32, 2),
            "dewp": np.round(temperature * 1.8 + 20 + draw.normal(0, 3, n), 2),
            "wind": np.round(np.abs(10 + wind[day - days[0]] + draw.normal(0, 2, n)), 1),
            "pressure": np.round(1015 + draw.normal(0, 6, n), 1),
            "flight": draw.integers(1, 6_000, n),
            "scheduled": when.dt.truncate("1h"),
            "time": when,
        }
    )
    lost = pl.Series(draw.random(n) < 0.02)
    return frame.with_columns(temp=frame["temp"].set(lost, None)).sort("time")


def _remembered(draw: np.random.Generator, days: NDArray[np.int64], scale: float) -> Floats:
    found = draw.normal(size=len(days))
    for at in range(1, len(days)):
        found[at] = 0.5 * found[at - 1] + np.sqrt(0.75) * found[at]
    return scale * found


def scored(frame: pl.DataFrame) -> pl.DataFrame:
    """Add what a model says of these features, missing ones and all."""
    late = (
        pl.col("dep_delay").cast(pl.Float64, strict=False).fill_null(10.0) / 15
        + (pl.col("hour").cast(pl.Float64) - 12) / 8
        + pl.col("carrier").is_in(["EV", "B6"]).cast(pl.Float64) * 0.5
        + pl.col("temp").cast(pl.Float64, strict=False).fill_null(54.0) / 50
        - 3
    )
    return frame.with_columns(probability=1 / (1 + (-late.clip(-20, 20)).exp()))


def log_of(frame: pl.DataFrame) -> pl.DataFrame:
    """Return rows as the log's reader gives them."""
    told = scored(frame)
    features = told.drop("time", "probability").rename(lambda name: f"feature_{name}")
    return features.hstack(told.select("time", "probability")).with_columns(model=pl.lit("v1"))


def reference(frame: pl.DataFrame) -> Reference:
    """Return the reference of these rows."""
    told = scored(frame)
    return reference_of(
        told.drop("time", "probability"), told.select("probability"), None, task="binary", time=told["time"], key=KEY
    )


def summary(frame: pl.DataFrame, of: Reference) -> Summary:
    """Count a window."""
    return summarise(frame, of, key=KEY)


def facts(week: int, **more: Any) -> WindowFacts:
    """Return what is known of a week."""
    begin = MONDAY + timedelta(weeks=week)
    return WindowFacts(begin, begin + timedelta(weeks=1), **more)


Fault = Callable[[pl.DataFrame, np.random.Generator], pl.DataFrame]


def _duplicated(frame: pl.DataFrame, draw: np.random.Generator) -> pl.DataFrame:
    day = pl.col("time").dt.weekday() == 3
    return pl.concat([frame, frame.filter(day)]).sort("time")


def _joined_wrongly(frame: pl.DataFrame, draw: np.random.Generator) -> pl.DataFrame:
    order = draw.permutation(len(frame))
    return frame.with_columns(frame[name].gather(order) for name in ("temp", "dewp"))


def _stale(frame: pl.DataFrame, draw: np.random.Generator) -> pl.DataFrame:
    last = frame.filter(pl.col("time").dt.weekday() == 3)["temp"].drop_nulls()[-1]
    return frame.with_columns(temp=pl.when(pl.col("time").dt.weekday() > 3).then(last).otherwise("temp"))


def _emptied(frame: pl.DataFrame, draw: np.random.Generator) -> pl.DataFrame:
    return frame.with_columns(dep_delay=frame["dep_delay"].set(pl.Series(draw.random(len(frame)) < 0.25), None))


FAULTS: dict[str, Fault] = {
    "units, × 60": lambda frame, _: frame.with_columns(pl.col("dep_delay") * 60),
    "units, × 1000": lambda frame, _: frame.with_columns(pl.col("distance") * 1000),
    "units, °F to °C": lambda frame, _: frame.with_columns((pl.col("temp") - 32) / 1.8),
    "sign": lambda frame, _: frame.with_columns(-pl.col("dep_delay")),
    "units, × 60 in a third of the rows": lambda frame, _: frame.with_columns(
        pl.when(pl.col("carrier").is_in(["UA", "B6"])).then(pl.col("dep_delay") * 60).otherwise("dep_delay")
    ),
    "time zone": lambda frame, _: frame.with_columns(
        (pl.col("hour") + 5) % 24, pl.col("scheduled") + pl.duration(hours=5)
    ),
    "swapped columns, numbers": lambda frame, _: frame.with_columns(temp=pl.col("wind"), wind=pl.col("temp")),
    "swapped columns, text": lambda frame, _: frame.with_columns(origin=pl.col("dest"), dest=pl.col("origin")),
    "nulls": _emptied,
    "duplicated day": _duplicated,
    "late partition": lambda frame, _: frame.filter(pl.col("time").dt.weekday() != 5),
    "renamed category": lambda frame, _: frame.with_columns(pl.col("carrier").replace({"UA": "United"})),
    "truncated text": lambda frame, _: frame.with_columns(pl.col("dest").str.head(2)),
    "wrong join": _joined_wrongly,
    "clock skew": lambda frame, _: frame.with_columns(pl.col("time") + pl.duration(hours=3)),
    "sampled log": lambda frame, draw: frame.filter(pl.Series(draw.random(len(frame)) < 0.1)),
    "stale feature": _stale,
}
"""The twelve of the bars, some in several forms."""
DRIFTS: dict[str, dict[str, float]] = {
    "none": {},
    "a mean by 0.5 standard deviations": {"delay": 0.5},
    "10 points of category mass": {"mass": 0.1},
    "more evening flights": {"evening": 0.5},
}
