"""Choose and open the registry that a configuration means."""

from collections.abc import Callable, Mapping
from pathlib import Path

from modelyard.config.sections.registry import Registry as RegistrySection
from modelyard.core import terminal
from modelyard.core.actions import in_actions
from modelyard.core.errors import ConfigError
from modelyard.registry.github.kind import KIND as GITHUB
from modelyard.registry.kinds import KINDS, Opening, register
from modelyard.registry.local.kind import KIND as LOCAL
from modelyard.registry.mlflow.kind import KIND as MLFLOW
from modelyard.registry.protocol import Registry

for _kind in (LOCAL, GITHUB, MLFLOW):
    register(_kind)


def open_registry(
    section: RegistrySection,
    model: str,
    state: Path,
    *,
    environ: Mapping[str, str],
    override: str = "",
    repository: str = "",
    progress: Callable[[int, int, str], None] = lambda _done, _total, _text: None,
    tell: Callable[[str], None] = lambda text: terminal.tell(f"modelyard: {text}"),
) -> Registry:
    """Return the registry of a model; nothing is read of it yet.

    Args:
        section: the configuration's section.
        model: name of the model.
        state: the ``.modelyard`` folder.
        environ: environment variables, which say whether this is GitHub Actions.
        override: the command line's choice, or an empty string.
        repository: ``owner/name`` locally, where the environment does not say.
        progress: told how far a large file is on its way.
        tell: says what a person should know, such as an alias that was moved by hand and restored.

    Raises:
        ConfigError: an unknown kind, one that nothing says where it is, or one that would vanish with the job.
    """
    on_runner = in_actions(environ)
    name = override or section.kind
    if name == "auto":
        name = GITHUB.name if on_runner else LOCAL.name
    kind = KINDS.get(name)
    hosted = on_runner and environ.get("RUNNER_ENVIRONMENT") != "self-hosted"
    if hosted and not (kind.outlives_job or section.durable):
        raise ConfigError(
            f"a {kind.name} registry on a hosted runner is gone when the job ends",
            code="registry/not-durable",
            hint="Set registry.durable: true where its folder outlives the job, or run on a machine of your own.",
        )
    return kind.open(Opening(section, model, state, environ, repository, progress, tell))


def extra_of(name: str) -> str:
    """Return modelyard's extra that a kind of registry needs, or an empty string; ``auto`` is a kind without one."""
    return KINDS.get(name).extra if name in KINDS else ""
