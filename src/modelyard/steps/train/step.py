"""train: the configured way from training rows to a stored model; every fit is cached by what decides it."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import modelyard.records.results as r
from modelyard import __version__
from modelyard.config.meaning import training_part
from modelyard.config.sections.model import Maximise
from modelyard.core.canonical import canonical, digest
from modelyard.core.errors import ConfigError, DataError
from modelyard.core.files import replace_folder, sha256_file, write_atomic
from modelyard.core.verdict import Verdict
from modelyard.models import store
from modelyard.records.envelope import Envelope
from modelyard.records.results import TrainResult
from modelyard.steps import rows as step_rows
from modelyard.steps.context import CheckedOut
from modelyard.steps.declaration import Inputs, Outputs, Secret, StepSpec
from modelyard.steps.definition import Outcome, Stage, StepDefinition
from modelyard.steps.execution import passed
from modelyard.steps.train.present import TrainPresenter


class TrainOutputs(Outputs):
    """Outputs of train."""

    model_digest: str
    """Digest of the model's files."""


PROFILE_KEY = Secret("profile-key", "Key under which categories enter the profile; without one they stay out.")
SPEC = StepSpec(
    name="train",
    summary="Train the challenger: search the candidates, or call an entrypoint or a command.",
    example="modelyard train",
    inputs=Inputs,
    outputs=TrainOutputs,
    secrets=(PROFILE_KEY,),
)


def reads(context: CheckedOut, _inputs: Inputs) -> Mapping[str, Any]:
    """The rows, what decides a fit, the code, and the packages."""
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
    }


def run(context: CheckedOut, _inputs: Inputs) -> Outcome:
    """Train, or take the prediction file that is to be judged."""
    passed(context.records.read("detect"))
    validated = context.records.find("validate")
    if validated is not None:
        passed(validated)
    rows = context.data.split()
    write_profile(context, rows.train if len(rows.train) else rows.test)
    return _train(context, rows) if context.config.train else _take_predictions(context, rows)


def write_profile(context: CheckedOut, frame: Any) -> None:
    """Describe the rows in ``profile/profile.json``: no raw values, categories under a key alone.

    The key is the secret ``profile-key`` of the action, else the file ``.modelyard/key``.
    """
    from modelyard.data.profile import profile

    path, secret = context.workspace.open_state() / "key", context.environ.get("MODELYARD_PROFILE_KEY", "")
    key = secret.encode() if secret else path.read_bytes() if path.is_file() else None
    told = profile(frame, context.config.data.columns.personal, key)
    write_atomic(context.run_dir / "profile" / "profile.json", canonical(told))


def _train(context: CheckedOut, rows: step_rows.Rows) -> Outcome:
    from modelyard.training.train import TrainingRows, Workplace, train

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
            suffix=context.data.sources()[split.of if (split := context.config.data.split) else "train"].row_format(),
            row_number="" if context.config.data.columns.id else step_rows.ROW,
        ),
        at=Workplace(
            base=context.workspace.base,
            root=context.root,
            state=context.workspace.open_state(),
            out=context.run_dir / "model",
            place=context.loaded.place,
            progress=context.console.progress,
            say=lambda text: context.console.say(f"  {text}"),
        ),
        inputs={
            "code": context.workspace.digest_code(),
            "packages": context.workspace.digest_environment(),
            "tool": __version__,
        },
    )
    return Outcome(
        trained.result, Verdict.PASS, fit_digest=trained.fit_digest, model_digest=trained.result.model_digest
    )


def _take_predictions(context: CheckedOut, rows: step_rows.Rows) -> Outcome:
    from modelyard.training.baseline import fit_baseline
    from modelyard.training.signature import find_target, find_weight, signature
    from modelyard.training.train import primary_metric

    config = context.config
    if isinstance(config.model.threshold, Maximise):
        raise ConfigError(
            "model.threshold is to be chosen on training folds, and prediction files have none",
            hint="Write the number from which a probability counts as positive.",
            place=context.loaded.place(("model", "threshold")),
        )
    path = context.workspace.inside(config.evaluate.challenger or "", "evaluate.challenger")
    if not path.is_file():
        raise DataError(
            f"evaluate.challenger: there is no prediction file {config.evaluate.challenger}",
            hint="Make it before this step, or correct the path.",
        )
    folder = Path(tempfile.mkdtemp(dir=context.run_dir, prefix=".model."))
    try:
        shutil.copyfile(path, folder / f"predictions{path.suffix}")
        replace_folder(folder, context.run_dir / "model")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    model_digest, size = store.digest(context.run_dir / "model")
    known = rows.train if len(rows.train) else rows.test
    target = find_target(known, config.data.columns.target, config.model)
    baseline = (
        fit_baseline(target.codes, find_weight(known, config.data.columns), config.model.task, len(target.classes))
        if len(rows.train)
        else {}
    )
    from modelyard.training.signature import Features

    of_train, of_test = context.data.digest_rows()
    result = TrainResult(
        how="none",
        metric=primary_metric(config, context.loaded.place).name,
        train_rows=len(rows.train),
        train_digest=of_train,
        test_digest=of_test,
        test_rows=len(rows.test),
        split=rows.split,
        dropped_missing_target=rows.dropped,
        seed=0,
        model_digest=model_digest,
        model_size=size,
        adapter="predictions",
        signature=signature(Features((), {}), target, config.model),
        baseline=baseline,
    )
    return Outcome(result, Verdict.PASS, fit_digest=digest({"predictions": model_digest}), model_digest=model_digest)


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
