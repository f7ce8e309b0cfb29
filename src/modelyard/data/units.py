"""What is independent: stretches of time on the clock of a zone, or the values of a column."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import available_timezones

from modelyard.config.sections.data import Columns, UnitColumn, UnitEvery
from modelyard.core.errors import ConfigError, DataError, nearest
from modelyard.core.vocabulary import TIME_UNITS, TimeUnit
from modelyard.data.reading import require_columns
from modelyard.data.types import type_name

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray


_POLARS: dict[TimeUnit, str] = {"hour": "1h", "day": "1d", "week": "1w", "month": "1mo"}
_HOUR_US = 3_600_000_000
_KEY = "data.columns.unit"


@dataclass(frozen=True)
class Unit:
    """Rows that depend on each other: one stretch (``every``) or one value (``column``); neither: the row itself.

    ``zone`` is where the stretches, and calendar stretches in general, begin.
    """

    every: TimeUnit | None
    column: str | None
    zone: str

    @property
    def name(self) -> str:
        """Return what one unit is called: ``day``, ``store``, ``row``."""
        return self.every or self.column or "row"


def unit_codes(frame: "pl.DataFrame", columns: Columns) -> "tuple[NDArray[np.int64] | None, str, bool]":
    """Assign each row the number of its unit.

    Returns:
        Codes of shape (n,), from 0 without gaps, ordered in time for stretches and by first appearance for a column;
        None where every row is a unit. The unit's name. Whether the codes are equal stretches in the order of time
        (a stretch without rows has no code).

    Raises:
        ConfigError: the unit can be read both as a stretch and as a column, or as neither; an unknown time zone.
        DataError: a missing column, a missing time or value, or times that are no timestamps.
    """
    unit = unit_of(frame, columns)
    if unit.every is not None:
        return stretch_codes(frame, columns, unit.every, unit.zone), unit.name, True
    if unit.column is not None:
        return column_codes(frame, unit.column, _KEY), unit.name, False
    return None, unit.name, False


def unit_of(frame: "pl.DataFrame", columns: Columns) -> Unit:
    """Return the configured unit, or the default: the group, else the day wherever time is declared, else the row.

    Raises:
        ConfigError, DataError: as for ``unit_codes``.
    """
    zone = _own_zone(frame, columns)
    unit = columns.unit
    if isinstance(unit, str):
        unit = _bare(unit, frame.columns)
    if unit is None and columns.group:
        require_columns(frame.columns, {columns.group: "data.columns.group"}, "the data")
        return Unit(None, columns.group, zone)
    if unit is None:
        return Unit("day" if columns.time else None, None, zone)
    if isinstance(unit, UnitColumn):
        require_columns(frame.columns, {unit.column: _KEY}, "the data")
        return Unit(None, unit.column, zone)
    if columns.time is None:
        raise ConfigError(
            f"{_KEY}: a unit of one {unit.every} needs data.columns.time",
            code="config/needs-time-column",
            hint="Name the time column, or a column whose values are independent: {column: store}.",
        )
    return Unit(unit.every, None, unit.zone if "zone" in unit.model_fields_set else zone)


def whole_columns(frame: "pl.DataFrame", columns: Columns) -> dict[str, str]:
    """Return the columns whose values no split and no fold may cut, with their keys: the group, and a unit's column.

    Raises:
        ConfigError, DataError: as for ``unit_codes``.
    """
    whole = {columns.group: "data.columns.group"} if columns.group else {}
    unit = unit_of(frame, columns).column
    return whole if unit is None else whole | {unit: whole.get(unit, _KEY)}


def wall_clock(frame: "pl.DataFrame", columns: Columns, zone: str) -> "pl.Series":
    """Return the rows' time on the clock of a zone.

    Timestamps without a zone are taken as UTC. Dates are calendar days wherever they were written, so no zone moves
    them.

    Returns:
        Shape (n,), naive timestamps in microseconds, none missing.

    Raises:
        ConfigError: an unknown time zone.
        DataError: no such column, text or numbers instead of timestamps, or rows without a time.
    """
    import polars as pl

    times = _times(frame, columns)
    if times.dtype == pl.Date:
        return times.cast(pl.Datetime("us"))
    try:
        return _instants(times).dt.convert_time_zone(zone).dt.replace_time_zone(None)
    except pl.exceptions.PolarsError as error:
        raise ConfigError(
            f"{_KEY}.zone: unknown time zone {zone!r}",
            code="config/unknown-time-zone",
            hint=nearest(zone, available_timezones()) or "Write an IANA name such as Europe/Berlin.",
        ) from error


def stretch_starts(wall: "pl.Series", every: TimeUnit) -> "pl.Series":
    """``floor`` of every time."""
    return wall.dt.truncate(_POLARS[every])


def floor(moment: datetime, every: TimeUnit) -> datetime:
    """Start of the stretch that a time lies in; weeks begin on Monday."""
    if every == "hour":
        return moment.replace(minute=0, second=0, microsecond=0)
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return {"day": day, "week": day - timedelta(day.weekday()), "month": day.replace(day=1)}[every]


def stretch_codes(frame: "pl.DataFrame", columns: Columns, every: TimeUnit, zone: str) -> "NDArray[np.int64]":
    """Assign each row the number of its stretch, in the order of time, from 0 without gaps; shape (n,).

    When clocks are put back, the hour that comes twice is two hours.
    """
    import polars as pl

    wall = wall_clock(frame, columns, zone)
    times = _times(frame, columns)
    if every == "hour" and times.dtype != pl.Date:
        starts = _instants(times).to_physical() - wall.to_physical() % _HOUR_US
    else:
        starts = stretch_starts(wall, every)
    return (starts.rank("dense").cast(pl.Int64) - 1).to_numpy()


def column_codes(frame: "pl.DataFrame", column: str, key: str) -> "NDArray[np.int64]":
    """Assign each row the number of its value, by first appearance; shape (n,).

    Raises:
        DataError: no such column, or rows without a value in it.
    """
    values = present(frame, column, key)
    numbered = values.unique(maintain_order=True).alias("value").to_frame().with_row_index("code")
    codes = values.alias("value").to_frame().join(numbered, on="value", how="left", maintain_order="left")["code"]
    return codes.to_numpy().astype("int64")


def present(frame: "pl.DataFrame", column: str, key: str) -> "pl.Series":
    """Return a column without missing values.

    Raises:
        DataError: no such column, or rows without a value in it, with their count and the key that names the column.
    """
    require_columns(frame.columns, {column: key}, "the data")
    values = frame[column]
    missing = values.null_count() + (int(values.is_nan().sum()) if values.dtype.is_float() else 0)
    if missing:
        raise DataError(
            f"{key}: {missing:,} of {len(frame):,} rows have no {column!r}",
            code="data/missing-values",
            hint="Fill it in or leave those rows out of the data.",
        )
    return values


def _bare(name: str, found: list[str]) -> UnitEvery | UnitColumn:
    stretch = next((every for every in TIME_UNITS if every == name), None)
    if stretch and name in found:
        raise ConfigError(
            f"{_KEY}: {name!r} is a stretch of time and a column of the data",
            code="config/ambiguous-unit",
            hint=f"Write unit: {{every: {name}}} for the stretch, or unit: {{column: {name}}} for the column.",
        )
    if stretch:
        return UnitEvery(every=stretch)
    if name in found:
        return UnitColumn(column=name)
    hint = nearest(name, [*found, *TIME_UNITS])
    raise ConfigError(
        f"{_KEY}: {name!r} is neither a column of the data nor a stretch of time ({', '.join(TIME_UNITS)})",
        code="config/unknown-unit",
        hint=hint or f"Columns are {', '.join(found)}.",
    )


def _own_zone(frame: "pl.DataFrame", columns: Columns) -> str:
    """Return the zone of the time column, UTC where it has none."""
    import polars as pl

    dtype = frame.schema.get(columns.time) if columns.time else None
    return (dtype.time_zone if isinstance(dtype, pl.Datetime) else None) or "UTC"


def _instants(times: "pl.Series") -> "pl.Series":
    import polars as pl

    exact = times.dt.cast_time_unit("us")
    dtype = exact.dtype
    return exact if isinstance(dtype, pl.Datetime) and dtype.time_zone else exact.dt.replace_time_zone("UTC")


def _times(frame: "pl.DataFrame", columns: Columns) -> "pl.Series":
    import polars as pl

    if columns.time is None:
        raise ConfigError(
            "data.columns.time is needed here",
            code="config/needs-time-column",
            hint="Name the column that says when a row happened.",
        )
    times = _dates(present(frame, columns.time, "data.columns.time"))
    if times.dtype != pl.Date and not isinstance(times.dtype, pl.Datetime):
        raise DataError(
            f"data.columns.time: {columns.time!r} is {type_name(times.dtype)}, not a timestamp",
            code="data/not-a-time",
            hint="Make it a timestamp in Parquet, or write it as 2013-01-31 05:00:00 (or with Z or an offset) in CSV; "
            "whole numbers are times as years (2013), months (201301) or days (20130131).",
        )
    return times


_NUMBERED = ((1500, 2200, "0101"), (150001, 220012, "01"), (15000101, 22001231, ""))
"""Least and greatest whole number that is a year, a month or a day, and what makes it a day."""


def _dates(times: "pl.Series") -> "pl.Series":
    """Return whole numbers that all are years, months or days as dates; anything else as it is."""
    import polars as pl

    if times.dtype.is_float() and bool((times == times.round()).all()) and not times.is_infinite().any():
        days = _dates(times.cast(pl.Int64))
        return days if days.dtype.is_temporal() else times
    if not times.dtype.is_integer() or not len(times):
        return times
    for least, greatest, rest in _NUMBERED:
        if times.is_between(least, greatest).all():
            days = (times.cast(pl.String) + rest).str.to_date("%Y%m%d", strict=False)
            return times if days.null_count() else days
    return times
