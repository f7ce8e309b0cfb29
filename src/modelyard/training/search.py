"""Grid search by cross-validation: every (candidate, folds) is fitted once and remembered by its fit digest.

Fits run in a pool of processes over candidates × folds, each with its share of the cores' threads: an oversubscribed
OpenMP pool can slow histogram gradient boosting down fifty-fold.
"""

import math
import signal
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelyard.core import platforms, processes
from modelyard.core.errors import DataError
from modelyard.core.files import disk_errors
from modelyard.metrics.catalogue import METRICS
from modelyard.metrics.metric import Metric
from modelyard.records.results import CandidateRow, Feature
from modelyard.training.cache import FitCache
from modelyard.training.candidates import Choice
from modelyard.training.families import family_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelyard.training.signature import Label

Progress = Callable[[int, int, str], None]
"""Called with fits done, fits to do, and what was done last."""


@dataclass(frozen=True)
class Rows:
    """The training rows as estimators take them.

    Attributes:
        frame: pandas features, (n, columns), as ``models.child.score.features`` makes them.
        features: their names and kinds.
        labels: (n,) truth in the user's labels.
        codes: (n,) truth as class codes, or values.
        classes: the labels in the order of their codes.
        weight: (n,) row weights, or None.
    """

    frame: Any
    features: tuple[Feature, ...]
    labels: "NDArray[Any]"
    codes: "NDArray[Any]"
    classes: "tuple[Label, ...]"
    weight: "NDArray[Any] | None"


@dataclass(frozen=True)
class Found:
    """What a search found: a row a candidate, in their order, and the index of the winner."""

    rows: tuple[CandidateRow, ...]
    winner: int
    fits: int
    fits_from_cache: int


@dataclass
class _Folds:
    """The folds of one candidate as they come in."""

    scores: dict[int, float] = field(default_factory=dict)
    seconds: float = 0.0
    done: int = 0
    problem: str = ""


@dataclass(frozen=True)
class _Task:
    candidate: int
    fold: int
    choice: Choice


def search(
    choices: Sequence[Choice],
    digests: Sequence[str],
    rows: Rows,
    folds: "Sequence[tuple[NDArray[Any], NDArray[Any]]]",
    *,
    metric: Metric,
    threshold: float,
    jobs: int,
    cache: FitCache,
    scratch: Path,
    log: Path,
    progress: Progress,
) -> Found:
    """Score every candidate on every fold and pick the best mean; ties go to the one written first.

    Args:
        choices: the candidates.
        digests: the fit digest of each candidate's folds.
        rows: all training rows.
        folds: row numbers to fit on and to score on, per fold.
        metric: what decides, in its natural unit and direction.
        threshold: probability from which a binary label is positive.
        jobs: processes; −1 is one a core.
        cache: fits made before; each candidate is added once all of its folds are done.
        scratch: folder for the rows that the pool shares; emptied in the end.
        log: where what estimators raise goes in full; it may hold values of rows.
        progress: told after each fit.

    Raises:
        DataError: every candidate failed, or a process of the pool died.
        KeyboardInterrupt: Ctrl-C; the pool is killed, and finished candidates stay in the cache.
    """
    known = [cache.scores(digest) for digest in digests]
    known = [found if found and len(found.scores) == len(folds) else None for found in known]
    open_ = {index: _Folds() for index, found in enumerate(known) if found is None}
    tasks = [_Task(index, fold, choices[index]) for index in open_ for fold in range(len(folds))]
    outcomes = _run(tasks, rows, folds, metric.name, threshold, jobs, scratch)
    log.unlink(missing_ok=True)
    for done, (task, (found, seconds, problem, raised)) in enumerate(outcomes, 1):
        folded = open_[task.candidate]
        folded.done += 1
        folded.seconds += seconds
        if problem:
            note(log, f"{task.choice.name}, fold {task.fold + 1}: {problem}\n{raised}\n")
            folded.problem = folded.problem or f"fold {task.fold + 1}: {problem}"
        else:
            folded.scores[task.fold] = found
        if folded.done == len(folds) and not folded.problem:
            scores = [folded.scores[fold] for fold in range(len(folds))]
            cache.put_scores(digests[task.candidate], scores, round(folded.seconds, 3))
        progress(done, len(tasks), task.choice.name)
    ratio = sum(len(scored) / len(trained) for trained, scored in folds) / len(folds)
    made = [_row(choice, known[index], open_.get(index), len(folds), ratio) for index, choice in enumerate(choices)]
    winner = _winner(made, metric, log)
    made[winner] = made[winner].model_copy(update={"winner": True})
    return Found(tuple(made), winner, len(tasks), sum(len(found.scores) for found in known if found))


