"""When to retrain, tried on history: policies beside each other, how a model ages, and whether new rows help now.

A history is stretches of labelled rows, and for each stretch a model that was trained on all rows before it. Such a
model has its test result on that stretch and serves later ones. With every model's predictions of every later stretch
any policy can be followed without another fit: what served when, how it did, and what the best model of those days
would have done.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import polars as pl

from modelyard.config.sections.monitor import Costs
from modelyard.core.errors import DataError
from modelyard.core.verdict import Verdict
from modelyard.evaluation.intervals import measure
from modelyard.evaluation.intervals.strategy import Combination
from modelyard.evaluation.test_set import TestSet
from modelyard.log.schema import FEATURE
from modelyard.metrics.metric import Metric
from modelyard.metrics.predictions import Floats, Ints, Predictions
from modelyard.monitoring import drift
from modelyard.monitoring.levels import Rows, level_of
from modelyard.monitoring.profile import Reference
from modelyard.monitoring.realised import Rule, Watch, usual_margin
from modelyard.monitoring.reference import reference_of
from modelyard.monitoring.summary import summarise
from modelyard.records.results import Estimate, Signature
from modelyard.stats.interval import t_value

FEWEST = 6
"""Stretches of a history."""
MOST = 60
FIRST = 0.25
"""Share of the stretches that the first model is trained on."""
_KEY = b"simulate"


@dataclass(frozen=True)
class Stretch:
    """Rows of one stretch of time.

    Attributes:
        name: when it begins.
        y: (n,) class codes, 1 for the positive one; or values.
        unit: (n,) names of what is independent; None: rows.
        features: (n rows) what models see.
    """

    name: str
    y: Ints | Floats
    unit: Any = field(repr=False)
    features: pl.DataFrame = field(repr=False)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.y)


@dataclass(frozen=True)
class History:
    """Stretches in the order of time, and what models predicted.

    Attributes:
        metric: what counts.
        task: of the models.
        stretches: oldest first, of equal length.
        predicted: by model and stretch: model m is trained on the stretches before m, and predicts m and later ones.
        baseline: the best constant's metric.
        delay: stretches until labels are known, at least 1: at the end of a stretch those of the one before are.
        unit: what a unit is called.
        ordered: units follow each other in time.
        seed: of what is drawn.
    """

    metric: Metric
    task: str
    stretches: tuple[Stretch, ...]
    predicted: Mapping[tuple[int, int], Predictions] = field(repr=False)
    baseline: float | None = None
    delay: int = 1
    unit: str = "row"
    ordered: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        """Check that there is enough of it.

        Raises:
            DataError: too few stretches.
        """
        if len(self.stretches) < FEWEST or self.first + self.delay >= len(self.stretches) - 1:
            raise DataError(
                f"{len(self.stretches)} stretches of time with labels are too few to try policies on",
                code="data/short-history",
                hint=f"At least {FEWEST} are needed; take a shorter --window, or more data.",
            )

    @property
    def first(self) -> int:
        """Return the first model: the stretch that it is tested on."""
        return first_of(len(self.stretches))

    def value(self, model: int, stretch: int) -> float | None:
        """Return a model's metric on a stretch; None where it is undefined there."""
        return self.metric.value(self.stretches[stretch].y, self.predicted[model, stretch])

    @property
    def sign(self) -> int:
        """Return 1 where more is better, else −1."""
        return 1 if self.metric.higher_is_better else -1


def first_of(stretches: int) -> int:
    """Return which stretch the first model is tested on."""
    return max(1, round(stretches * FIRST))


# policies


@dataclass(frozen=True)
class Moment:
    """The end of a stretch: what is known then.

    Attributes:
        history: all of it; policies look at no later stretch, and at no labels later than ``known``.
        at: the stretch that ended.
        champion: the model that served in it.
        asked: the stretch after which was retrained last; the first model's own before any.
        known: the last stretch whose labels are known.
        watch: what the champion's labels say, by stretch: the rule is missed for certain.
        drifted: by stretch, features drift.
    """

    history: History
    at: int
    champion: int
    asked: int
    known: int
    watch: "Missed"
    drifted: "Drifted"


class Missed:
    """Whether the labels of a model, looked at stretch by stretch, miss its own test result for certain."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._of = cache(self._looked)

    def __call__(self, model: int, known: int) -> tuple[bool, ...]:
        """Return for each stretch from the one after the model's test up to ``known`` whether it was missed there."""
        return self._of(model)[: max(known - model, 0)]

    def _looked(self, model: int) -> tuple[bool, ...]:
        history = self._history
        test = history.stretches[model]
        rows = Rows(test.y, history.predicted[model, model], test.unit, history.seed)
        level = level_of(history.metric, rows, ordered=history.ordered, baseline=history.baseline)
        rule = Rule(history.metric, "no_worse_than")
        watch = Watch(
            rule, _signature(history), () if level is None else (level,), unit=history.unit, ordered=history.ordered,
            seed=history.seed,
        )  # fmt: skip
        found = []
        for at in range(model + 1, len(history.stretches)):
            own = history.stretches[at]
            frame = _logged(history.predicted[model, at]).with_columns(label=pl.Series(own.y))
            looked = watch.look(frame, begin=f"{at:06}", end=f"{at + 1:06}", unit=own.unit)[0]
            found.append(looked.verdict is Verdict.FAIL)
        return tuple(found)


