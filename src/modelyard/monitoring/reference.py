"""Describe a version's test rows: bins that tell nothing that fewer than ten rows have in common."""

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from modelyard.core.errors import DataError
from modelyard.core.vocabulary import Task
from modelyard.data.profile import FEWEST
from modelyard.data.types import type_name
from modelyard.log.schema import FEATURE, PREDICTION, PROBABILITY
from modelyard.monitoring.associations import associations_of, table_of
from modelyard.monitoring.columns import (
    Levels,
    Read,
    bins_of,
    floats_of,
    hashed_numbers,
    hours_of,
    kind_of,
    levels_of,
    moments_of,
    name_of,
    named,
    outputs_of,
    present,
    ranked,
    ranks_of,
    side_by_side,
    smallest_of,
)
from modelyard.monitoring.profile import Categories, Column, Numbers, Reference, Scores
from modelyard.monitoring.stretches import Stretches, spread_of, stretches_of

if TYPE_CHECKING:
    import polars as pl

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
BINS = 100
"""Most bins of a number; each holds about a hundredth of the reference, a value that more rows share has its own."""
LEVELS = 200
"""Most frequent categories that are told apart."""
SCORE_BINS = 50
ASSOCIATED = 64
"""Columns whose associations are watched at most."""
_FIRST = 8
"""Categories whose spread is measured."""
_ENOUGH = 50_000
"""Values from which edges are taken from a part of them."""


def reference_of(
    frame: "pl.DataFrame",
    prediction: "pl.DataFrame",
    truth: ArrayLike | None,
    *,
    task: Task,
    unit: ArrayLike | None = None,
    time: "pl.Series | None" = None,
    key: bytes | None = None,
    personal: Collection[str] = (),
    positive: object = None,
    threshold: float | None = None,
) -> Reference:
    """Describe a version's test rows and its predictions of them.

    Args:
        frame: (n rows) the features as scored, in the order of time where they have one; no column at all where the
            version exists as predictions only.
        prediction: (n rows) ``prediction``, ``probability`` or ``probability_<class>``, as in a log.
        truth: (n,) what came true, of the type of the predictions; None where that is not known.
        task: what is predicted.
        unit: (n,) whole number of the unit of each row, in the order of time where units are stretches; None: each row
            is its own.
        time: (n,) when each row was; None, or some missing: the order of rows, or of units, is taken for that of time.
        key: secret under which categories are named; None: none are told, nor watched.
        personal: columns of which only type and missing values are told.
        positive: the class that ``probability`` is of.
        threshold: from which probability on a row is called positive.

    Raises:
        DataError: no rows, or as many predictions as rows are not there.
    """
    rows = len(prediction)
    if not rows or (frame.width and len(frame) != rows):
        raise DataError(
            f"{len(frame):,} rows with {rows:,} predictions cannot be a reference",
            code="data/no-reference-rows",
            hint="A reference is made of the test rows and the prediction of each.",
        )
    named = "" if positive is None else name_of(positive)
    time = None if time is None or time.null_count() or kind_of(time) != "time" else time
    outputs = outputs_of(prediction, named, task)
    stretches = stretches_of(rows, unit, time)
    said = {name: _described(outputs[name], None, stretches, label=True) for name in sorted(outputs)}
    target = next((said[name].score for name in (PROBABILITY, PREDICTION) if name in said), None)
    features = side_by_side(
        frame.columns,
        lambda name: _described(frame[name], key, stretches, personal=name in personal, target=target),
    )
    logged = {FEATURE + name: features[name] for name in sorted(features)} | said
    associated = [name for name, each in logged.items() if each.score is not None][:ASSOCIATED]
    hashes, repeats = smallest_of([each.hashed for each in logged.values()])
    return Reference(
        task=task,
        rows=rows,
        units=rows if unit is None else len(np.unique(np.asarray(unit))),
        days=stretches.days,
        hours=None if time is None else hours_of(moments_of(time)),
        lengths=stretches.lengths,
        keyed=key is not None,
        positive=named,
        threshold=threshold,
        features={name: each.column for name, each in features.items()},
        outputs={name: each.column for name, each in said.items()},
        associated=tuple(associated),
        **associations_of(table_of([logged[name].score for name in associated], rows), stretches),
        repeated=float((repeats > 1).mean()) if len(hashes) else 0.0,
        scores=_scores(outputs.get(PROBABILITY), truth, named) if task == "binary" else None,
    )


