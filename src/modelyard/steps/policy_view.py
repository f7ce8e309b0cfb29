"""The rules that judge a run, and the files that they name."""

from dataclasses import dataclass
from pathlib import Path

from modelyard.config.configuration import Config
from modelyard.core import files
from modelyard.policy.change import settings
from modelyard.policy.digest import rule_files
from modelyard.policy.in_force import Rules
from modelyard.steps.workspace import with_files


@dataclass(frozen=True)
class PolicyView:
    """The rules in force in a workspace, where ``base`` is the folder of modelyard.yml."""

    rules: Rules
    root: Path
    base: Path

    @property
    def config(self) -> Config:
        """The configuration that judges."""
        return self.rules.loaded.config

    @property
    def rules_root(self) -> Path:
        """What no file of the rules may leave: the base's folder, else the workspace."""
        return self.root if self.rules.folder is None else self.rules.folder

    def rule_file(self, path: str, what: str) -> Path:
        """Return a file that the rules name: the base's where the base's rules are in force.

        Raises:
            ConfigError: it leads out of its folder.
        """
        if self.rules.folder is None:
            return self.own_file(path, what)
        folder = self.rules.folder
        return files.inside(folder, folder / self.base.relative_to(self.root) / path, what=what)

    def own_file(self, path: str, what: str) -> Path:
        """Return a file of the checkout, whoever's rules are in force.

        Raises:
            ConfigError: it leads out of the workspace.
        """
        return files.inside(self.root, self.base / path, what=what)

    def digest_configuration(self) -> str:
        """Digest the configuration with the contents of the files that its rules name, and of prediction files."""
        return with_files(self.rules.loaded.digest, self._files())

    def settings(self) -> dict[str, str]:
        """Return what that digest is over, a key or a file a line."""
        digests = {name: files.sha256_file(path)[:19] for name, path in self._files().items() if path.is_file()}
        return settings(self.config) | digests

    def _files(self) -> dict[str, Path]:
        named = self.config.evaluate
        paths = {path: self.rule_file(path, "the rules") for path in rule_files(self.config)}
        predictions = [path for path in (named.challenger, named.champion) if path]
        return paths | {path: self.own_file(path, "the configuration") for path in predictions}
