"""What a step is handed: configuration, policy, registry, records, event; with a checkout, workspace and data as well.

Nothing here runs git, reaches the network or hashes a file behind an attribute: what does so is a method with a verb in
its name, and remembers what it found.
"""

import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from modelyard.config.configuration import Config
from modelyard.config.load import Loaded
from modelyard.core import files, platforms
from modelyard.core.errors import ConfigError, PlatformError
from modelyard.github.client import GitHub
from modelyard.github.credentials import client_for
from modelyard.github.event import REPORT_ONLY, Event, Trigger
from modelyard.models.environment import Environment, Interpreter
from modelyard.records.envelope import Circumstances
from modelyard.records.store import RunRecords
from modelyard.steps.data_view import DataView
from modelyard.steps.policy_view import PolicyView
from modelyard.steps.registry_view import RegistryView
from modelyard.steps.workspace import Workspace
from modelyard.vcs import commits, tree


@dataclass(frozen=True)
class Console:
    """Where progress goes: a line at a time, or a bar where there is a terminal."""

    say: Callable[[str], None] = lambda _: None
    progress: Callable[[int, int, str], None] = lambda _done, _total, _text: None


@dataclass
class Context:
    """What every step has, in a job with a checkout and in one without. ``run_dir`` is inside ``root``."""

    root: Path
    run_dir: Path
    policy: PolicyView
    versions: RegistryView
    environments: Path
    """Where environments of models and of the user's commands are built."""
    event: Event | None = None
    environ: Mapping[str, str] = field(default_factory=dict)
    console: Console = Console()
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    records: RunRecords = field(init=False)

    def __post_init__(self) -> None:
        """Look for records in the run folder."""
        self.records = RunRecords(self.run_dir)

    @property
    def loaded(self) -> Loaded:
        """The configuration that judges, with its lines."""
        return self.policy.rules.loaded

    @property
    def config(self) -> Config:
        """The configuration that judges."""
        return self.loaded.config

    @property
    def trigger(self) -> Trigger:
        """What started this."""
        return "desk" if self.event is None else self.event.trigger

    @property
    def mode(self) -> str:
        """``gate``, or ``report-only`` where the configuration or the event says so."""
        return "report-only" if self.trigger in REPORT_ONLY else self.config.mode

    @property
    def actor(self) -> str:
        """Who runs this: the workflow's actor, else the local account."""
        named = self.environ.get("GITHUB_ACTOR")
        if named:
            return named
        return platforms.account()

    def open_run_folder(self) -> None:
        """Create the run folder.

        Raises:
            ConfigError: git tracks the run folder or the state folder, so somebody planted it.
        """
        folders = [folder for folder in (self.run_dir, self.root / ".modelyard") if folder.exists()]
        if folders and tree.tracked(self.root, *folders):
            planted = next(folder for folder in folders if tree.tracked(self.root, folder))
            raise ConfigError(
                f"git tracks {planted.name}, which only modelyard may write",
                code="environment/planted-folder",
                hint=f"Remove it from the repository: git rm -r --cached {planted.name}",
            )
        files.self_ignoring(self.run_dir)
        (self.run_dir / "records").mkdir(exist_ok=True)

    def connect(self) -> GitHub:
        """Make the client of GitHub, with the token of the action's input.

        Raises:
            ConfigError: this is not GitHub Actions.
        """
        if self.event is None:
            raise ConfigError("this needs GitHub Actions", code="github/needs-actions", hint="Run it in a workflow.")
        return client_for(self.environ, repository=self.event.repository)

    def read_tree(self) -> str:
        """Read the tree that this run works on."""
        raise NotImplementedError

    def read_committed_tree(self) -> str:
        """Read the tree that a promotion is for: locally the workspace's, in Actions that of the run's commit."""
        raise NotImplementedError

    def digest_data(self) -> dict[str, str]:
        """Digest the data sets that a promotion is for, by name."""
        raise NotImplementedError

    def find_interpreter(self) -> Interpreter:
        """Return what runs the user's code, with its packages."""
        raise NotImplementedError

    def read_environment(self) -> Environment:
        """List the packages that a model can import."""
        return self.find_interpreter().environment

    def describe(self, started: datetime, seconds: float, peak_mib: float | None) -> Circumstances:
        """Describe when, who and where."""
        return Circumstances(
            started=started.isoformat(timespec="seconds"),
            seconds=round(seconds, 3),
            peak_memory_mib=None if peak_mib is None else round(peak_mib, 1),
            actor=self.actor,
            host=platform.node(),
            platform=f"{platform.system()} {platform.machine()}",
            workspace=str(self.root),
            commit=tree.head_commit(self.root),
            uncommitted=tree.uncommitted(self.root) if self.read_tree().endswith(tree.DIRTY) else (),
            **self._of_event(),
        )

    def _of_event(self) -> dict[str, Any]:
        event = self.event
        if event is None:
            return {}
        known = {"event": event.name, "run_id": event.run_id, "attempt": event.attempt}
        return {**known, "head": event.head or event.sha, "base": event.base}


@dataclass
class CheckedOut(Context):
    """A context with a checkout: its files, and the data sets in it."""

    workspace: Workspace = field(kw_only=True)
    data: DataView = field(kw_only=True)

    def read_tree(self) -> str:
        """Ask git for the tree of the checkout."""
        return self.workspace.read_tree()

    def read_committed_tree(self) -> str:
        """Read the tree that a promotion is for: locally the workspace's, in Actions that of the run's commit.

        Raises:
            ConfigError: the checkout does not hold the run's commit.
        """
        if self.event is None:
            return self.read_tree()
        committed = commits.tree_of(self.root, self.event.sha)
        if committed is None:
            raise ConfigError(
                f"the checkout does not hold the run's commit {self.event.sha[:12]}",
                code="git/no-commit",
                hint="Leave `ref:` out of the checkout step, or promote in a job of its own without a checkout.",
            )
        return f"git:{committed}"

    def digest_data(self) -> dict[str, str]:
        """Digest every data set."""
        return self.data.digest_sets()

    def find_interpreter(self) -> Interpreter:
        """Return this interpreter, or one with the packages that the user pins.

        Raises:
            ConfigError: the pins conflict with each other, or with modelyard's own ranges.
            PlatformError: their environment cannot be built.
        """
        return self.workspace.find_interpreter()


def lock_run_folder(run_dir: Path) -> Any:
    """Take the run folder for this process; returns the lock to hold.

    Raises:
        PlatformError: another process holds it.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(run_dir / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise PlatformError(
            f"another run is using {run_dir}",
            code="environment/run-folder-in-use",
            hint="Wait for it to end, or give this one a folder of its own: --run-dir other-run",
        ) from error
    return lock
