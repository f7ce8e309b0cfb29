"""How far columns moved, from two profiles (``data.profile``): no row is looked at, and none can be told from it."""

from collections.abc import Mapping, Sequence
from typing import Any

from modelyard.evaluation.diagnostics.subject import digits
from modelyard.records.results.diagnostics import Moved

Columns = Mapping[str, Mapping[str, Any]]
"""The columns of a profile by name."""


def moved(features: Sequence[str], training: Columns, test: Columns, champion: Columns) -> tuple[Moved, ...]:
    """Return how far each column moved, the farthest first; those of which profiles say too little are left out."""
    found = []
    for name in features:
        now = training.get(name, {})
        numbers = bool(now.get("quantiles"))
        distance = _wasserstein if numbers else _variation
        to_test, since = (distance(now, other) for other in (test.get(name, {}), champion.get(name, {})))
        if to_test is not None or since is not None:
            found.append(
                Moved(
                    feature=name,
                    measure="wasserstein" if numbers else "variation",
                    to_test=to_test,
                    since_champion=since,
                )
            )
    return tuple(sorted(found, key=lambda one: -max(one.to_test or 0.0, one.since_champion or 0.0)))


def _wasserstein(now: Mapping[str, Any], other: Mapping[str, Any]) -> float | None:
    ours, theirs, spread = now.get("quantiles"), other.get("quantiles"), now.get("std")
    if not ours or not theirs or len(ours) != len(theirs) or not spread:
        return None
    gaps = [abs(a - b) for a, b in zip(ours, theirs, strict=True) if a is not None and b is not None]
    return digits(sum(gaps) / len(gaps) / spread, 4) if gaps else None


def _variation(now: Mapping[str, Any], other: Mapping[str, Any]) -> float | None:
    ours, theirs = _shares(now), _shares(other)
    if not ours or not theirs:
        return None
    return digits(sum(abs(ours.get(each, 0.0) - theirs.get(each, 0.0)) for each in {*ours, *theirs}) / 2, 4)


def _shares(column: Mapping[str, Any]) -> dict[str, float]:
    """Return the share of each category; those that are merged are one."""
    if "categories" not in column:
        return {}
    counts = {str(name): float(rows) for name, rows in column["categories"]}
    counts[""] = float(column.get("merged", {}).get("rows", 0))
    total = sum(counts.values())
    return {name: rows / total for name, rows in counts.items()} if total else {}
