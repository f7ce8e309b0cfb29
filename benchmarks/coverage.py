"""Coverage and false passes by simulation, as a Markdown table: `python -m benchmarks.coverage --repetitions 10000`.

The same cases as tests/statistics, and more: each sample size, and known limits.
"""

import argparse

import numpy as np

from tests.statistics import guards
from tests.statistics.cases import BOOTSTRAP, CASES, CLOSED, Case, allowed, bar, held, simulate


def row(case: Case, repetitions: int) -> str:
    """One line of the table."""
    found = simulate(case, repetitions)
    most = allowed(bar(case), max(found.judged, 1))
    least = 2 * bar(case) - allowed(bar(case), max(found.judged, 1))
    word = "held" if held(case, found) else "missed"
    if not found.judged:
        word = "not judged"
    verdict = word if case.status == "bar" else f"known limit ({word})"
    asked = f"at least {least:.1%}" if case.power else f"at most {most:.1%}"
    shares = (
        ["–", "–", f"{found.passed:.1%}"]
        if case.margin is not None
        else [f"{found.above:.1%}", f"{found.below:.1%}", "–"]
    )
    return f"| {case.name} | {' | '.join(shares)} | {found.refused:,} of {repetitions:,} | {asked} | {verdict} |"


def gates(runs: int) -> None:
    """Print the second table: whole gates."""
    print("| whole gates | share | runs | bar |\n|---|---|---|---|")
    for lines in guards.TABLE:
        for line in lines(runs):
            asked = f"at most {line.at_most:.0%}" if line.at_most is not None else "reported"
            asked = asked if line.at_least is None else f"at least {line.at_least:.0%}"
            print(f"| {line.name} | {line.share:.1%} | {line.runs:,} | {asked} |", flush=True)
    for series in guards.SERIES:
        for with_best in (False, True):
            ends = guards.walk(runs, with_best=with_best, series=series)
            words = "with" if with_best else "without"
            named = (
                f"{series.steps} challengers {-series.mean:g} ± {series.spread:g} margins worse each, n = {series.n:,}"
            )
            shown = f"{ends.mean():+.2f} margins, 5% below {np.quantile(ends, 0.05):+.2f}"
            print(f"| {named}, {words} the best promoted model | {shown} | {runs:,} | reported |", flush=True)


def main() -> None:
    """Print the table, a line as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=10_000, help="of closed forms; bootstraps take a fifth")
    parser.add_argument("--part", default="1/1", help="which part of how many, to share them between processes")
    parser.add_argument("--only", default="", help="cases whose name holds this text")
    parser.add_argument("--gates", type=int, default=0, help="runs of the table of whole gates, instead")
    given = parser.parse_args()
    if given.gates:
        gates(given.gates)
        return
    print("| case | above | below | passed at the margin | refused | asked | bar |\n|---|---|---|---|---|---|---|")
    part, parts = (int(number) for number in given.part.split("/"))
    for case in CASES[part - 1 :: parts]:
        if given.only in case.name:
            share = case.repetitions / CLOSED if case.repetitions > BOOTSTRAP else 0.2
            print(row(case, max(1, int(given.repetitions * share))), flush=True)


if __name__ == "__main__":
    main()
