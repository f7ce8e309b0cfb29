"""What a version saw on its test rows, and the same columns counted in a window: small, and windows add up exactly.

A ``Reference`` goes with a version and tells nothing that fewer than ten rows have in common: bins, not values. A
``Summary`` counts a window's rows in the reference's bins, and beside them in bins that are as fine everywhere (a
number's sign, exponent and first six binary digits, so within 1.6 % of itself), from which a change of unit can be
read. All that a summary holds are sums, least and largest times, and the smallest of hashes: merged in any order, or
counted in one go, it is the same.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from modelyard.core.vocabulary import Task
from modelyard.records.results.part import Part

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Kind = Literal["number", "truth", "text", "time", "other"]
SHIFT = 17
"""Binary digits of a float32 that the fine sketch leaves out: 64 bins between a number and its double."""
SIGN = 1 << (31 - SHIFT)
SAMPLED = 256
"""Hashes of rows that are kept, from which the share of repeated rows is known to 2 points."""


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
        return signed(((values + 0.0).astype(np.float32).view(np.uint32) >> SHIFT).astype(np.int64))


def signed(codes: Ints) -> Ints:
    """Return bins of the sketch so that they ascend with what they hold, from the bits of numbers."""
    return np.asarray(np.where(codes >= SIGN, -(codes & (SIGN - 1)), codes), dtype=np.int64)


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
