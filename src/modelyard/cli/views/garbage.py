"""What garbage collection removes and keeps, and why, as lines and as data."""

from collections.abc import Iterator

from modelyard.core.errors import OK
from modelyard.registry.protocol import Orphan
from modelyard.registry.retention import Removable
from modelyard.report import numbers
from modelyard.usecases.collect_garbage import Collection

APPLY = "modelyard gc --apply"
_ORPHANS = {
    "temporary": "what a killed process was writing",
    "draft": "a draft that was never published",
    "unnamed": "published by a killed process, and no version",
    "removed": "of a removed version",
}


def lines(collection: Collection) -> Iterator[str]:
    """Tell what stays and what goes."""
    plan, policy, spared = collection.plan, collection.policy, collection.spared
    served = f"the last {numbers.plural(policy.versions, 'version')} that served"
    yield f"{collection.model} keeps {served}, and all that served within {numbers.plural(policy.days, 'day')}"
    yield from _table(
        f"kept: {len(plan.kept)}",
        [
            (each.version.name, numbers.size(each.version.manifest.size), "; ".join(why.said for why in each.reasons))
            for each in plan.kept
        ],
    )
    rows = [
        (each.version.name, numbers.size(each.version.manifest.size), spared.get(each.version.name, each.said))
        for each in plan.remove
    ]
    title = "removed" if collection.applied else "would be removed"
    yield from _table(f"{title}: {len(plan.remove) - len(spared)}", rows)
    yield from _table(f"orphans: {len(plan.discard)}", [_row(each) for each in plan.discard])
    if plan.wait:
        yield f"left alone, younger than a day: {numbers.plural(len(plan.wait), 'orphan')}"
    if not plan.remove and not plan.discard:
        yield "Nothing is to be removed."
    elif collection.applied:
        yield f"{numbers.size(plan.freed)} freed. Manifests and history stay: modelyard history"
    else:
        yield f"{numbers.size(plan.freed)} would be freed. Nothing was removed; `{APPLY}` does it."


def _table(title: str, rows: list[tuple[str, str, str]]) -> Iterator[str]:
    if not rows:
        return
    yield title
    names, sizes = max(len(row[0]) for row in rows), max(len(row[1]) for row in rows)
    for name, size, why in rows:
        yield f"  {name:<{names}}  {size:>{sizes}}  {why}"


def _row(orphan: Orphan) -> tuple[str, str, str]:
    return orphan.name, numbers.size(orphan.size), f"{_ORPHANS[orphan.what]}, since {orphan.since:%Y-%m-%d}"


def data(collection: Collection) -> dict[str, object]:
    """Return what ``--json`` prints."""
    plan, policy = collection.plan, collection.policy
    return {
        "exit-code": OK,
        "applied": collection.applied,
        "keep": {"versions": policy.versions, "days": policy.days},
        "kept": [
            {
                "version": each.version.name,
                "size": each.version.manifest.size,
                "why": [{"rule": why.rule, "said": why.said} for why in each.reasons],
            }
            for each in plan.kept
        ],
        "removed": [_removed(each, collection) for each in plan.remove],
        "leftovers": [
            {"name": each.name, "what": each.what, "size": each.size, "since": each.since.isoformat()}
            for each in plan.discard
        ],
        "left-alone": len(plan.wait),
        "freed": plan.freed,
    }


def _removed(each: Removable, collection: Collection) -> dict[str, object]:
    name = each.version.name
    known = {"version": name, "size": each.version.manifest.size, "said": each.said}
    return {**known, "spared": collection.spared[name]} if name in collection.spared else known
