"""One artifact on its way from MLflow to the disk; where the connection breaks off, it goes on with the rest.

An MLflow server that keeps artifacts on a disk of its own hands out the part that a ``Range`` header asks for. One that
fetches them from a bucket first ignores the header and sends the whole file again, which is then begun anew; so does a
store that the client itself reads from. Either way a file that is whole is not asked for a second time.
"""

import posixpath
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from modelyard.core.errors import PlatformError
from modelyard.core.files import disk_errors
from modelyard.registry.mlflow.server import Missing, Server

RESTORE = "Put the run's artifacts back from a backup, or promote another version."
_CHUNK = 1 << 16
_IDLE = 4
"""Times in a row that a connection may break off without a byte gained."""
_RESUMED = 100


def download(
    server: Server, uri: str, path: str, target: Path, *, called: str, size: int | None, pause: Callable[[float], None]
) -> None:
    """Bring one file; what is at the target already is taken for its beginning. The caller checks the digest.

    Args:
        server: where it is.
        uri: artifact URI of its run.
        path: its place below that.
        target: where it goes.
        called: its name in messages.
        size: bytes that it has, where they are known.
        pause: sleeps that many seconds.

    Raises:
        PlatformError: it is gone, the server would not hand it out, or the connection broke off again and again; what
            came is kept.
    """
    from mlflow.store.artifact.http_artifact_repo import HttpArtifactRepository

    store: Any = server.artifacts(uri)
    try:
        if isinstance(store, HttpArtifactRepository) and not _from_a_bucket(store):
            _stream(server, store, path, target, called, size, pause)
        else:
            _copy(server, store, path, target, called)
    except Missing as error:
        raise _gone(called) from error


def _from_a_bucket(store: Any) -> bool:
    """Return whether the server sends its clients to the bucket; MLflow's own way there is in parts, with retries."""
    asks = getattr(store, "_is_multipart_download_enabled", None)
    return bool(asks and asks())


def _copy(server: Server, store: Any, path: str, target: Path, called: str) -> None:
    with disk_errors(target), tempfile.TemporaryDirectory(dir=target.parent, prefix="fetch.") as folder:
        try:
            with server.talking(f"hand out {called}"):
                found = Path(store.download_artifacts(path, folder))
        except OSError as error:
            raise _gone(called) from error
        if found.is_symlink() or not found.is_file():
            raise _gone(called)
        shutil.move(found, target)


def _stream(
    server: Server, store: Any, path: str, target: Path, called: str, size: int | None, pause: Callable[[float], None]
) -> None:
    import requests

    idle = 0
    for _ in range(_RESUMED):
        with disk_errors(target):
            have = target.stat().st_size if target.is_file() else 0
        if have and have == size:
            return
        with server.talking(f"hand out {called}"):
            answer = _rest(store, path, have)
        if answer is None:
            with disk_errors(target):
                target.unlink()  # what is there is no beginning of it
            continue
        with answer, disk_errors(target), target.open("ab" if answer.status_code == 206 else "wb") as stream:
            broke = _write(answer, stream)
            gained = stream.tell() > have
        if broke is None:
            return
        idle = 0 if gained else idle + 1
        if idle >= _IDLE:
            raise server.unreachable(broke)
        pause(2.0**idle)
    raise server.unreachable(requests.ConnectionError(f"Connection aborted, {_RESUMED} times"))


def _write(answer: Any, stream: Any) -> Exception | None:
    """Write what comes; what it broke off with, if it did."""
    import requests

    try:
        for block in answer.iter_content(_CHUNK):
            stream.write(block)
    except requests.RequestException as error:
        return error
    return None


def _rest(store: Any, path: str, have: int) -> Any:
    """Return the answer with a file from a byte on, or with all of it; None where there is nothing from there on."""
    from mlflow.utils.credentials import get_default_host_creds
    from mlflow.utils.rest_utils import augmented_raise_for_status, http_request

    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={have}-"} if have else {})}
    answer = http_request(
        get_default_host_creds(store.artifact_uri),
        posixpath.join("/", path), "GET", extra_headers=headers, stream=True,
    )  # fmt: skip
    shifted = answer.status_code == 206 and not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
    if have and (shifted or answer.status_code == 416):
        answer.close()
        return None
    augmented_raise_for_status(answer)
    return answer


def _gone(called: str) -> PlatformError:
    return PlatformError(f"{called} is gone from MLflow's artifacts", code="registry/file-missing", hint=RESTORE)
