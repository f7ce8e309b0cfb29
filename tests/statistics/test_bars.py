"""The table of simulations (cases.py): the part that the suite runs; benchmarks/coverage.py runs the whole."""

import pytest

from tests.statistics.cases import CASES, Case, held, simulate


@pytest.mark.parametrize("case", [case for case in CASES if case.suite], ids=lambda case: case.name)
def test_the_bar_is_held(case: Case) -> None:
    found = simulate(case, case.repetitions)
    print(f"{case.name}: {found}")
    assert held(case, found), found


def test_no_two_cases_have_one_name() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names), sorted({name for name in names if names.count(name) > 1})


def test_every_size_of_the_bars_is_in_the_table() -> None:
    for size in ("n = 50,", "n = 200,", "n = 1,000", "n = 5,000"):
        assert sum(size in f"{case.name}," for case in CASES) > 10, size
