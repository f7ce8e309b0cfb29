"""Diagnostics of seeded models of each task, and the records of a run that has them."""

from functools import cache
from typing import Any

import numpy as np
import polars as pl

from modelyard.core.vocabulary import Task
from modelyard.evaluation.diagnostics.diagnose import diagnose
from modelyard.evaluation.test_set import TestSet
from modelyard.metrics.predictions import Predictions
from modelyard.records.envelope import Envelope, Step
from modelyard.records.results import Diagnostics, EvaluateResult
from modelyard.records.results.diagnostics import Footprint, Importance, Moved, Permuted

ROWS = 3_000
CLASSES = ("early", "on time", "late", "very late")


@cache
def diagnostics(task: Task, *, champion: bool = True) -> Diagnostics:
    """Where two models of a task err on the same rows; the champion is the worse one."""
    return _told(task, champion=champion).model_copy(update=_beyond(champion=champion))


def _beyond(*, champion: bool) -> dict[str, Any]:
    names = ("dep_delay", "distance", "carrier", "hour")
    worth = [
        Importance(feature=name, drop=0.2 / (at + 1), champion=0.15 / (at + 1) if champion else None)
        for at, name in enumerate(names)
    ]
    away = [
        Moved(
            feature=name,
            measure="variation" if name == "carrier" else "wasserstein",
            to_test=0.3 / (at + 1),
            since_champion=0.1 if champion else None,
        )
        for at, name in enumerate(names)
    ]
    cost = [Footprint(model="challenger", size=1_482_331, training_seconds=97.3, scoring_seconds=1.2, rows=ROWS)]
    if champion:
        cost.append(Footprint(model="champion", size=1_200_000, training_seconds=80.0, scoring_seconds=1.1, rows=ROWS))
    shuffled = Permuted(metric="roc_auc", rows=1_000, features=tuple(worth), left_out=2)
    return {"importance": shuffled, "moved": tuple(away), "footprints": tuple(cost)}


def _told(task: Task, *, champion: bool) -> Diagnostics:
    draw = np.random.default_rng(11)
    times = pl.Series(np.datetime64("2013-07-01", "us") + np.sort(draw.integers(0, 92 * 86_400 * 10**6, ROWS)))
    roles = {"challenger": 1.0, **({"champion": 1.3} if champion else {})}
    if task == "regression":
        y: Any = draw.gamma(2, 12, ROWS) - 10
        models = {role: Predictions(value=0.9 * y + draw.normal(1, 6 * noise, ROWS)) for role, noise in roles.items()}
        return diagnose(task, _rows(y), models, times=times)
    if task == "multiclass":
        y = draw.choice(4, ROWS, p=[0.3, 0.4, 0.2, 0.1])
        models = {
            role: Predictions(4, label=np.where(draw.random(ROWS) < 0.9 - 0.2 * noise, y, draw.integers(0, 4, ROWS)))
            for role, noise in roles.items()
        }
        return diagnose(task, _rows(y, CLASSES), models)
    y = (draw.random(ROWS) < 0.3).astype(np.int64)
    models = {}
    for role, noise in roles.items():
        score = 1 / (1 + np.exp(-(3 * y - 2 + draw.normal(0, 1.6 * noise, ROWS))))
        models[role] = Predictions(2, label=(score >= 0.5).astype(np.int64), probability=score)
    return diagnose(task, _rows(y, ("False", "True")), models, threshold=0.5)


def _rows(y: Any, classes: tuple[str, ...] = ()) -> TestSet:
    return TestSet(y, np.arange(len(y)) % 92, "day", False, None, 7, 0.95, classes)


def with_diagnostics(records: dict[Step, Envelope], task: Task) -> dict[Step, Envelope]:
    """The same run, its evaluation with the diagnostics of a task."""
    whole = records["evaluate"].record
    result = whole.read(EvaluateResult)
    changed = result.model_copy(
        update={
            "diagnostics": diagnostics(task, champion=result.champion is not None),
            "curves": result.curves if task == "binary" else (),
        }
    )
    record = whole.model_copy(update={"result": changed.model_dump(mode="json")})
    return {**records, "evaluate": Envelope.seal(record)}
