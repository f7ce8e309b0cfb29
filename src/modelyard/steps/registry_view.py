"""The registry of a run's model: opened when it is first needed, and asked once for what its aliases point at."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from modelyard.config.configuration import Config
from modelyard.core import files
from modelyard.registry.choose import open_registry
from modelyard.registry.protocol import Registry, Version
from modelyard.registry.reference import best_alias
from modelyard.steps.once import Once
from modelyard.vcs import tree


@dataclass
class RegistryView:
    """The registry as one run sees it: what an alias points at is what it pointed at when it was first asked."""

    config: Config
    root: Path
    environ: Mapping[str, str]
    override: str = ""
    """Registry to use instead of the configuration's."""
    progress: Callable[[int, int, str], None] = lambda _done, _total, _text: None
    _once: Once = field(default_factory=Once, repr=False, compare=False)

    @property
    def alias(self) -> str:
        """The alias of the champion."""
        return self.config.registry.alias

    def open(self) -> Registry:
        """Open the registry.

        Raises:
            ConfigError: it cannot be used here, or nothing says where it is.
        """
        return self._once("registry", self._open)

    def _open(self) -> Registry:
        return open_registry(
            self.config.registry,
            self.config.model.name,
            files.self_ignoring(self.root / ".modelyard"),
            environ=self.environ,
            override=self.override,
            repository=tree.github_repository(self.root),
            progress=self.progress,
        )

    def find_champion(self) -> Version | None:
        """Look up the version that the alias points at."""
        return self._once("champion", lambda: self.open().find(self.alias))

    def find_best(self) -> Version | None:
        """Look up the best version that was promoted under the alias; the champion where none is marked."""
        return self._once("best", lambda: self.open().find(best_alias(self.alias)) or self.find_champion())
