"""A script as it is: it runs in a staged copy of the repository, and its model is taken from where it writes it."""

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelyard.config.configuration import Config
from modelyard.core import processes
from modelyard.core.errors import ConfigError, DataError, such_columns
from modelyard.core.files import disk_errors
from modelyard.models import store, user_code
from modelyard.models.adapters import ADAPTERS, Adapter, adapter_of, placed
from modelyard.models.child.score import class_key
from modelyard.models.scorer import TRIED, Scorer
from modelyard.records.results import Signature
from modelyard.training.job import Job, Made
from modelyard.training.signature import Features
from modelyard.training.staging import Stage, stage, variables

if TYPE_CHECKING:
    from modelyard.training.ways.command import Command

WHAT = "train.command"
_PREDICTIONS = ADAPTERS.get("predictions")
_STAGED = (
    "It ran in a copy in which data files hold training rows alone, and what git ignores or lies outside the folders "
    "of the configuration and of the script is missing: name under train.code what else it reads."
)


def check(config: Config, model: str) -> ConfigError | None:
    """Return what can be said of ``train.model`` before anything runs."""
    suffix, command = Path(model).suffix.lower(), str(config.train.command if config.train else "")
    if _asks_for_rows(command):
        return _check_predictions(config, model, suffix)
    if config.evaluate.predict is not None or not suffix or "*" in suffix:
        return None
    known = sorted(each for adapter in ADAPTERS if adapter.rescorable for each in adapter.stored if each)
    if suffix not in known:
        return ConfigError(
            f"nothing here scores a {suffix} file by itself",
            code="model/unknown-kind",
            hint=f"Name evaluate.predict.command, which scores it; scored without one: {', '.join(known)}, and folders "
            "of MLflow.",
        )
    if suffix in store.PICKLES and not config.may_load_pickles:
        return ConfigError(
            f"{model} is a pickle, which runs the code in it when it is loaded",
            code="input/pickle-not-allowed",
            hint=store.ALLOW,
        )
    return None


def _asks_for_rows(command: str) -> bool:
    """Return whether a command is to predict the rows to judge itself."""
    return "{rows}" in command or "{rows_csv}" in command


def _check_predictions(config: Config, model: str, suffix: str) -> ConfigError | None:
    if suffix not in _PREDICTIONS.stored:
        return ConfigError(
            f"a command that is given rows leaves predictions at train.model, and {model} is no file of those",
            code="config/predictions-file",
            hint=f"Name the file that it writes: {', '.join(sorted(_PREDICTIONS.stored))}.",
        )
    if config.data.columns.id is None or config.evaluate.predict is not None:
        why = "there is also evaluate.predict" if config.data.columns.id else "no column names the rows"
        return ConfigError(
            f"a command that is given rows predicts them by their id, but {why}",
            code="config/predictions-need-id",
            hint="Name data.columns.id, and leave out evaluate.predict.",
        )
    return None


def run(job: Job, command: "Command", model_dir: Path, scratch: Path, log: Path) -> Made:
    """Run the command in a staged copy, unless it was run with equal rows and code before, and understand its model.

    Raises:
        ConfigError: the model is of a kind that nothing here scores, or a pickle that is not allowed.
        DataError: the command failed, wrote no model, or one that cannot be scored.
        PlatformError: the disk would not take the copy.
    """
    section, at = job.train, job.at
    fit_digest = job.fit_digest(
        "script",
        command=command.template,
        metrics=section.metrics,
        model=section.model,
        scored_here=job.config.evaluate.predict is None,
        test=job.rows.test_digest if _asks_for_rows(command.template) else None,
    )
    facts = job.from_cache(fit_digest, model_dir)
    cached = facts is not None
    if facts is None:
        at.progress(0, 1, command.template)
        facts = _made_anew(job, command, model_dir, scratch, log)
        job.cache.put_model(fit_digest, model_dir, facts)
        at.progress(1, 1, command.template)
    adapter = adapter_of(facts["adapter"], "the new model")
    asks_itself = adapter.rescorable and not adapter.brings_code
    signature = _understood(job, adapter, model_dir, scratch) if asks_itself else job.signature
    return Made(
        fit_digest, adapter.name, fits=int(not cached), from_cache=int(cached), own_metrics=facts["metrics"],
        signature=signature,
    )  # fmt: skip


