"""Tables of SQLite and PostgreSQL, of which every day in UTC is a piece.

A table is never written to, and no name or value of the configuration becomes part of a statement unquoted.
"""

import importlib
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import SplitResult, quote, unquote, urlsplit
from uuid import UUID

from modelyard.core.errors import ConfigError, DataError, ModelyardError, PlatformError
from modelyard.core.files import sha256_bytes
from modelyard.data.reading import require_columns
from modelyard.log.checks import together
from modelyard.log.layouts import Layout, as_series
from modelyard.log.source import Address, LogSource, Part, Piece, Want

if TYPE_CHECKING:
    import polars as pl

_SECRET = re.compile(r"(?<=://)[^/@]*@|(?<=\?)[^#]*")
_FETCH = 50_000
_EXAMPLE = "Example: sqlite:///served.db#predictions"


class Dialect(Protocol):
    """What two databases do differently."""

    @property
    def mark(self) -> str:
        """Return what stands for a value in a statement."""

    @property
    def errors(self) -> type[Exception]:
        """Return what its driver raises."""

    def connect(self) -> Any:
        """Return a connection that only reads, by PEP 249."""

    def cursor(self, connection: Any) -> Any:
        """Return a cursor that fetches rows as they are asked for."""

    def quoted(self, name: str) -> str:
        """Return a name as it stands in a statement."""


@dataclass(frozen=True)
class Table:
    """A table of one layout.

    Attributes:
        name: its address, as it is named in the configuration.
        table: its name, with its schema before it where there is one.
        dialect: of its database.
        layout: what its columns are.
    """

    name: str
    table: tuple[str, ...]
    dialect: Dialect
    layout: Layout

    def pieces(self) -> list[Piece]:
        """List the days with rows."""
        days: dict[str, Any] = {}
        with self._connected() as connection:
            there = self._columns(connection)
            # SQLite takes a column that is not there for text.
            require_columns(
                there, dict.fromkeys([*(self.layout.wanted(None) or ()), self.layout.id], "columns"), self.name
            )
            name = self.layout.time_in(there, self.name)
            time = self.dialect.quoted(name)
            missing = next(
                self._rows(connection, _joined("SELECT COUNT(*) AS n FROM", self._from, "WHERE", time, "IS NULL"))
            )
            if missing["n"][0]:
                raise DataError(
                    f"{self.name}: {missing['n'][0]:,} rows without a time",
                    code="log/missing-value",
                    hint="Every prediction needs an id, a time and a model: fix what writes the log.",
                )
            last = None
            for frame in self._rows(connection, _joined("SELECT", time, "AS t FROM", self._from, "ORDER BY", time)):
                moments = self.layout.moments(frame["t"])
                if not moments.is_sorted() or (last is not None and len(moments) and moments[0] < last):
                    raise DataError(
                        f"{self.name}: times whose order as they are stored is not theirs",
                        code="log/unordered-times",
                        hint="Write all times in one form, best in UTC, in a column of timestamps.",
                    )
                last = moments[-1] if len(moments) else last
                by_day = frame.select("t", day=moments.dt.date()).unique("day", keep="first", maintain_order=True)
                for first, day in by_day.iter_rows():
                    days.setdefault(str(day), first)
        starts = list(days.items())
        ends = [first for _, first in starts[1:]]
        return [
            Piece(day, None, (name, first, end))
            for (day, first), end in zip(starts, [*ends, None], strict=bool(starts))
        ]

    def read(self, piece: Piece, want: Want) -> Part:
        """Read the rows of a day."""
        import polars as pl

        name, first, end = piece.at
        quoted, mark = self.dialect.quoted, self.dialect.mark
        wanted = self.layout.wanted(want.only)
        columns = "*" if wanted is None else ", ".join(map(quoted, wanted))
        before = () if end is None else ("AND", quoted(name), "<", mark)
        order = f"{quoted(name)}, {quoted(self.layout.id)}"
        statement = _joined(
            "SELECT", columns, "FROM", self._from, "WHERE", quoted(name), ">=", mark, *before, "ORDER BY", order
        )
        with self._connected() as connection:
            frame = together(list(self._rows(connection, statement, (first,) if end is None else (first, end))))
        frame = frame[want.after :] if want.rows is None else frame[want.after : want.rows]
        digest = sha256_bytes(frame.write_ndjson().encode()) if want.digest else ""
        nothing = pl.DataFrame()
        found = self.layout.rows(frame, f"{self.name} of {piece.name}") if len(frame) else (nothing, nothing, 0)
        return Part(piece.name, found[0], found[1], len(frame), failed=found[2], digest=digest)

    @property
    def _from(self) -> str:
        return ".".join(map(self.dialect.quoted, self.table))

    def _columns(self, connection: Any) -> list[str]:
        return next(self._rows(connection, _joined("SELECT * FROM", self._from, "LIMIT 1"))).columns

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        try:
            with closing(self.dialect.connect()) as connection:
                yield connection
        except ModelyardError:
            raise
        except Exception as error:
            if not isinstance(error, self.dialect.errors):
                raise
            told = str(error).strip().partition("\n")[0][:200]
            raise DataError(
                f"{self.name}: {told}",
                code="log/database",
                hint="Check the address, the table, and the names of columns under monitor.log.",
            ) from error

    def _rows(self, connection: Any, statement: str, values: Sequence[Any] = ()) -> "Iterator[pl.DataFrame]":
        """Yield what a statement gives, many rows at a time; at least one frame, which may be empty."""
        import polars as pl

        with closing(self.dialect.cursor(connection)) as cursor:
            cursor.execute(statement, values)
            first = True
            while True:
                rows = cursor.fetchmany(_FETCH)
                names = [each[0] for each in cursor.description]
                if not rows and not first:
                    return
                columns = zip(*rows, strict=True) if rows else ([] for _ in names)
                yield pl.DataFrame(
                    [as_series(name, _plain(values)) for name, values in zip(names, columns, strict=True)]
                )
                first = False


