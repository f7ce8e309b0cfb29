"""The local registry as a kind."""

from modelyard.registry.kinds import Kind, Opening
from modelyard.registry.protocol import Registry


def _open(opening: Opening) -> Registry:
    from modelyard.registry.local.registry import LocalRegistry

    return LocalRegistry(opening.state, opening.model)


KIND = Kind("local", _open, outlives_job=False)
