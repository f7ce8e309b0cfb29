"""Try policies of retraining on the repository's own data: models trained as of every window, and what follows."""

import math
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from modelyard.config.configuration import Config
from modelyard.config.sections.monitor import Costs
from modelyard.core.errors import ConfigError, DataError
from modelyard.steps.context import CheckedOut

if TYPE_CHECKING:
    import polars as pl

    from modelyard.metrics.metric import Metric
    from modelyard.metrics.predictions import Predictions
    from modelyard.monitoring.simulate import Age, History, Outcome
    from modelyard.records.results import Estimate
    from modelyard.training.search import Rows

WINDOW = "1 month"


@dataclass(frozen=True)
class Asked:
    """What is to be tried.

    Attributes:
        window: how long a stretch is; empty: that of ``monitor``, else a month.
        candidate: number of the candidate that is trained, from 1.
        costs: prices; None: those of ``monitor.policy``, if there are any.
    """

    window: str = ""
    candidate: int = 1
    costs: Costs | None = None


@dataclass(frozen=True)
class Simulation:
    """What was found.

    Attributes:
        metric: what counts.
        model: the candidate that was trained.
        window: how long a stretch is.
        stretches: names of the stretches.
        rows: of each.
        first: the stretch that the first model was tested on.
        fits: models that were trained.
        outcomes: of the policies.
        best: the one to take.
        ages: how models age.
        pilot: what the newest rows gain now, turned so that more is better.
        pilot_windows: how many windows are new in it.
        costs: prices, if there were any.
        yaml: ``monitor.policy`` of the best.
    """

    metric: str
    model: str
    window: str
    stretches: tuple[str, ...]
    rows: tuple[int, ...]
    first: int
    fits: int
    outcomes: "tuple[Outcome, ...]"
    best: str
    ages: "tuple[Age, ...]"
    pilot: "Estimate"
    pilot_windows: int
    costs: Costs | None
    yaml: str

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        whole = {each.name: getattr(self, each.name) for each in fields(self)}
        return whole | {
            "outcomes": [asdict(each) for each in self.outcomes],
            "ages": [
                {"stretches": age.stretches, "metric": age.metric, "loss": age.loss.model_dump(mode="json"), "n": age.n}
                for age in self.ages
            ],
            "pilot": self.pilot.model_dump(mode="json"),
            "costs": None if self.costs is None else self.costs.model_dump(mode="json"),
        }


def simulate(context: CheckedOut, asked: Asked, say: Callable[[str], None] = lambda _text: None) -> Simulation:
    """Train as of every window of the data, and follow policies through what happened.

    Args:
        context: of the repository.
        asked: what is to be tried.
        say: told what is being done.

    Raises:
        ConfigError: no time column, no candidates, or no such candidate.
        DataError: too few windows, or rows that cannot be learned from.
    """
    from modelyard.monitoring import simulate as policies

    config = context.config
    if config.data.columns.time is None:
        raise ConfigError(
            "policies are tried on history, and the data has no time",
            code="config/no-time-column",
            hint="Name the column that says when a row happened: data.columns.time.",
        )
    if config.train is None or not config.train.candidates:
        raise ConfigError(
            "policies are tried with a model of train.candidates, and there are none",
            code="config/no-candidates",
            hint="Add a candidate, such as {estimator: sklearn.linear_model.LogisticRegression}.",
        )
    window = asked.window or (config.monitor.window if config.monitor is not None else WINDOW)
    if window.endswith("rows") and not asked.window:
        window = WINDOW
    if not re.fullmatch(r"[1-9][0-9]{0,3} (hour|day|week|month)s?", window):
        raise ConfigError(
            f"--window {window[:40]!r} is no stretch of time",
            code="command/bad-window",
            hint="Write a number and a unit: '1 week', '10 days', '1 month'.",
        )
    costs = asked.costs or (config.monitor.policy.costs if config.monitor is not None else None)
    history, model = _history(context, config, window, asked.candidate, say)
    say("following policies")
    outcomes = policies.back_test(history, policies.usual(len(history.stretches), costs, window), costs=costs)
    best = policies.best_of(history, outcomes)
    new = min(3, len(history.stretches) - 1 - history.first)
    return Simulation(
        metric=history.metric.name,
        model=model,
        window=window,
        stretches=tuple(each.name for each in history.stretches),
        rows=tuple(map(len, history.stretches)),
        first=history.first,
        fits=len(history.stretches) - history.first,
        outcomes=outcomes,
        best=best.policy,
        ages=policies.ageing(history),
        pilot=policies.pilot(history, new),
        pilot_windows=new,
        costs=costs,
        yaml=_yaml(best),
    )


