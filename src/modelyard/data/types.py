"""Types of columns, decided once over all files of all sets: what a file's values are, and what all are together."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from modelyard.core.errors import DataError
from modelyard.core.vocabulary import MISSING_WORDS
from modelyard.records.results import ColumnType

if TYPE_CHECKING:
    import polars as pl

_SAMPLE = 1000
_FEWEST = 10
"""What fewer values than this have in common is not told."""
_ISO_DATE = r"^\d{4}-\d{2}-\d{2}$"
_ISO_TIMES = (
    r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?$",
    r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)$",
)
"""Timestamps without and with an offset."""
_WHOLE = r"^[+-]?\d+$"
_BEYOND = r"^[+-]?\d{39,}$"
_CODE = r"^\s*[+-]?0\d"
_WORD = re.compile(r"[A-Za-z][A-Za-z /._-]{0,19}|[#*!.]{1,3}")


@dataclass(frozen=True)
class Seen:
    """What the values of one column of one file are.

    Attributes:
        dtype: their type; None where no value tells one.
        rows: how many there are.
        missing: how many are empty.
        words: how many are words for missing, such as NA.
        coded: they are whole numbers with leading zeros, kept as text.
        numbers: of text, how many values are numbers.
        others: of text with numbers in it, the other values that are short words, with how often they occur.
        declared: the file itself says the type.
        folder: it stands in the names of folders.
    """

    dtype: "pl.DataType | None"
    rows: int
    missing: int = 0
    words: int = 0
    coded: bool = False
    numbers: int = 0
    others: tuple[tuple[str, int], ...] = ()
    declared: bool = False
    folder: bool = False

    @property
    def values(self) -> int:
        """Return how many values are there that are no words for missing."""
        return self.rows - self.missing - self.words


@dataclass(frozen=True)
class Decided:
    """The one type of a column, with what was seen of it."""

    name: str
    dtype: "pl.DataType"
    seen: tuple[Seen, ...]


def type_name(dtype: "pl.DataType") -> str:
    """Return a type without what it may hold of the data: an Enum's text would list its categories."""
    import polars as pl

    told = isinstance(dtype, pl.Datetime | pl.Duration | pl.Decimal)
    return str(dtype) if told else dtype.base_type().__name__


def declared(column: "pl.Series") -> Seen:
    """Return what is seen of a column whose type the file tells."""
    import polars as pl

    unknown = column.dtype == pl.Null
    missing = column.null_count() + (int(column.is_nan().sum()) if column.dtype.is_float() else 0)
    return Seen(None if unknown else column.dtype, len(column), missing, declared=True)


def inferred(column: "pl.Series") -> "tuple[pl.Series, Seen]":
    """Return a column of text in the type that all its values have, and what was seen.

    Whole numbers, decimal ones, true and false, dates and timestamps as ISO 8601 writes them; words for missing are
    missing among these, and stay as they are in text.
    """
    rows, missing = len(column), column.null_count()
    if missing == rows:
        return column, Seen(None, rows, missing)
    sample = _present(column.head(_SAMPLE))
    if not len(sample):
        sample = _present(column).head(_SAMPLE)
    if not len(sample):
        return column, Seen(None, rows, missing, words=rows - missing)
    parse = _parser(sample)
    if parse is None:
        return column, Seen(_text(), rows, missing, words=_count_words(column))
    parsed = parse(column)
    words = 0
    if parsed.null_count() > missing:
        bare = column.str.strip_chars()
        bare = bare.set(bare.is_in(MISSING_WORDS), None)
        words = bare.null_count() - missing
        parsed = parse(bare)
        if parsed.null_count() > bare.null_count():
            return column, _mixed(column, bare, parsed, words)
    if parsed.dtype.is_integer() and column.str.contains(_CODE).any():
        return column, Seen(parsed.dtype, rows, missing, words, coded=True)
    return parsed, Seen(parsed.dtype, rows, missing, words)


def _present(column: "pl.Series") -> "pl.Series":
    bare = column.drop_nulls().str.strip_chars()
    return bare.filter(~bare.is_in(MISSING_WORDS))


def _count_words(column: "pl.Series") -> int:
    return int(column.is_in(MISSING_WORDS).sum())


def as_text(column: "pl.Series") -> Seen:
    """Return what is seen of a column that is text, whatever its values look like."""
    return Seen(_text(), len(column), column.null_count(), words=_count_words(column))


def _text() -> "pl.DataType":
    import polars as pl

    return pl.String()


def _mixed(column: "pl.Series", bare: "pl.Series", parsed: "pl.Series", words: int) -> Seen:
    """Return what is seen of text that holds numbers and more."""
    counted: Counter[str] = Counter()
    numbers = 0
    if parsed.dtype.is_numeric():
        numbers = len(parsed) - parsed.null_count()
        left = bare.filter(parsed.is_null() & bare.is_not_null()).alias("value").value_counts()
        counted.update(
            {value: count for value, count in left.iter_rows() if count >= _FEWEST and _WORD.fullmatch(value)}
        )
    return Seen(_text(), len(column), column.null_count(), words, numbers=numbers, others=tuple(counted.most_common(3)))


