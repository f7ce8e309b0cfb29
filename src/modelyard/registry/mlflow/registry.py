"""The mlflow registry: the ledger says which versions there are and where aliases point; runs hold the bytes.

A version exists from the ledger's line on that names it, so a publisher that is killed leaves a run or an unfinished
version in MLflow's pages, and nothing that this registry, or an alias, would hand out. The alias on the registered
model is a projection of the ledger: whoever reads it here puts it back where it differs.
"""

import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from modelyard.core.errors import DataError, PlatformError
from modelyard.core.files import disk_errors
from modelyard.records.chain import Broken
from modelyard.records.envelope import Envelope, Step
from modelyard.records.manifest import FileEntry, Manifest, Sealed
from modelyard.records.results import Evaluation
from modelyard.registry import operations
from modelyard.registry import reference as ref
from modelyard.registry.blobs import Blobs
from modelyard.registry.journal import JournalEntry, Move, State
from modelyard.registry.mlflow import pages
from modelyard.registry.mlflow.files import RunFiles, stage, write
from modelyard.registry.mlflow.ledger import Ledger, LedgerState, Published
from modelyard.registry.mlflow.server import Missing, Server, Taken
from modelyard.registry.protocol import Bundle, Orphan, Version, VersionRemoved
from modelyard.registry.records import records_of

_ATTEMPTS = 200
"""Lost races in a row before giving up; each one means that somebody else got through."""
_LOOKS = 50
_GONE = "Put the server's database back from a backup, or promote another version."


