"""A sample of training rows, on which the gap between training and test rows is measured."""

from collections.abc import Mapping
from typing import Any

import modelyard.records.results as r
from modelyard.evaluation.session import targets
from modelyard.models.adapters import adapter_of
from modelyard.models.predictions import read_predictions
from modelyard.steps.context import CheckedOut
from modelyard.steps.evaluate.contenders import Contender, joined

MOST = 10_000
"""Rows that are scored."""
_TABLE = "train-sample"


def tables(context: CheckedOut, train: Any, facts: r.TrainResult, seed: int) -> Mapping[str, Any]:
    """Return the rows to score, by the name under which they are; none where the gap is not looked at."""
    wanted = context.config.evaluate.checks.train_test_gap != "off"
    if not wanted or not adapter_of(facts.adapter, "the challenger").rescorable or not len(train):
        return {}
    return {_TABLE: train.sample(min(MOST, len(train)), seed=seed % 2**32)}


def scored(context: CheckedOut, tables: Mapping[str, Any], challenger: Contender) -> tuple[Any, Any] | None:
    """Return the targets of the sampled rows, and the challenger's predictions of them."""
    path = challenger.scored.get(_TABLE)
    if path is None:
        return None
    rows = tables[_TABLE]
    found = joined(context, read_predictions(path, "the challenger"), rows, challenger.signature, "the challenger")
    known = targets(rows.filter(found.matched), context.config.data.columns, challenger.signature)
    return known, found.predictions.take(found.matched)
