"""Training: the configured way, from training rows to a stored model, its table of results, and its fit digest."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from modelyard.config.configuration import Config
from modelyard.config.sections.model import Maximise
from modelyard.config.sections.train import Train
from modelyard.core.canonical import digest
from modelyard.core.errors import ConfigError, Place, nearest
from modelyard.core.files import disk_errors, inside, replace_folder, self_ignoring, sha256_file
from modelyard.core.vocabulary import FoldsFollow, TrainingWay
from modelyard.data.folds import folds
from modelyard.data.units import unit_codes
from modelyard.metrics.catalogue import METRICS, PRIMARY
from modelyard.metrics.metric import Metric
from modelyard.models import store
from modelyard.records.results import Scalar, Signature, TrainResult
from modelyard.training import command as commands
from modelyard.training import entrypoint as entrypoints
from modelyard.training import preprocessing
from modelyard.training.baseline import baseline_score, fit_baseline
from modelyard.training.cache import FitCache, copy_folder
from modelyard.training.candidates import Choice, KeyPath, expand
from modelyard.training.search import Found, Progress, Rows, fit, search
from modelyard.training.signature import (
    Features,
    Target,
    command_features,
    find_features,
    find_target,
    find_weight,
    signature,
)
from modelyard.training.threshold import choose

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray


@dataclass(frozen=True)
class TrainingRows:
    """The rows to train on and what is known of them.

    Attributes:
        frame: training rows, every one with a target.
        digest: of their contents.
        test: the test rows, which only a command that names {test} is given.
        test_digest: of the test rows' contents.
        split: in words how the two were told apart.
        dropped_missing_target: rows left out for want of a target.
        suffix: the format of the source, in which a command is given its rows.
        row_number: column that numbers the rows where the configuration names no id; no model or command sees it.
    """

    frame: "pl.DataFrame"
    digest: str
    test: "pl.DataFrame | None" = None
    test_digest: str | None = None
    split: str = ""
    dropped_missing_target: int = 0
    suffix: Literal[".csv", ".parquet"] = ".parquet"
    row_number: str = ""

    def seen(self) -> "TrainingRows":
        """The same rows without their number."""
        if not self.row_number:
            return self
        test = None if self.test is None else self.test.drop(self.row_number)
        return replace(self, frame=self.frame.drop(self.row_number), test=test, row_number="")


@dataclass(frozen=True)
class Workplace:
    """Where training happens.

    Attributes:
        base: folder of the configuration, which paths in it are relative to and commands run in.
        root: the workspace, which no path may leave.
        state: ``.modelyard``: caches, environments, scratch.
        out: the model folder; written whole in the end, untouched until then.
        place: where a key of the configuration stands.
        progress: told after each fit: done, to do, what.
        say: told in a line what a person should know.
    """

    base: Path
    root: Path
    state: Path
    out: Path
    place: Callable[[KeyPath], Place] = lambda key: Place("modelyard.yml", None, ".".join(map(str, key)))
    progress: Progress = lambda _done, _total, _what: None
    say: Callable[[str], None] = lambda _: None

    def inside(self, path: str, what: str) -> Path:
        """A path of the configuration, which may not leave the workspace."""
        return inside(self.root, self.base / path, what=what)


@dataclass(frozen=True)
class Trained:
    """A stored model: the step's result, and the digest of everything that decided the fit."""

    result: TrainResult
    fit_digest: str


@dataclass(frozen=True)
class _Made:
    """What one way of training found out about its model."""

    how: TrainingWay
    fit_digest: str
    fits: int
    from_cache: int
    found: Found | None = None
    folds: int = 0
    follow: Literal[FoldsFollow, ""] = ""
    own_metrics: Mapping[str, Scalar] = field(default_factory=dict)
    threshold: float | None = None


@dataclass(frozen=True)
class _Job:
    """Everything that a way of training works with."""

    config: Config
    train: Train
    rows: TrainingRows
    at: Workplace
    inputs: Mapping[str, str]
    metric: Metric
    features: Features
    target: Target
    signature: Signature
    weight: "NDArray[Any] | None"
    cache: FitCache

    def fit_digest(self, what: str, **parts: Any) -> str:
        """Digest of what decides a fit: the caller's inputs, the rows, the columns' meaning, and ``parts``."""
        return digest(
            {
                "what": what,
                "inputs": dict(self.inputs),
                "rows": self.rows.digest,
                "columns": self.config.data.columns.model_dump(mode="json", exclude={"personal"}),
                "signature": self.signature.model_dump(mode="json"),
                "format": self.config.model.format,
                "seed": self.train.seed,
                "metric": self.metric.name,
                **parts,
            }
        )


