"""A job without a checkout: configuration and tree come from the GitHub API at the run's commit.

A job that may write checks nothing out. It takes the configuration and the tree at GITHUB_SHA from the API, which no
earlier job can change, and everything else from records whose digest the run handed over.
"""

from dataclasses import dataclass, field
from pathlib import Path

from modelyard.config.load import Loaded, load
from modelyard.core.errors import ConfigError
from modelyard.core.files import write_atomic
from modelyard.github.client import GitHub
from modelyard.github.event import Event
from modelyard.models import environment
from modelyard.models.environment import Interpreter
from modelyard.steps.context import Context
from modelyard.steps.once import Once

READ = "contents: read"


@dataclass
class Checkoutless(Context):
    """A context without a checkout: no data, no packages of the model, no tree of its own."""

    client: GitHub = field(kw_only=True)
    commit: str = field(kw_only=True)
    _once: Once = field(default_factory=Once, init=False, repr=False, compare=False)

    def connect(self) -> GitHub:
        """Return the client that the configuration was read with."""
        return self.client

    def read_tree(self) -> str:
        """Read the tree of the run's commit from GitHub."""
        commit = self._once("commit", lambda: self.client.get(f"git/commits/{self.commit}", needs=READ))
        return f"git:{commit['tree']['sha']}"

    def read_committed_tree(self) -> str:
        """Read the tree of the run's commit from GitHub."""
        return self.read_tree()

    def digest_data(self) -> dict[str, str]:
        """Return the data of this run's detect record, which the evidence must build on."""
        return self.records.read("detect").record.data

    def find_interpreter(self) -> Interpreter:
        """Return this interpreter: a job without a checkout runs no code of the user's."""
        return environment.this_interpreter()


def config_at(event: Event, client: GitHub, path: str, scratch: Path) -> Loaded:
    """Load the configuration at the run's commit.

    Raises:
        ConfigError: there is none at that path.
        GitHubError: GitHub did not answer.
    """
    name = Path(path)
    if name.is_absolute() or ".." in name.parts:
        raise ConfigError(f"config: {path[:80]!r} leads outside the repository", code="config/outside")
    if client.find(f"contents/{name.as_posix()}", needs=READ, params={"ref": event.sha}) is None:
        raise ConfigError(
            f"no {path} at the commit {event.sha[:12]}",
            code="config/not-found",
            hint="Name the configuration's path: with: {config: …}.",
        )
    text = client.raw(f"contents/{name.as_posix()}", needs=READ, params={"ref": event.sha})
    folder = scratch / f"at-{event.sha}"
    write_atomic(folder / name, text)
    return load(name, root=folder)
