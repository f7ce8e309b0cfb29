"""Streams of predictions with nothing going on, and with drift or a fault, to see what monitoring makes of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelyard.monitoring.drift import drift
from modelyard.monitoring.profile import Reference, Summary
from modelyard.monitoring.reference import reference_of
from modelyard.monitoring.shares import Shares
from modelyard.monitoring.summary import summarise

KEY = b"streams of monitoring, simulated"
NUMBERS, CATEGORIES = 12, 6
WEEKS = 13
DAY = 86_400
SHARES = (0.4, 0.25, 0.2, 0.1, 0.05)
_EDGES = np.array([-0.2533, 0.3853, 1.0364, 1.6449])
"""Normal quantiles of the shares' running sums."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Stream:
    """How rows of 18 columns hang together: the share of a column's variance that all rows of a stretch have in common.

    Attributes:
        name: for tables.
        day: of a day's rows, with a memory of 0.5 from day to day.
        hour: of an hour's.
        week: of the week's rhythm, and as much of the day's.
    """

    name: str
    day: float = 0.0
    hour: float = 0.0
    week: float = 0.0

    def latent(self, draw: np.random.Generator, seconds: NDArray[np.int64]) -> Floats:
        """Return (columns, n) standard normal values for rows at these seconds since a Monday."""
        columns, n = NUMBERS + CATEGORIES, len(seconds)
        own = np.sqrt(1 - self.day - self.hour - 2 * self.week)
        found = own * draw.standard_normal((columns, n))
        if self.day:
            days = int(seconds[-1] // DAY) + 1
            shocks = draw.standard_normal((columns, days))
            for at in range(1, days):
                shocks[:, at] = 0.5 * shocks[:, at - 1] + np.sqrt(0.75) * shocks[:, at]
            found += np.sqrt(self.day) * shocks[:, seconds // DAY]
        if self.hour:
            shocks = draw.standard_normal((columns, int(seconds[-1] // 3600) + 1))
            found += np.sqrt(self.hour) * shocks[:, seconds // 3600]
        if self.week:
            phase = np.arange(columns)[:, None]
            weekend = np.where((seconds // DAY) % 7 >= 5, 1.58, -0.63)
            found += np.sqrt(self.week) * np.where(phase % 2, weekend, -weekend)
            found += np.sqrt(2 * self.week) * np.sin(2 * np.pi * seconds / DAY + phase)
        return np.asarray(found, dtype=np.float64)


STREAMS = (
    Stream("independent"),
    Stream("autocorrelated", day=0.1, hour=0.1),
    Stream("weekly seasonal", day=0.03, week=0.1),
)


def moments(draw: np.random.Generator, n: int, first_day: int, days: int) -> NDArray[np.int64]:
    """Return n seconds within so many days, ascending."""
    return np.sort(draw.integers(first_day * DAY, (first_day + days) * DAY, n))


def frame_of(latent: Floats, seconds: NDArray[np.int64]) -> pl.DataFrame:
    """Return 12 numbers of several shapes and six categories, as a log has them."""
    columns: dict[str, Any] = {}
    for at in range(NUMBERS):
        values = latent[at]
        if at % 4 == 1:
            values = np.exp(values)
        elif at % 4 == 2:
            values = np.maximum(np.round(3 + 2 * values), 0)
        elif at % 4 == 3:
            values = np.where(values < -0.25, 0.0, values + 0.25)
        columns[f"feature_n{at}"] = values
    names = np.array(["a", "b", "c", "d", "e"])
    for at in range(CATEGORIES):
        columns[f"feature_c{at}"] = names[np.searchsorted(_EDGES, latent[NUMBERS + at])]
    score = 1 / (1 + np.exp(-(latent[0] + 0.5 * latent[4] - 1)))
    return pl.DataFrame(columns).with_columns(
        time=pl.Series(seconds * 1_000_000).cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
        probability=pl.Series(score),
    )


def reference(frame: pl.DataFrame) -> Reference:
    """Return the reference of rows that look as those of a log do."""
    features = frame.select(name for name in frame.columns if name.startswith("feature_"))
    return reference_of(
        features.rename(lambda name: name.removeprefix("feature_")), frame.select("probability"), None,
        task="binary", time=frame["time"], key=KEY,
    )  # fmt: skip


Change = Callable[[Floats], Floats]


def pair(
    stream: Stream,
    draw: np.random.Generator,
    n: int,
    *,
    rows: int = 10_000,
    days: int = 7,
    change: Change | None = None,
) -> tuple[Reference, Summary]:
    """Return a reference of 13 weeks, and a window of n rows in the days that follow."""
    seconds = np.concatenate((moments(draw, rows, 0, 7 * WEEKS), moments(draw, n, 7 * WEEKS, days)))
    latent = stream.latent(draw, seconds)
    if change is not None:
        latent[:, rows:] = change(latent[:, rows:])
    of = reference(frame_of(latent[:, :rows], seconds[:rows]))
    return of, summarise(frame_of(latent[:, rows:], seconds[rows:]), of, key=KEY)


def shifted(latent: Floats) -> Floats:
    """Shift one number by half its standard deviation."""
    found = latent.copy()
    found[4] += 0.5
    return found


def moved(latent: Floats) -> Floats:
    """Move ten points of mass from the most frequent category of one column to the next."""
    found = latent.copy()
    found[NUMBERS] = np.where((found[NUMBERS] > -0.5244) & (found[NUMBERS] < -0.2533), 0.0, found[NUMBERS])
    return found


def alarms(stream: Stream, n: int, runs: int, *, days: int = 7, change: Change | None = None, seed: int = 1) -> int:
    """Return in how many of the windows any column alarms."""
    draw = np.random.default_rng(seed)
    found = 0
    for _ in range(runs):
        found += any(each.alarm for each in drift(*pair(stream, draw, n, days=days, change=change)))
    return found


def followed(
    stream: Stream,
    draw: np.random.Generator,
    *,
    rows: int = 20_000,
    days: int = 91,
    batch: int = 500,
    by_day: bool = False,
    change: Change | None = None,
) -> int | None:
    """Follow a stream whose rows come in batches, or in days; returns after how many rows any column ever alarms.

    Args:
        stream: of the reference's 13 weeks and of the days that follow.
        draw: of its rows.
        rows: that come.
        days: in which they come.
        batch: rows that are looked at together.
        by_day: a value is a day of rows.
        change: of the rows that come.
    """
    seconds = np.concatenate((moments(draw, 10_000, 0, 7 * WEEKS), moments(draw, rows, 7 * WEEKS, days)))
    latent = stream.latent(draw, seconds)
    if change is not None:
        latent[:, 10_000:] = change(latent[:, 10_000:])
    frame = frame_of(latent, seconds)
    of = reference(frame.head(10_000))
    come, shares, seen = frame.tail(rows), Shares.of(of, by_day=by_day), 0
    day = come["time"].dt.date().rle_id() if by_day else pl.Series(np.arange(rows) // batch)
    for part in come.with_columns(part=day).partition_by("part", include_key=False):
        seen += len(part)
        if any(shares.look(summarise(part, of, key=KEY), one_value=by_day).values()):
            return seen
    return None
