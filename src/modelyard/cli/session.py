"""From flags to a context: the workspace, the configuration, the run folder."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from modelyard.cli.console import console
from modelyard.config.checks import check
from modelyard.config.load import Loaded, load
from modelyard.core import files
from modelyard.core.errors import CollectedConfigError
from modelyard.github.client import GitHub
from modelyard.github.event import Event, in_actions, read_event
from modelyard.metrics.catalogue import METRICS
from modelyard.policy.in_force import Rules, rules_in_force
from modelyard.steps.checkoutless import CarriedContext, config_at
from modelyard.steps.context import Context, lock_run_folder
from modelyard.vcs import tree


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
    metrics = {metric.name: frozenset(map(str, metric.tasks)) for metric in METRICS}
    problems = check(loaded, root=root, metrics=metrics, estimator_problem=estimator_problem)
    if problems:
        raise problems[0] if len(problems) == 1 else CollectedConfigError(problems)


def open_context(given: Mapping[str, str], *, quiet: bool = False) -> Context:
    """The context of a command that reads, and does not take the run folder."""
    event = read_event(os.environ)
    root, own = load_config(given)
    refuse_slips(root, own)
    run_dir = files.inside(root, given.get("run-dir", "modelyard-run"), what="run-dir")
    rules = rules_in_force(own, event=event, reference=given.get("base", ""), scratch=scratch(root, os.environ))
    return Context(
        root=root,
        loaded=rules.loaded,
        run_dir=run_dir,
        registry_override=given.get("registry", ""),
        requirements_override=given.get("requirements", ""),
        event=event,
        rules=rules,
        environ=dict(os.environ),
        console=console(quiet=quiet),
    )


def scratch(root: Path, environ: Mapping[str, str]) -> Path:
    """A folder that the workspace's own files cannot fill: the runner's temporary one, else modelyard's at a desk."""
    temporary = environ.get("RUNNER_TEMP", "") if in_actions(environ) else ""
    return Path(temporary) / "modelyard" if temporary else root / ".modelyard" / "scratch"


def open_carried(given: Mapping[str, str], event: Event) -> CarriedContext:
    """The context of a job of GitHub Actions that checked nothing out."""
    root = Path.cwd().resolve()
    client = GitHub(event.api_url, event.repository, os.environ.get("MODELYARD_TOKEN", ""))
    loaded = config_at(event, client, given.get("config", "modelyard.yml"), scratch(root, os.environ))
    return CarriedContext(
        root=root,
        loaded=loaded,
        run_dir=files.inside(root, given.get("run-dir", "modelyard-run"), what="run-dir"),
        registry_override=given.get("registry", ""),
        event=event,
        rules=Rules(loaded),
        environ=dict(os.environ),
        console=console(),
        client=client,
    )


@contextmanager
def working(given: Mapping[str, str], *, carries: bool = False) -> Iterator[Context]:
    """The context of a command that writes: the run folder exists and is this process's alone.

    Args:
        given: the flags.
        carries: the command needs no checkout; in Actions it does without where there is none.
    """
    event = read_event(os.environ) if carries else None
    without_checkout = event is not None and not Path(given.get("config", "modelyard.yml")).is_file()
    context = open_carried(given, event) if event is not None and without_checkout else open_context(given)
    context.open_run_folder()
    lock = lock_run_folder(context.run_dir)
    try:
        yield context
    finally:
        lock.release()
