"""What a version saw on its test rows, and the same columns counted in a window: small, and windows add up exactly.

A ``Reference`` goes with a version and tells nothing that fewer than ten rows have in common: bins, not values. A
``Summary`` counts a window's rows in the reference's bins, and beside them in bins that are as fine everywhere (a
number's sign, exponent and first six binary digits, so within 1.6 % of itself), from which a change of unit can be
read. All that a summary holds are sums, least and largest times, and the smallest of hashes: merged in any order, or
counted in one go, it is the same.
"""

import hmac
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from modelyard.core.errors import DataError
from modelyard.core.vocabulary import Task
from modelyard.data.profile import FEWEST
from modelyard.data.types import type_name
from modelyard.log.schema import FEATURE, OF_A_CLASS, PREDICTION, PROBABILITY
from modelyard.models.child.score import class_key
from modelyard.records.results.part import Part

if TYPE_CHECKING:
    import polars as pl

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Kind = Literal["number", "truth", "text", "time", "other"]

BINS = 100
"""Most bins of a number; each holds about a hundredth of the reference, a value that more rows share has its own."""
LEVELS = 200
"""Most frequent categories that are told apart."""
SCORE_BINS = 50
SHIFT = 17
"""Binary digits of a float32 that the fine sketch leaves out: 64 bins between a number and its double."""
SIGN = 1 << (31 - SHIFT)
FEWEST_STRETCHES = 8
"""Of one length, of which it is told what they have in common."""
_STRETCHES = 5_000
_FIRST = 8
"""Categories whose spread is measured."""
_HOUR = 3_600_000_000
_DAY = 24 * _HOUR
_HOURS = (1, 2, 3, 6, 12, 24, 48, 84, 168, 336, 672, 1344, 2688)
"""Stretches of the clock: hours, parts of a day, days and weeks."""
NAMED = 16
"""Hexadecimal digits of a category's name."""


class Numbers(Part):
    """A number's bins: ``rows[i]`` are above ``edges[i - 1]`` and not above ``edges[i]``; the ends are open."""

    edges: tuple[float, ...]
    rows: tuple[int, ...]
    whole: bool = False
    """All are whole numbers."""


class Categories(Part):
    """Categories by name, the most frequent first; all others together."""

    names: tuple[str, ...] = ()
    rows: tuple[int, ...] = ()
    merged_levels: int = 0
    merged_rows: int = 0


class Column(Part):
    """One column of the reference."""

    kind: Kind
    type: str
    rows: int
    missing: int = 0
    nan: int = 0
    infinite: int = 0
    numbers: Numbers | None = None
    categories: Categories | None = None
    hours: tuple[int, ...] | None = None
    """Of a time: rows by hour of the day in UTC."""
    newest: str | None = None
    personal: bool = False
    """Only its type and missing values are told."""
    spread: tuple[float, ...] = ()
    """What stretches of each length in ``Reference.lengths`` have in common: the variance of shares of rows from one to
    the other, beyond chance, over that of a single row."""
    missing_spread: tuple[float, ...] = ()
    """The same of the share of missing values."""


class Scores(Part):
    """Probabilities of the positive class on the test rows, with what came true."""

    edges: tuple[float, ...]
    rows: tuple[int, ...]
    positives: tuple[int, ...]
    means: tuple[float, ...]
    """Mean probability in each bin."""


class Reference(Part):
    """What a version saw on the test rows of its evaluation."""

    version: Literal[1] = 1
    task: Task
    rows: int
    units: int
    days: float | None = None
    """From the first row to the last; None where times are not known."""
    lengths: tuple[float, ...] = ()
    """Of the stretches that ``Column.spread`` is of: days where times are known, else rows."""
    keyed: bool
    """Categories are named under a key."""
    positive: str = ""
    threshold: float | None = None
    features: dict[str, Column]
    outputs: dict[str, Column]
    """``prediction`` and ``probability``, where there are such."""
    scores: Scores | None = None