def _row(choice: Choice, known: Any, folded: _Folds | None, folds: int, ratio: float) -> CandidateRow:
    from modelyard.stats.means import resampled_error

    params = dict(choice.params)
    if folded is None:
        scores, seconds, problem = known.scores, known.seconds, ""
    else:
        scores = tuple(folded.scores[fold] for fold in sorted(folded.scores))
        seconds, problem = round(folded.seconds, 3), folded.problem
    return CandidateRow(
        name=choice.name,
        params=params,
        score=None if problem else sum(scores) / len(scores),
        scores=scores,
        error=None if problem else resampled_error(scores, ratio),
        seconds=seconds,
        fits=0 if folded is None else folds,
        cached=folded is None,
        problem=problem,
    )


def note(log: Path, text: str) -> None:
    """Add to the log what an estimator raised, which may hold values of rows."""
    with disk_errors(log):
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as stream:
            stream.write(text)


def _winner(rows: Sequence[CandidateRow], metric: Metric, log: Path) -> int:
    sign = 1.0 if metric.higher_is_better else -1.0
    best, at = -math.inf, -1
    for index, row in enumerate(rows):
        if row.score is not None and sign * row.score > best:
            best, at = sign * row.score, index
    if at < 0:
        raise DataError(
            f"every candidate failed; the first, {rows[0].name}: {rows[0].problem}",
            code="train/every-candidate-failed",
            hint=f"Fix the data or the candidates. All that they raised: {log}",
        )
    return at


def fit(choice: Choice, rows: Rows, at: "NDArray[Any] | None" = None) -> Any:
    """Fit a candidate's pipeline on some rows, or all."""
    frame, labels, weight, codes = rows.frame, rows.labels, rows.weight, rows.codes
    if at is not None:
        frame, labels, codes = frame.iloc[at], labels[at], codes[at]
        weight = None if weight is None else weight[at]
    if choice.weigh_classes:
        import numpy as np

        share = np.bincount(codes, minlength=len(rows.classes))
        balanced = len(codes) / (np.count_nonzero(share) * np.maximum(share, 1))
        weight = balanced[codes] if weight is None else weight * balanced[codes]
    family = family_of(choice.estimator)
    made = family.pipeline(choice.build(), rows.features) if choice.prepared else family.unprepared(choice.build())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a fit warns of, such as convergence, shows in its score
        return made.fit(frame, labels, **({} if weight is None else {"model__sample_weight": weight}))


def score(model: Any, rows: Rows, at: "NDArray[Any]", metric: Metric, threshold: float) -> float | None:
    """Return a fitted model's metric on some rows; None where it is undefined there."""
    weight = None if rows.weight is None else rows.weight[at]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        predictions = predict(model, rows.frame.iloc[at], rows.classes, threshold)
    return metric.value(rows.codes[at], predictions, weight)


def predict(model: Any, frame: Any, classes: "tuple[Label, ...]", threshold: float) -> Any:
    """Return a fitted model's ``Predictions`` of a frame of features; ``classes`` are empty for a regression."""
    import numpy as np

    from modelyard.metrics.predictions import Predictions

    if not classes:
        return Predictions(value=np.asarray(model.predict(frame), dtype=np.float64).reshape(len(frame)))
    code = {label: number for number, label in enumerate(classes)}
    if not hasattr(model, "predict_proba"):
        labels = [code[label] for label in np.asarray(model.predict(frame)).tolist()]
        return Predictions(len(classes), label=np.asarray(labels, dtype=np.int64))
    given = np.asarray(model.predict_proba(frame), dtype=np.float64)
    probability = np.zeros((len(frame), len(classes)))
    for column, label in enumerate(model.classes_.tolist()):  # a fold may have lacked a class
        probability[:, code[label]] = given[:, column]
    if not np.isfinite(probability).all():
        raise _NotANumberError
    if len(classes) == 2:
        positive = probability[:, 1]
        return Predictions(2, label=(positive >= threshold).astype(np.int64), probability=positive)
    return Predictions(len(classes), label=probability.argmax(axis=1), probability=probability)


