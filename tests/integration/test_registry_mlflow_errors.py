"""What keeps the mlflow registry from its server: each has its own message and exit code, and no password in it."""

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from modelyard.core.credentials import MLFLOW_USER
from modelyard.core.errors import ConfigError, ModelyardError, PlatformError
from modelyard.registry.mlflow.registry import MlflowRegistry
from modelyard.registry.mlflow.server import Server
from tests import desk
from tests.mlflow_server import QUIET, Running, free_port, mlflow_server
from tests.registry_samples import MODEL, promote, published

ADMIN, PASSWORD = "admin", "a-long-pass-phrase"


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in QUIET.items():
        if name.startswith("MLFLOW_"):
            monkeypatch.setenv(name, value)
    for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def at(address: str, folder: Path) -> MlflowRegistry:
    return MlflowRegistry(Server(address), MODEL, scratch=folder / "scratch")


def refused(where: MlflowRegistry) -> ModelyardError:
    with pytest.raises(ModelyardError) as caught:
        where.find("champion")
    assert caught.value.hint
    return caught.value


@contextmanager
def answering(status: int, text: str) -> Iterator[str]:
    """Something on loopback that gives everybody the same answer."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    error = refused(at(address, tmp_path))
    assert (error.exit_code, error.message) == (
        4, f"the MLflow server at {address} cannot be reached: nothing listens there",
    )  # fmt: skip
    error = refused(at("http://mlflow.invalid", tmp_path))
    assert (error.exit_code, error.message) == (
        4, "the MLflow server at http://mlflow.invalid cannot be reached: its name is not known",
    )  # fmt: skip


def test_a_command_says_so_with_its_exit_code_and_no_password(tmp_path: Path) -> None:
    folder = desk.repository(tmp_path / "repository", desk.QUICK + "registry: {kind: mlflow}\n")
    unnamed = desk.modelyard(folder, "history", environ={"MLFLOW_TRACKING_URI": ""})
    assert (unnamed.code, unnamed.out) == (2, "")
    assert "the mlflow registry needs the address of its server" in unnamed.err
    address = f"http://127.0.0.1:{free_port()}"
    environ = {"MLFLOW_TRACKING_URI": address, "MLFLOW_TRACKING_USERNAME": ADMIN, "MLFLOW_TRACKING_PASSWORD": PASSWORD}
    done = desk.modelyard(folder, "run", "--promote", "--json", environ=environ)
    assert (done.code, done.json["verdict"]) == (4, "error")
    assert f"the MLflow server at {address} cannot be reached: nothing listens there" in done.err
    assert PASSWORD not in done.out + done.err


def test_a_server_that_never_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        error = refused(at(f"http://127.0.0.1:{silent.getsockname()[1]}", tmp_path))
    assert (error.exit_code, isinstance(error, PlatformError)) == (4, True)
    assert "did not answer within 1 seconds" in error.message
    assert "MLFLOW_HTTP_REQUEST_TIMEOUT" in error.hint


@pytest.mark.parametrize(
    ("status", "text", "said"),
    [
        (200, "2.22.1", "is 2.22.1, and this needs 3.0 or newer"),
        (200, "<html>log in</html>", "is not an MLflow server (status 200)"),
        (404, "nothing here", "is not an MLflow server (status 404)"),
        (401, "who are you", "asks for a user and a password (401)"),
        (403, "not you", "does not allow this account to say its version (403)"),
    ],
)
def test_what_answers_is_not_what_is_needed(tmp_path: Path, status: int, text: str, said: str) -> None:
    with answering(status, text) as address:
        error = refused(at(address, tmp_path))
    assert error.exit_code == 4
    assert said in error.message


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (500, "it answers with errors of its own (5xx)"),
        (503, "it answers with errors of its own (5xx)"),
        (429, "it asks to slow down (429)"),
    ],
)
def test_a_server_that_is_unwell_is_not_taken_for_something_else(tmp_path: Path, status: int, said: str) -> None:
    with answering(status, "oh no") as address:
        error = refused(at(address, tmp_path))
    assert (error.exit_code, error.message) == (4, f"the MLflow server at {address} cannot be reached: {said}")
    assert "Run again" in error.hint


@pytest.mark.parametrize(
    ("status", "text", "found", "hint"),
    [
        (200, "2.22.1", "is 2.22.1, and this needs 3.0 or newer", "Upgrade the server; `mlflow db upgrade`"),
        (
            401,
            "who are you",
            "asks for a user and a password (401)",
            "Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_P",
        ),
    ],
)
def test_a_command_that_only_reads_ends_with_the_same_words_and_exit_code(
    tmp_path: Path, status: int, text: str, found: str, hint: str
) -> None:
    folder = desk.repository(tmp_path / "repository", desk.QUICK + "registry: {kind: mlflow}\n")
    with answering(status, text) as address:
        done = desk.modelyard(folder, "history", environ={"MLFLOW_TRACKING_URI": address, **QUIET})
    assert (done.code, done.out) == (4, "")
    assert found in done.err
    assert hint in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("given", "missing"), [(MLFLOW_USER, "MLFLOW_TRACKING_PASSWORD"), ("MLFLOW_TRACKING_PASSWORD", MLFLOW_USER)]
)
def test_a_secret_that_came_empty_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, missing: str
) -> None:
    monkeypatch.setenv(given, "half-of-it")
    monkeypatch.setenv(missing, "")
    with answering(401, "who are you") as address:
        error = refused(at(address, tmp_path))
    assert error.exit_code == 4
    assert f"asks for a user and a password (401); {given} is set, and {missing} is empty" in error.message
    assert "a secret that does not exist is empty" in error.hint
    assert "half-of-it" not in str(error)


def test_mlflow_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name == "mlflow" or name.startswith("mlflow.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    error = refused(at("http://127.0.0.1:9", tmp_path))
    assert (error.exit_code, isinstance(error, ConfigError)) == (2, True)
    assert "MLflow's client, which is not installed here" in error.message
    assert "pip install 'modelyard[mlflow]'" in error.hint


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that asks for a user and a password, and gives new users no right to write."""
    folder = tmp_path_factory.mktemp("guarded")
    ini = folder / "auth.ini"
    ini.write_text(
        "[mlflow]\ndefault_permission = READ\n"
        f"database_uri = sqlite:///{folder}/auth.db\nadmin_username = {ADMIN}\nadmin_password = {PASSWORD}\n",
        "utf-8",
    )
    asked = ("--app-name", "basic-auth")
    with mlflow_server(
        folder, *asked, MLFLOW_AUTH_CONFIG_PATH=str(ini), MLFLOW_FLASK_SERVER_SECRET_KEY="only-for-tests"
    ) as running:
        yield running