class Counted(Part):
    """One column of a window, in the reference's bins; nothing but sums."""

    types: dict[str, int]
    """Rows by the type that they were read as."""
    missing: int = 0
    nan: int = 0
    infinite: int = 0
    bins: tuple[int, ...] = ()
    codes: tuple[int, ...] = ()
    """Bins of the fine sketch that have rows, ascending; see ``value_of``."""
    counts: tuple[int, ...] = ()
    """Rows of each."""
    fractions: int = 0
    """Rows with a number that is not whole."""
    levels: dict[str, int] = Field(default_factory=dict)
    """Rows by category, of those that the reference tells apart in any column."""
    others: int = 0
    """Rows of all other categories."""
    hours: tuple[int, ...] | None = None
    newest: str | None = None

    @property
    def rows(self) -> int:
        """Return how many rows were read."""
        return sum(self.types.values())


class Summary(Part):
    """What was counted in a window, or a part of one."""

    version: Literal[1] = 1
    rows: int = 0
    labelled: int = 0
    first: str | None = None
    """Time of the first and the last row, in UTC."""
    last: str | None = None
    days: dict[str, int] = Field(default_factory=dict)
    """Rows by day, in UTC."""
    hours: tuple[int, ...] = (0,) * 24
    models: dict[str, int] = Field(default_factory=dict)
    sampled: dict[str, int] = Field(default_factory=dict)
    """Rows by the share of predictions that the log kept."""
    early_labels: int = 0
    """Labels that are older than their prediction."""
    keyed: bool = False
    features: dict[str, Counted] = Field(default_factory=dict)
    outputs: dict[str, Counted] = Field(default_factory=dict)


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
        frame: (n rows) the features as scored, in the order of time where they have one.
        prediction: (n rows) ``prediction``, ``probability`` or ``probability_<class>``, as in a log.
        truth: (n,) what came true, of the type of the predictions; None where that is not known.
        task: what is predicted.
        unit: (n,) whole number of the unit of each row, in the order of time where units are stretches; None: each row
            is its own.
        time: (n,) when each row was; None: the rows' order, or that of the units, is taken for that of time.
        key: secret under which categories are named; None: none are told, nor watched.
        personal: columns of which only type and missing values are told.
        positive: the class that ``probability`` is of.
        threshold: from which probability on a row is called positive.

    Raises:
        DataError: no rows, or as many predictions as rows are not there.
    """
    if not len(frame) or len(frame) != len(prediction):
        raise DataError(
            f"{len(frame):,} rows with {len(prediction):,} predictions cannot be a reference",
            code="data/no-reference-rows",
            hint="A reference is made of the test rows and the prediction of each.",
        )
    named = "" if positive is None else _name(positive)
    outputs = _outputs(prediction, named)
    stretches = _stretches(len(frame), unit, time)
    return Reference(
        task=task,
        rows=len(frame),
        units=len(frame) if unit is None else len(np.unique(np.asarray(unit))),
        days=stretches.days,
        lengths=stretches.lengths,
        keyed=key is not None,
        positive=named,
        threshold=threshold,
        features={
            each.name: _described(each, key, stretches, personal=each.name in personal) for each in frame.get_columns()
        },
        outputs={name: _described(outputs[name], None, stretches, label=True) for name in outputs},
        scores=_scores(outputs.get(PROBABILITY), truth, named) if task == "binary" else None,
    )


def summarise(frame: "pl.DataFrame", reference: Reference, *, key: bytes | None = None) -> Summary:
    """Count a window's rows, or a part of them, in the reference's bins.

    Args:
        frame: rows of a log: ``time``, ``feature_<name>``, ``prediction``, ``probability`` …; other columns are counted
            where they are known (``model``, ``sample``, ``label``, ``label_time``) and ignored else.
        reference: of the version that predicted.
        key: the reference's; None: categories are not counted.
    """
    known = _known_levels(reference) if key is not None and reference.keyed else None
    features = {
        name: _counted(frame[FEATURE + name], of, key, known)
        for name, of in sorted(reference.features.items())
        if FEATURE + name in frame.columns
    }
    outputs = _outputs(frame, reference.positive)
    return Summary(
        rows=len(frame),
        keyed=known is not None,
        features=features,
        outputs={
            name: _counted(outputs[name], of, None, set(of.categories.names) if of.categories else None)
            for name, of in sorted(reference.outputs.items())
            if name in outputs
        },
        **_circumstances(frame),
    )


def merge(a: Summary, b: Summary) -> Summary:
    """Return the summary of both's rows: as if they had been counted together, in whatever order."""
    if not (a.rows and b.rows):
        return a if a.rows else b
    return Summary(
        rows=a.rows + b.rows,
        labelled=a.labelled + b.labelled,
        first=_least(a.first, b.first),
        last=_most(a.last, b.last),
        days=_added(a.days, b.days),
        hours=_zipped(a.hours, b.hours),
        models=_added(a.models, b.models),
        sampled=_added(a.sampled, b.sampled),
        early_labels=a.early_labels + b.early_labels,
        keyed=a.keyed and b.keyed,
        features=_both(a.features, b.features),
        outputs=_both(a.outputs, b.outputs),
    )


