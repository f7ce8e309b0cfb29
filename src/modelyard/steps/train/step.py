"""train: the configured way from training rows to a stored model; every fit is cached by what decides it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import modelyard.records.results as r
from modelyard import __version__
from modelyard.config.meaning import training_part
from modelyard.core.canonical import canonical, digest
from modelyard.core.files import sha256_file, write_atomic
from modelyard.core.verdict import Verdict
from modelyard.models import store
from modelyard.records.envelope import Envelope
from modelyard.steps import rows as step_rows
from modelyard.steps.code import paths_of_code
from modelyard.steps.context import CheckedOut
from modelyard.steps.declaration import Inputs, JudgedInputs, Outputs, StepSpec
from modelyard.steps.definition import Outcome, Stage, StepDefinition
from modelyard.steps.execution import passed
from modelyard.steps.profile_key import PROFILE_KEY, key_of
from modelyard.steps.train.present import TrainPresenter


class TrainOutputs(Outputs):
    """Outputs of train."""

    model_digest: str
    """Digest of the model's files."""


SPEC = StepSpec(
    name="train",
    summary="Train the challenger: search the candidates, or call an entrypoint or a command.",
    example="modelyard train",
    inputs=JudgedInputs,
    outputs=TrainOutputs,
    secrets=(PROFILE_KEY,),
)


def reads(context: CheckedOut, _inputs: Inputs) -> Mapping[str, Any]:
    """Return the rows, what decides a fit, the code, and the packages."""
    train, test = context.data.digest_rows()
    named = context.config.evaluate.challenger
    lock = context.config.train.environment if context.config.train else None
    return {
        "rows": [train, test],
        "training": training_part(context.config),
        "code": context.workspace.digest_code(),
        "packages": context.workspace.digest_environment(),
        "lock": sha256_file(context.workspace.inside(lock, "train.environment")) if lock else None,
        "challenger": sha256_file(context.workspace.inside(named, "evaluate.challenger")) if named else None,
        **_other_sets(context),
    }


def run(context: CheckedOut, _inputs: Inputs) -> Outcome:
    """Train, or take the prediction file that is to be judged."""
    passed(context.records.read("detect"))
    validated = context.records.find("validate")
    if validated is not None:
        passed(validated)
    rows = context.data.split()
    _tell_folders(context, rows.train)
    write_profile(context, rows.train if len(rows.train) else rows.test)
    return _train(context, rows)


def _tell_folders(context: CheckedOut, train: Any) -> None:
    """Say which columns stand in no file, and which of them tell nothing in the training rows."""
    for each in context.data.describe():
        if each.why == "folder" and each.name in train.columns:
            alone = train[each.name].n_unique() < 2
            note = "; it has one value in the training rows, from which nothing is learned" if alone else ""
            context.console.say(f"  {each.name} is a column from the names of folders ({each.name}=…){note}")


def write_profile(context: CheckedOut, frame: Any) -> None:
    """Describe the rows in ``profile/profile.json``: no raw values, categories under a key alone."""
    from modelyard.data.profile import profile

    told = profile(frame, context.config.data.columns.personal, key_of(context))
    write_atomic(context.run_dir / "profile" / "profile.json", canonical(told))


def _train(context: CheckedOut, rows: step_rows.Rows) -> Outcome:
    from modelyard.training.job import TrainingRows, Workplace
    from modelyard.training.train import train

    of_train, of_test = context.data.digest_rows()
    trained = train(
        context.config,
        TrainingRows(
            frame=rows.train,
            digest=of_train,
            test=rows.test,
            test_digest=of_test,
            split=rows.split,
            dropped_missing_target=rows.dropped,
            suffix=_row_format(context),
            files=context.data.training_files,
            row_number="" if context.config.data.columns.id else rows.id,
        ),
        at=Workplace(
            base=context.workspace.base,
            root=context.root,
            state=context.workspace.open_state(),
            out=context.run_dir / "model",
            environments=context.environments,
            place=context.loaded.place,
            progress=context.console.progress,
            say=lambda text: context.console.say(f"  {text}"),
            code=lambda: paths_of_code(context.config, context.root, context.workspace.base),
            python=context.find_interpreter().python,
        ),
        inputs={
            "code": context.workspace.digest_code(),
            "packages": context.workspace.digest_environment(),
            "tool": __version__,
            **_other_sets(context),
        },
    )
    return Outcome(
        trained.result, Verdict.PASS, fit_digest=trained.fit_digest, model_digest=trained.result.model_digest
    )


def _other_sets(context: CheckedOut) -> dict[str, str]:
    """Return what a script may read beside its rows: the sets that are neither split nor named train or test."""
    if context.config.train is None or context.config.train.model is None:
        return {}
    split = context.config.data.split
    judged = {split.of} if split else {"train", "test"}
    return {"sets": digest({name: found for name, found in context.data.digest_sets().items() if name not in judged})}


def _row_format(context: CheckedOut) -> Literal[".csv", ".parquet"]:
    """Return the format in which a command is given its rows: that of the training rows' source, if there is one."""
    split, sources = context.config.data.split, context.data.sources()
    name = split.of if split else "train"
    return sources[name].row_format() if name in sources else ".parquet"


def _model_intact(run_dir: Path, envelope: Envelope) -> bool:
    expected, folder = envelope.record.model_digest, run_dir / "model"
    return expected is None or (folder.is_dir() and store.digest(folder)[0] == expected)


TRAIN = StepDefinition(
    SPEC,
    r.TRAIN,
    ("detect",),
    reads,
    run,
    TrainPresenter(),
    optional=("validate",),
    stage=Stage(),
    intact=_model_intact,
)
