"""From arrays to a session and a rulebook, which the pipeline judges by too; and from their judgement to words."""

import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from modelyard.config.sections.data import Columns
from modelyard.config.sections.evaluate import Checks, Evaluate, OwnMetric
from modelyard.config.sections.gate import Gate
from modelyard.config.sections.model import Model
from modelyard.core.documents import KeyPath, Tree, collected, dotted, shown
from modelyard.core.errors import CollectedConfigError, ConfigError, DataError, ModelyardError, Place, nearest
from modelyard.core.explain import checked
from modelyard.core.reasons import Reason
from modelyard.core.sections import Name, Section
from modelyard.core.verdict import Verdict
from modelyard.core.vocabulary import TASKS, TIME_UNITS
from modelyard.evaluation import session as evaluation
from modelyard.evaluation.gates import judgement, misuse
from modelyard.evaluation.remarks import remarks
from modelyard.evaluation.rulebook import Rulebook
from modelyard.evaluation.test_set import baseline_predictions
from modelyard.gates import arrays
from modelyard.gates.result import Estimate, GateJudgement, Judgement, MetricValues, SliceJudgement, Word
from modelyard.metrics.custom.misfit import misfit
from modelyard.metrics.predictions import Predictions
from modelyard.models import predictions as prediction_frames
from modelyard.models.child.score import class_key
from modelyard.records import results as r
from modelyard.report import wording
from modelyard.training import signature as classes_of
from modelyard.training.baseline import fit_baseline

OFF = Checks(calibration="off", changed_predictions="off", train_test_gap="off", discovered_slices="off")
"""Checks beside the gates are the pipeline's."""
ROLES = ("challenger", "champion", "best-promoted", "baseline")
Y, TIMES, UNIT, WEIGHT = "y", "times", "unit", "weight"
_ARGUMENTS = ((r"data\.columns\.time\b", TIMES), (r"data\.columns\.target\b", Y), (r"data\.columns\.", ""))
_SECTIONS = r"\b(evaluate|model)\.(?=gates|positive|metrics?|threshold|confidence)"


class _Gates(Section):
    """The gates of a call."""

    gates: tuple[Gate, ...]
    """The rules."""


def judged(gates: Any, y: Any, *, models: Mapping[str, Any], **rest: Any) -> Judgement:
    """Judge, with the arguments of ``judge``; messages name them instead of keys of a configuration."""
    try:
        return _judged(gates, y, models={role: each for role, each in models.items() if each is not None}, **rest)
    except ModelyardError as error:
        raise in_arguments(error) from None


def _judged(
    gates: Any,
    y: Any,
    *,
    models: Mapping[str, Any],
    task: str,
    train_y: Any,
    train_weight: Any,
    positive: Any,
    classes: Sequence[Any] | None,
    threshold: float | Mapping[str, float],
    metric: str | None,
    metrics: Mapping[str, Any],
    unit: Any,
    times: Any,
    weight: Any,
    slices: Mapping[str, Any],
    confidence: float,
    seed: int,
) -> Judgement:
    rows, columns, unit_name = _rows(y, times, unit, weight)
    truth, learned_from = rows[Y], None if train_y is None else _truth(train_y, "train_y")
    model = _model(task, positive, metric)
    signature, order = _signature(model, truth, learned_from, classes)
    own = _own_metrics(metrics, model)
    book = Rulebook(
        model, Evaluate(gates=gates_of(gates), metrics=own, confidence=confidence_of(confidence), checks=OFF), columns
    )
    problems = list(misuse.of_gates(book.evaluate.gates, model.task, lambda path: Place("", key=dotted(path)), [*own]))
    if problems:
        raise collected(problems)
    known = _models(models, signature, order, threshold, len(rows))
    known |= _baseline(book, known, learned_from, train_weight, signature, len(rows))
    if "champion" in known:
        known.setdefault("best-promoted", known["champion"])
    test_set = evaluation.test_set_of(rows, columns, signature, seed=seed, confidence=confidence)
    if unit_name:
        test_set = replace(test_set, unit_name=unit_name)
    sliced = _slices(slices, book.evaluate.gates, len(rows))
    found = evaluation.Session(sliced, test_set, known, signature).judge(book)
    return in_words(
        found.gates,
        found.metrics,
        verdict=found.verdict,
        rows=len(rows),
        units=test_set.units,
        unit=test_set.unit_name,
        confidence=confidence,
        remarks=remarks(test_set, known["challenger"]),
    )


