"""Intervals against published figures, other libraries, and brute force."""

import math
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from statsmodels.stats.proportion import proportion_confint

from modelyard.core.operators import OPERATORS, Demand
from modelyard.core.reasons import because
from modelyard.core.verdict import Verdict
from modelyard.stats import auc, clusters, estimate, power
from modelyard.stats.bootstrap import bca
from modelyard.stats.interval import Interval, widest, z_value
from modelyard.stats.means import mean_interval
from modelyard.stats.proportions import clopper_pearson, joint_score, proportion, tango, wilson


@pytest.mark.parametrize(
    ("events", "n", "low", "high"), [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)]
)
def test_wilson_as_published_by_newcombe_1998(events: int, n: int, low: float, high: float) -> None:
    assert wilson(events, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("events", "n"), [(0, 10), (1, 30), (9, 400), (200, 400), (30, 30)])
def test_proportions_agree_with_statsmodels(events: int, n: int) -> None:
    assert wilson(events, n) == pytest.approx(proportion_confint(events, n, method="wilson"), abs=1e-9)
    assert clopper_pearson(events, n) == pytest.approx(proportion_confint(events, n, method="beta"), abs=1e-9)


def test_rare_events_get_the_exact_interval() -> None:
    assert proportion(9, 1000).method == (because("clopper-pearson"),)
    assert proportion(991, 1000).method == (because("clopper-pearson"),)
    assert proportion(10, 1000).method == (because("wilson"),)


@pytest.mark.parametrize("n", [1, 10, 500])
def test_tango_without_a_disagreement_is_symmetric(n: int) -> None:
    z = z_value(0.95)
    found = tango(0, 0, n)
    assert (found.low, found.high) == pytest.approx((-z * z / (n + z * z), z * z / (n + z * z)), abs=1e-6)


def test_tango_as_published_by_fagerland_2014() -> None:
    """Fagerland, Lydersen & Laake, Statistics in Medicine 2014: airway hyper-responsiveness, 1 and 7 of 21 pairs."""
    found = tango(1, 7, 21)
    assert (found.low, found.high) == pytest.approx((-0.517, -0.026), abs=5e-4)


@settings(max_examples=200, deadline=None)
@given(b=st.integers(0, 60), c=st.integers(0, 60), rest=st.integers(0, 200))
def test_tango_solves_its_score_equation_and_flips_with_the_models(b: int, c: int, rest: int) -> None:
    n = b + c + rest
    if n == 0:
        return
    found, flipped = tango(b, c, n), tango(c, b, n)
    assert found.low is not None
    assert found.high is not None
    assert found.estimate is not None
    assert -1 <= found.low <= found.estimate + 1e-9
    assert found.estimate - 1e-9 <= found.high <= 1
    assert found.high > found.low
    assert (flipped.low, flipped.high) == pytest.approx((-found.high, -found.low), abs=1e-6)


def _scores(seed: int, n: int = 60, decimals: int = 1) -> tuple[Any, Any, Any]:
    draw = np.random.default_rng(seed)
    y = (np.arange(n) % 3 == 0).astype(np.int64)
    first = np.round(y * 0.3 + draw.random(n), decimals)
    second = np.round(y * 0.2 + draw.random(n), decimals)
    return y, first, second


def _wins(positive: Any, negative: Any) -> Any:
    return (positive[:, None] > negative[None, :]) + 0.5 * (positive[:, None] == negative[None, :])


@pytest.mark.parametrize("seed", range(3))
def test_delong_agrees_with_all_pairs(seed: int) -> None:
    y, first, second = _scores(seed)
    grids = [_wins(score[y == 1], score[y == 0]) for score in (first, second)]
    difference = grids[0] - grids[1]
    variance = (
        difference.mean(axis=1).var(ddof=1) / (y == 1).sum() + difference.mean(axis=0).var(ddof=1) / (y == 0).sum()
    )
    found = auc.contrast([auc.placements(y, each) for each in (first, second)], [1.0, -1.0], 0.0)
    assert auc.auc(y, first) == pytest.approx(grids[0].mean(), abs=1e-12)
    assert found.estimate == pytest.approx(difference.mean(), abs=1e-12)
    assert found.low is not None
    assert found.high is not None
    half = z_value(0.95) * math.sqrt(variance)
    assert found.low <= difference.mean() - half + 1e-12
    assert found.high >= difference.mean() + half - 1e-12


