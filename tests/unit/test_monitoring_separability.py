"""A classifier tells drift that no column shows alone, and days from each other is no drift."""

import numpy as np
import polars as pl
import pytest

from modelyard.monitoring.separability import separability


def rows(seed: int, first: int, days: int, *, together: float = 0.0, shift: float = 0.0, n: int = 60) -> pl.DataFrame:
    """Days of rows with a shock each; ``together`` is how two columns move with each other."""
    draw = np.random.default_rng(seed)
    day = np.repeat(np.arange(first, first + days), n)
    shock = 0.3 * draw.normal(size=(4, days))[:, day - first]
    one, other = draw.normal(size=(2, len(day)))
    times = pl.Series(day * 86_400_000_000 + 7_200_000_000).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    return pl.DataFrame(
        {
            "feature_a": one + shock[0],
            "feature_b": together * one + np.sqrt(1 - together**2) * other + shock[1],
            "feature_c": draw.choice(["x", "y", "z"], len(day)),
            "feature_d": draw.normal(size=len(day)) + shift + shock[2],
            "feature_when": times,
            "time": times,
        }
    )


def test_columns_that_no_longer_move_together_are_told_apart() -> None:
    found = separability(rows(1, 0, 28), rows(2, 28, 14, together=0.9), seed=1)
    assert found.alarm
    assert set(found.columns) == {"a", "b"}
    assert found.auc.low is not None
    assert found.auc.low > 0.55
    assert (found.auc.unit, found.auc.n) == ("day", 42)


def test_quiet_windows_seldom_alarm() -> None:
    found = [separability(rows(2 * seed, 0, 28), rows(2 * seed + 1, 28, 7), seed=seed) for seed in range(3)]
    assert not any(each.alarm for each in found)
    assert all(each.columns == () for each in found)


def test_the_same_seed_gives_the_same() -> None:
    first, second = (separability(rows(3, 0, 14), rows(4, 14, 7, shift=1.0), seed=9) for _ in range(2))
    assert first == second
    assert first.columns[0] == "d"


def test_rows_without_times_are_units_themselves() -> None:
    earlier, later = rows(5, 0, 3).drop("time"), rows(6, 3, 3, shift=2.0).drop("time")
    found = separability(earlier, later, seed=1)
    assert (found.auc.unit, found.auc.n) == ("row", 360)
    assert found.alarm


@pytest.mark.parametrize(("days", "n", "code"), [(1, 3, "too-few-rows"), (2, 200, "too-few-units")])
def test_too_little_is_refused(days: int, n: int, code: str) -> None:
    found = separability(rows(7, 0, 4, n=n), rows(8, 4, days, n=n), seed=1)
    assert found.auc.refused is not None
    assert found.auc.refused.code == code
    assert not found.alarm


def test_ignored_columns_and_such_as_one_side_lacks_do_not_count() -> None:
    earlier, later = rows(9, 0, 14).drop("feature_a"), rows(10, 14, 7, shift=2.0)
    assert not separability(earlier, later, seed=1, ignore=["d"]).alarm
    nothing = separability(earlier.select("feature_c", "time"), later.select("feature_a", "time"), seed=1)
    assert nothing.auc.refused is not None