def train(config: Config, rows: TrainingRows, *, at: Workplace, inputs: Mapping[str, str]) -> Trained:
    """Train the configured way and store the model in ``at.out``.

    Args:
        config: the configuration; it has a ``train`` section.
        rows: training rows, and test rows for commands that ask for them.
        at: where things are and who is told.
        inputs: digests of what else decides a fit: ``code``, ``packages``, ``tool`` and the like.

    Raises:
        ConfigError: an unknown metric, estimator or parameter; a path that leaves the workspace.
        DataError: rows that cannot be learned from, or training that failed; ``at.out`` is untouched then.
        PlatformError: the disk would not take it, or an environment could not be built.
        KeyboardInterrupt: Ctrl-C; finished fits stay in the cache and nothing partial is left.
    """
    section = config.train
    if section is None:
        raise ConfigError("there is nothing to train: the configuration has no train section")
    _refuse_chosen_threshold(config, section, at)
    rows = rows.seen()
    job = _job(config, section, rows, at, inputs)
    for name, why in job.features.left_out.items():
        at.say(f"column {name!r} is not used: {why}")
    with _scratch(at) as scratch:
        model_dir = scratch / "model"
        model_dir.mkdir()
        made = _way(section)(job, model_dir, scratch)
        model_digest, size = store.digest(model_dir)
        replace_folder(model_dir, at.out)
    codes, task = job.target.codes, config.model.task
    baseline = fit_baseline(codes, job.weight, task, len(job.target.classes))
    result = TrainResult(
        how=made.how,
        metric=job.metric.name,
        candidates=made.found.rows if made.found else (),
        folds=made.folds,
        folds_follow=made.follow,
        fits=made.fits,
        fits_from_cache=made.from_cache,
        train_rows=len(rows.frame),
        train_digest=rows.digest,
        test_digest=rows.test_digest,
        test_rows=0 if rows.test is None else len(rows.test),
        split=rows.split,
        dropped_missing_target=rows.dropped_missing_target,
        seed=section.seed,
        model_digest=model_digest,
        model_size=size,
        adapter="command" if made.how == "command" else "sklearn",
        signature=job.signature
        if made.threshold is None
        else job.signature.model_copy(update={"threshold": made.threshold}),
        own_metrics=dict(made.own_metrics),
        baseline=baseline,
        baseline_score=baseline_score(job.metric, codes, job.weight, baseline, task),
    )
    return Trained(result, made.fit_digest)


def _way(section: Train) -> "Callable[[_Job, Path, Path], _Made]":
    if section.command is not None:
        return _by_command
    return _by_entrypoint if section.entrypoint is not None else _by_search


def _refuse_chosen_threshold(config: Config, section: Train, at: Workplace) -> None:
    if isinstance(config.model.threshold, Maximise) and not section.candidates:
        raise ConfigError(
            "model.threshold is to be chosen on training folds, which only train.candidates has",
            hint="Write a number, or train by candidates.",
            place=at.place(("model", "threshold")),
        )


def _job(config: Config, section: Train, rows: TrainingRows, at: Workplace, inputs: Mapping[str, str]) -> _Job:
    columns = config.data.columns
    metric = primary_metric(config, at.place)
    find = command_features if section.command is not None else find_features
    features = find(rows.frame, columns)
    target = find_target(rows.frame, columns.target, config.model)
    return _Job(
        config=config,
        train=section,
        rows=rows,
        at=at,
        inputs=inputs,
        metric=metric,
        features=features,
        target=target,
        signature=signature(features, target, config.model),
        weight=find_weight(rows.frame, columns),
        cache=FitCache(at.state / "fits"),
    )


