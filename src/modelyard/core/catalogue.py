"""Objects by name, for everything that grows: an unknown name is an error, never a fall-through."""

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from modelyard.core.errors import ConfigError, Place, nearest


class Named(Protocol):
    """Anything with a name."""

    @property
    def name(self) -> str:
        """Return the name by which users and records know it."""


T = TypeVar("T", bound=Named)


class Catalogue(Generic[T]):
    """What is registered of one kind, in the order of registration.

    Args:
        kind: What one of them is called in messages: ``metric``, ``step``.
        code: Error code of an unknown name, such as ``config/unknown-metric``.
    """

    def __init__(self, kind: str, code: str) -> None:
        self.kind = kind
        self.code = code
        self._items: dict[str, T] = {}

    def register(self, item: T) -> T:
        """Add an object and return it.

        Raises:
            ValueError: the name is taken.
        """
        if item.name in self._items:
            raise ValueError(f"{self.kind} {item.name!r} is registered already")
        self._items[item.name] = item
        return item

    def get(self, name: str, *, place: Place | None = None) -> T:
        """Return the object of a name.

        Raises:
            ConfigError: an unknown name; the message lists the known ones.
        """
        try:
            return self._items[name]
        except KeyError:
            raise ConfigError(
                f"unknown {self.kind} {name!r}",
                code=self.code,
                hint=nearest(name, self._items) or f"Known: {', '.join(self._items)}.",
                place=place,
            ) from None

    def names(self) -> tuple[str, ...]:
        """Return the known names in order."""
        return tuple(self._items)

    def __contains__(self, name: object) -> bool:
        """Return whether a name is known."""
        return name in self._items

    def __iter__(self) -> Iterator[T]:
        """Iterate over the objects in order."""
        return iter(tuple(self._items.values()))

    def __len__(self) -> int:
        """Return how many are registered."""
        return len(self._items)