def _parser(sample: "pl.Series") -> "Callable[[pl.Series], pl.Series] | None":
    """Return what reads the values that a sample is of; None for text."""
    import polars as pl

    first = sample[0]
    if sample.cast(pl.Float64, strict=False).is_not_null().any():
        return _whole_numbers if sample.str.contains(_WHOLE).all() else as_decimals
    if first.lower() in ("true", "false"):
        return as_truths
    if re.match(_ISO_DATE, first):
        return as_dates
    return as_moments if any(re.match(form, first) for form in _ISO_TIMES) else None


def _whole_numbers(column: "pl.Series") -> "pl.Series":
    import polars as pl

    small = column.cast(pl.Int64, strict=False)
    if small.null_count() == column.null_count():
        return small
    large = column.cast(pl.Int128, strict=False)
    inexact = large.null_count() == column.null_count() or column.str.contains(_BEYOND).any()
    return large if inexact else as_decimals(column)  # text follows where a value is beyond 128 bits


def as_decimals(column: "pl.Series") -> "pl.Series":
    """Return text as decimal numbers; what is none is missing."""
    import polars as pl

    return column.cast(pl.Float64, strict=False).fill_nan(None)


def as_truths(column: "pl.Series") -> "pl.Series":
    """Return text as true and false, in any case; what is neither is missing."""
    import polars as pl

    lower = column.str.to_lowercase()
    return (
        pl.select(pl.when(lower == "true").then(pl.lit(value=True)).when(lower == "false").then(pl.lit(value=False)))
        .to_series()
        .alias(column.name)
    )


def as_dates(column: "pl.Series") -> "pl.Series":
    """Return text as dates, as ISO 8601 writes them; what is none is missing."""
    found = column.str.to_date("%Y-%m-%d", strict=False)
    return found.set(~column.str.contains(_ISO_DATE), None)


def as_moments(column: "pl.Series") -> "pl.Series":
    """Return text as timestamps, as ISO 8601 writes them, with an offset or without; what is none is missing."""
    import polars as pl

    first = column.drop_nulls().head(1).str.strip_chars()
    form = next((form for form in _ISO_TIMES if len(first) and re.match(form, first[0])), _ISO_TIMES[0])
    known = column.set(~column.str.contains(form), None)
    if known.null_count() == len(known):
        return pl.repeat(None, len(column), dtype=pl.Datetime("us"), eager=True).alias(column.name)
    return known.str.to_datetime(strict=False, time_unit="us")


def decide(name: str, seen: Sequence[Seen], places: Sequence[str]) -> Decided:
    """Return the type of a column over all files.

    Args:
        name: the column.
        seen: what each file that has it holds.
        places: the files, for messages.

    Raises:
        DataError: numbers in one file and text in another, or other types that no one type holds.
    """
    import polars as pl

    typed = [(each, place) for each, place in zip(seen, places, strict=True) if each.dtype is not None]
    telling = [(each, place) for each, place in typed if each.rows] or typed
    types = [_as_seen(each) for each, _ in telling]
    if not types:
        empty = all(each.declared for each in seen) and seen
        return Decided(name, pl.Null() if empty else pl.String(), tuple(seen))
    if any(each.coded for each, _ in telling) and not any(dtype.is_float() for dtype in types):
        return Decided(name, pl.String(), tuple(seen))
    together = widest(list(dict.fromkeys(types)), guessed=not any(each.declared for each, _ in telling))
    if together is None:
        _refuse(name, telling)
    return Decided(name, cast("pl.DataType", together), tuple(seen))


def _as_seen(seen: Seen) -> "pl.DataType":
    return cast("pl.DataType", seen.dtype)


def _refuse(name: str, telling: Sequence[tuple[Seen, str]]) -> None:
    usual = Counter(type_name(_as_seen(each)) for each, _ in telling).most_common(1)[0][0]
    numeric = next((type_name(_as_seen(each)) for each, _ in telling if _as_seen(each).is_numeric()), None)
    right = numeric or usual
    odd, place = next((each, place) for each, place in telling if type_name(_as_seen(each)) != right)
    counts = f" ({odd.values - odd.numbers:,} of {odd.values:,} values are not numbers)" if odd.numbers else ""
    raise DataError(
        f"{place}: column {name!r} is {type_name(_as_seen(odd))}{counts}, but {right} in the other files",
        code="data/other-type",
        hint="Fix that file. Parquet keeps types; in CSV they are guessed from the text, over the files of all sets.",
    )


