"""Write the workflow templates that a repository has use for, with its own default branch, paths and data step."""

from collections.abc import Sequence
from pathlib import Path

from modelyard.config.load import load
from modelyard.core.errors import ConfigError
from modelyard.usecases.doctor.data import pointers
from modelyard.usecases.doctor.repository import default_branch
from modelyard.usecases.workflow_templates import Names, chosen, copies, installed, write_copies


def propose_workflows(root: Path, path: Path, *, force: bool, asked: Sequence[str] = ()) -> list[str]:
    """Write them.

    Args:
        root: the repository's top.
        path: the configuration.
        force: overwrite what is there.
        asked: templates by name; without any, those that the configuration has use for.

    Returns:
        Paths that were written; none where all of them say this already.

    Raises:
        ConfigError: the configuration cannot be used, nothing says what the default branch is, or files are there.
        PlatformError: the disk would not take it.
    """
    loaded = load(path, root=root)
    branch = default_branch(root)
    if not branch:
        raise ConfigError(
            "nothing says what the default branch is called: there is no remote, and neither main nor master alone",
            code="git/no-default-branch",
            hint="Run `git remote set-head origin --auto`, or make the first commit.",
        )
    kept = pointers(root, path.parent, loaded.config)
    names = Names(branch, loaded.file, frozenset(kept.values()), loaded.config.registry.via)
    elsewhere = bool(kept) or any("://" in source for source in loaded.config.data.sets.values())
    monitor = loaded.config.monitor is not None
    templates = chosen(installed(), via=names.via, monitor=monitor, elsewhere=elsewhere, asked=asked)
    return write_copies(root, copies(templates, names), force=force)
