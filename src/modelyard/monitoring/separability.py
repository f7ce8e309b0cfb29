"""Whether a classifier can tell a window's rows from earlier ones, all columns together.

Drift that no single column shows, such as two columns that used to move together, is seen by a model that is trained to
tell the two apart (Lopez-Paz & Oquab, ICLR 2017): out of fold, an AUC of 0.5 is no difference. Days stay whole in the
folds and are the units of the interval, since a model can tell one day from another without any drift.
"""

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from modelyard.core.reasons import because
from modelyard.log.schema import FEATURE
from modelyard.monitoring.columns import kind_of
from modelyard.monitoring.threads import alone
from modelyard.records.results import Estimate
from modelyard.records.results.monitor import Separability
from modelyard.stats import auc, clusters
from modelyard.stats.interval import Interval, refuse

if TYPE_CHECKING:
    import polars as pl

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_ROWS = 2_000
"""Of either side that are looked at."""
FEWEST_ROWS = 100
FEWEST_UNITS = 10
LARGE = 0.55
"""An alarm is an AUC that is above this for certain."""
_FOLDS = 3
_CONFIDENCE = 0.95
_MOST_LEVELS = 200
_TOLD = 3


def separability(
    earlier: "pl.DataFrame", rows: "pl.DataFrame", *, seed: int, ignore: Collection[str] = ()
) -> Separability:
    """Train classifiers to tell a window from rows before it, and return how well they do on days they have not seen.

    Args:
        earlier: rows of the same version's earlier windows without faults, or of its test rows; ``feature_<name>``, and
            ``time`` where days are known.
        rows: the window's.
        seed: decides which rows are taken where there are more than 2,000, and which days are in which fold.
        ignore: features that are not watched.

    Returns:
        The AUC with its interval; refused under 100 rows or 10 days in all, or without a feature that both have.
    """
    import polars as pl

    draw = np.random.default_rng(seed)
    names = [
        name for name in rows.columns
        if name.startswith(FEATURE) and name.removeprefix(FEATURE) not in ignore and name in earlier.columns
        and kind_of(rows[name]) in ("number", "truth", "text") and kind_of(rows[name]) == kind_of(earlier[name])
    ]  # fmt: skip
    kept = [_some(each, draw) for each in (earlier, rows)]
    n = sum(map(len, kept))
    if not names or min(map(len, kept)) < FEWEST_ROWS:
        few = min(len(kept[0]), len(kept[1]))
        return _told(refuse("too-few-rows", rows=few, fewest=FEWEST_ROWS, n=n, n_rows=n))
    both = pl.concat([each.select(names) for each in kept], how="vertical_relaxed")
    later = np.repeat([0, 1], [len(each) for each in kept])
    table, categorical = _encoded(both)
    unit = _units(kept)
    groups = len(np.unique(unit))
    if groups < FEWEST_UNITS:
        return _told(refuse("too-few-units", units=groups, fewest=FEWEST_UNITS, n=groups, n_rows=n), unit="day")
    fold = _folds(unit, later, draw)
    score, models = np.empty(n), []
    for at in range(_FOLDS):
        test = fold == at
        models.append(_fitted(table[~test], later[~test], categorical, seed))
        score[test] = _said(models[-1], table[test])
    found = _interval(later, score, unit)
    alarm = found.low is not None and found.low > LARGE
    telling = _telling(models, table, later, fold, draw) if alarm else []
    columns = tuple(names[each].removeprefix(FEATURE) for each in telling)
    return _told(found, alarm=alarm, columns=columns, unit="row" if groups == n else "day")


def _told(found: Interval, *, alarm: bool = False, columns: tuple[str, ...] = (), unit: str = "row") -> Separability:
    estimate = Estimate(
        value=found.estimate,
        low=found.low,
        high=found.high,
        method=found.method,
        n=found.n,
        unit=unit,
        rows=found.n_rows,
        refused=found.refused,
        effective=found.effective,
    )
    return Separability(auc=estimate, alarm=alarm, columns=columns)