def log_in(patch: pytest.MonkeyPatch, user: str, password: str) -> None:
    patch.setenv("MLFLOW_TRACKING_USERNAME", user)
    patch.setenv("MLFLOW_TRACKING_PASSWORD", password)


def test_a_server_that_asks_for_a_password(tmp_path: Path, guarded: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    error = refused(at(guarded.url, tmp_path))
    assert (error.exit_code, error.message) == (
        4, f"the MLflow server at {guarded.url} asks for a user and a password (401)",
    )  # fmt: skip
    assert "MLFLOW_TRACKING_PASSWORD" in error.hint
    log_in(monkeypatch, ADMIN, "not-the-pass-phrase")
    error = refused(at(guarded.url, tmp_path))
    assert error.exit_code == 4
    assert "refuses the credentials in MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD (401)" in error.message
    assert "not-the-pass-phrase" not in str(error)
    log_in(monkeypatch, ADMIN, PASSWORD)
    where = at(guarded.url, tmp_path)
    one, two = published(where, tmp_path, "one", "two")
    promote(where, one, seen=None)
    new = {"username": "reader", "password": "another-pass-phrase"}
    made = requests.post(f"{guarded.url}/api/2.0/mlflow/users/create", json=new, auth=(ADMIN, PASSWORD), timeout=60)
    assert made.ok, made.text
    log_in(monkeypatch, "reader", "another-pass-phrase")
    reader = at(guarded.url, tmp_path)
    assert reader.resolve("champion") == one
    with pytest.raises(PlatformError, match=r"does not allow this account to write to flights-late\.journal") as caught:
        promote(reader, two, seen="v1")
    assert caught.value.exit_code == 4
    assert "EDIT" in caught.value.hint
    assert [entry.to for entry in reader.history()] == ["v1"]
    log_in(monkeypatch, ADMIN, PASSWORD)
    Server(guarded.url).client.set_registered_model_alias(MODEL, "champion", "2")
    log_in(monkeypatch, "reader", "another-pass-phrase")
    said: list[str] = []
    reader = MlflowRegistry(Server(guarded.url), MODEL, scratch=tmp_path / "scratch", tell=said.append)
    assert reader.find("champion") == one
    assert len(said) == 1
    assert "pointed at v2 in MLflow, where the journal says v1; it could not be restored" in said[0]
