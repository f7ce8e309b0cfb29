"""Why something is as it is, as a code with its numbers and names; ``report.wording`` has the words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

Value = int | float | str | tuple[str, ...]


@dataclass(frozen=True)
class Reason:
    """A code in kebab case, and what its sentence names."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "allow_inf_nan": False}

    code: str
    values: Mapping[str, Value] = field(default_factory=dict)


def because(kind: str, **values: Value) -> Reason:
    """Return a reason."""
    return Reason(kind, values)
