"""What every step works with: the workspace, the configuration, the run folder, the registry, and what they share.

Everything that costs something is computed once and on demand, so that ``modelyard run`` reads the data once and a run
with nothing to do reads none of it.
"""

import getpass
import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from modelyard.config.configuration import Config
from modelyard.config.load import Loaded
from modelyard.core import files
from modelyard.core.canonical import digest
from modelyard.core.errors import ConfigError, DataError, PlatformError
from modelyard.core.files import sha256_file
from modelyard.data.source import Location, Source
from modelyard.data.sources import open_source
from modelyard.github.event import REPORT_ONLY, Event, Trigger
from modelyard.models import environment
from modelyard.models.environment import Environment
from modelyard.policy.digest import rule_files
from modelyard.policy.in_force import Rules
from modelyard.records.envelope import Circumstances, Envelope, Step, read_record
from modelyard.records.results import DataSet
from modelyard.registry.choose import open_registry
from modelyard.registry.protocol import Registry, Version
from modelyard.registry.reference import best_alias
from modelyard.vcs import tree


@dataclass(frozen=True)
class Console:
    """Where progress goes: a line at a time, or a bar where there is a terminal."""

    say: Callable[[str], None] = lambda _: None
    progress: Callable[[int, int, str], None] = lambda _done, _total, _text: None