def prices(retrain: str, loss: str) -> Costs | None:
    """Return what things cost, as two numbers were written; None without any.

    Raises:
        ConfigError: one alone, or one that is not above 0.
    """
    if not retrain and not loss:
        return None
    if not retrain or not loss or not all(math.isfinite(float(each)) and float(each) > 0 for each in (retrain, loss)):
        raise ConfigError(
            f"--retrain-cost {retrain or 'is missing'}, --loss-cost {loss or 'is missing'}",
            code="command/bad-costs",
            hint="Both are numbers above 0 in one unit of your own: --retrain-cost 200 --loss-cost 0.5",
        )
    return Costs(retrain=float(retrain), loss=float(loss))


def _history(
    context: CheckedOut, config: Config, window: str, candidate: int, say: Callable[[str], None]
) -> "tuple[History, str]":
    """Train a model before every stretch, and predict all later rows with it."""
    from modelyard.monitoring import simulate as policies
    from modelyard.training.baseline import baseline_score, fit_baseline
    from modelyard.training.train import primary_metric

    metric = primary_metric(config, context.loaded.place)
    told = _told(context, config, window)
    taught = _taught(context, told.frame, candidate, metric)
    if not policies.FEWEST <= len(told.names) <= policies.MOST:
        few = len(told.names) < policies.FEWEST
        raise DataError(
            f"{window} makes {len(told.names)} windows of the data; from {policies.FEWEST} to {policies.MOST} can be "
            f"tried",
            code="data/short-history" if few else "data/long-history",
            hint="Name another --window, such as '1 week' or '1 month'.",
        )
    predicted = _predicted(told, taught, policies.first_of(len(told.names)), say)
    codes, weight, task = taught.rows.codes, taught.rows.weight, config.model.task
    constant = fit_baseline(codes, weight, task, len(taught.rows.classes))
    features = told.frame.select(each.name for each in taught.rows.features)
    stretches = tuple(
        policies.Stretch(
            name, codes[begin:end], None if told.unit is None else told.unit[begin:end], features[begin:end]
        )
        for name, begin, end in zip(told.names, told.begins, told.ends, strict=True)
    )
    history = policies.History(
        metric, task, stretches, predicted, baseline=baseline_score(metric, codes, weight, constant, task),
        delay=_delay("7 days" if config.monitor is None else config.monitor.labels, window), unit=told.unit_name,
        ordered=told.ordered,
        seed=config.train.seed if config.train else 0,
    )  # fmt: skip
    return history, taught.choice.name


@dataclass(frozen=True)
class _Told:
    """All labelled rows in the order of time, cut into stretches of whole windows."""

    frame: "pl.DataFrame"
    names: tuple[str, ...]
    begins: tuple[int, ...]
    ends: tuple[int, ...]
    unit: Any
    unit_name: str
    ordered: bool


