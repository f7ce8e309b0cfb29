"""Training: the configured way, from training rows to a stored model, its table of results, and its fit digest."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from modelyard.config.configuration import Config
from modelyard.core.errors import ConfigError, nearest
from modelyard.core.files import disk_errors, replace_folder, self_ignoring
from modelyard.metrics.catalogue import METRICS, PRIMARY
from modelyard.metrics.metric import Metric
from modelyard.models import store
from modelyard.records.results import TrainResult
from modelyard.training.baseline import baseline_score, fit_baseline
from modelyard.training.cache import FitCache
from modelyard.training.candidates import PlaceOf
from modelyard.training.job import Job, Made, TrainingRows, Workplace
from modelyard.training.signature import find_target, find_weight, signature
from modelyard.training.way import Way
from modelyard.training.ways import way_of


@dataclass(frozen=True)
class Trained:
    """A stored model: the step's result, and the digest of everything that decided the fit."""

    result: TrainResult
    fit_digest: str


def train(config: Config, rows: TrainingRows, *, at: Workplace, inputs: Mapping[str, str]) -> Trained:
    """Train the configured way and store the model in ``at.out``.

    Args:
        config: The configuration; without a ``train`` section, ready-made predictions are taken over.
        rows: Training rows, and test rows for commands that ask for them.
        at: Where things are and who is told.
        inputs: Digests of what else decides a fit: ``code``, ``packages``, ``tool`` and the like.

    Raises:
        ConfigError: An unknown metric, estimator or parameter; a path that leaves the workspace.
        DataError: Rows that cannot be learned from, or training that failed; ``at.out`` is untouched then.
        PlatformError: The disk would not take it, or an environment could not be built.
        KeyboardInterrupt: Ctrl-C; finished fits stay in the cache and nothing partial is left.
    """
    way = way_of(config)
    way.check(config, at.place)
    job = job_of(config, way, rows.seen(), at, inputs)
    with _scratch(at) as scratch:
        model_dir = scratch / "model"
        model_dir.mkdir()
        made = way.run(job, model_dir, scratch)
        model_digest, size = store.digest(model_dir)
        replace_folder(model_dir, at.out)
    return Trained(_result(job, way, made, model_digest, size), made.fit_digest)


def job_of(config: Config, way: Way, rows: TrainingRows, at: Workplace, inputs: Mapping[str, str]) -> Job:
    """Return everything that a way of training works with.

    Raises:
        ConfigError: An unknown metric.
        DataError: No columns to learn from, or a target that is none.
    """
    columns = config.data.columns
    metric = primary_metric(config, at.place)
    features = way.features(rows.known, columns)
    for name, why in features.left_out.items():
        at.say(f"column {name!r} is not used: {why}")
    for text in [feature.name for feature in features.features if feature.kind == "text"]:
        at.say(f"column {text!r} is free text, of which models get tf-idf of its most frequent words")
    target = find_target(rows.known, columns.target, config.model, personal=columns.target in columns.personal)
    return Job(
        config=config,
        rows=rows,
        at=at,
        inputs=inputs,
        metric=metric,
        target=target,
        signature=signature(features, target, config.model),
        weight=find_weight(rows.frame, columns) if len(rows.frame) else None,
        cache=FitCache(at.state / "fits"),
    )


def _result(job: Job, way: Way, made: Made, model_digest: str, size: int) -> TrainResult:
    rows, codes, task = job.rows, job.target.codes, job.config.model.task
    baseline = fit_baseline(codes, job.weight, task, len(job.target.classes)) if len(rows.frame) else {}
    threshold = {} if made.threshold is None else {"threshold": made.threshold}
    return TrainResult(
        how=way.name,
        metric=job.metric.name,
        candidates=made.candidates,
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
        seed=job.train.seed if way.trains else 0,
        model_digest=model_digest,
        model_size=size,
        adapter=made.adapter,
        signature=(made.signature or job.signature).model_copy(update=threshold),
        own_metrics=dict(made.own_metrics),
        baseline=baseline,
        baseline_score=baseline_score(job.metric, codes, job.weight, baseline, task) if way.trains else None,
    )


def primary_metric(config: Config, place: PlaceOf) -> Metric:
    """Return the metric that decides between candidates.

    Raises:
        ConfigError: unknown, or not one for the task.
    """
    task, name = config.model.task, config.model.metric
    chosen = name or PRIMARY[task]
    metric = METRICS.get(chosen) if chosen in METRICS else None
    if metric is None or task not in metric.tasks:
        fitting = [known.name for known in METRICS if task in known.tasks]
        raise ConfigError(
            f"unknown metric {name!r} for a {task} task. {nearest(str(name), fitting)}".rstrip(),
            code="config/unknown-metric",
            hint=f"Allowed: {', '.join(fitting)}.",
            place=place(("model", "metric")),
        )
    return metric


@contextmanager
def _scratch(at: Workplace) -> Iterator[Path]:
    """Yield a folder that is gone in the end, on the disk of the model folder so that a rename can finish the work."""
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