def test_leaving_a_unit_out_agrees_with_doing_it() -> None:
    y, score, _ = _scores(5)
    unit = np.random.default_rng(1).integers(0, 6, len(y))
    codes, groups = clusters.dense(unit)
    moved = clusters.of_auc(y, auc.placements(y, score), codes, groups, score)
    left = np.array([auc.auc(y[unit != one], score[unit != one]) for one in np.unique(unit)], dtype=float)
    assert moved is not None
    assert moved.by == pytest.approx(moved.estimate - left, abs=1e-12)
    assert moved.share.sum() == pytest.approx(1)
    mean = clusters.of_ratio(score, np.ones(len(y)), codes, groups)
    assert mean.estimate == pytest.approx(score.mean())
    assert mean.by == pytest.approx([score.mean() - score[unit != one].mean() for one in np.unique(unit)], abs=1e-12)


@pytest.mark.parametrize("sizes", [[5] * 12, [40, 3, 5, 9, 1, 7, 2, 2, 30, 4], [200, *[5] * 40]])
def test_degrees_of_freedom_agree_with_the_whole_matrix(sizes: list[int]) -> None:
    """Satterthwaite's from the covariance matrix of the adjusted residual sums, without any shortcut."""
    share = np.array(sizes) / sum(sizes)
    found = []
    for variance in (share, share**2):
        residual = (np.eye(len(share)) - np.outer(share, np.ones(len(share)))) / (1 - share)[:, None]
        matrix = residual @ np.diag(variance) @ residual.T
        found.append(np.trace(matrix) ** 2 / np.trace(matrix @ matrix))
    assert clusters.degrees(share) == pytest.approx(min(found), rel=1e-9)
    if len(set(sizes)) == 1:
        assert clusters.degrees(share) == pytest.approx(len(sizes) - 1)


@pytest.mark.parametrize(("first", "second", "rest"), [(12, 5, 83), (0, 4, 60), (0, 0, 40), (30, 30, 0), (7, 0, 3)])
def test_the_joint_score_of_a_difference_is_tangos(first: int, second: int, rest: int) -> None:
    right = np.array([[True] * first + [False] * second + [True] * rest, [False] * first + [True] * (second + rest)])
    joint, plain = joint_score(right, np.array([1.0, -1.0]), 0.0), tango(first, second, first + second + rest)
    assert [joint.estimate, joint.low, joint.high] == pytest.approx([plain.estimate, plain.low, plain.high], abs=1e-7)


def test_an_auc_of_two_positives_has_no_interval() -> None:
    y = np.array([1, 1, *[0] * 48])
    found = estimate.level_auc(y, np.arange(50.0))
    assert (found.low, found.high) == (None, None)
    assert found.refused == because("too-few-of-a-class", fewest=3)


def test_a_faultless_auc_still_has_an_interval() -> None:
    found = auc.one_model(1.0, 20, 30)
    assert found.high == 1.0
    assert found.low is not None
    assert 0.8 < found.low < 1.0


@pytest.mark.parametrize("statistic", ["mean", "median", "root"])
def test_bca_is_scipys_on_the_same_resamples(statistic: str) -> None:
    values = np.random.default_rng(3).lognormal(size=81)
    ofs = {
        "mean": (lambda w: float(w @ values / w.sum()), lambda x, axis: x.mean(axis)),
        "median": (lambda w: float(np.median(np.repeat(values, w.astype(int)))), lambda x, axis: np.median(x, axis)),
        "root": (lambda w: float(w @ np.sqrt(values) / w.sum()) ** 2, lambda x, axis: np.sqrt(x).mean(axis) ** 2),
    }
    ours, theirs = ofs[statistic]
    found = bca(ours, 81, 7, resamples=50)
    # A chunk of 50 resamples shares one generator, which SciPy is given too.
    peer = scipy_stats.bootstrap(
        (values,), theirs, n_resamples=50, method="BCa", vectorized=True, rng=np.random.default_rng([7, 0])
    ).confidence_interval
    assert (found.low, found.high) == pytest.approx((peer.low, peer.high), abs=1e-9)


