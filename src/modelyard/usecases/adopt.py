"""Adopt a model made elsewhere as the first champion, without evidence and marked as such.

The model is bytes in this process; one of its own, in the model's packages, loads it and scores some of today's rows
before anything is published, so that no alias points at a model that cannot be judged.
"""

import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from modelyard.config.configuration import Config
from modelyard.core.errors import ConfigError, DataError, ModelyardError, such_columns
from modelyard.models import environment, store, user_code
from modelyard.models.adapters import ADAPTERS, Adapter
from modelyard.models.child.score import class_key
from modelyard.models.environment import Environment
from modelyard.models.scorer import COMMAND_LOCK, TRIED, Scorer
from modelyard.records.manifest import NO_EVIDENCE, Content
from modelyard.records.results import Signature
from modelyard.registry.journal import JournalEntry
from modelyard.registry.mlflow.models import is_reference
from modelyard.registry.protocol import Bundle, Version
from modelyard.steps import rows as step_rows
from modelyard.steps.bundle import command_files, command_lock
from modelyard.steps.context import CheckedOut
from modelyard.steps.evaluate.contenders import cannot_score, reference_of
from modelyard.steps.outside_code import command_of_version
from modelyard.steps.scoring import workbench


@dataclass(frozen=True)
class Adoption:
    """A version that was adopted, and the journal entry that says so."""

    version: Version
    entry: JournalEntry


@dataclass(frozen=True)
class Given:
    """What the person who adopts says of the model.

    Attributes:
        environment: file of ``name==version`` lines that it needs; by default what is installed.
        columns: its columns in its order; by default those that it names itself, else all that today's rows offer.
        python_path: folders of modules that it needs; what it imports from them goes into the version.
        replace: it takes the place of a champion that cannot be scored any more.
        reason: why, for the history.
    """

    environment: str = ""
    columns: tuple[str, ...] = ()
    python_path: tuple[str, ...] = ()
    replace: bool = False
    reason: str = ""


def adopt(context: CheckedOut, named: str, given: Given) -> Adoption:
    """Publish a model that was made elsewhere, and point the alias at it.

    Args:
        context: of a command that writes; it holds the run folder.
        named: path of a model, a prediction file or a folder; or a reference to a model in MLflow.
        given: what the person who adopts says of it.

    Raises:
        ConfigError: a version with evidence serves already, or the model cannot be taken as it is.
        DataError: the model needs columns that today's rows do not offer, or cannot score them.
        PlatformError: the registry would not take it, or the model's environment cannot be built.
    """
    alias, champion = context.config.registry.alias, context.versions.find_champion()
    if champion is not None:
        _refuse_to_replace(context, champion, given)
    with tempfile.TemporaryDirectory(dir=context.run_dir, prefix=".adopt.") as temporary:
        folder, source = Path(temporary), ""
        if is_reference(named):
            adopted, source = _from_mlflow(context, named, given, folder)
        else:
            adopted = _from_disk(context, named, given, folder)
        bundle = _bundle(context, adopted, folder)
        _prove(context, bundle, folder)
        version = context.versions.open().publish(bundle)
    if champion is not None and champion.name == version.name:
        raise ConfigError(
            f"{alias} points at {champion.name} already, which is this very model",
            code="registry/champion-exists",
            hint="There is nothing to do.",
        )
    entry = context.versions.open().set_alias(
        alias,
        version.name,
        seen=None if champion is None else champion.name,
        actor=context.actor,
        reason=given.reason or source,
        evidence=NO_EVIDENCE,
        kind="adopted",
    )
    return Adoption(version, entry)


def _refuse_to_replace(context: CheckedOut, champion: Version, given: Given) -> None:
    """Refuse to put a model without evidence into the place of one that was promoted and can be judged.

    Raises:
        ConfigError: the champion was promoted, and nobody asked to replace it, or it can be scored.
    """
    alias = context.config.registry.alias
    if champion.manifest.evidence == NO_EVIDENCE:
        return
    if not given.replace or not given.reason:
        raise ConfigError(
            f"{alias} points at {champion.name}, which was promoted on evidence",
            code="registry/champion-exists",
            hint="Train or judge a challenger and promote it. A champion that cannot be scored any more is replaced "
            "with --replace and --reason.",
        )
    rows = step_rows.load(context)
    some = (rows.test if len(rows.test) else rows.train).head(TRIED)
    with tempfile.TemporaryDirectory(dir=context.run_dir, prefix=".champion.") as temporary:
        try:  # as the step evaluate does
            reference_of(context, "champion", champion, some, Path(temporary), _signature(context, None))
        except ModelyardError as error:
            if cannot_score(error):
                return
            raise
    raise ConfigError(
        f"{champion.name} scores today's rows, so a model without evidence cannot take its place",
        code="registry/champion-works",
        hint="Judge the other model against it: evaluate: {challenger: …}, or roll back to an earlier version.",
    )


