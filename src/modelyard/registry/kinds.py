"""The kinds of registry: what each is called, how it is opened, and what it needs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from modelyard.config.sections.registry import Registry as RegistrySection
from modelyard.core import credentials
from modelyard.core.actions import runner_folder
from modelyard.core.catalogue import Catalogue
from modelyard.registry.protocol import Registry


@dataclass(frozen=True)
class Opening:
    """What a registry is opened with.

    Attributes:
        section: the configuration's section.
        model: name of the model.
        state: the ``.modelyard`` folder.
        environ: environment variables.
        repository: ``owner/name`` locally, where the environment does not say.
        progress: told how far a large file is on its way.
        tell: says what a person should know, such as an alias that was moved by hand and restored.
    """

    section: RegistrySection
    model: str
    state: Path
    environ: Mapping[str, str]
    repository: str
    progress: Callable[[int, int, str], None]
    tell: Callable[[str], None]

    def scratch(self, kind: str) -> Path:
        """Return a folder for files on their way."""
        return (runner_folder(self.environ) or self.state) / kind


@dataclass(frozen=True)
class Kind:
    """A kind of registry.

    Attributes:
        name: as in ``registry.kind`` and ``--registry``.
        open: opens one, and reads nothing of it yet; heavy imports happen there.
        extra: modelyard's extra with the packages that it needs, and the suffix of the locks that have them.
        credentials: variables that hold its credentials; users' code never gets them.
        outlives_job: what it stores is there after a job of a hosted runner ended.
    """

    name: str
    open: Callable[[Opening], Registry]
    extra: str = ""
    credentials: tuple[str, ...] = ()
    outlives_job: bool = True


KINDS: Catalogue[Kind] = Catalogue("registry kind", "registry/unknown-kind")


def register(kind: Kind) -> Kind:
    """Add a kind of registry."""
    credentials.declare(*kind.credentials)
    return KINDS.register(kind)