def test_a_bootstrap_beside_t_is_never_narrower_than_its_standard_error_says() -> None:
    values = np.random.default_rng(3).normal(size=40)

    def mean(weight: np.ndarray[Any, np.dtype[np.float64]]) -> float:
        return float(weight @ values / weight.sum())

    plain, beside = bca(mean, 40, 9), bca(mean, 40, 9, beside_t=True)
    standard = (values - values.mean()) / values.std()
    degrees = 80 / ((standard**4).mean() - 1)
    peer = scipy_stats.t.interval(0.95, degrees, values.mean(), values.std(ddof=1) / math.sqrt(40))
    assert widest(beside, plain) == beside
    assert (beside.low, beside.high) == pytest.approx(peer, abs=0.01)


def test_the_same_seed_draws_the_same_interval() -> None:
    values = np.random.default_rng(3).lognormal(size=40)
    first, second = (bca(lambda w: float(w @ values / w.sum()), 40, 9) for _ in range(2))
    assert first == second


def test_means_take_student_where_they_may_and_the_bootstrap_where_not() -> None:
    draw = np.random.default_rng(4)
    flat, skewed = draw.normal(size=300), draw.lognormal(sigma=1.5, size=100)
    found = mean_interval(flat)
    peer = scipy_stats.t.interval(0.95, 299, flat.mean(), flat.std(ddof=1) / math.sqrt(300))
    assert (found.low, found.high) == pytest.approx(peer, abs=1e-9)
    assert mean_interval(skewed).method[0].code == "bca"


def test_the_level_of_a_mean_needs_a_hundred_rows() -> None:
    values = np.random.default_rng(4).exponential(size=100)
    found = estimate.level_mean(values[:99])
    assert (found.low, found.refused) == (None, because("too-few-rows", rows=99, fewest=100))
    assert found.estimate == pytest.approx(values[:99].mean())
    assert estimate.level_mean(values).low is not None


def interval(low: float, high: float) -> Interval:
    return Interval((low + high) / 2, low, high, (), 10, 10)


@pytest.mark.parametrize(
    ("operator", "low", "high", "bound", "verdict"),
    [
        ("at_least", 0.5, 0.6, 0.5, "pass"), ("at_least", 0.4, 0.6, 0.5, "inconclusive"),
        ("at_least", 0.4, 0.49, 0.5, "fail"), ("at_least", 0.4, 0.5, 0.5, "inconclusive"),
        ("at_most", 0.4, 0.5, 0.5, "pass"), ("at_most", 0.51, 0.6, 0.5, "fail"),
        ("at_most", 0.5, 0.6, 0.5, "inconclusive"),
        ("no_worse_than", -0.009, 0.1, 0.01, "pass"), ("no_worse_than", -0.01, 0.1, 0.01, "inconclusive"),
        ("no_worse_than", -0.1, -0.011, 0.01, "fail"),
        ("better_than", 0.001, 0.1, 0.0, "pass"), ("better_than", 0.0, 0.1, 0.0, "inconclusive"),
        ("better_than", -0.1, 0.0, 0.0, "fail"),
    ],
)  # fmt: skip
def test_the_operators_decide_as_the_table_says(
    operator: str, low: float, high: float, bound: float, verdict: str
) -> None:
    turned = -bound if operator == "no_worse_than" else bound
    decide = partial(OPERATORS.get(operator).decide, demand=Demand(bound=bound), bound=turned)
    assert decide(interval(low, high)) == verdict
    refused = Interval(0.5, None, None, (), 10, 10, refused=because("one-class"))
    assert decide(refused) is Verdict.INCONCLUSIVE


def test_units_that_would_decide() -> None:
    found = power.units_to_decide(0.02, 0.0, 0.02, 100)
    assert (found.units, found.if_held) == (786, 385)
    assert power.units_to_decide(0.02, 0.0, 0.02, 100).direction == "pass"
    assert power.units_to_decide(-0.02, 0.0, 0.02, 100).direction == "fail"
    assert power.units_to_decide(0.001, 0.0, 0.02, 100).direction == "unrealistic"
    assert power.units_to_decide(0.05, 0.0, 0.02, 4, minimum=30).units == 30


ROWS = 4000
DIFFERENCE = np.array([1.0, -1.0])


