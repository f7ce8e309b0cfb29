"""A real MLflow server on loopback, with SQLite and its own artifact store: started by tests, and ended by them."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "PYTHONWARNINGS": "ignore",
}


@dataclass(frozen=True)
class Running:
    """A server's address and the folder with its database and files."""

    url: str
    folder: Path

    @property
    def database(self) -> Path:
        """Its SQLite file."""
        return self.folder / "mlflow.db"

    @property
    def files(self) -> Path:
        """Where it keeps artifacts."""
        return self.folder / "artifacts"

    def forget(self, model: str) -> None:
        """Delete a model with its journal, so that the next test begins with nothing."""
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException

        client = MlflowClient(self.url, self.url)
        for name in (model, f"{model}.journal"):
            with suppress(MlflowException):
                client.delete_registered_model(name)


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def mlflow_server(folder: Path, *options: str, workers: int = 1, **environ: str) -> Iterator[Running]:
    """Run ``mlflow server`` until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += [
        "--backend-store-uri",
        f"sqlite:///{folder}/mlflow.db",
        "--artifacts-destination",
        str(folder / "artifacts"),
    ]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    process = subprocess.Popen(
        [*command, "--workers", str(workers), *options], cwd=folder, env={**kept, **QUIET, **environ},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        said = _until_ready(process.stdout)
        assert process.poll() is None, said
        threading.Thread(target=_drain, args=(process.stdout,), daemon=True).start()
        yield Running(f"http://127.0.0.1:{port}", folder)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)
        process.stdout.close()


def _until_ready(stream: IO[str]) -> str:
    said = ""
    for line in stream:
        said += line
        if "Application startup complete" in line or "Listening at" in line:
            return said
    pytest.fail(f"the MLflow server ended before it was ready:\n{said}", pytrace=False)


def _drain(stream: IO[str]) -> None:
    with suppress(ValueError):  # closed at the end
        for _ in stream:
            pass
