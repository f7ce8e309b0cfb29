"""What a version saw on its test rows, and the same columns counted in a window: small, and windows add up exactly.

A ``Reference`` goes with a version and tells nothing that fewer than ten rows have in common: bins, not values. A
``Summary`` counts a window's rows in the reference's bins, and beside them in bins that are as fine everywhere (a
number's sign, exponent and first six binary digits, so within 1.6 % of itself), from which a change of unit can be
read. All that a summary holds are sums, least and largest times, and the smallest of hashes: merged in any order, or
counted in one go, it is the same.
"""

import hashlib
import hmac
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, cast

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
T = TypeVar("T", bound=Part)
Found = TypeVar("Found")
Value = TypeVar("Value", bound=np.generic)
Kind = Literal["number", "truth", "text", "time", "other"]

BINS = 100
"""Most bins of a number; each holds about a hundredth of the reference, a value that more rows share has its own."""
LEVELS = 200
"""Most frequent categories that are told apart."""
SCORE_BINS = 50
SHIFT = 17
"""Binary digits of a float32 that the fine sketch leaves out: 64 bins between a number and its double."""
SIGN = 1 << (31 - SHIFT)
SAMPLED = 256
"""Hashes of rows that are kept, from which the share of repeated rows is known to 2 points."""
ASSOCIATED = 64
"""Columns whose associations are watched at most."""
FEWEST_STRETCHES = 8
"""Of one length, of which it is told what they have in common."""
_STRETCHES = 5_000
_MOST_STRETCHES, _AT_MOST = 52, 10_000
_FIRST = 8
"""Categories whose spread is measured."""
_HOUR = 3_600_000_000
_DAY = 24 * _HOUR
_EPOCH = date(1970, 1, 1).toordinal()
_AT_ONCE = 1 << 12
_MANY, _FEWEST_EDGES, _CELLS, _CLOSE = 10_000, 8, 4_096, 3
"""Rows and edges from which values are binned by cells, how many, and the most edges in one."""
_THREADS = 4
_ENOUGH = 50_000
"""Values from which edges are taken from a part of them."""
_HOURS = (1, 2, 3, 6, 12, 24, 48, 84, 168, 336, 672, 1344, 2688)
"""Stretches of the clock: hours, parts of a day, days and weeks."""
NAMED = 16
"""Hexadecimal digits of a category's name."""


class Numbers(Part):
    """A number's bins: ``rows[i]`` are above ``edges[i - 1]`` and not above ``edges[i]``; the ends are open."""

    edges: tuple[float, ...]
    rows: tuple[int, ...]
    top: float | None = None
    """The largest value, where ten rows share it."""
    whole: bool = False
    """All are whole numbers."""


