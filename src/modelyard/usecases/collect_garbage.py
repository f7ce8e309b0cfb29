"""Collect garbage: plan what in a registry nothing needs any more, and remove it where that is wanted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from modelyard.registry.gc import carry_out
from modelyard.registry.protocol import Registry
from modelyard.registry.retention import Plan, Policy, plan


@dataclass(frozen=True)
class Collection:
    """A plan, and what became of it.

    Attributes:
        model: name of the model.
        policy: how much history keeps its bytes.
        plan: what stays and what goes.
        applied: whether it was carried out.
        spared: version to why it was not removed after all.
    """

    model: str
    policy: Policy
    plan: Plan
    applied: bool = False
    spared: Mapping[str, str] = field(default_factory=dict)


def plan_collection(registry: Registry, policy: Policy, now: datetime, proposed: Mapping[str, str]) -> Collection:
    """Plan what may go; nothing is removed.

    Args:
        registry: the registry of the model.
        policy: how much history keeps its bytes.
        now: the moment that spans are counted back from.
        proposed: version to where a promotion by pull request names it.

    Raises:
        PlatformError: the registry cannot be read.
    """
    planned = plan(
        registry.list(),
        registry.entries(),
        registry.orphans(),
        policy,
        now,
        shared=registry.shares_bytes,
        proposed=proposed,
    )
    return Collection(registry.model, policy, planned)


def collect(registry: Registry, planned: Collection, *, actor: str, command: str) -> Collection:
    """Remove what a plan names.

    Raises:
        PlatformError: the registry would not let it go; what was removed until then is removed.
    """
    spared = carry_out(registry, planned.plan, actor=actor, command=command)
    return Collection(planned.model, planned.policy, planned.plan, applied=True, spared=spared)
