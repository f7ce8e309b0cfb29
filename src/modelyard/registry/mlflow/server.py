"""An MLflow server as the registry meets it: one client, and every failure worded once.

Credentials are read from the environment by MLflow's own client (``MLFLOW_TRACKING_USERNAME``, ``…_PASSWORD``,
``…_TOKEN``) and stand in no message. Importing the client costs seconds, so it happens with the first request.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from modelyard.core.credentials import MLFLOW, MLFLOW_USER
from modelyard.core.errors import ConfigError, PlatformError

_DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",  # nothing is told to anybody but the server that was named
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # standard output is ours, and may be JSON
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "4",  # MLflow's own 7 wait four minutes for a server that is not there
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
}
_OLDEST = (3, 0)
_NUMBERS = 100
"""Lost races for a number in a row before giving up."""
_HOW_TO_NAME = "registry: {kind: mlflow, uri: https://mlflow.example.com}, or the variable MLFLOW_TRACKING_URI."


class Missing(PlatformError):  # noqa: N818 - it says what happened
    """The server does not have it."""


class Taken(PlatformError):  # noqa: N818 - it says what happened
    """Somebody else made it first."""


def server_address(named: str, environ: Mapping[str, str]) -> str:
    """Return the address of the server that the configuration and the environment agree on.

    Raises:
        ConfigError: none, two, not an http address, or one with a password in it.
    """
    told = environ.get("MLFLOW_TRACKING_URI", "")
    found = (named or told).rstrip("/")
    if not found:
        raise ConfigError(
            "the mlflow registry needs the address of its server",
            code="mlflow/no-address",
            hint=f"Name it: {_HOW_TO_NAME}",
        )
    parts = urlsplit(found)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(
            f"{_without_user(found)[:200]!r} is not the address of an MLflow server",
            code="mlflow/bad-address",
            hint="It begins with https:// or http://. Folders and databases cannot be shared safely, so use a server.",
        )
    if parts.username or parts.password:
        raise ConfigError(
            f"the address of the MLflow server {_without_user(found)} holds a user or a password",
            code="mlflow/credentials-in-address",
            hint="Put them into MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, where nothing prints them.",
        )
    if named and told and named.rstrip("/") != told.rstrip("/"):
        raise ConfigError(
            f"registry.uri says {found}, MLFLOW_TRACKING_URI says {_without_user(told)}",
            code="mlflow/two-addresses",
            hint="Keep one of them.",
        )
    return found


def _without_user(address: str) -> str:
    return re.sub(r"//[^/]*@", "//", address)


class Server:
    """An MLflow tracking server and its model registry.

    Args:
        address: its http address.
    """

    def __init__(self, address: str) -> None:
        self.address = address

    @cached_property
    def client(self) -> Any:
        """MLflow's client, after one look at which version answers.

        Raises:
            ConfigError: MLflow's client is not installed here.
            PlatformError: the server cannot be reached, is no MLflow server, or too old.
        """
        for name, value in _DEFAULTS.items():
            os.environ.setdefault(name, value)
        try:
            from mlflow import MlflowClient
        except ImportError as error:
            raise ConfigError(
                "the mlflow registry needs MLflow's client, which is not installed here",
                code="mlflow/client-missing",
                hint="Locally: pip install 'modelyard[mlflow]'. In GitHub Actions the environment step installs it "
                "where it sees `registry: mlflow` among the action's inputs, MLFLOW_TRACKING_URI, or kind: mlflow in "
                "the checked-out configuration.",
            ) from error
        _hush()
        self._check_version()
        return MlflowClient(self.address, self.address)

    def artifacts(self, uri: str) -> Any:
        """MLflow's way to the files below an artifact URI.

        Raises:
            ConfigError: the store needs a package that is not installed.
            PlatformError: it is a folder of the server's own machine.
        """
        if urlsplit(uri).scheme in ("", "file"):
            raise PlatformError(
                f"the MLflow server at {self.address} keeps files in a folder of its own machine, which nobody else "
                "can reach",
                code="mlflow/artifacts-unreachable",
                hint="Start it so that it carries them: mlflow server --artifacts-destination …; experiments that were "
                "made before keep their place, so delete or rename those of modelyard.",
            )
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        try:
            with self.talking("look at its artifacts"):
                return get_artifact_repository(uri, self.address, self.address)
        except ImportError as error:
            raise self._needs_a_package(error) from error

    @contextmanager
    def talking(self, what: str) -> Iterator[None]:
        """Turn what MLflow's client raises into our errors; ``what`` completes "MLflow would not …"."""
        import requests

        self.client  # noqa: B018 - says what is wrong where there is none
        from mlflow.exceptions import MlflowException

        try:
            yield
        except MlflowException as error:
            raise self._worded(error, what) from error
        except requests.exceptions.HTTPError as error:  # of its artifacts, where MLflow's client words nothing
            raise self._worded(error, what) from error
        except requests.exceptions.RequestException as error:
            raise self.unreachable(error) from error

    def _needs_a_package(self, error: ImportError) -> ConfigError:
        return ConfigError(
            f"MLflow's artifact store needs the package {error.name or 'of its cloud'}, which is not installed",
            code="mlflow/package-missing",
            hint="Let the server carry the files: mlflow server --artifacts-destination …, its default.",
        )

    def made(self, name: str, source: str, run: str, tags: Mapping[str, str], about: str | None = None) -> int:
        """Make a version of a registered model; returns the number that the server gave it.

        Raises:
            PlatformError: the server would not make it, or others took every number that it tried.
        """
        for _ in range(_NUMBERS):
            try:
                with self.talking(f"write to {name}"):
                    version = self.client.create_model_version(
                        name, source, run, tags=dict(tags), description=about, await_creation_for=None
                    )
                return int(version.version)
            except Taken:  # it tried three numbers, and others were faster each time
                continue
        raise PlatformError(
            f"{name} is being written without pause in MLflow", code="registry/busy", hint="Run again later."
        )

    def _check_version(self) -> None:
        from mlflow.exceptions import MlflowException
        from mlflow.utils.credentials import get_default_host_creds
        from mlflow.utils.rest_utils import http_request

        try:
            answer = http_request(get_default_host_creds(self.address), "/version", "GET", raise_on_status=False)
        except MlflowException as error:
            raise self._worded(error, "say its version") from error
        if answer.status_code in (401, 403):
            raise self._refused(answer.status_code, "say its version")
        if answer.status_code == 429 or answer.status_code >= 500:
            raise self.unreachable(f"too many {answer.status_code}")
        found = re.fullmatch(r"(\d+)\.(\d+)[\w.+-]{0,30}", answer.text.strip()[:50]) if answer.ok else None
        if found is None:
            raise PlatformError(
                f"what answers at {self.address} is not an MLflow server (status {answer.status_code})",
                code="mlflow/not-a-server",
                hint="Check the address; a page that asks to log in also looks like this.",
            )
        if (int(found[1]), int(found[2])) < _OLDEST:
            raise PlatformError(
                f"the MLflow server at {self.address} is {found[0]}, and this needs 3.0 or newer",
                code="mlflow/server-too-old",
                hint="Upgrade the server; `mlflow db upgrade` brings its database along.",
            )

    def _worded(self, error: Any, what: str) -> PlatformError:
        text, code = str(error), str(getattr(error, "error_code", ""))
        status = re.search(r"(?:error code|status code|too many) (\d{3})|(\d{3}) (?:Client|Server) Error", text)
        number = int(status[1] or status[2]) if status else 0
        if code == "RESOURCE_DOES_NOT_EXIST" or (number == 404 and code != "ENDPOINT_NOT_FOUND"):
            return Missing(f"MLflow has no such thing: {self.harmless(text)}", code="mlflow/not-found")
        if code == "RESOURCE_ALREADY_EXISTS":
            return Taken(f"MLflow has it already: {self.harmless(text)}", code="mlflow/exists")
        if number in (401, 403) or code in ("UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED", "PERMISSION_DENIED"):
            return self._refused(403 if number == 403 or code == "PERMISSION_DENIED" else 401, what)
        if "failed with timeout exception" in text or "Read timed out" in text or "timed out" in text:
            limit = os.environ.get("MLFLOW_HTTP_REQUEST_TIMEOUT", "120")
            return PlatformError(
                f"the MLflow server at {self.address} did not answer within {limit} seconds",
                code="mlflow/timeout",
                hint="Run again: what was done stays, nothing is done twice. The limit: MLFLOW_HTTP_REQUEST_TIMEOUT.",
            )
        if "failed with exception" in text:
            return self.unreachable(error)
        return PlatformError(
            f"MLflow would not {what}: {self.harmless(text)}",
            code="mlflow/refused",
            hint="Nothing was moved. Run again, or look at the server's log.",
        )

    def _refused(self, status: int, what: str) -> PlatformError:
        user, password, token = MLFLOW_USER, *MLFLOW
        given = [name for name in (user, password, token) if os.environ.get(name)]
        if status == 403:
            return PlatformError(
                f"the MLflow server at {self.address} does not allow this account to {what} (403)",
                code="mlflow/forbidden",
                hint="Give it EDIT on the registered models <model> and <model>.journal, and on the experiment; "
                "READ is enough for everything but promote, rollback and adopt.",
            )
        if given in ([user], [password]):
            missing = password if given == [user] else user
            return PlatformError(
                f"the MLflow server at {self.address} asks for a user and a password (401); {given[0]} is set, and "
                f"{missing} is empty",
                code="mlflow/unauthorized",
                hint=f"Set {missing} too. In GitHub Actions a secret that does not exist is empty, and so is every one "
                "in a run for a pull request from a fork.",
            )
        if given:
            return PlatformError(
                f"the MLflow server at {self.address} refuses the credentials in {' and '.join(given)} (401)",
                code="mlflow/unauthorized",
                hint="Correct them where they are set; they are read from the environment alone.",
            )
        return PlatformError(
            f"the MLflow server at {self.address} asks for a user and a password (401)",
            code="mlflow/unauthorized",
            hint="Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, in the "
            "environment; in GitHub Actions from secrets, and only for the steps that use the registry.",
        )

    def unreachable(self, error: Exception | str) -> PlatformError:
        """Return the error for a server that does not answer, or answers with errors of its own."""
        text = str(error)
        why = next((said for mark, said in _REASONS if mark in text), self.harmless(text))
        return PlatformError(
            f"the MLflow server at {self.address} cannot be reached: {why}",
            code="mlflow/unreachable",
            hint="Check the address and that the server runs. Run again: what was done stays, nothing is done twice.",
        )

    def harmless(self, text: str) -> str:
        """Return what a server said, on one line, short, without credentials."""
        for name in MLFLOW:
            if value := os.environ.get(name, ""):
                text = text.replace(value, "***")
        line = " ".join(_without_user(text).split())
        return "".join(letter if letter.isprintable() else "�" for letter in line)[:300]


_REASONS = (
    ("Connection refused", "nothing listens there"),
    ("NameResolutionError", "its name is not known"),
    ("Name or service not known", "its name is not known"),
    ("CertificateError", "its certificate is not valid"),
    ("CERTIFICATE_VERIFY_FAILED", "its certificate is not trusted here"),
    ("Connection aborted", "the connection broke off"),
    ("Connection reset", "the connection broke off"),
    ("Connection broken", "the connection broke off"),
    ("Read timed out", "it stopped in the middle of an answer"),
    ("RemoteDisconnected", "the connection broke off"),
    ("too many 5", "it answers with errors of its own (5xx)"),
    ("too many 429", "it asks to slow down (429)"),
)


def _hush() -> None:
    """Keep MLflow's own progress messages out of our output."""
    import logging

    logging.getLogger("mlflow").setLevel(logging.ERROR)
