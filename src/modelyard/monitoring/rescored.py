"""Is a served prediction the version's own? A sample of logged features is scored again, and compared."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from modelyard.core.reasons import because
from modelyard.data.types import as_moments
from modelyard.log.schema import FEATURE
from modelyard.metrics.predictions import Bools, Floats, Predictions
from modelyard.models.golden import TOLERANCE_ELSEWHERE
from modelyard.models.predictions import read_predictions
from modelyard.models.scorer import Scorer
from modelyard.monitoring.served import scores
from modelyard.records.results import Fault, Feature, Signature

ROWS = 200
"""Rows of a window that are scored again: one prediction in fifty that is another's is missed in 2 % of windows."""
_ID = "row"
_DECIMALS = 8
"""Most decimals that a log may have been rounded to."""


@dataclass(frozen=True)
class Sample:
    """Rows of a window that can be scored again.

    Attributes:
        given: ``row`` and the features, in the types that the version was given.
        served: the same rows as they were logged.
        missing: features that the log does not have; then there are no rows.
        unreadable: rows that were drawn and have a feature of another type.
    """

    given: pl.DataFrame
    served: pl.DataFrame
    missing: tuple[str, ...] = ()
    unreadable: int = 0


def sample_of(frame: pl.DataFrame, signature: Signature, *, seed: int, rows: int = ROWS) -> Sample:
    """Draw rows of a window.

    Args:
        frame: rows of a log.
        signature: of the version that predicted.
        seed: decides which; the same rows for the same frame and seed.
        rows: how many at most.
    """
    missing = tuple(each.name for each in signature.features if FEATURE + each.name not in frame.columns)
    if missing or frame.is_empty():
        return Sample(pl.DataFrame(), frame.clear(), missing)
    drawn = np.random.default_rng(seed).choice(len(frame), min(rows, len(frame)), replace=False)
    served = frame[np.sort(drawn)]
    columns, readable = {}, np.ones(len(served), dtype=np.bool_)
    for feature in signature.features:
        logged = served[FEATURE + feature.name]
        columns[feature.name] = _as_given(logged, feature)
        readable &= (columns[feature.name].is_null() <= logged.is_null()).to_numpy()
    given = pl.DataFrame(columns).with_columns(pl.arange(0, len(served)).alias(_ID)).filter(readable)
    return Sample(given, served.filter(readable), unreadable=int((~readable).sum()))


def rescore(
    frame: pl.DataFrame, scorer: Scorer, *, seed: int, folder: Path, rows: int = ROWS
) -> tuple[Fault | None, Sample]:
    """Score a sample of a window again.

    Args:
        frame: rows of a log, all of the version that the scorer is of.
        scorer: of the version, as ``Scorer.of_version`` makes it.
        seed: decides which rows.
        folder: for what scoring reads and writes.
        rows: how many at most.

    Returns:
        The fault, if any prediction is another's; and what was looked at: without rows nothing was, and ``missing``
        says why.

    Raises:
        DataError: the model does not load, fails, or writes nothing.
    """
    sample = sample_of(frame, scorer.signature, seed=seed, rows=rows)
    if sample.given.is_empty():
        return None, sample
    files, _ = scorer.score({"sample": sample.given}, id_column=_ID, folder=folder)
    again = read_predictions(files["sample"], scorer.who)
    ordered = sample.given.select(_ID).join(again, on=_ID, how="left", maintain_order="left").drop(_ID)
    return compared(sample.served, ordered, scorer.signature, tolerance=TOLERANCE_ELSEWHERE), sample


def compared(served: pl.DataFrame, again: pl.DataFrame, signature: Signature, *, tolerance: float) -> Fault | None:
    """Compare predictions that were served with those that the version makes of the same rows.

    Args:
        served: (n rows) of a log.
        again: (n rows) the version's, with the columns of a prediction file; a row that it could not score is missing.
        signature: of the version.
        tolerance: largest difference of a number, relative to the larger where that is above 1. A log that was rounded
            may differ by half of its last decimal more.

    Returns:
        The fault, with the rows of the sample that differ; None where none does.
    """
    was, there = scores(served, signature)
    now, known = scores(again, signature)
    if not there.any():
        return None
    differs = ~known | _unlike(was, now, tolerance)
    wrong = int((differs & there).sum())
    if not wrong:
        return None
    looked = int(there.sum())
    return Fault(
        reason=because("prediction-of-another", rows=wrong, looked=looked),
        rows=wrong,
        share=wrong / looked,
        blocks=True,
    )


def _unlike(was: Predictions, now: Predictions, tolerance: float) -> Bools:
    """Return which rows differ, by probability or value where both have it, else by label."""
    for one, two in ((was.probability, now.probability), (was.value, now.value)):
        if one is not None and two is not None:
            first, second = one.reshape(len(one), -1), two.reshape(len(two), -1)
            allowed = tolerance * np.maximum(1, np.maximum(np.abs(first), np.abs(second))) + _rounding(first)
            return np.asarray((np.abs(first - second) > allowed).any(axis=1), dtype=np.bool_)
    if was.label is None or now.label is None:
        return np.ones(len(was.label if was.label is not None else was.value or ()), dtype=np.bool_)
    return np.asarray(was.label != now.label, dtype=np.bool_)


def _rounding(values: Floats) -> float:
    """Return half of the last decimal of values that were all rounded, and 0 of others."""
    for decimals in range(2, _DECIMALS):
        if np.abs(values - np.round(values, decimals)).max() < 1e-12 * max(1.0, float(np.abs(values).max())):
            return 0.5000001 * 10.0**-decimals if len(np.unique(values)) > 1 else 0.0
    return 0.0


def _as_given(logged: pl.Series, feature: Feature) -> pl.Series:
    """Return a logged feature in the type that the version was given; what is none is missing."""
    told = feature.type.lower()
    if feature.kind == "time":
        return as_moments(logged) if logged.dtype == pl.String else logged.cast(pl.Datetime("us"), strict=False)
    if feature.kind == "boolean" or told in ("bool", "boolean"):
        return _truth(logged)
    if "int" in told:
        return logged.cast(pl.Int64, strict=False)
    if feature.kind == "numeric" or "float" in told:
        return logged.cast(pl.Float64, strict=False)
    return logged.cast(pl.String, strict=False)


def _truth(logged: pl.Series) -> pl.Series:
    if logged.dtype == pl.String:
        return logged.str.to_lowercase().replace_strict({"true": True, "false": False}, default=None)
    return logged.cast(pl.Boolean, strict=False)
