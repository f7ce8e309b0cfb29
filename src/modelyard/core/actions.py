"""The runner of GitHub Actions: whether it runs this process, and its temporary folder."""

from collections.abc import Mapping
from pathlib import Path


def in_actions(environ: Mapping[str, str]) -> bool:
    """Return whether a runner of GitHub Actions runs this process."""
    return environ.get("GITHUB_ACTIONS") == "true"


def checked_out(environ: Mapping[str, str]) -> Path | None:
    """Return the workspace of the job where a repository was checked out into it; None outside Actions, and elsewhere.

    A checkout with ``path:`` leaves the workspace itself without a repository.
    """
    workspace = Path(environ.get("GITHUB_WORKSPACE", "")) if in_actions(environ) else Path()
    return workspace.resolve() if workspace.is_absolute() and (workspace / ".git").exists() else None


def runner_folder(environ: Mapping[str, str]) -> Path | None:
    """Return modelyard's own folder in the runner's temporary one, which no checkout can fill; None outside Actions."""
    temporary = environ.get("RUNNER_TEMP", "") if in_actions(environ) else ""
    return Path(temporary) / "modelyard" if temporary else None
