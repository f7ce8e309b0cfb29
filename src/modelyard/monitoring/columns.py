"""Columns of a frame as arrays: what is counted of each, its bins, its categories, and a hash of each row."""

import hashlib
import hmac
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from modelyard.core.vocabulary import Task
from modelyard.log.schema import OF_A_CLASS, PREDICTION, PROBABILITY
from modelyard.models.child.score import class_key
from modelyard.monitoring.profile import SAMPLED, Kind
from modelyard.records.results.part import Part

if TYPE_CHECKING:
    import polars as pl

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
T = TypeVar("T", bound=Part)
Found = TypeVar("Found")
Value = TypeVar("Value", bound=np.generic)
_MANY, _FEWEST_EDGES, _CELLS, _CLOSE = 10_000, 8, 4_096, 3
"""Rows and edges from which values are binned by cells, how many, and the most edges in one."""
_THREADS = 4
NAMED = 16
"""Hexadecimal digits of a category's name."""


def side_by_side(names: Sequence[str], work: Callable[[str], Found]) -> dict[str, Found]:
    """Do the same for columns side by side; what it comes to does not depend on the order."""
    with ThreadPoolExecutor(min(os.cpu_count() or 1, _THREADS)) as pool:
        return dict(zip(names, pool.map(work, names), strict=True))


@dataclass(frozen=True)
class Read(Generic[T]):
    """What a column is told to be, with each row's score and hash: (n,); None where it has none."""

    column: T
    score: NDArray[np.int8] | None = None
    hashed: NDArray[np.uint64] | None = None


def floats_of(column: "pl.Series") -> tuple[Floats, NDArray[np.bool_], int]:
    """Return all values as floats, those missing as NaN, which are finite, and how many were NaN."""
    import polars as pl

    values = column.cast(pl.Float64).to_numpy()
    finite = np.isfinite(values)
    nan = 0 if finite.all() else int(np.isnan(values).sum()) - column.null_count()
    return values, finite, nan


def present(values: NDArray[Value], there: NDArray[np.bool_]) -> NDArray[Value]:
    """Return the values that are there, without a copy where all are."""
    return values if there.all() else values[there]


def bins_of(values: Floats, finite: NDArray[np.bool_], edges: Floats) -> Ints:
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


def ranked(codes: Ints, there: NDArray[np.bool_], rows: Sequence[int]) -> NDArray[np.int8]:
    """Return each row's score: the middle rank of its bin in the reference, from -50 to 50; 0 where it has none."""
    found = np.append(ranks_of(rows), 0).astype(np.int8)[codes]
    return found if there.all() else np.where(there, found, np.int8(0))


def ranks_of(rows: Sequence[int] | Ints) -> Ints:
    """Return the middle rank of each bin, from -50 to 50."""
    counts = np.asarray(rows, dtype=np.float64)
    middle = (np.cumsum(counts) - counts / 2) / max(float(counts.sum()), 1.0)
    return np.asarray(np.rint(100 * middle - 50), dtype=np.int64)


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


def named(key: bytes, level: str) -> str:
    """Return the name of a category under the key: the same in every column, so that swapped columns are seen."""
    return hmac.digest(key, f"monitoring\0{level}".encode("utf-8", "surrogatepass"), "sha256").hex()[:NAMED]


@dataclass(frozen=True)
class Levels:
    """The categories of a column, the rows of each, and each row's (n,); the last but one past the end if missing."""

    names: list[str]
    rows: Ints
    codes: Ints

    def hashed(self) -> NDArray[np.uint64]:
        """Return a hash of each row's category (n,); 0 of one that is missing."""
        digests = [
            int.from_bytes(hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest())
            for name in self.names
        ]
        return np.array([*digests, 0], dtype=np.uint64)[self.codes]


def levels_of(column: "pl.Series") -> Levels:
    """Return the categories of a column of text."""
    import polars as pl

    texts = column.cast(pl.String)
    names = texts.drop_nulls().unique()
    codes = texts.cast(pl.Enum(names)).to_physical().cast(pl.Int64).fill_null(len(names)).to_numpy()
    return Levels(names.to_list(), np.bincount(codes, minlength=len(names) + 1)[:-1].astype(np.int64), codes)


def moments_of(column: "pl.Series") -> "pl.Series":
    """Return times that are there, in UTC without a zone."""
    import polars as pl

    there = column.drop_nulls()
    if isinstance(there.dtype, pl.Datetime) and there.dtype.time_zone:
        there = there.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return there.cast(pl.Datetime("us"))


def hours_of(moments: "pl.Series") -> tuple[int, ...]:
    """Return how many moments are in each hour of the day."""
    return tuple(np.bincount(moments.dt.hour().to_numpy(), minlength=24).tolist())


def outputs_of(frame: "pl.DataFrame", positive: str, task: Task) -> "dict[str, pl.Series]":
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
    """Return the name of a class as ``name_of`` writes it: True and true are one."""
    return name.lower() if name.lower() in ("true", "false") else name


def name_of(value: object) -> str:
    """Return a class as it is named: 1 and 1.0 are one, as are True and true."""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


ODD = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)


def hashed_numbers(values: Floats) -> NDArray[np.uint64]:
    """Return the bits of each number (n,): 0.0 and -0.0 are one, as are all NaN."""
    found = values + 0.0
    found[np.isnan(found)] = np.nan
    return found.view(np.uint64)


def smallest_of(columns: "Sequence[NDArray[np.uint64] | None]") -> tuple[Ints, Ints]:
    """Hash rows over columns, and return the smallest hashes with how many rows have each."""
    mixed: NDArray[np.uint64] | None = None
    for each in columns:
        if each is not None:
            mixed = each * ODD if mixed is None else (mixed ^ each) * ODD
            mixed ^= mixed >> _HALF
    if mixed is None:
        return np.array([], dtype=np.int64), np.array([], dtype=np.int64)
    mixed *= ODD
    mixed >>= np.uint64(12)
    # The smallest are among the few below a limit, but for rows that mostly repeat each other.
    few = mixed[mixed < int(16 * SAMPLED / max(len(mixed), 1) * 2**52)] if len(mixed) > 32 * SAMPLED else mixed
    hashes, repeats = np.unique(few, return_counts=True)
    if len(hashes) < SAMPLED and len(few) < len(mixed):
        hashes, repeats = np.unique(mixed, return_counts=True)
    return hashes[:SAMPLED].astype(np.int64), repeats[:SAMPLED].astype(np.int64)