def primary_metric(config: Config, place: Callable[[KeyPath], Place]) -> Metric:
    """The metric that decides between candidates.

    Raises:
        ConfigError: unknown, or not one for the task.
    """
    task, name = config.model.task, config.model.metric
    chosen = name or PRIMARY[task]
    metric = METRICS.get(chosen) if chosen in METRICS else None
    if metric is None or task not in metric.tasks:
        fitting = [known.name for known in METRICS if task in known.tasks]
        raise ConfigError(
            f"{name!r} is no metric for a {task} task. {nearest(str(name), fitting)}".rstrip(),
            hint=f"Allowed: {', '.join(fitting)}.",
            place=place(("model", "metric")),
        )
    return metric


@contextmanager
def _scratch(at: Workplace) -> Iterator[Path]:
    """A folder that is gone in the end, on the disk of the model folder so that a rename can finish the work."""
    self_ignoring(at.state)
    with disk_errors(at.out):
        at.out.parent.mkdir(parents=True, exist_ok=True)
        for left in at.out.parent.glob(".training-*"):  # of a run that was killed; whoever trains holds the run folder
            shutil.rmtree(left, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(dir=at.out.parent, prefix=".training-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _by_search(job: _Job, model_dir: Path, scratch: Path) -> _Made:
    from modelyard.models.child import score as score_child

    section, columns, at = job.train, job.config.data.columns, job.at
    choices = expand(
        section.candidates,
        task=job.config.model.task,
        seed=section.seed,
        class_weight=section.class_weight,
        weighted=job.weight is not None,
        probabilities_for=job.metric.name if job.metric.needs == "probability" else "",
        place=at.place,
    )
    features = job.signature.features
    rows = Rows(
        frame=score_child.features(job.rows.frame, [(feature.name, feature.kind) for feature in features]),
        features=features,
        labels=job.target.labels,
        codes=job.target.codes,
        classes=job.target.classes,
        weight=job.weight,
    )
    made, follow = folds(
        job.rows.frame, columns, section.search.folds, section.seed, job.config.model.task != "regression"
    )
    digests = [_candidate_digest(job, choice) for choice in choices]
    found = search(
        choices,
        digests,
        rows,
        made,
        metric=job.metric,
        threshold=job.signature.threshold or 0.5,
        jobs=section.jobs,
        cache=job.cache,
        scratch=scratch,
        progress=at.progress,
    )
    refit = job.fit_digest("refit", candidate=digests[found.winner])
    known = job.cache.model(refit)
    if known is not None:
        copy_folder(known[0], model_dir)
    else:
        at.say(f"fitting the winner on all {len(rows.codes):,} training rows: {choices[found.winner].name}")
        store.save_sklearn(fit(choices[found.winner], rows), model_dir, format=job.config.model.format)
        job.cache.put_model(refit, model_dir)
    here = int(known is None)
    threshold = _threshold(job, choices[found.winner], digests[found.winner], rows, made)
    return _Made(
        "candidates",
        digest({"what": "search", "candidates": digests, "refit": refit}),
        found.fits + here,
        found.fits_from_cache + 1 - here,
        found,
        len(made),
        follow,
        threshold=threshold,
    )


def _threshold(job: _Job, winner: Choice, fitted: str, rows: Rows, made: "Sequence[Any]") -> float | None:
    """The chosen threshold, where one is to be chosen; it is kept with the fits."""
    asked = job.config.model.threshold
    if not isinstance(asked, Maximise):
        return None
    costs = _costs(job) if asked.maximise == "cost" else {}
    name = digest({"what": "threshold", "of": fitted, "goal": asked.maximise,
                   "costs": [[*cell, cost] for cell, cost in sorted(costs.items())]})  # fmt: skip
    known = job.cache.scores(name)
    if known is not None:
        return known.scores[0]
    job.at.say(f"choosing the threshold that is best for {asked.maximise} on {len(made)} folds")
    started = time.perf_counter()
    found = choose(winner, rows, made, asked.maximise, costs)
    job.cache.put_scores(name, [found], round(time.perf_counter() - started, 3))
    return found


def _costs(job: _Job) -> dict[tuple[int, int], float]:
    """The costs of the one metric that has some, by codes."""
    named = [own for own in job.config.evaluate.metrics.values() if own.costs]
    if len(named) != 1:
        raise ConfigError(
            f"model.threshold maximises cost, and {len(named) or 'no'} metrics under evaluate.metrics have costs",
            hint="Name one: evaluate.metrics: {cost: {costs: [{actual: …, predicted: …, cost: …}]}}.",
            place=job.at.place(("model", "threshold")),
        )
    codes = {label: code for code, label in enumerate(job.target.classes)}
    for mistake in named[0].costs:
        for label in (mistake.actual, mistake.predicted):
            if label not in codes:
                raise ConfigError(
                    f"costs name the class {label!r}, which does not occur",
                    hint=f"Classes: {', '.join(map(str, codes))}.",
                    place=job.at.place(("evaluate", "metrics")),
                )
    return {(codes[each.actual], codes[each.predicted]): each.cost for each in named[0].costs}


def _candidate_digest(job: _Job, choice: Choice) -> str:
    return job.fit_digest(
        "folds",
        estimator=choice.estimator,
        settings={name: repr(value) for name, value in choice.settings.items()},
        weigh_classes=choice.weigh_classes,
        folds=job.train.search.folds,
        preprocessing=preprocessing.VERSION,
    )


def _by_entrypoint(job: _Job, model_dir: Path, scratch: Path) -> _Made:
    import polars as pl

    section, at, columns = job.train, job.at, job.config.data.columns
    folders = tuple(at.inside(folder, "train.python-path") for folder in section.python_path or (".",))
    entry = entrypoints.Entrypoint(
        name=str(section.entrypoint),
        python_path=folders,
        parameters=section.parameters,
        seed=section.seed,
        timeout=section.timeout,
        format=job.config.model.format,
        needs_probability=job.metric.name if job.metric.needs == "probability" else "",
    )
    own = job.fit_digest(
        "entrypoint", entrypoint=entry.name, parameters={name: repr(value) for name, value in entry.parameters.items()}
    )
    if _from_cache(job, own, model_dir) is not None:
        return _Made("entrypoint", own, 0, 1)
    frame = job.rows.frame
    roles = {"target": pl.Series(job.target.labels), "weight": job.weight, "unit": unit_codes(frame, columns)[0]}
    told = pl.DataFrame({name: part for name, part in roles.items() if part is not None})
    if columns.group is not None:
        told = told.with_columns(frame[columns.group].alias("group"))
    at.progress(0, 1, entry.name)
    entrypoints.run(
        entry,
        frame.select(feature.name for feature in job.signature.features),
        told,
        job.signature,
        cwd=at.base,
        model_dir=model_dir,
        scratch=scratch,
        log=at.state / "logs" / "train.log",
    )
    job.cache.put_model(own, model_dir)
    at.progress(1, 1, entry.name)
    return _Made("entrypoint", own, 1, 0)


def _by_command(job: _Job, model_dir: Path, scratch: Path) -> _Made:
    section, at, columns = job.train, job.at, job.config.data.columns
    lock = None if section.environment is None else at.inside(section.environment, "train.environment")
    command = commands.Command(
        template=str(section.command),
        seed=section.seed,
        timeout=section.timeout,
        cwd=at.base,
        root=at.root,
        metrics=section.metrics,
        lock=lock,
        environments=at.state / "envs",
    )
    sees_test = "{test}" in command.template
    own = job.fit_digest(
        "command",
        command=command.template,
        metrics=command.metrics,
        lock=sha256_file(lock) if lock is not None and lock.is_file() else None,
        test=job.rows.test_digest if sees_test else None,
        suffix=job.rows.suffix,
    )
    facts = _from_cache(job, own, model_dir)
    if facts is not None:
        return _Made("command", own, 0, 1, own_metrics=facts)
    kept_from_it = {*columns.protected, *columns.drop}
    test = job.rows.test
    at.progress(0, 1, command.template)
    facts = commands.run(
        command,
        job.rows.frame.drop(kept_from_it, strict=False),
        None if test is None else test.drop(kept_from_it, strict=False),
        suffix=job.rows.suffix,
        model_dir=model_dir,
        scratch=scratch,
        log=at.state / "logs" / "train.log",
    )
    job.cache.put_model(own, model_dir, facts)
    at.progress(1, 1, command.template)
    return _Made("command", own, 1, 0, own_metrics=facts)


def _from_cache(job: _Job, own: str, model_dir: Path) -> Mapping[str, Any] | None:
    known = job.cache.model(own)
    if known is None:
        return None
    copy_folder(known[0], model_dir)
    return known[1]