def _made_anew(job: Job, command: "Command", model_dir: Path, scratch: Path, log: Path) -> dict[str, Any]:
    """Run the command; its model is in ``model_dir`` then. Return its adapter and its own metrics."""
    section, at = job.train, job.at
    pattern, scored_here = str(section.model), job.config.evaluate.predict is None
    outputs = [pattern, *([section.metrics] if section.metrics else _usual_metrics(pattern))]
    data = job.rows.files()
    _tell(job, data)
    place = scratch / "tree"
    place.mkdir()
    staged = stage(at, place, data=data, outputs=outputs, named=job.config.data.sets.values())
    values = {"seed": str(section.seed), **_rows(job, command.template, scratch)}
    try:
        processes.run_command(
            command.template, values, cwd=staged.base, timeout=command.timeout,
            # What scores the model later is this interpreter; so it is the one that the script finds as python.
            environment_path=at.python.parent if scored_here else command.path_first(),
            variables=variables(processes.user_environment(), at.root, staged), log=log, what=WHAT,
        )  # fmt: skip
    except DataError as error:
        error.hint = f"{error.hint}. {_STAGED}"
        raise
    predicts = _asks_for_rows(command.template)
    adapter = _take(staged, pattern, model_dir, scored_here=scored_here, predicts=predicts)
    _refuse_pickle(job, adapter, model_dir)
    metrics = _metrics(job, staged, pattern)
    shutil.rmtree(place)
    return {"adapter": adapter.name, "metrics": metrics}


def _usual_metrics(pattern: str) -> list[str]:
    """Return where scripts leave their metrics: beside the model, or in the folder that they run in."""
    return list(dict.fromkeys(["metrics.json", (Path(pattern).parent / "metrics.json").as_posix()]))


def _metrics(job: Job, staged: Stage, pattern: str) -> dict[str, Any]:
    """Return the script's own metrics: those that the configuration names, else those of a metrics.json that it wrote.

    Raises:
        DataError: they were named and not written, or are none.
    """
    from modelyard.training.ways.command import read_metrics

    named = job.train.metrics
    found = [staged.base / each for each in ([named] if named else _usual_metrics(pattern))]
    path = next((each for each in found if each.is_file() and "*" not in each.name), None)
    if path is None and named:
        raise DataError(
            f"train.metrics: {named} was expected from the command, which did not write it",
            code="train/no-metrics",
            hint="Let the script write it in every run, or remove the key.",
        )
    try:
        return {} if path is None else dict(read_metrics(path))
    except DataError as error:
        if named:
            raise
        job.at.say(f"metrics.json of the script is not shown: {error.message}")
        return {}


def _tell(job: Job, data: Any) -> None:
    for copy in data:
        if copy.like is not None:
            job.at.say(
                f"{copy.path.name} holds training rows while the script runs, so what it measures there is of rows "
                "that it learned from"
            )


def _rows(job: Job, command: str, scratch: Path) -> dict[str, str]:
    """Write the rows to judge, without target and what is hidden from models, for a command that predicts them."""
    if not _asks_for_rows(command) or job.rows.test is None:
        return {}
    columns = [str(job.config.data.columns.id), *(each.name for each in job.signature.features)]
    rows, places = job.rows.test.select(columns), {"rows": scratch / "rows.parquet", "rows_csv": scratch / "rows.csv"}
    with disk_errors(scratch):
        rows.write_parquet(places["rows"])
        rows.write_csv(places["rows_csv"])
    return {name: str(path) for name, path in places.items()}


def _take(staged: Stage, pattern: str, model_dir: Path, *, scored_here: bool, predicts: bool) -> Adapter:
    """Copy the model that the command wrote; return its adapter.

    Raises:
        DataError: it wrote none there, several, or one of a kind that nothing here scores.
    """
    found = [path for path in sorted(staged.base.glob(pattern)) if _is_new(staged, path)]
    if len(found) != 1:
        made = staged.made()
        several = ", ".join(path.relative_to(staged.base).as_posix() for path in found[:5])
        raise DataError(
            f"train.model: {pattern} "
            + (f"matches {len(found)}: {several}" if found else "was not written by the command"),
            code="train/no-model",
            hint=f"It wrote {', '.join(made[:8]) or 'nothing'}{', …' if len(made) > 8 else ''}. Name the one file or "
            "folder that is the model.",
        )
    path = found[0].resolve()
    if predicts:
        adapter, name = _PREDICTIONS, _PREDICTIONS.stored[found[0].suffix.lower()]
    else:
        adapter, name = placed(found[0]) if scored_here else (ADAPTERS.get("command"), found[0].name)
    with disk_errors(model_dir):
        if path.is_dir():
            shutil.copytree(path, model_dir, dirs_exist_ok=True)
        else:
            shutil.copyfile(path, model_dir / name)
    store.manifest(model_dir)
    return adapter


