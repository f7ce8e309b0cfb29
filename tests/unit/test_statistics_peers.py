"""Intervals equal to 1e-9 to what statsmodels and Fairlearn give on the same rows and the same resamples."""

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics as sk
import statsmodels.api as sm
from fairlearn.metrics import MetricFrame

from modelyard.config.sections.gate import Gate
from modelyard.core.reasons import because
from modelyard.evaluation.gates import judge as gates
from modelyard.evaluation.gates import rules
from modelyard.evaluation.test_set import Groups, TestSet
from modelyard.metrics.catalogue import METRICS
from modelyard.metrics.predictions import Predictions
from modelyard.stats import clusters, estimate

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


@pytest.mark.parametrize("lags", [0, 7])
def test_means_over_units_are_those_of_statsmodels(lags: int) -> None:
    draw = np.random.default_rng(4)
    unit = np.repeat(np.arange(60), draw.integers(3, 9, 60))
    values = draw.exponential(size=len(unit)) + draw.normal(size=60)[unit]
    codes, groups = clusters.dense(unit)
    value, influence = clusters.ratio_influence(values, np.ones(len(unit)), codes, groups)
    if lags:
        found = clusters.newey_west(value, influence, len(unit), lags=lags)
        series = sm.OLS(influence * groups, np.ones(groups))
        error = series.fit(cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True}).bse[0]
        b = (lags + 1) / groups
        critical = 1.96 + 2.9694 * b + 0.416 * b**2 - 0.5324 * b**3
        limits = [value - critical * error, value + critical * error]
    else:
        found = clusters.cluster_t(value, influence, len(unit), method=because("cluster-t"))
        fit = sm.OLS(values, np.ones(len(unit))).fit(cov_type="cluster", cov_kwds={"groups": unit}, use_t=True)
        limits = list(fit.conf_int()[0])
    assert [found.low, found.high] == pytest.approx(limits, abs=1e-9)
    assert found.estimate == pytest.approx(values.mean(), abs=1e-12)


def test_a_weighted_mean_is_that_of_statsmodels_with_robust_errors() -> None:
    draw = np.random.default_rng(6)
    values, weight = draw.exponential(size=200), draw.uniform(0.5, 2.0, 200)
    found = estimate.level_mean(values, weight=weight)
    fit = sm.WLS(values, np.ones(200), weights=weight).fit(cov_type="HC1", use_t=True)
    assert [found.low, found.high] == pytest.approx(list(fit.conf_int()[0]), abs=1e-9)
