"""The default gates and the second reference, by simulation; benchmarks/coverage.py repeats them more often."""

import numpy as np
import pytest

from tests.statistics.guards import SERIES, Series, random_labels, walk


def test_half_a_margin_at_a_time_leads_downhill_without_a_second_reference() -> None:
    """20 challengers, each half a margin worse on average: the best promoted model is what stops the walk."""
    without, with_it = (float(walk(150, with_best=known).mean()) for known in (False, True))
    print(f"after 20 challengers: {without:+.2f} margins without, {with_it:+.2f} with the best promoted model")
    assert without < -0.5
    assert with_it > without + 0.5
    assert with_it > -1.0, "never further below the best than what a gate lets pass"


@pytest.mark.parametrize("series", SERIES[1:])
def test_nineteen_of_twenty_series_end_within_about_a_margin_of_the_best(series: Series) -> None:
    runs = 12 if series.steps > 20 else 40
    ends = walk(runs, with_best=True, series=series)
    assert np.mean(ends < -1.0) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / runs)


def test_a_model_that_learned_from_random_labels_alone_does_not_pass() -> None:
    assert random_labels(2, 1.0) == 0.0


def test_the_shortfall_gate_lets_no_more_through_than_the_others() -> None:
    assert random_labels(2, 0.3) <= random_labels(2, 0.3, shortfall=False)