def _some(frame: "pl.DataFrame", draw: np.random.Generator) -> "pl.DataFrame":
    if len(frame) <= MOST_ROWS:
        return frame
    return frame[np.sort(draw.choice(len(frame), MOST_ROWS, replace=False))]


def _encoded(frame: "pl.DataFrame") -> tuple[Floats, list[bool]]:
    """Return numbers as they are and categories as codes, the most frequent 200 apart; NaN where missing."""
    import polars as pl

    columns, categorical = [], []
    for column in frame.get_columns():
        text = kind_of(column) == "text"
        categorical.append(text)
        if text:
            texts = column.cast(pl.String)
            counted = texts.drop_nulls().value_counts(sort=True).head(_MOST_LEVELS)
            levels = sorted(counted[column.name].to_list())
            coded = texts.replace_strict(levels, range(len(levels)), default=len(levels), return_dtype=pl.Float64)
            columns.append(coded.set(texts.is_null(), None).to_numpy())
        else:
            values = column.cast(pl.Float64).to_numpy()
            columns.append(np.where(np.isfinite(values), values, np.nan))
    return np.column_stack(columns).astype(np.float64), categorical


def _units(kept: "list[pl.DataFrame]") -> Ints:
    """Number the days of each side apart; every row is its own where times are not known."""
    import polars as pl

    if not all("time" in each.columns for each in kept):
        return np.arange(sum(map(len, kept)))
    days = [each["time"].cast(pl.Date).to_physical().cast(pl.Int64).to_numpy() for each in kept]
    _, codes = np.unique(np.concatenate([2 * days[0], 2 * days[1] + 1]), return_inverse=True)
    return codes.astype(np.int64)


def _folds(unit: Ints, later: Ints, draw: np.random.Generator) -> Ints:
    """Deal the units of either side to the folds."""
    fold = np.empty(len(unit), dtype=np.int64)
    for side in (0, 1):
        mine = later == side
        names, codes = np.unique(unit[mine], return_inverse=True)
        fold[mine] = (draw.permutation(len(names)) % _FOLDS)[codes]
    return fold


def _fitted(table: Floats, later: Ints, categorical: list[bool], seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        max_iter=30,
        max_leaf_nodes=15,
        min_samples_leaf=20,
        learning_rate=0.1,
        class_weight="balanced",
        categorical_features=categorical,
        early_stopping=False,
        random_state=seed % 2**32,
    )
    with alone():
        return model.fit(table, later)


def _said(model: Any, table: Floats) -> Floats:
    with alone():
        return np.asarray(model.predict_proba(table)[:, 1], dtype=np.float64)


def _interval(later: Ints, score: Floats, unit: Ints) -> Interval:
    placed = auc.placements(later, score)
    codes, groups = clusters.dense(unit)
    if groups == len(later):
        return auc.level(placed, _CONFIDENCE)
    moved = clusters.of_auc(later, placed, codes, groups, score)
    if moved is None:
        return refuse("class-in-one-unit", n=groups, n_rows=len(later), estimate=float(placed[0].mean()))
    return clusters.interval(
        moved, method=because("jackknife-t"), fewest=FEWEST_UNITS, confidence=_CONFIDENCE, on_logit=True
    )


def _telling(models: list[Any], table: Floats, later: Ints, fold: Ints, draw: np.random.Generator) -> list[int]:
    """Return the columns without which the models do worst, each shuffled in turn among rows they have not seen."""
    plain, lost = [], np.zeros(table.shape[1])
    for at, model in enumerate(models):
        rows = np.flatnonzero(fold == at)
        plain.append(auc.auc(later[rows], _said(model, table[rows])) or 0.5)
        for column in range(table.shape[1]):
            shuffled = table[rows]
            shuffled[:, column] = draw.permutation(shuffled[:, column])
            lost[column] += plain[-1] - (auc.auc(later[rows], _said(model, shuffled)) or 0.5)
    best = np.argsort(-lost, kind="stable")[:_TOLD].tolist()
    return [each for each in best if lost[each] > 0.01 * len(models)]