def value_of(code: int) -> float:
    """Return the number nearest to 0 of a bin of the fine sketch; the next bin away from 0 begins where it ends."""
    bits = np.array([abs(code) << SHIFT], dtype=np.uint32)
    return float(np.copysign(float(bits.view(np.float32)[0]), code))


# the reference


@dataclass(frozen=True)
class _Stretches:
    """Rows that follow each other: the shortest stretches, and how many of them longer ones are made of."""

    block: Ints | None
    """(n,) the shortest stretch that a row lies in."""
    together: tuple[int, ...]
    lengths: tuple[float, ...]
    days: float | None


def _stretches(rows: int, unit: ArrayLike | None, time: "pl.Series | None") -> _Stretches:
    """Divide rows into stretches: of the clock where times are known, else of so many rows."""
    if time is not None:
        moments = _moments(time).to_physical().to_numpy()
        days = float(moments.max() - moments.min()) / _DAY
        shortest = next((hours for hours in (1, 6, 24) if days * 24 <= hours * _STRETCHES), 168)
        block = moments // (shortest * _HOUR)
        block -= block.min() // 168 * 168  # whole weeks, so that longer stretches begin at midnight
        lengths = [hours for hours in _HOURS if hours % shortest == 0 and days * 24 >= FEWEST_STRETCHES * hours]
        return _Stretches(
            block, tuple(each // shortest for each in lengths), tuple(each / 24 for each in lengths), days
        )
    order = np.arange(rows) if unit is None else np.argsort(np.asarray(unit), kind="stable")
    shortest = max(4, -(-rows // _STRETCHES))
    together = tuple(2**each for each in range(20) if rows >= FEWEST_STRETCHES * shortest * 2**each)
    block = np.empty(rows, dtype=np.int64)
    block[order] = np.arange(rows) // shortest
    return _Stretches(block, together, tuple(float(each * shortest) for each in together), None)


def _spread(codes: Ints, classes: int, stretches: _Stretches, *, ordered: bool) -> tuple[float, ...]:
    """Return what stretches of each length have in common: the variance of shares over that of one row, p(1 - p).

    The mean over shares at or below each class where classes are ordered; else the sum over classes, each over p alone:
    the trace of Rao and Scott's design. Independent rows have 0 in common, rows that are alike within a stretch 1.
    Times the length it grows with the length, wherever stretches do not alternate, so that the largest so far is taken.
    ``codes`` has each row's class, from 0; -1 counts for nothing.
    """
    if stretches.block is None or classes < 2:
        return ()
    counted = codes >= 0
    blocks = int(stretches.block.max()) + 1
    table = np.bincount(stretches.block[counted] * classes + codes[counted], minlength=blocks * classes)
    table = table.reshape(blocks, classes).astype(np.float64)
    found, most = [], 0.0
    for together, length in zip(stretches.together, stretches.lengths, strict=True):
        joined = np.add.reduceat(table, np.arange(0, blocks, together), axis=0)
        rows = joined.sum(axis=1)
        total, there = float(rows.sum()), int((rows > 0).sum())
        share = joined.sum(axis=0) / max(total, 1)
        away = joined - rows[:, None] * share  # each stretch's influence on the shares, times all rows
        if ordered:
            away, share = np.cumsum(away, axis=1)[:, :-1], np.cumsum(share)[:-1]
            weight, degrees = 1.0 / max(float((share * (1 - share)).sum()), 1e-12), 1
        else:
            weight, degrees = 1.0 / np.maximum(share, 1e-12), int((share > 0).sum()) - 1
        if there > 1 and total:
            seen = float(((away**2) * weight).sum()) * there / (there - 1)
            most = max(most, length * (seen - degrees * total) / float((rows**2).sum()))
        found.append(float(f"{most / length:.3g}"))
    return tuple(found)


def _described(
    column: "pl.Series", key: bytes | None, stretches: _Stretches, *, personal: bool = False, label: bool = False
) -> Column:
    kind = kind_of(column)
    basics: dict[str, Any] = {"kind": kind, "type": type_name(column.dtype), "rows": len(column)}
    basics |= {"missing": column.null_count(), "personal": personal}
    if column.null_count():
        lost = column.is_null().to_numpy().astype(np.int64)
        basics["missing_spread"] = _spread(lost, 2, stretches, ordered=False)
    if kind in ("number", "truth") and not (label and kind == "truth"):
        return Column(**basics, **_in_numbers(column, stretches, personal=personal))
    if personal or (kind == "text" and key is None and not label):
        return Column(**basics)
    if kind in ("text", "truth"):
        return Column(**basics, **_in_categories(column, key, stretches))
    return Column(**basics, **(_times(column) if kind == "time" else {}))


def _in_numbers(column: "pl.Series", stretches: _Stretches, *, personal: bool) -> dict[str, Any]:
    import polars as pl

    values = column.cast(pl.Float64).to_numpy()
    nan = int(np.isnan(values).sum()) - column.null_count()
    finite = np.isfinite(values)
    there = int(finite.sum())
    told: dict[str, Any] = {"nan": nan, "infinite": len(values) - there - nan - column.null_count()}
    numbers = None if personal else _numbers(values if there == len(values) else values[finite])
    if numbers is None:
        return told
    cuts = _cuts(numbers)
    codes = np.where(finite, np.searchsorted(np.array(cuts), values, side="left"), -1)
    return told | {"numbers": numbers, "spread": _spread(codes, len(cuts) + 1, stretches, ordered=True)}


def _cuts(numbers: Numbers) -> list[float]:
    """Return at most seven edges that part the rows evenly."""
    below = np.cumsum(numbers.rows)[:-1] / sum(numbers.rows)
    at = {int(np.abs(below - step / 8).argmin()) for step in range(1, 8)} if len(below) else set()
    return [numbers.edges[each] for each in sorted(at)]


def kind_of(column: "pl.Series") -> Kind:
    """Return what is counted of a column: numbers and truth values in bins, text by category, times by hour."""
    import polars as pl

    dtype = column.dtype
    if dtype == pl.Boolean:
        return "truth"
    if dtype.is_numeric():
        return "number"
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        return "text"
    return "time" if dtype in (pl.Date, pl.Datetime) else "other"


def _values(column: "pl.Series") -> tuple[Floats, int]:
    """Return the values that are there and no NaN, as floats, and how many are NaN."""
    import polars as pl

    values = column.drop_nulls().cast(pl.Float64).to_numpy()
    there = ~np.isnan(values)
    kept = values if there.all() else values[there]
    return kept, len(values) - len(kept)


def _numbers(values: Floats) -> Numbers | None:
    """Bin finite values: a hundredth of the rows each, and not fewer than ten; a value that so many share alone."""
    if len(values) < FEWEST:
        return None
    ordered = np.sort(values)
    n = len(ordered)
    most = max(min(BINS, n // FEWEST), 1)
    least = max(n / most, FEWEST)
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    distinct, counts = ordered[starts], np.diff(np.append(starts, n))
    quantiles = ordered[(np.arange(1, most) * n // most)]
    whole = bool((distinct == np.floor(distinct)).all())
    if len(distinct) <= BINS:
        edges = distinct[:-1]
    else:
        common = np.flatnonzero(counts >= least)
        edges = np.concatenate(
            (_rounded(quantiles, ordered), distinct[common], np.nextafter(distinct[common], -np.inf))
        )
        edges = np.unique(edges[(edges < ordered[-1]) & (edges >= ordered[0])])
    rows = np.bincount(np.searchsorted(edges, ordered, side="left"), minlength=len(edges) + 1)
    edges, rows = _merged(edges, rows)
    return Numbers(edges=tuple(edges.tolist()), rows=tuple(rows.tolist()), whole=whole)


def _rounded(edges: Floats, ordered: Floats) -> Floats:
    """Round to a thousandth of the middle 90 %, so that no edge is one row's value."""
    low, high = ordered[len(ordered) // 20], ordered[-1 - len(ordered) // 20]
    wide = float(high - low) or float(abs(high)) or 1.0
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


def _in_categories(column: "pl.Series", key: bytes | None, stretches: _Stretches) -> dict[str, Any]:
    """Name categories under the key, or plainly without one."""
    import polars as pl

    names, rows = _levels(column)
    common = sorted(
        ((named(key, name) if key is not None else name, count, name) for name, count in zip(names, rows, strict=True)
         if count >= FEWEST),
        key=lambda each: (-each[1], each[0]),
    )[:LEVELS]  # fmt: skip
    known = sum(count for _, count, _ in common)
    told = Categories(
        names=tuple(name for name, _, _ in common),
        rows=tuple(count for _, count, _ in common),
        merged_levels=len(names) - len(common),
        merged_rows=sum(rows) - known,
    )
    first = [name for _, _, name in common[:_FIRST]]
    texts = column.cast(pl.String)
    codes = texts.replace_strict(first, list(range(len(first))), default=len(first), return_dtype=pl.Int64)
    missing = texts.is_null().to_numpy()
    spread = _spread(np.where(missing, -1, codes.to_numpy()), len(first) + 1, stretches, ordered=False)
    return {"categories": told, "spread": spread}


def named(key: bytes, level: str) -> str:
    """Return the name of a category under the key: the same in every column, so that swapped columns are seen."""
    return hmac.digest(key, f"monitoring\0{level}".encode("utf-8", "surrogatepass"), "sha256").hex()[:NAMED]


def _levels(column: "pl.Series") -> tuple[list[str], list[int]]:
    import polars as pl

    counted = column.drop_nulls().cast(pl.String).alias("level").value_counts()
    return counted["level"].to_list(), counted["count"].to_list()


def _times(column: "pl.Series") -> dict[str, Any]:
    moments = _moments(column)
    if not len(moments):
        return {"hours": (0,) * 24, "newest": None}
    newest = cast("datetime", moments.max())
    return {"hours": _hours(moments), "newest": newest.isoformat(timespec="hours")}


def _moments(column: "pl.Series") -> "pl.Series":
    """Return times that are there, in UTC without a zone."""
    import polars as pl

    there = column.drop_nulls()
    if isinstance(there.dtype, pl.Datetime) and there.dtype.time_zone:
        there = there.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return there.cast(pl.Datetime("us"))


def _hours(moments: "pl.Series") -> tuple[int, ...]:
    return tuple(np.bincount(moments.dt.hour().to_numpy(), minlength=24).tolist())


def _scores(probability: "pl.Series | None", truth: ArrayLike | None, positive: str) -> Scores | None:
    if probability is None or truth is None:
        return None
    values = probability.to_numpy().astype(np.float64)
    came = np.array([_name(each) == positive for each in np.asarray(truth).tolist()])
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


# what a model says


def _outputs(frame: "pl.DataFrame", positive: str) -> "dict[str, pl.Series]":
    """Return the label or value, and the probability of the positive class, else the largest one."""
    import polars as pl

    found: dict[str, pl.Series] = {}
    classes, key = [name for name in frame.columns if name.startswith(OF_A_CLASS)], class_key(positive)
    if PREDICTION in frame.columns:
        label = frame[PREDICTION]
        found[PREDICTION] = label.cast(pl.String) if kind_of(label) == "truth" else label
    elif classes:
        best = frame.select(pl.concat_list(classes).list.arg_max()).to_series()
        found[PREDICTION] = best.replace_strict(
            dict(enumerate(name.removeprefix(OF_A_CLASS) for name in classes)), return_dtype=pl.String
        )
    if PROBABILITY in frame.columns:
        found[PROBABILITY] = frame[PROBABILITY]
    elif own := [name for name in classes if positive and class_key(name.removeprefix(OF_A_CLASS)) == key]:
        found[PROBABILITY] = frame[own[0]]
    elif classes:
        found[PROBABILITY] = frame.select(pl.max_horizontal(classes)).to_series()
    return found


def _name(value: object) -> str:
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


# a window


def _known_levels(reference: Reference) -> set[str]:
    return {name for each in reference.features.values() if each.categories for name in each.categories.names}


def _counted(column: "pl.Series", of: Column, key: bytes | None, known: Collection[str] | None) -> Counted:
    kind = kind_of(column)
    basics: dict[str, Any] = {"missing": column.null_count(), "types": {type_name(column.dtype): len(column)}}
    if of.personal:
        return Counted(**basics)
    if kind in ("number", "truth"):
        values, nan = _values(column)
        finite = values[np.isfinite(values)]
        basics |= {"nan": nan, "infinite": len(values) - len(finite)}
        if of.numbers is not None:
            basics |= _in_bins(finite, of.numbers)
    elif kind == "text" and of.categories is not None and known is not None:
        basics |= _in_levels(column, key, known)
    elif kind == "time" and of.kind == "time":
        moments = _moments(column)
        newest = cast("datetime | None", moments.max())
        basics |= {"hours": _hours(moments), "newest": None if newest is None else _moment(newest)}
    return Counted(**basics)


def _in_bins(values: Floats, of: Numbers) -> dict[str, Any]:
    bins = np.bincount(np.searchsorted(np.array(of.edges), values, side="left"), minlength=len(of.rows))
    with np.errstate(over="ignore"):
        # +0.0: there is one zero.
        fine = np.bincount((values + 0.0).astype(np.float32).view(np.uint32) >> SHIFT, minlength=1)
    codes = np.flatnonzero(fine)
    signed = np.where(codes >= SIGN, -(codes & (SIGN - 1)), codes)
    order = np.argsort(signed)
    return {
        "bins": tuple(bins.tolist()),
        "codes": tuple(signed[order].tolist()),
        "counts": tuple(fine[codes[order]].tolist()),
        "fractions": int((values != np.floor(values)).sum()),
    }


def _in_levels(column: "pl.Series", key: bytes | None, known: Collection[str]) -> dict[str, Any]:
    levels: dict[str, int] = {}
    others = 0
    for level, rows in zip(*_levels(column), strict=True):
        name = level if key is None else named(key, level)
        if name in known:
            levels[name] = rows
        else:
            others += rows
    return {"levels": dict(sorted(levels.items())), "others": others}


def _circumstances(frame: "pl.DataFrame") -> dict[str, Any]:
    import polars as pl

    told: dict[str, Any] = {}
    if "time" in frame.columns and len(frame):
        moments = _moments(frame["time"])
        told |= {"hours": _hours(moments), "first": _moment(moments.min()), "last": _moment(moments.max())}
        told["days"] = _tally(moments.dt.date().cast(pl.String))
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
    return dict(sorted(zip(*_levels(column), strict=True)))


def _moment(value: Any) -> str | None:
    return None if value is None else cast("datetime", value).replace(tzinfo=UTC).isoformat(timespec="microseconds")


# adding up


def _added(a: Mapping[str, int], b: Mapping[str, int]) -> dict[str, int]:
    return {name: a.get(name, 0) + b.get(name, 0) for name in sorted({*a, *b})}


def _zipped(a: Sequence[int], b: Sequence[int]) -> tuple[int, ...]:
    if not (a and b):
        return tuple(a or b)
    return tuple(x + y for x, y in zip(a, b, strict=True))


def _least(a: str | None, b: str | None) -> str | None:
    return min((each for each in (a, b) if each is not None), default=None)


def _most(a: str | None, b: str | None) -> str | None:
    return max((each for each in (a, b) if each is not None), default=None)


def _both(a: Mapping[str, Counted], b: Mapping[str, Counted]) -> dict[str, Counted]:
    return {name: _column(a.get(name), b.get(name)) for name in sorted({*a, *b})}


def _column(a: Counted | None, b: Counted | None) -> Counted:
    if a is None or b is None:
        return cast("Counted", a or b)
    fine = _added(
        {str(code): rows for code, rows in zip(a.codes, a.counts, strict=True)},
        {str(code): rows for code, rows in zip(b.codes, b.counts, strict=True)},
    )
    ordered = sorted((int(code), rows) for code, rows in fine.items())
    return Counted(
        types=_added(a.types, b.types),
        missing=a.missing + b.missing,
        nan=a.nan + b.nan,
        infinite=a.infinite + b.infinite,
        bins=_zipped(a.bins, b.bins),
        codes=tuple(code for code, _ in ordered),
        counts=tuple(rows for _, rows in ordered),
        fractions=a.fractions + b.fractions,
        levels=_added(a.levels, b.levels),
        others=a.others + b.others,
        hours=None if a.hours is None and b.hours is None else _zipped(a.hours or (), b.hours or ()),
        newest=_most(a.newest, b.newest),
    )
