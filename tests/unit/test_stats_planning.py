"""Test set sizes: the published table as integers, the published cases of Bennett's inequality, and slips."""

import math

import pytest

from modelyard.core.errors import ConfigError
from modelyard.stats import planning
from modelyard.stats.planning import Adaptivity

TABLE: list[tuple[str, Adaptivity, list[int]]] = [
    ("n > 0.8", "none", [404, 1_615, 40_355]),
    ("n > 0.8", "full", [1_340, 5_358, 133_930]),
    ("n - o > 0.02", "none", [1_753, 7_012, 175_282]),
    ("n - o > 0.02", "full", [5_496, 21_984, 549_581]),
]


def size(
    condition: str, adaptivity: Adaptivity = "none", *, reliability: float = 0.99, disagreement: float | None = None
) -> int:
    return planning.rows_needed(
        condition, reliability=reliability, steps=32, adaptivity=adaptivity, disagreement=disagreement
    )


@pytest.mark.parametrize(("condition", "adaptivity", "expected"), TABLE)
def test_the_published_table(condition: str, adaptivity: Adaptivity, expected: list[int]) -> None:
    found = [size(f"{condition} +/- {tolerance}", adaptivity) for tolerance in ("0.1", "0.05", "0.01")]
    assert found == expected


def test_a_known_disagreement_needs_the_published_29k_and_67k_rows() -> None:
    condition = "n - o > 0.02 +/- 0.01"
    assert size(condition, reliability=0.9999, disagreement=0.1) == 29_048
    assert size(condition, "full", reliability=0.9999, disagreement=0.1) == 67_706
    assert size("n > 0.8 +/- 0.01", disagreement=0.1) == size("n > 0.8 +/- 0.01")


def test_a_conjunction_needs_what_its_hardest_clause_needs_with_the_error_shared() -> None:
    both = size("n > 0.8 +/- 0.05 and d < 0.1 +/- 0.01")
    assert both == math.ceil(math.log(2 * 32 / 0.01) / (2 * 0.01**2))
    assert size("n > 0.8 +/- 0.05 /\\ d < 0.1 +/- 0.01") == both


def test_coefficients_widen_the_range() -> None:
    assert size("n - 1.1 * o > 0.01 +/- 0.01") == math.ceil(math.log(2 * 32 / 0.01) * 2.1**2 / (2 * 0.01**2))
    assert size("2*n > 1 +/- 0.02") == size("n > 0.5 +/- 0.01")


def test_a_thousand_adaptive_steps_are_still_a_number() -> None:
    found = planning.rows_needed("n > 0.8 +/- 0.1", reliability=0.99, steps=5000, adaptivity="full")
    assert found == math.ceil((5000 * math.log(2) - math.log(0.01)) / 0.02)


@pytest.mark.parametrize(
    "condition",
    ["", "n", "n > 0.8", "n > 0.8 +/- 0", "n > 0.8 +/- 2", "x > 0.1 +/- 0.1", "n o > 1 +/- 0.1", "n - > 1 +/- 0.1",
     "n > 0.8 +/- 0.1 and", "n - n > 0 +/- 0.1", "n >> 0.8 +/- 0.1", "n = 0.8 +/- 0.1"],
)  # fmt: skip
def test_what_is_no_condition_is_refused(condition: str) -> None:
    with pytest.raises(ConfigError) as caught:
        size(condition)
    assert caught.value.code == "command/bad-condition"


@pytest.mark.parametrize(("reliability", "disagreement"), [(1.0, None), (0.0, None), (0.99, 0.0), (0.99, 1.5)])
def test_numbers_out_of_range_are_refused(reliability: float, disagreement: float | None) -> None:
    with pytest.raises(ConfigError) as caught:
        size("n - o > 0.02 +/- 0.01", reliability=reliability, disagreement=disagreement)
    assert caught.value.code == "command/bad-value"
