"""Try a proposed configuration before it is written: reading, roles, split, folds, and one candidate on a sample."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from modelyard.config.configuration import Config
from modelyard.config.roles import FOLDS, Asked, find_roles
from modelyard.config.scaffold import Look, propose
from modelyard.config.sections.data import AS_USUAL
from modelyard.core.errors import DataError, ModelyardError
from modelyard.data.folds import folds
from modelyard.data.giveaways import determining, summing
from modelyard.data.source import Location
from modelyard.data.sources import open_source
from modelyard.steps import rows

if TYPE_CHECKING:
    import polars as pl

_SAMPLE = 2000
"""Rows that the cheap candidate is fitted on."""
_FEWEST = 30
"""Rows from which a column can be said to determine the target."""
_MOST_TRIES = 20
_FEW_PARTS = 3
"""Numbers that add up to the target are left out where they are no more than this."""
_FEWER = "so there are fewer folds"


@dataclass(frozen=True)
class GivenAway:
    """Columns that tell the target alone, and numbers whose weighted sum it is."""

    alone: tuple[str, ...] = ()
    together: tuple[str, ...] = ()
    exact: bool = False
    others: int = 0
    """How many features are left beside these."""


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
            how = (f"read: {key} is {value!r}" for key, value in found.data.how.items())
            return Tried(text, asked.notes, (*how, *find_roles(found.data, asked).told()))
        asked = again
    raise DataError("no proposal for this data runs", code="data/none-runs", hint="Write modelyard.yml by hand.")


def try_configuration(config: Config, root: Path) -> GivenAway:
    """Read, split, fold, and fit on a sample; nothing is kept.

    Returns:
        Columns that give the target away.

    Raises:
        ModelyardError: what a run would stop at.
    """

    def read(name: str) -> Any:
        how = config.data.read.get(name, AS_USUAL)
        return open_source(Location(name, config.data.sets[name], root, root, how=how)).read()

    parts = rows.split(config, read)
    if config.train is None or not config.train.candidates or not len(parts.train):
        return GivenAway()
    columns = config.data.columns
    folds(parts.train, columns, config.train.search.folds, 0, config.model.task != "regression")
    train = parts.train if columns.id else parts.train.drop(parts.id)
    _fit(config, train)
    return _given_away(config, train)


def _fit(config: Config, train: "pl.DataFrame") -> None:
    """Fit the first candidate on a sample, so that what stops it is said now."""
    from modelyard.models.child import score as score_child
    from modelyard.training.candidates import resolve
    from modelyard.training.families import family_of
    from modelyard.training.signature import find_target
    from modelyard.training.ways import way_of

    columns = config.data.columns
    find_target(train, columns.target, config.model)
    sample = train.sample(min(len(train), _SAMPLE), seed=0)
    if sample[columns.target].n_unique() < 2:
        return
    features = way_of(config).features(sample, columns).features
    name = next(iter(config.train.candidates if config.train else ())).estimator
    frame = score_child.features(sample, [(each.name, each.kind) for each in features])
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


def _given_away(config: Config, train: "pl.DataFrame") -> GivenAway:
    """Look for columns that give the target away; where each feature tells it alone, none is named."""
    from modelyard.training.signature import find_features

    target, classes = config.data.columns.target, config.model.task != "regression"
    features = [each.name for each in find_features(train, config.data.columns).features]
    if len(train) < _FEWEST or len(features) < 2:
        return GivenAway()
    alone = determining(train, target, features, classes=classes)
    together, exact = ([], False) if alone or classes else summing(train, target, features)
    kept = alone if len(alone) < len(features) else []
    return GivenAway(tuple(kept), tuple(together), exact, len(features) - len(kept) - len(together))


def _changed(asked: Asked, config: Config, found: GivenAway) -> Asked | None:
    """Return the guess without columns that alone give the target away; None where there is nothing new to say."""
    target = config.data.columns.target
    dropped = dict(asked.drop)
    if fresh := [name for name in found.alone if name not in dropped]:
        note = f"{_named(fresh)} {'tells' if len(fresh) == 1 else 'each tell'} the target {target!r} alone, so left out"
        return _dropped(asked, fresh, f"it alone gives the target {target!r} away", note)
    if not found.together:
        return None
    how = f"the target {target!r} in every row" if found.exact else f"nearly the target {target!r}"
    note = f"a weighted sum of {_named(found.together)} is {how}"
    if found.exact and len(found.together) <= _FEW_PARTS and found.others:
        return _dropped(asked, found.together, f"the target {target!r} is a weighted sum of it", f"{note}, so left out")
    note += "; name under data.columns.drop what is known only after the event"
    return None if note in asked.notes else replace(asked, notes=(*asked.notes, note))


def _named(columns: Sequence[str]) -> str:
    return ", ".join(map(repr, columns[:5])) + (f" and {len(columns) - 5} more" if len(columns) > 5 else "")


def _dropped(asked: Asked, columns: Sequence[str], why: str, note: str) -> Asked:
    drop = (*asked.drop, *((name, why) for name in columns))
    return replace(asked, drop=drop, notes=(*asked.notes, note))


def _without(asked: Asked, config: Config, error: ModelyardError) -> Asked | None:
    """Return a guess that avoids an error; None where nothing that was guessed causes it."""
    columns, train = config.data.columns, config.train
    said = f"{error.message}; "
    if columns.id and error.code in ("data/id-not-unique", "data/no-features"):
        return _less(asked, "id", f"{said}so {columns.id!r} is no id")
    if columns.time and error.code == "data/no-features":
        raise DataError(
            f"beside the target {columns.target!r} and the time {columns.time!r} there is nothing to learn from",
            code="data/no-features",
            hint="Derive columns in the data that are known before the event, such as the month or the value before.",
        ) from error
    if columns.drop and "names" not in asked.without and error.code == "data/no-features":
        return _less(asked, "names", f"{said}so text that differs in every row is not left out")
    if config.data.split and config.data.split.by == "hash" and error.code in _OF_HASH:
        return _less(asked, "hash", f"{said}so the split is at random within classes, and not by {columns.id!r}")
    if train and error.code in _OF_FOLDS and train.search.folds > 2:
        return _folded(asked, train.search.folds - 1, f"{said}{_FEWER}")
    if columns.time and not asked.time and error.code in _OF_TIME:
        without = _less(asked, "time", f"{said}so the split is at random, and {columns.time!r} is not used as time")
        return _folded(without, FOLDS)
    if columns.group and not asked.group and error.code in _OF_GROUPS:
        return _less(asked, "group", f"{said}so {columns.group!r} is no group")
    return None


def _folded(asked: Asked, folds: int, *note: str) -> Asked:
    """Return the guess with another number of folds, and what was said of that before replaced."""
    kept = tuple(each for each in asked.notes if not each.endswith(_FEWER))
    return replace(asked, folds=folds, notes=(*kept, *note))


def _less(asked: Asked, role: str, note: str) -> Asked:
    return replace(asked, without=asked.without | {role}, notes=(*asked.notes, note))


_OF_TIME = frozenset(
    {"data/one-class", "data/rows-on-both-sides", "data/one-moment", "data/not-a-time", "data/no-rows",
     "data/too-few-rows", "data/unknown-class"}
)  # fmt: skip
_OF_HASH = frozenset({"data/one-class", "data/no-rows", "data/unknown-class"})
_OF_FOLDS = frozenset({"data/too-few-rows", "data/one-class"})
_OF_GROUPS = frozenset({"data/too-few-rows", "data/one-class", "data/no-rows", "data/missing-values"})
