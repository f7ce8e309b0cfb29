"""Numbers in reports."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard.report import numbers


def test_an_estimate_and_its_limits_have_the_same_decimals() -> None:
    places = numbers.decimals([0.9144])
    assert numbers.metric(0.9144, places) == "0.9144"
    assert numbers.interval(0.905, 0.923, places) == "[0.9050, 0.9230]"


def test_numbers_above_one_have_four_significant_digits_and_large_ones_separators() -> None:
    assert numbers.metric(12.3456, numbers.decimals([12.3456])) == "12.35"
    assert numbers.metric(1234567.8, numbers.decimals([1234567.8])) == "1,234,568"


def test_small_numbers_keep_three_significant_digits() -> None:
    assert numbers.metric(0.000123456, numbers.decimals([0.000123456])) == "0.000123"


def test_a_difference_shows_its_sign_with_a_real_minus() -> None:
    assert numbers.metric(0.0119, signed=True) == "+0.0119"
    assert numbers.metric(-0.0213, signed=True) == "−0.0213"
    assert numbers.metric(-0.00001, signed=True) == "0.0000"
    assert numbers.exact(-0.005, signed=True) == "−0.005"


def test_what_is_missing_or_not_a_number_is_a_dash_and_never_a_value() -> None:
    assert numbers.metric(None) == "–"
    assert numbers.metric(float("nan")) == "–"
    assert numbers.interval(0.1, None) == "–"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.04, "0.0 s"), (8.44, "8.4 s"), (59.6, "1 min"), (97.3, "1 min 37 s"), (4830, "1 h 20 min")],
)
def test_durations(seconds: float, shown: str) -> None:
    assert numbers.duration(seconds) == shown

    assert numbers.size(512) == "512 B"
    assert numbers.size(1_482_331) == "1.4 MiB"
    assert numbers.count(84_059) == "84,059"
    assert numbers.share(32, 251_727) == "0.013%"
    assert numbers.share(1, 10**9) == "under 0.01%"


def test_units_are_counted_in_words_and_columns_by_their_name() -> None:
    assert numbers.units(92, "day") == "92 days"
    assert numbers.units(1, "row") == "1 row"
    assert numbers.units(40, "store") == "40 units of store"


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12))
def test_a_shown_metric_is_the_number_rounded(value: float) -> None:
    places = numbers.decimals([value])
    shown = numbers.metric(value, places).replace(numbers.MINUS, "-").replace(",", "")
    assert abs(float(shown) - value) <= 0.51 * 10**-places