def _is_new(staged: Stage, path: Path) -> bool:
    """Return whether the command wrote a file, rather than a link to one that was there before or is elsewhere."""
    real, root = path.resolve(), staged.root.resolve()
    return real.exists() and real.is_relative_to(root) and real.relative_to(root).as_posix() not in staged.given


def _refuse_pickle(job: Job, adapter: Adapter, model_dir: Path) -> None:
    runs_code = adapter.runs_code(model_dir)
    if runs_code and not job.config.may_load_pickles:
        raise ConfigError(
            f"the model of train.command {runs_code}",
            code="input/pickle-not-allowed",
            hint=store.ALLOW,
            place=job.at.place(("train", "model")),
        )


def _understood(job: Job, adapter: Adapter, model_dir: Path, scratch: Path) -> Signature:
    """Return which columns the model takes, take its modules along, and score some rows as evaluation will.

    Raises:
        ConfigError: nothing says which columns it takes.
        DataError: it takes columns that the rows do not have, does not load, fails, or has other classes.
    """
    name, logs = "__row__", job.at.log.parent

    def scorer(signature: Signature) -> Scorer:
        return Scorer("the new model", adapter, signature, model_dir, job.at.python, logs=logs, made_here=True)

    roots = sorted({path if path.is_dir() else path.parent for path in (*job.at.code(), job.at.base)})
    described = adapter.describe(scorer(job.signature), scratch, roots)
    user_code.copy(described.modules, roots, model_dir)
    features = _columns(job, described.columns, described.inputs).features
    signature = job.signature.model_copy(update={"features": features, "outputs": _outputs(job, described.classes)})
    rows = job.rows.frame.head(TRIED).select(each.name for each in signature.features).with_row_index(name)
    scorer(signature).try_on(rows, id_column=name, folder=scratch)
    return signature


def _outputs(job: Job, known: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the data's labels in the order of the model's classes, where the configuration names them.

    Raises:
        ConfigError: they are not the data's classes, or more or fewer than the model's.
    """
    named = job.train.classes
    label_of = {class_key(label): label for label in job.signature.classes}
    if not named:
        return ()
    if sorted(map(class_key, named)) != sorted(label_of) or (known and len(known) != len(named)):
        raise ConfigError(
            f"train.classes names {list(named)}; the data's classes are {list(label_of.values())}"
            + (f", the model's {list(known)}" if known else ""),
            code="config/other-classes",
            hint="Name each class of the target once, in the order of the model's.",
            place=job.at.place(("train", "classes")),
        )
    return tuple(label_of[class_key(label)] for label in named)


def _columns(job: Job, named: tuple[str, ...], inputs: int) -> Features:
    known = {each.name: each for each in job.signature.features}
    for each in job.signature.features:  # some libraries allow no blanks in names
        known.setdefault(re.sub(r"\s", "_", each.name), each)
    wanted = job.train.columns or named
    if not wanted:
        takes = f"takes {inputs} columns and names none" if inputs else "does not say which columns it takes"
        raise ConfigError(
            f"the model {takes}",
            code="model/columns-unknown",
            hint="Name them in the order that it was fitted on: train: {columns: ["
            + ", ".join(each.name for each in job.signature.features[:12])
            + "]}, "
            "without those that it is not given.",
            place=job.at.place(("train", "columns")),
        )
    missing = [each for each in wanted if each not in known]
    if missing:
        raise DataError(
            f"the model takes the column {missing[0]!r}, which the rows do not offer it" + such_columns(missing),
            code="model/missing-column",
            hint="Columns that a script makes must be made inside the model (a Pipeline), or by a command of yours: "
            "evaluate.predict.command. The target, the id, and what is dropped or protected are never offered.",
        )
    return Features(tuple(known[each] for each in wanted), {})
