"""Which registry a configuration means, and opening it."""

from collections.abc import Mapping
from pathlib import Path

from modelyard.config.models import Registry as RegistryConfig
from modelyard.errors import ConfigError
from modelyard.registry.base import Registry
from modelyard.registry.local import LocalRegistry


def open_registry(
    config: RegistryConfig, model: str, state: Path, *, environ: Mapping[str, str], override: str = ""
) -> Registry:
    """The registry of a model; ``state`` is the ``.modelyard`` folder.

    Raises:
        ConfigError: a kind that does not exist, is not built yet, or does not outlive a hosted runner.
    """
    kind = override or config.kind
    in_actions = environ.get("GITHUB_ACTIONS") == "true"
    if kind == "auto":
        kind = "github" if in_actions else "local"
    if kind in ("github", "mlflow"):
        raise ConfigError(
            f"the {kind} registry is not part of this version yet",
            do="Use registry: {kind: local}, with durable: true where its folder outlives the job.",
        )
    if kind != "local":
        raise ConfigError(f"there is no registry kind {kind[:40]!r}", do="Allowed: local, github, mlflow.")
    if in_actions and not config.durable and environ.get("RUNNER_ENVIRONMENT") != "self-hosted":
        raise ConfigError(
            "the local registry on a hosted runner is gone when the job ends",
            do="Use registry.kind: github, or say durable: true if the folder is kept.",
        )
    return LocalRegistry(state / "registry" / model)