def _joined(*parts: str) -> str:
    """Return a statement of constants, marks and quoted names."""
    return " ".join(parts)


def _plain(values: Sequence[Any]) -> list[Any]:
    return [
        (int(value) if value == value.to_integral_value() else float(value)) if isinstance(value, Decimal)
        else str(value) if isinstance(value, UUID)
        else value
        for value in values
    ]  # fmt: skip


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True)
class Sqlite:
    """A file of SQLite, by the standard library."""

    path: Path
    mark: str = "?"
    errors: type[Exception] = sqlite3.Error

    def connect(self) -> Any:
        """Open the file to read it."""
        if not self.path.is_file():
            raise DataError(f"{self.path}: no such file", code="log/no-file", hint=f"Check the path. {_EXAMPLE}")
        return sqlite3.connect(f"file:{quote(str(self.path))}?mode=ro", uri=True, timeout=30)

    def cursor(self, connection: Any) -> Any:
        """Return a cursor; SQLite reads as rows are fetched."""
        return connection.cursor()

    def quoted(self, name: str) -> str:
        """Return a name in quotes."""
        return _quoted(name)


@dataclass(frozen=True)
class Postgresql:
    """A database of PostgreSQL, by psycopg; user and password are libpq's: PGUSER, PGPASSWORD, PGPASSFILE.

    Attributes:
        where: host, port and database, where the address names them; else PGHOST, PGPORT and PGDATABASE count.
    """

    where: Mapping[str, str | int]
    mark: str = "%s"

    @property
    def errors(self) -> type[Exception]:
        """Return psycopg's."""
        return cast("type[Exception]", _psycopg().Error)

    def connect(self) -> Any:
        """Connect to read."""
        options = "-c default_transaction_read_only=on -c timezone=UTC"
        try:
            return _psycopg().connect(**self.where, options=options, connect_timeout=30)
        except self.errors as error:
            told = str(error).strip().partition("\n")[0][:200]
            raise PlatformError(
                f"PostgreSQL: {told}",
                code="log/unreachable",
                hint="Check the address under monitor.log.source, and PGUSER and PGPASSWORD.",
            ) from error

    def cursor(self, connection: Any) -> Any:
        """Return a cursor of the server, which keeps what is not fetched yet."""
        return connection.cursor(name="modelyard")

    def quoted(self, name: str) -> str:
        """Return a name in quotes, whose per cent signs are no marks."""
        return _quoted(name).replace("%", "%%")


def _psycopg() -> Any:
    try:
        return importlib.import_module("psycopg")
    except ImportError as error:
        raise ConfigError(
            "a log in PostgreSQL needs the package psycopg, which is not installed",
            code="log/no-driver",
            hint="pip install 'modelyard[postgresql]'",
        ) from error


def _address(address: Address) -> tuple[SplitResult, tuple[str, ...], Layout]:
    parts = urlsplit(address.source)
    shown = _SECRET.sub("…", address.source)[:200]
    if "@" in parts.netloc or parts.query:
        raise ConfigError(
            f"{shown}: an address with a user, a password or options",
            code="log/credentials-in-address",
            hint="Set PGUSER and PGPASSWORD in the environment, and leave them out of the configuration.",
        )
    table = tuple(unquote(part) for part in parts.fragment.split(".")) if parts.fragment else ()
    if not 1 <= len(table) <= 2 or not all(table) or "\0" in "".join(table):
        raise ConfigError(f"{shown} names no table", code="log/bad-address", hint=f"{_EXAMPLE}.")
    if address.layout is None:
        raise ConfigError(
            f"{shown}: a table without columns",
            code="log/missing-field",
            hint="Say under columns which column is id, time, prediction, or columns: inference-table.",
        )
    return parts, table, address.layout


class SqliteKind:
    """``sqlite:///served.db#predictions``: a path from the configuration's folder; with four slashes from the root."""

    name = "sqlite"

    def open(self, address: Address) -> LogSource:
        """Return the table of a file."""
        parts, table, layout = _address(address)
        path = unquote(parts.path.removeprefix("/"))
        if parts.netloc or not path:
            raise ConfigError(f"{address.source:.200} names no file", code="log/bad-address", hint=f"{_EXAMPLE}.")
        return Table(address.source, table, Sqlite(address.root / path), layout)


class PostgresqlKind:
    """``postgresql://host:5432/database#schema.table``; what it leaves out, libpq's variables say."""

    name = "postgresql"

    def open(self, address: Address) -> LogSource:
        """Return a table of a server."""
        parts, table, layout = _address(address)
        try:
            port = parts.port
        except ValueError as error:
            raise ConfigError(
                f"{address.source:.200}: a port that is none", code="log/bad-address", hint="Example: 5432."
            ) from error
        given = {"host": parts.hostname, "port": port, "dbname": unquote(parts.path.removeprefix("/"))}
        where = {name: value for name, value in given.items() if value}
        return Table(address.source, table, Postgresql(where), layout)


SQLITE = SqliteKind()
POSTGRESQL = PostgresqlKind()
