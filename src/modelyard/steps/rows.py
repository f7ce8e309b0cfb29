"""Training and test rows of the configured data sets: checked columns, one split, no row without a target."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from modelyard.config.configuration import Config
from modelyard.config.sections.data import Columns
from modelyard.core.canonical import digest
from modelyard.core.errors import DataError
from modelyard.data import splits
from modelyard.data.overlap import refuse_overlap
from modelyard.data.reading import require_columns

ROW = "row"
"""Name of the id column where the configuration declares none and the data has no such column: the row's number in its
set, in reading order."""


@dataclass(frozen=True)
class Rows:
    """Polars frames of training and test rows; ``train`` has no rows where nothing is trained here."""

    train: Any
    test: Any
    split: str
    dropped: int
    id: str
    """The column that names a row."""


def _id_column(columns: Columns, names: Collection[str]) -> str:
    """Return the column that names a row: the declared one, else a new one for its number, unlike any in the data."""
    if columns.id:
        return columns.id
    name = ROW
    while name in names:
        name += "_number"
    return name


def digest_rows(config: Config, sets: Mapping[str, str]) -> tuple[str, str]:
    """Digest what decides the training rows and the test rows: contents, split, and the columns' meaning.

    Args:
        config: the configuration.
        sets: digest of every data set.
    """
    data = config.data
    rules = {
        "split": None if data.split is None else data.split.model_dump(mode="json"),
        "columns": data.columns.model_dump(mode="json"),
        "missing_target": data.missing_target,
    }
    if data.read:
        rules["read"] = data.model_dump(mode="json")["read"]
    if data.split is not None:
        both = {**rules, "set": sets[data.split.of]}
        return digest({**both, "part": "train"}), digest({**both, "part": "test"})
    return digest({**rules, "set": sets.get("train")}), digest({**rules, "set": sets["test"]})


def split(config: Config, read: Callable[[str], Any]) -> Rows:
    """Read, check and split the data.

    Args:
        config: the configuration.
        read: gives a data set as a Polars frame.

    Raises:
        DataError: missing columns, rows without target, nothing on one side of the split.
    """
    if config.data.split is not None:
        of = config.data.split.of
        named = _id_column(config.data.columns, read(of).columns)
        frame, dropped = _prepare(config, read, of, named)
        parts = splits.split(frame, config.data.split, config.data.columns, classes=config.model.task != "regression")
        return Rows(parts.train, parts.test, parts.description, dropped, named)
    sets = [name for name in ("test", "train") if name in config.data.sets]
    named = _id_column(config.data.columns, {column for name in sets for column in read(name).columns})
    test, dropped = _prepare(config, read, "test", named)
    if len(test) == 0:
        raise DataError(
            "the set test holds no rows", code="data/no-rows", hint="Judging needs rows with known targets."
        )
    train, columns = test.clear(), config.data.columns
    if "train" in config.data.sets:
        train, dropped_too = _prepare(config, read, "train", named)
        dropped += dropped_too
        if len(train) == 0:
            raise DataError(
                "the set train holds no rows", code="data/no-rows", hint="Training needs rows with known targets."
            )
        if config.data.overlap is None:
            refuse_overlap(train, test, columns, named)
    return Rows(train, test, _as_given(config), dropped, named)


def in_training(config: Config, frame: Any, parts: Rows) -> Any:
    """(n,) Return whether each row of a set, as it was read, is a training row.

    Args:
        config: the configuration.
        frame: the set that the training rows are from.
        parts: its split.
    """
    import polars as pl

    columns = config.data.columns
    if columns.id is not None:
        return frame[columns.id].is_in(parts.train[columns.id].implode()).fill_null(value=False).to_numpy()
    here = splits.has_target(frame, columns.target)
    numbers = here.cast(pl.UInt32).cum_sum() - here.cast(pl.UInt32)
    return (here & numbers.is_in(parts.train[parts.id].implode())).to_numpy()


def unseen(config: Config, frame: Any, parts: Rows) -> Any:
    """(n,) Return which rows of another set are no test rows, by id or, without one, by all their values.

    None where the set has not the columns to tell: then it is other data.
    """
    name = config.data.columns.id
    by = [name] if name else [each for each in parts.test.columns if each != parts.id]
    if not set(by) <= set(frame.columns):
        return None
    import polars as pl

    known = parts.test.select(by).unique().with_columns(pl.lit(value=True).alias("__judged__"))
    found = frame.select(by).with_row_index("__at__").join(known, on=by, how="left", nulls_equal=True).sort("__at__")
    return found["__judged__"].is_null().to_numpy()


def _as_given(config: Config) -> str:
    allowed = config.data.overlap
    return "sets train and test as given" + (f"; overlap allowed: {allowed.allow}" if allowed else "")


def _prepare(config: Config, read: Callable[[str], Any], name: str, row: str) -> tuple[Any, int]:
    """Read a set, check its columns and ids, and drop what has no target where that is asked for."""
    data, frame = config.data, read(name)
    columns = data.columns
    needed = {columns.target: "data.columns.target"}
    for key in ("id", "time", "group", "weight"):
        if getattr(columns, key):
            needed[getattr(columns, key)] = f"data.columns.{key}"
    for key in ("personal", "protected", "drop"):
        needed |= dict.fromkeys(getattr(columns, key), f"data.columns.{key}")
    for gate in config.evaluate.gates:
        needed |= dict.fromkeys(gate.columns, "evaluate.gates.by")
        needed |= {} if gate.adjust_by is None else {gate.adjust_by: "evaluate.gates.adjust_by"}
    require_columns(frame.columns, needed, f"data.sets.{name}")
    if "" in frame.columns and "" not in columns.drop:
        raise DataError(
            f"data.sets.{name}: column {frame.columns.index('') + 1} has no name, as the index that to_csv writes",
            code="data/nameless-column",
            hint='Leave it out: data.columns: {drop: [""]}; or write the file with index=False, or give it a name.',
        )
    frame, dropped = splits.drop_missing_target(frame, columns.target, data.missing_target)
    if columns.id is None:
        frame = frame.with_row_index(row)
    elif frame[columns.id].n_unique() != len(frame) or frame[columns.id].null_count():
        repeated = len(frame) - frame[columns.id].n_unique()
        raise DataError(
            f"data.columns.id: {columns.id!r} does not name rows: {repeated:,} ids are repeated, "
            f"{frame[columns.id].null_count():,} are missing",
            code="data/id-not-unique",
            hint=f"Where rows of one {columns.id!r} belong together, write group: {columns.id} instead of id. Else "
            "name a column whose values are unique, or leave id out to number the rows.",
        )
    return frame, dropped


def digests(context: Any) -> tuple[str, str]:
    """Call ``data.digest_rows``; for callers that have yet to move."""
    found: tuple[str, str] = context.data.digest_rows()
    return found


def load(context: Any) -> Rows:
    """Call ``data.split``; for callers that have yet to move."""
    found: Rows = context.data.split()
    return found
