"""The two models of an evaluation: each scores today's test rows in its own environment, or brings its predictions."""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import modelyard.records.results as r
from modelyard.errors import DataError
from modelyard.files import read_json
from modelyard.models import environment, store
from modelyard.models.predictions import join, read_predictions
from modelyard.models.scoring import Golden, Scorer, score
from modelyard.steps import rows as test_rows
from modelyard.steps.context import Context


@dataclass(frozen=True)
class Contender:
    """A model to judge: what it takes, and its predictions joined to the test rows."""

    signature: r.Signature
    joined: Any
    note: str = ""


def challenger_of(context: Context, facts: r.TrainResult, test: Any, folder: Path) -> Contender:
    """The challenger's predictions of the test rows; golden rows for its version are written beside them.

    Raises:
        DataError: the model was changed since training, cannot be scored, or leaves rows without a prediction.
    """
    config = context.config
    signature = facts.signature
    if signature is None:
        raise DataError("the train record has no signature", do="Run `modelyard train` again.")
    if facts.adapter == "predictions":
        path = context.inside(config.evaluate.challenger or "", "evaluate.challenger")
        frame = read_predictions(path, "the challenger")
        frame.write_parquet(folder / "challenger.parquet")
    else:
        model_dir = context.run_dir / "model"
        found, _ = store.digest(model_dir)
        if found != facts.model_digest:
            raise DataError(
                f"the model in {model_dir} was changed since it was trained: {found} instead of {facts.model_digest}",
                do="Run `modelyard train` again.",
            )
        scorer = Scorer(
            who="the challenger",
            adapter=facts.adapter,
            signature=signature,
            model_dir=model_dir,
            python=Path(sys.executable),
            format=store.stored_format(model_dir),
            python_path=_python_path(model_dir),
            command=config.evaluate.predict.command if config.evaluate.predict else "",
            timeout=config.evaluate.predict.timeout if config.evaluate.predict else "1h",
            folder=context.command_folder,
            path_first=context.command_path,
            golden=_golden(context, found, folder) if facts.adapter == "sklearn" else None,
        )
        context.console.say(f"  the challenger scores {len(test):,} rows")
        written = score(scorer, {"challenger": test}, id_column=test_rows.id_column(config), folder=folder)
        frame = read_predictions(written["challenger"], "the challenger")
    return Contender(signature, _joined(context, frame, test, signature, "the challenger"))


def _golden(context: Context, model_digest: str, folder: Path) -> Golden:
    told = read_json(context.run_dir / "profile" / "profile.json")["columns"]
    quantiles = {
        name: [value for value in column.get("quantiles") or [] if value is not None] for name, column in told.items()
    }
    return Golden(model_digest, quantiles, folder / "golden")


def champion_of(context: Context, test: Any, folder: Path, signature: r.Signature) -> Contender | None:
    """The champion's predictions of the same rows, with its own code and packages; None where there is no champion.

    Raises:
        DataError: it cannot score today's rows. That is never taken for a first run.
    """
    version = context.champion
    if version is None:
        return None
    manifest, config = version.manifest, context.config
    note = "" if manifest.evidence != "none" else f"{version.name} was adopted without evidence"
    if manifest.adapter == "predictions":
        named = config.evaluate.champion
        if named is None:
            raise DataError(
                f"the champion {version.name} exists as predictions only and cannot score today's rows",
                do="Name its predictions for today's test rows: evaluate.champion.",
            )
        frame = read_predictions(context.inside(named, "evaluate.champion"), "the champion")
        return Contender(signature, _joined(context, frame, test, signature, "the champion"), note)
    if manifest.signature.task != signature.task or not set(map(str, signature.classes)) <= set(
        map(str, manifest.signature.classes)
    ):
        raise DataError(
            f"the champion {version.name} knows other classes than today's test rows have",
            do="Adopt a model that knows them, or give this one a name of its own.",
        )
    with tempfile.TemporaryDirectory(dir=folder) as fetched:
        home = Path(fetched) / "version"
        context.registry.fetch(version, home)
        recorded = environment.parse_environment((home / "environment.txt").read_text("utf-8"))
        python = environment.python_for(recorded, cache=context.environments, current=context.environment)
        scorer = Scorer(
            who=f"the champion {version.name}",
            adapter=manifest.adapter,
            signature=manifest.signature,
            model_dir=home / "model",
            python=python,
            format=store.stored_format(home / "model"),
            python_path=_python_path(home / "model"),
            command=manifest.predict_command,
            timeout=config.evaluate.predict.timeout if config.evaluate.predict else "1h",
            folder=home / "code" if (home / "code").is_dir() else home,
            path_first=context.command_path,
        )
        context.console.say(f"  the champion {version.name} scores the same rows")
        written = score(scorer, {"champion": test}, id_column=test_rows.id_column(config), folder=folder)
    frame = read_predictions(written["champion"], "the champion")
    return Contender(manifest.signature, _joined(context, frame, test, signature, "the champion"), note)


def _joined(context: Context, frame: Any, test: Any, signature: r.Signature, who: str) -> Any:
    name = test_rows.id_column(context.config)
    return join(
        frame, test[name], id_column=name, signature=signature, threshold=context.config.model.threshold, who=who
    )


def _python_path(model_dir: Path) -> tuple[str, ...]:
    return tuple(str(path) for path in store.code_folders(model_dir))
