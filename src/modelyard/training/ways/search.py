"""train.candidates: search the candidates by cross-validation, and fit the winner on all training rows."""

import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelyard.config.configuration import Config
from modelyard.config.sections.data import Columns
from modelyard.config.sections.model import Maximise
from modelyard.core.canonical import digest
from modelyard.core.errors import ConfigError, DataError
from modelyard.data.folds import folds
from modelyard.training.candidates import Choice, expand
from modelyard.training.families import family_of
from modelyard.training.job import Job, Made
from modelyard.training.search import Rows, fit, note, search
from modelyard.training.signature import Features, as_numbers, free_text
from modelyard.training.threshold import choose
from modelyard.training.way import Way
from modelyard.training.ways import search_elsewhere

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    Folds = Sequence[tuple[NDArray[Any], NDArray[Any]]]


class SearchWay(Way):
    """Candidates with grids of parameters, scored on folds."""

    name = "candidates"
    has_folds = True

    def is_configured(self, config: Config) -> bool:
        """Return whether candidates are named."""
        return config.train is not None and bool(config.train.candidates)

    def features(self, frame: "pl.DataFrame", columns: Columns) -> Features:
        """Return the columns as the steps before each candidate take them: numbers as float64, free text by itself."""
        return free_text(as_numbers(super().features(frame, columns)), frame)

    def run(self, job: Job, model_dir: Path, scratch: Path) -> Made:
        """Search, fit the winner, and choose its threshold where one is to be chosen."""
        if job.at.python != Path(sys.executable):
            return search_elsewhere.run(job, model_dir, scratch)
        choices = _choices(job)
        _refuse_text(choices, job)
        rows = _rows(job)
        columns, section = job.config.data.columns, job.train
        stratify = job.config.model.task != "regression"
        parts, follow = folds(job.rows.frame, columns, section.search.folds, section.seed, stratify)
        digests = [_digest(job, choice) for choice in choices]
        found = search(
            choices,
            digests,
            rows,
            parts,
            metric=job.metric,
            threshold=job.signature.threshold or 0.5,
            jobs=section.jobs,
            cache=job.cache,
            scratch=scratch,
            log=job.at.log,
            progress=job.at.progress,
        )
        winner, fitted = choices[found.winner], digests[found.winner]
        refit = job.fit_digest("refit", candidate=fitted)
        fits = _refit(job, winner, rows, refit, model_dir)
        return Made(
            digest({"what": "search", "candidates": digests, "refit": refit}),
            family_of(winner.estimator).adapter,
            fits=found.fits + fits,
            from_cache=found.fits_from_cache + 1 - fits,
            candidates=found.rows,
            folds=len(parts),
            follow=follow,
            threshold=_threshold(job, winner, fitted, rows, parts),
        )


def _choices(job: Job) -> list[Choice]:
    return expand(
        job.train.candidates,
        task=job.config.model.task,
        seed=job.train.seed,
        class_weight=job.train.class_weight,
        weighted=job.weight is not None,
        probabilities_for=job.metric.name if job.metric.needs == "probability" else "",
        place=job.at.place,
    )


def _refuse_text(choices: Sequence[Choice], job: Job) -> None:
    """Raise where a candidate is to get text as it is."""
    text = [each.name for each in job.signature.features if each.kind not in ("numeric", "boolean")]
    bare = next((choice.name for choice in choices if not choice.prepared), None)
    if text and bare:
        raise DataError(
            f"{bare}: preprocess is none, and {len(text)} columns hold no numbers ({', '.join(map(repr, text[:5]))})",
            code="train/text-not-preprocessed",
            hint="Name them under data.columns.drop, or remove preprocess, so that they are encoded.",
        )


def _rows(job: Job) -> Rows:
    from modelyard.models.child import score as score_child

    features = job.signature.features
    return Rows(
        frame=score_child.features(job.rows.frame, [(feature.name, feature.kind) for feature in features]),
        features=features,
        labels=job.target.labels,
        codes=job.target.codes,
        classes=job.target.classes,
        weight=job.weight,
    )


def _digest(job: Job, choice: Choice) -> str:
    return job.fit_digest(
        "folds",
        estimator=choice.estimator,
        settings={name: repr(value) for name, value in choice.settings.items()},
        weigh_classes=choice.weigh_classes,
        folds=job.train.search.folds,
        preprocessing=family_of(choice.estimator).preprocessing if choice.prepared else 0,
    )


def _refit(job: Job, winner: Choice, rows: Rows, refit: str, model_dir: Path) -> int:
    """Store the winner, fitted on all rows; returns how many fits that took."""
    if job.from_cache(refit, model_dir) is not None:
        return 0
    job.at.say(f"fitting the winner on all {len(rows.codes):,} training rows: {winner.name}")
    try:
        model = fit(winner, rows)
    except Exception as error:  # it fitted on every fold, and may fail on all of them together
        note(job.at.log, f"{winner.name}, all training rows: {traceback.format_exc()}\n")
        raise DataError(
            f"{winner.name} could not be fitted on all training rows: {type(error).__name__}",
            code="train/candidate-failed",
            hint=f"Fix the data or the candidate. All that it raised: {job.at.log}",
        ) from error
    family_of(winner.estimator).save(model, model_dir, job.config.model.format)
    job.cache.put_model(refit, model_dir)
    return 1


def _threshold(job: Job, winner: Choice, fitted: str, rows: Rows, parts: "Folds") -> float | None:
    """Choose the threshold, where one is to be chosen; it is kept with the fits."""
    wanted = job.config.model.threshold
    if not isinstance(wanted, Maximise):
        return None
    costs = _costs(job) if wanted.maximise == "cost" else {}
    name = digest({"what": "threshold", "of": fitted, "goal": wanted.maximise,
                   "costs": [[*cell, cost] for cell, cost in sorted(costs.items())]})  # fmt: skip
    known = job.cache.scores(name)
    if known is not None:
        return known.scores[0]
    job.at.say(f"choosing the threshold that is best for {wanted.maximise} on {len(parts)} folds")
    started = time.perf_counter()
    threshold = choose(winner, rows, parts, wanted.maximise, costs)
    job.cache.put_scores(name, [threshold], round(time.perf_counter() - started, 3))
    return threshold


def _costs(job: Job) -> dict[tuple[int, int], float]:
    """Return the costs of the one metric that has some, by codes."""
    named = [own for own in job.config.evaluate.metrics.values() if own.costs]
    if len(named) != 1:
        raise ConfigError(
            f"model.threshold maximises cost, and {len(named) or 'no'} metrics under evaluate.metrics have costs",
            code="config/costs-of-threshold",
            hint="Name one: evaluate.metrics: {cost: {costs: [{actual: …, predicted: …, cost: …}]}}.",
            place=job.at.place(("model", "threshold")),
        )
    codes = {label: code for code, label in enumerate(job.target.classes)}
    for mistake in named[0].costs:
        for label in (mistake.actual, mistake.predicted):
            if label not in codes:
                raise ConfigError(
                    f"costs name the class {label!r}, which does not occur",
                    code="config/unknown-class",
                    hint=f"Classes: {', '.join(map(str, codes))}.",
                    place=job.at.place(("evaluate", "metrics")),
                )
    return {(codes[each.actual], codes[each.predicted]): each.cost for each in named[0].costs}