def _told(context: CheckedOut, config: Config, window: str) -> _Told:
    import numpy as np
    import polars as pl

    from modelyard.data.units import unit_codes, unit_of, wall_clock
    from modelyard.monitoring.windows import key_of, starts

    rows, columns = context.data.split(), config.data.columns
    frame = pl.concat([part for part in (rows.train, rows.test) if len(part)], how="diagonal_relaxed")
    begin = starts(wall_clock(frame, columns, unit_of(frame, columns).zone), window).alias("__begin__")
    frame = frame.with_columns(begin).sort("__begin__", columns.time, maintain_order=True)
    counted = frame["__begin__"].value_counts().sort("__begin__")
    # The first and the last stretch may be cut off: of one with few rows nothing is said.
    fewest = float(np.median(counted["count"].to_numpy())) / 3
    whole = counted.filter(pl.col("count") >= fewest)
    frame = frame.filter(pl.col("__begin__").is_in(whole["__begin__"].implode()))
    ends = np.cumsum(whole["count"].to_numpy()).tolist()
    frame = frame.drop("__begin__")
    unit, name, ordered = unit_codes(frame, columns)
    return _Told(
        frame, tuple(key_of(each, window) for each in whole["__begin__"].to_list()), (0, *ends[:-1]), tuple(ends), unit,
        name, ordered,
    )  # fmt: skip


@dataclass(frozen=True)
class _Taught:
    """What is fitted, and the rows as estimators take them."""

    choice: Any
    rows: "Rows"
    threshold: float


def _taught(context: CheckedOut, frame: "pl.DataFrame", candidate: int, metric: "Metric") -> _Taught:
    from modelyard.models.child import score as score_child
    from modelyard.training.candidates import expand
    from modelyard.training.search import Rows
    from modelyard.training.signature import find_features, find_target, find_weight, signature

    config = context.config
    assert config.train is not None  # noqa: S101 - the caller looked
    train = config.train
    features = find_features(frame, config.data.columns)
    target = find_target(frame, config.data.columns.target, config.model)
    weight = find_weight(frame, config.data.columns)
    choices = expand(
        train.candidates, task=config.model.task, seed=train.seed,
        class_weight=train.class_weight, weighted=weight is not None,
        probabilities_for=metric.name if metric.needs == "probability" else "", place=context.loaded.place,
    )  # fmt: skip
    if not 1 <= candidate <= len(choices):
        raise ConfigError(
            f"there is no candidate {candidate}; there are {len(choices)}",
            code="config/no-such-candidate",
            hint=f"The first is {choices[0].name}.",
        )
    named: list[tuple[str, str]] = [(each.name, each.kind) for each in features.features]
    rows = Rows(
        score_child.features(frame, named), features.features, target.labels, target.codes, target.classes, weight
    )
    return _Taught(choices[candidate - 1], rows, signature(features, target, config.model).threshold or 0.5)


def _predicted(
    told: _Told, taught: _Taught, first: int, say: Callable[[str], None]
) -> "dict[tuple[int, int], Predictions]":
    import numpy as np

    from modelyard.training import search

    found, models = {}, range(first, len(told.names))
    for model in models:
        say(f"trained on all before {told.names[model]}: {model - first + 1} of {len(models)}")
        try:
            fitted = search.fit(taught.choice, taught.rows, np.arange(told.begins[model]))
        except (ValueError, TypeError) as error:
            raise DataError(
                f"{taught.choice.name} could not be fitted on the rows before {told.names[model]}: "
                f"{type(error).__name__}",
                code="train/candidate-failed",
                hint="The first rows may lack a class; take a longer --window, or another --candidate.",
            ) from error
        for at in range(model, len(told.names)):
            part = taught.rows.frame.iloc[told.begins[at] : told.ends[at]]
            found[model, at] = search.predict(fitted, part, taught.rows.classes, taught.threshold)
    return found


def _delay(labels: str, window: str) -> int:
    """Return in how many windows' ends labels are known; one at least, since those of its last day come later."""
    from modelyard.monitoring.windows import stretch

    hours = {"hour": 1, "day": 24, "week": 168, "month": 730}
    long, short = (number * hours[unit] for number, unit in (stretch(labels), stretch(window)))
    return max(1, math.ceil(long / short))


def _yaml(best: "Outcome") -> str:
    """Return ``monitor.policy`` as it is written."""
    lines = ["monitor:", "  policy:"]
    for name, value in (best.settings or {}).items():
        shown = "null" if value is None else value
        if isinstance(value, dict):
            shown = "{" + ", ".join(f"{key}: {each:g}" for key, each in value.items()) + "}"
        lines.append(f"    {name}: {shown}")
    return "\n".join(lines)
