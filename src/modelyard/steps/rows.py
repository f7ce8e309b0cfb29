"""Training and test rows of the configured data sets: checked columns, one split, no row without a target."""

from dataclasses import dataclass
from typing import Any

from modelyard.config.configuration import Config
from modelyard.core.canonical import digest
from modelyard.core.errors import DataError
from modelyard.data import splits
from modelyard.data.reading import require_columns
from modelyard.steps.context import Context

ROW = "row"
"""Name of the id column where the configuration declares none: the row's number in its set, in reading order."""


@dataclass(frozen=True)
class Rows:
    """Polars frames of training and test rows; ``train`` has no rows where nothing is trained here."""

    train: Any
    test: Any
    split: str
    dropped: int


def id_column(config: Config) -> str:
    """The column that names a row."""
    return config.data.columns.id or ROW


def digests(context: Context) -> tuple[str, str]:
    """Digests of what decides the training rows and the test rows: contents, split, and the columns' meaning."""
    data = context.config.data
    rules = {
        "split": None if data.split is None else data.split.model_dump(mode="json"),
        "columns": data.columns.model_dump(mode="json"),
        "missing_target": data.missing_target,
    }
    if data.split is not None:
        both = {**rules, "set": context.sets[data.split.of].digest}
        return digest({**both, "part": "train"}), digest({**both, "part": "test"})
    train = context.sets["train"].digest if "train" in context.sets else None
    return digest({**rules, "set": train}), digest({**rules, "set": context.sets["test"].digest})


def load(context: Context) -> Rows:
    """Read, check and split the data.

    Raises:
        DataError: missing columns, rows without target, nothing on one side of the split.
    """
    config = context.config
    if config.data.split is not None:
        frame, dropped = _prepared(context, config.data.split.of)
        parts = splits.split(frame, config.data.split, config.data.columns)
        return Rows(parts.train, parts.test, parts.description, dropped)
    test, dropped = _prepared(context, "test")
    if len(test) == 0:
        raise DataError("the set test holds no rows", hint="Judging needs rows with known targets.")
    train = test.clear()
    if "train" in config.data.sets:
        train, dropped_too = _prepared(context, "train")
        dropped += dropped_too
        if len(train) == 0:
            raise DataError("the set train holds no rows", hint="Training needs rows with known targets.")
    return Rows(train, test, "sets train and test as given", dropped)


def _prepared(context: Context, name: str) -> tuple[Any, int]:
    data = context.config.data
    frame = context.frame(name)
    columns = data.columns
    needed = {columns.target: "data.columns.target"}
    for key in ("id", "time", "group", "weight"):
        if getattr(columns, key):
            needed[getattr(columns, key)] = f"data.columns.{key}"
    for key in ("personal", "protected", "drop"):
        needed |= dict.fromkeys(getattr(columns, key), f"data.columns.{key}")
    for gate in context.config.evaluate.gates:
        needed |= dict.fromkeys(gate.columns, "evaluate.gates.by")
    require_columns(frame.columns, needed, f"data.sets.{name}")
    frame, dropped = splits.drop_missing_target(frame, columns.target, data.missing_target)
    if columns.id is None:
        frame = frame.with_row_index(ROW)
    elif frame[columns.id].n_unique() != len(frame) or frame[columns.id].null_count():
        repeated = len(frame) - frame[columns.id].n_unique()
        raise DataError(
            f"data.columns.id: {columns.id!r} does not name rows: {repeated:,} ids are repeated, "
            f"{frame[columns.id].null_count():,} are missing",
            hint="Name a column whose values are unique, or leave id out to number the rows.",
        )
    return frame, dropped
