"""Something between a client and a server on loopback: it counts requests, and cuts connections where it is told to."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

_HOP = {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}


@dataclass
class Proxy:
    """What it was asked for, and what it is to do with answers to ``GET``."""

    url: str = ""
    ends: str = ""
    """The end of the paths that are counted and cut."""
    cuts: list[int] = field(default_factory=list)
    """Bytes of the next answers' bodies after which each is cut; what comes after these is let through."""
    deaf: bool = False
    """Whether it drops ``Range``, as a server does that knows nothing of it."""
    calls: list[tuple[str, str, int]] = field(default_factory=list)
    """Path, range and bytes of every answer that was counted."""


@contextmanager
def proxy(server: str, ends: str) -> Iterator[Proxy]:
    """Run it until the block ends."""
    told = Proxy(ends=ends)

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            kept = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
            wanted = kept.get("Range", "")
            if told.deaf:
                kept.pop("Range", None)
            found = requests.request(
                self.command, server + self.path, headers=kept, data=self.rfile.read(size), timeout=60,
                allow_redirects=False,
            )  # fmt: skip
            counted = self.command == "GET" and self.path.endswith(told.ends)
            cut = told.cuts.pop(0) if counted and told.cuts else len(found.content)
            if counted:
                told.calls.append((self.path.rpartition("/")[2], wanted, min(cut, len(found.content))))
            self.send_response(found.status_code)
            for name, value in found.headers.items():
                if name.lower() not in _HOP | {"content-encoding"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(found.content)))
            self.end_headers()
            self.wfile.write(found.content[:cut])

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815 - the names that are looked for

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        told.url = f"http://127.0.0.1:{running.server_port}"
        yield told
        running.shutdown()
