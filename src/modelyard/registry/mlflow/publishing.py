"""Publish a version to MLflow: a run with its files, a version of the registered model, and the line that counts."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from modelyard.core.errors import PlatformError
from modelyard.records.envelope import Envelope, Step
from modelyard.records.manifest import FileEntry, Manifest, Sealed
from modelyard.registry import operations
from modelyard.registry.base import working_folder
from modelyard.registry.mlflow import pages
from modelyard.registry.mlflow.files import stage, write
from modelyard.registry.mlflow.ledger import Ledger, Published
from modelyard.registry.mlflow.runs import Runs
from modelyard.registry.mlflow.server import Server
from modelyard.registry.protocol import Bundle, Version
from modelyard.registry.records import records_of


@dataclass
class Publisher:
    """Publications of one model. ``same`` finds a version by its identity."""

    server: Server
    ledger: Ledger
    runs: Runs
    model: str
    scratch: Path
    now: Callable[[], datetime]
    same: Callable[[str], Version | None]

    def publish(self, bundle: Bundle) -> Version:
        """Store a version, visible last, or return the same one that is there already."""
        adapter = bundle.content.adapter
        with working_folder(self.scratch) as home:
            folder = home / "artifacts"
            files = stage(bundle.files, lambda path: folder / pages.place(path, adapter))

            def read(file: FileEntry) -> bytes:
                return (folder / pages.place(file.path, adapter)).read_bytes()

            draft = operations.manifest_of(
                bundle.content, files, 1, self.now(), read
            )  # what cannot be published: no trace
            if known := self.same(draft.identity):
                self.finish(known)
                return known
            if self.ledger.read().last == 0:
                self.ledger.begin()
            try:
                number = self.store(bundle, draft, records_of(draft, read), folder)
                version = self._name(bundle, draft, number, read)
            except PlatformError:
                if known := self.same(draft.identity):  # somebody was faster, and swept this attempt away
                    return known
                raise
        self.finish(version)
        return version

    def store(self, bundle: Bundle, draft: Manifest, records: Mapping[Step, Envelope], folder: Path) -> int:
        """Make a run with everything in it, and a version of the registered model; returns the number it got."""
        import mlflow

        environment = folder / pages.place("environment.txt", draft.adapter)
        text = environment.read_text("utf-8", "replace") if environment.is_file() else ""
        write(folder, pages.around(bundle.content, draft.files, text, mlflow.__version__).items())
        write(folder, pages.reports(records).items())
        client, tags = self.server.client, pages.version_tags(draft, records)
        identity, uri = self.runs.make(tags)
        self.runs.files(identity).send(folder)
        with self.server.talking("keep a version's parameters and metrics"):
            from mlflow.entities import Metric, Param

            at = int(self.now().timestamp() * 1000)
            client.log_batch(
                identity,
                metrics=[Metric(name, value, at, 0) for name, value in sorted(draft.metrics.items())],
                params=[Param(name, value) for name, value in pages.parameters(bundle.content, records).items()],
            )
            client.set_terminated(identity)
        return self.server.made(self.model, f"{uri}/{pages.MODEL}", identity, tags)

    def _name(self, bundle: Bundle, draft: Manifest, number: int, read: Callable[[FileEntry], bytes]) -> Version:
        """Make a stored version visible; the one that was visible already where somebody was faster."""
        manifest = operations.manifest_of(bundle.content, draft.files, number, self.now(), read)
        run = self._run_of(number)
        with working_folder(self.scratch) as folder:
            write(folder, [(pages.manifest_path(number), Sealed.seal(manifest).to_bytes())])
            self.runs.files(run).send(folder)
        line = Published(
            number=number, run=run, model=manifest.model_digest, identity=manifest.identity, manifest=manifest.digest
        )
        if self.ledger.append(line):
            return Version(manifest, manifest.digest)
        known = self.same(manifest.identity)
        if known is None:
            raise PlatformError(
                f"v{number} of {self.model} was published by somebody else", code="registry/busy", hint="Run again."
            )
        return known

    def _run_of(self, number: int) -> str:
        with self.server.talking(f"read v{number}"):
            return str(self.server.client.get_model_version(self.model, str(number)).run_id)

    def finish(self, version: Version) -> None:
        """Mark the version in MLflow's pages, and sweep away what attempts at the same one left behind."""
        client, identity = self.server.client, version.manifest.identity
        with self.server.talking("mark a version"):
            marked = client.get_model_version(self.model, str(version.number)).tags.get(pages.STATE)
            if marked == pages.FINISHED:
                return
            client.set_model_version_tag(self.model, str(version.number), pages.STATE, pages.FINISHED)
        alike = f"name = '{self.model}' AND tags.`{pages.IDENTITY}` = '{identity}'"
        runs = self.runs.alike(identity)
        published = self.ledger.read().published
        known = {line.run for line in published.values()}
        with suppress(PlatformError):  # it is only tidiness, and gc finds what stays
            self.runs.sweep(alike, [run for run in runs if run not in known], published)
