"""Simulations of whole gates: slices as guards, the default gates, and a series of promotions."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from modelyard.config.sections.gate import Gate
from modelyard.core.verdict import Verdict, worst
from modelyard.evaluation.gates import rules
from modelyard.evaluation.gates.judge import judge
from modelyard.evaluation.test_set import Groups, TestSet
from modelyard.metrics.catalogue import METRICS
from modelyard.metrics.predictions import Predictions
from modelyard.records.results import GateResult
from modelyard.stats.proportions import tango

SLICES, ROWS = 30, 400
N = SLICES * ROWS
NAMES = np.repeat(np.arange(SLICES), ROWS)
PARTS = Groups.of(NAMES)


@dataclass(frozen=True)
class Line:
    """One line of the table of whole gates: what was counted, in how many runs, and the bar."""

    name: str
    share: float
    runs: int
    at_most: float | None = None
    at_least: float | None = None


def rule(**fields: Any) -> rules.Rule:
    gate = Gate(**{"by": ["part"], **fields})
    return rules.from_config((gate,), "binary", lambda _: None, "modelyard.yml")[0]


def judged(gate: rules.Rule, y: Any, unit: Any = None, *, level: float = 0.95, **right: Any) -> GateResult:
    """One gate; ``right``: by role, whether a model has each row right. The same array is the same model."""
    truth = TestSet(y, unit, "row" if unit is None else "day", False, None, seed=1, confidence=level)
    models = {
        role: replace(Predictions(2, np.where(each, y, 1 - y)), model=str(hash(each.tobytes())))
        for role, each in right.items()
    }
    return judge(gate, truth, models, {"part": PARTS})


def accused(found: GateResult) -> list[str]:
    return [row.value for row in found.slices if row.verdict is Verdict.FAIL]


def at_the_bound(runs: int, metric: str = "accuracy") -> Line:
    """Every slice exactly at its bound, the hardest case of no shortfall."""
    draw = np.random.default_rng(2)
    y = (draw.random(N) < 0.5).astype(np.int64)
    gate = rule(metric=metric, at_least=0.8)
    wrong = sum(bool(accused(judged(gate, y, challenger=draw.random(N) < 0.8))) for _ in range(runs))
    return Line(
        f"30 slices of 400 rows, {metric} exactly at the bound: one is accused", wrong / runs, runs, at_most=0.05
    )


def with_days(runs: int) -> Line:
    """Rows of a day share a shock of 15 points; row-wise p alone would accuse nearly always."""
    draw = np.random.default_rng(3)
    y = (draw.random(N) < 0.5).astype(np.int64)
    gate = rule(metric="accuracy", at_least=0.75)
    unit = np.tile(np.arange(ROWS) % 80, SLICES)
    wrong = 0
    for _ in range(runs):
        shock = draw.uniform(-0.15, 0.15, (SLICES, 80))[NAMES, unit]
        wrong += bool(accused(judged(gate, y, unit, challenger=draw.random(N) < 0.75 + shock)))
    return Line("the same, rows of a day alike: one is accused", wrong / runs, runs, at_most=0.05)


def crossed_areas(runs: int) -> Line:
    """20 slices whose AUC is exactly the bound, positives three times as dispersed as negatives."""
    draw, slices, rows = np.random.default_rng(7), 20, 600
    names, value, spread = Groups.of(np.repeat(np.arange(slices), rows)), 0.8, 3.0
    shift = float(ndtri(value)) * math.sqrt(1 + spread**2)
    gate, wrong = rule(metric="roc_auc", at_least=value), 0
    for _ in range(runs):
        y = (draw.random(slices * rows) < 0.1).astype(np.int64)
        score = np.where(y == 1, shift + spread * draw.normal(size=len(y)), draw.normal(size=len(y)))
        truth = TestSet(y, None, "row", False, None, seed=1, confidence=0.95)
        found = judge(gate, truth, {"challenger": Predictions(2, None, ndtr(score))}, {"part": names})
        wrong += bool(accused(found))
    return Line("20 slices, AUC exactly at the bound, crossed curves: one is accused", wrong / runs, runs, at_most=0.05)


def unequal_stores(runs: int, *, against: str = "") -> Line:
    """12 regions of 60 stores, lognormal in size, whose stores differ; each region exactly at the bound."""
    draw, regions, stores = np.random.default_rng(8), 12, 60
    fields = {"no_worse_than": "champion", "margin": 0.02} if against else {"at_least": 0.8}
    gate, wrong = rule(metric="accuracy", **fields), 0
    for _ in range(runs):
        sizes = np.maximum(draw.lognormal(3.0, 1.2, regions * stores).astype(int), 1)
        unit = np.repeat(np.arange(regions * stores), sizes)
        names, n = Groups.of(unit // stores), len(unit)
        moved, luck = 0.06 * draw.normal(size=regions * stores)[unit], draw.random(n)
        y = (draw.random(n) < 0.5).astype(np.int64)
        right = {"challenger": luck < (0.78 if against else 0.8) + moved, "champion": luck < 0.8}
        models = {
            role: replace(Predictions(2, np.where(each, y, 1 - y)), model=role) for role, each in right.items()
            if against or role == "challenger"
        }  # fmt: skip
        truth = TestSet(y, unit, "store", False, None, seed=1, confidence=0.95)
        wrong += bool(accused(judge(gate, truth, models, {"part": names})))
    words = "worse by exactly the margin" if against else "exactly at the bound"
    return Line(f"12 regions of 60 unequal stores, {words}: one is accused", wrong / runs, runs, at_most=0.05)


def equally_good(runs: int) -> Line:
    """Challenger and champion as good in each slice, at 20 % disagreement, worse by exactly the margin."""
    draw = np.random.default_rng(5)
    y = (draw.random(N) < 0.5).astype(np.int64)
    gate = rule(metric="accuracy", no_worse_than="champion", margin=0.01)
    wrong = 0
    for _ in range(runs):
        draws = draw.random(N)
        only_champion, only_challenger = draws < 0.105, draws > 1 - 0.095
        both = ~only_champion & ~only_challenger & (draw.random(N) < 0.85)
        found = judged(gate, y, challenger=both | only_challenger, champion=both | only_champion)
        wrong += bool(accused(found))
    return Line("30 slices, all worse by exactly the margin 0.01: one is accused", wrong / runs, runs, at_most=0.05)


def three_are_worse(runs: int) -> list[Line]:
    """Challenger against champion, disagreement 20 %, margin 0.01, three slices worse by 10 points."""
    draw = np.random.default_rng(4)
    y = (draw.random(N) < 0.5).astype(np.int64)
    gate = rule(metric="accuracy", no_worse_than="champion", margin=0.01)
    found = dict.fromkeys(("0", "1", "2"), 0)
    falsely = 0
    for _ in range(runs):
        worse = np.where(NAMES < 3, 0.15, 0.10)
        draws = draw.random(N)
        only_champion, only_challenger = draws < worse, draws > 1 - (0.20 - worse)
        both = ~only_champion & ~only_challenger & (draw.random(N) < 0.85)
        names = accused(judged(gate, y, challenger=both | only_challenger, champion=both | only_champion))
        for name in names:
            found[name] = found.get(name, 0) + 1
        falsely += bool(set(names) - {"0", "1", "2"})
    least = min(found[name] for name in ("0", "1", "2"))
    return [
        Line("3 of 30 slices worse by 10 points: the one that is called least", least / runs, runs, at_least=0.8),
        Line("the same: a good slice is accused", falsely / runs, runs, at_most=0.05),
    ]


@dataclass(frozen=True)
class Series:
    """A series of challengers: how many, how much better than the champion in margins, and on how many rows."""

    steps: int = 20
    mean: float = -0.5
    spread: float = 0.5
    n: int = 5_000
    disagreement: float = 0.05


SERIES = (
    Series(), Series(steps=60), Series(mean=-0.2), Series(mean=-1.0, spread=1.0),
    Series(mean=-0.2, spread=0.3, n=20_000, disagreement=0.1),
    Series(steps=60, mean=-0.3, spread=0.3, n=20_000, disagreement=0.1),
)  # fmt: skip


def walk(runs: int, *, with_best: bool, series: Series = SERIES[0], margin: float = 0.01) -> Any:
    """Margins that a champion has moved at the end of each of many series of challengers."""
    draw, disagreement, n = np.random.default_rng(6), series.disagreement, series.n
    ends = []

    def difference(first: float, second: float) -> Any:
        gap = float(np.clip(first - second, -disagreement, disagreement))
        both = [(disagreement + gap) / 2, (disagreement - gap) / 2, 1 - disagreement]
        better, worse, _ = draw.multinomial(n, both)
        return tango(int(better), int(worse), n)

    for _ in range(runs):
        champion = best = 0.0
        for _step in range(series.steps):
            challenger = champion + margin * draw.normal(series.mean, series.spread)
            against = difference(challenger, best) if with_best else None
            if (difference(challenger, champion).low or -1) <= -margin:
                continue
            if against is not None and (against.low or -1) <= -margin:
                continue
            champion = challenger
            if against is not None and (against.low or -1) > 0:
                best = challenger
        ends.append(champion / margin)
    return np.array(ends)


def random_labels(runs: int, share: float, *, shortfall: bool = True, n: int = 4_000) -> float:
    """How often boosted trees that learned from labels of which a share is random pass the default gates."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    passed = 0
    for seed in range(runs):
        draw = np.random.default_rng(seed)
        x = draw.normal(size=(3 * n, 8))
        y = (draw.random(3 * n) < 1 / (1 + np.exp(-(2 * x[:, 0] * x[:, 1] + 2 * x[:, 2] + x[:, 3] ** 2 - 1)))).astype(
            int
        )
        noisy = np.where(draw.random(n) < share, draw.integers(0, 2, n), y[n : 2 * n])
        scores = []
        for rows, label in ((x[:n], y[:n]), (x[n : 2 * n], noisy)):
            model = HistGradientBoostingClassifier(max_iter=60, random_state=0).fit(rows, label)
            scores.append(model.predict_proba(x[2 * n :])[:, 1])
        models = {
            "challenger": Predictions(2, None, scores[1]),
            "champion": Predictions(2, None, scores[0]),
            "baseline": Predictions(2, None, np.full(n, 0.5)),
        }
        truth = TestSet(y[2 * n :].astype(np.int64), None, "row", False, None, seed=seed, confidence=0.95)
        found = rules.defaults(METRICS.get("roc_auc"), champion_gains=True, best_gains=False)
        kept = [each for each in found if shortfall or each.keeps != "shortfall"]
        passed += worst([judge(each, truth, models, {}).verdict for at, each in enumerate(kept)]) is Verdict.PASS
    return passed / runs


TABLE: tuple[Callable[[int], list[Line]], ...] = (
    lambda runs: [at_the_bound(runs)],
    lambda runs: [with_days(runs // 2)],
    lambda runs: [equally_good(runs)],
    lambda runs: [crossed_areas(runs // 2)],
    lambda runs: [unequal_stores(runs), unequal_stores(runs, against="champion")],
    three_are_worse,
    lambda runs: [Line("all labels random: passes the default gates", random_labels(20, 1.0), 20, at_most=0.0)],
    lambda runs: [Line("30 % of labels random: passes the default gates", random_labels(20, 0.3), 20)],
    lambda runs: [
        Line("the same, without the shortfall gate", random_labels(20, 0.3, shortfall=False), 20),
        Line("no label random: passes the default gates", random_labels(20, 0.0), 20),
    ],
)
