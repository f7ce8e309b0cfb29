"""Drift is significant and large; what is adjusted, what persists, and what cannot be compared."""

import math

import numpy as np
import polars as pl
import pytest
from scipy import stats

from modelyard.monitoring.drift import benjamini_hochberg, drift, false_alarms, persistent
from modelyard.monitoring.profile import Reference, Summary
from modelyard.monitoring.reference import reference_of
from modelyard.monitoring.summary import summarise
from modelyard.records.results.monitor import Drift

KEY = b"k" * 32


def rows(n: int, seed: int, *, shift: float = 0.0, mass: float = 0.0, missing: float = 0.02) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    lost = draw.random(n) < missing
    return pl.DataFrame(
        {
            "feature_x": draw.normal(shift, 1, n),
            "feature_lost": pl.Series(draw.normal(size=n)).set(pl.Series(lost), None),
            "feature_c": draw.choice(["a", "b", "c"], n, p=[0.5 - mass, 0.3 + mass, 0.2]),
            "feature_flag": draw.random(n) < 0.3,
            "probability": draw.beta(2, 3, n),
        }
    )


def reference_from(frame: pl.DataFrame) -> Reference:
    features = frame.drop("probability").rename(lambda name: name.removeprefix("feature_"))
    return reference_of(features, frame.select("probability"), None, task="binary", key=KEY)


REFERENCE_ROWS = rows(20_000, 1)
REFERENCE = reference_from(REFERENCE_ROWS)


def window(frame: pl.DataFrame) -> Summary:
    return summarise(frame, REFERENCE, key=KEY)


def by_column(found: tuple[Drift, ...]) -> dict[str, Drift]:
    return {each.column if each.statistic != "missing-share" else f"{each.column} missing": each for each in found}


def test_the_same_distribution_is_no_drift() -> None:
    found = drift(REFERENCE, window(rows(5_000, 2)))
    assert [(each.column, each.statistic) for each in found] == [
        ("x", "kolmogorov-smirnov"),
        ("lost", "kolmogorov-smirnov"),
        ("lost", "missing-share"),
        ("c", "total-variation"),
        ("flag", "total-variation"),
        ("prediction", "kolmogorov-smirnov"),
    ]
    assert not any(each.alarm for each in found)
    assert all(each.divergence is None or each.divergence < 0.01 for each in found)


def test_what_is_significant_and_large_alarms() -> None:
    found = by_column(drift(REFERENCE, window(rows(1_000, 3, shift=0.5, mass=0.1, missing=0.06))))
    assert {name for name, each in found.items() if each.alarm} == {"x", "c", "lost missing"}
    assert found["c"].effect == pytest.approx(0.1, abs=0.04)
    assert found["x"].adjusted >= found["x"].p


def test_what_is_significant_and_small_is_told_and_alarms_not() -> None:
    found = by_column(drift(REFERENCE, window(rows(100_000, 4, shift=0.05, missing=0.025))))
    assert found["x"].adjusted < 0.001
    assert found["lost missing"].adjusted < 0.01
    assert not any(each.alarm for each in found.values())


def test_the_distance_over_bins_is_close_to_that_of_all_values() -> None:
    frame = rows(2_000, 5, shift=0.3)
    exact = stats.ks_2samp(REFERENCE_ROWS["feature_x"].to_numpy(), frame["feature_x"].to_numpy(), method="asymp")
    found = by_column(drift(REFERENCE, window(frame)))["x"]
    assert found.effect == pytest.approx(float(exact.statistic), abs=0.005)
    assert found.effect <= float(exact.statistic)


def test_chance_is_taken_off() -> None:
    found = by_column(drift(REFERENCE, window(rows(40, 6))))["x"]
    assert found.effect > 0.05
    assert found.corrected < found.effect


def test_rows_of_a_shared_shock_are_worth_fewer() -> None:
    draw = np.random.default_rng(7)

    def days(first: int, count: int, n: int) -> pl.DataFrame:
        day = np.sort(draw.integers(first, first + count, n))
        shocks = draw.normal(size=first + count)
        times = pl.Series(day * 86_400_000_000 + 3_600_000_000).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
        return pl.DataFrame({"feature_x": draw.normal(size=n) + shocks[day], "prediction": 1.0, "time": times})

    frame = days(0, 90, 9_000)
    features = frame.select(x="feature_x")
    timed = reference_of(features, frame.select("prediction"), None, task="regression", time=frame["time"])
    ignorant = reference_of(features, frame.select("prediction"), None, task="regression")
    later = days(90, 7, 700)
    with_days, without = (by_column(drift(each, summarise(later, each)))["x"] for each in (timed, ignorant))
    assert with_days.effective is not None
    assert 7 < with_days.effective < 40
    assert with_days.p > without.p


@pytest.mark.parametrize("n", [1, 3, 29])
def test_too_few_rows_are_not_compared(n: int) -> None:
    assert drift(REFERENCE, window(rows(n, 8))) == ()


def test_columns_that_are_gone_ignored_or_without_their_key_are_not_compared() -> None:
    frame = rows(500, 9).drop("feature_x")
    found = drift(REFERENCE, summarise(frame, REFERENCE), ignore=["flag"])
    assert {each.column for each in found} == {"lost", "prediction"}


def test_values_that_are_no_numbers_count_as_missing() -> None:
    frame = rows(500, 10).with_columns(feature_x=pl.lit(math.nan))
    found = by_column(drift(REFERENCE, window(frame)))
    assert found["x missing"].alarm
    assert "x" not in found


def test_adjusted_p_values_are_those_of_scipy() -> None:
    p = np.random.default_rng(11).random(30) ** 3
    assert benjamini_hochberg(p.tolist()) == pytest.approx(stats.false_discovery_control(p).tolist())
    assert benjamini_hochberg([]) == []


def test_an_alarm_persists_in_two_of_three_windows() -> None:
    drifted, quiet = drift(REFERENCE, window(rows(1_000, 12, shift=0.5))), drift(REFERENCE, window(rows(1_000, 13)))
    assert not any(each.persistent for each in persistent([quiet, drifted], 2, 3))
    marked = persistent([drifted, quiet, drifted], 2, 3)
    assert [each.column for each in marked if each.persistent] == ["x"]
    assert not any(each.persistent for each in persistent([drifted, quiet, quiet, drifted], 2, 3))
    assert not any(each.persistent for each in persistent([drifted, drifted, quiet], 2, 3)), "it is over"
    assert [each.column for each in persistent([drifted], 1, 1) if each.persistent] == ["x"]
    assert persistent([], 2, 3) == ()


def test_false_alarms_of_persistence_are_those_of_independent_windows() -> None:
    alarms = np.random.default_rng(14).random((200_000, 3)) < 0.05
    for count, of in ((1, 1), (2, 3), (3, 3)):
        chance = alarms[:, 0] & (alarms[:, :of].sum(axis=1) >= count)
        assert false_alarms(count, of) == pytest.approx(chance.mean(), rel=0.2, abs=2e-5)