# what is asked


def gates_of(given: Any) -> tuple[Gate, ...]:
    """Return the gates, checked as those of a file are."""
    if given is None:
        return ()
    if isinstance(given, Mapping | str) or not isinstance(given, Sequence):
        raise ConfigError(
            f"found {shown(given)}; gates are a list",
            code="config/bad-value",
            hint='Write [{"metric": "roc_auc", "at_least": 0.8}]; leave them out for the default gates.',
            place=Place("gates"),
        )
    if not given:
        raise ConfigError(
            "an empty list of gates judges nothing",
            code="config/bad-value",
            hint="Write a gate, or pass None for the default gates.",
            place=Place("gates"),
        )
    written = [_plain(gate, ("gates", at)) for at, gate in enumerate(given)]
    return checked(Tree({"gates": written}, "", {(): 0}), _Gates).gates


class _Metrics(Section):
    """The metrics of a call."""

    metrics: dict[Name, OwnMetric]
    """By the name that gates call them."""


def _own_metrics(given: Mapping[str, Any], model: Model) -> dict[str, OwnMetric]:
    """Return metrics with costs or a parameter; a function runs in a process of its own, which the pipeline has."""
    written = _plain(dict(given), ("metrics",))
    found = checked(Tree({"metrics": written}, "", {(): 0}), _Metrics).metrics
    for name, own in found.items():
        place = Place(f"metrics.{name}")
        if own.function is not None:
            raise ConfigError(
                "a function cannot be a metric here",
                code="config/function-in-call",
                hint="Gate by it in the pipeline, or write costs, or a metric with its parameter.",
                place=place,
            )
        problem = misfit(name, own, model.task, place)
        if problem is not None:
            raise problem
    return found


def _plain(value: Any, path: KeyPath) -> Any:
    """Return what may stand in a file: text, truth values, finite numbers, lists and mappings of them."""
    if isinstance(value, Gate):
        return json.loads(value.model_dump_json(exclude_defaults=True))
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Mapping):
        return {str(key): _plain(each, (*path, str(key))) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each, (*path, at)) for at, each in enumerate(value)]
    if value is None or isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    what = f"{value} is not a finite number" if isinstance(value, float) else f"found {type(value).__name__}"
    raise ConfigError(
        what,
        code="config/bad-value",
        hint="Write text, true or false, or a finite number, as in modelyard.yml.",
        place=Place(dotted(path)),
    )


def _model(task: str, positive: Any, metric: str | None) -> Model:
    known = next((each for each in TASKS if each == task), None)
    if known is None:
        raise ConfigError(
            f"found {shown(task)}; allowed: {', '.join(TASKS)}",
            code="config/bad-value",
            hint=nearest(str(task), TASKS) or "Say what y holds.",
            place=Place("task"),
        )
    if positive is not None and known != "binary":
        raise ConfigError(
            f"a positive class means nothing in a {known} task",
            code="config/not-for-this-task",
            hint="Remove it, or pass task='binary'.",
            place=Place("positive"),
        )
    label = positive.item() if isinstance(positive, np.generic) else positive
    if isinstance(label, float) and label.is_integer():
        label = int(label)
    if metric is not None:
        misuse.metric_for(metric, known, Place("metric"))
    return Model(name="judged", task=known, positive=label, metric=metric)


def confidence_of(level: Any) -> float:
    """Return the level of the intervals, checked."""
    if not isinstance(level, int | float) or not 0.5 <= level < 1:
        raise ConfigError(
            f"found {shown(level)}; allowed: a number of at least 0.5 and below 1",
            code="config/bad-value",
            hint="Write 0.95 for intervals of 95 %.",
            place=Place("confidence"),
        )
    return float(level)


# the rows