def _described(
    column: "pl.Series",
    key: bytes | None,
    stretches: Stretches,
    *,
    personal: bool = False,
    label: bool = False,
    target: NDArray[np.int8] | None = None,
) -> Read[Column]:
    kind = kind_of(column)
    basics: dict[str, Any] = {"kind": kind, "type": type_name(column.dtype), "rows": len(column)}
    basics |= {"missing": column.null_count(), "personal": personal}
    if column.null_count():
        lost = column.is_null().to_numpy().astype(np.int64)
        basics["missing_spread"] = spread_of(lost, 2, stretches, ordered=False)
    if kind in ("number", "truth"):
        values, finite, nan = floats_of(column)
        basics |= {"nan": nan, "infinite": len(values) - int(finite.sum()) - nan - column.null_count()}
        hashed = hashed_numbers(values)
        binned = None if personal else _numbers(values, finite)
        if binned is None:
            return Read(Column(**basics), hashed=hashed)
        numbers, codes = binned
        coarse = _coarse(numbers)[codes]
        coarse = coarse if finite.all() else np.where(finite, coarse, -1)
        spread = spread_of(coarse, 8, stretches, ordered=True)
        return Read(Column(**basics, numbers=numbers, spread=spread), ranked(codes, finite, numbers.rows), hashed)
    if kind == "text":
        levels = levels_of(column)
        hashed = levels.hashed()
        if personal or (key is None and not label):
            return Read(Column(**basics), hashed=hashed)
        told, spread, score = _in_categories(levels, key, stretches, target)
        return Read(Column(**basics, categories=told, spread=spread), score, hashed)
    return Read(Column(**basics, **(_times(column) if kind == "time" and not personal else {})))


def _coarse(numbers: Numbers) -> Ints:
    """Return the class of each bin, of at most eight that part the rows evenly."""
    below = np.cumsum(numbers.rows)[:-1] / sum(numbers.rows)
    cuts = sorted({int(np.abs(below - step / 8).argmin()) for step in range(1, 8)}) if len(below) else []
    # One more: values that are not there are looked up too.
    return np.searchsorted(np.asarray(cuts), np.arange(len(numbers.rows) + 1), side="left").astype(np.int64)


