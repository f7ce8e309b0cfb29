"""The runs of one model on an MLflow server, in an experiment of their own: each holds the files of one version."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from modelyard.core.errors import PlatformError
from modelyard.registry.mlflow import pages
from modelyard.registry.mlflow.files import RunFiles
from modelyard.registry.mlflow.server import Missing, Server, Taken

RESTORE = "Put the server's database back from a backup, or promote another version."


class Runs:
    """The runs of one model.

    Args:
        server: where they are.
        model: name of the model.
        scratch: a folder for files on their way.
        pause: sleeps that many seconds.
    """

    def __init__(self, server: Server, model: str, scratch: Path, pause: Callable[[float], None]) -> None:
        self._server = server
        self._model = model
        self._scratch = scratch
        self._pause = pause
        self._uris: dict[str, str] = {}
        self._experiment_id = ""

    def files(self, run: str) -> RunFiles:
        """Return the artifacts of a run.

        Raises:
            PlatformError: the run is gone.
        """
        if run not in self._uris:
            try:
                with self._server.talking("read a version's run"):
                    self._uris[run] = self._server.client.get_run(run).info.artifact_uri
            except Missing as error:
                raise PlatformError(
                    "the run that holds a version's files is gone from MLflow",
                    code="registry/file-missing",
                    hint=RESTORE,
                ) from error
        return RunFiles(self._server, self._uris[run], self._scratch, self._pause)

    def make(self, tags: Mapping[str, str]) -> tuple[str, str]:
        """Make a run; returns its identifier and artifact URI."""
        with self._server.talking("make a run"):
            run = self._server.client.create_run(self.experiment(), run_name=self._model, tags=tags)
        self._uris[run.info.run_id] = run.info.artifact_uri
        return run.info.run_id, run.info.artifact_uri

    def all(self) -> Sequence[Any]:
        """Return the runs that publications made, newest first."""
        found = []
        token = None
        while True:
            with self._server.talking("list the runs of publications"):
                page = self._server.client.search_runs(
                    [self.experiment()], f"tags.`modelyard.model` = '{self._model}'", max_results=1000, page_token=token
                )
            found += [run for run in page if pages.IDENTITY in run.data.tags]
            token = page.token
            if not token:
                return found

    def alike(self, identity: str) -> list[str]:
        """Return the identifiers of runs that attempts to publish one thing made."""
        with self._server.talking("mark a version"):
            runs = self._server.client.search_runs(
                [self.experiment()], f"tags.`{pages.IDENTITY}` = '{identity}'", max_results=100
            )
        return [run.info.run_id for run in runs]

    def sweep(self, versions: str, runs: Iterable[str], known: Iterable[int]) -> None:
        """Delete versions of the registered model that the ledger does not know, and runs.

        Args:
            versions: the search for the versions.
            runs: identifiers of the runs.
            known: numbers of the versions that the ledger knows.
        """
        client, numbers = self._server.client, set(known)
        with self._server.talking("delete what an unfinished publication left"):
            for each in client.search_model_versions(versions, max_results=100):
                if int(each.version) not in numbers:
                    client.delete_model_version(self._model, each.version)
            for run in runs:
                client.delete_run(run)

    def experiment(self) -> str:
        """Return the experiment that holds the runs of this model, made where it is not there."""
        if not self._experiment_id:
            self._experiment_id = self._find_experiment()
        return self._experiment_id

    def _find_experiment(self) -> str:
        name, client = f"modelyard/{self._model}", self._server.client
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
                f"the experiment {name} was deleted in MLflow",
                code="mlflow/experiment-deleted",
                hint="Restore it: mlflow experiments restore -x <id>.",
            )
        return str(found.experiment_id)
