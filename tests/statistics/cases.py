"""The table of simulations, every case with a known truth: the suite runs a part, benchmarks/coverage.py the whole."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal
from unittest.mock import patch

import numpy as np
from scipy.special import ndtr, ndtri

from modelyard.stats import bootstrap, estimate, power
from modelyard.stats.bootstrap import bca
from modelyard.stats.interval import Interval, refuse
from modelyard.stats.means import mean_interval
from modelyard.stats.proportions import proportion, tango
from tests.statistics import by_name as b
from tests.statistics import composites as c
from tests.statistics import dependence as d
from tests.statistics.generators import days, paired_labels, ranked

Draw = np.random.Generator
CLOSED, BOOTSTRAP = 2_000, 300
RESAMPLES = 500
"""Of each bootstrap here, instead of 2,000, for time: its limits are rougher, its coverage the same within 0.5 %."""
TAIL, MARGIN, POWER = 0.035, 0.05, 0.8
DIFFERENCE = np.array([1.0, -1.0])


@dataclass(frozen=True)
class Case:
    """One line of the table.

    Attributes:
        name: what is judged, on which data.
        one: the interval of a fresh sample; the second argument is the bootstrap's seed.
        truth: what it should contain; or, with ``margin``, None.
        margin: the models differ by exactly so much, and passes are counted instead of tails.
        power: the models are equally good, and at least 80 % are to pass.
        repetitions: in the suite.
        refuses: the method may refuse here (section "When nothing is concluded" of docs/statistics.md).
        status: ``bar`` is held to the bar; a ``limit`` is known and to be expected.
        suite: whether tests/statistics/test_bars.py runs it (test_coverage.py has its own); all are in benchmarks.
    """

    name: str
    one: Callable[[Draw, int], Interval]
    truth: float | None = None
    margin: float | None = None
    power: bool = False
    repetitions: int = CLOSED
    refuses: bool = False
    status: Literal["bar", "limit"] = "bar"
    suite: bool = False


@dataclass(frozen=True)
class Found:
    """Shares of the judged intervals: wholly above and below the truth, or passing at the margin."""

    above: float
    below: float
    passed: float
    refused: int
    judged: int

    @property
    def worst(self) -> float:
        """The share that the bar is about."""
        return max(self.above, self.below, self.passed)


def allowed(share: float, repetitions: int) -> float:
    """A bar plus three Monte Carlo errors."""
    return share + 3 * math.sqrt(share * (1 - share) / repetitions)


def bar(case: Case) -> float:
    """3.5 % a tail, 5 % of passes at the margin, or 80 % of passes of an equally good model."""
    return POWER if case.power else TAIL if case.margin is None else MARGIN


def held(case: Case, found: Found) -> bool:
    """Whether the bar is held, and nothing refused that may not be."""
    if found.refused and not case.refuses:
        return False
    if case.power:
        return found.passed >= POWER - (allowed(POWER, found.judged) - POWER)
    return found.judged == 0 or found.worst <= allowed(bar(case), found.judged)


def simulate(case: Case, repetitions: int, seed: int = 1) -> Found:
    """Draw and judge; passes at the margin are counted over all repetitions, since a refusal does not pass."""
    with patch.object(bootstrap, "RESAMPLES", RESAMPLES), patch.object(bootstrap, "MORE_RESAMPLES", RESAMPLES):
        return _simulate(case, repetitions, np.random.default_rng(seed))


def _simulate(case: Case, repetitions: int, draw: Draw) -> Found:
    above = below = passed = refused = 0
    for at in range(repetitions):
        found = case.one(draw, at)
        if found.low is None or found.high is None:
            refused += 1
        elif case.margin is not None:
            passed += found.low > -case.margin
        else:
            assert case.truth is not None
            above += found.low > case.truth
            below += found.high < case.truth
    judged = repetitions - refused
    return Found(above / max(judged, 1), below / max(judged, 1), passed / repetitions, refused, judged)


def _proportions() -> list[Case]:
    def one(p: float, n: int) -> Case:
        return Case(f"proportion {p}, n = {n:,}", lambda draw, _: proportion(int(draw.binomial(n, p)), n), truth=p)

    def paired(first: float, second: float, n: int) -> Case:
        return Case(
            f"paired proportions {first} / {second}, n = {n:,}",
            lambda draw, _: tango(*paired_labels(draw, n, first, second), n),
            truth=first - second,
        )

    return [
        *(one(p, n) for p in (0.5, 0.05) for n in (50, 200, 1000, 5000)),
        *(paired(a, b, n) for a, b in ((0.1, 0.1), (0.01, 0.01), (0.05, 0.15)) for n in (50, 200, 1000, 5000)),
    ]


def _aucs() -> list[Case]:
    def one(n: int, positives: float, shift: float) -> Case:
        def draw_one(draw: Draw, _: int) -> Interval:
            data = ranked(draw, n, positives, (shift, shift), 0.5)
            return estimate.level_auc(data.y, data.first)

        value = float(ndtr(shift / math.sqrt(2)))
        return Case(f"AUC {value:.2f}, n = {n:,}, {positives:.0%} positive", draw_one, truth=value,
                    refuses=n * positives < 100)  # fmt: skip

    def paired(n: int, positives: float, shifts: tuple[float, float]) -> Case:
        def draw_one(draw: Draw, _: int) -> Interval:
            data = ranked(draw, n, positives, shifts, 0.7)
            return estimate.contrast_auc(data.y, np.array([data.first, data.second]), DIFFERENCE, 0.0)

        values = [float(ndtr(shift / math.sqrt(2))) for shift in shifts]
        return Case(
            f"AUC {values[0]:.2f} − {values[1]:.2f}, n = {n:,}, {positives:.0%} positive",
            draw_one,
            truth=values[0] - values[1],
            refuses=n * positives < 100,
        )

    def tied(draw: Draw, _: int) -> Interval:
        data = ranked(draw, 400, 0.3, (1.2, 0.9), 0.7)
        scores = np.array([np.digitize(data.first, TIES), np.digitize(data.second, TIES)], dtype=np.float64)
        return estimate.contrast_auc(data.y, scores, DIFFERENCE, 0.0)

    sizes = [(n, positives) for n in (50, 200, 1000, 5000) for positives in (0.5, 0.05)]
    return [
        *(one(n, positives, 1.8) for n, positives in sizes),
        *(paired(n, positives, (1.2, 0.9)) for n, positives in sizes),
        Case("tied AUC − tied AUC (5 values), n = 400, 30% positive", tied, truth=_tied(1.2) - _tied(0.9), suite=True),
    ]


TIES = np.array([-0.5, 0.2, 0.8, 1.6])


def _tied(shift: float) -> float:
    shares = [np.diff(ndtr(np.concatenate(([-np.inf], TIES, [np.inf])) - at)) for at in (shift, 0.0)]
    return float(shares[0] @ (np.cumsum(shares[1]) - shares[1] / 2))


def _means() -> list[Case]:
    samples: dict[str, tuple[Callable[[Draw, int], Any], float]] = {
        "even": (lambda draw, n: draw.normal(size=n), 0.0),
        "exponential": (lambda draw, n: draw.exponential(size=n), 1.0),
        "lognormal σ 0.8": (lambda draw, n: draw.lognormal(sigma=0.8, size=n), math.exp(0.32)),
        "lognormal σ 1.2": (lambda draw, n: draw.lognormal(sigma=1.2, size=n), math.exp(0.72)),
    }

    def one(name: str, n: int) -> Case:
        sample, truth = samples[name]
        return Case(
            f"mean of {name} losses, n = {n:,}",
            lambda draw, at: estimate.level_mean(sample(draw, n), seed=at),
            truth=truth,
            repetitions=CLOSED if name == "even" else BOOTSTRAP,
            refuses=n < 500,
            suite=name == "exponential" and n in (200, 1000),
        )

    return [one(name, n) for name in samples for n in (50, 200, 1000, 5000)]


def _by_day() -> list[Case]:
    everyone = np.ones(1200, dtype=bool)
    unit = np.repeat(np.arange(60), 20)

    def right(draw: Draw, share: float, spread: float) -> Any:
        return draw.random(1200) < np.clip(share + spread * draw.normal(size=60), 0.01, 0.99)[unit]

    def level(share: float, draw: Draw) -> Interval:
        return estimate.level_proportion(right(draw, share, 0.04), everyone, unit=unit)

    def paired(draw: Draw, _: int) -> Interval:
        return estimate.contrast_proportion(
            np.array([right(draw, 0.8, 0.05), right(draw, 0.75, 0.05)]), everyone, DIFFERENCE, 0.0, unit=unit
        )

    def auc_level(draw: Draw, _: int) -> Interval:
        data = ranked(draw, 1200, 0.3, (1.2, 0.9), 0.7)
        return estimate.level_auc(data.y, data.first + 0.3 * draw.normal(size=60)[unit], unit=unit)

    def auc_paired(draw: Draw, _: int) -> Interval:
        data = ranked(draw, 1200, 0.3, (1.2, 0.9), 0.7)
        shock = 0.3 * draw.normal(size=(2, 60))[:, unit]
        return estimate.contrast_auc(data.y, np.array([data.first, data.second]) + shock, DIFFERENCE, 0.0, unit=unit)

    def f1(draw: Draw, at: int) -> Interval:
        y, label = _labels(draw, 600, 0.3)
        return bca(_f1(y, label), 600, at, unit=np.repeat(np.arange(60), 10), resamples=RESAMPLES)

    # A day's shock is in both classes' scores, so that it blurs the ranking between days.
    blurred = [float(ndtr(shift / math.sqrt(2 * 1.09))) for shift in (1.2, 0.9)]
    return [
        Case("proportion 0.8 over 60 days", lambda draw, _: level(0.8, draw), truth=0.8, suite=True),
        Case("difference of proportions over 60 days", paired, truth=0.05, suite=True),
        Case("AUC over 60 days", auc_level, truth=blurred[0], repetitions=1_000, suite=True),
        Case(
            "difference of AUCs over 60 days", auc_paired, truth=blurred[0] - blurred[1], repetitions=1_000, suite=True
        ),
        Case("F1 over 60 days, cluster bootstrap", f1, truth=F1, repetitions=BOOTSTRAP, suite=True),
    ]


def _labels(draw: Draw, n: int, positives: float) -> tuple[Any, Any]:
    y = (draw.random(n) < positives).astype(np.int64)
    return y, (draw.random(n) < np.where(y == 1, 0.8, 0.1)).astype(np.int64)


F1 = 2 * 0.3 * 0.8 / (0.3 + 0.3 * 0.8 + 0.7 * 0.1)


def _f1(y: Any, label: Any) -> Callable[[Any], float | None]:
    hit, either = (y * label).astype(np.float64), (y + label).astype(np.float64)

    def statistic(weight: Any) -> float | None:
        below = float(weight @ either)
        return 2 * float(weight @ hit) / below if below else None

    return statistic


def _bootstraps() -> list[Case]:
    def f1(n: int) -> Case:
        def draw_one(draw: Draw, at: int) -> Interval:
            y, label = _labels(draw, n, 0.3)
            if min(np.bincount(y, minlength=2)) < estimate.FEWEST_OF_A_CLASS:
                return refuse("few", n=n, n_rows=n)
            return bca(_f1(y, label), n, at, resamples=RESAMPLES)

        return Case(f"F1, n = {n:,}, 30% positive", draw_one, truth=F1, repetitions=BOOTSTRAP, refuses=n < 150,
                    suite=n == 200)  # fmt: skip

    def balanced(draw: Draw, at: int) -> Interval:
        y, label = _labels(draw, 1000, 0.05)
        if min(np.bincount(y, minlength=2)) < estimate.FEWEST_OF_A_CLASS:
            return refuse("few", n=1000, n_rows=1000)
        of_one, hit, of_zero = (y == 1) * 1.0, (y * label) * 1.0, ((1 - y) * (1 - label)) * 1.0

        def statistic(weight: Any) -> float | None:
            ones = float(weight @ of_one)
            rest = float(weight.sum()) - ones
            return (float(weight @ hit) / ones + float(weight @ of_zero) / rest) / 2 if ones and rest else None

        return bca(statistic, 1000, at, resamples=RESAMPLES)

    return [
        *(f1(n) for n in (200, 1000)),
        Case("balanced accuracy, n = 1,000, 5% positive", balanced, truth=0.85, repetitions=BOOTSTRAP, refuses=True,
             suite=True),
    ]  # fmt: skip


def _at_the_margin() -> list[Case]:
    def labels(n: int, margin: float, disagreement: float) -> Case:
        better, worse = (disagreement - margin) / 2, (disagreement + margin) / 2
        return Case(
            f"accuracy worse by the margin {margin}, disagreement {disagreement:.0%}, n = {n:,}",
            lambda draw, _: tango(*paired_labels(draw, n, better, worse), n),
            margin=margin,
            suite=disagreement == 0.02,
        )

    def weighted(n: int, margin: float) -> Case:
        def draw_one(draw: Draw, _: int) -> Interval:
            right = np.array([draw.random(n) >= margin, np.ones(n, dtype=bool)])
            return estimate.contrast_proportion(right, right[1], DIFFERENCE, 0.0, weight=draw.uniform(0.5, 1.5, n))

        return Case(f"weighted accuracy worse by the margin {margin}, n = {n:,}", draw_one, margin=margin, refuses=True,
                    suite=True)  # fmt: skip

    def aucs(n: int, positives: float, shifts: tuple[float, float]) -> Case:
        values = [float(ndtr(shift / math.sqrt(2))) for shift in shifts]
        margin = values[1] - values[0]

        def draw_one(draw: Draw, _: int) -> Interval:
            data = ranked(draw, n, positives, shifts, 0.7)
            return estimate.contrast_auc(data.y, np.array([data.first, data.second]), DIFFERENCE, 0.0, margin=margin)

        return Case(
            f"AUC {values[1]:.3f} worse by the margin {margin:.3f}, n = {n:,}, {positives:.0%} positive",
            draw_one,
            margin=margin,
            refuses=True,
            suite=shifts[1] > 2 and n == 1000,
        )

    def by_day(groups: int) -> Case:
        def draw_one(draw: Draw, _: int) -> Interval:
            values, unit = days(draw, groups, 10, 0.5)
            return estimate.contrast_mean(np.array([values - 0.1, np.zeros_like(values)]), DIFFERENCE, 0.0, unit=unit)

        return Case(f"loss worse by the margin, {groups} days", draw_one, margin=0.1)

    return [
        *(labels(n, 0.01, d) for n in (200, 1000, 5000) for d in (0.02, 0.2)),
        *(weighted(n, margin) for n, margin in ((200, 0.02), (1000, 0.005), (1000, 0.02))),
        *(aucs(n, p, shifts) for n in (200, 1000) for p in (0.5, 0.05) for shifts in ((1.0, 1.1), (2.5, 2.7))),
        *(by_day(groups) for groups in (60, 92)),
    ]


def _known_limits() -> list[Case]:
    def by_day(groups: int) -> Case:
        def draw_one(draw: Draw, _: int) -> Interval:
            values, unit = days(draw, groups, 10, 0.5)
            return estimate.contrast_mean(np.array([values**3, np.zeros_like(values)]), DIFFERENCE, 0.0, unit=unit)

        return Case(f"difference of heavy-tailed losses over {groups} days", draw_one, truth=0.0, status="limit")

    def memory(draw: Draw, _: int) -> Interval:
        values, unit = days(draw, 92, 10, 1.0, memory=0.5)
        return estimate.level_mean(values, unit=unit, lags=7)

    def catastrophe(draw: Draw, at: int) -> Interval:
        return mean_interval(draw.exponential(size=500) + 200.0 * (draw.random(500) < 0.005), seed=at)

    def lognormal(n: int) -> Case:
        return Case(f"mean of lognormal losses, σ 2, n = {n:,}",
                    lambda draw, at: mean_interval(draw.lognormal(sigma=2.0, size=n), seed=at),
                    truth=math.exp(2.0), repetitions=BOOTSTRAP, status="limit")  # fmt: skip

    return [
        by_day(10),
        by_day(30),
        Case("level over 92 days that remember the day before (0.5)", memory, truth=0.0, status="limit"),
        lognormal(200),
        lognormal(1000),
        Case("mean of losses with one catastrophe in 200, n = 500", catastrophe, truth=2.0, repetitions=BOOTSTRAP,
             status="limit"),
        Case("mean of losses of infinite variance (Pareto 1.5), n = 1,000",
             lambda draw, at: mean_interval(draw.pareto(1.5, 1000), seed=at), truth=2.0, repetitions=BOOTSTRAP,
             status="limit"),
    ]  # fmt: skip


def _composed() -> list[Case]:
    found = []
    for n in (200, 1000):
        for name, p, rates in (
            ("precision", 0.3, (0.8, 0.1)), ("precision", 0.3, (0.8, 0.005)), ("f1", 0.3, (0.98, 0.005)),
            ("f1", 0.05, (0.8, 0.02)), ("balanced_accuracy", 0.3, (0.8, 0.1)), ("balanced_accuracy", 0.05, (0.97, 0.1)),
        ):  # fmt: skip
            value = c.value_of(name, p, *rates)
            found.append(Case(f"{name} {value:.2f}, n = {n:,}, {p:.0%} positive", c.one_label(name, n, p, rates),
                              truth=value, suite=n == 200, refuses=n * p < 100))  # fmt: skip
    for n in (200, 1000, 5000):
        for name, p, pair in (
            ("precision", 0.3, ((0.8, 0.1), (0.8, 0.08))), ("precision", 0.3, ((0.8, 0.01), (0.8, 0.005))),
            ("f1", 0.3, ((0.8, 0.1), (0.75, 0.1))), ("f1", 0.3, ((0.98, 0.01), (0.99, 0.005))),
            ("balanced_accuracy", 0.05, ((0.9, 0.1), (0.95, 0.1))),
        ):  # fmt: skip
            values = [c.value_of(name, p, *each) for each in pair]
            found.append(Case(f"{name} {values[0]:.2f} − {values[1]:.2f}, n = {n:,}, {p:.0%} positive",
                              c.two_labels(name, n, p, pair), truth=values[0] - values[1], repetitions=BOOTSTRAP,
                              refuses=n < 1000 or min(values) > 0.95, suite=n == 1000 and name == "f1"))  # fmt: skip
        for name in ("recall_macro", "f1_macro", "precision_macro"):
            for right, other in (((0.8, 0.7, 0.6), (0.8, 0.65, 0.6)), ((0.99, 0.98, 0.98), (0.99, 0.99, 0.99))):
                values = [c.macro(name, right), c.macro(name, other)]
                found.append(Case(f"{name} {values[0]:.2f}, n = {n:,}", c.several_classes(name, n, right),
                                  truth=values[0], repetitions=BOOTSTRAP, refuses=n < 1000))  # fmt: skip
                found.append(Case(f"{name} {values[0]:.3f} − {values[1]:.3f}, n = {n:,}",
                                  c.several_classes(name, n, right, other), truth=values[0] - values[1],
                                  repetitions=BOOTSTRAP, refuses=n < 1000 or min(values) > 0.95))  # fmt: skip
    return found


def _errors() -> list[Case]:
    found = []
    for n in (50, 200, 1000, 5000):
        for tails, words in ((0.0, "normal"), (6.0, "t6")):
            scale = {"root_mean_squared_error": 1.0, "mean_absolute_error": math.sqrt(2 / math.pi)}
            for name, factor in scale.items():
                if tails and name == "mean_absolute_error":
                    continue
                found.append(Case(f"{name} of {words} errors, n = {n:,}", c.of_errors(name, n, (1.0,), tails),
                                  truth=factor, repetitions=BOOTSTRAP, refuses=n < 500))  # fmt: skip
                found.append(Case(f"difference of {name}, {words} errors, n = {n:,}",
                                  c.of_errors(name, n, (0.95, 1.0), tails), truth=-0.05 * factor,
                                  repetitions=BOOTSTRAP, refuses=n < 500,
                                  suite=n == 200 and name[0] == "r"))  # fmt: skip
        found.append(Case(f"r2 0.50, n = {n:,}", c.of_errors("r2", n, (math.sqrt(0.5),)), truth=0.5,
                          repetitions=BOOTSTRAP, refuses=n < 500))  # fmt: skip
        found.append(Case(f"difference of r2, n = {n:,}", c.of_errors("r2", n, (0.7, 0.75)),
                          truth=0.75**2 - 0.7**2, repetitions=BOOTSTRAP, refuses=n < 500))  # fmt: skip
        found.append(Case(f"median_absolute_error, n = {n:,}", c.of_errors("median_absolute_error", n, (1.0,)),
                          truth=c.HALF_NORMAL_MEDIAN, repetitions=BOOTSTRAP, refuses=n < 500))  # fmt: skip
        for name, changed, p in (("log_loss", 1.0, 0.5), ("log_loss", 0.02, 0.5), ("log_loss", 1.0, 0.05),
                                 ("brier_score", 1.0, 0.05)):  # fmt: skip
            found.append(Case(f"difference of {name}, {changed:.0%} of rows changed, n = {n:,}, {p:.0%} positive",
                              c.of_losses(name, n, changed, p), truth=0.0, repetitions=BOOTSTRAP,
                              refuses=n * changed < 500, suite=n == 1000 and changed < 1))  # fmt: skip
    return found


def _rankings() -> list[Case]:
    found = []
    for n in (200, 1000, 5000):
        for p, shift in ((0.5, 1.2), (0.05, 1.8), (0.3, 3.2)):
            value = c.average_precision(p, shift)
            both = value - c.average_precision(p, shift + 0.1)
            few = n * p < 100 or shift > 3
            found.append(Case(f"average precision {value:.2f}, n = {n:,}, {p:.0%} positive",
                              c.rankings("average_precision", n, (1 - p, p), (shift,)), truth=value,
                              repetitions=BOOTSTRAP, refuses=few))  # fmt: skip
            found.append(Case(f"difference of average precision {value:.2f}, n = {n:,}, {p:.0%} positive",
                              c.rankings("average_precision", n, (1 - p, p), (shift, shift + 0.1)), truth=both,
                              repetitions=BOOTSTRAP, refuses=few))  # fmt: skip
        for shift in (1.2, 3.2):
            value, few = c.area(shift), n < 1000 or shift > 3
            found.append(Case(f"multiclass AUC {value:.3f}, n = {n:,}",
                              c.rankings("roc_auc_ovr", n, (0.6, 0.3, 0.1), (shift,)), truth=value,
                              repetitions=BOOTSTRAP, refuses=few))  # fmt: skip
            found.append(Case(f"difference of multiclass AUC {value:.3f}, n = {n:,}",
                              c.rankings("roc_auc_ovr", n, (0.6, 0.3, 0.1), (shift, shift + 0.1)),
                              truth=value - c.area(shift + 0.1), repetitions=BOOTSTRAP, refuses=few))  # fmt: skip
        found.append(Case(f"weighted AUC, n = {n:,}", c.rankings("roc_auc", n, (0.7, 0.3), (1.2,), weighted=True),
                          truth=c.area(1.2), repetitions=BOOTSTRAP, refuses=n < 500))  # fmt: skip
    return found


def _shares() -> list[Case]:
    """Linear contrasts: relative margins, shares of a gain, and the shortfall from perfect, at their boundary."""
    found = []
    for n in (200, 1000, 5000):
        found.append(Case(f"accuracy at exactly 0.98 of the champion's, n = {n:,}",
                          c.shares(n, (1.0, -0.98), (0.784, 0.8)), margin=0.0, suite=n == 1000))  # fmt: skip
        found.append(Case(f"accuracy at exactly nine tenths of the champion's gain, n = {n:,}",
                          c.shares(n, (1.0, -0.9, -0.1), (0.77, 0.8, 0.5)), margin=0.0, suite=n == 1000))  # fmt: skip
        kept = math.sqrt(2) * float(ndtri(0.5 + 0.9 * (c.area(1.2) - 0.5)))
        found.append(Case(f"AUC at exactly nine tenths of the champion's gain, n = {n:,}",
                          c.of_gain(n, (kept, 1.2), (1.0, -0.9, -0.1)), margin=0.0, refuses=True))  # fmt: skip
        short = math.sqrt(2) * float(ndtri(1 - 1.1 * (1 - c.area(1.8))))
        found.append(Case(f"AUC short of perfect by exactly a tenth more, n = {n:,}",
                          c.of_gain(n, (short, 1.8), (1.0, -1.1), 0.1), margin=0.0, refuses=True))  # fmt: skip
    return found


def _equally_good() -> list[Case]:
    def one(margin: float, disagreement: float) -> Case:
        n = power.rows_to_pass(margin, disagreement)
        return Case(f"equally good, disagreement {disagreement:.1%}, margin {margin}: n = {n:,}",
                    lambda draw, _: tango(*paired_labels(draw, n, disagreement / 2, disagreement / 2), n),
                    margin=margin, power=True)  # fmt: skip

    return [one(margin, d) for d in (0.005, 0.01, 0.05, 0.2) for margin in (0.005, 0.01, 0.02)]


def _quiet_units() -> list[Case]:
    """Proportions near 1 over days: on many samples no unit differs from another."""
    everyone, unit = np.ones(600, dtype=bool), np.repeat(np.arange(60), 10)

    def level(draw: Draw, _: int) -> Interval:
        return estimate.level_proportion(draw.random(600) < 0.998, everyone, unit=unit)

    def paired(draw: Draw, _: int) -> Interval:
        right = np.array([draw.random(600) < 0.99, np.ones(600, dtype=bool)])
        return estimate.contrast_proportion(right, everyone, DIFFERENCE, 0.0, unit=unit)

    return [
        Case("proportion 0.998 over 60 days of 10 rows", level, truth=0.998, suite=True),
        Case("accuracy worse by the margin 0.01 on single rows, 60 days of 10", paired, margin=0.01, suite=True),
    ]


def _made(name: str, n: int, one: Callable[[Draw, int], Interval], truth: float, **more: Any) -> Case:
    fields: dict[str, Any] = {"repetitions": BOOTSTRAP} | more
    return Case(f"{name}, n = {n:,}", one, truth=truth, **fields)


def _correlations() -> list[Case]:
    found, mcc = [], "matthews_corrcoef"
    for n in (50, 200, 1000, 5000):
        for p, rates in ((0.3, (0.8, 0.1)), (0.3, (0.99, 0.005)), (0.05, (0.8, 0.02)), (0.05, (0.97, 0.002))):
            value = b.matthews(p, *rates)
            found.append(_made(f"{mcc} {value:.2f}, {p:.0%} positive", n, c.one_label(mcc, n, p, rates), value,
                               refuses=n * p < 100, suite=n == 200 and rates[0] == 0.99))  # fmt: skip
        for p, pair in ((0.3, ((0.8, 0.1), (0.75, 0.1))), (0.3, ((0.98, 0.01), (0.99, 0.005))),
                        (0.05, ((0.8, 0.02), (0.85, 0.03)))):  # fmt: skip
            values = [b.matthews(p, *each) for each in pair]
            found.append(_made(f"{mcc} {values[0]:.2f} − {values[1]:.2f}, {p:.0%} positive", n,
                               c.two_labels(mcc, n, p, pair), values[0] - values[1],
                               refuses=n * p < 100 or min(values) > 0.95))  # fmt: skip
        for right, other in (((0.8, 0.7, 0.6), (0.8, 0.65, 0.6)), ((0.99, 0.98, 0.98), (0.99, 0.99, 0.99))):
            values = [b.matthews_of_three(right), b.matthews_of_three(other)]
            found.append(_made(f"{mcc} of three classes {values[0]:.2f}", n, c.several_classes(mcc, n, right),
                               values[0], refuses=n < 1000))  # fmt: skip
            found.append(_made(f"{mcc} of three classes {values[0]:.3f} − {values[1]:.3f}", n,
                               c.several_classes(mcc, n, right, other), values[0] - values[1],
                               refuses=n < 1000 or min(values) > 0.95))  # fmt: skip
    return found


def _of_several_classes() -> list[Case]:
    """Areas and top-k accuracy; every area of such scores is the same."""
    found = []
    metrics: dict[str, tuple[Any, int]] = {
        **{name: (name, BOOTSTRAP) for name in ("roc_auc_ovo", "roc_auc_ovo_weighted", "roc_auc_ovr_weighted")},
        "roc_auc of the third of three classes": (b.THIRD, CLOSED),
    }
    for n, shift in product((50, 200, 1000, 5000), (1.2, 3.2)):
        value, better = c.area(shift), c.area(shift + 0.1)
        for name, (metric, repetitions) in metrics.items():
            one, two = (b.scores(n, (0.6, 0.3, 0.1), each) for each in ((shift,), (shift, shift + 0.1)))
            found.append(_made(f"{name} {value:.3f}", n, b.judged(metric, one), value, repetitions=repetitions,
                               refuses=n < 1000))  # fmt: skip
            found.append(_made(f"difference of {name} {value:.3f}", n, b.judged(metric, two), value - better,
                               repetitions=repetitions, refuses=n < 1000 or shift > 3))  # fmt: skip
        first, second = b.top(2, 4, shift), b.top(2, 4, shift + 0.1)
        one, two = (b.scores(n, (0.25,) * 4, each) for each in ((shift,), (shift, shift + 0.1)))
        found.append(_made(f"top_k_accuracy {first:.3f}", n, b.judged("top_k_accuracy", one), first,
                           repetitions=CLOSED, suite=n == 200))  # fmt: skip
        found.append(_made(f"difference of top_k_accuracy {first:.3f}", n, b.judged("top_k_accuracy", two),
                           first - second, repetitions=CLOSED))  # fmt: skip
    return found


def _of_values() -> list[Case]:
    """Percentage errors, deviances, and the coverage of quantiles."""
    found = []
    mape, smape = "mean_absolute_percentage_error", "symmetric_mean_absolute_percentage_error"
    kinds: tuple[tuple[Any, Any, Any, float, float], ...] = (
        (mape, b.factors, b.percentage, 0.2, 0.22), (mape, b.factors, b.percentage, 0.6, 0.66),
        (smape, b.factors, b.symmetric, 0.2, 0.22), (smape, b.factors, b.symmetric, 0.6, 0.66),
        ("mean_poisson_deviance", b.counts, b.poisson_deviance, 1.1, 0.8),
        ("mean_gamma_deviance", b.amounts, b.gamma_deviance, 1.1, 0.8),
        (b.TWEEDIE, b.claims, b.tweedie_deviance, 1.1, 0.8),
    )  # fmt: skip
    for n in (50, 200, 1000, 5000):
        for metric, sample, value_of, first, second in kinds:
            name = metric if isinstance(metric, str) else "mean_tweedie_deviance of power 1.5"
            found.append(_made(f"{name} {value_of(first):.2f}", n, b.judged(metric, sample(n, (first,))),
                               value_of(first), refuses=n < 500, suite=n == 200 and sample is b.counts))  # fmt: skip
            found.append(_made(f"difference of {name} {value_of(first):.2f}", n,
                               b.judged(metric, sample(n, (first, second))), value_of(first) - value_of(second),
                               refuses=n < 500))  # fmt: skip
        for q in (0.05, 0.5, 0.9):
            name = f"quantile_coverage_{q * 100:02.0f}"
            found.append(_made(name, n, b.judged(name, b.quantiles(n, q)), q, repetitions=CLOSED,
                               suite=n == 200 and q == 0.9))  # fmt: skip
    return found


def _adjusted() -> list[Case]:
    found = []
    for n, strength in product((100, 200, 1000, 5000), (0.0, 0.5, 0.8)):
        for kind in ("accuracy", "mean_absolute_error"):
            found.append(_made(f"{kind} adjusted by a column, strength {strength}", n,
                               b.controlled(kind, n, strength), b.controlled_truth(kind, strength),
                               repetitions=CLOSED if kind == "accuracy" and n > 200 else BOOTSTRAP,
                               refuses=n < 100, suite=(kind[0], n, strength) == ("m", 200, 0.8)))  # fmt: skip
            if n >= 1000:
                found.append(_made(f"{kind} adjusted by a column, strength {strength}, 100 stores", n,
                                   b.controlled(kind, n, strength, units=100),
                                   b.controlled_truth(kind, strength, units=True)))  # fmt: skip
    return found


def _dispersed() -> list[Case]:
    found = []
    for n, positives in ((200, 0.5), (2_000, 0.05), (20_000, 0.05)):
        big = n > 2_000
        found += [Case(f"AUC 0.80, positives {spread:g} times as dispersed, n = {n:,}, {positives:.0%} positive",
                       d.dispersed(n, positives, spread), truth=0.8, repetitions=400 if big else CLOSED,
                       suite=not big) for spread in (3.0, 0.33)]  # fmt: skip
        found.append(Case(f"AUC, 6% outlying positives, n = {n:,}, {positives:.0%} positive",
                          **d.joint(d.outlying(n, positives)), repetitions=400 if big else CLOSED,
                          suite=not big))  # fmt: skip
        found.append(Case(f"difference of AUCs, crossed curves, n = {n:,}, {positives:.0%} positive",
                          **d.joint(d.crossed(n, positives)), repetitions=400 if big else CLOSED,
                          suite=n == 2_000))  # fmt: skip
    found.append(Case("AUC 0.50, positives 3 times as dispersed, n = 2,000, 5% positive: passes as above 0.5",
                      d.dispersed(2_000, 0.05, 3.0, 0.5), margin=-0.5, suite=True))  # fmt: skip
    return found


def _with_memory() -> list[Case]:
    found = []
    for memory in (0.0, 0.5, 0.8):
        strong = memory > 0.7
        status: Literal["bar", "limit"] = "limit" if strong else "bar"
        found.append(Case(f"accuracy worse by the margin 0.02, 92 days, memory {memory}", d.accuracy_over_days(memory),
                          margin=0.02, repetitions=1_000, refuses=strong, suite=not strong, status=status))  # fmt: skip
        found.append(Case(f"difference of accuracies, 92 days, memory {memory}", d.accuracy_over_days(memory),
                          truth=-0.02, refuses=True, status=status))  # fmt: skip
        one, truth = d.auc_over_days(memory)
        found.append(Case(f"difference of AUCs, 92 days, memory {memory}", one, truth=truth, repetitions=500,
                          refuses=True, suite=not strong, status=status))  # fmt: skip
        found.append(Case(f"accuracy 0.80, 92 days, memory {memory}", d.level_over_days(memory), truth=0.8,
                          repetitions=1_000, refuses=True, suite=not strong, status=status))  # fmt: skip
        found += [Case(f"difference of accuracies, {groups} days, memory {memory}",
                       d.accuracy_over_days(memory, groups=groups), truth=-0.02, refuses=True,
                       status="limit" if strong or (memory and groups < 60) else "bar")
                  for groups in (30, 365)]  # fmt: skip
    return found


def _unequal_units() -> list[Case]:
    found = []
    for what, truth in d.STORES.items():
        auc = "AUC" in what
        for kind, units in (("equal", 40), ("half", 40), ("half", 200), ("lognormal", 12), ("lognormal", 60),
                            ("lognormal", 200)):  # fmt: skip
            found.append(Case(f"{what} over {units} stores of {kind} size", d.stores(what, units, kind), truth=truth,
                              repetitions=500 if auc else CLOSED, refuses=kind != "equal",
                              suite=units == 200 or kind == "equal"))  # fmt: skip
    return found


def _weighted() -> list[Case]:
    return [
        Case(f"weighted {what}, n = {n:,}, weights lognormal σ {sigma:g} tied to it", d.weighted(what, n, sigma),
             truth=d.weighted_truth(what, sigma), refuses=True, suite=n == 500 and sigma > 1)
        for what in ("level", "difference", "mean")
        for n in (200, 500, 2_000)
        for sigma in (0.5, 1.0, 1.5)
    ]  # fmt: skip


def _joint_margins() -> list[Case]:
    found = []
    for n in (200, 1_000):
        for share in (0.1, 0.2, 0.5):
            found += [Case(f"accuracy at exactly {1 - share:g} of the champion's, agreeing {agree:.0%}, n = {n:,}",
                           d.relative(n, share, agree=agree), margin=0.0, suite=n == 1_000) for agree in (0.0, 0.5)
                      ]  # fmt: skip
        found.append(Case(f"accuracy at exactly half of the champion's gain, n = {n:,}", d.half_of_gain(n),
                          margin=0.0, suite=True))  # fmt: skip
    return found


def _not_flattered() -> list[Case]:
    return [
        Case("difference of absolute errors, one catastrophe in 100, n = 150", d.catastrophes(150),
             truth=0.39, repetitions=BOOTSTRAP, status="limit", refuses=True),
        Case("difference of absolute errors, one catastrophe in 100, n = 2,000", d.catastrophes(2_000),
             truth=0.39, repetitions=BOOTSTRAP, status="limit"),
        *(Case(f"r2 0.50, errors t5, n = {n:,}", d.r2(n), truth=0.5, repetitions=BOOTSTRAP, refuses=n < 100,
               status="limit") for n in (60, 100, 500)),
    ]  # fmt: skip


CASES = tuple(
    case
    for group in (
        _proportions, _aucs, _means, _by_day, _bootstraps, _at_the_margin, _composed, _errors, _rankings, _shares,
        _quiet_units, _correlations, _of_several_classes, _of_values, _adjusted, _equally_good, _dispersed,
        _with_memory, _unequal_units, _weighted, _joint_margins, _not_flattered, _known_limits,
    )
    for case in group()
)  # fmt: skip