class Drifted:
    """Whether features of a stretch differ from those of a model's test rows: significant and large."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._reference = cache(self._described)
        self._of = cache(self._compared)

    def __call__(self, model: int, at: int) -> tuple[bool, ...]:
        """Return for each stretch from the one after the model's test up to ``at`` whether any feature alarmed."""
        return tuple(self._of(model, each) for each in range(model + 1, at + 1))

    def _described(self, model: int) -> Reference:
        history, test = self._history, self._history.stretches[model]
        unit = None if test.unit is None else np.unique(test.unit, return_inverse=True)[1]
        return reference_of(
            test.features, _logged(history.predicted[model, model]), None, task=_signature(history).task,
            unit=unit, key=_KEY,
        )  # fmt: skip

    def _compared(self, model: int, at: int) -> bool:
        reference, own = self._reference(model), self._history.stretches[at].features
        frame = own.rename({name: FEATURE + name for name in own.columns})
        return any(each.alarm for each in drift.drift(reference, summarise(frame, reference, key=_KEY)))


class Policy(ABC):
    """When to retrain."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Return what it is called."""

    @abstractmethod
    def asks(self, moment: Moment, /) -> bool:
        """Say whether to retrain at the end of a stretch."""

    @property
    @abstractmethod
    def settings(self) -> dict[str, Any] | None:
        """Return ``monitor.policy`` that does this; None where the configuration has no such thing."""


@dataclass(frozen=True)
class Never(Policy):
    """Keep the first model."""

    @property
    def name(self) -> str:
        """Return ``never``."""
        return "never"

    def asks(self, _moment: Moment, /) -> bool:
        """Return false."""
        return False

    @property
    def settings(self) -> dict[str, Any] | None:
        """Return a policy without anything that asks."""
        return {"performance": None, "drift": None}


@dataclass(frozen=True)
class Every(Policy):
    """Retrain by the calendar."""

    stretches: int
    window: str = "1 month"
    """How long a stretch is."""

    @property
    def name(self) -> str:
        """Return how often."""
        return "every window" if self.stretches == 1 else f"every {self.stretches} windows"

    def asks(self, moment: Moment, /) -> bool:
        """Count the stretches since the last time."""
        return moment.at - moment.asked >= self.stretches

    @property
    def settings(self) -> dict[str, Any] | None:
        """Return the calendar alone."""
        number, unit = self.window.split()
        count = int(number) * self.stretches
        unit = unit.removesuffix("s")
        return {"every": f"{count} {unit}{'s' if count > 1 else ''}", "performance": None, "drift": None}


@dataclass(frozen=True)
class OnDrift(Policy):
    """Retrain where features drift in so many of the last stretches, whatever it does to the metric."""

    windows: int = 2
    of: int = 3

    @property
    def name(self) -> str:
        """Return in how many windows."""
        return f"drift in {self.windows} of {self.of}"

    def asks(self, moment: Moment, /) -> bool:
        """Count stretches with drift since the model serves."""
        return sum(moment.drifted(moment.champion, moment.at)[-self.of :]) >= self.windows

    @property
    def settings(self) -> dict[str, Any] | None:
        """Return none: drift without harm retrains nothing."""
        return None


@dataclass(frozen=True)
class OnPerformance(Policy):
    """Retrain where labels say for certain that the test result is missed, in so many of the last stretches."""

    windows: int = 2
    of: int = 3

    @property
    def name(self) -> str:
        """Return in how many windows."""
        return f"performance in {self.windows} of {self.of}"

    def asks(self, moment: Moment, /) -> bool:
        """Count stretches that missed it, of those whose labels are known."""
        return sum(moment.watch(moment.champion, moment.known)[-self.of :]) >= self.windows

    @property
    def settings(self) -> dict[str, Any] | None:
        """Return performance alone."""
        return {"performance": {"windows": self.windows, "of": self.of}, "drift": None}


