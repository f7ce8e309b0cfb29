"""From flags to a context: the workspace, the configuration, the run folder."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from modelyard import files
from modelyard.cli.console import console
from modelyard.config.checks import check
from modelyard.config.load import Loaded, load
from modelyard.data import tree
from modelyard.errors import CollectedConfigError
from modelyard.metrics.catalogue import METRICS
from modelyard.steps.context import Context, lock_run_folder


def workspace(folder: Path) -> Path:
    """Git's top level above a folder, else the folder itself."""
    return tree.toplevel(folder) or folder.resolve()


def load_config(given: Mapping[str, str]) -> tuple[Path, Loaded]:
    """The workspace and the configuration that the flags name, relative to the current folder."""
    path = Path(given.get("config", "modelyard.yml"))
    root = workspace(path.parent if path.parent.is_dir() else Path.cwd())
    return root, load(Path.cwd() / path, root=root)


def refuse_slips(root: Path, loaded: Loaded, estimator_problem: Callable[[str], str | None] = lambda _: None) -> None:
    """Find before any work what needs no data: metrics, files, placeholders; estimators where their check is given.

    Raises:
        ConfigError: every slip, with its line.
    """
    metrics = {name: frozenset(map(str, metric.tasks)) for name, metric in METRICS.items()}
    problems = check(loaded, root=root, metrics=metrics, estimator_problem=estimator_problem)
    if problems:
        raise problems[0] if len(problems) == 1 else CollectedConfigError(problems)


def open_context(given: Mapping[str, str], *, quiet: bool = False) -> Context:
    """The context of a command that reads, and does not take the run folder."""
    root, loaded = load_config(given)
    refuse_slips(root, loaded)
    run_dir = files.inside(root, given.get("run-dir", "modelyard-run"), what="run-dir")
    return Context(
        root=root,
        loaded=loaded,
        run_dir=run_dir,
        registry_override=given.get("registry", ""),
        environ=dict(os.environ),
        console=console(quiet=quiet),
    )


@contextmanager
def working(given: Mapping[str, str]) -> Iterator[Context]:
    """The context of a command that writes: the run folder exists and is this process's alone."""
    context = open_context(given)
    context.open_run_folder()
    lock = lock_run_folder(context.run_dir)
    try:
        yield context
    finally:
        lock.release()