def _rows(y: Any, times: Any, unit: Any, weight: Any) -> tuple[pl.DataFrame, Columns, str]:
    """Return the rows with their roles, what the columns mean, and what a unit is called."""
    truth = _truth(y, Y)
    found = {Y: truth}
    roles: dict[str, Any] = {"target": Y}
    if times is not None:
        found[TIMES], roles["time"] = arrays.column(times, TIMES), TIMES
    if weight is not None:
        found[WEIGHT], roles["weight"] = _weight(weight), WEIGHT
    name, stretch = "", _stretch(unit)
    if stretch is not None:
        if times is None:
            raise ConfigError(
                f"a unit of one {stretch['every']} needs times",
                code="config/needs-time-column",
                hint="Pass times=, or the values of what is independent.",
                place=Place(UNIT),
            )
        roles["unit"] = stretch
    elif unit is not None:
        found[UNIT], roles["unit"] = arrays.column(unit, UNIT), {"column": UNIT}
        own = getattr(unit, "name", None)
        name = own if isinstance(own, str) and own else UNIT
    for each, series in found.items():
        arrays.same_length(series, len(truth), each)
    return pl.DataFrame(list(found.values())), checked(Tree(roles, "", {(): 0}), Columns), name


def _stretch(unit: Any) -> dict[str, Any] | None:
    """Return a unit of time; None where it is no such."""
    if isinstance(unit, str):
        unit = {"every": unit}
    if not isinstance(unit, Mapping):
        return None
    every, zone = unit.get("every"), unit.get("zone", "UTC")
    if every not in TIME_UNITS or set(unit) - {"every", "zone"} or not isinstance(zone, str):
        raise ConfigError(
            f"found {shown(dict(unit))}; a unit of time is one {' or '.join(TIME_UNITS)}",
            code="config/unknown-unit",
            hint=nearest(str(every), TIME_UNITS) or 'Write "day" or {"every": "day", "zone": "Europe/Berlin"}.',
            place=Place(UNIT),
        )
    return dict(unit)


def _truth(values: Any, name: str) -> pl.Series:
    found = arrays.column(values, name)
    missing = found.null_count() + (int(found.is_nan().sum()) if found.dtype.is_float() else 0)
    if not len(found):
        raise DataError(f"{name} holds no rows", code="data/no-rows", hint="Judging needs rows with known targets.")
    if missing:
        raise DataError(
            f"{missing:,} of {len(found):,} rows of {name} are missing",
            code="data/missing-target",
            hint="Leave out the rows whose truth is not known, here and in every other array.",
        )
    return found


def _weight(values: Any) -> pl.Series:
    found = arrays.column(values, WEIGHT)
    if not found.dtype.is_numeric():
        raise DataError(
            f"{WEIGHT} holds no numbers", code="data/unusable-weights", hint="Weights are numbers of 0 or more."
        )
    return found.cast(pl.Float64).fill_null(float("nan"))


def _signature(
    model: Model, truth: pl.Series, learned_from: pl.Series | None, classes: Sequence[Any] | None
) -> tuple[r.Signature, list[Any]]:
    """Return what the models give, and the classes in the order of columns of probabilities."""
    if model.task == "regression":
        for found in (truth, *([] if learned_from is None else [learned_from])):
            if not found.dtype.is_numeric() or int((~found.cast(pl.Float64).is_finite()).sum()):
                raise DataError(
                    f"{found.name} holds other than finite numbers, and a regression needs those",
                    code="data/target-type",
                    hint="Pass task='binary' or 'multiclass' for classes.",
                )
        return r.Signature(features=(), task=model.task), []
    counts = Counter(classes_of.labels(truth, Y).tolist())
    counts += Counter([] if learned_from is None else classes_of.labels(learned_from, "train_y").tolist())
    order = _distinct(list(counts))
    if classes is not None:
        order = _named(classes, order)
    classes_of.check_spelling(order, [counts[each] for each in order], Y)
    if len(order) < 2:
        raise DataError(
            f"y holds one class alone, {order[0]!r}, and nothing names the others",
            code="data/one-class",
            hint="Pass classes=[…], all of them, or train_y.",
        )
    if model.task == "multiclass":
        return r.Signature(features=(), task=model.task, classes=tuple(order)), order
    if len(order) > 2:
        raise DataError(
            f"{len(order):,} classes, and a binary task has two: {', '.join(map(repr, order[:10]))}",
            code="data/too-many-classes",
            hint="Pass task='multiclass', or fix the labels.",
        )
    positive = classes_of.positive_of(order, model)
    negative = next(label for label in order if label != positive)
    return r.Signature(features=(), task=model.task, classes=(negative, positive), positive=positive), order


