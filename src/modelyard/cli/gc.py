"""``modelyard gc``: what in the registry nothing needs any more; shown, and removed where asked."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from modelyard.cli.flags import Command
from modelyard.cli.session import open_context
from modelyard.core.errors import OK
from modelyard.registry.base import Leftover
from modelyard.registry.gc import carry_out
from modelyard.registry.retention import Plan, Policy, Removable, plan
from modelyard.report import numbers
from modelyard.steps.promote.pull_request import proposed

_COMMAND = "modelyard gc --apply"


def run(_command: Command, given: Mapping[str, str], _positional: list[str]) -> int:
    """Show what would go, or remove it.

    Raises:
        DataError: a pull request's pointer file is none, so that nobody knows which version it needs.
        PlatformError: the registry or the pull requests cannot be read, or the registry would not let it go; what was
            removed until then is removed.
    """
    context = open_context(given, quiet=True)
    registry, keep = context.registry, context.config.registry.keep
    policy = Policy(keep.versions, keep.days)
    found = plan(
        registry.list(),
        registry.entries(),
        registry.leftovers(),
        policy,
        datetime.now(UTC),
        shared=registry.kind == "local",
        proposed=proposed(context),
    )
    apply = given.get("apply") == "true"
    spared = carry_out(registry, found, actor=context.actor, command=_COMMAND) if apply else {}
    if given.get("json") == "true":
        print(json.dumps(_as_data(found, policy, spared, apply=apply)))
    else:
        print("\n".join(_as_text(found, policy, spared, registry.model, apply=apply)))
    return OK


def _as_text(found: Plan, policy: Policy, spared: Mapping[str, str], model: str, *, apply: bool) -> Iterator[str]:
    served = f"the last {numbers.plural(policy.versions, 'version')} that served"
    yield f"{model} keeps {served}, and all that served within {numbers.plural(policy.days, 'day')}"
    yield from _table(
        f"kept: {len(found.kept)}",
        [
            (each.version.name, numbers.size(each.version.manifest.size), "; ".join(why.said for why in each.reasons))
            for each in found.kept
        ],
    )
    rows = [
        (each.version.name, numbers.size(each.version.manifest.size), spared.get(each.version.name, each.said))
        for each in found.remove
    ]
    yield from _table(f"{'removed' if apply else 'would be removed'}: {len(found.remove) - len(spared)}", rows)
    yield from _table(f"leftovers: {len(found.discard)}", [_row(each) for each in found.discard])
    if found.wait:
        yield f"left alone, younger than a day: {numbers.plural(len(found.wait), 'leftover')}"
    if not found.remove and not found.discard:
        yield "Nothing is to be removed."
    elif apply:
        yield f"{numbers.size(found.freed)} freed. Manifests and history stay: modelyard history"
    else:
        yield f"{numbers.size(found.freed)} would be freed. Nothing was removed; `{_COMMAND}` does it."


def _table(title: str, rows: list[tuple[str, str, str]]) -> Iterator[str]:
    if not rows:
        return
    yield title
    names, sizes = max(len(row[0]) for row in rows), max(len(row[1]) for row in rows)
    for name, size, said in rows:
        yield f"  {name:<{names}}  {size:>{sizes}}  {said}"


def _row(leftover: Leftover) -> tuple[str, str, str]:
    said = {
        "temporary": "what a killed process was writing",
        "draft": "a draft that was never published",
        "unnamed": "published by a killed process, and no version",
        "removed": "of a removed version",
    }[leftover.what]
    return leftover.name, numbers.size(leftover.size), f"{said}, since {leftover.since:%Y-%m-%d}"


def _as_data(found: Plan, policy: Policy, spared: Mapping[str, str], *, apply: bool) -> dict[str, object]:
    def version(each: Removable) -> dict[str, object]:
        manifest = each.version.manifest
        known = {"version": each.version.name, "size": manifest.size, "said": each.said}
        return {**known, "spared": spared[each.version.name]} if each.version.name in spared else known

    return {
        "exit-code": OK,
        "applied": apply,
        "keep": {"versions": policy.versions, "days": policy.days},
        "kept": [
            {
                "version": each.version.name,
                "size": each.version.manifest.size,
                "why": [{"rule": why.rule, "said": why.said} for why in each.reasons],
            }
            for each in found.kept
        ],
        "removed": [version(each) for each in found.remove],
        "leftovers": [
            {"name": each.name, "what": each.what, "size": each.size, "since": each.since.isoformat()}
            for each in found.discard
        ],
        "left-alone": len(found.wait),
        "freed": found.freed,
    }