@pytest.mark.parametrize("groups", [5, 9, 10, 29, 30])
def test_too_few_units_refuse(groups: int) -> None:
    draw = np.random.default_rng(2)
    unit, y = np.arange(ROWS) % groups, (draw.random(ROWS) < 0.4).astype(np.int64)
    first, second = draw.random(ROWS) + y * 0.3, draw.random(ROWS) + y * 0.2
    right = draw.random((2, ROWS)) < 0.8
    everyone = np.ones(ROWS, dtype=bool)
    levels = [
        estimate.level_auc(y, first, unit=unit),
        estimate.level_mean(first, unit=unit),
        estimate.level_proportion(right[0], everyone, unit=unit),
    ]
    differences = [
        estimate.contrast_auc(y, np.array([first, second]), np.array([1.0, -1.0]), 0.0, unit=unit),
        estimate.contrast_mean(np.array([first, second]), np.array([1.0, -1.0]), 0.0, unit=unit),
        estimate.contrast_proportion(right, everyone, np.array([1.0, -1.0]), 0.0, unit=unit),
    ]
    assert [bool(found.refused) for found in levels] == [groups < 30] * 3
    assert [bool(found.refused) for found in differences] == [groups < 10] * 3
    assert {found.n for found in (*levels, *differences)} == {groups}


@pytest.mark.parametrize("differing", [0, 1, 9, 10])
def test_models_that_hardly_differ_are_not_told_apart(differing: int) -> None:
    draw = np.random.default_rng(1)
    first = draw.random(500)
    second = first.copy()
    second[:differing] += 0.01 * np.arange(1, differing + 1)
    found = estimate.contrast_mean(
        np.array([first, second]), np.array([1.0, -1.0]), 0.0, identical=bool((first == second).all())
    )
    assert found.identical == (differing == 0)
    assert bool(found.refused) == (0 < differing < 10)


@pytest.mark.parametrize("kind", ["proportion", "mean", "statistic"])
@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_unit_never_narrows_an_interval(kind: str, paired: bool, weighted: bool) -> None:
    """Each unit of 10 rows is right on about half of them, so that units alone differ too little."""
    draw = np.random.default_rng(8)
    right = np.array([np.arange(600) % 2 == 0, draw.permuted(np.arange(600).reshape(60, 10) % 10 < 4, axis=1).ravel()])
    right ^= draw.random((2, 600)) < 0.02
    weight = draw.uniform(0.9, 1.1, 600) if weighted else None
    values, everyone, by_day = right.astype(np.float64), np.ones(600, dtype=bool), np.arange(600) // 10
    each = [lambda rows, of=one: float((rows * of).sum() / rows.sum()) for one in values]

    def found(unit: Any) -> Interval:
        common: dict[str, Any] = {"unit": unit, "weight": weight}
        if kind == "proportion" and not paired:
            return estimate.level_proportion(right[0], everyone, **common)
        if kind == "proportion":
            return estimate.contrast_proportion(right, everyone, DIFFERENCE, 0.0, **common)
        if kind == "mean":
            return (
                estimate.contrast_mean(values, DIFFERENCE, 0.0, **common)
                if paired
                else estimate.level_mean(values[0], **common)
            )
        if paired:
            return estimate.contrast_statistic(each, DIFFERENCE, 0.0, estimate.Resampling(n=600, seed=1, **common))
        return estimate.level_statistic(each[0], estimate.Resampling(n=600, seed=1, **common))

    by_row, by_unit = found(None), found(by_day)
    for one in (by_row, by_unit):
        assert one.low is not None
        assert one.high is not None
    assert (by_unit.low or 0) <= (by_row.low or 0)
    assert (by_unit.high or 0) >= (by_row.high or 0)
    assert by_unit.n == 60


def test_few_ranking_errors_refuse_a_difference_of_aucs() -> None:
    y = (np.arange(400) % 2).astype(np.int64)
    draw = np.random.default_rng(1)
    first, second = y + 0.4 * draw.random(400), y + 0.4 * draw.random(400)
    found = estimate.contrast_auc(y, np.array([first, second]), np.array([1.0, -1.0]), 0.0)
    assert found.identical or found.refused


def test_a_class_with_few_rows_refuses_the_bootstrap() -> None:
    found = estimate.level_statistic(lambda _: 0.5, estimate.Resampling(n=1000, seed=1, class_counts=(976, 24)))
    assert found.refused == because("small-class", rows=24, fewest=25)