def widest(types: Sequence["pl.DataType"], *, guessed: bool = True) -> "pl.DataType | None":
    """Return the type that holds values of all these without loss of meaning; None where there is none.

    Args:
        types: what was found.
        guessed: from text; then text beside truth values or times is text.
    """
    import polars as pl

    if len(types) == 1:
        return types[0]
    if all(dtype.is_numeric() or dtype.is_decimal() for dtype in types):
        return _widest_number(types)
    textual = [dtype.base_type() in (pl.String, pl.Categorical, pl.Enum) for dtype in types]
    if all(textual):
        return pl.String()
    if {dtype.base_type() for dtype in types} <= {pl.Date, pl.Datetime}:
        zones = {dtype.time_zone for dtype in types if isinstance(dtype, pl.Datetime)}
        units = {dtype.time_unit for dtype in types if isinstance(dtype, pl.Datetime)}
        if len(zones) > 1 or (len(types) > len(units) and None not in zones):
            return None
        return pl.Datetime(next(unit for unit in ("ns", "us", "ms") if unit in units), zones.pop())
    if any(textual) and guessed and not any(dtype.is_numeric() for dtype in types):
        return pl.String()
    return None


def _widest_number(types: Sequence["pl.DataType"]) -> "pl.DataType":
    import polars as pl

    decimals = [dtype for dtype in types if isinstance(dtype, pl.Decimal)]
    if len(decimals) == len(types):
        scale = max(each.scale for each in decimals)
        whole = max((each.precision or 38) - each.scale for each in decimals)
        return pl.Decimal(min(38, whole + scale), scale)
    if decimals or any(dtype.is_float() for dtype in types):
        return pl.Float64()
    sizes = {dtype.base_type(): (not dtype.is_signed_integer(), int(str(dtype).lstrip("UInt"))) for dtype in types}
    bits = max(size for _, size in sizes.values())
    signs = {unsigned for unsigned, _ in sizes.values()}
    if signs == {True}:
        return next(dtype for dtype in types if sizes[dtype.base_type()][1] == bits)
    needed = max(size * 2 if unsigned else size for unsigned, size in sizes.values())
    return {8: pl.Int8(), 16: pl.Int16(), 32: pl.Int32(), 64: pl.Int64()}.get(needed, pl.Int128())


def decide_all(files: Sequence[tuple[str, Mapping[str, Seen]]], apart: Collection[str] = ()) -> dict[str, Decided]:
    """Return the type of every column over all files; columns ``apart`` are left to each set.

    Raises:
        DataError: as for ``decide``.
    """
    names = dict.fromkeys(name for _, seen in files for name in seen if name not in apart)
    found = {}
    for name in names:
        having = [(place, seen[name]) for place, seen in files if name in seen]
        found[name] = decide(name, [seen for _, seen in having], [place for place, _ in having])
    return found


def fit(column: "pl.Series", dtype: "pl.DataType") -> "pl.Series | None":
    """Return a column in the decided type; None where the file's own text is needed for that."""
    import polars as pl

    if column.dtype == dtype:
        return column
    if column.null_count() == len(column):
        return pl.repeat(None, len(column), dtype=dtype, eager=True).alias(column.name)
    if column.dtype == pl.String:
        bare = column.str.strip_chars()
        return bare.set(bare.is_in(MISSING_WORDS), None).cast(dtype)
    if dtype == pl.String and column.dtype.base_type() not in (pl.Categorical, pl.Enum):
        return None
    return column.cast(dtype)


def described(decided: Decided, personal: Collection[str]) -> ColumnType:
    """Return what the record says of a column."""
    import polars as pl

    dtype, seen = decided.dtype, decided.seen
    text = dtype.base_type() in (pl.String, pl.Categorical, pl.Enum)
    words = sum(each.words for each in seen)
    # A file of numbers beside one of text never gets here; one of codes does.
    numbers = sum(each.numbers for each in seen)
    others = sum(each.values for each in seen) - numbers if text and numbers else 0
    counted: Counter[str] = Counter()
    for each in seen:
        counted.update(dict(each.others))
    return ColumnType(
        name=decided.name,
        type=type_name(dtype),
        kind=_kind(dtype),
        rows=sum(each.rows for each in seen),
        missing=sum(each.missing + (0 if text else each.words) for each in seen),
        why=_why(decided, text=text, words=words, others=others),
        not_numbers=others,
        words=() if decided.name in personal else tuple(word for word, _ in counted.most_common(3)),
        missing_words=words,
    )


def _kind(dtype: "pl.DataType") -> Literal["number", "text", "boolean", "time", "other"]:
    import polars as pl

    if dtype.is_numeric() or dtype.is_decimal():
        return "number"
    if dtype == pl.Boolean:
        return "boolean"
    if dtype.is_temporal():
        return "time"
    return "text" if dtype.base_type() in (pl.String, pl.Categorical, pl.Enum) else "other"


def _why(
    decided: Decided, *, text: bool, words: int, others: int
) -> Literal["values", "declared", "codes", "no-value", "not-all-numbers", "words", "folder"]:
    seen = decided.seen
    if any(each.folder for each in seen):
        return "folder"
    if all(each.dtype is None for each in seen):
        return "no-value"
    if text and any(each.coded for each in seen):
        return "codes"
    if all(each.declared for each in seen):
        return "declared"
    if others:
        return "not-all-numbers"
    return "words" if text and words else "values"
