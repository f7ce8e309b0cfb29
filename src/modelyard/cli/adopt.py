"""``modelyard adopt``: a model made elsewhere becomes the first champion, without evidence and marked as such.

The model is bytes here: it is copied and digested, never loaded.
"""

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from modelyard.cli.flags import Command
from modelyard.cli.open import working
from modelyard.config.models import Config
from modelyard.errors import OK, ConfigError
from modelyard.models import environment, store
from modelyard.records.manifest import NO_EVIDENCE, Content
from modelyard.records.results import Signature
from modelyard.registry.base import Bundle
from modelyard.steps import rows as step_rows
from modelyard.steps.carry import command_files
from modelyard.steps.context import Context

STORED = {
    ".skops": "model.skops",
    ".joblib": "model.joblib",
    ".parquet": "predictions.parquet",
    ".csv": "predictions.csv",
}
"""What a model file is called in a version, by its suffix."""


def run(command: Command, given: Mapping[str, str], positional: list[str]) -> int:
    """Register the model and point the alias at it."""
    with working(given) as context:
        alias, champion = context.config.registry.alias, context.champion
        if champion is not None:
            raise ConfigError(
                f"{alias} points at {champion.name} already, and adopting is for a first champion only",
                do="Train or judge a challenger and promote it.",
            )
        path = Path.cwd() / positional[0]
        if not path.exists():
            raise ConfigError(f"there is no model {positional[0]}", do=f"Example: {command.example}")
        with tempfile.TemporaryDirectory(dir=context.run_dir, prefix=".adopt.") as temporary:
            version = context.registry.publish(_bundle(context, path, given.get("environment", ""), Path(temporary)))
        entry = context.registry.set_alias(
            alias,
            version.name,
            seen=None,
            actor=context.actor,
            reason=given.get("reason", ""),
            evidence=NO_EVIDENCE,
            kind="adopted",
        )
    if given.get("json") == "true":
        print(json.dumps({"verdict": "pass", "exit-code": OK, "version": version.name, "journal": entry.seq}))
    else:
        print(f"{alias} points at {version.name}, adopted without evidence; every report says so until it is replaced")
    return OK


def _bundle(context: Context, path: Path, named_environment: str, folder: Path) -> Bundle:
    config, model = context.config, folder / "model"
    adapter = _adapter(config, path)
    if path.is_dir():
        shutil.copytree(path, model, symlinks=True)
    else:
        model.mkdir()
        shutil.copyfile(path, model / STORED[path.suffix])
    model_digest, _ = store.digest(model)
    used = context.environment
    if named_environment:
        used = environment.environment_of(Path.cwd() / named_environment, used)
    (folder / "environment.txt").write_text(environment.environment_text(used), "utf-8")
    files = {f"model/{file.relative_to(model).as_posix()}": file for file in sorted(model.rglob("*")) if file.is_file()}
    files["environment.txt"] = folder / "environment.txt"
    return Bundle(
        Content(
            model=config.model.name,
            model_digest=model_digest,
            adapter=adapter,
            signature=_signature(context, adapter),
            environment_digest=environment.environment_digest(used),
            evidence=NO_EVIDENCE,
            predict_command=config.evaluate.predict.command if config.evaluate.predict else "",
        ),
        files | (command_files(context) if adapter == "command" else {}),
    )


def _adapter(config: Config, path: Path) -> Literal["sklearn", "command", "predictions"]:
    if path.is_dir():
        if config.evaluate.predict is None:
            raise ConfigError(
                f"{path.name} is a folder, and nothing says how to score with it",
                do="Name the command: evaluate: {predict: {command: …}}.",
            )
        return "command"
    if path.suffix not in STORED:
        raise ConfigError(
            f"{path.name} is no kind of model that is known here", do=f"Allowed: a folder, or {', '.join(STORED)}."
        )
    if path.suffix == ".joblib" and config.model.format != "joblib":
        raise ConfigError(
            f"{path.name} is a pickle, which can run any code when it is loaded",
            do="If you trust where it comes from, allow it: model: {format: joblib}.",
        )
    return "sklearn" if path.suffix in (".skops", ".joblib") else "predictions"


def _signature(context: Context, adapter: str) -> Signature:
    """What the model takes and gives, as today's rows and the configuration say."""
    from modelyard.training.signature import Features, command_features, find_features, find_target, signature

    rows = step_rows.load(context)
    known = rows.train if len(rows.train) else rows.test
    config = context.config
    if config.data.columns.id is None:
        known = known.drop(step_rows.ROW)
    target = find_target(known, config.data.columns.target, config.model)
    if adapter == "predictions":
        return signature(Features((), {}), target, config.model)
    find = command_features if adapter == "command" else find_features
    return signature(find(known, config.data.columns), target, config.model)
