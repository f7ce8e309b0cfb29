"""The rows that the tool names: an equally good model passes on that many fresh ones four times in five."""

import numpy as np
import pytest

from modelyard.core.operators import OPERATORS, Demand
from modelyard.core.verdict import Verdict
from modelyard.stats import power
from modelyard.stats.proportions import tango
from tests.statistics.generators import paired_labels

NO_WORSE = OPERATORS.get("no_worse_than")

RUNS = 2_000


@pytest.mark.parametrize("disagreement", [0.005, 0.01, 0.05, 0.2])
@pytest.mark.parametrize("margin", [0.005, 0.01, 0.02])
def test_an_equally_good_model_passes_four_times_in_five(disagreement: float, margin: float) -> None:
    draw, n = np.random.default_rng(1), power.rows_to_pass(margin, disagreement)
    pairs = (paired_labels(draw, n, disagreement / 2, disagreement / 2) for _ in range(RUNS))
    passed = sum(NO_WORSE.decide(tango(b, c, n), Demand(), -margin) is Verdict.PASS for b, c in pairs)
    print(f"disagreement {disagreement:.1%}, margin {margin}: {n:,} rows, {passed / RUNS:.1%} pass")
    assert passed / RUNS >= 0.8 - 3 * np.sqrt(0.16 / RUNS)
    assert passed / RUNS <= 0.93, "many more rows than needed would be asked for"


def test_the_exact_chance_is_the_simulated_one() -> None:
    draw, n = np.random.default_rng(2), 800
    for disagreement, difference in ((0.02, 0.0), (0.05, 0.02), (0.1, -0.01)):
        split = [(disagreement + sign * difference) / 2 for sign in (1, -1)]
        low = [tango(*paired_labels(draw, n, *split), n).low or -1 for _ in range(RUNS)]
        simulated = np.mean([each > -0.01 for each in low])
        assert power.chance_above(n, disagreement, difference, -0.01) == pytest.approx(simulated, abs=0.035)


def test_what_few_disagreeing_rows_can_show_is_seen_four_times_in_five() -> None:
    draw, n, disagreement = np.random.default_rng(3), 1000, 0.02
    visible = power.visible_with_few(n, 20, 0.0)
    true_share = max(power.upper_share(20, n), visible)
    split = [(true_share + sign * visible) / 2 for sign in (1, -1)]
    seen = np.mean([(tango(*paired_labels(draw, n, *split), n).low or -1) > 0 for _ in range(RUNS)])
    assert 0.77 <= seen <= 0.9
    assert visible > power.smallest_visible_difference(np.sqrt(disagreement / n)) * 0.9


def test_nonsense_is_refused() -> None:
    for margin, disagreement in ((0.0, 0.1), (0.01, 0.0), (0.01, 1.5), (1e-6, 0.5)):
        with pytest.raises(ValueError, match=r"rows|share"):
            power.rows_to_pass(margin, disagreement)


def test_other_levels_see_and_need_what_their_own_interval_does() -> None:
    assert power.smallest_visible_difference(1.0, 0.99) == pytest.approx(2.576 + 0.842, abs=1e-3)
    wider = power.units_to_decide(0.02, 0.0, 0.02, 100, confidence=0.99).units
    assert wider == pytest.approx(100 * (2.5758 + 0.842) ** 2, abs=1)
    few = [power.rows_to_decide_with_few(12, 4, 400, 0.0, confidence=level).units for level in (0.9, 0.95, 0.99)]
    assert few == sorted(few, key=lambda units: units or 0)
    visible = [power.visible_with_few(1000, 20, 0.0, level) for level in (0.9, 0.95, 0.99)]
    assert visible == sorted(visible)


@pytest.mark.parametrize(("first", "second", "bound"), [(0.06, 0.04, 0.005), (0.03, 0.05, 0.0), (0.05, 0.04, -0.01)])
def test_the_units_that_are_promised_decide_a_true_value_like_todays_four_times_in_five(
    first: float, second: float, bound: float
) -> None:
    """Half the promises of "would decide if it held" come true, which is what 115 of 236 were."""
    draw, n, gap = np.random.default_rng(5), 2_000, first - second
    error = float(np.sqrt((first + second - gap**2) / n))
    needed = power.units_to_decide(gap, bound, error, n)
    assert needed.units is not None
    assert needed.if_held is not None

    def decided(rows: int) -> float:
        found = [tango(*paired_labels(draw, rows, first, second), rows) for _ in range(RUNS)]
        side = [(each.low or 0) > bound if needed.direction == "pass" else (each.high or 0) < bound for each in found]
        return float(np.mean(side))

    assert decided(needed.units) >= 0.8 - 3 * np.sqrt(0.16 / RUNS)
    assert decided(needed.if_held) == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize(("first", "second", "bound"), [(8, 2, -0.001), (3, 3, -0.01), (2, 12, 0.0)])
def test_few_disagreeing_rows_promise_no_more_than_they_can_keep(first: int, second: int, bound: float) -> None:
    draw, n = np.random.default_rng(6), 1_000
    needed = power.rows_to_decide_with_few(first, second, n, bound)
    assert needed.units is not None
    found = [tango(*paired_labels(draw, needed.units, first / n, second / n), needed.units) for _ in range(RUNS)]
    side = [(each.low or 0) > bound if needed.direction == "pass" else (each.high or 0) < bound for each in found]
    assert np.mean(side) >= 0.8 - 3 * np.sqrt(0.16 / RUNS)
