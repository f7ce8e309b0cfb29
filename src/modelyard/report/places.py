"""Where rules stand, for annotations and other tools."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Places:
    """The files whose lines are pointed at; empty where the lines are not the checkout's."""

    config: str = ""
    suites: Mapping[str, str] = field(default_factory=dict)
    """Data set to the path of its suite."""
