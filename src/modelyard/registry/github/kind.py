"""The github registry as a kind."""

from modelyard.core.credentials import GITHUB
from modelyard.registry.kinds import Kind, Opening
from modelyard.registry.protocol import Registry


def _open(opening: Opening) -> Registry:
    from modelyard.github.credentials import client_for
    from modelyard.registry.github.registry import GitHubRegistry

    client = client_for(opening.environ, repository=opening.repository, progress=opening.progress)
    target = opening.environ.get("GITHUB_SHA", "")
    return GitHubRegistry(client, opening.model, scratch=opening.scratch("github"), target=target)


KIND = Kind("github", _open, credentials=GITHUB)
