"""Try a proposed configuration before it is written: reading, roles, split, folds, and one candidate on a sample."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from modelyard.config.configuration import Config
from modelyard.config.roles import Asked, find_roles
from modelyard.config.scaffold import Look, propose
from modelyard.core.errors import DataError, ModelyardError
from modelyard.data.folds import folds
from modelyard.data.source import Location
from modelyard.data.sources import open_source
from modelyard.steps import rows

if TYPE_CHECKING:
    import polars as pl

_SAMPLE = 2000
"""Rows that the cheap candidate is fitted on."""
_FEWEST = 30
"""Rows from which a column can be said to determine the target."""
_MOST_TRIES = 12


@dataclass(frozen=True)
class Tried:
    """A proposal that runs, what was changed until it did, and what each guess is."""

    text: str
    notes: tuple[str, ...]
    guesses: tuple[str, ...]


def try_until_it_runs(root: Path, found: Look, asked: Asked) -> Tried:
    """Propose, try, and change the guess where that fails.

    Args:
        root: the folder that the configuration will stand in.
        found: what a look at it found.
        asked: what the user said; none of that is changed.

    Raises:
        ModelyardError: what is wrong, where no change of the guess helps.
    """
    for _ in range(_MOST_TRIES):
        text = propose(root, found, asked)
        config = Config.model_validate(yaml.safe_load(text))
        try:
            again = _changed(asked, config, try_configuration(config, root))
        except ModelyardError as error:
            again = _without(asked, config, error)
            if found.test is not None and error.code == "data/sets-overlap":
                again = replace(asked, notes=(*asked.notes, f"{error.message}; so {found.data.path} is split instead"))
                found = replace(found, test=None, others=(*found.others, found.test.path))
            if again is None:
                raise
        if again is None:
            return Tried(text, asked.notes, find_roles(found.data, asked).told())
        asked = again
    raise DataError("no proposal for this data runs", code="data/none-runs", hint="Write modelyard.yml by hand.")


def try_configuration(config: Config, root: Path) -> tuple[str, ...]:
    """Read, split, fold, and fit on a sample; nothing is kept.

    Returns:
        Columns that determine the target.

    Raises:
        ModelyardError: what a run would stop at.
    """

    def read(name: str) -> Any:
        return open_source(Location(name, config.data.sets[name], root, root)).read()

    parts = rows.split(config, read)
    if config.train is None or not config.train.candidates or not len(parts.train):
        return ()
    columns = config.data.columns
    folds(parts.train, columns, config.train.search.folds, 0, config.model.task != "regression")
    train = parts.train if columns.id else parts.train.drop(rows.ROW)
    _fit(config, train)
    return tuple(_determining(train, config))


def _fit(config: Config, train: "pl.DataFrame") -> None:
    """Fit the first candidate on a sample, so that what stops it is said now."""
    from modelyard.training.candidates import resolve
    from modelyard.training.families import family_of
    from modelyard.training.signature import find_features, find_target

    columns = config.data.columns
    find_target(train, columns.target, config.model)
    sample = train.sample(min(len(train), _SAMPLE), seed=0)
    if sample[columns.target].n_unique() < 2:
        return
    features = find_features(sample, columns).features
    name = next(iter(config.train.candidates if config.train else ())).estimator
    frame = sample.select(each.name for each in features).to_pandas()
    for each in features:
        if each.kind == "categorical":
            frame[each.name] = frame[each.name].astype("object").where(frame[each.name].notna(), None)
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            family_of(name).pipeline(resolve(name)(), features).fit(frame, sample[columns.target].to_numpy())
        except (ValueError, TypeError) as error:
            raise DataError(
                f"{name} cannot be fitted on these columns ({type(error).__name__})",
                code="data/cannot-be-fitted",
                hint="Name the columns it cannot take under data.columns.drop, in a modelyard.yml written by hand.",
            ) from error


def _determining(train: "pl.DataFrame", config: Config) -> list[str]:
    """Return the columns that alone tell the target: a value or a threshold to each class, or the same number."""
    from modelyard.training.signature import find_features

    target = train[config.data.columns.target]
    if len(train) < _FEWEST or target.n_unique() < 2:
        return []
    features = find_features(train, config.data.columns).features
    if len(features) < 2:
        return []
    tells = _equals if config.model.task == "regression" else _tells_class
    found = [each.name for each in features if tells(train[each.name], target)]
    return found if len(found) < len(features) else []  # nothing else would be left to learn from


def _equals(values: "pl.Series", target: "pl.Series") -> bool:
    """Return whether a number is the target, in another unit perhaps."""
    import numpy as np

    if not values.dtype.is_numeric() or values.null_count():
        return False
    one, other = values.cast(float).to_numpy(), target.cast(float).to_numpy()
    if np.std(one) == 0 or np.std(other) == 0:
        return False
    return bool(abs(np.corrcoef(one, other)[0, 1]) > 1 - 1e-9)


def _tells_class(values: "pl.Series", target: "pl.Series") -> bool:
    import polars as pl

    pair = pl.DataFrame({"value": values, "class": target})
    by_value = pair.group_by("value").agg(pl.col("class").n_unique().alias("classes"))
    if (by_value["classes"] > 1).any():
        return False
    if len(by_value) * 5 <= len(pair):
        return True  # few values, each of one class
    if not values.dtype.is_numeric():
        return False
    ordered = pair.sort("value")["class"]
    changes = int((ordered != ordered.shift(1)).fill_null(value=False).sum())
    return changes == target.n_unique() - 1


def _changed(asked: Asked, config: Config, determining: tuple[str, ...]) -> Asked | None:
    """Return the guess without the columns that determine the target; None where there are none."""
    fresh = tuple(name for name in determining if name not in asked.drop)
    if not fresh:
        return None
    named = ", ".join(map(repr, fresh))
    note = f"{named} determines the target {config.data.columns.target!r} alone, so that it is dropped"
    return replace(asked, drop=(*asked.drop, *fresh), notes=(*asked.notes, note))


def _without(asked: Asked, config: Config, error: ModelyardError) -> Asked | None:
    """Return a guess that avoids an error; None where nothing that was guessed causes it."""
    columns, train = config.data.columns, config.train
    said = f"{error.message}; "
    if columns.id and error.code in ("data/id-not-unique", "data/no-features"):
        return _less(asked, "id", f"{said}so {columns.id!r} is no id")
    if columns.drop and "names" not in asked.without and error.code == "data/no-features":
        return _less(asked, "names", f"{said}so text that differs in every row is not left out")
    if columns.time and not asked.time and error.code in _OF_TIME:
        return _less(asked, "time", f"{said}so the split is at random, and {columns.time!r} is not used as time")
    if train and error.code == "data/too-few-rows" and train.search.folds > 2:
        return replace(asked, folds=train.search.folds - 1, notes=(*asked.notes, f"{said}so there are fewer folds"))
    if columns.group and not asked.group and error.code in _OF_GROUPS:
        return _less(asked, "group", f"{said}so {columns.group!r} is no group")
    return None


def _less(asked: Asked, role: str, note: str) -> Asked:
    return replace(asked, without=asked.without | {role}, notes=(*asked.notes, note))


_OF_TIME = frozenset(
    {"data/one-class", "data/rows-on-both-sides", "data/one-moment", "data/not-a-time", "data/no-rows",
     "data/too-few-rows", "data/unknown-class"}
)  # fmt: skip
_OF_GROUPS = frozenset({"data/too-few-rows", "data/one-class", "data/no-rows", "data/missing-values"})
