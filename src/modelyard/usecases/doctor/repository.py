"""The facts that checks look at: workflows, configurations, templates, what git knows; gathered once, by the caller."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from modelyard.config.configuration import Config
from modelyard.config.load import NAME, Loaded, is_of_outcomes, load
from modelyard.core import documents
from modelyard.core.errors import ConfigError, ModelyardError
from modelyard.github.client import GitHub
from modelyard.usecases.doctor.ours import Use, used
from modelyard.vcs import tree
from modelyard.vcs.commits import entries, resolve
from modelyard.vcs.git import run_git
from modelyard.workflows.workflow import FOLDER, Job, Step, Workflow, is_literal, read_file

Slips = Callable[[Path, Loaded], Sequence[ModelyardError]]
"""What is wrong with a configuration that loads."""
_CALLED = "workflow_call"
_MOST = 200
"""Workflow files that are looked at."""


@dataclass(frozen=True)
class Configured:
    """A configuration that the repository has; ``loaded`` is None where it cannot be used."""

    file: str
    loaded: Loaded | None
    problems: tuple[ModelyardError, ...] = ()


@dataclass(frozen=True)
class Placed:
    """A use of one of our actions: where it stands."""

    workflow: Workflow
    job: Job
    step: Step
    use: Use


@dataclass(frozen=True)
class Repository:
    """What is known of a repository.

    Attributes:
        root: its top folder.
        workflows: those that can be read, by file name.
        unreadable: why the others cannot.
        configurations: each ``modelyard.yml``.
        templates: the installed templates, by file name.
        default_branch: its name, or an empty string where nothing says.
        default_commit: where that stands here; None where it is not fetched.
        last_commit: when that was made.
        now: the moment to judge by.
        tracked: folders of ours that git tracks.
        github: the client, for checks that ask GitHub; None offline.
        public: whether anybody may read it and propose changes; None where nothing says.
    """

    root: Path
    workflows: tuple[Workflow, ...] = ()
    unreadable: tuple[ModelyardError, ...] = ()
    configurations: tuple[Configured, ...] = ()
    templates: Mapping[str, Workflow] = field(default_factory=dict)
    default_branch: str = ""
    default_commit: str | None = None
    last_commit: datetime | None = None
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    tracked: tuple[str, ...] = ()
    github: GitHub | None = None
    public: bool | None = None

    @property
    def jobs(self) -> Iterator[tuple[Workflow, Job]]:
        """Every job."""
        for workflow in self.workflows:
            for job in workflow.jobs:
                yield workflow, job

    def events(self, workflow: Workflow) -> frozenset[str]:
        """Return the events that start a workflow, those of its callers among them where it is called."""
        found = set(workflow.triggers)
        if _CALLED in found:
            for caller, job in self.jobs:
                if job.called == workflow.file and caller is not workflow:
                    found |= set(caller.triggers)
        return frozenset(found)

    @property
    def ours(self) -> Iterator[Placed]:
        """Every use of one of our actions."""
        yield from _uses(self.workflows)

    @property
    def of_templates(self) -> Iterator[Placed]:
        """Every use of one of our actions in the installed templates."""
        yield from _uses(self.templates.values())

    @property
    def via(self) -> str:
        """How promotions move the alias: ``pull-request`` where any configuration says so."""
        return next((each.registry.via for each in self.configs if each.registry.via != "direct"), "direct")

    @property
    def configs(self) -> Iterator[Config]:
        """The configurations that can be used."""
        for each in self.configurations:
            if each.loaded is not None:
                yield each.loaded.config


def _uses(workflows: Iterable[Workflow]) -> Iterator[Placed]:
    for workflow in workflows:
        for job in workflow.jobs:
            for step in job.steps:
                use = used(step)
                if use is not None:
                    yield Placed(workflow, job, step, use)


def jobs_with_ours(repository: Repository) -> Iterator[tuple[Workflow, Job, list[Placed]]]:
    """Yield each job that uses an action of ours, with its uses."""
    found: dict[tuple[str, str], list[Placed]] = {}
    for placed in repository.ours:
        found.setdefault((placed.workflow.file, placed.job.name), []).append(placed)
    for uses in found.values():
        yield uses[0].workflow, uses[0].job, uses


def look(
    root: Path,
    templates: Mapping[str, Workflow],
    *,
    slips: Slips,
    now: datetime,
    github: GitHub | None = None,
    config: str = NAME,
) -> Repository:
    """Gather the facts; files that cannot be read are kept as what is wrong with them.

    Args:
        root: the repository's top folder.
        templates: the installed templates, by file name.
        slips: what is wrong with a configuration that loads.
        now: the moment to judge by.
        github: the client for checks that ask GitHub, or None.
        config: the configuration to look at, besides those that the workflows name.

    Raises:
        PlatformError: git cannot read the repository, or GitHub does not say what the repository is.
    """
    workflows, unreadable = _workflows(root)
    told = {} if github is None else github.get(github.repo_path, needs="metadata: read")
    branch = str(told.get("default_branch") or "") or default_branch(root)
    commit = next(filter(None, (resolve(root, name) for name in (f"origin/{branch}", branch) if branch)), None)
    kept = {".modelyard", "modelyard-run"} | {each for each in _inputs(workflows, "run-dir") if is_literal(each)}
    return Repository(
        root=root,
        workflows=tuple(workflows),
        unreadable=tuple(unreadable),
        configurations=tuple(_configured(root, {config, *_inputs(workflows, "config")}, slips)),
        templates=templates,
        default_branch=branch,
        default_commit=commit,
        last_commit=_committed(root, commit),
        now=now,
        tracked=tuple(sorted(name for name in kept if _is_tracked(root, name))),
        github=github,
        public=None if github is None else not told.get("private", False),
    )


def files_at_default(repository: Repository) -> frozenset[str] | None:
    """Return the workflow files on the default branch; None where that is not known here."""
    if repository.default_commit is None:
        return None
    return frozenset(each.path for each in entries(repository.root, repository.default_commit, FOLDER.as_posix()))


def _workflows(root: Path) -> tuple[list[Workflow], list[ModelyardError]]:
    found: list[Workflow] = []
    unreadable: list[ModelyardError] = []
    folder = root / FOLDER
    paths = sorted(each for each in folder.iterdir() if each.suffix in (".yml", ".yaml")) if folder.is_dir() else []
    for path in paths[:_MOST]:
        try:
            found.append(read_file(path, (FOLDER / path.name).as_posix()))
        except ModelyardError as error:
            unreadable += error.problems
    return found, unreadable


def _inputs(workflows: Sequence[Workflow], name: str) -> set[str]:
    given = (placed.step.input(name) for placed in _uses(workflows))
    return {each for each in given if each and is_literal(each)}


def _configured(root: Path, named: set[str], slips: Slips) -> Iterator[Configured]:
    for name in sorted(named):
        if name == NAME and len(named) > 1 and not (root / name).exists():
            continue  # nothing uses it; the workflows name others
        try:
            path = root / name
            if path.is_file() and is_of_outcomes(documents.read_file(path, name, what="the configuration").data):
                continue
            loaded = load(path, root=root)
        except ConfigError as error:
            yield Configured(name, None, error.problems)
        else:
            yield Configured(name, loaded, tuple(slips(root, loaded)))


def default_branch(root: Path) -> str:
    """Return the name of the default branch by what git knows; an empty string where nothing says."""
    done = run_git(root, "symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
    if done is not None and done.returncode == 0:
        return done.stdout.decode("utf-8", "replace").strip().removeprefix("origin/")
    heads = [name for name in ("main", "master") if resolve(root, f"refs/heads/{name}") is not None]
    return heads[0] if len(heads) == 1 else ""


def _committed(root: Path, commit: str | None) -> datetime | None:
    if commit is None:
        return None
    done = run_git(root, "show", "--no-patch", "--format=%ct", commit)
    told = done.stdout.decode().strip() if done is not None and done.returncode == 0 else ""
    return datetime.fromtimestamp(int(told), UTC) if told.isdigit() else None


def _is_tracked(root: Path, name: str) -> bool:
    path = (root / name).absolute()
    return path.is_relative_to(root.absolute()) and tree.tracked(root, path)
