"""Which registry a configuration means here."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from modelyard.config.sections.registry import Registry as RegistrySection
from modelyard.core.actions import in_actions, runner_folder
from modelyard.core.errors import ConfigError, nearest
from modelyard.core.vocabulary import REGISTRY_KINDS
from modelyard.registry.local.registry import LocalRegistry
from modelyard.registry.protocol import Registry


def open_registry(
    registry: RegistrySection,
    model: str,
    state: Path,
    *,
    environ: Mapping[str, str],
    override: str = "",
    repository: str = "",
    progress: Callable[[int, int, str], None] = lambda _done, _total, _text: None,
    tell: Callable[[str], None] = lambda text: print(f"modelyard: {text}", file=sys.stderr),
) -> Registry:
    """The registry of a model; nothing is read of it yet.

    Args:
        registry: the configuration's section.
        model: name of the model.
        state: the ``.modelyard`` folder.
        environ: environment variables, which say whether this is GitHub Actions.
        override: the command line's choice, or an empty string.
        repository: ``owner/name`` locally, where the environment does not say.
        progress: told how far a large file is on its way.
        tell: says what a person should know, such as an alias that was moved by hand and put back.

    Raises:
        ConfigError: not a registry, one that nothing says where it is, or one that would vanish with the job.
    """
    on_runner = in_actions(environ)
    kind = override or registry.kind
    if kind == "auto":
        kind = "github" if on_runner else "local"
    if kind not in REGISTRY_KINDS:
        raise ConfigError(
            f"{kind!r} is no registry", hint=nearest(kind, REGISTRY_KINDS) or f"There are {', '.join(REGISTRY_KINDS)}."
        )
    if kind == "mlflow":
        return _mlflow(registry, model, state, environ, tell)
    if kind == "github":
        return _github(model, state, environ, repository, progress)
    if on_runner and environ.get("RUNNER_ENVIRONMENT") != "self-hosted" and not registry.durable:
        raise ConfigError(
            "a local registry on a hosted runner is gone when the job ends",
            hint="Set registry.durable: true where its folder outlives the job, or run on a machine of your own.",
        )
    return LocalRegistry(state, model)


def _github(
    model: str, state: Path, environ: Mapping[str, str], repository: str, progress: Callable[[int, int, str], None]
) -> Registry:
    from modelyard.github.credentials import client_for
    from modelyard.registry.github.registry import GitHubRegistry

    client = client_for(environ, repository=repository, progress=progress)
    scratch = _scratch("github", state, environ)
    return GitHubRegistry(client, model, scratch=scratch, target=environ.get("GITHUB_SHA", ""))


def _mlflow(
    registry: RegistrySection, model: str, state: Path, environ: Mapping[str, str], tell: Callable[[str], None]
) -> Registry:
    from modelyard.registry.mlflow.registry import MlflowRegistry
    from modelyard.registry.mlflow.server import Server, server_address

    server = Server(server_address(registry.uri or "", environ))
    return MlflowRegistry(server, model, scratch=_scratch("mlflow", state, environ), tell=tell)


def _scratch(kind: str, state: Path, environ: Mapping[str, str]) -> Path:
    return (runner_folder(environ) or state) / kind
