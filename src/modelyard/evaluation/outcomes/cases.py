"""Attempts of both sides, paired by case: what is independent is the case, however often it was tried."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from modelyard.core.errors import DataError
from modelyard.evaluation.outcomes.attempts import Attempt
from modelyard.metrics.predictions import Floats

LIMIT = 0.01
"""Share of attempts without an outcome, and of cases on one side alone, from which nothing is judged."""
MEASURES = ("passed", "score", "cost")


@dataclass(frozen=True)
class Cases:
    """n cases that every side has an outcome of.

    Their order is that of their outcomes, and so are the attempts at each: a resample draws by position, and neither
    names nor the order of a file decide what it draws.

    Attributes:
        names: what names each; n of them.
        tags: by name, a value of each case, or None.
        measures: by role, then by ``passed``, ``score`` and ``cost``: (n × attempts,) values, case after case; only
            what every attempt of every side has.
        attempts: at each case, where every side tried each equally often; else 1, and the values are means.
        averaged: the values are such means.
        unmatched: by role, the cases without an outcome there, where there are any.
    """

    names: tuple[str, ...]
    tags: Mapping[str, tuple[str | None, ...]]
    measures: Mapping[str, Mapping[str, Floats]]
    attempts: int
    averaged: bool
    unmatched: Mapping[str, int]

    def __len__(self) -> int:
        """Return the number of cases."""
        return len(self.names)


def paired(sides: Mapping[str, Sequence[Attempt]], tags: Sequence[str] = ()) -> Cases:
    """Pair the attempts of every side by case.

    Args:
        sides: attempts by role: challenger, and champion where there is one.
        tags: names of tags to keep.

    Raises:
        DataError: no attempts, two with one name, more than 1 % without an outcome, more than 1 % of the cases on one
            side alone, or a case with two values of one tag.
    """
    known = {role: _by_case(attempts, role) for role, attempts in sides.items()}
    every = sorted(set().union(*known.values()))
    unmatched = {role: len(every) - len(found) for role, found in known.items()}
    for role, count in unmatched.items():
        if count > LIMIT * len(every):
            absent = [name for name in every if name not in known[role]]
            raise DataError(
                f"the {role}: {count:,} of {len(every):,} cases have no outcome, such as {absent[0][:80]!r} (allowed: "
                "1 %)",
                code="outcomes/unmatched-cases",
                hint="Both sides answer the same cases: run the harness again for the one that misses them.",
            )
    names = tuple(name for name in every if all(name in found for found in known.values()))
    attempts = [attempt for found in known.values() for name in names for attempt in found[name]]
    measures = [name for name in MEASURES if all(getattr(attempt, name) is not None for attempt in attempts)]
    for found in known.values():
        for tried in found.values():
            tried.sort(key=lambda one: _outcome(one, measures))
    kept = {tag: {name: _tag(tag, name, known["challenger"][name]) for name in names} for tag in tags}
    names = tuple(
        sorted(
            names,
            key=lambda name: (
                [[_outcome(one, measures) for one in found[name]] for found in known.values()],
                [kept[tag][name] or "" for tag in tags],
            ),
        )
    )
    tries = {len(found[name]) for found in known.values() for name in names}
    return Cases(
        names,
        {tag: tuple(kept[tag][name] for name in names) for tag in tags},
        {
            role: {
                measure: np.array(
                    [_mean(found[name], measure) for name in names]
                    if len(tries) > 1
                    else [float(getattr(one, measure)) for name in names for one in found[name]]
                )
                for measure in measures
            }
            for role, found in known.items()
        },
        attempts=1 if len(tries) > 1 else min(tries),
        averaged=len(tries) > 1,
        unmatched={role: count for role, count in unmatched.items() if count},
    )


def _outcome(attempt: Attempt, measures: Sequence[str]) -> tuple[float, ...]:
    return tuple(float(getattr(attempt, measure)) for measure in measures)


def _mean(attempts: Sequence[Attempt], measure: str) -> float:
    return sum(float(getattr(one, measure)) for one in attempts) / len(attempts)


def _by_case(attempts: Sequence[Attempt], role: str) -> dict[str, list[Attempt]]:
    if not attempts:
        raise DataError(
            f"the {role}: no attempts at all", code="outcomes/no-cases", hint="Look at what the harness ran."
        )
    twice = [key for key, count in Counter((each.case, each.repeat) for each in attempts).items() if count > 1]
    if twice:
        raise DataError(
            f"the {role}: {len(twice):,} cases have two outcomes, such as {twice[0][0][:80]!r}",
            code="outcomes/repeated-case",
            hint="Give every case a name of its own; where they are several attempts, name the column that tells them "
            "apart: repeat.",
        )
    unknown = sum(not each.known for each in attempts)
    if unknown > LIMIT * len(attempts):
        raise DataError(
            f"the {role}: {unknown:,} of {len(attempts):,} attempts have no outcome (allowed: 1 %)",
            code="outcomes/no-outcome",
            hint="An attempt that ended in an error says nothing of the case: run those again.",
        )
    found: dict[str, list[Attempt]] = {}
    for each in attempts:
        if each.known:
            found.setdefault(each.case, []).append(each)
    return found


def _tag(tag: str, case: str, attempts: Sequence[Attempt]) -> str | None:
    values = {each.tags[tag] for each in attempts if tag in each.tags}
    if len(values) > 1:
        raise DataError(
            f"the case {case[:80]!r} has {len(values)} values of the tag {tag!r}",
            code="outcomes/two-tags",
            hint="A tag belongs to the case, and is the same for all its attempts.",
        )
    return next(iter(values), None)
