"""Names of the context before it was split, for callers that have yet to move; nothing new is added here."""

from pathlib import Path
from typing import Any

from modelyard.models.environment import Environment
from modelyard.policy.in_force import Rules
from modelyard.records.envelope import Envelope
from modelyard.registry.protocol import Registry, Version


class EarlierNames:
    """Properties and methods that pass on to the parts of a context."""

    versions: Any
    records: Any
    policy: Any
    workspace: Any
    read_environment: Any
    data: Any

    @property
    def registry(self) -> Registry:
        """``versions.open()``."""
        found: Registry = self.versions.open()
        return found

    @property
    def champion(self) -> Version | None:
        """``versions.find_champion()``."""
        found: Version | None = self.versions.find_champion()
        return found

    @property
    def best(self) -> Version | None:
        """``versions.find_best()``."""
        found: Version | None = self.versions.find_best()
        return found

    def record(self, step: str) -> Envelope:
        """Call ``records.read``."""
        found: Envelope = self.records.read(step)
        return found

    def record_or_none(self, step: str) -> Envelope | None:
        """Call ``records.find``."""
        found: Envelope | None = self.records.find(step)
        return found

    def record_path(self, step: str) -> Path:
        """Call ``records.path``."""
        found: Path = self.records.path(step)
        return found

    def rule_file(self, path: str, what: str) -> Path:
        """Call ``policy.rule_file``."""
        found: Path = self.policy.rule_file(path, what)
        return found

    def inside(self, path: str, what: str) -> Path:
        """Call ``policy.own_file``."""
        found: Path = self.policy.own_file(path, what)
        return found

    @property
    def rules(self) -> Rules | None:
        """``policy.rules``."""
        found: Rules = self.policy.rules
        return found

    @property
    def base(self) -> Path:
        """``policy.base``."""
        found: Path = self.policy.base
        return found

    command_folder = base

    @property
    def state(self) -> Path:
        """``workspace.open_state()``."""
        found: Path = self.workspace.open_state()
        return found

    @property
    def environment(self) -> Environment:
        """``read_environment()``."""
        found: Environment = self.read_environment()
        return found

    @property
    def environment_digest(self) -> str:
        """``workspace.digest_environment()``."""
        found: str = self.workspace.digest_environment()
        return found

    @property
    def code_digest(self) -> str:
        """``workspace.digest_code()``."""
        found: str = self.workspace.digest_code()
        return found