def _distinct(labels: list[Any]) -> list[Any]:
    kinds = {isinstance(each, str) for each in labels}
    if len(kinds) > 1:
        raise DataError(
            "y and train_y hold classes of several kinds: text and numbers",
            code="data/target-type",
            hint="Write each class in one way.",
        )
    by_key = {class_key(each): each for each in sorted(set(labels), reverse=True)}
    return sorted(by_key.values())


def _named(classes: Sequence[Any], seen: list[Any]) -> list[Any]:
    """Return the classes as they were named; every label has to be among them."""
    order = [each.item() if isinstance(each, np.generic) else each for each in classes]
    keys = [class_key(each) for each in order]
    if len(set(keys)) < len(keys):
        raise ConfigError(
            "a class is named twice", code="config/bad-value", hint="Name each once.", place=Place("classes")
        )
    unknown = [each for each in seen if class_key(each) not in keys]
    if unknown:
        raise DataError(
            f"y holds {', '.join(map(repr, unknown[:5]))}, which classes does not name",
            code="data/unknown-class",
            hint="Name all classes, in the order of the columns of probabilities.",
        )
    written = {class_key(each): each for each in seen}
    return [written.get(key, each) for key, each in zip(keys, order, strict=True)]


# the models


def _models(
    given: Mapping[str, Any], signature: r.Signature, order: list[Any], threshold: Any, rows: int
) -> dict[str, Predictions]:
    known: dict[str, Predictions] = {}
    strange = [str(role) for role in threshold if role not in ROLES] if isinstance(threshold, Mapping) else []
    if strange:
        raise ConfigError(
            f"there is no model {strange[0]!r}; models are {', '.join(ROLES)}",
            code="config/unknown-key",
            hint=nearest(strange[0], ROLES) or "Name one of them.",
            place=Place("threshold"),
        )
    if "challenger" not in given:
        raise DataError(
            "no predictions of the challenger", code="data/array-shape", hint="Pass challenger=, its predictions."
        )
    for role, each in given.items():
        frame = arrays.predictions(each, signature, order, role)
        arrays.same_length(frame, rows, role)
        known[role] = prediction_frames.checked(
            frame,
            np.ones(rows, dtype=np.bool_),
            signature=signature,
            threshold=_threshold(threshold, role),
            who=f"the {role.replace('-', ' ')}" if role != "best-promoted" else "the best promoted model",
        )
    return known


def _threshold(given: Any, role: str) -> float:
    found = given.get(role, 0.5) if isinstance(given, Mapping) else given
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 < found < 1:
        raise ConfigError(
            f"found {shown(found)}; allowed: a number above 0 and below 1",
            code="config/bad-value",
            hint="It is the probability from which a binary prediction is positive.",
            place=Place("threshold"),
        )
    return float(found)


def _baseline(
    book: Rulebook,
    known: Mapping[str, Predictions],
    learned_from: pl.Series | None,
    weight: Any,
    signature: r.Signature,
    rows: int,
) -> dict[str, Predictions]:
    """Return the baseline's constants, fitted on the training rows.

    Raises:
        ConfigError: a gate needs a baseline, and there is none; or there are two.
    """
    gates = book.evaluate.gates
    needed = [
        at for at, each in enumerate(gates) if each.demand.reference == "baseline" or "of gain" in str(each.margin)
    ]
    if "baseline" in known:
        if learned_from is not None:
            raise ConfigError(
                "baseline and train_y are both here, and only one of them can be the baseline",
                code="config/bad-value",
                hint="Keep one of them.",
                place=Place("baseline"),
            )
        return {}
    if learned_from is None:
        if gates and not needed:
            return {}
        which = f"gates[{needed[0]}] compares with it" if gates else "the default gates compare with it"
        raise ConfigError(
            f"there is no baseline, and {which}",
            code="config/baseline-without-training-rows",
            hint="Pass train_y=, the truth of the training rows; or baseline=, predictions of the test rows; or write "
            "gates with at_least, at_most or a champion alone.",
        )
    weights = None
    if weight is not None:
        found = _weight(weight)
        if len(found) != len(learned_from):
            raise DataError(
                f"train_weight has {len(found):,} rows, and train_y has {len(learned_from):,}",
                code="data/array-length",
                hint="Pass one weight for each training row.",
            )
        columns = Columns(target="train_y", weight=WEIGHT)
        weights = evaluation.weight_of(pl.DataFrame([found]), columns)
    training = pl.DataFrame([learned_from])
    target = evaluation.targets(training, Columns(target="train_y"), signature)
    return baseline_predictions(fit_baseline(target, weights, signature.task, len(signature.classes)), signature, rows)