class _NotANumberError(Exception):
    """A model predicts NaN."""


_Outcome = tuple[float, float, str, str]
"""Score, seconds, problem, and what was raised in full, which may hold values of rows."""


def _run(
    tasks: Sequence[_Task], rows: Rows, folds: Any, metric: str, threshold: float, jobs: int, scratch: Path
) -> Iterator[tuple[_Task, _Outcome]]:
    """Outcomes of all tasks as they come in; one process's worth runs here, more in a pool."""
    import joblib

    workers = min(joblib.cpu_count() if jobs == -1 else max(jobs, 1), len(tasks))
    if workers <= 1:
        for task in tasks:
            yield task, _fit_fold(task, rows, folds[task.fold], metric, threshold)
        return
    with _pool(workers), _shared((rows, folds), scratch) as shared:
        pool = joblib.Parallel(return_as="generator_unordered")
        work = (joblib.delayed(_in_pool)(shared, number, task, metric, threshold) for number, task in enumerate(tasks))
        with ExitStack() as stack:
            with platforms.hold_ctrl_c():
                outcomes = stack.enter_context(closing(pool(work)))
            for number, outcome in outcomes:
                yield tasks[number], outcome


@contextmanager
def _pool(workers: int) -> Iterator[None]:
    from multiprocessing import resource_tracker

    import joblib
    from joblib.externals.loky import get_reusable_executor
    from joblib.externals.loky.backend import resource_tracker as pools_tracker
    from joblib.externals.loky.process_executor import BrokenProcessPool

    threads = max(1, joblib.cpu_count() // workers)
    try:
        with processes.as_own_environment():
            # Their start unblocks Ctrl-C, so it comes before that of the workers, during which Ctrl-C is held back.
            resource_tracker.ensure_running()
            pools_tracker.ensure_running()
        with (
            processes.as_own_environment(),
            joblib.parallel_config("loky", n_jobs=workers, inner_max_num_threads=threads, initializer=_ignore_ctrl_c),
        ):
            yield
    except BrokenProcessPool as error:
        raise DataError(
            "a training process died, most often because memory ran out",
            code="train/process-died",
            hint="Set train.jobs to a smaller number, or train on a machine with more memory.",
        ) from error
    finally:
        get_reusable_executor().shutdown(wait=True, kill_workers=True)


@contextmanager
def _shared(value: Any, scratch: Path) -> Iterator[str]:
    import joblib

    with disk_errors(scratch):
        scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch, prefix="rows-") as folder:
        path = Path(folder, "rows.joblib")
        with disk_errors(path):
            joblib.dump(value, path)
        yield str(path)


def _ignore_ctrl_c() -> None:
    """Leave Ctrl-C to the parent, which ends the pool."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@lru_cache(maxsize=1)
def _load(path: str) -> Any:
    import joblib

    return joblib.load(path, mmap_mode="r")  # our own file of a moment ago; numbers are shared, not copied


def _in_pool(path: str, number: int, task: _Task, metric: str, threshold: float) -> tuple[int, _Outcome]:
    rows, folds = _load(path)
    return number, _fit_fold(task, rows, folds[task.fold], metric, threshold)


def _fit_fold(task: _Task, rows: Rows, fold: Any, metric: str, threshold: float) -> _Outcome:
    train, valid = fold
    started = time.perf_counter()
    try:
        found = score(fit(task.choice, rows, train), rows, valid, METRICS.get(metric), threshold)
    except Exception as error:  # whatever an estimator raises is that candidate's problem, not the search's
        problem = "it predicts NaN" if isinstance(error, _NotANumberError) else type(error).__name__
        return math.nan, time.perf_counter() - started, problem, traceback.format_exc()
    seconds = time.perf_counter() - started
    if found is None or not math.isfinite(found):
        return math.nan, seconds, f"{metric} is undefined there", ""
    return found, seconds, "", ""