def _numbers(values: Floats, finite: NDArray[np.bool_]) -> tuple[Numbers, Ints] | None:
    """Bin finite values: a hundredth of the rows each, and not fewer than ten; a value that so many share alone.

    Returns:
        The bins, and the bin of each value (n,), any for those that are not finite; None under ten values.
    """
    every, values = values, present(values, finite)
    if len(values) < FEWEST:
        return None
    n = len(values)
    most = max(min(BINS, n // FEWEST), 1)
    some = values if n <= _ENOUGH else values[np.random.default_rng(0).integers(0, n, _ENOUGH)]
    ordered = np.sort(some)
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    distinct, counts = ordered[starts], np.diff(np.append(starts, len(some)))
    if len(distinct) <= BINS:
        edges = distinct[:-1]
    else:
        quantiles = ordered[(np.arange(1, most) * len(some) // most)]
        common = distinct[counts >= max(len(some) / most, FEWEST)]
        edges = np.concatenate((_rounded(quantiles, ordered), common, np.nextafter(common, -np.inf)))
        edges = np.unique(edges[(edges < ordered[-1]) & (edges >= ordered[0])])
    found = bins_of(every, finite, edges)
    merged, rows = _merged(edges, np.bincount(present(found, finite), minlength=len(edges) + 1))
    codes = np.searchsorted(merged, np.append(edges, np.inf), side="left")[found]
    largest = float(values.max())
    numbers = Numbers(
        edges=tuple(merged.tolist()),
        rows=tuple(rows.tolist()),
        top=largest if int((values == largest).sum()) >= FEWEST else None,
        whole=bool((values == np.floor(values)).all()),
    )
    return numbers, codes


def _rounded(edges: Floats, ordered: Floats) -> Floats:
    """Round to a thousandth of the middle 90 %, so that no edge is one row's value."""
    low, high = ordered[len(ordered) // 20], ordered[-1 - len(ordered) // 20]
    wide = float(high) - float(low) or abs(float(high)) or 1.0
    if not np.isfinite(wide):
        return edges
    places = 3 - int(np.floor(np.log10(wide)))
    return np.round(edges, places) if -300 < places < 300 else edges


def _merged(edges: Floats, rows: Ints) -> tuple[Floats, Ints]:
    """Merge bins of fewer than ten rows with the next, the last with the one before."""
    kept, counts, carried = [], [], 0
    for at, count in enumerate(rows.tolist()):
        carried += count
        if carried >= FEWEST and at < len(edges):
            kept.append(edges[at])
            counts.append(carried)
            carried = 0
    if carried >= FEWEST or not counts:
        counts.append(carried)
    else:
        counts[-1] += carried
        kept.pop()
    return np.array(kept, dtype=np.float64), np.array(counts, dtype=np.int64)


def _in_categories(
    levels: "Levels", key: bytes | None, stretches: Stretches, target: NDArray[np.int8] | None
) -> tuple[Categories, tuple[float, ...], NDArray[np.int8]]:
    """Name categories under the key, or plainly without one."""
    large = np.flatnonzero(levels.rows >= FEWEST).tolist()
    shown = {each: levels.names[each] if key is None else named(key, levels.names[each]) for each in large}
    order = sorted(large, key=lambda each: (-int(levels.rows[each]), shown[each]))[:LEVELS]
    rows = levels.rows[order]
    by: Floats = np.arange(len(order), dtype=np.float64)
    if target is not None:
        sums = np.bincount(levels.codes, weights=target, minlength=len(levels.names) + 1)
        by = np.asarray(sums[order] / rows, dtype=np.float64)
    ranks = np.empty(len(order), dtype=np.int64)
    along = np.argsort(by, kind="stable")
    ranks[along] = ranks_of(rows[along])
    told = Categories(
        names=tuple(shown[each] for each in order),
        rows=tuple(rows.tolist()),
        scores=tuple(ranks.tolist()),
        merged_levels=len(levels.names) - len(order),
        merged_rows=int(levels.rows.sum() - rows.sum()),
    )
    first = np.full(len(levels.names) + 1, _FIRST)
    first[order[:_FIRST]] = np.arange(min(len(order), _FIRST))
    first[-1] = -1
    score = np.zeros(len(levels.names) + 1, dtype=np.int8)
    score[order] = ranks
    return told, spread_of(first[levels.codes], _FIRST + 1, stretches, ordered=False), score[levels.codes]


def _times(column: "pl.Series") -> dict[str, Any]:
    moments = moments_of(column)
    if not len(moments):
        return {"hours": (0,) * 24, "newest": None}
    newest = cast("datetime", moments.max())
    return {"hours": hours_of(moments), "newest": newest.isoformat(timespec="hours")}


def _scores(probability: "pl.Series | None", truth: ArrayLike | None, positive: str) -> Scores | None:
    if probability is None or truth is None:
        return None
    values = probability.to_numpy().astype(np.float64)
    labels, codes = np.unique(np.asarray(truth), return_inverse=True)
    came = np.array([name_of(each) == positive for each in labels.tolist()])[codes]
    there = np.isfinite(values)
    values, came = values[there], came[there]
    if len(values) < 2 * FEWEST:
        return None
    most = min(SCORE_BINS, len(values) // FEWEST)
    edges = np.unique(np.round(np.quantile(values, np.arange(1, most) / most), 4))
    found = np.searchsorted(edges, values, side="left")
    edges, _ = _merged(edges, np.bincount(found, minlength=len(edges) + 1))
    found = np.searchsorted(edges, values, side="left")
    rows = np.bincount(found, minlength=len(edges) + 1)
    return Scores(
        edges=tuple(edges.tolist()),
        rows=tuple(rows.tolist()),
        positives=tuple(np.bincount(found[came], minlength=len(edges) + 1).tolist()),
        means=tuple(np.round(np.bincount(found, weights=values, minlength=len(edges) + 1) / rows, 6).tolist()),
    )
