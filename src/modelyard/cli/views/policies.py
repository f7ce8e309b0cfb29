"""Policies of retraining that were tried on history, in words."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelyard.records.results import Estimate
    from modelyard.usecases.simulate_policies import Simulation


def lines(found: "Simulation") -> Iterator[str]:
    """Tell what each policy would have done, how models age, and what the newest rows gain."""
    yield (
        f"{found.metric} of {found.model}, {found.fits} models: each trained on all before a window of {found.window}, "
        f"{found.stretches[0]} to {found.stretches[-1]}"
    )
    yield ""
    priced = found.costs is not None
    table = [
        ["policy", found.metric, "regret", "retrainings", "promoted", "for nothing", *(["cost"] if priced else [])]
    ]
    for each in found.outcomes:
        cost = [] if each.cost is None else [f"{each.cost:,.0f}"]
        numbers = [f"{each.metric:.4f}", f"{each.regret:.4f}", str(each.retrainings), str(each.promoted)]
        table.append([each.policy, *numbers, str(each.for_nothing), *cost])
    yield from _table(table)
    yield ""
    yield "age of the model in windows: how much worse than after one, on the same windows"
    yield from _table(
        [
            ["age", found.metric, "worse by", "95 %", "windows"],
            *([str(age.stretches), f"{age.metric:.4f}", *_shown(age.loss), str(age.n)] for age in found.ages),
        ]
    )
    yield ""
    gain, limits = _shown(found.pilot)
    windows = "window" if found.pilot_windows == 1 else f"{found.pilot_windows} windows"
    yield f"pilot: with the newest {windows} the model gains {gain} {limits} on {found.stretches[-1]}"
    yield f"       {_worth(found.pilot)}"
    yield ""
    why = "it costs least" if priced else "it retrains least among those that come near the best"
    yield f"best: {found.best}, since {why}"
    yield found.yaml


def _worth(gain: "Estimate") -> str:
    if gain.low is None or gain.high is None:
        return "not known"
    if gain.low > 0:
        return "they help"
    return "they harm" if gain.high < 0 else "not known whether they help"


def _shown(found: "Estimate") -> tuple[str, str]:
    value = "–" if found.value is None else f"{found.value:+.4f}"
    return value, "" if found.low is None or found.high is None else f"[{found.low:+.4f}, {found.high:+.4f}]"


def _table(rows: list[list[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        first, *rest = zip(row, widths, strict=True)
        cells = [first[0].ljust(first[1]), *(text.rjust(width) for text, width in rest)]
        yield ("  " + "  ".join(cells)).rstrip()