def _prove(context: CheckedOut, bundle: Bundle, folder: Path) -> None:
    """Score some of today's rows with the version as it will be published.

    Raises:
        DataError: it does not load, fails, has other classes, or gives no numbers.
    """
    home = folder / "version"
    for name, source in bundle.files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, home / name)
    _score_some(context, bundle.content, home, "the model")


def _score_some(context: CheckedOut, content: Content, home: Path, who: str) -> None:
    scorer = Scorer.of_version(content, home, workbench(context), who=who)
    if scorer.adapter.rescorable:
        rows = step_rows.load(context)
        with tempfile.TemporaryDirectory(dir=context.run_dir, prefix=".tried.") as scratch:
            scorer.try_on(rows.train if len(rows.train) else rows.test, id_column=rows.id, folder=Path(scratch))


@dataclass(frozen=True)
class _Adopted:
    """A model in a folder, and what is known of it."""

    adapter: Adapter
    signature: Signature
    environment: Environment
    lock: Path | None = None
    """Requirements that a command is scored in."""


def _from_disk(context: CheckedOut, named: str, given: Given, folder: Path) -> _Adopted:
    path, model = Path.cwd() / named, folder / "model"
    if not path.exists():
        raise ConfigError(
            f"there is no model {named}",
            code="model/not-found",
            hint="Example: modelyard adopt model.joblib --environment requirements.lock",
        )
    adapter = _adapter(context.config, path)
    if path.is_dir():
        shutil.copytree(path, model, symlinks=True)
    else:
        model.mkdir()
        shutil.copyfile(path, model / adapter.stored[path.suffix])
    lock = Path.cwd() / given.environment if given.environment else command_lock(context)
    used = _environment(context, given.environment)
    return _Adopted(adapter, _asked(context, adapter, used, given, model), used, lock)


def _asked(context: CheckedOut, adapter: Adapter, used: Environment, given: Given, model: Path) -> Signature:
    """Return what a model takes and gives, by what the person and the model itself say; take its modules along.

    Raises:
        ConfigError: nothing says which of today's columns it takes.
        DataError: it does not load.
    """
    signature = _signature(context, adapter, given.columns)
    if not adapter.needs_environment:
        return signature
    bench, roots = workbench(context), [(Path.cwd() / folder).resolve() for folder in given.python_path]
    python = bench.python_for(used)
    scorer = Scorer("the model", adapter, signature, model, python, logs=bench.logs)
    with tempfile.TemporaryDirectory(dir=context.run_dir, prefix=".asked.") as scratch:
        described = adapter.describe(scorer, Path(scratch), roots)
    user_code.copy(described.modules, roots, model)
    if not given.columns:
        if described.columns:
            signature = _signature(context, adapter, described.columns)
        elif described.inputs not in (0, len(signature.features)):
            raise ConfigError(
                f"the model takes {described.inputs} columns and names none, and today's rows offer "
                f"{len(signature.features)}",
                code="model/columns-unknown",
                hint="Name them in the order that it was fitted on: --columns age,income",
            )
        else:
            order = ", ".join(feature.name for feature in signature.features)
            context.console.say(f"  the model names no columns; it is given, in this order: {order} (else: --columns)")
    wanted = {class_key(label) for label in signature.classes}
    more = signature.task == "multiclass" and wanted < {class_key(label) for label in described.classes}
    return signature.model_copy(update={"classes": described.classes}) if more else signature


def _from_mlflow(context: CheckedOut, reference: str, given: Given, folder: Path) -> tuple[_Adopted, str]:
    """Fetch a model that was logged in MLflow; return it, and where it comes from."""
    from modelyard.registry.mlflow.models import describe, fetch_logged
    from modelyard.registry.mlflow.server import Server, server_address

    config, downloaded = context.config, folder / "downloaded"
    server = Server(server_address(config.registry.uri or "", context.environ))
    source = fetch_logged(server, reference, downloaded)
    try:
        logged = describe(downloaded)
    except DataError as error:
        raise DataError(
            f"{reference} cannot be adopted: {error.message}", code="model/not-adoptable", hint=error.hint
        ) from error
    adapter = ADAPTERS.get(logged.adapter)
    runs_code = adapter.runs_code(logged.folder)
    if runs_code and not config.may_load_pickles:
        raise ConfigError(f"{reference} {runs_code}", code="input/pickle-not-allowed", hint=store.ALLOW)
    pins = logged.requirements
    if given.environment or pins is None:
        used = _environment(context, given.environment)
    else:
        used = _completed(environment.environment_of(pins, context.read_environment()), adapter, context)
    logged.folder.rename(folder / "model")
    signature = logged.signature or _signature(context, adapter, given.columns or logged.columns)
    return _Adopted(adapter, signature, used), f"{source} of the MLflow server at {server.address}"


