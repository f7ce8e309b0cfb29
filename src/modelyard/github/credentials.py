"""The one construction of a client of GitHub, with the token that the environment holds."""

from collections.abc import Mapping

from modelyard.core.credentials import GITHUB
from modelyard.core.errors import ConfigError
from modelyard.github.client import GitHub, Progress

API_URL = "https://api.github.com"


def client_for(
    environ: Mapping[str, str], *, repository: str = "", progress: Progress = lambda _done, _total, _text: None
) -> GitHub:
    """Return a client of the repository that the environment names.

    Args:
        environ: environment variables: the repository, the API, the token.
        repository: ``owner/name`` where the environment does not say, as locally.
        progress: told how far a large file is on its way.

    Raises:
        ConfigError: nothing says which repository it is.
    """
    name = environ.get("GITHUB_REPOSITORY") or repository
    if not name:
        raise ConfigError(
            "nothing says which repository this is: the checkout has no remote on github.com",
            code="github/unknown-repository",
            hint="Set GITHUB_REPOSITORY=owner/name.",
        )
    token = next((environ[key] for key in GITHUB if environ.get(key)), "")
    return GitHub(environ.get("GITHUB_API_URL") or API_URL, name, token, progress=progress)
