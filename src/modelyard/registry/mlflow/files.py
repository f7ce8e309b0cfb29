"""A version's files as artifacts of an MLflow run: copied aside and digested, sent, and checked when they come back."""

import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from modelyard.core.errors import DataError, PlatformError
from modelyard.core.files import disk_errors
from modelyard.records.manifest import FileEntry, Manifest, Sealed, why
from modelyard.registry.blobs import copy, plain_file
from modelyard.registry.downloads import resume
from modelyard.registry.mlflow.download import RESTORE, download
from modelyard.registry.mlflow.server import Server


def stage(files: Mapping[str, Path], target: Callable[[str], Path]) -> tuple[FileEntry, ...]:
    """Copy files aside, so that what is sent is what was digested.

    Args:
        files: path in the version to the file.
        target: where each is copied to.

    Raises:
        DataError: one is a link, or cannot be read or published.
        PlatformError: the disk would not take it.
    """
    found = []
    for path, source in sorted(files.items()):
        home = target(path)
        with disk_errors(home), plain_file(path, source) as stream:
            home.parent.mkdir(parents=True, exist_ok=True)
            with home.open("xb") as out:
                digest, size = copy(stream, out)
        try:
            found.append(FileEntry(path=path, digest=digest, size=size))
        except ValueError as error:
            raise DataError(f"{path!r} cannot be published: {why(error)}", code="registry/bad-file") from error
    return tuple(found)


class RunFiles:
    """The artifacts of one run.

    Args:
        server: where it is.
        uri: the run's artifact URI.
        scratch: a folder for what is on its way.
        pause: sleeps that many seconds before a download that broke off goes on.
    """

    def __init__(self, server: Server, uri: str, scratch: Path, pause: Callable[[float], None]) -> None:
        self._server = server
        self._uri = uri
        self._scratch = scratch
        self._pause = pause

    def send(self, folder: Path) -> None:
        """Upload everything below a folder.

        Raises:
            PlatformError: the server would not take it.
        """
        store: Any = self._server.artifacts(self._uri)
        with self._server.talking("take the version's files"):
            store.log_artifacts(str(folder))

    def fetch(self, path: str, file: FileEntry, target: Path) -> None:
        """Bring one file to its place, once it is what the manifest says; what came of it before is gone on with.

        Raises:
            PlatformError: missing or damaged, or the server or the disk would not do it.
        """
        found = resume(target, file.digest, lambda partial: self._bring(path, partial, file.path, file.size))
        if found != file.digest:
            raise PlatformError(
                f"{file.path} was changed in MLflow: the manifest says {file.digest}, its content is {found}",
                code="registry/file-damaged",
                hint=RESTORE,
            )

    def sizes(self, parts: Iterable[str]) -> dict[str, int]:
        """Return path to size in bytes, of every file in or below the named parts."""
        store: Any = self._server.artifacts(self._uri)
        found: dict[str, int] = {}
        with self._server.talking("list a run's files"):
            waiting = [each for each in store.list_artifacts() if each.path in set(parts)]
            while waiting:
                each = waiting.pop()
                if each.is_dir:
                    waiting += store.list_artifacts(each.path)
                else:
                    found[each.path] = each.file_size or 0
        return found

    def drop(self, parts: Iterable[str]) -> None:
        """Delete the named parts, those that are there.

        Raises:
            PlatformError: the server would not do it.
        """
        store: Any = self._server.artifacts(self._uri)
        with self._server.talking("delete a version's files"):
            for each in store.list_artifacts():
                if each.path in set(parts):
                    store.delete_artifacts(each.path)

    def manifest(self, path: str, digest: str) -> Manifest:
        """Return the manifest with a digest.

        Raises:
            PlatformError: missing, or another one.
        """
        with disk_errors(self._scratch):
            self._scratch.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(dir=self._scratch, prefix="fetch."))
        try:
            self._bring(path, folder / "manifest", path, None)
            sealed = Sealed.from_bytes((folder / "manifest").read_bytes())
            if sealed.digest != digest:
                raise ValueError(f"its digest is {sealed.digest}, the ledger says {digest}")
        except ValueError as error:
            raise PlatformError(
                f"{path} in MLflow is not the version's manifest: {why(error)}",
                code="registry/bad-manifest",
                hint=RESTORE,
            ) from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return sealed.manifest

    def _bring(self, path: str, target: Path, called: str, size: int | None) -> None:
        download(self._server, self._uri, path, target, called=called, size=size, pause=self._pause)


def write(folder: Path, made: Iterable[tuple[str, bytes]]) -> None:
    """Write small files below a folder."""
    for path, data in made:
        home = folder / path
        with disk_errors(home):
            home.parent.mkdir(parents=True, exist_ok=True)
            home.write_bytes(data)
