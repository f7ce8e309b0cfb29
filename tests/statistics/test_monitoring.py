"""Windows without drift seldom alarm, and drift that matters does; benchmarks/monitoring.py has the tables."""

import pytest
from scipy.stats import binom

from tests.statistics.monitoring import STREAMS, Change, Stream, alarms, moved, shifted

RUNS = 30


@pytest.mark.parametrize("stream", STREAMS, ids=lambda each: each.name)
def test_a_window_without_drift_alarms_in_one_case_of_twenty_at_most(stream: Stream) -> None:
    found = {n: alarms(stream, n, RUNS) for n in (50, 1_000)}
    print(f"{stream.name}: {found} of {RUNS}")
    assert sum(found.values()) <= binom.ppf(0.99, 2 * RUNS, 0.05)


@pytest.mark.parametrize("change", [shifted, moved])
def test_drift_in_one_of_18_columns_is_found_on_a_thousand_rows(change: Change) -> None:
    assert alarms(STREAMS[0], 1_000, 20, change=change) >= 16
