"""The mlflow registry: the ledger says which versions there are and where aliases point; runs hold the bytes.

A version exists from the ledger's line on that names it, so a publisher that is killed leaves a run or an unfinished
version in MLflow's pages, and nothing that this registry, or an alias, would hand out.
"""

import random
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from modelyard.core.errors import PlatformError
from modelyard.core.files import disk_errors
from modelyard.records.manifest import FileEntry, Manifest
from modelyard.registry.base import RegistryBase, View
from modelyard.registry.blobs import Blobs
from modelyard.registry.journal import JournalEntry, State
from modelyard.registry.mlflow import pages
from modelyard.registry.mlflow.aliases import Aliases
from modelyard.registry.mlflow.files import RunFiles
from modelyard.registry.mlflow.ledger import Ledger, LedgerState
from modelyard.registry.mlflow.publishing import Publisher
from modelyard.registry.mlflow.runs import RESTORE, Runs
from modelyard.registry.mlflow.server import Missing, Server
from modelyard.registry.protocol import Bundle, Orphan, Version

_ATTEMPTS = 200
"""Lost races in a row before giving up; each one means that somebody else got through."""


@dataclass
class Manifests:
    """The manifests of one model, each fetched once."""

    server: Server
    model: str
    runs: Runs
    _known: dict[str, Manifest]

    def load(self, state: LedgerState, number: int) -> Version:
        """Return a version; one that was not removed must still be in MLflow's pages."""
        if not state.journal.is_removed(number):
            try:
                with self.server.talking(f"read v{number}"):
                    self.server.client.get_model_version(self.model, str(number))
            except Missing as error:
                raise PlatformError(
                    f"v{number} of {self.model} was deleted by hand in MLflow",
                    code="registry/version-missing",
                    hint=RESTORE,
                ) from error
        line = state.published[number]
        if line.manifest not in self._known:
            manifest = self.runs.files(line.run).manifest(pages.manifest_path(number), line.manifest)
            if (manifest.model, manifest.number) != (self.model, number):
                raise PlatformError(
                    f"the manifest of v{number} is that of {manifest.model} {manifest.name}",
                    code="registry/bad-manifest",
                    hint=RESTORE,
                )
            self._known[line.manifest] = manifest
        return Version(self._known[line.manifest], line.manifest)


@dataclass(frozen=True)
class MlflowView(View):
    """What the ledger adds up to at one moment."""

    state: LedgerState
    manifests: Manifests

    @property
    def journal(self) -> State:
        """What the journal adds up to."""
        return self.state.journal

    def numbers(self) -> Sequence[int]:
        """Return the number of every version."""
        return self.state.numbers

    def has(self, number: int) -> bool:
        """Return whether there is such a version."""
        return number in self.state.published

    def load(self, number: int) -> Version:
        """Return a version."""
        return self.manifests.load(self.state, number)

    def newest_first(self) -> Iterator[JournalEntry]:
        """Iterate over the journal, newest entry first."""
        return reversed(self.state.entries)

    def with_model(self, prefix: str) -> list[tuple[int, str]]:
        """Return number and model digest of the versions whose model digest begins so, by the ledger's lines."""
        lines = self.state.published.items()
        return [(number, line.model) for number, line in lines if line.model.startswith(prefix)]


