"""Intervals equal to 1e-9 to what statsmodels and Fairlearn give on the same rows and the same resamples."""

import math

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics as sk
import statsmodels.api as sm
from fairlearn.metrics import MetricFrame
from scipy.special import stdtrit

from modelyard.config.sections.gate import Gate
from modelyard.core.reasons import because
from modelyard.evaluation.gates import judge as gates
from modelyard.evaluation.gates import rules
from modelyard.evaluation.test_set import Groups, TestSet
from modelyard.metrics.catalogue import METRICS
from modelyard.metrics.predictions import Floats, Predictions
from modelyard.stats import auc, clusters, estimate

N, DRAWS = 300, 20
DRAW = np.random.default_rng(5)
SHOP = DRAW.choice(["east", "north", "west"], N)
Y = (DRAW.random(N) < 0.4).astype(np.int64)
SCORE = np.round(0.3 * Y + 0.7 * DRAW.random(N), 2)
MODEL = Predictions(2, (SCORE >= 0.5).astype(np.int64), SCORE)
LABELS = {
    "accuracy": sk.accuracy_score, "recall": sk.recall_score, "precision": sk.precision_score, "f1": sk.f1_score,
    "balanced_accuracy": sk.balanced_accuracy_score,
}  # fmt: skip
SCORES = {"roc_auc": sk.roc_auc_score, "average_precision": sk.average_precision_score,
          "brier_score": sk.brier_score_loss}  # fmt: skip


@pytest.mark.parametrize("name", [*LABELS, *SCORES])
def test_slices_are_those_of_fairlearn_with_the_quantiles_of_the_same_resamples(name: str) -> None:
    given = MODEL.label if name in LABELS else MODEL.probability
    frame = MetricFrame(
        metrics={**LABELS, **SCORES}[name], y_true=Y, y_pred=given, sensitive_features=pd.Series(SHOP, name="shop"),
        n_boot=DRAWS, ci_quantiles=[0.025, 0.975], random_state=7,
    )  # fmt: skip
    bound = {"at_most": 1.0} if name == "brier_score" else {"at_least": 0.1}
    rule = rules.from_config((Gate(metric=name, by=("shop",), **bound),), "binary", lambda _: 1, "m.yml")[0]
    truth = TestSet(Y, None, "row", False, None, seed=1, confidence=0.95)
    found = gates.judge(rule, truth, {"challenger": MODEL}, {"shop": Groups.of(SHOP)})
    assert found.challenger.value == pytest.approx(frame.overall, abs=1e-9)
    assert {row.value: row.challenger.value for row in found.slices} == pytest.approx(dict(frame.by_group), abs=1e-9)

    seeds = np.random.default_rng(7).integers(0, np.iinfo(np.uint32).max, DRAWS, dtype=np.uint32)
    rows = pd.DataFrame({"row": np.arange(N)})
    drawn = [rows.sample(frac=1, replace=True, random_state=seed)["row"].to_numpy() for seed in seeds]
    ours, counts = (
        METRICS.get(name).statistic(Y, MODEL),
        [np.bincount(each, minlength=N).astype(float) for each in drawn],
    )
    groups = Groups.of(SHOP)
    for shop in ("", *groups.names):
        mask = np.ones(N) if not shop else np.isin(np.arange(N), groups.rows_of(shop)) * 1.0
        limits = np.quantile(np.array([ours(count * mask) for count in counts], dtype=float), [0.025, 0.975])
        theirs = [ci[shop] for ci in frame.by_group_ci] if shop else frame.overall_ci
        assert limits == pytest.approx(theirs, abs=1e-9)


def test_means_over_units_in_time_order_are_those_of_statsmodels() -> None:
    draw = np.random.default_rng(4)
    unit = np.repeat(np.arange(90), 5)
    values = draw.exponential(size=len(unit)) + draw.normal(size=90)[unit]
    moved = clusters.of_ratio(values, np.ones(len(unit)), *clusters.dense(unit))
    found, groups = clusters.newey_west(moved, lags=7), moved.groups
    lags = clusters.bandwidth(moved, 7)
    fit = sm.OLS(values.reshape(90, 5).mean(axis=1), np.ones(groups))
    error = fit.fit(cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True}).bse[0]
    b = (lags + 1) / groups
    critical = 1.96 + 2.9694 * b + 0.416 * b**2 - 0.5324 * b**3
    assert [found.low, found.high] == pytest.approx([values.mean() + sign * critical * error for sign in (-1, 1)])
    assert found.estimate == pytest.approx(values.mean(), abs=1e-12)


