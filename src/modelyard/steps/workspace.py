"""The checkout that a run works in: its files, git's tree, the user's code and the packages that are installed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from modelyard.config.configuration import Config
from modelyard.config.load import Loaded
from modelyard.core import files
from modelyard.core.canonical import digest
from modelyard.models import environment
from modelyard.models.environment import Environment, Interpreter
from modelyard.models.pinned import interpreter_with
from modelyard.registry.choose import extra_of
from modelyard.steps import code
from modelyard.steps.once import Once
from modelyard.vcs import tree


@dataclass
class Workspace:
    """A checkout; no path of the configuration may leave its ``root``."""

    root: Path
    loaded: Loaded
    environments: Path
    """Where environments of models and of the user's commands are built."""
    requirements: str = ""
    """Requirements file to use instead of the configuration's."""
    _once: Once = field(default_factory=Once, repr=False, compare=False)

    @property
    def config(self) -> Config:
        """The configuration."""
        return self.loaded.config

    @property
    def base(self) -> Path:
        """The folder of modelyard.yml, which paths in it are relative to, and where user commands run."""
        return self.loaded.path.parent

    def open_state(self) -> Path:
        """Return ``.modelyard`` (caches, environments, the local registry), made where it is not there."""
        return files.self_ignoring(self.root / ".modelyard")

    def inside(self, path: str, what: str) -> Path:
        """Return a path of the configuration.

        Raises:
            ConfigError: it leads out of the workspace.
        """
        return files.inside(self.root, self.base / path, what=what)

    def read_tree(self) -> str:
        """Ask git for the tree of everything that it does not ignore."""
        return self._once("tree", lambda: tree.tree(self.root))

    def find_interpreter(self) -> Interpreter:
        """Return what runs the user's code: this interpreter, or one with the packages that the user pins."""
        return self._once("interpreter", self._find_interpreter)

    def _find_interpreter(self) -> Interpreter:
        named = self.requirements or self.config.requirements
        if not named:
            return environment.this_interpreter()
        extra = extra_of(self.config.registry.kind)
        return interpreter_with(self.inside(named, "requirements"), cache=self.environments, extra=extra)

    def read_environment(self) -> Environment:
        """List what the model can import here."""
        return self.find_interpreter().environment

    def digest_environment(self) -> str:
        """Digest the names and versions of what the model can import here."""
        return environment.environment_digest(self.read_environment())

    def digest_packages(self) -> str:
        """Digest what the model can import here, with the lock of the training command's own environment."""
        lock = self.config.train.environment if self.config.train else None
        named = {lock: self.inside(lock, "the configuration")} if lock else {}
        return with_files(self.digest_environment(), named)

    def digest_code(self) -> str:
        """Digest what a fit depends on of the user's code, where it is trained here."""
        return self._once("code", lambda: code.digest_code(self.config, self.root, self.base, self.loaded.path))


def with_files(known: str, paths: Mapping[str, Path]) -> str:
    """Digest something together with the contents of files, by the names that users gave them."""
    found = {name: files.sha256_file(path) if path.is_file() else None for name, path in paths.items()}
    return digest({"known": known, "files": found}) if found else known
