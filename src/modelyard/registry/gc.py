"""Carrying out what ``retention`` decided, on any registry."""

from modelyard.core.errors import ConfigError
from modelyard.registry.protocol import Registry
from modelyard.registry.retention import Plan


def carry_out(registry: Registry, plan: Plan, *, actor: str, command: str = "") -> dict[str, str]:
    """Remove what a plan names.

    Returns:
        Version to why it was spared after all: somebody pointed an alias at it in the meantime.

    Raises:
        PlatformError: the registry would not do it; what was removed until then is removed.
    """
    spared = {}
    for each in plan.remove:
        try:
            registry.remove(each.version.name, actor=actor, reason=f"gc: {each.said}", command=command)
        except ConfigError as error:
            spared[each.version.name] = error.message
    registry.discard(plan.discard)
    return spared
