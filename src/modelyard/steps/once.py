"""Values that cost something and are computed at most once."""

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Once:
    """Values by name; the first call with a name computes its value, later ones return it."""

    def __init__(self) -> None:
        self._known: dict[str, Any] = {}

    def __call__(self, name: str, compute: Callable[[], T]) -> T:
        """Return the value of a name."""
        if name not in self._known:
            self._known[name] = compute()
        known: T = self._known[name]
        return known

    def forget(self, name: str) -> None:
        """Drop a value, so that it is computed anew when it is needed again."""
        self._known.pop(name, None)
