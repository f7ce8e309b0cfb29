"""Cross-validation folds that follow time, keep groups whole, or are drawn within classes, in this order of need."""

import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from modelyard.config.sections.data import Columns
from modelyard.core.errors import DataError
from modelyard.core.vocabulary import FoldsFollow
from modelyard.data.units import column_codes, stretch_codes, unit_of, whole_columns

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Fold = tuple[Ints, Ints]  # row numbers to train on, row numbers to validate on


_KEPT = 0.5
"""Where whole groups cost a fold more of its earlier rows than this, folds follow the groups instead of time."""


def folds(
    frame: "pl.DataFrame",
    columns: Columns,
    n: int,
    seed: int,
    target_classes: bool,  # noqa: FBT001 - agreed order
) -> "tuple[list[Fold], FoldsFollow]":
    """Cut training rows into n folds.

    * With a time: n + 1 blocks of whole stretches (the unit's, else days) with about equal numbers of rows; each block
      but the first is validated after training on all blocks before it (an expanding window). Rows before it whose
      group, or unit of a column, comes again in the block are not trained on; where that costs some fold more than
      half of its rows, folds follow groups instead.
    * With groups, or a unit of a column: whole groups, with classes balanced as far as they allow.
    * Else at random, for ``target_classes`` within classes.

    Args:
        frame: Training rows.
        columns: What its columns mean.
        n: Number of folds, at least 2.
        seed: Seed of what is drawn at random.
        target_classes: Whether the target holds classes.

    Returns:
        (row numbers to train on, row numbers to validate on) per fold, ascending, and what the folds follow.

    Raises:
        ConfigError: an unknown time zone or unit.
        DataError: too few stretches, groups or rows, or training rows of one class only.
    """
    wholes = _wholes(frame, columns)
    target = column_codes(frame, columns.target, "data.columns.target") if target_classes else None
    made = _by_time(frame, columns, n, wholes) if columns.time else None
    follow: FoldsFollow = "time"
    if made is None:
        made, follow = _by_group(wholes[0], target, n, seed) if wholes else _by_row(len(frame), target, n, seed)
    if target is not None and (problem := _one_class(target, made)):
        raise DataError(problem, code="data/one-class", hint=_which_would(frame, columns, n, target, follow))
    return made, follow


def _which_would(frame: "pl.DataFrame", columns: Columns, n: int, target: "Ints", follow: FoldsFollow) -> str:
    """Say how many folds would hold every class, or how else to split."""
    spread = "bring data in which every class is spread"
    if follow != "time":
        return f"Lower train.search.folds, or {spread}."
    wholes = _wholes(frame, columns)
    for fewer in range(n - 1, 1, -1):
        made = _by_time(frame, columns, fewer, wholes)
        if made is not None and not _one_class(target, made):
            return f"Set train.search.folds to {fewer}, with which every fold has two classes, or {spread}."
    return (
        "No number of folds that follow time has two classes in each: the classes come one after another. Remove "
        f"data.columns.time and write data.split by: random, so that folds are drawn within classes, or {spread}."
    )


def _wholes(frame: "pl.DataFrame", columns: Columns) -> "list[Ints]":
    """Codes of what may not be cut: the group, then the unit where it is a column."""
    return [column_codes(frame, column, key) for column, key in whole_columns(frame, columns).items()]


def _by_time(frame: "pl.DataFrame", columns: Columns, n: int, wholes: "Sequence[Ints]") -> "list[Fold] | None":
    """Expanding-window folds; None where keeping groups whole would cost them too many rows."""
    import numpy as np

    unit = unit_of(frame, columns)
    every = unit.every or "day"
    codes = stretch_codes(frame, columns, every, unit.zone)
    rows = np.bincount(codes).tolist() if len(codes) else []
    if len(rows) < n + 1:
        raise DataError(
            f"the training rows span {len(rows)} {every}s, and {n} folds that follow time need {n + 1}",
            code="data/too-few-rows",
            hint=f"Set train.search.folds to at most {len(rows) - 1}."
            if len(rows) > 2
            else "Bring more data, or declare a shorter data.columns.unit, such as {every: hour}.",
        )
    made = []
    for start, stop in _blocks(rows, n):
        valid = np.flatnonzero((codes >= start) & (codes < stop))
        before = np.flatnonzero(codes < start)
        train = before
        for whole in wholes:
            train = train[~np.isin(whole[train], whole[valid])]
        if len(train) < _KEPT * len(before):
            return None
        made.append((train, valid))
    return made


def _blocks(rows: list[int], n: int) -> list[tuple[int, int]]:
    """(first stretch, stretch after the last) of the n blocks after the first one; each holds at least one stretch.

    Args:
        rows: Number of rows per stretch, at least n + 1 stretches.
        n: Number of blocks after the first one.
    """
    after = list(accumulate(rows))
    cuts = [0]
    for block in range(1, n + 1):
        wanted = after[-1] * block / (n + 1)
        nearest = 1 + min(range(len(after)), key=lambda stretch: abs(after[stretch] - wanted))
        cuts.append(min(max(nearest, cuts[-1] + 1), len(rows) - (n + 1 - block)))
    return list(pairwise([*cuts[1:], len(rows)]))


def _by_group(groups: "Ints", target: "Ints | None", n: int, seed: int) -> "tuple[list[Fold], FoldsFollow]":
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

    count = len(set(groups.tolist()))
    if count < n:
        raise DataError(
            f"the training rows hold {count} group{'s' * (count != 1)}, and {n} folds need at least {n}",
            code="data/too-few-rows",
            hint="Lower train.search.folds, or bring data of more groups.",
        )
    if target is None:
        return _drawn(GroupKFold(n, shuffle=True, random_state=seed).split(groups, None, groups)), "group"
    _refuse_rare(target, n)
    return _drawn(StratifiedGroupKFold(n, shuffle=True, random_state=seed).split(target, target, groups)), "group"


def _by_row(rows: int, target: "Ints | None", n: int, seed: int) -> "tuple[list[Fold], FoldsFollow]":
    import numpy as np
    from sklearn.model_selection import KFold, StratifiedKFold

    if rows < n:
        raise DataError(
            f"there are {rows} training rows, and {n} folds need at least {n}",
            code="data/too-few-rows",
            hint="Lower train.search.folds.",
        )
    if target is None:
        return _drawn(KFold(n, shuffle=True, random_state=seed).split(np.arange(rows))), "row"
    _refuse_rare(target, n)
    return _drawn(StratifiedKFold(n, shuffle=True, random_state=seed).split(target, target)), "class"


def _refuse_rare(target: "Ints", n: int) -> None:
    if max(Counter(target.tolist()).values()) < n:
        raise DataError(
            f"every class has fewer than {n} training rows; stratified {n}-fold CV needs {n} in one",
            code="data/too-few-rows",
            hint="Lower train.search.folds, bring more data, or set model.task: regression for a number.",
        )


def _drawn(parts: "Iterable[tuple[Ints, Ints]]") -> "list[Fold]":
    with warnings.catch_warnings():
        # A class with fewer rows than folds is uneven over the folds, which is all that the warning says.
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        return [(train.astype("int64"), valid.astype("int64")) for train, valid in parts]


def _one_class(target: "Ints", made: "list[Fold]") -> str:
    """Return what is wrong with the first fold that nothing can be learned from or validated on, else nothing."""
    for number, (train, valid) in enumerate(made, 1):
        if not len(valid) or len(set(target[train].tolist())) < 2:
            held = "no rows to validate on" if not len(valid) else "training rows of one class only"
            return f"fold {number} of {len(made)} holds {held}"
    return ""
