"""Calibration: against statsmodels, and by simulation."""

from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit, logit

from modelyard.core.reasons import because
from modelyard.stats import calibration
from tests.statistics.test_coverage import allowed


def sample(draw: Any, n: int, slope: float = 1.0, intercept: float = 0.0) -> tuple[Any, Any]:
    """Outcomes whose true logit is ``intercept + slope`` times the predicted one."""
    score = draw.normal(size=n) * 1.2 - 0.5
    y = (draw.random(n) < expit(intercept + slope * score)).astype(np.int64)
    return y, expit(score)


def test_slope_and_intercept_are_those_of_a_logistic_regression() -> None:
    y, p = sample(np.random.default_rng(1), 3000, slope=0.7)
    slope, intercept = calibration.slope_and_intercept(y, p)
    reference = sm.Logit(y, sm.add_constant(logit(p))).fit(disp=0, cov_type="HC0")
    assert slope.estimate == pytest.approx(reference.params[1], abs=1e-8)
    half = (slope.high or 0) - (slope.estimate or 0)
    assert half == pytest.approx(1.9608 * reference.bse[1] * np.sqrt(3000 / 2999), rel=1e-3)
    offset = sm.GLM(y, np.ones(3000), family=sm.families.Binomial(), offset=logit(p)).fit()
    assert intercept.estimate == pytest.approx(offset.params[0], abs=1e-8)


@pytest.mark.parametrize("units", [None, 60])
def test_a_calibrated_model_is_seldom_accused(units: int | None) -> None:
    draw, runs, off = np.random.default_rng(2), 400, 0
    unit = None if units is None else np.repeat(np.arange(units), 10)
    for _ in range(runs):
        y, p = sample(draw, 600)
        slope, _ = calibration.slope_and_intercept(y, p, unit=unit)
        assert slope.low is not None
        assert slope.high is not None
        off += not slope.low <= 1 <= slope.high
    assert off / runs <= allowed(0.07, runs)


def test_an_overconfident_model_is_found() -> None:
    draw = np.random.default_rng(3)
    found = [calibration.slope_and_intercept(*sample(draw, 1000, slope=0.6))[0] for _ in range(100)]
    assert sum((each.high or 2) < 1 for each in found) >= 80


def test_the_error_of_a_calibrated_model_is_not_biased_upward() -> None:
    draw = np.random.default_rng(4)
    errors = [calibration.debiased_error(*sample(draw, 500)) for _ in range(200)]
    plain = []
    for _ in range(200):
        said, seen, counts = calibration.bins(*sample(draw, 500))
        plain.append(np.sqrt((counts / counts.sum() * (said - seen) ** 2).sum()))
    assert np.median(errors) < 0.02
    assert np.median(plain) > 0.06, "which is what the debiasing is for"


def test_what_has_no_slope_says_so() -> None:
    y = (np.arange(200) % 2).astype(np.int64)
    slope, intercept = calibration.slope_and_intercept(y, np.full(200, 0.5))
    assert slope.refused == because("constant-predictions")
    assert intercept.low is not None
    assert calibration.slope_and_intercept(np.ones(200, dtype=np.int64), np.full(200, 0.5))[0].refused
    assert calibration.slope_and_intercept(y[:20], np.linspace(0.1, 0.9, 20))[0].refused


def rms(slope: float, intercept: float) -> float:
    """The true calibration error of such a sample."""
    score = np.random.default_rng(0).normal(size=200_000) * 1.2 - 0.5
    return float(np.sqrt(np.mean((expit(intercept + slope * score) - expit(score)) ** 2)))


@pytest.mark.parametrize("n", [100, 300, 1000])
@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.6, 0.0), (1.0, 0.45)])
def test_the_limits_of_the_error_hold_it(n: int, slope: float, intercept: float) -> None:
    draw, truth, runs = np.random.default_rng(n), rms(slope, intercept), 500
    found = [calibration.error_interval(*sample(draw, n, slope, intercept)) for _ in range(runs)]
    above = np.mean([(each.low or 0) > truth for each in found])
    below = np.mean([(each.high or 0) < truth for each in found])
    assert above <= allowed(0.035, runs)
    assert below <= allowed(0.035, runs)
    assert all((each.high or 0) > 0 for each in found), "no error seen is not no error"


@pytest.mark.parametrize(("n", "units"), [(100, None), (300, None), (1000, 50)])
def test_an_error_beyond_the_bound_seldom_passes(n: int, units: int | None) -> None:
    """A true error of 0.09 against a bound of 0.05, of which a plug-in let 60 % and 16 % pass."""
    draw, runs, passed = np.random.default_rng(7), 300, 0
    unit = None if units is None else np.repeat(np.arange(units), n // units)
    assert rms(1.0, 0.45) == pytest.approx(0.09, abs=0.005)
    for _ in range(runs):
        found = calibration.error_interval(*sample(draw, n, 1.0, 0.45), unit=unit)
        passed += (found.high or 1) <= 0.05
    assert passed / runs <= allowed(0.025, runs)


def test_a_calibrated_model_passes_on_enough_rows() -> None:
    draw = np.random.default_rng(8)
    assert sum((calibration.error_interval(*sample(draw, 3000)).high or 1) <= 0.05 for _ in range(100)) >= 90
