"""What is at hand when an alias is to move: from the checkout, or in a job without one from GitHub at the run's commit.

A job that may write checks nothing out. It takes the configuration and the tree at GITHUB_SHA from the API, which no
earlier job can change, and everything else from records whose digest the run handed over.
"""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from modelyard.config.load import Loaded, load
from modelyard.core.errors import ConfigError
from modelyard.core.files import write_atomic
from modelyard.github.client import GitHub
from modelyard.github.event import Event
from modelyard.steps.context import Context
from modelyard.vcs import commits

READ = "contents: read"


@dataclass
class CarriedContext(Context):
    """The context of a job that checked nothing out: no data, no packages of the model, no tree of its own."""

    client: GitHub = field(kw_only=True)

    @cached_property
    def tree(self) -> str:
        """The tree of the run's commit, by the API."""
        assert self.event is not None  # noqa: S101 - made for an event only
        commit = self.client.get(f"git/commits/{self.event.sha}", needs=READ)
        return f"git:{commit['tree']['sha']}"

    @property
    def data_digests(self) -> dict[str, str]:
        """The data of this run's detect record, which the evidence must build on."""
        return self.record("detect").record.data


def config_at(event: Event, client: GitHub, path: str, scratch: Path) -> Loaded:
    """The configuration at the run's commit.

    Raises:
        ConfigError: there is none at that path.
        GitHubError: GitHub did not answer.
    """
    name = Path(path)
    if name.is_absolute() or ".." in name.parts:
        raise ConfigError(f"config: {path[:80]!r} leads outside the repository")
    if client.find(f"contents/{name.as_posix()}", needs=READ, params={"ref": event.sha}) is None:
        raise ConfigError(
            f"no {path} at the commit {event.sha[:12]}", hint="Name the configuration's path: with: {config: …}."
        )
    text = client.raw(f"contents/{name.as_posix()}", needs=READ, params={"ref": event.sha})
    folder = scratch / f"at-{event.sha}"
    write_atomic(folder / name, text)
    return load(name, root=folder)


def client_of(context: Context) -> GitHub:
    """GitHub, for a run in Actions: with the token of the action's input, with or without a checkout."""
    if isinstance(context, CarriedContext):
        return context.client
    event = context.event
    if event is None:
        raise ConfigError("this needs GitHub Actions", hint="Run it in a workflow.")
    return GitHub(event.api_url, event.repository, context.environ.get("MODELYARD_TOKEN", ""))


def committed_tree(context: Context) -> str:
    """The tree that a promotion is for: at a desk the workspace's, in Actions that of the run's commit."""
    if context.event is None or isinstance(context, CarriedContext):
        return context.tree
    found = commits.tree_of(context.root, context.event.sha)
    if found is None:
        raise ConfigError(
            f"the checkout does not hold the run's commit {context.event.sha[:12]}",
            hint="Leave `ref:` out of the checkout step, or promote in a job of its own without a checkout.",
        )
    return f"git:{found}"
