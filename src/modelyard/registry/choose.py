"""Which registry a configuration means here."""

from collections.abc import Mapping
from pathlib import Path

from modelyard.config import models
from modelyard.errors import ConfigError, nearest
from modelyard.registry.base import Registry
from modelyard.registry.local import LocalRegistry

KINDS = ("local", "github", "mlflow")


def open_registry(
    registry: models.Registry, model: str, state: Path, *, environ: Mapping[str, str], override: str = ""
) -> Registry:
    """The registry of a model.

    Args:
        registry: the configuration's section.
        model: name of the model.
        state: the ``.modelyard`` folder.
        environ: environment variables, which say whether this is GitHub Actions.
        override: the command line's choice, or an empty string.

    Raises:
        ConfigError: not a registry, one that this version does not have, or one that would vanish with the job.
    """
    in_actions = environ.get("GITHUB_ACTIONS") == "true"
    kind = override or registry.kind
    if kind == "auto":
        kind = "github" if in_actions else "local"
    if kind not in KINDS:
        raise ConfigError(f"{kind!r} is no registry", do=nearest(kind, KINDS) or f"There are {', '.join(KINDS)}.")
    if kind != "local":
        raise ConfigError(
            f"this version of modelyard has no {kind} registry",
            do="Set registry: {kind: local} and, in GitHub Actions, durable: true where the folder outlives the job.",
        )
    if in_actions and environ.get("RUNNER_ENVIRONMENT") != "self-hosted" and not registry.durable:
        raise ConfigError(
            "a local registry on a hosted runner is gone when the job ends",
            do="Set registry.durable: true where its folder outlives the job, or run on a machine of your own.",
        )
    return LocalRegistry(state, model)
