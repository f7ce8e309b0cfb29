"""From flags to a context: the workspace, the configuration, the run folder."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from modelyard.cli.console import console
from modelyard.config.checks import check, in_order
from modelyard.config.load import Loaded, load
from modelyard.core import files
from modelyard.core.actions import checked_out, runner_folder
from modelyard.core.errors import CollectedConfigError, ConfigError
from modelyard.github.credentials import client_for
from modelyard.github.event import Event, read_event
from modelyard.policy.in_force import Rules, rules_in_force
from modelyard.steps.checkoutless import Checkoutless, config_at
from modelyard.steps.context import CheckedOut, Context, lock_run_folder
from modelyard.steps.data_view import DataView
from modelyard.steps.policy_view import PolicyView
from modelyard.steps.registry_view import RegistryView
from modelyard.steps.workspace import Workspace
from modelyard.vcs import tree

C = TypeVar("C", bound=Context)


def workspace(folder: Path) -> Path:
    """Return git's top level above a folder, else the folder itself.

    Raises:
        ConfigError: a runner checked another repository out, so this one was made inside it.
    """
    top = tree.toplevel(folder)
    checkout = checked_out(os.environ)
    if top is not None and checkout is not None and top != checkout:
        raise ConfigError(
            f"git takes {top} for a repository of its own, and the workflow checked out {checkout}",
            code="git/other-repository",
            hint="Remove that repository; the configuration belongs to the one that was checked out.",
        )
    return top or folder.resolve()


def load_config(given: Mapping[str, str]) -> tuple[Path, Loaded]:
    """Return the workspace and the configuration that the flags name, relative to the current folder."""
    path = Path(given.get("config", "modelyard.yml"))
    root = workspace(path.parent if path.parent.is_dir() else Path.cwd())
    return root, load(Path.cwd() / path, root=root)


def slips(
    root: Path, loaded: Loaded, estimator_problem: Callable[[str], str | None] = lambda _: None
) -> list[ConfigError]:
    """Return what is wrong with a configuration as far as that needs no data, in the order of lines."""
    from modelyard.evaluation.gates import misuse, waivers

    problems = check(loaded, root=root, estimator_problem=estimator_problem)
    return in_order([*problems, *misuse.problems(loaded), *waivers.problems(loaded, root)])


def refuse_slips(root: Path, loaded: Loaded, estimator_problem: Callable[[str], str | None] = lambda _: None) -> None:
    """Find before any work what needs no data: metrics, files, placeholders; estimators where their check is given.

    Raises:
        ConfigError: every slip, with its line.
    """
    problems = slips(root, loaded, estimator_problem)
    if problems:
        raise problems[0] if len(problems) == 1 else CollectedConfigError(problems)


def open_context(given: Mapping[str, str], *, quiet: bool = False) -> CheckedOut:
    """Open the context of a command that reads, and does not take the run folder."""
    event = read_event(os.environ)
    root, own = load_config(given)
    refuse_slips(root, own)
    run_dir = _run_folder(root, given)
    rules = rules_in_force(own, event=event, reference=given.get("base", ""), scratch=scratch(root, os.environ))
    loaded, environ, shown = rules.loaded, dict(os.environ), console(quiet=quiet)
    base, config, environments = loaded.path.parent, loaded.config, environments_in(root, environ)
    return CheckedOut(
        root=root,
        run_dir=run_dir,
        policy=PolicyView(rules, root, base),
        versions=RegistryView(config, root, environ, given.get("registry", ""), shown.progress),
        environments=environments,
        event=event,
        environ=environ,
        console=shown,
        workspace=Workspace(root, loaded, environments, given.get("requirements", "")),
        data=DataView(config, root, base, fork=event is not None and not event.ours, pinned=event is not None),
    )


def _run_folder(root: Path, given: Mapping[str, str]) -> Path:
    named = given.get("run-dir", "modelyard-run")
    path = files.inside(root, named, what="run-dir")
    if files.first_link(root, Path(named)) is not None:
        raise ConfigError(
            f"the run folder {named} is a link, or lies behind one",
            code="environment/planted-folder",
            hint="Remove the link; modelyard makes the folder itself. Name another one with --run-dir.",
        )
    return path


def scratch(root: Path, environ: Mapping[str, str]) -> Path:
    """Return a folder that the workspace's own files cannot fill: the runner's temporary one, else modelyard's own."""
    return runner_folder(environ) or root / ".modelyard" / "scratch"


def environments_in(root: Path, environ: Mapping[str, str]) -> Path:
    """Return where environments are built: in the runner's own folder in Actions, in the state folder locally."""
    return (runner_folder(environ) or root / ".modelyard") / "envs"


def open_without_checkout(given: Mapping[str, str], event: Event) -> Checkoutless:
    """Open the context of a job of GitHub Actions that checked nothing out."""
    root = Path.cwd().resolve()
    client = client_for(os.environ, repository=event.repository)
    loaded = config_at(event, client, given.get("config", "modelyard.yml"), scratch(root, os.environ))
    environ, shown = dict(os.environ), console()
    return Checkoutless(
        root=root,
        run_dir=_run_folder(root, given),
        policy=PolicyView(Rules(loaded), root, loaded.path.parent),
        versions=RegistryView(loaded.config, root, environ, given.get("registry", ""), shown.progress),
        environments=environments_in(root, environ),
        event=event,
        environ=environ,
        console=shown,
        client=client,
        commit=event.sha,
    )


@contextmanager
def working(given: Mapping[str, str], *, needs_checkout: bool = True) -> Iterator[Context]:
    """Open the context of a command that writes: the run folder exists and is this process's alone.

    Args:
        given: the flags.
        needs_checkout: where the command needs none, it does without in a job of Actions that has none.
    """
    event = None if needs_checkout else read_event(os.environ)
    if event is not None and not Path(given.get("config", "modelyard.yml")).is_file():
        with taken(open_without_checkout(given, event)) as remote:
            yield remote
        return
    with taken(open_context(given)) as context:
        yield context


@contextmanager
def taken(context: C) -> Iterator[C]:
    """Hold a context's run folder."""
    context.open_run_folder()
    lock = lock_run_folder(context.run_dir)
    try:
        yield context
    finally:
        lock.release()
