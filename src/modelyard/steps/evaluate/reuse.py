"""The ledger of a test set: what is proposed of this evaluation, and how often the set was evaluated on before."""

import json
from pathlib import Path
from typing import Any

import modelyard.records.results as r
from modelyard.core.files import append_line, sha256_file
from modelyard.evaluation import test_set_reuse
from modelyard.steps import rows as test_rows
from modelyard.steps.context import CheckedOut
from modelyard.steps.evaluate import rules

LEDGER = "evaluations.jsonl"


def evaluation_of(context: CheckedOut, test: Any, model_digest: str | None) -> r.Evaluation:
    """Return what the ledger of the test set is told of this run."""
    name = context.data.split().id
    return r.Evaluation(
        test_set=test_set_reuse.held_out(
            test[name].to_list(),
            test_rows.digests(context)[1],
            salt=context.config.model.name,
            named=context.config.data.columns.id is not None,
        ),
        model=model_digest
        or sha256_file(context.policy.own_file(context.config.evaluate.challenger or "", "evaluate")),
        rules=rules.digest_in_force(context),
    )


def counted(context: CheckedOut, evaluation: r.Evaluation) -> r.Reuse:
    """Count the evaluations on this test set: by the registry's ledger, and locally by its own."""
    known = [entry.evaluation for entry in context.versions.open().entries() if entry.evaluation is not None]
    locally = context.trigger == "desk"
    if locally:
        path = context.workspace.open_state() / LEDGER
        known += _read(path)
        if evaluation not in known:
            append_line(path, evaluation.model_dump_json())
    return test_set_reuse.reuse(evaluation, known, at_least=not locally)


def _read(path: Path) -> list[r.Evaluation]:
    """Read the local ledger; a line that cannot be read, such as one cut short by a kill, counts as none."""
    found = []
    for line in path.read_text("utf-8").splitlines() if path.is_file() else ():
        try:
            found.append(r.Evaluation.model_validate(json.loads(line)))
        except ValueError:
            continue
    return found
