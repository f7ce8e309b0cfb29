"""Behaviour tests of a run: their rows for the challenger to score, and what it made of them."""

import io
from collections.abc import Mapping
from typing import Any

import modelyard.records.results as r
from modelyard.evaluation.checks import behaviour
from modelyard.models.predictions import join, read_predictions
from modelyard.steps.context import CheckedOut
from modelyard.steps.evaluate.contenders import Contender, joined


def prepare(context: CheckedOut, test: Any, signature: r.Signature | None, seed: int) -> tuple[behaviour.Prepared, ...]:
    """Return the tests with the rows that the challenger is to score for them."""
    named = context.config.evaluate.behaviour
    if not named or signature is None:
        return ()
    return tuple(
        behaviour.prepare(
            behaviour.read(context.policy.rule_file(named, "evaluate.behaviour"), named),
            test,
            signature,
            id_column=context.data.split().id,
            shown=named,
            golden=_golden(context),
            seed=seed % 2**32,
        )
    )


def tables(tests: tuple[behaviour.Prepared, ...]) -> Mapping[str, Any]:
    """Return the rows of each test by the name under which they are scored."""
    return {_table(at): each.changed for at, each in enumerate(tests)}


def _table(at: int) -> str:
    return f"behaviour-{at}"


def _golden(context: CheckedOut) -> tuple[Any, Any] | None:
    """Return inputs and predictions that the champion's version carries."""
    import polars as pl

    version = context.versions.find_champion()
    if version is None or not any(file.path == "golden/inputs.parquet" for file in version.manifest.files):
        return None
    inputs, given = (
        pl.read_parquet(io.BytesIO(context.versions.open().read(version, f"golden/{name}.parquet")))
        for name in ("inputs", "predictions")
    )
    name = context.data.split().id
    renamed = {inputs.columns[0]: name}
    found = join(
        given.rename({given.columns[0]: name}), inputs[inputs.columns[0]], id_column=name,
        signature=version.manifest.signature, threshold=version.manifest.signature.threshold or 0.5,
        who=f"the golden predictions of {version.name}",
    )  # fmt: skip
    return inputs.rename(renamed), found.predictions


def judge(
    context: CheckedOut, tests: tuple[behaviour.Prepared, ...], challenger: Contender, test: Any
) -> tuple[r.CheckResult, ...]:
    """Return what the behaviour tests found."""
    import numpy as np

    name = context.data.split().id
    position = {each: at for at, each in enumerate(test[name].to_list())}
    results = []
    for at, each in enumerate(tests):
        changed = before = None
        path = challenger.scored.get(_table(at))
        if path is not None:
            frame = read_predictions(path, "the challenger")
            changed = joined(context, frame, each.changed, challenger.signature, "the challenger").predictions
        if each.before is not None and len(each.before):
            rows = np.array([position[value] for value in each.before[name].to_list()])
            before = challenger.joined.predictions.take(rows)
        results.append(
            behaviour.judge(
                each, changed, before, challenger.signature, champion=context.versions.find_champion() is not None
            )
        )
    return tuple(results)