def test_means_over_equal_units_are_those_of_statsmodels() -> None:
    draw = np.random.default_rng(4)
    unit = np.repeat(np.arange(60), 5)
    values = draw.normal(size=len(unit)) + draw.normal(size=60)[unit]
    moved = clusters.of_ratio(values, np.ones(len(unit)), *clusters.dense(unit))
    found = clusters.cluster_t(moved, method=because("cluster-t"))
    fit = sm.OLS(values, np.ones(len(unit))).fit(
        cov_type="cluster", cov_kwds={"groups": unit, "use_correction": False}, use_t=True
    )
    # Of equal units the jackknife is the plain sum times G/(G − 1).
    half = float(stdtrit(59, 0.975)) * fit.bse[0] * math.sqrt(60 / 59)
    assert [found.low, found.high] == pytest.approx([values.mean() - half, values.mean() + half], abs=1e-9)


def test_a_weighted_mean_is_that_of_statsmodels_with_robust_errors() -> None:
    draw = np.random.default_rng(6)
    values, weight = draw.normal(size=200), draw.uniform(0.5, 2.0, 200)
    found = estimate.level_mean(values, weight=weight)
    fit = sm.WLS(values, np.ones(200), weights=weight).fit(cov_type="HC3")
    degrees = clusters.degrees(weight / weight.sum())
    half = float(stdtrit(degrees, 0.975)) * fit.bse[0] * math.sqrt(199 / 200)
    assert [found.low, found.high] == pytest.approx([fit.params[0] - half, fit.params[0] + half], abs=1e-9)
    assert 140 < degrees < 199


PROC = (0.73416666666666663, 0.00139851255972047, 0.00865205726957, 0.22277651415900)
"""The first area, its variance, and the limits of the difference."""
SIZES = (40, 3, 5, 9, 1, 7, 2, 2, 30, 4, 12, 18)


def test_unequal_units_are_judged_as_club_sandwich_does() -> None:
    """clubSandwich 0.5.8, coef_test(lm(y ~ 1), vcov = "CR3", test = "Satterthwaite"), without and with weights."""
    unit = np.repeat(np.arange(len(SIZES)), SIZES)
    at = np.arange(1, len(unit) + 1)
    values: Floats = (at * 37 % 101 / 10 + (unit + 1) % 5).astype(np.float64)
    weight: Floats = (1.0 + at % 4).astype(np.float64)
    plain = clusters.of_ratio(values, np.ones(len(unit)), *clusters.dense(unit))
    weighted = clusters.of_ratio(values * weight, weight, *clusters.dense(unit))
    without_factor = math.sqrt(len(SIZES) / (len(SIZES) - 1))
    assert plain.error * without_factor == pytest.approx(0.72396966061361, abs=1e-12)
    assert weighted.estimate == pytest.approx(7.1253012048193, abs=1e-12)
    assert weighted.error * without_factor == pytest.approx(0.76791026461749, abs=1e-12)
    share = plain.share
    assert clusters.satterthwaite(share, 1 / (1 - share), share) == pytest.approx(4.0900267747846, abs=1e-10)
    assert clusters.degrees(share) <= 4.0900267747847, "rows of a unit may also move as one"


def test_areas_are_judged_as_proc_does() -> None:
    """pROC 1.18.0: roc, var(method = "delong"), roc.test(method = "delong")."""
    at = np.arange(200)
    y = (at * 13 % 10 < 3).astype(np.int64)
    first, second = (at * 37 % 101) / 101 + 0.25 * y, (at * 53 % 97) / 97 + 0.15 * y
    placed = auc.placements(y, first)
    assert placed[0].mean() == pytest.approx(PROC[0], abs=1e-12)
    assert sum(side.var(ddof=1) / len(side) for side in placed) == pytest.approx(PROC[1], abs=1e-12)
    found = auc.contrast([auc.placements(y, each) for each in (first, second)], [1.0, -1.0], 0.0)
    assert found.low is not None
    assert found.high is not None
    # Hall's correction may only widen what pROC has.
    assert found.low <= PROC[2] + 1e-9
    assert found.high >= PROC[3] - 1e-9
    assert [found.low, found.high] == pytest.approx(PROC[2:], abs=2e-3)
