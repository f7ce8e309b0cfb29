"""What evaluate looks at beside the gates: behaviour tests, a sample of training rows, waivers, and the ledger."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import modelyard.records.results as r
from modelyard.config.configuration import Config
from modelyard.core.files import append_line
from modelyard.evaluation import test_set_reuse
from modelyard.evaluation.checks import behaviour
from modelyard.evaluation.gates import waivers
from modelyard.models.adapters import adapter_of
from modelyard.models.predictions import join, read_predictions
from modelyard.steps import rows as test_rows
from modelyard.steps.context import Context

if TYPE_CHECKING:
    from modelyard.steps.evaluate.contenders import Contender

TRAIN_SAMPLE = 10_000
"""Training rows that the gap is measured on, at most."""
_TRAIN = "train-sample"
LEDGER = "evaluations.jsonl"


@dataclass(frozen=True)
class Asked:
    """Rows beside the test rows that the challenger is to score, and why."""

    tables: Mapping[str, Any] = field(default_factory=dict)
    tests: tuple[behaviour.Prepared, ...] = ()


def asked(context: Context, rows: test_rows.Rows, facts: r.TrainResult, seed: int) -> Asked:
    """What the challenger is to score."""
    config, tables, prepared = context.config, {}, []
    signature = facts.signature
    if (
        config.evaluate.checks.train_test_gap != "off"
        and adapter_of(facts.adapter, "the challenger").rescorable
        and len(rows.train)
    ):
        tables[_TRAIN] = rows.train.sample(min(TRAIN_SAMPLE, len(rows.train)), seed=seed % 2**32)
    if config.evaluate.behaviour and signature is not None:
        named = config.evaluate.behaviour
        tests = behaviour.read(context.rule_file(named, "evaluate.behaviour"), named)
        prepared = behaviour.prepare(
            tests,
            rows.test,
            signature,
            id_column=test_rows.id_column(config),
            shown=named,
            golden=_golden(context),
            seed=seed % 2**32,
        )
        tables |= {f"behaviour-{at}": each.changed for at, each in enumerate(prepared)}
    return Asked(tables, tuple(prepared))


def _golden(context: Context) -> tuple[Any, Any] | None:
    """Inputs and predictions that the champion's version carries."""
    import io

    import polars as pl

    version = context.champion
    if version is None or not any(file.path == "golden/inputs.parquet" for file in version.manifest.files):
        return None
    inputs, given = (
        pl.read_parquet(io.BytesIO(context.registry.read(version, f"golden/{name}.parquet")))
        for name in ("inputs", "predictions")
    )
    name = test_rows.id_column(context.config)
    renamed = {inputs.columns[0]: name}
    found = join(
        given.rename({given.columns[0]: name}), inputs[inputs.columns[0]], id_column=name,
        signature=version.manifest.signature, threshold=version.manifest.signature.threshold or 0.5,
        who=f"the golden predictions of {version.name}",
    )  # fmt: skip
    return inputs.rename(renamed), found.predictions


def behaved(context: Context, asked: Asked, challenger: "Contender", test: Any) -> tuple[r.CheckResult, ...]:
    """What the behaviour tests found."""
    import numpy as np

    from modelyard.steps.evaluate.contenders import joined

    name = test_rows.id_column(context.config)
    position = {each: at for at, each in enumerate(test[name].to_list())}
    found = []
    for at, each in enumerate(asked.tests):
        changed = before = None
        path = challenger.scored.get(f"behaviour-{at}")
        if path is not None:
            frame = read_predictions(path, "the challenger")
            changed = joined(context, frame, each.changed, challenger.signature, "the challenger").predictions
        if each.before is not None and len(each.before):
            rows = np.array([position[value] for value in each.before[name].to_list()])
            before = challenger.joined.predictions.take(rows)
        found.append(
            behaviour.judge(each, changed, before, challenger.signature, champion=context.champion is not None)
        )
    return tuple(found)


def train_sample(context: Context, asked: Asked, challenger: "Contender") -> tuple[Any, Any] | None:
    """The sampled training rows and the challenger's predictions of them."""
    from modelyard.steps.evaluate.contenders import joined

    path = challenger.scored.get(_TRAIN)
    if path is None:
        return None
    rows = asked.tables[_TRAIN]
    found = joined(context, read_predictions(path, "the challenger"), rows, challenger.signature, "the challenger")
    return rows.filter(found.matched), found.predictions.take(found.matched)


def may_be_named(context: Context, test: Any) -> Any:
    """The columns of which slices may be looked for: neither personal data nor what names or times a row."""
    columns = context.config.data.columns
    kept_out = {*columns.personal, *columns.drop, columns.target, columns.id, columns.time, columns.weight}
    return test.select(name for name in test.columns if name not in kept_out and name != test_rows.ROW)


def waived(
    context: Context, gates: tuple[r.GateResult, ...], proposed: Config | None = None
) -> tuple[tuple[r.GateResult, ...], tuple[r.WaiverRow, ...], tuple[r.CheckResult, ...]]:
    """The gates with the waivers of the rules in force, or of a proposal's configuration."""
    named = (proposed or context.config).evaluate.waivers
    if named is None:
        return gates, (), ()
    path = (context.rule_file if proposed is None else context.inside)(named, "evaluate.waivers")
    return waivers.apply(gates, waivers.read(path, named), today(), named)


def today() -> date:
    """The day in UTC."""
    return datetime.now(UTC).date()


def looked(context: Context, evaluation: r.Evaluation) -> r.Wear:
    """How often this test set was looked at: by the registry's ledger, and at a desk by its own."""
    known = [entry.evaluation for entry in context.registry.entries() if entry.evaluation is not None]
    at_desk = context.trigger == "desk"
    if at_desk:
        path = context.state / LEDGER
        known += _read(path)
        if evaluation not in known:
            append_line(path, evaluation.model_dump_json())
    return test_set_reuse.wear(evaluation, known, at_least=not at_desk)


def _read(path: Path) -> list[r.Evaluation]:
    """The desk's ledger; a line that cannot be read, such as one cut short by a kill, counts as none."""
    found = []
    for line in path.read_text("utf-8").splitlines() if path.is_file() else ():
        try:
            found.append(r.Evaluation.model_validate(json.loads(line)))
        except ValueError:
            continue
    return found