class Categories(Part):
    """Categories by name, the most frequent first; all others together."""

    names: tuple[str, ...] = ()
    rows: tuple[int, ...] = ()
    scores: tuple[int, ...] = ()
    """Of each, from -50 to 50 by the mean prediction of its rows; others have 0."""
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
    hours: tuple[int, ...] | None = None
    """Rows by hour of the day in UTC, where times are known."""
    lengths: tuple[float, ...] = ()
    """Of the stretches that ``Column.spread`` is of: days where times are known, else rows."""
    keyed: bool
    """Categories are named under a key."""
    positive: str = ""
    threshold: float | None = None
    features: dict[str, Column]
    outputs: dict[str, Column]
    """``prediction`` and ``probability``, where there are such."""
    associated: tuple[str, ...] = ()
    """Columns, as a log names them, whose ranks are correlated with each other …"""
    correlations: tuple[float, ...] = ()
    """… and how, within days where times are known: of the first with the second, with the third, …, of the second with
    the third, …"""
    varied: tuple[float, ...] = ()
    """Standard deviation of each from one stretch to another …"""
    varied_over: float | None = None
    """… of this length, in days where times are known, else in rows."""
    repeated: float = 0.0
    """Share of distinct rows, times left out, that are there more than once."""
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
    variety: dict[str, int] = Field(default_factory=dict)
    """By day: which of 32 parts, by hash, its values fall into, a bit each."""

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
    sums: dict[str, tuple[int, ...]] = Field(default_factory=dict)
    """By day, of the scores of ``Reference.associated``: ranks in the reference, from -50 to 50."""
    products: tuple[int, ...] = ()
    """Sums of products of scores: of the first with itself, with the second, …, of the second with itself, …"""
    hashes: tuple[int, ...] = ()
    """The smallest hashes of rows, times left out …"""
    repeats: tuple[int, ...] = ()
    """… and how many rows each is of."""


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
    named = "" if positive is None else _name(positive)
    time = None if time is None or time.null_count() or kind_of(time) != "time" else time
    outputs = _outputs(prediction, named, task)
    stretches = _stretches(rows, unit, time)
    said = {name: _described(outputs[name], None, stretches, label=True) for name in sorted(outputs)}
    target = next((said[name].score for name in (PROBABILITY, PREDICTION) if name in said), None)
    features = _each(
        frame.columns,
        lambda name: _described(frame[name], key, stretches, personal=name in personal, target=target),
    )
    logged = {FEATURE + name: features[name] for name in sorted(features)} | said
    associated = [name for name, each in logged.items() if each.score is not None][:ASSOCIATED]
    hashes, repeats = _smallest([each.hashed for each in logged.values()])
    return Reference(
        task=task,
        rows=rows,
        units=rows if unit is None else len(np.unique(np.asarray(unit))),
        days=stretches.days,
        hours=None if time is None else _hours(_moments(time)),
        lengths=stretches.lengths,
        keyed=key is not None,
        positive=named,
        threshold=threshold,
        features={name: each.column for name, each in features.items()},
        outputs={name: each.column for name, each in said.items()},
        associated=tuple(associated),
        **_associations(_table([logged[name].score for name in associated], rows), stretches),
        repeated=float((repeats > 1).mean()) if len(hashes) else 0.0,
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
    day = _days(frame)
    there = [name for name in sorted(reference.features) if FEATURE + name in frame.columns]
    features = _each(there, lambda name: _counted(frame[FEATURE + name], reference.features[name], key, known, day))
    said = _outputs(frame, reference.positive, reference.task)
    outputs = {
        name: _counted(said[name], of, None, set(of.categories.names) if of.categories else None, day)
        for name, of in sorted(reference.outputs.items())
        if name in said
    }
    logged = {FEATURE + name: each for name, each in features.items()} | outputs
    scores = [logged[name].score if name in logged else None for name in reference.associated]
    sums, products = _products(_table(scores, len(frame)), day.codes, len(day.names))
    hashes, repeats = _smallest([each.hashed for each in logged.values()])
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


def merge(a: Summary, b: Summary) -> Summary:
    """Return the summary of both's rows: as if they had been counted together, in whatever order."""
    if not (a.rows and b.rows):
        return next((each for each in (a, b) if each.rows), Summary())
    hashes, repeats = _union(a, b)
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
        sums={day: _zipped(a.sums.get(day, ()), b.sums.get(day, ())) for day in sorted({*a.sums, *b.sums})},
        products=_zipped(a.products, b.products),
        hashes=hashes,
        repeats=repeats,
    )


def value_of(code: int) -> float:
    """Return the number nearest to 0 of a bin of the fine sketch; the next bin away from 0 begins where it ends."""
    bits = np.array([abs(code) << SHIFT], dtype=np.uint32)
    return float(np.copysign(float(bits.view(np.float32)[0]), code))


def code_of(values: Floats) -> Ints:
    """Return the bin of the fine sketch of each number; bins ascend with what they hold."""
    with np.errstate(over="ignore"):
        return _signed(((values + 0.0).astype(np.float32).view(np.uint32) >> SHIFT).astype(np.int64))


def _signed(codes: Ints) -> Ints:
    return np.asarray(np.where(codes >= SIGN, -(codes & (SIGN - 1)), codes), dtype=np.int64)


def _each(names: Sequence[str], work: Callable[[str], Found]) -> dict[str, Found]:
    """Do the same for columns side by side; what it comes to does not depend on the order."""
    with ThreadPoolExecutor(min(os.cpu_count() or 1, _THREADS)) as pool:
        return dict(zip(names, pool.map(work, names), strict=True))


# the reference