def _slices(given: Mapping[str, Any], gates: Sequence[Gate], rows: int) -> pl.DataFrame:
    found = {str(name): arrays.column(values, str(name)) for name, values in given.items()}
    for name, series in found.items():
        arrays.same_length(series, rows, f"slices[{name!r}]")
    for at, gate in enumerate(gates):
        for column in gate.columns:
            if column not in found:
                raise ConfigError(
                    f"there is no slice {column!r}; slices are {', '.join(map(repr, found)) or 'none'}",
                    code="config/unknown-slice",
                    hint=nearest(column, found) or f"Pass slices={{{column!r}: …}}, a value for each row.",
                    place=Place(f"gates[{at}].by"),
                )
    return pl.DataFrame(list(found.values()))


# what was found


def in_words(
    gates: Sequence[r.GateResult],
    metrics: Sequence[r.MetricRow],
    *,
    verdict: Verdict,
    rows: int,
    units: int,
    unit: str,
    confidence: float,
    remarks: Sequence[Reason] = (),
) -> Judgement:
    """Return what gates say, with sentences."""
    return Judgement(
        verdict=Word(verdict),
        gates=tuple(_gate(gate) for gate in gates),
        metrics=tuple(
            MetricValues(
                row.metric, row.higher_is_better, _estimate(row.challenger), _maybe(row.champion), row.baseline
            )
            for row in metrics
        ),
        rows=rows,
        units=units,
        unit=unit,
        confidence=confidence,
        equal_chance=judgement.equal_chance(gates),
        remarks=tuple(map(wording.because, remarks)),
    )


def _gate(gate: r.GateResult) -> GateJudgement:
    counts = gate.verdict.value != "not-applicable" and gate.estimate.value is not None
    return GateJudgement(
        name=gate.id,
        rule=wording.rule(gate),
        metric=gate.metric,
        state=gate.verdict,
        estimate=_estimate(gate.estimate),
        required=wording.required(gate),
        challenger=_estimate(gate.challenger),
        reference=_maybe(gate.reference_level),
        smallest_visible=gate.smallest_visible,
        units_to_decide=gate.units_to_decide,
        allowed=gate.allowed,
        reason=wording.explanation(gate, None) if counts else wording.reason(gate),
        numbers=wording.terminal(gate),
        slices=tuple(
            SliceJudgement(
                row.column,
                row.value,
                row.verdict,
                _estimate(row.challenger),
                _maybe(row.reference),
                _maybe(row.difference),
                "" if row.note is None else wording.because(row.note),
            )
            for row in gate.slices
        ),
    )


def _maybe(found: r.Estimate | None) -> Estimate | None:
    return None if found is None else _estimate(found)


def _estimate(found: r.Estimate) -> Estimate:
    return Estimate(
        value=found.value,
        low=found.low,
        high=found.high,
        method=wording.method(found),
        n=found.n,
        unit=found.unit,
        rows=found.rows,
        approximate=found.approximate,
        refused="" if found.refused is None else wording.because(found.refused),
        effective=float(found.n) if found.effective is None else found.effective,
        largest=found.largest,
        memory=found.memory,
    )


# errors


def in_arguments(error: ModelyardError) -> ModelyardError:
    """Return an error whose words name arguments where a configuration has keys."""
    if isinstance(error, CollectedConfigError):
        told = [in_arguments(each) for each in error.problems]
        return CollectedConfigError([each for each in told if isinstance(each, ConfigError)])
    error.message, error.hint = _as_argument(error.message), _as_argument(error.hint)
    if error.place is not None:
        where = error.place.key or error.place.file
        error.place = Place(_as_argument(where)) if where else None
    error.args = (error.message,)
    return error


def _as_argument(text: str) -> str:
    for key, argument in _ARGUMENTS:
        text = re.sub(key, argument, text)
    return re.sub(_SECTIONS, "", text)
