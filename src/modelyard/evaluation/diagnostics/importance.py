"""Permutation importance (Breiman, Machine Learning 2001): what a metric loses where one column is shuffled."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from modelyard.evaluation.diagnostics.subject import digits
from modelyard.metrics.metric import Metric
from modelyard.metrics.predictions import Predictions
from modelyard.records.results.diagnostics import Importance, Permuted

MOST_ROWS = 1_000
MOST_COLUMNS = 24
FEWEST_ROWS = 100
"""Rows below which a drop says nothing."""


def sampled(test: Any, seed: int) -> Any:
    """Return the rows that are permuted, a Polars frame; none of a small test set."""
    return test.head(0) if len(test) < FEWEST_ROWS else test.sample(min(MOST_ROWS, len(test)), seed=seed % 2**32)


def chosen(features: Sequence[Sequence[str]]) -> list[str]:
    """Return the columns to permute, in the order of the models' own, the first ones of each."""
    return list(dict.fromkeys(name for own in features for name in own[:MOST_COLUMNS]))[:MOST_COLUMNS]


def permuted(rows: Any, columns: Sequence[str], id_column: str, seed: int) -> Any:
    """Return the rows as they are, and once more for each column with that one shuffled, under ids of their own.

    Args:
        rows: Polars frame of n rows.
        columns: to shuffle, each alone.
        id_column: renumbered from 0.
        seed: of the shuffles.

    Returns:
        Polars frame of n · (1 + columns) rows, in that order.
    """
    import polars as pl

    draw = np.random.default_rng(seed)
    parts = [rows, *(rows.with_columns(rows[name].gather(draw.permutation(len(rows)))) for name in columns)]
    whole = pl.concat(parts)
    numbers = pl.Series(id_column, np.arange(len(whole)))
    return whole.with_columns(numbers.cast(pl.String) if rows[id_column].dtype == pl.String else numbers)


def importance(
    metric: Metric,
    truth: Any,
    columns: Sequence[str],
    scored: Mapping[str, tuple[Predictions, Sequence[str]]],
    left_out: int,
) -> Permuted | None:
    """Return what each column is worth to each model.

    Args:
        metric: the primary one.
        truth: (n,) targets of the rows.
        columns: that were shuffled.
        scored: by role, predictions of all rows that ``permuted`` made, and the columns that the model takes.
        left_out: columns that were not shuffled.
    """
    n = len(truth)
    found: dict[str, dict[str, float]] = {}
    for role, (predictions, own) in scored.items():
        if not predictions.has(metric.needs):
            continue
        values = [
            metric.value(truth, predictions.take(np.arange(at * n, (at + 1) * n))) for at in range(len(columns) + 1)
        ]
        sign = 1.0 if metric.higher_is_better else -1.0
        base = values[0]
        if base is None:
            continue
        found[role] = {
            name: digits(sign * (base - value))
            for name, value in zip(columns, values[1:], strict=True)
            if value is not None and name in own
        }
    if "challenger" not in found:
        return None
    worth = [
        Importance(feature=name, drop=found["challenger"].get(name), champion=found.get("champion", {}).get(name))
        for name in columns
    ]
    ranked = sorted(worth, key=lambda one: -max(one.drop or 0.0, one.champion or 0.0))
    return Permuted(metric=metric.name, rows=n, features=tuple(ranked), left_out=left_out)