@dataclass
class Context:
    """One invocation. ``root`` is the workspace, which nothing may leave; ``run_dir`` is inside it."""

    root: Path
    loaded: Loaded
    run_dir: Path
    registry_override: str = ""
    requirements_override: str = ""
    event: Event | None = None
    rules: Rules | None = None
    environ: Mapping[str, str] = field(default_factory=dict)
    console: Console = Console()
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    @property
    def config(self) -> Config:
        """The configuration."""
        return self.loaded.config

    @property
    def base(self) -> Path:
        """The folder of modelyard.yml, which paths in it are relative to."""
        return self.loaded.path.parent

    @cached_property
    def state(self) -> Path:
        """``.modelyard``: caches, environments and the local registry."""
        return files.self_ignoring(self.root / ".modelyard")

    @property
    def trigger(self) -> Trigger:
        """What started this."""
        return "desk" if self.event is None else self.event.trigger

    @property
    def mode(self) -> str:
        """``gate``, or ``report-only`` where the configuration or the event says so, or the base knows no rules yet."""
        proposal = self.rules is not None and self.rules.proposal
        return "report-only" if proposal or self.trigger in REPORT_ONLY else self.config.mode

    def rule_file(self, path: str, what: str) -> Path:
        """A file that the rules name: the base's where the base's rules are in force."""
        if self.rules is None or self.rules.folder is None:
            return self.inside(path, what)
        folder = self.rules.folder
        return files.inside(folder, folder / self.base.relative_to(self.root) / path, what=what)

    @property
    def rules_root(self) -> Path:
        """What no file of the rules may leave: the base's folder, else the workspace."""
        return self.root if self.rules is None or self.rules.folder is None else self.rules.folder

    @property
    def environments(self) -> Path:
        """Where environments of models and of the user's commands are built: the runner's own folder in Actions."""
        return self.state / "envs" if self.event is None else Path(self.environ["RUNNER_TEMP"]) / "modelyard" / "envs"

    def open_run_folder(self) -> None:
        """Create the run folder.

        Raises:
            ConfigError: git tracks the run folder or the state folder, so somebody planted it.
        """
        for folder in (self.run_dir, self.root / ".modelyard"):
            if folder.exists() and tree.tracked(self.root, folder):
                raise ConfigError(
                    f"git tracks {folder.name}, which only modelyard may write",
                    hint=f"Remove it from the repository: git rm -r --cached {folder.name}",
                )
        files.self_ignoring(self.run_dir)
        (self.run_dir / "records").mkdir(exist_ok=True)

    def record_path(self, step: Step) -> Path:
        """Where a step's record stands."""
        return self.run_dir / "records" / f"{step}.json"

    def record(self, step: Step) -> Envelope:
        """A step's record, checked.

        Raises:
            DataError: missing, unreadable or changed.
        """
        return read_record(self.record_path(step))

    def record_or_none(self, step: Step) -> Envelope | None:
        """A step's record where there is an intact one."""
        try:
            return self.record(step)
        except DataError:
            return None

    @cached_property
    def tree(self) -> str:
        """Git's tree of everything that git does not ignore."""
        return tree.tree(self.root)

    @cached_property
    def requirements(self) -> Path | None:
        """The user's requirements file."""
        named = self.requirements_override or self.config.requirements
        return None if named is None else self.inside(named, "requirements")

    @cached_property
    def environment(self) -> Environment:
        """What the model can import here."""
        return environment.current_environment(self.requirements)

    @cached_property
    def environment_digest(self) -> str:
        """Digest of the environment's names and versions."""
        return environment.environment_digest(self.environment)

    def inside(self, path: str, what: str) -> Path:
        """A path of the configuration, which may not leave the workspace."""
        return files.inside(self.root, self.base / path, what=what)

    @cached_property
    def sources(self) -> dict[str, Source]:
        """The source of every named data set."""
        cache = self.state / "fingerprints.json"
        named = self.config.data.sets
        return {name: open_source(Location(name, each, self.root, self.base, cache)) for name, each in named.items()}

    @cached_property
    def sets(self) -> dict[str, DataSet]:
        """The fingerprint of every named data set."""
        return {name: source.fingerprint() for name, source in self.sources.items()}

    @property
    def data_digests(self) -> dict[str, str]:
        """Set name to digest of its contents."""
        return {name: found.digest for name, found in self.sets.items()}

    def frame(self, name: str) -> Any:
        """A data set as a Polars frame, read once; its contents must still be what was fingerprinted."""
        if name not in self._frames:
            self._frames[name] = self.sources[name].read()
        return self._frames[name]

    @cached_property
    def _frames(self) -> dict[str, Any]:
        return {}

    @cached_property
    def code_digest(self) -> str:
        """What of the user's code a fit depends on: the folders of the python path, or the training script's."""
        train = self.config.train
        folders: list[Path] = []
        if train and train.entrypoint:
            folders = [self.inside(folder, "train.python-path") for folder in train.python_path or (".",)]
        elif train and train.command:
            folders = [self.command_folder]
        written = train.metrics if train else None
        own = [self.loaded.path, *([self.base / written] if written else [])]
        return digest(
            {str(folder.relative_to(self.root)): tree.folder_digest(folder, exclude=own) for folder in folders}
        )

    @cached_property
    def configuration_digest(self) -> str:
        """The configuration with the contents of the files that its rules name, and of prediction files."""
        named = self.config.evaluate
        paths = {path: self.rule_file(path, "the rules") for path in rule_files(self.config)}
        return self._with_files(self.loaded.digest, paths | self._named(named.challenger, named.champion))

    @cached_property
    def packages_digest(self) -> str:
        """What the model can import here, with the lock of the training command's own environment."""
        lock = self.config.train.environment if self.config.train else None
        return self._with_files(self.environment_digest, self._named(lock))

    def _named(self, *names: str | None) -> dict[str, Path]:
        return {name: self.inside(name, "the configuration") for name in names if name}

    def _with_files(self, known: str, paths: Mapping[str, Path]) -> str:
        found = {name: sha256_file(path) if path.is_file() else None for name, path in paths.items()}
        return digest({"known": known, "files": found}) if found else known

    @property
    def command_folder(self) -> Path:
        """Where user commands run: the folder of the configuration."""
        return self.base

    @cached_property
    def registry_kind(self) -> str:
        """Which registry is in use: local, github or mlflow."""
        return self.registry.kind

    @cached_property
    def registry(self) -> Registry:
        """The registry of this model."""
        return open_registry(
            self.config.registry,
            self.config.model.name,
            self.state,
            environ=self.environ,
            override=self.registry_override,
            repository=tree.github_repository(self.root),
            progress=self.console.progress,
        )

    @cached_property
    def champion(self) -> Version | None:
        """The version that the alias points at now."""
        return self.registry.find(self.config.registry.alias)

    @cached_property
    def best(self) -> Version | None:
        """The best version that was promoted under the alias; the champion where none is marked."""
        return self.registry.find(best_alias(self.config.registry.alias)) or self.champion

    @cached_property
    def actor(self) -> str:
        """Who runs this: the workflow's actor, else the account at the desk."""
        named = self.environ.get("GITHUB_ACTOR")
        if named:
            return named
        try:
            return getpass.getuser()
        except (KeyError, OSError):
            return str(os.getuid())

    def circumstances(self, started: datetime, seconds: float, peak_mib: float | None) -> Circumstances:
        """When, who and where."""
        return Circumstances(
            started=started.isoformat(timespec="seconds"),
            seconds=round(seconds, 3),
            peak_memory_mib=None if peak_mib is None else round(peak_mib, 1),
            actor=self.actor,
            host=platform.node(),
            platform=f"{platform.system()} {platform.machine()}",
            workspace=str(self.root),
            commit=tree.head_commit(self.root),
            uncommitted=tree.uncommitted(self.root) if self.tree.endswith(tree.DIRTY) else (),
            **self._of_event(),
        )

    def _of_event(self) -> dict[str, Any]:
        event = self.event
        if event is None:
            return {}
        known = {"event": event.name, "run_id": event.run_id, "attempt": event.attempt}
        return {**known, "head": event.head or event.sha, "base": event.base}


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
            hint="Wait for it to end, or give this one a folder of its own: --run-dir other-run",
        ) from error
    return lock
