"""Real servers of objects on loopback, started and stopped by the tests: S3 by versitygw, Google's by its emulator."""

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

TOOLS = Path(__file__).parents[1] / ".tools"
KEY, SECRET = "modelyardtest", "sesame-sesame-sesame"
"""The one account of the S3 server."""


@dataclass(frozen=True)
class S3Server:
    """A running server: its address, and the folder that holds its buckets."""

    url: str
    folder: Path

    @property
    def variables(self) -> Mapping[str, str]:
        """Return what the ecosystem's tools are told of it."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
        }

    def bucket(self, name: str, *, client: Mapping[str, Any] | None = None) -> Any:
        """Return a client of a bucket of its own, which is made where it is not there."""
        from obstore.store import S3Store

        (self.folder / name).mkdir(exist_ok=True)
        config: Any = {"endpoint": self.url, "access_key_id": KEY, "secret_access_key": SECRET, "region": "us-east-1"}
        options: Any = {"allow_http": True, **(client or {})}
        return S3Store(name, config=config, client_options=options)


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def program(name: str) -> str:
    """Return a program that ``tools/parts`` builds."""
    found = shutil.which(str(TOOLS / name))
    if found is None:
        pytest.fail(f"{name} is missing: run tools/parts")
    return found


@contextmanager
def running(command: list[str], url: str, environ: Mapping[str, str], log: Path) -> Iterator[None]:
    """Run a server until the block ends; it answers anything by then."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(log.parent), **environ}
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.STDOUT, cwd=log.parent)
        try:
            _wait(process, url, log)
            yield
        finally:
            process.terminate()
            process.wait(10)


def _wait(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end and process.poll() is None:
        try:
            requests.get(url, timeout=2)
        except requests.RequestException:
            time.sleep(0.02)
        else:
            return
    pytest.fail(f"{process.args!r} did not start: {log.read_text('utf-8', 'replace')[-500:]}")


@contextmanager
def s3_server(folder: Path) -> Iterator[S3Server]:
    """Start versitygw, whose buckets are folders."""
    (folder / "buckets").mkdir(parents=True)
    url = f"http://127.0.0.1:{free_port()}"
    command = [program("versitygw"), "--port", url.removeprefix("http://"), "posix", str(folder / "buckets")]
    account = {"ROOT_ACCESS_KEY": KEY, "ROOT_SECRET_KEY": SECRET}
    with running(command, url, account, folder / "versitygw.log"):
        yield S3Server(url, folder / "buckets")


@contextmanager
def gcs_server(folder: Path) -> Iterator[str]:
    """Start the emulator of Google Cloud Storage; its address."""
    (folder / "data").mkdir(parents=True)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [
        program("fake-gcs-server"), "-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-backend", "memory",
        "-public-host", f"127.0.0.1:{port}", "-external-url", url, "-data", str(folder / "data"),
    ]  # fmt: skip
    with running(command, f"{url}/storage/v1/b", {}, folder / "gcs.log"):
        yield url


@dataclass(frozen=True)
class Asked:
    """A request as a door saw it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class Given:
    """An answer that a door gives of its own; cut ends the connection after so many bytes of the body."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None


@dataclass
class Door:
    """A server on loopback that answers as it is told, and else asks the server behind it, if there is one.

    Attributes:
        url: its address.
        meet: what it answers to a request; None passes it on.
        asked: every request, in order.
        hold: while this is not set, an answer of ``meet`` with status 0 waits; so a client's patience can be tried.
    """

    url: str = ""
    meet: Callable[[Asked], Given | None] = lambda _: None
    asked: list[Asked] = field(default_factory=list)
    hold: threading.Event = field(default_factory=threading.Event)

    def count(self, method: str) -> int:
        """Return how many requests were of a method."""
        return sum(each.method == method for each in self.asked)


def always(given: Given) -> Callable[[Asked], Given]:
    """Return what answers every request so."""
    return lambda _: given


_HOP = {"connection", "content-length", "keep-alive", "transfer-encoding"}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    door: Door
    behind: str
    keep_host: bool

    def handle_any(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = Asked(self.command, self.path, dict(self.headers.items()), data)
        self.door.asked.append(asked)
        found = self.door.meet(asked)
        if found is not None and found.status == 0:
            self.door.hold.wait(30)
            self.close_connection = True
            return
        self.give(found or self.passed_on(data))

    def passed_on(self, data: bytes) -> Given:
        if not self.behind:
            return Given(404)
        left_out = _HOP if self.keep_host else {*_HOP, "host"}
        kept = {name: value for name, value in self.headers.items() if name.lower() not in left_out}
        answer = requests.request(
            self.command, self.behind + self.path, headers=kept, data=data, timeout=60, allow_redirects=False
        )
        return Given(answer.status_code, answer.content, answer.headers)

    def give(self, found: Given) -> None:
        self.send_response(found.status)
        size = str(len(found.body))
        for name, value in found.headers.items():
            if name.lower() == "content-length" and self.command == "HEAD":
                size = value
            elif name.lower() not in _HOP | {"content-encoding"}:
                self.send_header(name, value)
        self.send_header("Content-Length", size)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(found.body[: found.cut])
        self.close_connection |= found.cut is not None

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815 - the names that are looked for

    def log_message(self, *_: object) -> None: ...


class _Server(ThreadingHTTPServer):
    daemon_threads = True


@contextmanager
def door(behind: str = "", *, keep_host: bool = True) -> Iterator[Door]:
    """Run it until the block ends; a signature covers the host, so it is passed on, unless the server minds."""
    told = Door()
    handler = type("Handler", (_Handler,), {"door": told, "behind": behind, "keep_host": keep_host})
    with _Server(("127.0.0.1", 0), handler) as opened:
        threading.Thread(target=opened.serve_forever, args=(0.01,), daemon=True).start()
        told.url = f"http://127.0.0.1:{opened.server_port}"
        try:
            yield told
        finally:
            told.hold.set()
            opened.shutdown()