def _environment(context: CheckedOut, named: str) -> Environment:
    return (
        environment.environment_of(Path.cwd() / named, context.read_environment())
        if named
        else context.read_environment()
    )


def _completed(used: Environment, adapter: Adapter, context: CheckedOut) -> Environment:
    """Return an MLflow model's own pins, and what scoring needs beside them: Parquet, pandas, MLflow's client."""
    packages, here = dict(used.packages), dict(context.read_environment().packages)
    for name in ("polars", "pandas", "numpy"):
        packages.setdefault(name, here[name])
    packages |= adapter.more_packages(packages)
    return replace(used, packages=tuple(sorted(packages.items())))


def _bundle(context: CheckedOut, adopted: _Adopted, folder: Path) -> Bundle:
    config, model = context.config, folder / "model"
    model_digest, _ = store.digest(model)
    (folder / "environment.txt").write_text(environment.environment_text(adopted.environment), "utf-8")
    files = {f"model/{file.relative_to(model).as_posix()}": file for file in sorted(model.rglob("*")) if file.is_file()}
    files["environment.txt"] = folder / "environment.txt"
    return Bundle(
        Content(
            model=config.model.name,
            model_digest=model_digest,
            adapter=adopted.adapter.name,
            signature=adopted.signature,
            environment_digest=environment.environment_digest(adopted.environment),
            evidence=NO_EVIDENCE,
            predict_command=command_of_version(config.evaluate.predict.command) if config.evaluate.predict else "",
        ),
        files | (_command_files(context, adopted.lock) if adopted.adapter.brings_code else {}),
    )


def _command_files(context: CheckedOut, lock: Path | None) -> dict[str, Path]:
    return command_files(context) | ({COMMAND_LOCK: lock} if lock is not None and lock.is_file() else {})


def _adapter(config: Config, path: Path) -> Adapter:
    by_suffix = {suffix: adapter for adapter in ADAPTERS for suffix in adapter.stored}
    if path.is_dir():
        if config.evaluate.predict is None:
            raise ConfigError(
                f"{path.name} is a folder, and nothing says how to score with it",
                code="config/missing-predict-command",
                hint="Name the command: evaluate: {predict: {command: …}}.",
            )
        return by_suffix[""]
    suffixes = [suffix for suffix in by_suffix if suffix]
    if path.suffix not in suffixes:
        raise ConfigError(
            f"unknown kind of model: {path.name}",
            code="model/unknown-kind",
            hint=f"Allowed: a folder, or {', '.join(suffixes)}.",
        )
    if path.suffix in store.PICKLES and not config.may_load_pickles:
        raise ConfigError(
            f"{path.name} is a pickle, which can run any code when it is loaded",
            code="input/pickle-not-allowed",
            hint="If you trust where it comes from, allow it: model: {format: joblib}.",
        )
    return by_suffix[path.suffix]


def _signature(context: CheckedOut, adapter: Adapter | None, columns: tuple[str, ...] = ()) -> Signature:
    """Return what the model takes and gives, by today's rows and configuration.

    Args:
        context: what says so.
        adapter: the kind of model; without one, no columns are looked for.
        columns: all that it takes.
    """
    from modelyard.training.signature import Features, command_features, find_features, find_target, signature

    rows = step_rows.load(context)
    known = rows.train if len(rows.train) else rows.test
    config = context.config
    if config.data.columns.id is None:
        known = known.drop(rows.id)
    columns_of = config.data.columns
    target = find_target(known, columns_of.target, config.model, personal=columns_of.target in columns_of.personal)
    if adapter is None or not adapter.rescorable:
        return signature(Features((), {}), target, config.model)
    find = command_features if adapter.takes_every_column or columns else find_features
    features = find(known, config.data.columns)
    if columns:
        by_name = {feature.name: feature for feature in features.features}
        missing = [name for name in columns if name not in by_name]
        if missing:
            raise DataError(
                f"the model's signature needs the column {missing[0]!r}, which today's rows do not offer"
                + such_columns(missing),
                code="data/missing-column",
                hint="The target, the id, and what is dropped or protected are never offered to a model.",
            )
        features = Features(tuple(by_name[name] for name in columns), {})
    return signature(features, target, config.model)
