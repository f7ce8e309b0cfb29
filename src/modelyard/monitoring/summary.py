"""Count the rows of a window, or of a part of one, in a reference's bins."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from modelyard.data.types import type_name
from modelyard.log.schema import FEATURE
from modelyard.monitoring.associations import products_of, table_of
from modelyard.monitoring.columns import (
    ODD,
    Levels,
    Read,
    bins_of,
    floats_of,
    hashed_numbers,
    hours_of,
    kind_of,
    levels_of,
    moments_of,
    named,
    outputs_of,
    present,
    ranked,
    side_by_side,
    smallest_of,
)
from modelyard.monitoring.profile import SHIFT, Categories, Column, Counted, Reference, Summary, signed
from modelyard.monitoring.stretches import DAY_US

if TYPE_CHECKING:
    import polars as pl

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_EPOCH = date(1970, 1, 1).toordinal()


def summarise(frame: "pl.DataFrame", reference: Reference, *, key: bytes | None = None) -> Summary:
    """Count a window's rows, or a part of them, in the reference's bins.

    Args:
        frame: rows of a log: ``time``, ``feature_<name>``, ``prediction``, ``probability`` …; other columns are counted
            where they are known (``model``, ``sample``, ``label``, ``label_time``) and ignored else.
        reference: of the version that predicted.
        key: the reference's; None: categories are not counted.
    """
    known = _known_levels(reference) if key is not None and reference.keyed else None
    day = _days(frame)
    there = [name for name in sorted(reference.features) if FEATURE + name in frame.columns]
    features = side_by_side(
        there, lambda name: _counted(frame[FEATURE + name], reference.features[name], key, known, day)
    )
    said = outputs_of(frame, reference.positive, reference.task)
    outputs = {
        name: _counted(said[name], of, None, set(of.categories.names) if of.categories else None, day)
        for name, of in sorted(reference.outputs.items())
        if name in said
    }
    logged = {FEATURE + name: each for name, each in features.items()} | outputs
    scores = [logged[name].score if name in logged else None for name in reference.associated]
    sums, products = products_of(table_of(scores, len(frame)), day.codes, len(day.names))
    hashes, repeats = smallest_of([each.hashed for each in logged.values()])
    return Summary(
        rows=len(frame),
        keyed=known is not None,
        features={name: each.column for name, each in features.items()},
        outputs={name: each.column for name, each in outputs.items()},
        sums=dict(zip(day.names, map(tuple, sums.tolist()), strict=True)),
        products=tuple(products.tolist()),
        hashes=tuple(hashes.tolist()),
        repeats=tuple(repeats.tolist()),
        **_circumstances(frame, day),
    )


def _known_levels(reference: Reference) -> set[str]:
    return {name for each in reference.features.values() if each.categories for name in each.categories.names}


def _counted(
    column: "pl.Series", of: Column, key: bytes | None, known: Collection[str] | None, day: "_Days"
) -> Read[Counted]:
    kind = kind_of(column)
    basics: dict[str, Any] = {"missing": column.null_count(), "types": {type_name(column.dtype): len(column)}}
    if kind in ("number", "truth"):
        values, finite, nan = floats_of(column)
        hashed = hashed_numbers(values)
        if of.personal:
            return Read(Counted(**basics), hashed=hashed)
        basics |= {"nan": nan, "infinite": len(values) - int(finite.sum()) - nan - column.null_count()}
        basics["variety"] = _variety(hashed, column, day)
        if of.numbers is None:
            return Read(Counted(**basics), hashed=hashed)
        codes = bins_of(values, finite, np.array(of.numbers.edges))
        basics |= _in_bins(present(values, finite), present(codes, finite), len(of.numbers.rows))
        return Read(Counted(**basics), ranked(codes, finite, of.numbers.rows), hashed)
    if kind == "text":
        levels = levels_of(column)
        hashed = levels.hashed()
        if of.personal:
            return Read(Counted(**basics), hashed=hashed)
        basics["variety"] = _variety(hashed, column, day)
        if of.categories is None or known is None:
            return Read(Counted(**basics), hashed=hashed)
        told, score = _in_levels(levels, of.categories, key, known)
        return Read(Counted(**basics, **told), score, hashed)
    if kind == "time" and of.kind == "time" and not of.personal:
        moments = moments_of(column)
        newest = cast("datetime | None", moments.max())
        basics |= {"hours": hours_of(moments), "newest": None if newest is None else _moment(newest)}
    return Read(Counted(**basics))


def _in_bins(values: Floats, codes: Ints, bins: int) -> dict[str, Any]:
    with np.errstate(over="ignore"):
        fine = np.bincount((values + 0.0).astype(np.float32).view(np.uint32) >> SHIFT, minlength=1)
    there = np.flatnonzero(fine)
    order = np.argsort(signed(there))
    return {
        "bins": tuple(np.bincount(codes, minlength=bins).tolist()),
        "codes": tuple(signed(there)[order].tolist()),
        "counts": tuple(fine[there[order]].tolist()),
        "fractions": int((values != np.floor(values)).sum()),
    }


def _in_levels(
    levels: Levels, of: Categories, key: bytes | None, known: Collection[str]
) -> tuple[dict[str, Any], NDArray[np.int8]]:
    scores = dict(zip(of.names, of.scores, strict=True))
    found: dict[str, int] = {}
    others = 0
    table = np.zeros(len(levels.names) + 1, dtype=np.int8)
    for at, (level, rows) in enumerate(zip(levels.names, levels.rows.tolist(), strict=True)):
        name = level if key is None else named(key, level)
        table[at] = scores.get(name, 0)
        if name in known:
            found[name] = rows
        else:
            others += rows
    return {"levels": dict(sorted(found.items())), "others": others}, table[levels.codes]


@dataclass(frozen=True)
class _Days:
    names: list[str]
    codes: Ints
    rows: Ints


def _days(frame: "pl.DataFrame") -> _Days:
    """Number rows by their day in UTC."""
    if "time" not in frame.columns or not len(frame):
        return _Days([""], np.zeros(len(frame), dtype=np.int64), np.array([len(frame)]))
    day = moments_of(frame["time"]).to_physical().to_numpy() // DAY_US
    found, codes = np.unique(day, return_inverse=True)
    names = [str(date.fromordinal(int(each) + _EPOCH)) for each in found]
    return _Days(names, codes.astype(np.int64), np.bincount(codes))


def _variety(hashed: NDArray[np.uint64], column: "pl.Series", day: _Days) -> dict[str, int]:
    part = ((hashed * ODD) >> np.uint64(59)).view(np.int64)
    cells = part if len(day.names) == 1 else day.codes * 32 + part
    if column.null_count():
        cells = cells[column.is_not_null().to_numpy()]
    there = np.bincount(cells, minlength=32 * len(day.names)).reshape(-1, 32) > 0
    masks = there.astype(np.int64) @ (1 << np.arange(32, dtype=np.int64))
    return {name: mask for name, mask in zip(day.names, masks.tolist(), strict=True) if mask}


def _circumstances(frame: "pl.DataFrame", day: _Days) -> dict[str, Any]:
    import polars as pl

    told: dict[str, Any] = {}
    if "time" in frame.columns and len(frame):
        moments = moments_of(frame["time"])
        told |= {"hours": hours_of(moments), "first": _moment(moments.min()), "last": _moment(moments.max())}
        told["days"] = dict(zip(day.names, day.rows.tolist(), strict=True))
    if "model" in frame.columns:
        told["models"] = _tally(frame["model"].cast(pl.String))
    if "sample" in frame.columns:
        told["sampled"] = _tally(frame["sample"].cast(pl.Float64).fill_null(1.0).cast(pl.String))
    if "label" in frame.columns:
        told["labelled"] = len(frame) - frame["label"].null_count()
    if {"label_time", "time"} <= set(frame.columns) and frame["label_time"].dtype == frame["time"].dtype:
        told["early_labels"] = int((frame["label_time"] < frame["time"]).sum())
    return told


def _tally(column: "pl.Series") -> dict[str, int]:
    counted = column.drop_nulls().alias("name").value_counts()
    return dict(sorted(zip(counted["name"].to_list(), counted["count"].to_list(), strict=True)))


def _moment(value: Any) -> str | None:
    return None if value is None else cast("datetime", value).replace(tzinfo=UTC).isoformat(timespec="microseconds")
