"""Score the test rows with every model of an evaluation, and make the session that judges them."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import modelyard.records.results as r
from modelyard.core.files import replace_folder
from modelyard.evaluation.session import Session, test_set_of
from modelyard.evaluation.test_set import baseline_predictions
from modelyard.registry.protocol import Version
from modelyard.steps import rows as test_rows
from modelyard.steps.context import CheckedOut
from modelyard.steps.evaluate import behaviour, beyond, train_sample
from modelyard.steps.evaluate.contenders import Contender, challenger_of, reference_of


def scored(
    context: CheckedOut, facts: r.TrainResult, versions: Mapping[str, Version], seed: int
) -> tuple[Session, Mapping[str, Contender]]:
    """Score the test rows; predictions and golden rows are left in the run folder.

    Args:
        context: the run.
        facts: what training wrote.
        versions: the references by role.
        seed: of samples and resamples.

    Returns:
        The session, and each model that scored rows, by role.
    """
    rows = test_rows.load(context)
    tests = behaviour.prepare(context, rows.test, facts.signature, seed)
    sample = train_sample.tables(context, rows.train, facts, seed)
    champion = versions.get("champion")
    made = beyond.shuffled(context, rows.test, facts, champion, seed)
    extra = {} if made is None else made.tables
    with _workspace(context) as folder:
        tables = {**sample, **behaviour.tables(tests)}
        challenger = challenger_of(context, facts, rows.test, folder, tables, extra)
        references = {
            role: reference_of(
                context, role, version, rows.test, folder, challenger.signature,
                extra if role == "champion" and beyond.cheap(version.manifest.adapter) else {},
            )
            for role, version in versions.items()
        }  # fmt: skip
        contenders = {"challenger": challenger, **references}
        found = {
            "importance": beyond.permuted(context, made, contenders),
            "moved": beyond.drift(context, rows.test, facts, champion),
            "footprints": beyond.footprints(context, facts, champion, contenders),
        }
        behaved = behaviour.judge(context, tests, challenger, rows.test)
        learned_from = train_sample.scored(context, sample, challenger)
        if (folder / "golden").is_dir():
            replace_folder(folder / "golden", context.run_dir / "golden")
        else:
            shutil.rmtree(context.run_dir / "golden", ignore_errors=True)
        replace_folder(folder, context.run_dir / "predictions")
    session = session_of(context, facts, rows.test, challenger, references, versions, seed)
    split = context.config.data.split
    dealt = rows.train if split is not None and split.by != "time" else None
    judged = replace(session, sample=learned_from, behaviour=behaved, others=dealt, beyond=found)
    return judged, contenders


def session_of(
    context: CheckedOut,
    facts: r.TrainResult,
    rows: Any,
    challenger: Contender,
    references: Mapping[str, Contender],
    versions: Mapping[str, Version],
    seed: int,
) -> Session:
    """Return some rows and every model's predictions of them, to be judged; rows without one are left out.

    Raises:
        DataError: a class that no training row had, or weights that are none.
    """
    contenders = {"challenger": challenger, **references}
    matched = challenger.joined.matched.copy()
    for reference in references.values():
        matched &= reference.joined.matched
    test, config = rows.filter(matched), context.config
    digests = {"challenger": facts.model_digest or ""}
    digests |= {role: version.manifest.model_digest for role, version in versions.items()}
    models = {
        role: replace(each.joined.predictions.take(matched), model=digests[role]) for role, each in contenders.items()
    }
    if "champion" in models:
        models.setdefault("best-promoted", models["champion"])
    if facts.baseline:
        models |= baseline_predictions(facts.baseline, challenger.signature, len(test))
    test_set = test_set_of(
        test, config.data.columns, challenger.signature, seed=seed, confidence=config.evaluate.confidence
    )
    return Session(test, test_set, models, challenger.signature)


@contextmanager
def _workspace(context: CheckedOut) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(dir=context.run_dir, prefix=".scoring."))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
