"""One data set into training and test rows, by time, by hash or at random; every row on exactly one side."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from modelyard.config.sections.data import Columns, Split
from modelyard.core.errors import ConfigError, DataError
from modelyard.core.vocabulary import TIME_UNITS, MissingTarget, TimeUnit
from modelyard.data.folds import folds
from modelyard.data.units import Unit, floor, present, stretch_starts, unit_codes, unit_of, wall_clock, whole_columns

if TYPE_CHECKING:
    import polars as pl

__all__ = ["SplitRows", "drop_missing_target", "folds", "split", "unit_codes"]

_STRETCH = re.compile(r"\s*([1-9]\d{0,5})\s+(hour|day|week|month)s?\s*")
_KEY = "data.split"


@dataclass(frozen=True)
class SplitRows:
    """Training and test rows in the order of the data, and in words how they were told apart."""

    train: "pl.DataFrame"
    test: "pl.DataFrame"
    description: str


def split(frame: "pl.DataFrame", config_split: Split, columns: Columns, *, classes: bool = False) -> SplitRows:
    """Tell test rows from training rows.

    * ``time``: the newest rows are the test. ``3 months`` counts back from the end of the calendar month that holds
      the newest row, so that months are whole; a share takes the newest units whose rows come closest to it. The
      boundary is moved back to the start of a unit, on the clock of the unit's zone.
    * ``hash``: a row is test if sha256 of its column's value and the seed, as a number in [0, 1), lies under the
      share; so a value stays on its side when rows are added.
    * ``stratified``: the same share of every class of the target, in the order of hashes of the row's id.
    * ``random``: whole groups or units by hash where there are any; else stratified where there are classes, else the
      share of the rows, in the order of hashes of the row's id.

    The group and a declared unit are on one side, whatever the method.

    Args:
        frame: the rows.
        config_split: how to split them.
        columns: what their columns mean.
        classes: whether the target holds classes, of which a test then has two at least.

    Raises:
        ConfigError: no column to hash, a group that a stratified split would cut, or a stretch that is not one.
        DataError: no rows or one class alone on one side, rows without time or value, or a boundary that cuts a group
            or a unit.
    """
    if not len(frame):
        raise DataError("the data holds no rows, so there is nothing to split", code="data/no-rows")
    if config_split.by == "time":
        mask, description = _by_time(frame, config_split, columns)
    elif config_split.by == "hash":
        mask, description = _by_hash(frame, config_split, columns)
    elif config_split.by == "random":
        mask, description = _at_random(frame, config_split, columns, classes=classes)
    else:
        mask, description = _stratified(frame, config_split, columns)
    rows = SplitRows(frame.filter(~mask), frame.filter(mask), description)
    for side, part in (("training", rows.train), ("test", rows.test)):
        if not len(part):
            raise DataError(
                f"{_KEY}: no {side} rows ({description}; {len(frame):,} rows in all)",
                code="data/no-rows",
                hint="Choose another data.split.test, or bring more data.",
            )
    for column, key in whole_columns(frame, columns).items():
        _refuse_cut(rows, column, key)
    if columns.unit is not None and unit_of(frame, columns).every:
        _refuse_cut_stretches(frame, mask, columns)
    if classes:
        _refuse_one_class(frame, rows, config_split, columns)
    return rows


def has_target(frame: "pl.DataFrame", target: str) -> "pl.Series":
    """(n,) Return whether each row has a target: neither missing nor NaN."""
    here = frame[target].is_not_null()
    return here & frame[target].is_not_nan() if frame.schema[target].is_float() else here


def drop_missing_target(frame: "pl.DataFrame", target: str, how: MissingTarget) -> "tuple[pl.DataFrame, int]":
    """Return the rows that have a target (neither missing nor NaN), and how many have none.

    Raises:
        DataError: rows have none and ``how`` is ``error``, or all rows have none.
    """
    kept = frame.filter(has_target(frame, target))
    missing = len(frame) - len(kept)
    if missing and (how == "error" or not len(kept)):
        raise DataError(
            f"{missing:,} of {len(frame):,} rows have no target ({target!r})",
            code="data/missing-target",
            hint="Fix the data, or set data.missing_target: drop to leave these rows out."
            if len(kept)
            else "Name the column that holds the target, or fix the data.",
        )
    return kept, missing


# by time


def _by_time(frame: "pl.DataFrame", rule: Split, columns: Columns) -> "tuple[pl.Series, str]":
    unit = unit_of(frame, columns)
    wall = wall_clock(frame, columns, unit.zone)
    newest = _latest(wall)
    if isinstance(rule.test, str):
        counted = _counted_back(newest, rule.test)
        boundary = floor(counted, unit.every) if unit.every else counted
        label = rule.test.strip() + (f", from the start of the {unit.every}" if boundary != counted else "")
    else:
        boundary = _share_boundary(stretch_starts(wall, unit.every) if unit.every else wall, rule.test, unit)
        label = f"{_percent(int((wall >= boundary).sum()) / len(wall))} of the rows"
    test = wall >= boundary
    form = "%Y-%m-%d" if boundary == floor(boundary, "day") else "%Y-%m-%d %H:%M"
    return test, f"time: test = {boundary:{form}} .. {newest:{form}} ({label}), train before"


def _latest(wall: "pl.Series") -> datetime:
    latest = wall.max()
    if not isinstance(latest, datetime):
        raise TypeError("a column of timestamps has a latest one")
    return latest


def _counted_back(newest: datetime, test: str) -> datetime:
    """Return where a stretch such as ``3 months`` begins that ends with the stretch of the newest row."""
    match = _STRETCH.fullmatch(test)
    if match is None:
        raise ConfigError(
            f"{_KEY}.test: {test!r} is not a stretch of time",
            code="config/bad-value",
            hint='Write "3 months", "8 weeks", "14 days" or "48 hours", or a share of the rows such as 0.2.',
        )
    count = int(match[1])
    every = next(each for each in TIME_UNITS if each == match[2])
    last = floor(newest, every)
    try:
        if every == "month":
            year, month = divmod(last.year * 12 + last.month - count, 12)
            return last.replace(year=year, month=month + 1)
        return last - (count - 1) * {"hour": timedelta(hours=1), "day": timedelta(1), "week": timedelta(7)}[every]
    except (ValueError, OverflowError):
        return datetime.min  # noqa: DTZ901 - on the wall clock, like all times here; no row lies before it


def _share_boundary(starts: "pl.Series", share: float, unit: Unit) -> datetime:
    """Return the start after which the share of rows comes closest to the wanted one, with rows on both sides."""
    counts = starts.alias("start").value_counts().sort("start")
    if len(counts) < 2:
        raise DataError(
            f"{_KEY}: all rows lie in one {unit.every or 'moment'}, so there is no boundary in time between them",
            code="data/one-moment",
            hint="Bring more data, declare a shorter unit, or split by hash.",
        )
    rows_after = counts["count"].reverse().cum_sum().reverse()
    best = (rows_after[1:] / len(starts) - share).abs().arg_min()
    boundary: datetime = counts["start"][1 + (best or 0)]
    return boundary


# by hash and within classes


def _by_hash(frame: "pl.DataFrame", rule: Split, columns: Columns) -> "tuple[pl.Series, str]":
    whole = whole_columns(frame, columns)
    column = rule.column or next(iter(whole), columns.id)
    if column is None:
        raise ConfigError(
            f"{_KEY}: a split by hash needs a column whose values are hashed",
            code="config/needs-split-column",
            hint="Name it as data.split.column, or declare data.columns.group or data.columns.id.",
        )
    key = f"{_KEY}.column" if rule.column else whole.get(column, "data.columns.id")
    share = _share(rule)
    values = present(frame, column, key)
    test = _positions(values, rule.seed) < share
    return test, f"hash: test = {_percent(share)} by {column} ({_percent(int(test.sum()) / len(test))} of the rows)"


def _at_random(frame: "pl.DataFrame", rule: Split, columns: Columns, *, classes: bool) -> "tuple[pl.Series, str]":
    import polars as pl

    if whole_columns(frame, columns):
        test, description = _by_hash(frame, rule, columns)
        return test, description.replace("hash:", "random:", 1)
    share = _share(rule)
    if unit_of(frame, columns).every:
        starts, every = _stretches(frame, columns)
        test = _positions(starts, rule.seed) < share
        return (
            test,
            f"random: test = {_percent(share)} of the {every}s ({_percent(int(test.sum()) / len(test))} of the rows)",
        )
    if classes:
        test, description = _stratified(frame, rule, columns)
        return test, description.replace("stratified:", "random:", 1)
    place = _positions(_row_names(frame, columns), rule.seed).rank("ordinal").cast(pl.Int64)
    wanted = max(1, min(round(len(frame) * share), len(frame) - 1))
    return place <= wanted, f"random: test = {_percent(share)} of the rows"


def _row_names(frame: "pl.DataFrame", columns: Columns) -> "pl.Series":
    import polars as pl

    return present(frame, columns.id, "data.columns.id") if columns.id else pl.int_range(len(frame), eager=True)


def _stratified(frame: "pl.DataFrame", rule: Split, columns: Columns) -> "tuple[pl.Series, str]":
    import polars as pl

    for column, key in whole_columns(frame, columns).items():
        raise ConfigError(
            f"{_KEY}: a stratified split would cut the {key.rsplit('.', 1)[1]}s of {key} ({column!r})",
            code="config/split-option",
            hint=f"Write by: random, which keeps every {column} on one side.",
        )
    share = _share(rule)
    target = present(frame, columns.target, "data.columns.target")
    ranked = pl.DataFrame({"class": target, "position": _positions(_row_names(frame, columns), rule.seed)}).select(
        place=pl.col("position").rank("ordinal").over("class").cast(pl.Int64),
        size=pl.len().over("class").cast(pl.Int64),
    )
    # A class with two rows or more is on both sides; one with a single row is trained on.
    wanted = (pl.col("size") * share).round().cast(pl.Int64).clip(lower_bound=1)
    test = ranked.select(pl.col("place") <= pl.min_horizontal(wanted, pl.col("size") - 1)).to_series()
    return test, f"stratified: test = {_percent(share)} of every class of {columns.target}"


def _share(rule: Split) -> float:
    if isinstance(rule.test, str):
        raise ConfigError(
            f"{_KEY}.test: a split by {rule.by} takes a share of the rows, not {rule.test!r}",
            code="config/split-option",
            hint="Write such as 0.2.",
        )
    return rule.test


def _positions(values: "pl.Series", seed: int) -> "pl.Series":
    """Each value's place in [0, 1): the first 8 bytes of sha256 of ``value:seed`` as a big-endian fraction of 2^64."""
    import polars as pl

    found = values.unique(maintain_order=True)
    places = [
        int.from_bytes(hashlib.sha256(f"{value}:{seed}".encode()).digest()[:8], "big") / 2**64
        for value in found.to_list()
    ]
    table = pl.DataFrame({"value": found, "place": pl.Series(places, dtype=pl.Float64)})
    rows = values.alias("value").to_frame()
    return rows.join(table, on="value", how="left", maintain_order="left")["place"]