@dataclass(frozen=True)
class ByCost(Policy):
    """Retrain where what the last known stretch lost against the test result would cost more in the next one."""

    costs: Costs

    @property
    def name(self) -> str:
        """Return ``cost-aware``."""
        return "cost-aware"

    def asks(self, moment: Moment, /) -> bool:
        """Compare what is lost in a stretch with the price of a retraining."""
        if moment.known <= moment.champion:
            return False
        history = moment.history
        now, then = history.value(moment.champion, moment.known), history.value(moment.champion, moment.champion)
        if now is None or then is None:
            return False
        lost = max((then - now) * history.sign, 0.0) * len(history.stretches[moment.at])
        return lost * self.costs.loss > self.costs.retrain

    @property
    def settings(self) -> dict[str, Any] | None:
        """Return the prices."""
        costs = {"retrain": self.costs.retrain, "loss": self.costs.loss}
        return {"costs": costs, "performance": None, "drift": None}


def usual(stretches: int, costs: Costs | None, window: str) -> tuple[Policy, ...]:
    """Return the policies that are tried on a history of so many stretches, each as long as ``window``."""
    calendar = [
        Every(each, window) for each in (1, 2, 3, 6, 12) if each <= max((stretches - first_of(stretches)) // 2, 1)
    ]
    by_cost = (ByCost(costs),) if costs is not None else ()
    return (Never(), *calendar, OnDrift(), OnPerformance(1, 1), OnPerformance(), *by_cost)


# what they would have done


@dataclass(frozen=True)
class Outcome:
    """What a policy would have done.

    Attributes:
        policy: its name.
        metric: mean over all served predictions.
        regret: by how much the best model of those days would have been better, on average.
        retrainings: how often was retrained.
        promoted: of these, the new model passed its gate.
        for_nothing: retrainings that were not promoted, or whose model was no better than the one before it.
        cost: retrainings and regret in the user's unit; None without prices.
        champions: the model that served in each stretch.
        settings: ``monitor.policy`` for it; None where there is none.
    """

    policy: str
    metric: float
    regret: float
    retrainings: int
    promoted: int
    for_nothing: int
    cost: float | None
    champions: tuple[int, ...]
    settings: dict[str, Any] | None


def back_test(history: History, policies: Sequence[Policy], *, costs: Costs | None = None) -> tuple[Outcome, ...]:
    """Follow each policy through the history.

    A retraining at the end of a stretch uses labels that are known by then; its model serves from the next stretch on
    if it is no worse on its test stretch than the one that serves, by the usual margin.

    Args:
        history: what happened.
        policies: to try.
        costs: of a retraining, and of a unit of the metric for one prediction.
    """
    missed, drifted = Missed(history), Drifted(history)
    return tuple(_followed(history, policy, missed, drifted, costs) for policy in policies)


def _followed(history: History, policy: Policy, missed: Missed, drifted: Drifted, costs: Costs | None) -> Outcome:
    champion = asked = history.first
    serving, retrained = [], []
    start = history.first + history.delay
    for at in range(start, len(history.stretches)):
        serving.append(champion)
        known = at - history.delay
        moment = Moment(history, at, champion, asked, known, missed, drifted)
        if at == len(history.stretches) - 1 or known <= champion or not policy.asks(moment):
            continue
        promoted = _passes(history, known, champion)
        retrained.append((at, champion, known, promoted))
        asked = at
        if promoted:
            champion = known
    served = list(enumerate(serving, start))
    rows = np.array([len(history.stretches[at]) for at, _ in served], dtype=np.float64)
    values = np.array([_number(history.value(model, at)) for at, model in served])
    best = np.array([_best(history, at) for at, _ in served])
    known_rows = np.isfinite(values) & np.isfinite(best)
    weight = rows * known_rows
    regret = float(np.average(np.where(known_rows, (best - values) * history.sign, 0.0), weights=weight))
    price = None
    if costs is not None:
        price = costs.retrain * len(retrained) + costs.loss * regret * float(weight.sum())
    return Outcome(
        policy=policy.name,
        metric=float(np.average(np.where(known_rows, values, 0.0), weights=weight)),
        regret=regret,
        retrainings=len(retrained),
        promoted=sum(each[-1] for each in retrained),
        for_nothing=sum(not _helped(history, each, retrained) for each in retrained),
        cost=price,
        champions=tuple(serving),
        settings=policy.settings,
    )


def _passes(history: History, model: int, champion: int) -> bool:
    """Tell whether a new model is no worse on its test stretch than the one that serves, by the usual margin."""
    new, old = history.value(model, model), history.value(champion, model)
    if new is None or old is None:
        return False
    margin = usual_margin(history.metric, old, history.baseline) or 0.0
    return (new - old) * history.sign >= -margin


def _helped(history: History, one: tuple[int, int, int, bool], retrained: Sequence[tuple[int, int, int, bool]]) -> bool:
    """Tell whether a new model was better than the one before it for as long as it served."""
    at, before, model, promoted = one
    end = next((each[0] for each in retrained if each[0] > at and each[-1]), len(history.stretches) - 1)
    gains = [
        (_number(history.value(model, each)) - _number(history.value(before, each))) * history.sign
        for each in range(at + 1, end + 1)
    ]
    return promoted and bool(gains) and float(np.nanmean(gains)) > 0


def _best(history: History, at: int) -> float:
    """Return the metric of the best model that could have served in a stretch."""
    models = range(history.first, at - history.delay)
    values = [_number(history.value(model, at)) * history.sign for model in (*models, history.first)]
    return float(np.nanmax(values)) * history.sign


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def best_of(history: History, outcomes: Sequence[Outcome]) -> Outcome:
    """Return what to do: the cheapest; without prices the fewest retrainings that come near the best.

    Near is the usual margin, as the default gates have it. What the configuration has no key for is not meant.
    """
    able = [each for each in outcomes if each.settings is not None]
    if all(each.cost is not None for each in able):
        return min(able, key=lambda each: (each.cost, each.retrainings))
    top = max(able, key=lambda each: each.metric * history.sign)
    margin = usual_margin(history.metric, top.metric, history.baseline) or 0.0
    near = [each for each in able if (top.metric - each.metric) * history.sign <= margin]
    return min(near, key=lambda each: (each.retrainings, -each.metric * history.sign))


# how a model ages, and whether new rows help


@dataclass(frozen=True)
class Age:
    """Models of one age beside those that had just been made.

    Attributes:
        stretches: between the end of what a model was trained on and what it predicts.
        metric: mean over the stretches.
        loss: by how much it is worse than at the youngest age, on the same stretches, turned so that more is worse.
        n: stretches.
    """

    stretches: int
    metric: float
    loss: Estimate
    n: int


def ageing(history: History) -> tuple[Age, ...]:
    """Return how a model gets worse with its age: trained at t − k, scored at t.

    Every age is compared with models of the youngest on the same stretches; Student's interval of the differences, in
    which stretches are taken for independent.
    """
    found = []
    last = len(history.stretches) - 1
    for age in range(1, last - history.first + 1):
        pairs = []
        for at in range(history.first + age, last + 1):
            old, young = history.value(at - age, at), history.value(at - 1, at)
            if old is not None and young is not None:
                pairs.append((old, young))
        if len(pairs) >= 3 or (age == 1 and pairs):
            olds, youngs = np.array(pairs).T
            found.append(Age(age, float(olds.mean()), _difference((youngs - olds) * history.sign), len(pairs)))
    return tuple(found)


def _difference(values: Floats) -> Estimate:
    n, mean = len(values), float(values.mean())
    if n < 3 or not values.any():
        return Estimate(value=mean, n=n, unit="window", rows=n)
    half = t_value(0.95, n - 1) * float(values.std(ddof=1)) / math.sqrt(n)
    return Estimate(value=mean, low=mean - half, high=mean + half, n=n, unit="window", rows=n)


def pilot(history: History, stretches: int) -> Estimate:
    """Return what a model gains from the newest rows: old against old and new, on the last stretch, paired.

    Args:
        history: what happened.
        stretches: how many of the newest stretches before the last are new.

    Returns:
        The gain, turned so that more is better, with the interval of a gate.
    """
    last = len(history.stretches) - 1
    old = max(last - stretches, history.first)
    rows = history.stretches[last]
    codes = None if rows.unit is None else np.unique(rows.unit, return_inverse=True)[1].astype(np.int64)
    name = "row" if codes is None else history.unit
    test_set = TestSet(rows.y, codes, name, history.ordered and codes is not None, None, history.seed, 0.95)
    models = (history.predicted[last, last], history.predicted[old, last])
    found = measure.contrast(history.metric, test_set, Combination(models, (1.0, -1.0))).scaled(float(history.sign))
    return Estimate(
        value=found.estimate, low=found.low, high=found.high, method=found.method, n=found.n, unit=name,
        rows=found.n_rows, refused=found.refused, identical=found.identical,
    )  # fmt: skip


# a model's predictions as a log has them


def _signature(history: History) -> Signature:
    if history.task == "regression":
        return Signature(features=(), task="regression")
    classes = next(iter(history.predicted.values())).classes
    if history.task == "binary":
        return Signature(features=(), task="binary", classes=(0, 1), positive=1)
    return Signature(features=(), task="multiclass", classes=tuple(range(classes)))


def _logged(predictions: Predictions) -> pl.DataFrame:
    if predictions.value is not None:
        return pl.DataFrame({"prediction": predictions.value})
    told = {} if predictions.label is None else {"prediction": predictions.label}
    if predictions.probability is None:
        return pl.DataFrame(told)
    if predictions.probability.ndim == 1:
        return pl.DataFrame(
            {**told, "probability_1": predictions.probability, "probability_0": 1 - predictions.probability}
        )
    return pl.DataFrame({**told, **{f"probability_{at}": each for at, each in enumerate(predictions.probability.T)}})