class MlflowRegistry(RegistryBase[MlflowView]):
    """The versions, aliases and history of one model on an MLflow server.

    Args:
        server: where it is.
        model: name of the model, and of the registered model.
        scratch: a folder for files on their way; what is in it can be deleted at any time.
        now: the clock.
        tell: says what a person should know, such as an alias that was put back.
        rng: spreads the pauses after lost races.
        pause: sleeps that many seconds.
    """

    kind = "mlflow"
    restore_hint = RESTORE

    def __init__(
        self,
        server: Server,
        model: str,
        *,
        scratch: Path,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        tell: Callable[[str], None] = lambda _: None,
        rng: random.Random | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(model, scratch, now)
        self._server = server
        self._runs = Runs(server, model, scratch, pause)
        self._ledger = Ledger(server, model, self._runs.experiment)
        self._aliases = Aliases(server, model, self._ledger, tell)
        self._manifests = Manifests(server, model, self._runs, {})
        self._publisher = Publisher(server, self._ledger, self._runs, model, scratch, now, self._same)
        self._rng = rng or random.Random()  # noqa: S311 - it only spreads pauses
        self._pause = pause

    def _view(self) -> MlflowView:
        return MlflowView(self._ledger.read(), self._manifests)

    def _view_of(self, alias: str) -> MlflowView:
        return MlflowView(self._aliases.aligned(alias), self._manifests)

    def _moved(self, alias: str) -> None:
        self._aliases.project(alias)

    def _put(self, bundle: Bundle) -> Version:
        return self._publisher.publish(bundle)

    def _same(self, identity: str) -> Version | None:
        view = self._view()
        number = view.state.identities.get(identity)
        return None if number is None or view.journal.is_removed(number) else view.load(number)

    def _append(self, follow: Callable[[MlflowView], JournalEntry]) -> JournalEntry:
        for attempt in range(_ATTEMPTS):
            view = self._view()
            entry = follow(view)
            if view.state.last == 0:
                self._ledger.begin()
            if self._ledger.append(entry):
                return entry
            self._pause(self._rng.uniform(0, 0.02 * 2 ** min(attempt, 5)))
        raise PlatformError(
            f"the journal of {self.model} is being written without pause",
            code="registry/busy",
            hint="Run again later.",
        )

    def _get(self, view: MlflowView, version: Version, file: FileEntry, target: Path) -> None:
        self._files(view, version).fetch(pages.place(file.path, version.manifest.adapter), file, target)

    def _get_all(self, view: MlflowView, version: Version, home: Path) -> None:
        """Write every file below a folder; what came is kept aside until all are there, so a broken fetch goes on."""
        files = self._files(view, version)
        with self._kept_aside(version) as kept:
            for file in version.manifest.files:
                files.fetch(pages.place(file.path, version.manifest.adapter), file, kept.path(file.digest))
            for file in version.manifest.files:
                kept.copy_out(file, home / file.path)
            shutil.rmtree(kept.folder, ignore_errors=True)

    def _files(self, view: MlflowView, version: Version) -> RunFiles:
        line = view.state.published.get(version.number)
        if line is None or line.manifest != version.digest:
            raise PlatformError(
                f"the ledger does not know this {version.name}",
                code="registry/stale-version",
                hint="Resolve it again.",
            )
        return self._runs.files(line.run)

    def _drop(self, number: int) -> None:
        """Delete the files of a version that the journal calls removed; its manifest stays, and its page says so."""
        self._runs.files(self._ledger.read().published[number].run).drop(pages.BYTES)
        with suppress(Missing), self._server.talking("mark a removed version"):
            self._server.client.set_model_version_tag(self.model, str(number), pages.STATE, "removed")

    def orphans(self) -> tuple[Orphan, ...]:
        """Return runs of publications that were cut off, and files of removed versions."""
        total, found = self._ledger.read(), []
        runs = {line.run: number for number, line in total.published.items()}
        for run in self._runs.all():
            number, files = runs.get(run.info.run_id), self._runs.files(run.info.run_id)
            if number is not None and not total.journal.is_removed(number):
                continue
            size = sum(files.sizes(pages.PARTS if number is None else pages.BYTES).values())
            if number is None or size:
                since = datetime.fromtimestamp((run.info.end_time or run.info.start_time) / 1000, UTC)
                found.append(Orphan(run.info.run_id, "draft" if number is None else "removed", size, since))
        return tuple(found)

    def discard(self, orphans: Iterable[Orphan]) -> None:
        """Delete what no version needs."""
        names = {orphan.name for orphan in orphans}
        if not names:
            return
        total = self._ledger.read()
        runs = {line.run: number for number, line in total.published.items()}
        for name in sorted(names & {run.info.run_id for run in self._runs.all()}):
            if name not in runs:
                self._runs.files(name).drop(pages.PARTS)
                self._runs.sweep(f"name = '{self.model}' AND run_id = '{name}'", [name], total.published)
            elif total.journal.is_removed(runs[name]):
                self._drop(runs[name])

    def entries(self) -> tuple[JournalEntry, ...]:
        """Return the whole journal, oldest first, every line read again and checked."""
        return tuple(self._ledger.read(anew=True).entries)

    @contextmanager
    def _kept_aside(self, version: Version) -> Iterator[Blobs]:
        """Hold what came of a version so far, for one fetch at a time."""
        from filelock import FileLock

        folder = self._scratch / f"fetch-{version.digest.removeprefix('sha256:')}"
        lock = FileLock(folder.with_suffix(".lock"))
        with disk_errors(folder):
            self._scratch.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        try:
            yield Blobs(folder, folder)
        finally:
            lock.release()