@dataclass(frozen=True)
class _Stretches:
    """Rows that follow each other: the shortest stretches, and how many of them longer ones are made of."""

    block: Ints
    """(n,) the shortest stretch that a row lies in."""
    together: tuple[int, ...]
    lengths: tuple[float, ...]
    day: Ints
    """(n,) its day; all the same where times are not known."""
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
        told = tuple(each / 24 for each in lengths)
        return _Stretches(block, tuple(each // shortest for each in lengths), told, moments // _DAY, days)
    order = np.arange(rows) if unit is None else np.argsort(np.asarray(unit), kind="stable")
    shortest = max(4, -(-rows // _STRETCHES))
    together = tuple(2**each for each in range(20) if rows >= FEWEST_STRETCHES * shortest * 2**each)
    block = np.empty(rows, dtype=np.int64)
    block[order] = np.arange(rows) // shortest
    lengths_in_rows = tuple(float(each * shortest) for each in together)
    return _Stretches(block, together, lengths_in_rows, np.zeros(rows, dtype=np.int64), None)


def _spread(codes: Ints, classes: int, stretches: _Stretches, *, ordered: bool) -> tuple[float, ...]:
    """Return what stretches of each length have in common: the variance of shares over that of one row, p(1 - p).

    The mean over shares at or below each class where classes are ordered; else the sum over classes, each over p alone:
    the trace of Rao and Scott's design. Independent rows have 0 in common, rows that are alike within a stretch 1.
    Times the length it grows with the length, wherever stretches do not alternate, so that the largest so far is taken.
    ``codes`` has each row's class, from 0; -1 counts for nothing.
    """
    if not stretches.lengths or classes < 2:
        return ()
    counted = codes >= 0
    blocks = int(stretches.block.max()) + 1
    cells = stretches.block * classes
    cells += codes
    table = np.bincount(_some(cells, counted), minlength=blocks * classes)
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


@dataclass(frozen=True)
class _Read(Generic[T]):
    """What a column is told to be, with each row's score and hash: (n,); None where it has none."""

    column: T
    score: NDArray[np.int8] | None = None
    hashed: NDArray[np.uint64] | None = None


def _described(
    column: "pl.Series",
    key: bytes | None,
    stretches: _Stretches,
    *,
    personal: bool = False,
    label: bool = False,
    target: NDArray[np.int8] | None = None,
) -> _Read[Column]:
    kind = kind_of(column)
    basics: dict[str, Any] = {"kind": kind, "type": type_name(column.dtype), "rows": len(column)}
    basics |= {"missing": column.null_count(), "personal": personal}
    if column.null_count():
        lost = column.is_null().to_numpy().astype(np.int64)
        basics["missing_spread"] = _spread(lost, 2, stretches, ordered=False)
    if kind in ("number", "truth"):
        values, finite, nan = _floats(column)
        basics |= {"nan": nan, "infinite": len(values) - int(finite.sum()) - nan - column.null_count()}
        hashed = _hashed(values)
        binned = None if personal else _numbers(values, finite)
        if binned is None:
            return _Read(Column(**basics), hashed=hashed)
        numbers, codes = binned
        coarse = _coarse(numbers)[codes]
        coarse = coarse if finite.all() else np.where(finite, coarse, -1)
        spread = _spread(coarse, 8, stretches, ordered=True)
        return _Read(Column(**basics, numbers=numbers, spread=spread), _ranked(codes, finite, numbers.rows), hashed)
    if kind == "text":
        levels = _levels(column)
        hashed = levels.hashed()
        if personal or (key is None and not label):
            return _Read(Column(**basics), hashed=hashed)
        told, spread, score = _in_categories(levels, key, stretches, target)
        return _Read(Column(**basics, categories=told, spread=spread), score, hashed)
    return _Read(Column(**basics, **(_times(column) if kind == "time" and not personal else {})))


def _floats(column: "pl.Series") -> tuple[Floats, NDArray[np.bool_], int]:
    """Return all values as floats, those missing as NaN, which are finite, and how many were NaN."""
    import polars as pl

    values = column.cast(pl.Float64).to_numpy()
    finite = np.isfinite(values)
    nan = 0 if finite.all() else int(np.isnan(values).sum()) - column.null_count()
    return values, finite, nan


def _some(values: NDArray[Value], there: NDArray[np.bool_]) -> NDArray[Value]:
    """Return the values that are there, without a copy where all are."""
    return values if there.all() else values[there]


def _bins(values: Floats, finite: NDArray[np.bool_], edges: Floats) -> Ints:
    """Return how many edges are below each value, as a search of each would; what is not finite gets any number.

    Edges are dealt to even cells first, so that only those in a value's own cell are left to compare with.
    """
    if len(values) < _MANY or len(edges) < _FEWEST_EDGES or edges[-1] <= edges[0]:
        return np.searchsorted(edges, values, side="left")
    whole = values if finite.all() else np.where(finite, values, 0.0)
    scale = _CELLS / (edges[-1] - edges[0])
    here = _cells(edges, edges[0], scale)
    counts = np.bincount(here, minlength=_CELLS + 2)
    most = int(counts.max())
    if most > _CLOSE or not np.isfinite(scale):
        return np.searchsorted(edges, values, side="left")
    found = (np.cumsum(counts) - counts)[_cells(whole, edges[0], scale)]
    padded = np.append(edges, np.inf)
    for _ in range(most):
        found += whole > padded[found]
    return found


def _cells(values: Floats, lowest: float, scale: float) -> NDArray[np.int32]:
    cells = values - lowest
    cells *= scale
    np.clip(cells, -1, _CELLS, out=cells)
    cells += 1
    return cells.astype(np.int32)


def _ranked(codes: Ints, there: NDArray[np.bool_], rows: Sequence[int]) -> NDArray[np.int8]:
    """Return each row's score: the middle rank of its bin in the reference, from -50 to 50; 0 where it has none."""
    found = np.append(_ranks(rows), 0).astype(np.int8)[codes]
    return found if there.all() else np.where(there, found, np.int8(0))


def _ranks(rows: Sequence[int] | Ints) -> Ints:
    counts = np.asarray(rows, dtype=np.float64)
    middle = (np.cumsum(counts) - counts / 2) / max(float(counts.sum()), 1.0)
    return np.asarray(np.rint(100 * middle - 50), dtype=np.int64)


def _coarse(numbers: Numbers) -> Ints:
    """Return the class of each bin, of at most eight that part the rows evenly."""
    below = np.cumsum(numbers.rows)[:-1] / sum(numbers.rows)
    cuts = sorted({int(np.abs(below - step / 8).argmin()) for step in range(1, 8)}) if len(below) else []
    # One more: values that are not there are looked up too.
    return np.searchsorted(np.asarray(cuts), np.arange(len(numbers.rows) + 1), side="left").astype(np.int64)


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


def _numbers(values: Floats, finite: NDArray[np.bool_]) -> tuple[Numbers, Ints] | None:
    """Bin finite values: a hundredth of the rows each, and not fewer than ten; a value that so many share alone.

    Returns:
        The bins, and the bin of each value (n,), any for those that are not finite; None under ten values.
    """
    every, values = values, _some(values, finite)
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
    found = _bins(every, finite, edges)
    merged, rows = _merged(edges, np.bincount(_some(found, finite), minlength=len(edges) + 1))
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
    levels: "_Levels", key: bytes | None, stretches: _Stretches, target: NDArray[np.int8] | None
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
    ranks[along] = _ranks(rows[along])
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
    return told, _spread(first[levels.codes], _FIRST + 1, stretches, ordered=False), score[levels.codes]


def named(key: bytes, level: str) -> str:
    """Return the name of a category under the key: the same in every column, so that swapped columns are seen."""
    return hmac.digest(key, f"monitoring\0{level}".encode("utf-8", "surrogatepass"), "sha256").hex()[:NAMED]


@dataclass(frozen=True)
class _Levels:
    """The categories of a column, the rows of each, and each row's (n,); the last but one past the end if missing."""

    names: list[str]
    rows: Ints
    codes: Ints

    def hashed(self) -> NDArray[np.uint64]:
        digests = [
            int.from_bytes(hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest())
            for name in self.names
        ]
        return np.array([*digests, 0], dtype=np.uint64)[self.codes]


def _levels(column: "pl.Series") -> _Levels:
    import polars as pl

    texts = column.cast(pl.String)
    names = texts.drop_nulls().unique()
    codes = texts.cast(pl.Enum(names)).to_physical().cast(pl.Int64).fill_null(len(names)).to_numpy()
    return _Levels(names.to_list(), np.bincount(codes, minlength=len(names) + 1)[:-1].astype(np.int64), codes)


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
    labels, codes = np.unique(np.asarray(truth), return_inverse=True)
    came = np.array([_name(each) == positive for each in labels.tolist()])[codes]
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


def _outputs(frame: "pl.DataFrame", positive: str, task: Task) -> "dict[str, pl.Series]":
    """Return the label or value, and the probability of the positive class, else the largest one."""
    import polars as pl

    found: dict[str, pl.Series] = {}
    classes, key = [name for name in frame.columns if name.startswith(OF_A_CLASS)], class_key(positive)
    if PREDICTION in frame.columns:
        found[PREDICTION] = frame[PREDICTION] if task == "regression" else _labels(frame[PREDICTION])
    elif classes:
        best = frame.select(pl.concat_list(classes).list.arg_max()).to_series()
        found[PREDICTION] = best.replace_strict(
            dict(enumerate(_written(name.removeprefix(OF_A_CLASS)) for name in classes)), return_dtype=pl.String
        )
    if PROBABILITY in frame.columns:
        found[PROBABILITY] = frame[PROBABILITY]
    elif own := [name for name in classes if positive and class_key(name.removeprefix(OF_A_CLASS)) == key]:
        found[PROBABILITY] = frame[own[0]]
    elif classes:
        found[PROBABILITY] = frame.select(pl.max_horizontal(classes)).to_series()
    return found


def _labels(column: "pl.Series") -> "pl.Series":
    """Return labels as text: 1, 1.0 and "1" are one, as are true and "True"."""
    import polars as pl

    if column.dtype.is_float():
        whole = column.cast(pl.Int64, strict=False)
        column = whole if (whole.cast(column.dtype) == column).all() else column
    return column.cast(pl.String).replace({"True": "true", "False": "false"})


def _written(name: str) -> str:
    """Return the name of a class as ``_name`` writes it: True and true are one."""
    return name.lower() if name.lower() in ("true", "false") else name


def _name(value: object) -> str:
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


# a window


def _known_levels(reference: Reference) -> set[str]:
    return {name for each in reference.features.values() if each.categories for name in each.categories.names}


def _counted(
    column: "pl.Series", of: Column, key: bytes | None, known: Collection[str] | None, day: "_Days"
) -> _Read[Counted]:
    kind = kind_of(column)
    basics: dict[str, Any] = {"missing": column.null_count(), "types": {type_name(column.dtype): len(column)}}
    if kind in ("number", "truth"):
        values, finite, nan = _floats(column)
        hashed = _hashed(values)
        if of.personal:
            return _Read(Counted(**basics), hashed=hashed)
        basics |= {"nan": nan, "infinite": len(values) - int(finite.sum()) - nan - column.null_count()}
        basics["variety"] = _variety(hashed, column, day)
        if of.numbers is None:
            return _Read(Counted(**basics), hashed=hashed)
        codes = _bins(values, finite, np.array(of.numbers.edges))
        basics |= _in_bins(_some(values, finite), _some(codes, finite), len(of.numbers.rows))
        return _Read(Counted(**basics), _ranked(codes, finite, of.numbers.rows), hashed)
    if kind == "text":
        levels = _levels(column)
        hashed = levels.hashed()
        if of.personal:
            return _Read(Counted(**basics), hashed=hashed)
        basics["variety"] = _variety(hashed, column, day)
        if of.categories is None or known is None:
            return _Read(Counted(**basics), hashed=hashed)
        told, score = _in_levels(levels, of.categories, key, known)
        return _Read(Counted(**basics, **told), score, hashed)
    if kind == "time" and of.kind == "time" and not of.personal:
        moments = _moments(column)
        newest = cast("datetime | None", moments.max())
        basics |= {"hours": _hours(moments), "newest": None if newest is None else _moment(newest)}
    return _Read(Counted(**basics))


def _in_bins(values: Floats, codes: Ints, bins: int) -> dict[str, Any]:
    with np.errstate(over="ignore"):
        fine = np.bincount((values + 0.0).astype(np.float32).view(np.uint32) >> SHIFT, minlength=1)
    there = np.flatnonzero(fine)
    order = np.argsort(_signed(there))
    return {
        "bins": tuple(np.bincount(codes, minlength=bins).tolist()),
        "codes": tuple(_signed(there)[order].tolist()),
        "counts": tuple(fine[there[order]].tolist()),
        "fractions": int((values != np.floor(values)).sum()),
    }


def _in_levels(
    levels: _Levels, of: Categories, key: bytes | None, known: Collection[str]
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


_ODD = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)


def _hashed(values: Floats) -> NDArray[np.uint64]:
    found = values + 0.0
    found[np.isnan(found)] = np.nan
    return found.view(np.uint64)


def _smallest(columns: "Sequence[NDArray[np.uint64] | None]") -> tuple[Ints, Ints]:
    """Hash rows over columns, and return the smallest hashes with how many rows have each."""
    mixed: NDArray[np.uint64] | None = None
    for each in columns:
        if each is not None:
            mixed = each * _ODD if mixed is None else (mixed ^ each) * _ODD
            mixed ^= mixed >> _HALF
    if mixed is None:
        return np.array([], dtype=np.int64), np.array([], dtype=np.int64)
    mixed *= _ODD
    mixed >>= np.uint64(12)
    # The smallest are among the few below a limit, but for rows that mostly repeat each other.
    few = mixed[mixed < int(16 * SAMPLED / max(len(mixed), 1) * 2**52)] if len(mixed) > 32 * SAMPLED else mixed
    hashes, repeats = np.unique(few, return_counts=True)
    if len(hashes) < SAMPLED and len(few) < len(mixed):
        hashes, repeats = np.unique(mixed, return_counts=True)
    return hashes[:SAMPLED].astype(np.int64), repeats[:SAMPLED].astype(np.int64)


def _table(scores: "Sequence[NDArray[np.int8] | None]", rows: int) -> NDArray[np.int8]:
    """Return (columns, rows); zeros of a column that is not there."""
    found = np.zeros((len(scores), rows), dtype=np.int8)
    for at, each in enumerate(scores):
        if each is not None:
            found[at] = each
    return found


def _products(table: NDArray[np.int8], day: Ints, days: int) -> tuple[Ints, Ints]:
    """Return the sums of scores by day, and those of products of each two: whole numbers below 2⁵³, so exact."""
    count = len(table)
    sums = np.zeros((days, count), dtype=np.int64)
    if days == 1:
        sums[0] = table.sum(axis=1, dtype=np.int64)
    else:
        for at in range(count):
            sums[:, at] = np.bincount(day, weights=table[at], minlength=days)
    products = np.zeros((count, count))
    for begin in range(0, table.shape[1], _AT_ONCE):
        some = table[:, begin : begin + _AT_ONCE].astype(np.float32)
        products += some @ some.T  # of 4,096 rows below 2²⁴, so exact
    return sums, products[np.triu_indices(count)].astype(np.int64)


def correlations(summary: Summary, reference: Reference) -> Floats:
    """Return the correlations of a window's scores, in the order of ``Reference.correlations``; NaN of constants.

    Within days where the reference knows times, so that what whole days have in common does not count.
    """
    sums = np.array([summary.sums[day] for day in sorted(summary.sums)], dtype=np.int64)
    rows = np.array([summary.days.get(day, summary.rows) for day in sorted(summary.sums)])
    if reference.days is None:
        sums, rows = sums.sum(axis=0, keepdims=True), rows.sum(keepdims=True)
    return _correlation(sums, np.array(summary.products, dtype=np.int64), rows)


def _correlation(sums: Ints, products: Ints, rows: Ints) -> Floats:
    """Return correlations within groups, from sums by group (groups, columns), of products, and the groups' rows."""
    count = sums.shape[1]
    table = np.zeros((count, count))
    table[np.triu_indices(count)] = products
    table -= (sums / np.maximum(rows, 1)[:, None]).T @ sums
    own = np.maximum(np.diag(table), 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = table / np.sqrt(np.outer(own, own))
    return np.asarray(np.where(np.isfinite(found), found, np.nan)[np.triu_indices(count, 1)], dtype=np.float64)


def _associations(table: NDArray[np.int8], stretches: _Stretches) -> dict[str, Any]:
    """Return correlations of scores, and how they vary over weeks, or the longest stretches that are eight at least."""
    day = stretches.day
    told: dict[str, Any] = {"correlations": _thousandths(_within(table, day))}
    short = [each for each, length in enumerate(stretches.lengths) if length <= 7 or stretches.days is None]
    if not short or len(table) < 2:
        return told
    stretch = stretches.block // stretches.together[short[-1]]
    order = np.argsort(stretch, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(stretch[order])) + 1)
    parts = [part[:_AT_MOST] for part in parts[-_MOST_STRETCHES:] if len(part) >= FEWEST]
    found = [_within(table[:, part], day[part]) for part in parts]
    if len(found) >= FEWEST_STRETCHES - 1:
        varied = np.std(np.nan_to_num(found), axis=0, ddof=1)
        told |= {"varied": _thousandths(varied), "varied_over": stretches.lengths[short[-1]]}
    return told


def _within(table: NDArray[np.int8], day: Ints) -> Floats:
    groups, codes, rows = np.unique(day, return_inverse=True, return_counts=True)
    return _correlation(*_products(table, codes, len(groups)), rows)


def _thousandths(values: Floats) -> tuple[float, ...]:
    return tuple(np.round(np.nan_to_num(values), 3).tolist())


@dataclass(frozen=True)
class _Days:
    names: list[str]
    codes: Ints
    rows: Ints


def _days(frame: "pl.DataFrame") -> _Days:
    """Number rows by their day in UTC."""
    if "time" not in frame.columns or not len(frame):
        return _Days([""], np.zeros(len(frame), dtype=np.int64), np.array([len(frame)]))
    day = _moments(frame["time"]).to_physical().to_numpy() // _DAY
    found, codes = np.unique(day, return_inverse=True)
    names = [str(date.fromordinal(int(each) + _EPOCH)) for each in found]
    return _Days(names, codes.astype(np.int64), np.bincount(codes))


def _variety(hashed: NDArray[np.uint64], column: "pl.Series", day: _Days) -> dict[str, int]:
    part = ((hashed * _ODD) >> np.uint64(59)).view(np.int64)
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
        moments = _moments(frame["time"])
        told |= {"hours": _hours(moments), "first": _moment(moments.min()), "last": _moment(moments.max())}
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


def _union(a: Summary, b: Summary) -> tuple[tuple[int, ...], tuple[int, ...]]:
    both = _summed((*a.hashes, *b.hashes), (*a.repeats, *b.repeats))
    return both[0][:SAMPLED], both[1][:SAMPLED]


def _summed(names: Sequence[int], counts: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Add up the counts of equal names, in ascending order."""
    found, at = np.unique(np.array(names, dtype=np.int64), return_inverse=True)
    added = np.zeros(len(found), dtype=np.int64)
    np.add.at(added, at, np.array(counts, dtype=np.int64))
    return tuple(found.tolist()), tuple(added.tolist())


def _column(a: Counted | None, b: Counted | None) -> Counted:
    if a is None or b is None:
        return cast("Counted", a or b)
    codes, counts = _summed((*a.codes, *b.codes), (*a.counts, *b.counts))
    return Counted(
        types=_added(a.types, b.types),
        missing=a.missing + b.missing,
        nan=a.nan + b.nan,
        infinite=a.infinite + b.infinite,
        bins=_zipped(a.bins, b.bins),
        codes=codes,
        counts=counts,
        fractions=a.fractions + b.fractions,
        levels=_added(a.levels, b.levels),
        others=a.others + b.others,
        hours=None if a.hours is None and b.hours is None else _zipped(a.hours or (), b.hours or ()),
        newest=_most(a.newest, b.newest),
        variety={day: a.variety.get(day, 0) | b.variety.get(day, 0) for day in sorted({*a.variety, *b.variety})},
    )