class MlflowRegistry:
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
        self.model = model
        self._server = server
        self._ledger = Ledger(server, model, self._experiment)
        self._scratch = scratch
        self._now = now
        self._tell = tell
        self._rng = rng or random.Random()  # noqa: S311 - it only spreads pauses
        self._pause = pause
        self._manifests: dict[str, Manifest] = {}
        self._uris: dict[str, str] = {}
        self._experiment_id = ""

    def publish(self, bundle: Bundle) -> Version:
        """Store a version; it becomes visible last. See ``Registry.publish``."""
        if bundle.content.model != self.model:
            raise DataError(f"a version of {bundle.content.model} cannot be published as one of {self.model}")
        adapter = bundle.content.adapter
        with self._folder() as home:
            folder = home / "artifacts"
            files = stage(bundle.files, lambda path: folder / pages.place(path, adapter))

            def read(file: FileEntry) -> bytes:
                return (folder / pages.place(file.path, adapter)).read_bytes()

            draft = operations.manifest_of(
                bundle.content, files, 1, self._now(), read
            )  # what cannot be published: no trace
            if known := self._same(draft.identity):
                self._finish(known)
                return known
            if self._ledger.read().last == 0:
                self._ledger.begin()
            try:
                number = self._store(bundle, draft, records_of(draft, read), folder)
                version = self._name(bundle, draft, number, read)
            except PlatformError:
                if known := self._same(draft.identity):  # somebody was faster, and swept this attempt away
                    return known
                raise
        self._finish(version)
        return version

    def resolve(self, reference: str) -> Version:
        """The version that a reference means. See ``Registry.resolve``."""
        match ref.parse(reference):
            case ref.ByNumber(number):
                total = self._ledger.read()
                if number not in total.published:
                    raise ref.unknown_number(number, total.numbers)
                return self._kept(total, number)
            case ref.ByDigest(prefix):
                total = self._ledger.read()
                known = [(number, line.model) for number, line in total.published.items()]
                found = [pair for pair in known if pair[1].startswith(prefix)]
                kept = [pair for pair in found if not total.state.is_removed(pair[0])]
                return self._kept(total, operations.one_of(prefix, kept or found, total.numbers))
            case ref.ByAlias(alias):
                total = self._aligned(alias)
                if alias not in total.state.aliases:
                    raise ref.unknown_alias(alias, total.state.aliases)
                return self._promised(total, total.state.aliases[alias])
            case ref.ByMoment(alias, until):
                total = self._ledger.read()
                name = operations.served(reversed(total.entries), alias, until, self._now(), total.state.aliases)
                return self._promised(total, name)

    def find(self, alias: str) -> Version | None:
        """The version that an alias points at now, if any."""
        total = self._aligned(alias)
        name = total.state.aliases.get(alias)
        return None if name is None else self._promised(total, name)

    def previous(self, alias: str) -> Version | None:
        """The version that an alias pointed at before its last move, if any."""
        total = self._ledger.read()
        name = total.state.previous.get(alias)
        return None if name is None else self._promised(total, name)

    def set_alias(
        self,
        alias: str,
        version: str,
        *,
        seen: str | None,
        actor: str,
        reason: str,
        evidence: str,
        kind: Move,
        command: str = "",
    ) -> JournalEntry:
        """Move an alias by compare-and-swap. See ``Registry.set_alias``."""
        ref.check_alias(alias)
        target = self.resolve(version)
        operations.refuse_unfounded(target, evidence=evidence, kind=kind)
        told = operations.said(actor, reason, command)
        entry = self._append(
            lambda state: operations.move(
                state, alias, target, seen=seen, kind=kind, evidence=evidence, now=self._now(), said=told
            )
        )
        self._project(alias)
        return entry

    def append(
        self, *, actor: str, reason: str, command: str = "", evaluation: Evaluation | None = None
    ) -> JournalEntry:
        """Add a note, or one look at a test set, to the journal."""
        told = operations.said(actor, reason, command)
        return self._append(lambda state: operations.note(state, now=self._now(), said=told, evaluation=evaluation))

    def remove(self, version: str, *, actor: str, reason: str, command: str = "") -> JournalEntry:
        """Remove a version's files; MLflow's page of the version stays, and says so. See ``Registry.remove``."""
        told = operations.said(actor, reason, command)
        try:
            target = self.resolve(version)
        except VersionRemoved as before:
            entry, number = before.entry, int((before.entry.to or "v0").removeprefix("v"))
        else:
            number = target.number

            def follow(state: State) -> JournalEntry:
                if state.is_removed(number):  # by somebody else, since it was looked at
                    raise operations.removed_error(target.name, reversed(self._ledger.read().entries))
                return operations.removal(state, target, now=self._now(), said=told)

            try:
                entry = self._append(follow)
            except VersionRemoved as before:
                entry = before.entry
        self._drop(number)
        return entry

    def removed(self) -> tuple[Version, ...]:
        """Every version whose bytes were removed, oldest first."""
        total = self._ledger.read()
        return tuple(self._named(total, number) for number in total.numbers if total.state.is_removed(number))

    def orphans(self) -> tuple[Orphan, ...]:
        """Runs of publications that were cut off, and files of removed versions. See ``Registry.orphans``."""
        total, found = self._ledger.read(), []
        runs = {line.run: number for number, line in total.published.items()}
        for run in self._runs():
            number, files = runs.get(run.info.run_id), self._files_of(run.info.run_id)
            if number is not None and not total.state.is_removed(number):
                continue
            size = sum(files.sizes(pages.PARTS if number is None else pages.BYTES).values())
            if number is None or size:
                since = datetime.fromtimestamp((run.info.end_time or run.info.start_time) / 1000, UTC)
                found.append(Orphan(run.info.run_id, "draft" if number is None else "removed", size, since))
        return tuple(found)

    def discard(self, orphans: Iterable[Orphan]) -> None:
        """Delete what no version needs. See ``Registry.discard``."""
        names = {orphan.name for orphan in orphans}
        if not names:
            return
        total = self._ledger.read()
        runs = {line.run: number for number, line in total.published.items()}
        for name in sorted(names & {run.info.run_id for run in self._runs()}):
            if name not in runs:
                self._files_of(name).drop(pages.PARTS)
                self._sweep(f"name = '{self.model}' AND run_id = '{name}'", [name])
            elif total.state.is_removed(runs[name]):
                self._drop(runs[name])

    def history(self, alias: str | None = None, *, newest: int | None = None) -> tuple[JournalEntry, ...]:
        """The moves of one alias or of all, oldest first. See ``Registry.history``."""
        entries = self._ledger.read().entries
        found = [entry for entry in entries if entry.alias is not None and alias in (None, entry.alias)]
        return tuple(found if newest is None else found[len(found) - min(newest, len(found)) :])

    def entries(self) -> tuple[JournalEntry, ...]:
        """The whole journal, oldest first, every line read again and checked."""
        return tuple(self._ledger.read(anew=True).entries)

    def fetch(self, version: Version, target: Path) -> None:
        """Copy a version's files into a new folder, whole or not at all. See ``Registry.fetch``.

        Each is kept in the scratch folder until all are there, so that a fetch that broke off, or whose process was
        killed, goes on where it ended: see ``mlflow_download``.
        """
        if target.exists() or target.is_symlink():
            raise PlatformError(f"{target} is there already", hint="Name a folder that does not exist yet.")
        files = self._files(version)
        with disk_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            home = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
        try:
            with self._kept_aside(version) as kept:
                for file in version.manifest.files:
                    files.fetch(pages.place(file.path, version.manifest.adapter), file, kept.path(file.digest))
                for file in version.manifest.files:
                    kept.copy_out(file, home / file.path)
                with disk_errors(target):
                    home.chmod(0o755)
                    home.rename(target)
                shutil.rmtree(kept.folder, ignore_errors=True)
        finally:
            shutil.rmtree(home, ignore_errors=True)

    def read(self, version: Version, path: str) -> bytes:
        """One file of a version, checked."""
        entry = next((file for file in version.manifest.files if file.path == path), None)
        if entry is None:
            raise PlatformError(f"{version.name} has no file {path!r}")
        with self._folder() as folder:
            place = pages.place(path, version.manifest.adapter)
            self._files(version).fetch(place, entry, folder / "file")
            return (folder / "file").read_bytes()

    def damaged(self, version: Version) -> tuple[Broken, ...]:
        """Files of a version that are missing or not what its manifest says."""
        broken = []
        for file in version.manifest.files:
            try:
                self.read(version, file.path)
            except PlatformError as error:
                broken.append(Broken(f"{version.name} {file.path}", error.message))
        return tuple(broken)

    def list(self) -> tuple[Version, ...]:
        """Every version that was not removed, oldest first."""
        total = self._ledger.read()
        return tuple(self._load(total, number) for number in total.numbers if not total.state.is_removed(number))

    # publishing, one request after the other

    def _store(self, bundle: Bundle, draft: Manifest, records: Mapping[Step, Envelope], folder: Path) -> int:
        """Make a run with everything in it, and a version of the registered model; returns the number it got."""
        import mlflow

        environment = folder / pages.place("environment.txt", draft.adapter)
        text = environment.read_text("utf-8", "replace") if environment.is_file() else ""
        write(folder, pages.around(bundle.content, draft.files, text, mlflow.__version__).items())
        for name, path in pages.reports(bundle.shown, records).items():
            shutil.copyfile(path, folder / name)
        client, tags = self._server.client, pages.version_tags(draft, records)
        with self._server.talking("make a run"):
            run = client.create_run(self._experiment(), run_name=self.model, tags=tags)
        identity, uri = run.info.run_id, run.info.artifact_uri
        self._uris[identity] = uri
        self._files_of(identity).send(folder)
        with self._server.talking("keep a version's parameters and metrics"):
            from mlflow.entities import Metric, Param

            at = int(self._now().timestamp() * 1000)
            client.log_batch(
                identity,
                metrics=[Metric(name, value, at, 0) for name, value in sorted(draft.metrics.items())],
                params=[Param(name, value) for name, value in pages.parameters(bundle.content, records).items()],
            )
            client.set_terminated(identity)
        return self._server.made(self.model, f"{uri}/{pages.MODEL}", identity, tags)

    def _name(self, bundle: Bundle, draft: Manifest, number: int, read: Callable[[FileEntry], bytes]) -> Version:
        """Make a stored version visible; the one that was visible already where somebody was faster."""
        manifest = operations.manifest_of(bundle.content, draft.files, number, self._now(), read)
        run = self._run_of(number)
        with self._folder() as folder:
            write(folder, [(_manifest_path(number), Sealed.seal(manifest).to_bytes())])
            self._files_of(run).send(folder)
        line = Published(
            number=number, run=run, model=manifest.model_digest, identity=manifest.identity, manifest=manifest.digest
        )
        if self._ledger.append(line):
            self._manifests[manifest.digest] = manifest
            return Version(manifest, manifest.digest)
        known = self._same(manifest.identity)
        if known is None:
            raise PlatformError(f"v{number} of {self.model} was published by somebody else", hint="Run again.")
        return known

    def _run_of(self, number: int) -> str:
        with self._server.talking(f"read v{number}"):
            return str(self._server.client.get_model_version(self.model, str(number)).run_id)

    def _finish(self, version: Version) -> None:
        """Mark the version in MLflow's pages, and sweep away what attempts at the same one left behind."""
        client, identity = self._server.client, version.manifest.identity
        with self._server.talking("mark a version"):
            marked = client.get_model_version(self.model, str(version.number)).tags.get(pages.STATE)
            if marked == pages.FINISHED:
                return
            client.set_model_version_tag(self.model, str(version.number), pages.STATE, pages.FINISHED)
            alike = f"name = '{self.model}' AND tags.`{pages.IDENTITY}` = '{identity}'"
            runs = client.search_runs([self._experiment()], f"tags.`{pages.IDENTITY}` = '{identity}'", max_results=100)
        known = {line.run for line in self._ledger.read().published.values()}
        with suppress(PlatformError):  # it is only tidiness, and gc finds what stays
            self._sweep(alike, [run.info.run_id for run in runs if run.info.run_id not in known])

    def _sweep(self, versions: str, runs: Iterable[str]) -> None:
        """Delete versions of the registered model that the ledger does not know, and runs."""
        client, known = self._server.client, self._ledger.read().published
        with self._server.talking("delete what an unfinished publication left"):
            for each in client.search_model_versions(versions, max_results=100):
                if int(each.version) not in known:
                    client.delete_model_version(self.model, each.version)
            for run in runs:
                client.delete_run(run)

    def _drop(self, number: int) -> None:
        """Delete the files of a version that the journal calls removed; its manifest stays, and its page says so."""
        self._files_of(self._ledger.read().published[number].run).drop(pages.BYTES)
        with suppress(Missing), self._server.talking("mark a removed version"):
            self._server.client.set_model_version_tag(self.model, str(number), pages.STATE, "removed")

    def _runs(self) -> Sequence[Any]:
        """The runs that publications made, newest first."""
        found = []
        token = None
        while True:
            with self._server.talking("list the runs of publications"):
                page = self._server.client.search_runs(
                    [self._experiment()], f"tags.`modelyard.model` = '{self.model}'", max_results=1000, page_token=token
                )
            found += [run for run in page if pages.IDENTITY in run.data.tags]
            token = page.token
            if not token:
                return found

    # reading

    def _same(self, identity: str) -> Version | None:
        total = self._ledger.read()
        number = total.identities.get(identity)
        return None if number is None or total.state.is_removed(number) else self._load(total, number)

    def _promised(self, total: LedgerState, name: str) -> Version:
        number = int(name.removeprefix("v"))
        if number not in total.published:
            raise PlatformError(f"the journal names {name}, which was never published", hint=_GONE)
        return self._kept(total, number)

    def _kept(self, total: LedgerState, number: int) -> Version:
        if total.state.is_removed(number):
            raise operations.removed_error(f"v{number}", reversed(total.entries))
        return self._load(total, number)

    def _load(self, total: LedgerState, number: int) -> Version:
        try:
            with self._server.talking(f"read v{number}"):
                self._server.client.get_model_version(self.model, str(number))
        except Missing as error:
            raise PlatformError(f"v{number} of {self.model} was deleted by hand in MLflow", hint=_GONE) from error
        return self._named(total, number)

    def _named(self, total: LedgerState, number: int) -> Version:
        line = total.published[number]
        if line.manifest not in self._manifests:
            manifest = self._files_of(line.run).manifest(_manifest_path(number), line.manifest)
            if (manifest.model, manifest.number) != (self.model, number):
                raise PlatformError(
                    f"the manifest of v{number} is that of {manifest.model} {manifest.name}", hint=_GONE
                )
            self._manifests[line.manifest] = manifest
        return Version(self._manifests[line.manifest], line.manifest)

    def _files(self, version: Version) -> RunFiles:
        total = self._ledger.read()
        if total.state.is_removed(version.number):
            raise operations.removed_error(version.name, reversed(total.entries))
        line = total.published.get(version.number)
        if line is None or line.manifest != version.digest:
            raise PlatformError(f"the ledger does not know this {version.name}", hint="Resolve it again.")
        return self._files_of(line.run)

    def _files_of(self, run: str) -> RunFiles:
        if run not in self._uris:
            try:
                with self._server.talking("read a version's run"):
                    self._uris[run] = self._server.client.get_run(run).info.artifact_uri
            except Missing as error:
                raise PlatformError("the run that holds a version's files is gone from MLflow", hint=_GONE) from error
        return RunFiles(self._server, self._uris[run], self._scratch, self._pause)

    # moving

    def _append(self, follow: Callable[[State], JournalEntry]) -> JournalEntry:
        total = self._ledger.read()
        for attempt in range(_ATTEMPTS):
            entry = follow(total.state)
            if total.last == 0:
                self._ledger.begin()
            if self._ledger.append(entry):
                return entry
            self._pause(self._rng.uniform(0, 0.02 * 2 ** min(attempt, 5)))
            total = self._ledger.read()
        raise PlatformError(f"the journal of {self.model} is being written without pause", hint="Run again later.")

    def _aligned(self, alias: str) -> LedgerState:
        """The ledger, after the alias in MLflow was seen to agree with it, or put back."""
        total = self._ledger.read()
        name = total.state.aliases.get(alias)
        if name is None or self._shown().get(alias) == name:
            return total  # an alias that the ledger does not know is somebody else's
        name = self._ledger.read().state.aliases[alias]  # a move in between is no surprise
        shown = self._shown().get(alias)
        if shown != name:
            self._put_back(alias, shown, name)
        return self._ledger.read()

    def _put_back(self, alias: str, shown: str | None, name: str) -> None:
        said = f"{alias} of {self.model} pointed at {shown or 'nothing'} in MLflow, where the journal says {name}"
        try:
            self._project(alias)
        except PlatformError as error:
            self._tell(f"{said}; it could not be put back: {error.message}")
        else:
            self._tell(f"{said}; it was put back. Promote and rollback move it, and write down who decided and why")

    def _shown(self) -> Mapping[str, str]:
        """Alias to version name, as MLflow shows them."""
        try:
            with self._server.talking(f"read {self.model}"):
                found = self._server.client.get_registered_model(self.model).aliases
        except Missing as error:
            raise PlatformError(
                f"the registered model {self.model} was deleted by hand in MLflow, its journal was not", hint=_GONE
            ) from error
        return {str(alias): f"v{number}" for alias, number in found.items()}

    def _project(self, alias: str) -> None:
        """Point MLflow's alias at what the ledger says, until both agree."""
        for _ in range(_LOOKS):
            name = self._ledger.read().state.aliases[alias]
            if self._shown().get(alias) == name:
                return
            try:
                with self._server.talking(f"point {alias} at {name}"):
                    self._server.client.set_registered_model_alias(self.model, alias, name.removeprefix("v"))
            except Missing as error:
                raise PlatformError(f"{name} of {self.model} was deleted by hand in MLflow", hint=_GONE) from error
        raise PlatformError(f"{alias} of {self.model} is being moved without pause", hint="Run again later.")

    def _experiment(self) -> str:
        """The experiment that holds the runs of this model, made where it is not there."""
        if not self._experiment_id:
            self._experiment_id = self._find_experiment()
        return self._experiment_id

    def _find_experiment(self) -> str:
        name, client = f"modelyard/{self.model}", self._server.client
        with self._server.talking(f"read the experiment {name}"):
            found = client.get_experiment_by_name(name)
        if found is None:
            try:
                with self._server.talking(f"make the experiment {name}"):
                    return str(client.create_experiment(name))
            except Taken:
                with self._server.talking(f"read the experiment {name}"):
                    found = client.get_experiment_by_name(name)
        if found is None or found.lifecycle_stage != "active":
            raise PlatformError(
                f"the experiment {name} was deleted in MLflow", hint="Restore it: mlflow experiments restore -x <id>."
            )
        return str(found.experiment_id)

    @contextmanager
    def _kept_aside(self, version: Version) -> Iterator[Blobs]:
        """What came of a version so far, for one fetch at a time."""
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

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        """A folder for one operation, gone with it."""
        with disk_errors(self._scratch):
            self._scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._scratch) as folder:
            yield Path(folder)


def _manifest_path(number: int) -> str:
    return f"manifests/v{number}.json"