def _refuse_cut(rows: SplitRows, column: str, key: str) -> None:
    """Raise where a value of the column stands on both sides."""
    train, test = (present(part, column, key).unique() for part in (rows.train, rows.test))
    both = train.is_in(test.implode()).sum()
    if both:
        raise DataError(
            f"{key}: {both:,} values of {column!r} would have rows on both sides of the split",
            code="data/rows-on-both-sides",
            hint=f"Write data.split: {{by: random}}, which keeps every {column} on one side, or do not declare "
            f"{key}: {column}" + (" but a stretch of time such as {every: day}." if key.endswith("unit") else "."),
        )


def _refuse_cut_stretches(frame: "pl.DataFrame", test: "pl.Series", columns: Columns) -> None:
    """Raise where a stretch that was declared as the unit stands on both sides."""
    starts, every = _stretches(frame, columns)
    both = starts.filter(~test).unique().is_in(starts.filter(test).implode()).sum()
    if both:
        raise DataError(
            f"data.columns.unit: {both:,} {every}s would have rows on both sides of the split",
            code="data/rows-on-both-sides",
            hint=f"Write data.split: {{by: random}}, which keeps every {every} on one side, or by: time.",
        )


def _stretches(frame: "pl.DataFrame", columns: Columns) -> "tuple[pl.Series, TimeUnit | None]":
    """Return where each row's unit of time begins, and what it is called; the rows' times where it is none."""
    unit = unit_of(frame, columns)
    wall = wall_clock(frame, columns, unit.zone)
    return (stretch_starts(wall, unit.every) if unit.every else wall), unit.every


def _refuse_one_class(frame: "pl.DataFrame", rows: SplitRows, rule: Split, columns: Columns) -> None:
    """Raise where one side holds one class alone, with a split that would have more, if there is one."""
    sides = (("training", rows.train), ("test", rows.test))
    alone = next((side for side, part in sides if part[columns.target].n_unique() < 2), None)
    if alone is None or frame[columns.target].n_unique() < 2:
        return
    hint = "Write by: random, and know that the test is then no newer than the training, or bring more data."
    if rule.by == "time":
        test, _ = _by_time(frame, rule, columns)
        for share in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6):
            tried, _ = _by_time(frame, rule.model_copy(update={"test": share}), columns)
            if (
                all(frame.filter(side)[columns.target].n_unique() > 1 for side in (tried, ~tried))
                and (tried != test).any()
            ):
                hint = f"data.split.test: {share} has both; or {hint[0].lower()}{hint[1:]}"
                break
    elif rule.by == "hash" or whole_columns(frame, columns):
        hint = "Choose another data.split.test or seed, or bring data of more groups."
    raise DataError(
        f"{_KEY}: the {alone} rows hold one class of {columns.target!r} alone ({rows.description})",
        code="data/one-class",
        hint=hint,
    )


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
