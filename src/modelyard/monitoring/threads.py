"""How many threads fit the small models that monitoring trains: one."""

from typing import Any


def alone() -> Any:
    """Keep to one thread: on a busy machine several wait for each other a hundred times as long as they work."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1)
